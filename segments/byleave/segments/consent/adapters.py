"""What all adapters share: an adapter reads the consent that one tool left in cookies.

Every adapter keeps three rules. What cannot be read by the tool's own format refuses every
purpose. What the tool wrote without a choice of the visitor's, such as the defaults of a
banner that is still open, says nothing. A grant older than 13 months has lapsed.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.instants import is_older
from byleave.segments.consent.purposes import Choice, Consent, Purpose, refused

MONTHS_VALID: Final = 13
"""A choice must be asked for again after so many months (CNIL; TCF)."""

Keys = Mapping[Purpose, Collection[str]]
"""Which of a tool's own categories or services must all be granted, per purpose."""


class Adapter(Protocol):
    """Reads what one consent tool left behind."""

    def read(self, cookies: Mapping[str, str], now_ms: int) -> Consent | None:
        """Return what the cookies say; None if the tool left no choice in them.

        Args:
            cookies: Raw values by name, percent-encoding not undone.
            now_ms: The time of the request.
        """
        ...


def read_or_refuse(source: str, parse: Callable[[], Consent | None]) -> Consent | None:
    """Return what `parse` finds, or the refusal of everything if it cannot read the string."""
    try:
        return parse()
    except ConsentStringError as error:
        return refused(source, f"unreadable: {error}")


def mapped(granted: Collection[str], keys: Keys) -> dict[Purpose, Choice]:
    """Return a choice for each purpose in `keys`: granted if all of its keys are."""
    return {
        purpose: Choice.GRANTED if wanted and set(wanted) <= set(granted) else Choice.DENIED
        for purpose, wanted in keys.items()
    }


def statement(
    source: str, choices: Mapping[Purpose, Choice], *, at_ms: int | None, now_ms: int
) -> Consent:
    """Return the consent that a tool recorded at `at_ms`.

    Grants that have lapsed are left out, refusals stay. A time that is still to come is no
    time: the visitor's clock is wrong.
    """
    if at_ms is not None and is_older(at_ms, now_ms, months=MONTHS_VALID):
        choices = {
            purpose: choice for purpose, choice in choices.items() if choice is Choice.DENIED
        }
    dated = at_ms if at_ms is not None and at_ms <= now_ms else None
    return Consent(choices, source=source, at_ms=dated)
