"""Names: what authors may call attributes, segments, experiments and all else."""

import re
from typing import Final

#: What is wrong with a name that is not one.
NAME_RULE: Final = "names are lower-case letters, digits, dots, hyphens and underscores, at most 64"

#: The pattern of a whole name.
NAME: Final = r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?"

_NAME: Final = re.compile(NAME)


def is_name(text: str) -> bool:
    """Return whether a text can be a name."""
    return _NAME.fullmatch(text) is not None
