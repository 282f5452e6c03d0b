"""Definitions of the store that cannot be used are set aside alone; the others work on.

What is published was checked. But a store can be written by others, restored from elsewhere, or
be older than a rule of this version; none of this may keep a server from starting.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from byleave.experiments import Definitions
from byleave.experiments.checking import check
from byleave.segments import DefinitionError, Fault, Path, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What can be used of a set of definitions.

    Attributes:
        definitions: What can be used.
        aside: What cannot, and why, by its place, such as `experiments.welcome`.
    """

    definitions: Definitions
    aside: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=4)
def sound(text: str) -> Sound | None:
    """Return what can be used of the definitions that a text holds; None for nothing of them.

    Everything has the order that it has for whoever reads canonical JSON. It is remembered: new
    weights are published far more often than new definitions.

    What has a fault is left out, then what needs it, until none is left.
    """
    try:
        data = json.loads(json.dumps(json.loads(text), sort_keys=True))
    except (ValueError, RecursionError):
        return None
    aside: dict[str, str] = {}
    while True:
        try:
            definitions = read(Definitions, data)
            faults: Iterable[Fault] = check(definitions)
        except DefinitionError as error:
            faults = error.faults
        except RecursionError:
            return None
        else:
            if not faults:
                return Sound(definitions=definitions, aside=aside)
        removed = {}
        for fault in faults:
            place = _removed(data, fault.path)
            if place is not None:
                removed[place] = fault.message
        if not removed:
            return None
        aside |= removed


def _removed(data: Any, path: Path) -> str | None:
    """Take out the object that a fault is in; return its place, None where nothing can go."""
    if not path or not isinstance(data, dict):
        return None
    key, *rest = path
    if key not in data or key == "site":
        return None
    section = data[key]
    if rest and isinstance(section, dict) and rest[0] in section:
        del section[rest[0]]
        return f"{key}.{rest[0]}"
    del data[key]
    return str(key)
