"""Where two sets of definitions differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where two sets of definitions differ; None where there is nothing.

    Attributes:
        path: The keys that lead to it.
        before: What was there.
        after: What is there.
    """

    path: tuple[str, ...]
    before: Any
    after: Any


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[Difference]:
    """Yield where two sets of definitions differ, by path; lists are compared whole."""
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new and type(old) is type(new):
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from differences(old, new, (*path, key))
        else:
            yield Difference(path=(*path, key), before=old, after=new)
