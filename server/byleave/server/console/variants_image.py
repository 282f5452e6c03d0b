"""An image for a field of a variant: one of those that the site has, or a new one."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.experiments.definitions import VariantKind
from byleave.server.access import EDITORS
from byleave.server.console import drafting
from byleave.server.console import experiments_form as drafts
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import EXPERIMENTS
from byleave.server.console.forms import Form
from byleave.server.console.images_page import GONE, MOST_FORM_BYTES, listing, taken
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall, PageError
from byleave.server.console.variants_fields import texts_in
from byleave.server.console.variants_page import PATH, UNKNOWN, arm_of, here_of, looked_up
from byleave.server.errors import ConflictError, ManagedError

_PATH: Final = f"{PATH}/image"
_UNCHANGED: Final = _("The variant is as it was. An image that you uploaded is among the site's.")
_MOVED: Final = _("This draft was changed meanwhile")


async def show(call: PageCall) -> Response:
    """Show the images of the site, to choose one of them."""
    field = call.request.query_params.get("field", "")
    await run_in_threadpool(_looked_up, call, field)
    return await _page(call, Form(), field)


async def choose(call: PageCall) -> Response:
    """Put an image that there is, or a new one, into the field of a variant's draft."""
    form = Form(call.values)
    field, name = form.value("field"), form.value("image")
    await run_in_threadpool(_looked_up, call, field)
    known = await run_in_threadpool(call.service.images.all)
    image = next((each for each in known if each.image == name), None)
    if name and image is None:
        raise PageError(404, *GONE)
    image = image or await taken(call, form)
    if image is None:
        return await _page(call, form, field, status=422)
    try:
        await run_in_threadpool(_put, call, field, image.address)
    except ManagedError:
        raise PageError(409, drafts.FILES, _UNCHANGED) from None
    except ConflictError:
        raise PageError(409, _MOVED, _UNCHANGED) from None
    return RedirectResponse(f"{here_of(call)}#field-{quote(field, safe=':')}", 303, SAFE)


def _looked_up(call: PageCall, field: str) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return the experiment, and what fills the fields of its variant, one of which is meant.

    Raises:
        PageError: There is no such field of an image.
    """
    experiment, variant, slot = looked_up(call)
    fields = variant.get(VariantKind.FIELDS)
    places = {
        f"{name}:{locale}" if locale else name
        for name, locale, _text in texts_in(fields)
        if slot.fields.get(name) == "image"
    }
    if field not in places:
        raise PageError(404, *UNKNOWN)
    return experiment, dict(fields or {})


def _put(call: PageCall, field: str, address: str) -> None:
    """Keep an address in a field of the draft."""
    key = drafts.key_of(call)
    state = drafting.state(call.service, EXPERIMENTS, key)
    experiment, fields = _looked_up(call, field)
    name, _sign, locale = field.partition(":")
    fields[name] = {**fields[name], locale: address} if locale else address
    variants = experiment["variants"]
    variant = {**variants[arm_of(call)], str(VariantKind.FIELDS): fields}
    changed = {**experiment, "variants": {**variants, arm_of(call): variant}}
    drafting.keep(call, EXPERIMENTS, key, changed, over=state)


async def _page(call: PageCall, form: Form, field: str, *, status: int = 200) -> Response:
    into = {"field": field, "arm": arm_of(call), "back": here_of(call)}
    return await listing(call, form, status=status, into=into)


PAGES: Final = (
    ConsolePage(
        path=_PATH,
        roles=EDITORS,
        handle=show,
        summary="The images of the site, to choose one for a field of a variant.",
    ),
    ConsolePage(
        path=_PATH,
        roles=EDITORS,
        handle=choose,
        summary="Put an image into a field of a variant's draft.",
        method="POST",
        most_bytes=MOST_FORM_BYTES,
    ),
)
