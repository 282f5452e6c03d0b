"""Signals that a browser sends with every request: Global Privacy Control and Do Not Track."""

from collections.abc import Iterable

from byleave.segments.consent.purposes import Choice, Consent, Purpose

Headers = Iterable[tuple[str, str]]
"""Names and values of request headers; a name may come twice and in any case."""


def gpc(headers: Headers, *, strict: bool = False) -> Consent | None:
    """Return what `Sec-GPC: 1` refuses, or None without it.

    The signal speaks against selling, sharing and advertising across contexts, not against
    what a first party does in its own; `strict` makes it refuse personalisation as well.
    """
    return _refusal("gpc", strict=strict) if _is_one(headers, "sec-gpc") else None


def dnt(headers: Headers, *, strict: bool = False) -> Consent | None:
    """Return what `DNT: 1` refuses, or None without it.

    No standard any more, but a German court took it for an objection (Landgericht Berlin,
    16 O 420/19): `read_consent` asks for it where consent is opt-in.
    """
    return _refusal("dnt", strict=strict) if _is_one(headers, "dnt") else None


def _is_one(headers: Headers, wanted: str) -> bool:
    # Of several headers one "1" is enough, and a proxy may have joined them by commas
    # (RFC 9110, section 5.3). No other value means anything.
    return any(
        "1" in (part.strip(" \t") for part in value.split(","))
        for name, value in headers
        if name.lower() == wanted
    )


def _refusal(source: str, *, strict: bool) -> Consent:
    purposes = [Purpose.MARKETING, Purpose.SHARING]
    if strict:
        purposes.append(Purpose.PERSONALISATION)
    return Consent(dict.fromkeys(purposes, Choice.DENIED), source=source)
