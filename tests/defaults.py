"""What is left out of a definition: is it something that an author could have written?"""

from dataclasses import MISSING, fields
from typing import Any

from byleave.segments import Reader, plain
from byleave.segments.reading import type_hints


def reread(kind: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the defaults of a kind of definition by field, and what reading them comes to."""
    reader, given, found = Reader(), {}, {}
    for each in fields(kind):
        default = each.default if each.default_factory is MISSING else each.default_factory()
        if default is not MISSING:
            hint = type_hints(kind)[each.name]
            given[each.name] = default
            found[each.name] = reader.read(hint, plain(default), (each.name,))
    assert reader.faults == []
    return given, found
