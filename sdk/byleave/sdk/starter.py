"""The starter library: the phases of a customer, their signals and metrics, in a site's words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Final

from byleave.experiments import Definitions
from byleave.experiments.checking import check
from byleave.sdk.folder import load_folder
from byleave.segments import DefinitionError, plain, read, suggestion

#: The beginnings of paths that the library looks at.
PAGES: Final = ("/account/subscription", "/demo", "/features", "/help", "/pricing")

_NOTHING: Final[Mapping[str, str]] = {}


@cache
def library() -> Definitions:
    """Return the starter library by itself.

    Raises:
        ModuleNotFoundError: PyYAML is not installed.
    """
    with as_file(files("byleave.segments") / "starter") as folder:
        return load_folder(folder)


def starter(
    definitions: Definitions,
    *,
    events: Mapping[str, str] = _NOTHING,
    pages: Mapping[str, str] = _NOTHING,
) -> Definitions:
    """Return definitions with the starter library beside them.

    What the site defines itself under the same name stays as it is.

    Args:
        definitions: What the site defines.
        events: The site's names for events of the library, where they differ.
        pages: How the site's paths begin, for those of `PAGES` that begin differently.

    Raises:
        ValueError: The library has no such event or page.
        DefinitionError: The library does not fit what the site defines.
        ModuleNotFoundError: PyYAML is not installed.
    """
    found = library()
    _known("event", events, found.events)
    _known("page", pages, PAGES)
    data = _renamed(plain(found), events, pages)
    data["events"] = {events.get(name, name): event for name, event in data["events"].items()}
    found = read(Definitions, data)
    whole = replace(
        definitions,
        attributes={**found.attributes, **definitions.attributes},
        events={**found.events, **definitions.events},
        goals={**found.goals, **definitions.goals},
        segments={**found.segments, **definitions.segments},
        journeys={**found.journeys, **definitions.journeys},
    )
    if faults := check(whole):
        raise DefinitionError(faults)
    return whole


def _known(kind: str, given: Mapping[str, str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(
                f"the starter library has no {kind} {name!r}.{suggestion(name, known)}"
            )


def _renamed(data: Any, events: Mapping[str, str], pages: Mapping[str, str]) -> Any:
    """Return plain definitions whose conditions and goals name a site's events and paths."""
    if isinstance(data, list):
        return [_renamed(item, events, pages) for item in data]
    if not isinstance(data, dict):
        return data
    names = {"event": events, "not": events, "starts_with": pages}
    return {
        key: names[key].get(item, item)
        if key in names and isinstance(item, str)
        else _renamed(item, events, pages)
        for key, item in data.items()
    }
