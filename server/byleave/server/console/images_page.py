"""The images of the site: what there is, one more, and one less."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.sdk.images import IMAGES_PATH, MEDIA_TYPES, media_type, names_in
from byleave.server.access import EDITORS
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall, PageError
from byleave.server.errors import ConflictError, UnknownNameError
from byleave.server.image_bytes import Flaw, ImageError
from byleave.server.images import MOST_BYTES, Image

PATH: Final = "/console/images"
#: The longest form that brings an image: a little more than the image.
MOST_FORM_BYTES: Final = MOST_BYTES + 65_536
#: So much of images stands in the frame of a variant, which can fetch nothing.
_MOST_FRAMED: Final = 4_194_304

_NO_FILE: Final = _("Choose a file first.")
_FLAWS: Final = {
    Flaw.KIND: _("This is no PNG, JPEG, GIF, WebP or AVIF, whatever its name says."),
    Flaw.BROKEN: _("This file is damaged or was cut short. Save the image anew."),
    Flaw.NOTES: _(
        "This AVIF moves, or holds notes such as where it was taken. Save it without them, or as "
        "another kind."
    ),
    Flaw.PIXELS: _("This image has too many pixels: 8,192 a side and 25 million at most."),
    Flaw.BYTES: _("This image is too large: 1 MiB at most. Save it smaller, or as WebP."),
    Flaw.FULL: _("The site has as many images as it may. Remove one that nothing shows."),
}
_USED: Final = (
    _("A variant shows this image"),
    _("Take it out of what is published and of every draft first. Nothing was removed."),
)
GONE: Final = (
    _("This image is not there"),
    _("It was removed meanwhile. Upload it once more if you need it."),
)


async def show(call: PageCall) -> Response:
    """Show the images of the site."""
    return await listing(call, Form())


async def upload(call: PageCall) -> Response:
    """Keep an image."""
    form = Form(call.values)
    if await taken(call, form) is None:
        return await listing(call, form, status=422)
    return RedirectResponse(PATH, 303, SAFE)


async def remove(call: PageCall) -> Response:
    """Remove an image that nothing shows, once it is confirmed."""
    name = call.request.path_params["image"]
    if not Form(call.values).value("sure"):
        return call.page("image_removal.html", image=await run_in_threadpool(_spare, call, name))
    try:
        await run_in_threadpool(call.service.images.remove, name, author=call.author)
    except ConflictError:
        raise PageError(409, *_USED) from None
    except UnknownNameError:
        raise PageError(404, *GONE) from None
    return RedirectResponse(PATH, 303, SAFE)


def _spare(call: PageCall, name: str) -> Image:
    """Return an image that nothing shows.

    Raises:
        PageError: Something shows it, or it is not there.
    """
    images = call.service.images
    found = next((each for each in images.all() if each.image == name), None)
    if found is None:
        raise PageError(404, *GONE)
    if name in images.used():
        raise PageError(409, *_USED)
    return found


async def taken(call: PageCall, form: Form) -> Image | None:
    """Return the image that a form brings, kept; None, and a fault, where it is not taken."""
    brought = call.uploads.get("file")
    if brought is None or not brought.data:
        form.faults["file"] = _NO_FILE
        return None
    add, (file, data) = call.service.images.add, brought
    try:
        return await run_in_threadpool(add, data, file=file, author=call.author)
    except ImageError as error:
        form.faults["file"] = _FLAWS[error.flaw]
        return None


async def listing(
    call: PageCall, form: Form, *, status: int = 200, into: Mapping[str, Any] | None = None
) -> Response:
    """Return the page of the images.

    Args:
        call: Who asks.
        form: The form of one more.
        status: The HTTP status.
        into: The field that one of them is chosen for: `field`, and where the form of its
            variant is, `back`; None where none is to be chosen.
    """
    images = call.service.images
    return call.page(
        "images.html",
        status=status,
        images=await run_in_threadpool(images.all),
        used=await run_in_threadpool(images.used),
        accepted=",".join(MEDIA_TYPES.values()),
        form=form,
        into=into,
        action=PATH if into is None else f"{into['back']}/image",
    )


def framed(html: str, data_of: Callable[[str], bytes | None]) -> str:
    """Return what a frame shows with uploaded images in it: it is let in nowhere to fetch them."""
    left = _MOST_FRAMED
    for name in names_in(html):
        source = f'src="{IMAGES_PATH}{name}"'
        data = data_of(name)
        size = len(data or b"") * html.count(source)
        if data is not None and size <= left:
            left -= size
            inline = f'src="data:{media_type(name)};base64,{b64encode(data).decode()}"'
            html = html.replace(source, inline)
    return html


PAGES: Final = (
    ConsolePage(
        path=PATH,
        roles=EDITORS,
        handle=show,
        summary="The images of the site, and which of them something shows.",
    ),
    ConsolePage(
        path=PATH,
        roles=EDITORS,
        handle=upload,
        summary="Keep an image.",
        method="POST",
        most_bytes=MOST_FORM_BYTES,
    ),
    ConsolePage(
        path=f"{PATH}/{{image}}/removal",
        roles=EDITORS,
        handle=remove,
        summary="Remove an image that nothing shows.",
        method="POST",
    ),
)
