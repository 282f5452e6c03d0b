"""US Privacy strings: four characters, as in `1YNN`.

Layout: IAB Tech Lab, "US Privacy String", version 1; deprecated since 31 January 2024 and still
sent. GPP carries the same text as its section 6.
"""

import re
from dataclasses import dataclass
from typing import Final

from byleave.segments.consent.errors import ConsentStringError

_PATTERN: Final = re.compile("1([YN-])([YN-])([YN-])")


@dataclass(frozen=True, slots=True)
class UsPrivacyString:
    """A decoded US Privacy string; each field is `Y`, `N` or `-` (does not apply).

    Attributes:
        notice: Whether the visitor was told that they can opt out.
        opt_out_sale: Whether they opted out.
        lspa_covered: Whether the seller signed the Limited Service Provider Agreement.
    """

    notice: str
    opt_out_sale: str
    lspa_covered: str


def decode_us_privacy(text: str) -> UsPrivacyString:
    """Decode a US Privacy string.

    Raises:
        ConsentStringError: The text is not the digit 1 and three of `Y`, `N` and `-`; small
            letters, which the reference library lets through, are refused.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ConsentStringError("expected 1 and three of Y, N and -, as in 1YNN")
    return UsPrivacyString(*match.groups())
