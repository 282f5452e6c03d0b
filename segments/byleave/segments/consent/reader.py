"""The consent behind one request, out of everything that says something about it."""

from collections.abc import Iterable, Mapping

from byleave.segments.consent.adapters import Adapter
from byleave.segments.consent.conflicts import merge
from byleave.segments.consent.gpc import Headers, dnt, gpc
from byleave.segments.consent.purposes import Consent, Regime


def read_consent(
    *,
    cookies: Mapping[str, str],
    headers: Headers,
    now_ms: int,
    regime: Regime,
    adapters: Iterable[Adapter],
    stated: Iterable[Consent] = (),
    gpc_strict: bool = False,
) -> Consent:
    """Return the consent that holds for a request.

    Args:
        cookies: Raw values by name, percent-encoding not undone.
        headers: Every header line, repeated names included.
        now_ms: The time of the request.
        regime: What silence means where the visitor is.
        adapters: Readers of the consent tools that the site uses.
        stated: What the site itself or a consent call said.
        gpc_strict: Whether Global Privacy Control and Do Not Track refuse personalisation too.
    """
    lines = tuple(headers)
    said: list[Consent | None] = [adapter.read(cookies, now_ms) for adapter in adapters]
    said.append(gpc(lines, strict=gpc_strict))
    if regime is Regime.OPT_IN:
        said.append(dnt(lines, strict=gpc_strict))
    return merge([*stated, *(one for one in said if one is not None)], regime=regime)
