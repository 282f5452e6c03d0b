"""Tests of a site: `personalise.force("hero", "proof")`, and no network.

Name it in the site's `conftest.py`: `pytest_plugins = ["byleave.sdk.pytest_plugin"]`. From then
on no test reaches a decision server, and what a test forces is over when it ends.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from byleave.experiments import Decider, Definitions
from byleave.sdk.client import Client
from byleave.sdk.events import Event
from byleave.sdk.in_memory import InMemoryClient
from byleave.sdk.middleware import load_definitions
from byleave.sdk.source import Local
from byleave.sdk.visit import Visit

#: Everything by which a site reaches its server.
_WAYS: Final = ("start", "decider", "capture", "withdraw", "decide", "fresh", "image")


class Personalisation:
    """What one test says about personalisation, and what came of it."""

    def __init__(self) -> None:
        self.client = InMemoryClient()
        self._forced: dict[str, str] = {}
        self._unmet: dict[str, str] = {}

    def use(self, definitions: str | Path | Definitions) -> None:
        """Let sites that have a server decide by these definitions: a folder, a file or values.

        Raises:
            DefinitionError: They have faults.
            OSError: There is nothing to read.
        """
        self.client.use(load_definitions(definitions))

    def force(self, slot: str, variant: str) -> None:
        """Show a variant, whoever asks and whatever they agreed to; nothing is counted.

        The test fails if it asks for a page and no experiment has this variant for the slot.

        Args:
            slot: The slot's name.
            variant: The variant's name, or `experiment/variant` where several have it.
        """
        self._forced[slot] = variant

    @property
    def events(self) -> list[Event]:
        """What was captured, oldest first, as it would travel to a server."""
        return self.client.events

    def shown(self, decider: Decider | None) -> Mapping[str, str]:
        """Return what is forced, by slot, as `experiment/variant`."""
        if decider is None:
            self._unmet.update(self._forced)
            return {}
        found: dict[str, str] = {}
        for slot, variant in self._forced.items():
            for key, experiment in decider.snapshot.definitions.experiments.items():
                fits = variant in (key + "/" + each for each in experiment.variants)
                if experiment.slot == slot and (fits or variant in experiment.variants):
                    found.setdefault(slot, variant if fits else f"{key}/{variant}")
            if slot not in found:
                self._unmet[slot] = variant
        return found

    def check(self) -> None:
        """Fail where something was forced that no experiment of the site has."""
        for slot, variant in self._unmet.items():
            pytest.fail(f"no experiment fills slot {slot!r} with a variant {variant!r}")


@pytest.fixture(autouse=True)
def personalise(monkeypatch: pytest.MonkeyPatch) -> Iterator[Personalisation]:
    """What a test says about personalisation; with or without it, no test reaches a server."""
    stage = Personalisation()
    for way in _WAYS:
        monkeypatch.setattr(Client, way, _instead(getattr(stage.client, way)))
    for way in ("capture", "withdraw"):
        monkeypatch.setattr(Local, way, _instead(getattr(stage.client, way)))
    previewed = Visit.__dict__["forced"].func  # what preview links show

    def forced(visit: Visit) -> Mapping[str, str]:
        return {**previewed(visit), **stage.shown(visit.decider)}

    monkeypatch.setattr(Visit, "forced", property(forced))
    yield stage
    stage.check()


def _instead(act: Any) -> Any:
    def method(_: Any, *given: Any, **named: Any) -> Any:
        return act(*given, **named)

    return method
