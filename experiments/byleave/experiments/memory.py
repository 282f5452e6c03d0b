"""Memory: what is kept of a visitor from one page to the next, and no more than is needed."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Final

from byleave.experiments.decisions import Assignments, Decision, Reason, Sticky
from byleave.experiments.definitions import Cap
from byleave.experiments.snapshot import Snapshot

_EXPOSING: Final = {Reason.ASSIGNED, Reason.STICKY, Reason.HOLDOUT}

Times = Mapping[str, tuple[int, ...]]


class Memory:
    """What the experiments of a snapshot need to know of a visitor's past.

    Experiments on page views need nothing: nothing is stored of a page view.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._published_ms = snapshot.published_ms
        self._site_cap = snapshot.definitions.cap
        self._runs: set[str] = set()
        self._caps: dict[str, Cap] = {}
        for key, experiment in snapshot.definitions.experiments.items():
            if key in snapshot.runs and experiment.unit == "visitor":
                self._runs.add(snapshot.runs[key].id)
                if experiment.cap is not None:
                    self._caps[key] = experiment.cap
                for arm, variant in experiment.variants.items():
                    if variant.cap is not None:
                        self._caps[f"{key}/{arm}"] = variant.cap

    def is_full(self, assignments: Assignments, now_ms: int) -> bool:
        """Return whether a visitor has had all the exposures that the site's cap allows."""
        cap = self._site_cap
        if cap is None:
            return False
        times = _of_experiments(assignments.exposures)
        return sum(time >= now_ms - cap.within for time in times) >= cap.exposures

    def after(
        self, assignments: Assignments, served: Iterable[Decision], *, now_ms: int
    ) -> Assignments:
        """Return what to remember once these decisions were served."""
        runs, is_counting = self._runs, bool(self._caps) or self._site_cap is not None
        # A run that the snapshot does not know is over, unless its arm was drawn after the
        # snapshot was published: then another process already has the next one.
        sticky = {
            run: kept
            for run, kept in assignments.sticky.items()
            if run in runs or kept.assigned_at_ms > self._published_ms
        }
        exposures = dict(assignments.exposures)
        for decision in served:
            if decision.run not in runs or decision.reason not in _EXPOSING:
                continue
            if decision.arm and decision.allocation and decision.assigned_at_ms is not None:
                sticky[decision.run] = Sticky(
                    arm=decision.arm,
                    allocation=decision.allocation,
                    assigned_at_ms=decision.assigned_at_ms,
                    is_enrolled=decision.is_enrolling,
                )
            if is_counting:
                for counted in (f"{decision.experiment}", f"{decision.experiment}/{decision.arm}"):
                    exposures[counted] = (*exposures.get(counted, ()), now_ms)
        needed = self._needed(exposures, now_ms) if is_counting else {}
        return Assignments(sticky=sticky, exposures=needed)

    def _needed(self, exposures: Times, now_ms: int) -> dict[str, tuple[int, ...]]:
        """Return the exposures that some cap may still count."""
        site_since = _oldest(sorted(_of_experiments(exposures)), self._site_cap, now_ms)
        needed = {}
        for counted, times in exposures.items():
            since = _oldest(times, self._caps.get(counted), now_ms)
            if "/" not in counted:
                since = min(since, site_since)
            if recent := tuple(time for time in times if time >= since):
                needed[counted] = recent
        return needed


def _of_experiments(exposures: Times) -> list[int]:
    """Return the times of all experiments' exposures, those of single arms apart."""
    return [time for counted, times in exposures.items() if "/" not in counted for time in times]


def _oldest(times: Sequence[int], cap: Cap | None, now_ms: int) -> float:
    """Return the oldest of some times, in their order, that a cap may still count."""
    if cap is None:
        return inf
    return max((now_ms - cap.within, *times[-cap.exposures :][:1]))
