"""Deciding: from a snapshot and a visitor to what each slot shows.

`Decider` compiles a snapshot once; `decide` is then a pure function of the visitor and the
time. For each slot the first eligible experiment owns it, whichever arm it then gives. Whatever
makes an experiment or an arm ineligible is applied before the draw and alike in every arm, so
that the weights served are the probabilities drawn with.
"""

from collections.abc import Iterable
from typing import Final

from byleave.experiments.candidates import Candidate, Visit
from byleave.experiments.decisions import (
    ENROLLING,
    HOLDOUT,
    Assignments,
    Decision,
    Reason,
    Visitor,
)
from byleave.experiments.definitions import CONTROL
from byleave.experiments.hashes import blake2b64
from byleave.experiments.memory import Memory
from byleave.experiments.snapshot import Snapshot
from byleave.segments import Choice, Consent, Purpose, Rules

_NOTHING: Final = Assignments()


class Decider:
    """Decides by one snapshot; immutable, and safe to share between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        definitions = snapshot.definitions
        self.snapshot = snapshot
        candidates = [
            Candidate(key, definitions, snapshot.runs[key])
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
        self._memory = Memory(snapshot)
        self._holdout_draw = blake2b64(snapshot.holdout_seed, "holdout")

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots that some experiment may fill."""
        return tuple(self._by_slot)

    def decide(self, visitor: Visitor, slots: Iterable[str], *, now_ms: int) -> dict[str, Decision]:
        """Return what each slot shows this visitor now.

        A slot that nothing is decided for shows the site's own content and says why.
        """
        visit = self._visit(visitor, now_ms)
        return {
            slot: (
                self._forced(slot, visitor.forced[slot])
                if slot in visitor.forced
                else self._slot(slot, visit)
            )
            for slot in slots
        }

    def remember(
        self, assignments: Assignments, served: Iterable[Decision], *, now_ms: int
    ) -> Assignments:
        """Return what to remember of a visitor after these decisions were served.

        Runs that are over are forgotten, no more exposures are kept than a cap looks at, and
        nothing is kept of a page view.
        """
        return self._memory.after(assignments, served, now_ms=now_ms)

    def _visit(self, visitor: Visitor, now_ms: int) -> Visit | None:
        """Return what deciding may look at, or None where there is nothing to decide."""
        is_enrollable = visitor.id is not None and may_enrol(visitor.consent)
        # What was stored under a grant is not looked at once the grant is gone.
        assignments = visitor.assignments if is_enrollable else _NOTHING
        if not visitor.is_counted or self._memory.is_full(assignments, now_ms):
            return None
        return Visit(
            visitor=visitor,
            facts=self.rules.facts(
                consent=visitor.consent,
                attributes=visitor.attributes,
                profile=visitor.profile,
                now_ms=now_ms,
                collected=visitor.collected,
            ),
            assignments=assignments,
            now_ms=now_ms,
            is_enrollable=is_enrollable,
            is_measurable=self._may_measure(visitor),
        )

    def _may_measure(self, visitor: Visitor) -> bool:
        """Return whether a page view may be measured, which stores nothing and knows nobody."""
        if visitor.consent.choice(Purpose.ANALYTICS) is not Choice.UNSET:
            return visitor.consent.allows(Purpose.ANALYTICS)
        definitions = self.snapshot.definitions
        region = visitor.region if visitor.region in definitions.regions else "default"
        return (
            visitor.consent.allows(Purpose.ANALYTICS)
            or region in definitions.storage_free_measurement
        )

    def _forced(self, slot: str, wanted: str) -> Decision:
        """Return what a preview link asks for; the site's own content where that is no more."""
        key, _, arm = wanted.partition("/")
        experiment = self.snapshot.definitions.experiments.get(key)
        if experiment is None or experiment.slot != slot or arm not in experiment.variants:
            return Decision(slot=slot, reason=Reason.FORCED)
        return Decision(slot=slot, reason=Reason.FORCED, experiment=key, variant=arm)

    def _slot(self, slot: str, visit: Visit | None) -> Decision:
        if visit is not None:
            for candidate in self._by_slot.get(slot, ()):
                unit = candidate.unit(visit)
                if unit is not None and candidate.is_eligible(unit, visit):
                    return self._owned(candidate, unit, visit)
        return Decision(slot=slot)

    def _owned(self, candidate: Candidate, unit: str, visit: Visit) -> Decision:
        """Return the decision of the experiment that owns a slot."""
        kept = None
        if not candidate.is_view:
            if self._is_held_out(visit):
                return _decision(
                    candidate, visit, Reason.HOLDOUT, arm=HOLDOUT, assigned_at_ms=visit.now_ms
                )
            kept = visit.assignments.sticky.get(candidate.run.id)
        arms = candidate.eligible_arms(visit)
        if kept is not None and candidate.is_alive(kept.arm):
            is_shown = kept.arm in arms
            return _decision(
                candidate,
                visit,
                Reason.STICKY if is_shown else Reason.INELIGIBLE_ARM,
                variant=kept.arm if is_shown else CONTROL,
                arm=kept.arm,
                allocation=kept.allocation,
                propensity=candidate.propensity(kept.allocation, kept.arm),
                assigned_at_ms=kept.assigned_at_ms,
                is_enrolling=is_shown and kept.is_enrolled,
            )
        row = candidate.row(arms, visit.facts)
        if row is None or visit.now_ms >= row.allocation.draw_until_ms:
            return _decision(candidate, visit, Reason.NO_ALLOCATION, is_enrolling=False)
        arm = candidate.drawn(row, unit, visit.visitor)
        return _decision(
            candidate,
            visit,
            Reason.ASSIGNED,
            variant=arm,
            arm=arm,
            allocation=row.allocation.id,
            propensity=row.allocation.weights[arm],
            assigned_at_ms=visit.now_ms,
            # Whoever was in an arm that is no more stays enrolled there.
            is_enrolling=kept is None,
        )

    def _is_held_out(self, visit: Visit) -> bool:
        share = self.snapshot.definitions.holdout
        return share > 0 and self._holdout_draw(str(visit.visitor.id)) < share


def may_enrol(consent: Consent) -> bool:
    """Return whether a visitor may be given an id and an arm: an enrolment reveals both uses."""
    return all(consent.allows(use) for use in ENROLLING)


def _decision(
    candidate: Candidate,
    visit: Visit,
    reason: Reason,
    *,
    variant: str = CONTROL,
    arm: str | None = None,
    allocation: str | None = None,
    propensity: float | None = None,
    assigned_at_ms: int | None = None,
    is_enrolling: bool = True,
) -> Decision:
    """Return the decision of an experiment that owns its slot."""
    return Decision(
        slot=candidate.definition.slot,
        variant=variant,
        reason=reason,
        experiment=candidate.key,
        run=candidate.run.id,
        arm=arm,
        allocation=allocation,
        propensity=propensity,
        assigned_at_ms=assigned_at_ms,
        is_enrolling=is_enrolling,
        groups=candidate.groups(visit.facts) if is_enrolling else (),
    )
