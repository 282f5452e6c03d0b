"""Starting points for a new segment: the phases of a customer, from the starter library."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from byleave.experiments import Definitions
from byleave.sdk.starter import library
from byleave.segments import plain

_PHASE: Final = "phase-"
_JOURNEY: Final = "lifecycle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A segment of the library, in the words of a site.

    Attributes:
        key: Its key in the library.
        segment: Its definition; segments that the site does not have stand in it in full.
        missing: The events and attributes that the site would have to define first.
        signals: The signals of a phase.
    """

    key: str
    segment: Mapping[str, Any]
    missing: tuple[str, ...]
    signals: tuple["Start", ...] = ()


def starts(definitions: Definitions) -> tuple[Start, ...]:
    """Return the phases of the library in their order, each with its signals."""
    signals: dict[str, list[Start]] = {}
    inside: list[Start] = []
    for key in library().segments:
        if key.startswith(_PHASE):
            inside = signals.setdefault(key, [])
        else:  # it stands below its phase in a file of the library
            inside.append(start_of(key, definitions))
    phases = (step.done for step in library().journeys[_JOURNEY].steps)
    return tuple(_start(phase, definitions, tuple(signals[phase])) for phase in phases)


def start_of(key: str, definitions: Definitions) -> Start:
    """Return one segment of the library.

    Raises:
        KeyError: The library has none of this name.
    """
    return _start(key, definitions, ())


def _start(key: str, definitions: Definitions, signals: tuple[Start, ...]) -> Start:
    segment = plain(library().segments[key])
    when = _in_full(segment["when"], definitions)
    known = {*definitions.events, *definitions.attributes}
    missing = tuple(dict.fromkeys(name for name in _names(when) if name not in known))
    return Start(key=key, segment={**segment, "when": when}, missing=missing, signals=signals)


def _in_full(condition: Any, definitions: Definitions) -> Any:
    """Return a condition in which segments that a site does not have are written out."""
    if isinstance(condition, list):
        return [_in_full(each, definitions) for each in condition]
    if not isinstance(condition, dict):
        return condition
    name = condition.get("segment")
    if isinstance(name, str) and name not in definitions.segments:
        return _in_full(plain(library().segments[name].when), definitions)
    return {key: _in_full(value, definitions) for key, value in condition.items()}


def _names(condition: Any) -> Iterator[str]:
    """Yield the events and attributes that a condition names."""
    for each in condition if isinstance(condition, list) else ():
        yield from _names(each)
    if isinstance(condition, dict):
        for key, value in condition.items():
            if key in ("event", "not", "attribute") and isinstance(value, str):
                yield value
            yield from _names(value)
