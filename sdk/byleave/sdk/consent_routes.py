"""The site's own consent form: it answers, remembers the choice, and acts on it at once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from byleave.experiments import may_enrol
from byleave.sdk.asgi_types import Receive, Send
from byleave.sdk.cookies import expire_brought, set_cookie
from byleave.sdk.exchange import answer, is_same_origin, read_form, refuse
from byleave.sdk.memory import brought_identity, expire_visitor
from byleave.sdk.visit import Visit
from byleave.sdk.wishes import STANDARD
from byleave.segments import Choice, Consent, Purpose
from byleave.segments.consent.conflicts import succeed
from byleave.segments.consent.cookie import COOKIE_NAME, encode_cookie
from byleave.segments.consent.purposes import CHOOSABLE, refused

CONSENT_PATH: Final = "/.byleave/consent"

#: A choice, yes or no, is asked for again after half a year (CNIL).
CHOICE_LASTS_S: Final = 182 * 86_400

#: What may stand in an address as it is (RFC 3986), beside letters and digits.
_ADDRESS: Final = "!#$%&'()*+,-./:;=?@[]_~"
_LONGEST_PATH: Final = 2_048

_FIRST_PARTY: Final = (Purpose.PREFERENCES, Purpose.ANALYTICS, Purpose.PERSONALISATION)


async def take_choice(visit: Visit, receive: Receive, send: Send) -> None:
    """Answer a posted choice.

    The form says `choice`: `accept`, `refuse` or `withdraw`; `back`, a path of this site; and,
    with `accept`, as many `purpose` as are meant, by default everything first-party.
    """
    if visit.scope["method"] != "POST":
        return await refuse(send, 405, "Send the form by POST.")
    if not is_same_origin(visit.scope):
        return await refuse(send, 403, "A choice can only be made on this site's own pages.")
    form = await read_form(receive)
    chosen = _chosen(form, visit.now_ms)
    back = safe_path(form.get("back", ("/",))[0])
    if chosen is not None and Choice.GRANTED not in chosen.choices.values():
        back = back or "/"  # a refusal holds, whatever is wrong with where its form leads
    if chosen is None or back is None:
        return await refuse(
            send, 400, "Expected choice=accept, refuse or withdraw, and back=/a/path of this site."
        )
    cookies = apply_choice(visit, chosen)
    return await answer(send, 303, headers=[("location", back)], cookies=cookies)


def apply_choice(visit: Visit, chosen: Consent) -> list[str]:
    """Act on a choice and return the Set-Cookie values that make it last.

    Whatever is taken back is gone in this very response, and the server is told.
    """
    new = succeed(visit.consent, chosen)
    lines = []
    if not may_enrol(new):
        brought = brought_identity(visit.site, visit.scope, visit.cookies)
        if brought is not None:
            # Whoever had an id takes consent back, even if it rested on silence until now.
            new = replace(new, number=max(new.number, brought.number + 1))
            visit.withdraw(brought.id, new)
        lines = expire_visitor(visit.scope, visit.cookies)
    if not new.allows(Purpose.PREFERENCES):
        lines += expire_brought([STANDARD], visit.scope, visit.cookies)
    kept = encode_cookie(new)
    line = set_cookie(COOKIE_NAME, kept, visit.scope, lasts_s=CHOICE_LASTS_S, is_http_only=False)
    return [line, *lines]


def safe_path(text: str) -> str | None:
    """Return a path of this site as an address spells it; None for what leads elsewhere."""
    is_path = text.startswith("/") and not text.startswith("//") and "\\" not in text
    if not is_path or any(letter < " " or letter == "\x7f" for letter in text):
        return None
    path = quote(text, safe=_ADDRESS, errors="replace")
    return path if len(path) <= _LONGEST_PATH else None


def _chosen(form: Mapping[str, list[str]], now_ms: int) -> Consent | None:
    match form.get("choice"):
        case ["accept"]:
            named = form.get("purpose")
            if named is None:
                wanted = set(map(str, _FIRST_PARTY))
            elif set(named) <= {str(purpose) for purpose in CHOOSABLE}:
                wanted = set(named)
            else:
                return None
            choices = {
                purpose: Choice.GRANTED if str(purpose) in wanted else Choice.DENIED
                for purpose in CHOOSABLE
            }
            return Consent(choices, source="cookie", at_ms=now_ms)
        case ["refuse"] | ["withdraw"]:
            return refused("cookie", "chosen", at_ms=now_ms)
        case _:
            return None
