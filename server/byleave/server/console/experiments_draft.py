"""Making and launching an experiment: a first screen for what it is, a second one for all else."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.experiments import CONTROL
from byleave.segments import DefinitionError
from byleave.segments.naming import NAME_RULE, is_name
from byleave.server.access import EDITORS, MARKUP_EDITORS
from byleave.server.console import drafting
from byleave.server.console import experiments_form as drafts
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import EXPERIMENTS, MEANWHILE
from byleave.server.console.experiments_checks import checks, expected
from byleave.server.console.experiments_life import (
    CONCLUSIONS,
    ended,
    going_on,
    is_running,
)
from byleave.server.console.forms import Form
from byleave.server.console.previews import preview
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall, PageError
from byleave.server.console.variants_fields import by_locale
from byleave.server.errors import ConflictError, ForbiddenError, ManagedError
from byleave.server.service import Service

_PATH: Final = "/console/drafts"
_DAY_MS: Final = 86_400_000
#: For how many days a preview link works.
LASTING: Final = {"1": _("a day"), "7": _("a week"), "30": _("30 days")}
_HTML: Final = _("A variant is HTML, which only admins publish. Ask one, or use fields.")
_RED: Final = _("It cannot be published yet: the checklist says what is to be mended.")
_WHY: Final = _("Say in a sentence what you expect, and why. It stands in the history.")


async def show_drafts(call: PageCall) -> Response:
    """Show what is written and not published yet."""
    found = await run_in_threadpool(call.service.library.drafts)
    return call.page("drafts.html", drafts=found)


async def show_new(call: PageCall) -> Response:
    """Show the first screen."""
    audience = call.request.query_params.get("audience", "")
    return _first(call, Form.holding(audience=audience), 200)


async def create(call: PageCall) -> Response:
    """Begin a draft, and go on to the second screen."""
    form, service = Form(call.values), call.service
    defined = service.published.snapshot.definitions
    key = form.value("key")
    drafted = await run_in_threadpool(drafting.drafted, service, EXPERIMENTS, key)
    taken = key in defined.experiments or drafted is not None
    if not is_name(key):
        form.faults["key"] = NAME_RULE
    elif taken or key == "new":
        form.faults["key"] = _("There is one of this name already. Choose another.")
    form.chosen("slot", [*defined.slots], fault=_("Choose where it shows."))
    form.chosen("audience", ["", *defined.segments], fault=_("Choose whom it is for."))
    form.chosen("goal", [*defined.goals], fault=_("Choose what it is judged by."))
    if not form.is_sound:
        return _first(call, form, 422)
    begun = drafts.begun(form)
    await run_in_threadpool(drafting.keep, call, EXPERIMENTS, key, begun, over=None)
    return RedirectResponse(_address(key), 303, SAFE)


async def show(call: PageCall) -> Response:
    """Show the second screen: the form, the checklist, previews, and what may be done."""
    state = await run_in_threadpool(drafting.state, call.service, EXPERIMENTS, drafts.key_of(call))
    _version, draft, current = await run_in_threadpool(drafts.looked_up, call)
    form = drafts.as_form(draft or current or {}, zone=call.display.zone)
    asked = {name: [call.request.query_params.get(name, "")] for name in ("page", "days")}
    drafting.hold(form, state)
    return await _second(call, Form({**form.values, **asked}))


async def change(call: PageCall) -> Response:
    """Keep a draft; publish it too, for review or to launch it, where the checklist is green."""
    form, service, key = Form(call.values), call.service, drafts.key_of(call)
    version, draft, current = await run_in_threadpool(drafts.looked_up, call)
    doing = form.value("do")
    if doing == "discard":
        try:
            if draft is not None:
                over = drafting.held(form)
                await run_in_threadpool(drafting.drop, call, EXPERIMENTS, key, over=over)
        except ConflictError:
            return await _moved(call, form)
        return RedirectResponse(_address(key) if current else _PATH, 303, SAFE)
    slot = service.published.snapshot.definitions.slots.get(form.value("slot"))
    wanted = drafts.written(form, draft or current or {}, slot.fields if slot else {})
    try:
        over = drafting.held(form)
        state = await run_in_threadpool(drafting.keep, call, EXPERIMENTS, key, wanted, over=over)
    except ConflictError:
        return await _moved(call, form)
    except ManagedError:
        form.faults["checks"] = drafts.FILES
        return await _second(call, form, status=409)
    drafting.hold(form, state)
    if doing not in ("review", "launch"):
        return RedirectResponse(_address(key), 303, SAFE)
    if doing == "review":  # in the snapshot, so that a preview shows it; nobody is enrolled
        wanted = {**wanted, "traffic": 0, "ramp": []}
    reason = form.value("reason")
    if not 1 <= len(reason) <= 1_000:
        form.faults["reason"] = _WHY
    elif doing == "review" and not _may_review(service, key, current):
        form.faults["reason"] = _("It runs, and this would end its run. Pause it first.")
    elif doing == "launch" and await run_in_threadpool(_is_red, service, key, wanted):
        form.faults["checks"] = _RED
    if not form.is_sound:
        return await _second(call, form, status=422)
    told = f"{key} for review: {reason}" if doing == "review" else f"{key} is launched: {reason}"
    if form.value("expected") != version:
        form.faults["reason"] = MEANWHILE
    elif fault := await _publish(call, key, wanted, told):
        form.faults["checks"] = fault
    if not form.is_sound:
        return await _second(call, form, status=409)
    if doing == "launch":
        over = drafting.held(form)
        await run_in_threadpool(drafting.drop_published, call, EXPERIMENTS, key, over=over)
    return RedirectResponse(_address(key), 303, SAFE)


async def live(call: PageCall) -> Response:
    """Pause what runs, let it go on, stop it with a conclusion, or put it away."""
    form, service, key = Form(call.values), call.service, drafts.key_of(call)
    state = await run_in_threadpool(drafting.state, service, EXPERIMENTS, key)
    version, draft, current = await run_in_threadpool(drafts.looked_up, call)
    doing, reason = form.value("do"), form.value("live_reason")
    if current is None:
        raise PageError(404, *drafts.UNKNOWN)
    runs = is_running(service, key)
    if not 1 <= len(reason) <= 1_000:
        form.faults["live_reason"] = _("Say why in a sentence. It stands in the history.")
    if form.value("expected") != version:
        form.faults["live_reason"] = MEANWHILE
    if doing == "stop":
        form.chosen("conclusion", [*CONCLUSIONS], fault=_("Choose with what it ends."))
    if doing not in (("pause", "stop") if runs else ("resume", "stop", "archive")):
        form.faults["live_reason"] = _("That cannot be done as it stands now.")
    if form.is_sound:
        told = (
            f"{key}: {doing} ({form.value('conclusion')})"
            if doing == "stop"
            else (f"{key}: {doing}")
        )
        wanted: Any = None
        if doing == "resume":
            wanted = going_on(current)
        elif doing in ("pause", "stop"):
            wanted = ended(current, service.clock())
        stops = doing in ("pause", "stop")
        if fault := await _publish(call, key, wanted, f"{told}: {reason}", is_stopping=stops):
            form.faults["live_reason"] = fault
    if not form.is_sound:
        shown = drafts.as_form(draft or current, zone=call.display.zone)
        drafting.hold(shown, state)
        values = {**shown.values, "live_reason": [reason], "conclusion": [form.value("conclusion")]}
        return await _second(call, Form(values, form.faults), status=422)
    return RedirectResponse(_PATH if doing == "archive" else _address(key), 303, SAFE)


async def _moved(call: PageCall, form: Form) -> Response:
    """Say that the draft was changed meanwhile, with all that was typed."""
    await run_in_threadpool(drafting.tell_moved, call, form, EXPERIMENTS, drafts.key_of(call))
    return await _second(call, form, status=409)


async def _publish(
    call: PageCall, key: str, wanted: Any, reason: str, *, is_stopping: bool = False
) -> str:
    """Publish, and return why that could not be done; '' when it was."""
    version = Form(call.values).value("expected")
    try:
        await run_in_threadpool(
            drafting.publish,
            call.service,
            EXPERIMENTS,
            key,
            wanted,
            expected=version,
            reason=reason,
            author=call.author,
            is_stopping=is_stopping,
            may_write_html=call.role in MARKUP_EDITORS,
        )
    except ConflictError:
        return MEANWHILE
    except ManagedError:
        return drafts.FILES
    except ForbiddenError:
        return _HTML
    except DefinitionError:
        return _RED
    return ""


def _is_red(service: Service, key: str, wanted: Mapping[str, Any]) -> bool:
    _newest, definitions = drafting.in_force(service)
    found = checks(service, key, drafting.laid_over(definitions, EXPERIMENTS, key, wanted))
    return any(each.blocks and not each.is_met for each in found)


def _may_review(service: Service, key: str, current: Mapping[str, Any] | None) -> bool:
    """Whether nobody is enrolled now, so that publishing without visitors ends nothing."""
    return current is None or current.get("traffic") == "0%" or not is_running(service, key)


def _first(call: PageCall, form: Form, status: int) -> Response:
    defined = call.service.published.snapshot.definitions
    return call.page("experiment_new.html", status=status, form=form, defined=defined)


async def _second(call: PageCall, form: Form, *, status: int = 200) -> Response:
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
        is_of_files=await run_in_threadpool(drafting.is_of_files, call.service, EXPERIMENTS, key),
        may_review=_may_review(call.service, key, current),
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
    if current is None or days not in LASTING or not address.startswith(("/", "http")):
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


def _address(key: str) -> str:
    return f"{_PATH}/{quote(key, safe='')}"


PAGES: Final = (
    ConsolePage(
        path=_PATH, roles=EDITORS, handle=show_drafts, summary="What is not published yet."
    ),
    ConsolePage(
        path=f"{_PATH}/new", roles=EDITORS, handle=show_new, summary="A new experiment: what it is."
    ),
    ConsolePage(
        path=f"{_PATH}/new",
        roles=EDITORS,
        handle=create,
        summary="Begin the draft of an experiment.",
        method="POST",
    ),
    ConsolePage(
        path=f"{_PATH}/{{draft}}",
        roles=EDITORS,
        handle=show,
        summary="An experiment as it is drafted: form, checklist, previews, and what may be done.",
    ),
    ConsolePage(
        path=f"{_PATH}/{{draft}}",
        roles=EDITORS,
        handle=change,
        summary="Keep a draft, publish it for review, or launch it.",
        method="POST",
    ),
    ConsolePage(
        path=f"{_PATH}/{{draft}}/live",
        roles=EDITORS,
        handle=live,
        summary="Pause an experiment, let it go on, stop it with a conclusion, or archive it.",
        method="POST",
    ),
)
