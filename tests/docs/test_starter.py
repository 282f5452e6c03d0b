"""The guide to journeys lists what the starter library holds."""

import re
from collections.abc import Callable
from typing import Any

from byleave.experiments import Definitions
from byleave.sdk.starter import starter
from byleave.segments import read

LIBRARY = starter(read(Definitions, {"site": "shop"}))


def test_every_phase_signal_and_metric_is_listed(page_at: Callable[[str], Any]) -> None:
    table = page_at("docs/how-to/journeys.md").table("## The eight phases")
    phases, signals, metrics = (
        re.findall(r"`([\w-]+)`", " ".join(c)) for c in zip(*table, strict=True)
    )

    assert phases == [step.key for step in LIBRARY.journeys["lifecycle"].steps]
    assert sorted(signals) == sorted(k for k in LIBRARY.segments if not k.startswith("phase-"))
    assert sorted(metrics) == sorted(LIBRARY.goals)


def test_every_event_and_property_is_listed(page_at: Callable[[str], Any]) -> None:
    table = page_at("docs/how-to/journeys.md").table("## What the site records")
    listed = [name for row in table for name in re.findall(r"`(\w+)`", row[0])]
    said = {name for row in table for name in re.findall(r"`(\w+)`", row[2])}

    assert sorted(listed) == sorted(LIBRARY.events)
    assert {name for event in LIBRARY.events.values() for name in event.properties} <= said
