"""Ordered sequences: how far a visitor came, kept as one time per step."""

from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from byleave.segments.behaviour import Step
from byleave.segments.encoding import State
from byleave.segments.streams import (
    LATEST_MS,
    Properties,
    in_order,
    matches,
    pairs,
    start_of,
)
from byleave.segments.vocabulary import Event

#: How many events of a sequence may wait for late ones before the oldest count as settled.
MOST_WAITING: Final = 32


@dataclass(frozen=True, slots=True)
class SequenceStream:
    """How far a visitor came in an ordered sequence.

    For each step the latest time at which it was reached in order is enough: whatever follows
    within a time of an earlier one also follows within that time of the latest. Events of the
    last five minutes wait, because a late one may still belong between them.

    Attributes:
        key: The name under which the state is kept.
        steps: The steps; of an absent last one, the time when it nevertheless followed.
        span_ms: How long a time is kept: the least ttl of the events.
    """

    key: str
    steps: tuple[Step, ...]
    span_ms: int | None

    @property
    def events(self) -> frozenset[str]:
        """The events that it records."""
        return frozenset(step.event for step in self.steps)

    def mark(self, event: str, properties: Properties, declared: Event) -> int | None:
        """Return which steps an event is, as bits, or None where it is none."""
        bits = sum(
            1 << place
            for place, step in enumerate(self.steps)
            if step.event == event and matches(step.where, properties, declared)
        )
        return bits or None

    def after(self, state: State, at_ms: int, mark: float, now_ms: int) -> State:
        """Return the state once an event that is a step was recorded."""
        waiting = in_order([*pairs(state), (at_ms, int(mark))])
        settled = sum(time < now_ms - LATEST_MS for time, _ in waiting)
        settled = max(settled, len(waiting) - MOST_WAITING)
        return state._replace(
            times=tuple(time for time, _ in waiting[settled:]),
            marks=tuple(bits for _, bits in waiting[settled:]),
            reached=self._advanced(state.reached, waiting[:settled]),
        )

    def aged(self, state: State, now_ms: int) -> State:
        """Return the state without what has outlived the events' ttl."""
        oldest = start_of(self.span_ms, now_ms)
        waiting = [event for event in pairs(state) if event[0] >= oldest]
        return state._replace(
            times=tuple(time for time, _ in waiting),
            is_cut=state.is_cut and state.since_ms >= oldest,
            marks=tuple(bits for _, bits in waiting),
            reached=self._young(state.reached, now_ms),
        )

    def merged(self, first: State, second: State, now_ms: int) -> State:
        """Return the state of two devices, each of which is in order by itself.

        Steps that still wait for late ones continue what was begun on the other device; settled
        ones do not.
        """
        events = in_order((Counter(pairs(first)) | Counter(pairs(second))).elements())
        reached = [max(times) for times in zip_longest(first.reached, second.reached, fillvalue=0)]
        if reached and self.steps[-1].is_absent and not reached[-2] < reached[-1]:
            reached[-1] = 0
        cut = [state.since_ms for state in (first, second) if state.is_cut]
        state = State(
            max(cut) if cut else min(first.since_ms, second.since_ms),
            tuple(time for time, _ in events[-MOST_WAITING:]),
            bool(cut),
            tuple(bits for _, bits in events[-MOST_WAITING:]),
            self._advanced(tuple(reached), events[:-MOST_WAITING]),
        )
        return self.aged(state, now_ms)

    def reached(self, state: State, now_ms: int) -> tuple[int, ...]:
        """Return when each step was last reached in order; 0 where it was not."""
        return self._young(self._advanced(state.reached, pairs(state)), now_ms)

    def _young(self, reached: tuple[int, ...], now_ms: int) -> tuple[int, ...]:
        oldest = start_of(self.span_ms, now_ms)
        return tuple(time if time >= oldest else 0 for time in reached)

    def _advanced(self, reached: tuple[int, ...], events: list[tuple[int, int]]) -> tuple[int, ...]:
        times = list(reached) or [0] * len(self.steps)
        last = len(self.steps) - 1
        for at_ms, bits in events:
            # From the last step back, so that one event is never two steps in a row.
            for place in range(last, -1, -1):
                if bits >> place & 1 and self._follows(times, place, at_ms):
                    times[place] = at_ms
                    if place == last - 1 and self.steps[last].is_absent:
                        times[last] = 0
        return tuple(times)

    def _follows(self, times: list[int], place: int, at_ms: int) -> bool:
        if place == 0:
            return True
        before_ms, within = times[place - 1], self.steps[place].within
        return before_ms > 0 and (within is None or at_ms - before_ms <= within)
