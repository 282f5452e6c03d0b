"""The slots of one page: what each shows, what was served, and what becomes of that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from byleave.experiments import CONTROL, Decision, Reason
from byleave.experiments.definitions import Variant, VariantKind
from byleave.experiments.locales import best_locale, page_locale
from byleave.sdk import events
from byleave.sdk.asked_decisions import asked
from byleave.sdk.asking import LeftAloneError
from byleave.sdk.failures import report
from byleave.sdk.receipts import Receipt, mint
from byleave.segments import Purpose

if TYPE_CHECKING:  # a visit has slots, and they belong to it
    from byleave.sdk.visit import Visit


class Slots:
    """What one visit is shown, slot by slot; decided once, for all slots together.

    Attributes:
        served: The decisions of the slots that were met on the page.
        offered: Those of slots on the page that open by themselves, and count only then.
        pending: Exposures that count once the page reports that it was loaded, each with what
            it is of: a `visitor` or a `view`.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._decisions: Mapping[str, Decision] | None = None
        self._settled: set[str] = set()
        self._remembered: set[str] = set()
        self.served: dict[str, Decision] = {}
        self.offered: dict[str, Decision] = {}
        self.pending: list[tuple[str, events.Event]] = []

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The slots that may be filled: those of running experiments, and those of a preview."""
        decider = self._visit.decider
        return (
            () if decider is None else tuple(dict.fromkeys((*decider.slots, *self._visit.forced)))
        )

    @property
    def on_page(self) -> tuple[str, ...]:
        """Those that may be filled on this page: a shared one has no others than it is known by."""
        shared = self._visit.shared
        return self.names if shared is None else tuple(s for s in self.names if s in shared)

    @property
    def decisions(self) -> Mapping[str, Decision]:
        """What each slot shows; decided in this process when somebody first asks.

        Where the server decides, nothing is known before it was asked.
        """
        if self._decisions is None:
            if self._is_asked:
                return {}
            self._decisions = self._decide()
        return self._decisions

    @property
    def _is_asked(self) -> bool:
        """Whether the server decides, which knows of no previews."""
        return self._visit.site.asks_server and not self._visit.forced

    def _decide(self) -> Mapping[str, Decision]:
        visit = self._visit
        if visit.decider is None or visit.is_standard:
            return {}
        try:
            visit.count_page()
            return self._recordable(
                visit.decider.decide(visit.visitor, self.names, now_ms=visit.now_ms)
            )
        except Exception as error:
            report("not decided", error)
            return {}

    async def ask(self) -> None:
        """Let the server decide, where the site wants that; what fails decides nothing."""
        visit = self._visit
        if not self._is_asked or visit.decider is None or self._decisions is not None:
            return
        self._decisions = {}
        if visit.is_standard:
            return
        try:
            visit.count_page()
            self._decisions = self._recordable(await asked(visit, visit.decider))
        except LeftAloneError:
            visit.site.count("pages not decided by the server")
        except Exception as error:
            visit.site.count("pages not decided by the server")
            report("not decided by the server", error)

    def _recordable(self, decided: Mapping[str, Decision]) -> dict[str, Decision]:
        """Return the decisions, without arms that were drawn now and could not be recorded."""
        self._visit.site.count("decisions", len(decided))
        if self._visit.may_write:
            return dict(decided)
        return {
            slot: Decision(slot=slot)
            if decision.reason is Reason.ASSIGNED and not self._is_of_view(decision)
            else decision
            for slot, decision in decided.items()
        }

    def serve(self, slot: str, default: bytes, codec: str) -> bytes | None:
        """Return what a slot shows in place of its default; None for the default.

        It counts as served either way, and also where its variant cannot be rendered: leaving
        failures out of one arm would bias the comparison.
        """
        decision = self.decisions.get(slot) or Decision(slot=slot)
        if self._opens_itself(slot):
            self.offered[slot] = decision
            if decision.is_enrolling:
                self._visit.memory.keep()
            return None
        self.served[slot] = decision
        return self.rendered(decision, default, codec)

    def _opens_itself(self, slot: str) -> bool:
        decider = self._visit.decider
        return decider is not None and decider.snapshot.definitions.slots[slot].trigger is not None

    def rendered(self, decision: Decision, default: bytes, codec: str) -> bytes | None:
        """Return what a decision shows in place of a default; None for the default."""
        variant, decider = self._variant(decision), self._visit.decider
        if variant is None or decider is None:
            return None
        slot = decision.slot
        self._visit.is_rendering = True
        try:
            return self._visit.site.renderer.render(
                decider.snapshot.definitions.slots[slot],
                variant,
                default,
                path=self._visit.path,
                codec=codec,
                known=self._visit.known,
                locale=self.locale(decision),
            )
        except Exception as error:
            report("variant not shown", error, slot=slot, variant=decision.variant)
            return None
        finally:
            self._visit.is_rendering = False

    def locale(self, decision: Decision) -> str | None:
        """Return which of its variant's locales a decision shows; None where it has none.

        A preview shows the first one to a page that is in none of them.
        """
        variant, decider = self._variant(decision), self._visit.decider
        if variant is None or decider is None or not variant.locales:
            return None
        first = variant.locales[0] if decision.reason is Reason.FORCED else None
        page = page_locale(decider.snapshot.definitions, self._visit.visitor)
        return best_locale(variant.locales, page) or first

    def _variant(self, decision: Decision) -> Variant | None:
        """Return the variant that a decision shows; None for the site's own content."""
        decider = self._visit.decider
        if decider is None or decision.experiment is None or decision.variant == CONTROL:
            return None
        experiments = decider.snapshot.definitions.experiments
        return experiments[decision.experiment].variants[decision.variant]

    def data(self, slot: str) -> Any:
        """Return the data of the variant that a slot shows, and serve it; None for the default."""
        return self.content(slot, VariantKind.DATA)

    def content(self, slot: str, kind: VariantKind) -> Any:
        """Return the content of a variant of some kind for a template, and serve the slot.

        None stands for the site's own content.
        """
        if slot not in self.names:
            return None
        decision = self.served[slot] = self.decisions.get(slot) or Decision(slot=slot)
        self.settle()
        variant = self._variant(decision)
        return variant.content if variant is not None and variant.kind is kind else None

    def remember_all(self) -> None:
        """Remember the arms of all slots, for headers that go out ahead of the page."""
        try:
            stand = {k: d for k, d in self.decisions.items() if not self._opens_itself(k)}
            self._remember(stand)
            if any(d.is_enrolling for k, d in self.decisions.items() if k not in stand):
                self._visit.memory.keep()
        except Exception as error:
            report("arms not remembered", error)

    def settle(self) -> None:
        """Remember and report what was served since the last time."""
        new = {slot: d for slot, d in self.served.items() if slot not in self._settled}
        self._settled.update(new)
        if self._visit.shared is not None:
            return  # it was served when the cache asked for its name
        try:
            self._remember(new)
            self._tell(new.values())
            for decision in new.values():
                if decision.is_enrolling:
                    self._expose(decision)
        except Exception as error:
            report("exposure not recorded", error)

    def _tell(self, served: Iterable[Decision]) -> None:
        """Tell the site's traces of what was served, where the visitor allows that."""
        visit = self._visit
        told = visit.site.on_served
        if told is None or visit.decider is None or not visit.is_counted:
            return
        if not visit.consent.allows(Purpose.ANALYTICS):
            return
        version = visit.decider.snapshot.version
        for decision in served:
            try:
                told(decision, f"{version.generation}.{version.number}")
            except Exception as error:
                report("not told of what was served", error)

    def _remember(self, decisions: Mapping[str, Decision]) -> None:
        visit = self._visit
        served = [d for slot, d in decisions.items() if slot not in self._remembered and d.run]
        self._remembered.update(decisions)
        if not served or visit.decider is None or visit.memory.identity is None:
            return
        before = visit.memory.state.assignments
        after = visit.decider.remember(before, served, now_ms=visit.now_ms)
        if after != before:
            visit.memory.remember(assignments=after)
        if any(decision.is_enrolling and not self._is_of_view(decision) for decision in served):
            visit.memory.keep()

    def _expose(self, decision: Decision) -> None:
        visit = self._visit
        identity = visit.memory.identity
        kind = "view" if self._is_of_view(decision) else "visitor"
        unit = visit.view if kind == "view" else identity and identity.id
        if not unit or visit.is_restored:
            return
        event = events.exposure(
            decision, unit, at_ms=visit.now_ms, random_bytes=visit.site.random_bytes
        )
        if visit.is_recognised:
            visit.tell(event)
        else:
            self.pending.append((kind, event))

    def _is_of_view(self, decision: Decision) -> bool:
        if self._visit.decider is None or decision.experiment is None:
            return False
        experiments = self._visit.decider.snapshot.definitions.experiments
        return experiments[decision.experiment].unit == "view"

    @property
    def is_owned(self) -> bool:
        """Whether an experiment owns one of the slots for this visitor."""
        return any(decision.experiment for decision in self.decisions.values())

    @property
    def is_sensitive(self) -> bool:
        """Whether what is decided so far depends on a sensitive attribute."""
        decided, decider = self._decisions or {}, self._visit.decider
        if decider is None or not decider.sensitive:
            return False
        return any(decision.experiment in decider.sensitive for decision in decided.values())

    @property
    def signature(self) -> str:
        """A hash of everything that this visitor is shown."""
        decider = self._visit.decider
        version = decider and decider.snapshot.version
        shown = sorted(
            (slot, d.experiment, d.variant, self.locale(d)) for slot, d in self.decisions.items()
        )
        return blake2b(f"{version} {shown}".encode(), digest_size=8).hexdigest()

    def receipt(self) -> str | None:
        """Return the signed receipt of what was served; None where nothing is measured."""
        visit = self._visit
        if visit.decider is None:
            return None
        key = visit.decider.snapshot.signing_key(visit.now_ms)
        if not key:
            return None
        experiments = visit.decider.snapshot.definitions.experiments
        arms = tuple(
            (decision.allocation, [*experiments[decision.experiment].variants].index(decision.arm))
            for decision in self.served.values()
            if decision.is_enrolling
            and decision.experiment
            and decision.allocation
            and decision.arm
        )
        if not arms:
            return None
        return mint(Receipt(decision=visit.view, at_ms=visit.now_ms, arms=arms), key)

    def because(self, slot: str) -> str:
        """Return the sentence that tells the visitor why a slot is different for them.

        Empty where they see the site's own content.
        """
        decision = self.decisions.get(slot)
        decider = self._visit.decider
        if decision is None or decider is None or decision.variant == CONTROL:
            return ""
        definitions = decider.snapshot.definitions
        audience = decision.experiment and definitions.experiments[decision.experiment].audience
        return definitions.segments[audience].because if audience else ""
