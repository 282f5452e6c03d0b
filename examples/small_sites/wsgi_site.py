"""Run it with `gunicorn small_sites.wsgi_site:application`."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from byleave.sdk.wsgi import Personalise
from small_sites import DEFINITIONS, PAGE


def shop(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer with the only page."""
    body = PAGE.encode()
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


application = Personalise(
    shop,
    definitions=DEFINITIONS,
    secrets=[os.environ.get("SHOP_SECRET", "only for this example, no secret")],
)
