"""Preview links: a page of the site with chosen variants, for whoever has the link, for a while."""

from collections.abc import Mapping
from re import fullmatch
from typing import Final

from byleave.sdk.wishes import preview_link
from byleave.server.console.routing import PageCall

#: For how long a preview works that is opened at once.
HOUR_MS: Final = 3_600_000

_ADDRESS: Final = r"(https?://[a-z0-9.-]+(?::\d{1,5})?)(?:/\S*)?"


def origin_of(address: str) -> str:
    """Return the origin of a page's whole address; '' for what is none."""
    found = fullmatch(_ADDRESS, address)
    return found[1] if found else ""


def preview(call: PageCall, address: str, variants: Mapping[str, str], *, lasts_ms: int) -> str:
    """Return a link to a page that shows chosen variants; what it shows is not counted.

    Args:
        call: Who asks.
        address: The page's.
        variants: By slot, what to show there, as `experiment/variant`; others show the site's own.
        lasts_ms: For how long the link works.
    """
    service = call.service
    return preview_link(
        address,
        variants,
        secret=service.site.derived("preview"),
        until_ms=service.clock() + lasts_ms,
    )
