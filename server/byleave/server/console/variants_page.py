"""What a variant shows: its form, what is wrong or weak in it, and how it looks."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.experiments import CONTROL
from byleave.experiments.definitions import NavVerb, Slot, VariantKind
from byleave.experiments.navigation import MOST_ADDED
from byleave.sdk.images import IMAGES_PATH, names_in
from byleave.segments.naming import is_name
from byleave.server.access import EDITORS, MARKUP_EDITORS, is_foreign
from byleave.server.console import drafting
from byleave.server.console import experiments_form as drafts
from byleave.server.console import variants_form as contents
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import EXPERIMENTS, in_force, laid_over
from byleave.server.console.experiments_checks import faults_in
from byleave.server.console.forms import Form
from byleave.server.console.images_page import framed
from byleave.server.console.previews import HOUR_MS, NO_ADDRESS, origin_of, preview
from byleave.server.console.rendering import SAFE, render
from byleave.server.console.routing import ConsolePage, PageCall, PageError
from byleave.server.console.variants_fields import images
from byleave.server.errors import ConflictError, ManagedError
from byleave.server.versions import state_of

PATH: Final = "/console/drafts/{draft}/variants/{arm}"
KINDS: Final = {
    VariantKind.FIELDS: _("The fields of the slot"),
    VariantKind.TEMPLATE: _("A template of the site"),
    VariantKind.HTML: _("HTML"),
    VariantKind.NAV: _("Changes to the navigation"),
    VariantKind.DATA: _("Data for another channel"),
}
VERBS: Final = {
    NavVerb.PROMOTE: _("show it first, too"),
    NavVerb.ADD: _("add it"),
    NavVerb.EMPHASISE: _("mark it"),
    NavVerb.HIDE: _("leave it out"),
    NavVerb.REORDER: _("move it to the front"),
}
UNKNOWN: Final = (
    _("There is no such variant"),
    _("Name it on the page of its experiment first. The control is the site's own content."),
)
_NOT_JSON: Final = _("This is not JSON. Names and texts stand in double quotes.")
_NO_LOCALE: Final = _("This is no locale. Give one such as de, or de-AT with a region.")
_NO_HTML: Final = (
    _("You may not write HTML"),
    _("Only admins may. Fill the slot's fields or name a template, or ask an admin."),
)


async def show(call: PageCall) -> Response:
    """Show the form of a variant, what to think of, and how it looks."""
    experiment, variant, slot = await run_in_threadpool(looked_up, call)
    kind = _kind(call, call.request.query_params.get("kind", ""), variant, slot)
    form = contents.as_form(variant.get(kind), kind)
    drafting.hold(form, state_of(variant))
    path = ("experiments", drafts.key_of(call), "variants", arm_of(call))
    if kind in variant:
        found = await run_in_threadpool(faults_in, call.service, drafts.key_of(call), experiment)
        contents.with_faults(form, found, path)
    return await _page(call, form, kind, experiment, slot)


async def change(call: PageCall) -> Response:
    """Keep what a variant shows, in the draft of its experiment, faults and all."""
    form, key = Form(call.values), drafts.key_of(call)
    state = await run_in_threadpool(drafting.state, call.service, EXPERIMENTS, key)
    experiment, variant, slot = await run_in_threadpool(looked_up, call)
    kind = _kind(call, form.value("kind"), variant, slot)
    try:
        content = contents.content_of(form, kind, slot)
    except ValueError:
        name = "data" if kind is VariantKind.DATA else "new-locale"
        form.faults[name] = _NOT_JSON if kind is VariantKind.DATA else _NO_LOCALE
        return await _page(call, form, kind, experiment, slot, status=422)
    kept = {name: value for name, value in variant.items() if name not in list(VariantKind)}
    variants = {**experiment.get("variants", {}), arm_of(call): {**kept, str(kind): content}}
    experiment = {**experiment, "variants": variants}
    try:
        if drafting.held(form) != state_of(variant):
            raise ConflictError("this variant was changed meanwhile")
        await run_in_threadpool(drafting.keep, call, EXPERIMENTS, key, experiment, over=state)
    except ConflictError:
        await run_in_threadpool(drafting.tell_moved, call, form, EXPERIMENTS, key, "kind")
        drafting.hold(form, state_of(variant))
        return await _page(call, form, kind, experiment, slot, status=409)
    except ManagedError:
        form.faults["kind"] = drafts.FILES
        return await _page(call, form, kind, experiment, slot, status=409)
    return RedirectResponse(_next(call, form.value("do")), 303, SAFE)


def _next(call: PageCall, doing: str) -> str:
    """Return where to go once a variant is saved by a button."""
    button, _sign, field = doing.partition(":")
    match button:
        case "back":
            return f"/console/drafts/{quote(drafts.key_of(call), safe='')}"
        case "image":
            return f"{here_of(call)}/image?field={quote(field)}"
        case _:
            return here_of(call)


def here_of(call: PageCall) -> str:
    """Return the path of a variant's form."""
    key = quote(drafts.key_of(call), safe="")
    return f"/console/drafts/{key}/variants/{quote(arm_of(call), safe='')}"


