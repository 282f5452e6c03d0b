"""Preview links: a page of the site with chosen variants, for whoever has the link, for a while."""

from collections.abc import Mapping
from re import fullmatch
from typing import Final

from byleave.sdk.wishes import preview_link
from byleave.server.console.display import marked as _
from byleave.server.console.forms import own_path
from byleave.server.console.routing import PageCall

#: For how long a preview works that is opened at once.
HOUR_MS: Final = 3_600_000

NO_ADDRESS: Final = _("Write the whole address of a page, such as https://example.com/plans.")

_ADDRESS: Final = r"(https?://[A-Za-z0-9.-]+(?::\d{1,5})?)(?:[/?#]\S*)?"


def origin_of(address: str) -> str:
    """Return the origin of a page's whole address; '' for what is none."""
    found = fullmatch(_ADDRESS, address)
    return found[1] if found else ""


def is_page(address: str) -> bool:
    """Whether an address is a whole one, or a path of a site."""
    return bool(origin_of(address) or own_path(address, instead=""))


def preview(call: PageCall, address: str, variants: Mapping[str, str], *, lasts_ms: int) -> str:
    """Return a link to a page that shows chosen variants; what it shows is not counted.

    Args:
        call: Who asks.
        address: The page's.
        variants: By slot, what to show there, as `experiment/variant`; others show the site's own.
        lasts_ms: For how long the link works.
    """
    service = call.service
    page, sign, place = address.partition("#")
    link = preview_link(
        page,
        variants,
        secret=service.site.derived("preview"),
        until_ms=service.clock() + lasts_ms,
    )
    return f"{link}{sign}{place}"
