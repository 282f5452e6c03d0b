"""Uploaded images for visitors, on the site's own origin: no browser talks to anybody else."""

from typing import Final

from byleave.sdk.asgi_types import Receive, Send
from byleave.sdk.asking import LeftAloneError
from byleave.sdk.exchange import answer, refuse
from byleave.sdk.failures import report
from byleave.sdk.images import IMAGES_PATH, SHOWN_ALONE, is_name, media_type
from byleave.sdk.request_attributes import header, own_path
from byleave.sdk.visit import Visit

_FOREVER: Final = ("cache-control", "public, max-age=31536000, immutable")


async def send_image(visit: Visit, receive: Receive, send: Send) -> None:
    """Answer with an image, which every cache may keep; a failure is kept by none."""
    del receive
    if visit.scope["method"] not in ("GET", "HEAD"):
        return await refuse(send, 405, "This image can only be fetched.")
    name = own_path(visit.scope).removeprefix(IMAGES_PATH)
    if not is_name(name):
        return await refuse(send, 404, "This site has no such image.")
    headers = [_FOREVER, ("etag", f'"{name}"'), *SHOWN_ALONE]
    try:
        data = await visit.site.source.image(name)
    except Exception as error:
        visit.site.count("images not fetched")
        if not isinstance(error, LeftAloneError):
            report("image not fetched", error)
        return await refuse(send, 503, "This image cannot be fetched now.")
    if data is None:
        return await refuse(send, 404, "This site has no such image.")
    if f'"{name}"' in header(visit.scope, b"if-none-match"):
        return await answer(send, 304, headers=headers)
    kind = ("content-type", media_type(name))
    return await answer(send, 200, headers=[kind, *headers], body=data)
