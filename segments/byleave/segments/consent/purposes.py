"""Purposes, choices and regimes: the words in which consent is stated."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import Final


class Purpose(StrEnum):
    """Why data may be used. `SHARING` is about who receives it: anyone but the site."""

    NECESSARY = "necessary"
    PREFERENCES = "preferences"
    ANALYTICS = "analytics"
    PERSONALISATION = "personalisation"
    MARKETING = "marketing"
    SHARING = "sharing"


class Choice(StrEnum):
    """What a visitor said about one purpose; `UNSET` means they have not said."""

    GRANTED = "granted"
    DENIED = "denied"
    UNSET = "unset"


class Regime(StrEnum):
    """What silence means where the visitor is: no (`OPT_IN`), or yes for first-party use."""

    OPT_IN = "opt-in"
    OPT_OUT = "opt-out"


CHOOSABLE: tuple[Purpose, ...] = tuple(p for p in Purpose if p is not Purpose.NECESSARY)
"""The purposes a visitor can refuse."""

SILENCE_ALLOWS: frozenset[Purpose] = frozenset(
    {Purpose.PREFERENCES, Purpose.ANALYTICS, Purpose.PERSONALISATION}
)
"""The purposes that are on without a choice under `Regime.OPT_OUT`.

Advertising and passing data on always wait for a grant: no law demands that
they start by themselves, and every opt-out law is about these two.
"""

# Members of an enumeration are slow to look up, and consent is asked about on every page.
_NECESSARY: Final = Purpose.NECESSARY
_GRANTED: Final = Choice.GRANTED
_UNSET: Final = Choice.UNSET


@dataclass(frozen=True, slots=True)
class Consent:
    """What a visitor agreed to: a choice per purpose, where it came from, and when.

    Attributes:
        choices: The choice per purpose; an absent purpose is unset.
        regime: What an unset choice means.
        source: Who said so: `default`, `cookie`, `site`, `tcf`, `gpp`, `gpc` and so on.
        at_ms: When the choice was made; None when there was none or its time is unknown.
        why: A reason per purpose, for people; it never decides anything.
        number: How often this visitor has taken consent back. Whatever was stored on a
            device under a lower number is void, so an old cookie played back revives nothing.
        knowing: Whether the grants were given against an opt-out signal the visitor was
            told about; only such grants outweigh that signal.
    """

    choices: Mapping[Purpose, Choice]
    regime: Regime = Regime.OPT_IN
    _: KW_ONLY
    source: str = "default"
    at_ms: int | None = None
    why: Mapping[Purpose, str] = field(default_factory=dict[Purpose, str])
    number: int = 0
    knowing: bool = False

    def choice(self, purpose: Purpose) -> Choice:
        """The visitor's own choice, whatever the regime makes of it."""
        return self.choices.get(purpose, _UNSET)

    def allows(self, purpose: Purpose) -> bool:
        """Whether data may be used for `purpose`; `NECESSARY` cannot be refused."""
        if purpose is _NECESSARY:
            return True
        choice = self.choices.get(purpose, _UNSET)
        if choice is _UNSET:
            return self.regime is Regime.OPT_OUT and purpose in SILENCE_ALLOWS
        return choice is _GRANTED


def refused(source: str, reason: str, *, at_ms: int | None = None) -> Consent:
    """Return the consent that denies every purpose: what a damaged or void signal says."""
    return Consent(
        dict.fromkeys(CHOOSABLE, Choice.DENIED),
        source=source,
        at_ms=at_ms,
        why=dict.fromkeys(CHOOSABLE, reason),
    )
