"""Deciding: from a snapshot and a visitor to what each slot shows.

`Decider` compiles a snapshot once; `decide` is then a pure function of the visitor and the
time. For each slot the first eligible experiment owns it, whichever arm it then gives. Whatever
makes an experiment or an arm ineligible is applied before the draw and alike in every arm, so
that the weights served are the probabilities drawn with.
"""

from collections.abc import Iterable
from dataclasses import replace

from byleave.experiments.assignment import HASHES, pick
from byleave.experiments.candidates import Candidate
from byleave.experiments.cells import cell_key
from byleave.experiments.decisions import (
    HOLDOUT,
    Assignments,
    Decision,
    Reason,
    Sticky,
    Visitor,
)
from byleave.experiments.definitions import CONTROL, Cap
from byleave.experiments.snapshot import Snapshot
from byleave.segments import Consent, Facts, Purpose, Rules


class Decider:
    """Decides by one snapshot; immutable, and safe to share between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        definitions = snapshot.definitions
        self.snapshot = snapshot
        candidates = [
            Candidate.of(key, definitions, snapshot.runs[key])
            for key in definitions.experiments
            if key in snapshot.runs
        ]
        candidates.sort(key=lambda candidate: (-candidate.definition.priority, candidate.key))
        self.rules = Rules(
            definitions.vocabulary,
            tracked=[c.reached for c in candidates if c.reached is not None],
        )
        self._by_slot: dict[str, list[Candidate]] = {}
        for candidate in candidates:
            self._by_slot.setdefault(candidate.definition.slot, []).append(candidate)
        self._kept = {c.run.id: c for c in candidates}
        self._holdout_hash = HASHES["blake2b64"]

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots that some experiment may fill."""
        return tuple(self._by_slot)

    def decide(self, visitor: Visitor, slots: Iterable[str], *, now_ms: int) -> dict[str, Decision]:
        """Return what each slot shows this visitor now.

        A slot that nothing is decided for shows the site's own content and says why.
        """
        facts = self.rules.facts(
            consent=visitor.consent,
            attributes=visitor.attributes,
            profile=visitor.profile,
            now_ms=now_ms,
        )
        return {slot: self._slot(slot, visitor, facts, now_ms) for slot in slots}

    def remember(
        self, assignments: Assignments, served: Iterable[Decision], *, now_ms: int
    ) -> Assignments:
        """Return what to remember of a visitor after these decisions were served.

        Runs that are over are forgotten, and no more exposures are kept than a cap looks at.
        """
        sticky = {run: kept for run, kept in assignments.sticky.items() if run in self._kept}
        exposures = dict(assignments.exposures)
        for decision in served:
            if not decision.is_enrolling or decision.experiment is None or decision.run is None:
                continue
            if decision.arm and decision.allocation and decision.assigned_at_ms is not None:
                sticky[decision.run] = Sticky(
                    arm=decision.arm,
                    allocation=decision.allocation,
                    assigned_at_ms=decision.assigned_at_ms,
                )
            for counted in (decision.experiment, f"{decision.experiment}/{decision.arm}"):
                exposures[counted] = (*exposures.get(counted, ()), now_ms)
        caps = self._caps()
        return Assignments(
            sticky=sticky,
            exposures={
                key: recent
                for key, times in exposures.items()
                if key in caps and (recent := _within(times, caps[key], now_ms))
            },
        )

    def _caps(self) -> dict[str, Cap]:
        """The cap that looks furthest back, by what it counts."""
        site_cap = self.snapshot.definitions.cap
        caps: dict[str, Cap] = {}
        for candidate in self._kept.values():
            definition = candidate.definition
            for key, own in [
                (candidate.key, definition.cap),
                *((f"{candidate.key}/{arm}", v.cap) for arm, v in definition.variants.items()),
            ]:
                shared = site_cap if key == candidate.key else None
                wanted = [cap for cap in (own, shared) if cap is not None]
                if wanted:
                    caps[key] = Cap(
                        exposures=max(cap.exposures for cap in wanted),
                        within=max(cap.within for cap in wanted),
                    )
        return caps

    def _slot(self, slot: str, visitor: Visitor, facts: Facts, now_ms: int) -> Decision:
        if slot in visitor.forced:
            return Decision(slot=slot, variant=visitor.forced[slot], reason=Reason.FORCED)
        if not visitor.is_counted or self._is_capped(visitor.assignments, now_ms):
            return Decision(slot=slot)
        for candidate in self._by_slot.get(slot, ()):
            unit = self._unit(candidate, visitor)
            if unit is not None and candidate.is_eligible(unit, facts, visitor.assignments, now_ms):
                return self._owned(candidate, unit, visitor, facts, now_ms)
        return Decision(slot=slot)

    def _unit(self, candidate: Candidate, visitor: Visitor) -> str | None:
        """Return what the experiment randomises here, or None where it may not."""
        if candidate.definition.unit == "view":
            allowed = visitor.consent.allows(Purpose.ANALYTICS)
            return visitor.view if allowed else None
        return visitor.id if may_enrol(visitor.consent) else None

    def _is_capped(self, assignments: Assignments, now_ms: int) -> bool:
        cap = self.snapshot.definitions.cap
        if cap is None:
            return False
        return (
            sum(
                len(_within(times, cap, now_ms))
                for key, times in assignments.exposures.items()
                if "/" not in key
            )
            >= cap.exposures
        )

    def _owned(
        self, candidate: Candidate, unit: str, visitor: Visitor, facts: Facts, now_ms: int
    ) -> Decision:
        owned = Decision(
            slot=candidate.definition.slot,
            experiment=candidate.key,
            run=candidate.run.id,
            is_enrolling=True,
            groups=candidate.groups(facts),
        )
        is_visitor = candidate.definition.unit == "visitor"
        if is_visitor and self._is_held_out(unit):
            return replace(owned, reason=Reason.HOLDOUT, arm=HOLDOUT, assigned_at_ms=now_ms)
        arms = candidate.eligible_arms(facts, visitor.assignments, now_ms)
        sticky = visitor.assignments.sticky.get(candidate.run.id) if is_visitor else None
        if sticky is not None and sticky.arm in candidate.definition.variants:
            is_shown = sticky.arm in arms
            return replace(
                owned,
                reason=Reason.STICKY if is_shown else Reason.INELIGIBLE_ARM,
                variant=sticky.arm if is_shown else CONTROL,
                arm=sticky.arm,
                allocation=sticky.allocation,
                propensity=candidate.propensity(sticky),
                assigned_at_ms=sticky.assigned_at_ms,
                is_enrolling=is_shown,
            )
        row = candidate.rows.get(cell_key(candidate.contexts(facts), arms))
        if row is None or now_ms >= row.draw_until_ms:
            return replace(owned, reason=Reason.NO_ALLOCATION, is_enrolling=False)
        arm = pick(row.weights, candidate.hash(candidate.run.seed, row.id, unit))
        return replace(
            owned,
            reason=Reason.ASSIGNED,
            variant=arm,
            arm=arm,
            allocation=row.id,
            propensity=row.weights[arm],
            assigned_at_ms=now_ms,
        )

    def _is_held_out(self, unit: str) -> bool:
        share = self.snapshot.definitions.holdout
        return share > 0 and (
            self._holdout_hash(self.snapshot.holdout_seed, "holdout", unit) < share
        )


def may_enrol(consent: Consent) -> bool:
    """Return whether a visitor may be given an id and an arm: an enrolment reveals both uses."""
    return consent.allows(Purpose.PERSONALISATION) and consent.allows(Purpose.ANALYTICS)


def _within(times: tuple[int, ...], cap: Cap, now_ms: int) -> tuple[int, ...]:
    """Return the newest times inside a cap's window, no more than it counts to."""
    return tuple(t for t in times if t > now_ms - cap.within)[-cap.exposures :]
