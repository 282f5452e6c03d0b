"""The first-party consent cookie of sites without a consent tool of their own.

Its value can be read by eye: `v1.1767225600.0.pr+an+pe-ma-sh-` is a choice of 1 January 2026
that grants preferences and analytics and refuses the rest, by a visitor who never took consent
back. In order:

- `v1`, the version of this format;
- the time of the choice in seconds since 1970, UTC;
- the consent's `number`;
- two letters and a sign per chosen purpose, in the order of `Purpose`, `+` granted and `-`
  refused; a purpose without a choice is left out;
- `!` at the end if the grants were given knowingly against an opt-out signal.

It is not signed: it holds nothing but the visitor's own choice, which is theirs to change.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from byleave.segments.consent.adapters import read_or_refuse, statement
from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.purposes import CHOOSABLE, Choice, Consent

COOKIE_NAME: Final = "byleave_consent"

_LETTERS: Final = {purpose: purpose.value[:2] for purpose in CHOOSABLE}
_SIGNS: Final = {Choice.GRANTED: "+", Choice.DENIED: "-"}
_CHOICES: Final = {sign: choice for choice, sign in _SIGNS.items()}
_PATTERN: Final = re.compile(
    r"v1\.([0-9]{1,10})\.([0-9]{1,6})\."
    + "".join(f"(?:{letters}([+-]))?" for letters in _LETTERS.values())
    + "(!?)"
)


def encode_cookie(consent: Consent) -> str:
    """Return the cookie value for a choice; times are kept to the second.

    Raises:
        ValueError: The consent has no time, so it is nobody's choice.
    """
    if consent.at_ms is None:
        raise ValueError("expected a consent with a time, `at_ms`")
    chosen = "".join(
        letters + _SIGNS[consent.choices[purpose]]
        for purpose, letters in _LETTERS.items()
        if consent.choice(purpose) in _SIGNS
    )
    end = "!" if consent.knowing else ""
    return f"v1.{consent.at_ms // 1000}.{consent.number}.{chosen}{end}"


def decode_cookie(text: str) -> Consent:
    """Return the choice that a cookie value holds.

    Raises:
        ConsentStringError: The value is not of the form that `encode_cookie` writes.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ConsentStringError("expected a value such as v1.1767225600.0.pr+an+pe-ma-sh-")
    seconds, number, *signs, end = match.groups()
    return Consent(
        {
            purpose: _CHOICES[sign]
            for purpose, sign in zip(CHOOSABLE, signs, strict=True)
            if sign is not None
        },
        source="cookie",
        at_ms=int(seconds) * 1000,
        number=int(number),
        knowing=end == "!",
    )


@dataclass(frozen=True, slots=True)
class ConsentCookie:
    """Reads the cookie of this module."""

    cookie: str = COOKIE_NAME

    def read(self, cookies: Mapping[str, str], now_ms: int) -> Consent | None:
        """Return the choice in the cookie, a refusal of everything if it is damaged."""
        text = cookies.get(self.cookie)
        if text is None:
            return None
        return read_or_refuse("cookie", lambda: self._parse(text, now_ms))

    def _parse(self, text: str, now_ms: int) -> Consent:
        said = decode_cookie(text)
        dated = statement("cookie", said.choices, at_ms=said.at_ms, now_ms=now_ms)
        return replace(dated, number=said.number, knowing=said.knowing)
