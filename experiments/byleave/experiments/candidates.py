"""A candidate: one experiment of a snapshot, made ready to be asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from byleave.experiments.assignment import HASHES, Hash
from byleave.experiments.cells import is_conditional
from byleave.experiments.decisions import Assignments, Sticky
from byleave.experiments.definitions import CONTROL, Cap, Definitions, Experiment, Unless
from byleave.experiments.schedule import bounds_ms
from byleave.experiments.snapshot import Allocation, Run
from byleave.segments import EventLeaf, Facts, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One experiment with its run.

    Attributes:
        key: The experiment's key.
        definition: What authors wrote.
        run: The life it is in.
        hash: The algorithm that draws its traffic and arms.
        rows: The newest allocation row of each cell.
        reached: The condition that the primary goal was reached, where `until` asks.
        keeps_away: The experiment's `unless` and the site's `suppress`.
        start_ms: The schedule's first moment.
        end_ms: The first moment after it.
    """

    key: str
    definition: Experiment
    run: Run
    hash: Hash
    rows: Mapping[str, Allocation]
    reached: EventLeaf | None
    keeps_away: tuple[Unless, ...]
    start_ms: int
    end_ms: int

    @classmethod
    def of(cls, key: str, definitions: Definitions, run: Run) -> "Candidate":
        """Return the candidate for an experiment that `check` found no fault with."""
        definition = definitions.experiments[key]
        start_ms, end_ms = bounds_ms(definition.schedule)
        goal = definitions.goals[definition.goals.primary]
        return cls(
            key=key,
            definition=definition,
            run=run,
            hash=HASHES[run.hash],
            rows={row.cell: row for row in run.allocations},
            reached=EventLeaf(goal.event) if definition.until == "goal" else None,
            keeps_away=(*definition.unless, *definitions.suppress),
            start_ms=start_ms,
            end_ms=end_ms,
        )

    def is_eligible(self, unit: str, facts: Facts, assignments: Assignments, now_ms: int) -> bool:
        """Return whether this unit may be in the experiment now; the cheap questions first."""
        definition = self.definition
        return (
            self.start_ms <= now_ms < self.end_ms
            and (
                definition.traffic >= 1
                or self.hash(self.run.seed, "traffic", unit) < definition.traffic
            )
            and (definition.audience is None or facts.segment(definition.audience).is_true)
            and not any(is_kept_away(unless, facts) for unless in self.keeps_away)
            and not is_capped(definition.cap, assignments.exposures.get(self.key, ()), now_ms)
            and (
                self.reached is None
                or facts.verdict(self.reached, Purpose.PERSONALISATION).is_false
            )
        )

    def eligible_arms(self, facts: Facts, assignments: Assignments, now_ms: int) -> tuple[str, ...]:
        """Return the arms this unit may be shown, in the order of the definition."""

        def is_open(arm: str) -> bool:
            variant = self.definition.variants[arm]
            return (
                arm == CONTROL
                or not is_conditional(variant)
                or (
                    (variant.when is None or facts.segment(variant.when).is_true)
                    and not any(is_kept_away(unless, facts) for unless in variant.unless)
                    and not is_capped(
                        variant.cap, assignments.exposures.get(f"{self.key}/{arm}", ()), now_ms
                    )
                )
            )

        return tuple(arm for arm in self.definition.variants if is_open(arm))

    def contexts(self, facts: Facts) -> tuple[bool, ...]:
        """Return the truth of each context segment; undetermined is not true."""
        return tuple(facts.segment(key).is_true for key in self.definition.allocate.contexts)

    def groups(self, facts: Facts) -> tuple[str, ...]:
        """Return the reporting segments that are true."""
        return tuple(key for key in self.definition.report_by if facts.segment(key).is_true)

    def propensity(self, sticky: Sticky) -> float | None:
        """Return the weight a recorded arm was drawn with, where its row is still known."""
        for row in self.run.allocations:
            if row.id == sticky.allocation:
                return row.weights.get(sticky.arm)
        return None


def is_kept_away(unless: Unless, facts: Facts) -> bool:
    """Return whether a segment keeps a visitor out, by its truth or for want of it."""
    verdict = facts.segment(unless.segment)
    return verdict.is_true or (not verdict.is_false and unless.if_undetermined == "suppress")


def is_capped(cap: Cap | None, exposures: tuple[int, ...], now_ms: int) -> bool:
    """Return whether the exposures of the window that ends now reach a cap."""
    if cap is None:
        return False
    return sum(at_ms > now_ms - cap.within for at_ms in exposures) >= cap.exposures
