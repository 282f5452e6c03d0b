"""A candidate: one experiment of a snapshot, made ready to be asked."""

from dataclasses import dataclass

from byleave.experiments.assignment import Slices
from byleave.experiments.cells import Cell, cells, is_conditional
from byleave.experiments.decisions import Assignments, Visitor
from byleave.experiments.definitions import Cap, Definitions, Unless
from byleave.experiments.hashes import HASHES, TRAFFIC, Draw
from byleave.experiments.schedule import bounds_ms
from byleave.experiments.snapshot import Allocation, Run
from byleave.experiments.traffic import ForeignSplit, Traffic
from byleave.segments import EventLeaf, Facts, Purpose, Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A visitor at one moment, as far as deciding may look at them.

    Attributes:
        visitor: The visitor.
        facts: The truth of segments.
        assignments: Their arms and exposures; none where nothing of them may be read.
        now_ms: The time.
        is_enrollable: Whether they may be given an arm to keep.
        is_measurable: Whether their page views may be measured.
    """

    visitor: Visitor
    facts: Facts
    assignments: Assignments
    now_ms: int
    is_enrollable: bool
    is_measurable: bool


@dataclass(frozen=True, slots=True)
class Row:
    """An allocation row, ready to be drawn from."""

    allocation: Allocation
    slices: Slices
    draw: Draw

    def arm(self, unit: str) -> str:
        """Return the arm that the row gives a unit."""
        return self.slices.arm(self.draw(unit))


class Candidate:
    """One experiment with its run.

    Attributes:
        key: The experiment's key.
        definition: What authors wrote.
        run: The life it is in.
        reached: The condition that the primary goal was reached, where `until` asks.

    Args:
        key: The experiment's key, of one that `check` found no fault with.
        definitions: The set.
        run: The life it is in.
    """

    def __init__(self, key: str, definitions: Definitions, run: Run) -> None:
        definition = definitions.experiments[key]
        self.key = key
        self.definition = definition
        self.run = run
        self.reached = (
            EventLeaf(definitions.goals[definition.goals.primary].event)
            if definition.until == "goal"
            else None
        )
        self.is_view = definition.unit == "view"
        self._split = (
            ForeignSplit(definition.imported, definitions.attributes)
            if definition.imported
            else None
        )
        hashed = HASHES[run.hash]
        self._traffic = Traffic(definition, hashed(run.seed, TRAFFIC))
        self._start_ms, self._end_ms = bounds_ms(definition.schedule)
        self._keeps_away = (*definition.unless, *definitions.suppress)
        self._arms = tuple(sorted(set(definition.variants).difference(run.retired)))
        self._conditional = {
            arm: definition.variants[arm]
            for arm in self._arms
            if is_conditional(definition.variants[arm])
        }
        by_cell = {row.cell: row for row in run.allocations}
        self._rows = {
            cell: Row(row, Slices(row.weights), hashed(run.seed, row.id))
            for cell in cells(definition, retired=run.retired)
            if (row := by_cell.get(cell.key))
        }
        self._weights = {row.id: row.weights for row in run.allocations}

    def unit(self, visit: Visit) -> str | None:
        """Return what the experiment randomises here, or None where it may not."""
        if self.is_view:
            return visit.visitor.view if visit.is_measurable else None
        if not visit.is_enrollable:
            return None
        return self._split.unit(visit.visitor) if self._split else visit.visitor.id

    def is_eligible(self, unit: str, visit: Visit) -> bool:
        """Return whether this unit may be in the experiment now; the cheap questions first."""
        definition, facts = self.definition, visit.facts
        return (
            self._start_ms <= visit.now_ms < self._end_ms
            and (definition.audience is None or facts.segment(definition.audience).is_true)
            and not any(is_kept_away(unless, facts) for unless in self._keeps_away)
            and not is_capped(definition.cap, self.key, visit)
            and self._traffic.takes(unit, visit.now_ms)
            and (self._split is None or self._split.arm(unit, visit.visitor) in self._arms)
            and (
                self.reached is None
                or facts.verdict(self.reached, Purpose.PERSONALISATION).truth is Truth.FALSE
            )
        )

    def eligible_arms(self, visit: Visit) -> tuple[str, ...]:
        """Return the arms this unit may be shown, by name."""
        if not self._conditional:
            return self._arms

        def is_open(arm: str) -> bool:
            variant = self._conditional.get(arm)
            return variant is None or (
                (variant.when is None or visit.facts.segment(variant.when).is_true)
                and not any(is_kept_away(unless, visit.facts) for unless in variant.unless)
                and not is_capped(variant.cap, f"{self.key}/{arm}", visit)
            )

        return tuple(filter(is_open, self._arms))

    def row(self, arms: tuple[str, ...], facts: Facts) -> Row | None:
        """Return the row of the cell that a visitor with these eligible arms is in."""
        contexts = self.definition.allocate.contexts
        return self._rows.get(Cell(tuple(facts.segment(key).is_true for key in contexts), arms))

    def drawn(self, row: Row, unit: str, visitor: Visitor) -> str:
        """Return the arm that a visitor who is taken is given."""
        return (self._split and self._split.arm(unit, visitor)) or row.arm(unit)

    def groups(self, facts: Facts) -> tuple[str, ...]:
        """Return the reporting segments that are true."""
        return tuple(key for key in self.definition.report_by if facts.segment(key).is_true)

    def is_alive(self, arm: str) -> bool:
        """Return whether visitors of an arm keep it."""
        return arm in self._arms

    def propensity(self, allocation: str, arm: str) -> float | None:
        """Return the weight an arm has in a row, where the row is still known."""
        return self._weights.get(allocation, {}).get(arm)


def is_kept_away(unless: Unless, facts: Facts) -> bool:
    """Return whether a segment keeps a visitor out, by its truth or for want of it."""
    truth = facts.segment(unless.segment).truth
    return truth is Truth.TRUE or (
        truth is Truth.UNDETERMINED and unless.if_undetermined == "suppress"
    )


def is_capped(cap: Cap | None, counted: str, visit: Visit) -> bool:
    """Return whether the exposures of the window that ends now reach a cap."""
    if cap is None:
        return False
    times = visit.assignments.exposures.get(counted, ())
    return sum(at_ms >= visit.now_ms - cap.within for at_ms in times) >= cap.exposures