def looked_up(call: PageCall) -> tuple[Mapping[str, Any], Mapping[str, Any], Slot]:
    """Return the experiment as it is drafted or in force, its variant, and its slot.

    Raises:
        PageError: There is no such variant.
    """
    _version, draft, current = drafts.looked_up(call)
    experiment = draft or current or {}
    arm, slots = arm_of(call), call.service.published.snapshot.definitions.slots
    slot = slots.get(str(experiment.get("slot", "")))
    variant = experiment.get("variants", {}).get(arm)
    if arm == CONTROL or not is_name(arm) or slot is None or variant is None:
        raise PageError(404, *UNKNOWN)
    return experiment, variant if isinstance(variant, Mapping) else {}, slot


def _kind(call: PageCall, wanted: str, variant: Mapping[str, Any], slot: Slot) -> VariantKind:
    """Return the kind that is wanted, of those that may be; else that of the variant."""
    may = contents.kinds(slot, may_write_html=call.role in MARKUP_EDITORS)
    if wanted == VariantKind.HTML and wanted not in may:
        raise PageError(403, *_NO_HTML)
    if not wanted and VariantKind.HTML in variant and VariantKind.HTML not in may:
        raise PageError(403, *_NO_HTML)
    present = [kind for kind in may if kind in variant]
    return next((kind for kind in may if kind == wanted), next(iter([*present, *may])))


async def _page(
    call: PageCall,
    form: Form,
    kind: VariantKind,
    experiment: Mapping[str, Any],
    slot: Slot,
    *,
    status: int = 200,
) -> Response:
    key, arm = drafts.key_of(call), arm_of(call)
    variant = experiment["variants"][arm]
    is_read = status != 422  # else what the draft holds is not what the form does
    content = variant.get(kind) if is_read and isinstance(variant, Mapping) else None
    asked = call.request.query_params
    # A link of another site may not choose what is framed, and be given a preview by it.
    address = "" if is_foreign(call.request) else asked.get("page", "")
    origin = origin_of(address)  # nothing else of an address goes into a policy
    width = "desktop" if asked.get("width") == "desktop" else "phone"
    looking = Form.holding(page=address, width=width)
    if address and not origin:
        looking.faults["page"] = NO_ADDRESS
    in_force = call.service.published.snapshot.definitions.experiments.get(key)
    is_published = in_force is not None and arm in in_force.variants
    links = _links(call, address, str(in_force.slot)) if in_force and is_published else {}
    shown = contents.previewed(content, kind, slot) if content else {}
    frame = render("variant_frame.html", call.display, **shown) if shown else ""
    pictures = {each.address: each for each in await run_in_threadpool(call.service.images.all)}
    return call.page(
        "variant.html",
        status=status,
        frames=origin if origin and links else "'none'",
        key=key,
        arm=arm,
        form=form,
        kind=kind,
        kinds={
            each: KINDS[each]
            for each in contents.kinds(slot, may_write_html=call.role in MARKUP_EDITORS)
        },
        verbs={str(verb): words for verb, words in VERBS.items()},
        slot=slot,
        rows=len(content or ()) + 1 if kind is VariantKind.NAV else 0,
        most_added=MOST_ADDED,
        advice=[*contents.advice(content, kind, slot), *_gone(content, pictures)],
        placeholders=contents.placeholders(content, kind),
        locales=form.value("locales").split(),
        images=await run_in_threadpool(_images, call, experiment),
        pictures=pictures,
        frame=await run_in_threadpool(framed, frame, call.service.images.data),
        links=links if origin else {},
        is_published=is_published,
        asked=looking,
        width=width,
    )


def _gone(content: Any, pictures: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the uploaded images that a content shows and the site has no more."""
    addresses = [IMAGES_PATH + name for name in names_in(str(content))]
    yield from ((_("This image was removed:"), each) for each in addresses if each not in pictures)


def _images(call: PageCall, experiment: Mapping[str, Any]) -> list[str]:
    """Return the images that are shown already, in what is in force or in this draft."""
    _version, definitions = in_force(call.service)
    return images(laid_over(definitions, EXPERIMENTS, drafts.key_of(call), experiment))


def _links(call: PageCall, address: str, slot: str) -> dict[str, str]:
    """Return a link to the control and one to the variant, for an hour."""
    key = drafts.key_of(call)
    return {
        arm: preview(call, address, {slot: f"{key}/{arm}"}, lasts_ms=HOUR_MS)
        for arm in (CONTROL, arm_of(call))
    }


def arm_of(call: PageCall) -> str:
    """Return the variant that a page is about."""
    arm: str = call.request.path_params["arm"]
    return arm


PAGES: Final = (
    ConsolePage(
        path=PATH,
        roles=EDITORS,
        handle=show,
        summary="What a variant shows, what to think of in it, and how it looks.",
    ),
    ConsolePage(
        path=PATH,
        roles=EDITORS,
        handle=change,
        summary="Keep what a variant shows, in the draft of its experiment.",
        method="POST",
    ),
)
