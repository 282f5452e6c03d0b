"""A candidate: one experiment of a snapshot, made ready to decide."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

from byleave.experiments.assignment import Slices
from byleave.experiments.cells import cells, is_conditional
from byleave.experiments.decisions import (
    HOLDOUT,
    Assignments,
    Decision,
    Reason,
    Sticky,
    Visitor,
)
from byleave.experiments.definitions import CONTROL, Cap, Definitions, Experiment, Unless
from byleave.experiments.hashes import picking
from byleave.experiments.locales import best_locale, page_locale
from byleave.experiments.schedule import ALWAYS_MS, bounds_ms
from byleave.experiments.snapshot import Allocation, Run
from byleave.experiments.traffic import ForeignSplit, Traffic
from byleave.segments import EventLeaf, Facts, Purpose, Truth

# Members of an enumeration are slow to look up.
_ASSIGNED: Final = Reason.ASSIGNED
_STICKY: Final = Reason.STICKY


# Made for each request and changed by nothing; freezing it would cost more than it saves.
@dataclass(slots=True)
class Visit:
    """A visitor at one moment, as far as deciding may look at them.

    Attributes:
        visitor: The visitor.
        facts: The truth of segments.
        assignments: Their arms and exposures; none where nothing of them may be read.
        now_ms: The time.
        id: What experiments on visitors randomise; None where they may not.
        view: What experiments on page views randomise; None where they may not.
        is_held_out: Whether the visitor is in the global holdout.
    """

    visitor: Visitor
    facts: Facts
    assignments: Assignments
    now_ms: int
    id: str | None
    view: str | None
    is_held_out: bool


#: A question about a unit and the visit it belongs to.
Check = Callable[[str, Visit], bool]


# Read for each slot of each page, which is why it is no named tuple.
@dataclass(slots=True)
class ReadyRow:
    """An allocation row, ready to be drawn from."""

    id: str
    weights: Mapping[str, float]
    draw_until_ms: int
    pick: Callable[[str], str]


class Candidate:
    """One experiment with its run.

    Args:
        key: The experiment's key, of one that `check` found no fault with.
        definitions: The set.
        run: The life it is in.

    Attributes:
        key: The experiment's key.
        slot: The slot it fills.
        priority: The higher one is asked first.
        audience: The segment that it is for, which the caller asks about; None for everybody.
        is_view: Whether it randomises page views.
        reached: The condition that the primary goal was reached, where `until` asks.
        segments: The segments that it asks about.
    """

    def __init__(self, key: str, definitions: Definitions, run: Run) -> None:
        definition = definitions.experiments[key]
        self.key = key
        self.slot = definition.slot
        self.priority = definition.priority
        self.audience = definition.audience
        self.is_view = definition.unit == "view"
        self.reached = (
            EventLeaf(definitions.goals[definition.goals.primary].event)
            if definition.until == "goal"
            else None
        )
        self.segments = frozenset(_segments(definition, definitions.suppress))
        self._run = run.id
        self._arms = tuple(sorted(set(definition.variants).difference(run.retired)))
        self._arm_checks = {
            arm: tuple(_arm_checks(key, arm, definitions))
            for arm in self._arms
            if is_conditional(definition.variants[arm])
        }
        self._split = (
            ForeignSplit(definition.imported, definitions.attributes)
            if definition.imported
            else None
        )
        self._traffic = Traffic(definition, run.hash, run.seed)
        self._checks = tuple(self._needed_checks(definition, definitions.suppress))
        self._contexts = definition.allocate.contexts
        self._report_by = definition.report_by
        rows = {
            row.cell: ReadyRow(row.id, row.weights, row.draw_until_ms, self._pick(row, run))
            for row in run.allocations
        }
        self._rows = {
            (cell.contexts, cell.arms): rows[cell.key]
            for cell in cells(definition, retired=run.retired)
            if cell.key in rows
        }
        # Where nothing divides visitors into cells, there is one row for all of them.
        is_whole = not self._contexts and not self._arm_checks
        self._whole = self._rows.get(((), self._arms)) if is_whole else None
        self._weights = {row.id: row.weights for row in run.allocations}

    def decide(self, visit: Visit) -> Decision | None:
        """Return what an eligible experiment shows its audience, and None for another.

        Whatever makes the experiment or an arm ineligible is asked before anything is drawn.
        """
        unit = visit.view if self.is_view else visit.id
        if unit is not None and self._split is not None:
            unit = self._split.unit(visit.visitor)
        if unit is None:
            return None
        for check in self._checks:
            if not check(unit, visit):
                return None
        kept = None
        if not self.is_view:
            if visit.is_held_out:
                return self._held_out(visit)
            kept = visit.assignments.sticky.get(self._run)
        arms = self._eligible_arms(unit, visit) if self._arm_checks else self._arms
        if kept is not None and kept.arm in self._arms:
            return self._kept(kept, visit, is_shown=kept.arm in arms)
        row = self._whole or self._rows.get((self._truths(visit.facts), arms))
        if row is None or visit.now_ms >= row.draw_until_ms:
            return Decision(
                self.slot, reason=Reason.NO_ALLOCATION, experiment=self.key, run=self._run
            )
        # Who has no arm in a split of another system was not taken.
        split = self._split
        arm = row.pick(unit) if split is None else cast(str, split.arm(unit, visit.visitor))
        # Whoever was in an arm that is no more stays enrolled there.
        is_enrolling = kept is None
        return Decision(
            self.slot,
            arm,
            _ASSIGNED,
            self.key,
            self._run,
            arm,
            row.id,
            row.weights[arm],
            visit.now_ms,
            is_enrolling,
            self._groups(visit.facts) if is_enrolling and self._report_by else (),
        )

    def _eligible_arms(self, unit: str, visit: Visit) -> tuple[str, ...]:
        """Return the arms this unit may be shown, by name."""
        return tuple(
            arm
            for arm in self._arms
            if all(check(unit, visit) for check in self._arm_checks.get(arm, ()))
        )

    def _truths(self, facts: Facts) -> tuple[bool, ...]:
        """Return the truth of each context segment; undetermined is not true."""
        return tuple(facts.segment(key).is_true for key in self._contexts)

    def _groups(self, facts: Facts) -> tuple[str, ...]:
        """Return the reporting segments that are true."""
        return tuple(key for key in self._report_by if facts.segment(key).is_true)

    def _held_out(self, visit: Visit) -> Decision:
        """Return the decision for a visitor who gets the site's own content everywhere."""
        return Decision(
            self.slot,
            reason=Reason.HOLDOUT,
            experiment=self.key,
            run=self._run,
            arm=HOLDOUT,
            assigned_at_ms=visit.now_ms,
            is_enrolling=True,
            groups=self._groups(visit.facts),
        )

    def _kept(self, kept: Sticky, visit: Visit, *, is_shown: bool) -> Decision:
        """Return the decision for a visitor who keeps the arm they were given."""
        is_enrolling = is_shown and kept.is_enrolled
        return Decision(
            self.slot,
            kept.arm if is_shown else CONTROL,
            _STICKY if is_shown else Reason.INELIGIBLE_ARM,
            self.key,
            self._run,
            kept.arm,
            kept.allocation,
            self._weights.get(kept.allocation, {}).get(kept.arm),
            kept.assigned_at_ms,
            is_enrolling,
            self._groups(visit.facts) if is_enrolling and self._report_by else (),
        )

    def _pick(self, row: Allocation, run: Run) -> Callable[[str], str]:
        """Return what picks an arm of a row for a unit."""
        slices = Slices(row.weights)
        return picking(run.hash, run.seed, row.id, slices.arms, slices.bounds)

    def _needed_checks(
        self, definition: Experiment, suppress: tuple[Unless, ...]
    ) -> Iterator[Check]:
        """Yield the questions that this experiment asks, the cheap ones first."""
        start_ms, end_ms = bounds_ms(definition.schedule)
        if (start_ms, end_ms) != ALWAYS_MS:
            yield lambda _, visit: start_ms <= visit.now_ms < end_ms
        if definition.cap is not None:
            yield _uncapped(definition.cap, self.key)
        for unless in (*definition.unless, *suppress):
            yield _outside(unless)
        if (traffic := self._traffic).is_limited:
            yield lambda unit, visit: traffic.takes(unit, visit.now_ms)
        if (split := self._split) is not None:
            yield lambda unit, visit: split.arm(unit, visit.visitor) in self._arms
        if (reached := self.reached) is not None:
            yield (
                lambda _, visit: (
                    visit.facts.verdict(reached, Purpose.PERSONALISATION).truth is Truth.FALSE
                )
            )


