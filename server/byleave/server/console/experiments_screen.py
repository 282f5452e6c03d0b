"""The second screen of an experiment: its form, the checklist, previews, and what may be done."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.experiments import CONTROL
from byleave.segments import DefinitionError
from byleave.server.console import drafting
from byleave.server.console import experiments_form as drafts
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import EXPERIMENTS
from byleave.server.console.experiments_checks import checks, expected
from byleave.server.console.experiments_life import CONCLUSIONS, is_running, may_review, stands
from byleave.server.console.forms import Form
from byleave.server.console.previews import is_page, preview
from byleave.server.console.routing import PageCall
from byleave.server.console.variants_fields import by_locale

PATH: Final = "/console/drafts"
_DAY_MS: Final = 86_400_000
#: For how many days a preview link works.
LASTING: Final = {"1": _("a day"), "7": _("a week"), "30": _("30 days")}


def address(key: str) -> str:
    """Return the address of the screen of an experiment."""
    return f"{PATH}/{quote(key, safe='')}"


async def screen(call: PageCall, form: Form, *, status: int = 200) -> Response:
    """Return the second screen of the experiment asked for, with a form filled in."""
    key = drafts.key_of(call)
    version, draft, current = await run_in_threadpool(drafts.looked_up, call)
    shown: dict[str, Any] = draft or current or {}
    defined = call.service.published.snapshot.definitions
    _version, definitions = await run_in_threadpool(drafting.in_force, call.service)
    laid = drafting.laid_over(definitions, EXPERIMENTS, key, shown)
    found = await run_in_threadpool(checks, call.service, key, laid)
    slot = defined.slots.get(form.value("slot"))
    return call.page(
        "experiment_draft.html",
        status=status,
        key=key,
        form=form,
        defined=defined,
        fields=slot.fields if slot else {},
        checks=found,
        is_green=all(each.is_met or not each.blocks for each in found),
        is_draft=draft is not None,
        is_published=current is not None,
        is_running=is_running(call.service, key),
        stands=stands(call.service, key, current),
        is_of_files=await run_in_threadpool(drafting.is_of_files, call.service, EXPERIMENTS, key),
        may_review=may_review(call.service, key, current),
        version=version,
        saved=[*shown.get("variants", {})],
        by_locale={arm: by_locale(variant) for arm, variant in shown.get("variants", {}).items()},
        rooms=range(1, drafts.MOST_VARIANTS + 1),
        previews=_previews(call, key, shown, current),
        lasting=LASTING,
        personas=await run_in_threadpool(call.service.personas.all),
        plan=await run_in_threadpool(_planned, call, shown),
        conclusions=CONCLUSIONS,
        past=await run_in_threadpool(drafting.past, call.service, EXPERIMENTS, key),
    )


def _previews(
    call: PageCall, key: str, shown: Mapping[str, Any], current: Mapping[str, Any] | None
) -> dict[str, str]:
    """Return a link for each published arm, to the page of the site that was asked for."""
    query = call.request.query_params
    address, days = query.get("page", ""), query.get("days", "7")
    if current is None or days not in LASTING or not is_page(address):
        return {}
    slot = str(shown.get("slot", ""))
    return {
        arm: preview(call, address, {slot: f"{key}/{arm}"}, lasts_ms=int(days) * _DAY_MS)
        for arm in (CONTROL, *(arm for arm in current["variants"] if arm != CONTROL))
    }


def _planned(call: PageCall, shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked about the time that it takes, and the answer."""
    query = call.request.query_params
    asked = {name: query.get(name, "") for name in ("baseline", "lift", "a_day")}
    told: dict[str, Any] = {"form": Form.holding(**asked), "asked": any(asked.values())}
    told["is_wrong"] = False
    try:
        baseline, lift, a_day = (float(text.replace(",", ".")) for text in asked.values())
        told["days"] = None
        if found := expected(shown, baseline=baseline / 100, lift=lift / 100, a_day=a_day):
            told |= {"days": -(-found.seen_ms // _DAY_MS), "units": found.units}
    except (ValueError, DefinitionError):
        told["is_wrong"] = True
    return told
