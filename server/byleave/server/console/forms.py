"""What a form holds: the values that were sent, and what is wrong with them.

Nothing that somebody typed is lost after an error. `templates/forms.html` draws the fields, each
fault beside its field, and a summary with links on top.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(slots=True)
class Form:
    """The values of a form by field, and the faults of each.

    Attributes:
        values: What was sent, or what the fields hold at first.
        faults: What is wrong, by field: texts of ours to be translated, which templates take for
            sound HTML, so nothing that somebody wrote may be in them.
        details: What is wrong in particular, by field, which may quote what somebody wrote.
    """

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)

    @classmethod
    def holding(cls, **values: str) -> Self:
        """Return a form whose fields hold these values."""
        return cls({name: (value,) for name, value in values.items()})

    def value(self, name: str) -> str:
        """Return what a field holds; an empty text when it was not sent."""
        return next(iter(self.values.get(name, ())), "").strip()

    def chosen(self, name: str, options: Sequence[str], *, fault: str) -> str:
        """Return which of some options a field holds; another value is a fault of it."""
        value = self.value(name)
        if value not in options:
            self.faults[name] = fault
        return value

    def fault(self, name: str) -> str:
        """Return what is wrong with a field; an empty text when nothing is."""
        return self.faults.get(name, "")

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def json_in(text: str) -> Any:
    """Return what a text says as JSON, where it can be kept and written as JSON again.

    Raises:
        ValueError: It cannot, or is no JSON.
    """
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def own_path(path: str, *, instead: str) -> str:
    """Return a path of this server to go to; `instead` for anything that leads elsewhere."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_own else instead