def _segments(definition: Experiment, suppress: tuple[Unless, ...]) -> Iterator[str]:
    """Yield the segments that deciding an experiment looks at."""
    if definition.audience is not None:
        yield definition.audience
    yield from definition.allocate.contexts
    yield from definition.report_by
    for variant in definition.variants.values():
        if variant.when is not None:
            yield variant.when
        yield from (unless.segment for unless in variant.unless)
    yield from (unless.segment for unless in (*definition.unless, *suppress))


def _arm_checks(key: str, arm: str, definitions: Definitions) -> Iterator[Check]:
    """Yield the questions that an arm of its own asks."""
    variant = definitions.experiments[key].variants[arm]
    if variant.cap is not None:
        yield _uncapped(variant.cap, f"{key}/{arm}")
    if variant.when is not None:
        yield _inside(variant.when)
    yield from map(_outside, variant.unless)
    if locales := variant.locales:
        yield _written_for(locales, definitions)


def _inside(segment: str) -> Check:
    """Return the check that a visitor is in a segment; undetermined is not in."""
    return lambda _, visit: visit.facts.segment(segment).is_true


def _written_for(locales: tuple[str, ...], definitions: Definitions) -> Check:
    """Return the check that a page is in one of some locales; an unknown one is in none."""

    def check(_: str, visit: Visit) -> bool:
        return best_locale(locales, page_locale(definitions, visit.visitor)) is not None

    return check


def _outside(unless: Unless) -> Check:
    """Return the check that a segment keeps nobody away, by its truth or for want of it."""
    shown = {Truth.FALSE}
    if unless.if_undetermined == "show":
        shown.add(Truth.UNDETERMINED)
    return lambda _, visit: visit.facts.segment(unless.segment).truth in shown


def _uncapped(cap: Cap, counted: str) -> Check:
    """Return the check that the exposures of the window that ends now stay below a cap."""

    def check(_: str, visit: Visit) -> bool:
        since_ms = visit.now_ms - cap.within
        times = visit.assignments.exposures.get(counted, ())
        return sum(at_ms >= since_ms for at_ms in times) < cap.exposures

    return check
