"""Deciding: from a snapshot and a visitor to what each slot shows.

`Decider` compiles a snapshot once; `decide` is then a pure function of the visitor and the
time. For each slot the first eligible experiment owns it, whichever arm it then gives. Whatever
makes an experiment or an arm ineligible is applied before the draw and alike in every arm, so
that the weights served are the probabilities drawn with.
"""

from collections.abc import Callable, Iterable
from typing import Final

from byleave.experiments.candidates import Candidate, Visit
from byleave.experiments.decisions import (
    ENROLLING,
    Assignments,
    Decision,
    Reason,
    Visitor,
)
from byleave.experiments.definitions import Definitions
from byleave.experiments.hashes import blake2b64
from byleave.experiments.memory import Memory
from byleave.experiments.snapshot import Snapshot
from byleave.segments import Choice, Consent, Purpose, Rules, SegmentLeaf, reads
from byleave.segments.consent.regions import opt_in_regions

_NOTHING: Final = Assignments()

#: A candidate: where its audience is answered, or None for everybody, and what it then shows,
#: or None where it is not eligible.
Ready = tuple[tuple[int, int] | None, Callable[[Visit], Decision | None]]


class Decider:
    """Decides by one snapshot; immutable, and safe to share between threads.

    Args:
        snapshot: The snapshot.
        before: What decided until now. Weights change far more often than segments, which are
            not compiled again where they are the same.

    Attributes:
        snapshot: The snapshot.
        rules: Its segments, ready to be asked.
        sensitive: The experiments that ask about a sensitive attribute.
    """

    def __init__(self, snapshot: Snapshot, *, before: "Decider | None" = None) -> None:
        definitions = snapshot.definitions
        self.snapshot = snapshot
        candidates = [
            Candidate(key, definitions, snapshot.runs[key])
            for key in definitions.experiments
            if key in snapshot.runs
        ]
        candidates.sort(key=lambda candidate: (-candidate.priority, candidate.key))
        tracked = [c.reached for c in candidates if c.reached is not None]
        first = {key for candidate in candidates for key in candidate.segments}
        self._asked = (definitions.vocabulary, tracked, first)
        if before is not None and before._asked == self._asked:
            self.rules: Rules = before.rules.again(tracked)
        else:
            self.rules = Rules(definitions.vocabulary, tracked=tracked, first=first)
        self._slots: dict[str, tuple[Decision, list[Ready]]] = {}
        for candidate in candidates:
            slot, audience = candidate.slot, candidate.audience
            place = None if audience is None else self.rules.places[audience]
            _, ready = self._slots.setdefault(slot, (Decision(slot), []))
            ready.append((place, candidate.decide))
        self.sensitive = _sensitive(candidates, definitions)
        self._has_views = any(candidate.is_view for candidate in candidates)
        self._memory = Memory(snapshot)
        self._holdout = definitions.holdout
        self._holdout_draw = blake2b64(snapshot.holdout_seed, "holdout")

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots that some experiment may fill."""
        return tuple(self._slots)

    def decide(self, visitor: Visitor, slots: Iterable[str], *, now_ms: int) -> dict[str, Decision]:
        """Return what each slot shows this visitor now.

        A slot that nothing is decided for shows the site's own content and says why.
        """
        decisions = {}
        visit = self._visit(visitor, now_ms)
        for slot in slots:
            known = self._slots.get(slot)
            if known is None:
                decisions[slot] = Decision(slot)
                continue
            # One that nothing is decided for was made once: a page has many of them.
            decisions[slot], candidates = known
            if visit is None:
                continue
            facts = visit.facts
            answers = facts.answers
            for place, decide in candidates:
                if place is not None:
                    chunk, at = place
                    if not (answers[chunk] or facts.answer(chunk))[at].is_true:
                        continue
                decision = decide(visit)
                if decision is not None:
                    decisions[slot] = decision
                    break
        for slot, wanted in visitor.forced.items():
            if slot in decisions:
                decisions[slot] = self._forced(slot, wanted)
        return decisions

    def remember(
        self, assignments: Assignments, served: Iterable[Decision], *, now_ms: int
    ) -> Assignments:
        """Return what to remember of a visitor after these decisions were served.

        Runs that are over are forgotten, no more exposures are kept than a cap looks at, and
        nothing is kept of a page view.
        """
        return self._memory.after(assignments, served, now_ms=now_ms)

    def may_measure(self, consent: Consent, region: str | None) -> bool:
        """Return whether a page view may be measured, which stores nothing and knows nobody.

        Where nothing was said about analytics, the site must allow it in every region that the
        visitor may be in and where silence means no; a refusal is respected everywhere.

        Args:
            consent: What the visitor agreed to.
            region: Where they are, as a country code; None when unknown.
        """
        if consent.allows(Purpose.ANALYTICS):
            return True
        definitions = self.snapshot.definitions
        return (
            bool(definitions.storage_free_measurement)
            and consent.choice(Purpose.ANALYTICS) is Choice.UNSET
            and opt_in_regions(region, definitions.regions).issubset(
                definitions.storage_free_measurement
            )
        )

    def _visit(self, visitor: Visitor, now_ms: int) -> Visit | None:
        """Return what deciding may look at, or None where there is nothing to decide."""
        if not visitor.is_counted:
            return None
        id = visitor.id if may_enrol(visitor.consent) else None
        # What was stored under a grant is not looked at once the grant is gone.
        assignments = visitor.assignments if id is not None else _NOTHING
        if self._memory.is_full(assignments, now_ms):
            return None
        may_measure = self._has_views and self.may_measure(visitor.consent, visitor.region)
        view = visitor.view if may_measure else None
        if id is None and view is None:
            return None
        facts = self.rules.facts(
            consent=visitor.consent,
            attributes=visitor.attributes,
            profile=visitor.profile,
            now_ms=now_ms,
            collected=visitor.collected,
        )
        is_held_out = (
            id is not None and self._holdout > 0 and self._holdout_draw(id) < self._holdout
        )
        return Visit(visitor, facts, assignments, now_ms, id, view, is_held_out)

    def _forced(self, slot: str, wanted: str) -> Decision:
        """Return what a preview link asks for; the site's own content where that is no more."""
        key, _, arm = wanted.partition("/")
        experiment = self.snapshot.definitions.experiments.get(key)
        if experiment is None or experiment.slot != slot or arm not in experiment.variants:
            return Decision(slot=slot, reason=Reason.FORCED)
        return Decision(slot=slot, reason=Reason.FORCED, experiment=key, variant=arm)


def _sensitive(candidates: Iterable[Candidate], definitions: Definitions) -> frozenset[str]:
    names = {name for name, declared in definitions.attributes.items() if declared.sensitive}
    if not names:  # as with most sites, and looking through all conditions takes its time
        return frozenset()
    return frozenset(
        candidate.key
        for candidate in candidates
        if any(
            names & reads(SegmentLeaf(key), definitions.vocabulary).attributes
            for key in candidate.segments
        )
    )


def may_enrol(consent: Consent) -> bool:
    """Return whether a visitor may be given an id and an arm: an enrolment reveals both uses."""
    personalisation, analytics = ENROLLING
    return consent.allows(personalisation) and consent.allows(analytics)
