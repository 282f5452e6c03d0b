"""Images: what sites fetch once and show to their visitors from their own origin."""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.sdk.images import SHOWN_ALONE, is_name, media_type
from byleave.server.access import READERS
from byleave.server.http import Problem
from byleave.server.routes.routing import ApiRoute, Call

#: A name means one image for good; yet only those may have it who may read this site.
_HEADERS: Final = {**dict(SHOWN_ALONE), "cache-control": "private, max-age=31536000, immutable"}


async def get_image(call: Call) -> Response:
    """Return the bytes of an image."""
    name: str = call.request.path_params["image"]
    data = await run_in_threadpool(call.service.images.data, name) if is_name(name) else None
    if data is None:
        raise Problem(404, "this site has no such image")
    return Response(data, headers=_HEADERS, media_type=media_type(name))


ROUTES: Final = (
    ApiRoute(
        method="GET",
        path="/v1/images/{image}",
        roles=READERS,
        most_bytes=0,
        handle=get_image,
        summary="An uploaded image, by the name that follows from its bytes.",
        media_type="image/*",
    ),
)
