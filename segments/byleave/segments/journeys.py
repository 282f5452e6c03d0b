"""Journeys: which steps a visitor reached, which one comes next, how long it takes."""

from collections.abc import Mapping
from typing import NamedTuple

from byleave.segments.streams import stream_key
from byleave.segments.vocabulary import Journey


class StepReached(NamedTuple):
    """A visitor reached a step of a journey for the first time."""

    journey: str
    step: str
    at_ms: int


class Progress(NamedTuple):
    """Where a visitor is in a journey.

    Attributes:
        current: The furthest step that was reached; None before the first.
        next: The first step after it that was not reached, else the first that was skipped;
            None once all are reached.
        reached: When each reached step was reached, in the order of the steps.
        share: The share of steps that were reached, in [0, 1].
        time_in_step_ms: How long ago the current step was reached; None before the first.
    """

    current: str | None
    next: str | None
    reached: Mapping[str, int]
    share: float
    time_in_step_ms: int | None


def step_key(journey: str, step: str) -> str:
    """Return the key under which the time is kept at which a step was reached."""
    return stream_key("step", journey, step)


def progress(journey: Journey, reached: Mapping[str, int], *, now_ms: int) -> Progress:
    """Return where a visitor is who reached these steps at these times."""
    keys = [step.key for step in journey.steps]
    done = {key: reached[key] for key in keys if key in reached}
    current = next((key for key in reversed(keys) if key in done), None)
    start = 0 if current is None else keys.index(current) + 1
    following = (key for key in (*keys[start:], *keys[:start]) if key not in done)
    return Progress(
        current=current,
        next=next(following, None),
        reached=done,
        share=len(done) / len(keys),
        time_in_step_ms=None if current is None else now_ms - done[current],
    )
