"""What somebody made up would see, and why: by what is in force, or as if a draft were."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from byleave.experiments import Decider, Decision, Definitions, local_snapshot
from byleave.segments import DefinitionError, read
from byleave.server.access import EDITORS
from byleave.server.commands.eligibility import reasons
from byleave.server.commands.personas import Persona, standing
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import in_force
from byleave.server.console.forms import Form
from byleave.server.console.previews import HOUR_MS, preview
from byleave.server.console.routing import PageCall
from byleave.server.service import Service
from byleave.server.versions import Draft

_NO_DRAFT: Final = _("There is no such draft any more: it was published or thrown away.")
_FAULTY: Final = _("This draft cannot be decided by yet. Mend it first:")


def offered_drafts(call: PageCall) -> list[str]:
    """Return the drafts that may be decided by, by name; none for who may not see them."""
    return [each.draft for each in call.service.library.drafts()] if _may_draft(call) else []


def view(call: PageCall, form: Form, persona: Persona) -> dict[str, Any]:
    """Return what each slot shows a persona, and why; nothing where the draft has a fault.

    The form says in `page` which page of the site to look at, and in `as_drafted` which draft
    to decide by.
    """
    service = call.service
    decider, draft = service.published.decider, form.value("as_drafted")
    if draft:
        drafted = _drafted(call, form, draft)
        if drafted is None:
            return {}
        decider = drafted
    definitions = decider.snapshot.definitions
    stands = standing(persona, definitions, now_ms=service.clock(), decider=decider)
    decisions = decider.decide(stands.visitor, definitions.slots, now_ms=stands.now_ms)
    rows = {row.id: row for run in decider.snapshot.runs.values() for row in run.allocations}
    unpublished = [each for each in decisions.values() if not _is_published(service, decider, each)]
    return {
        "stands": stands,
        "draft": draft,
        "unpublished": unpublished,
        "preview": "" if unpublished else _link(call, form.value("page"), decisions),
        "slots": [
            (decision, reasons(decision, stands), rows.get(decision.allocation or ""))
            for decision in decisions.values()
        ],
        "trees": {key: stands.facts.explain(key).to_plain() for key in definitions.segments},
    }


def _may_draft(call: PageCall) -> bool:
    return call.role in EDITORS


def _drafted(call: PageCall, form: Form, name: str) -> Decider | None:
    """Return what would decide if a draft were published now; None with the faults told.

    What it changes begins anew, with the weights that it begins with; all else is as it is.
    """
    found = [each for each in call.service.library.drafts() if each.draft == name]
    if not found or not _may_draft(call):
        form.faults["as_drafted"] = _NO_DRAFT
        return None
    try:
        definitions = read(Definitions, _laid_over(call.service, found[0]))
        begun = local_snapshot(definitions, now_ms=call.service.clock())
    except DefinitionError as error:
        form.faults["as_drafted"] = _FAULTY
        form.details["as_drafted"] = " ".join(fault.message for fault in error.faults)
        return None
    now = call.service.published.snapshot
    stay = {
        key: now.runs[key]
        for key, experiment in definitions.experiments.items()
        if key in now.runs and experiment == now.definitions.experiments[key]
    }
    return Decider(replace(now, definitions=definitions, runs={**begun.runs, **stay}))


def _laid_over(service: Service, draft: Draft) -> dict[str, Any]:
    _version, definitions = in_force(service)
    changed = {
        section: {**definitions.get(section, {}), **objects}
        for section, objects in draft.definitions.items()
        if isinstance(objects, Mapping)
    }
    return {**definitions, **changed}


def _is_published(service: Service, decider: Decider, decision: Decision) -> bool:
    """Whether the site has what was decided, as it is here."""
    if decision.experiment is None:
        return True
    key, arm = decision.experiment, decision.variant
    now = service.published.snapshot.definitions.experiments.get(key)
    then = decider.snapshot.definitions.experiments[key].variants.get(arm)
    return now is not None and now.variants.get(arm) == then


def _link(call: PageCall, address: str, decisions: Mapping[str, Decision]) -> str:
    shown = {
        slot: f"{decision.experiment}/{decision.variant}"
        for slot, decision in decisions.items()
        if decision.experiment is not None
    }
    return preview(call, address, shown, lasts_ms=HOUR_MS) if address else ""
