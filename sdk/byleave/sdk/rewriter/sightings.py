"""What was met of the slots on one page, and what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from byleave.sdk.failures import report

Replacement = bytes | Callable[[bytes], bytes | None]
"""New content, or a function from the default content to it, where None keeps the default."""


class Outcome(StrEnum):
    """What came of the first occurrence of a slot."""

    SWAPPED = "swapped"
    KEPT = "kept"
    """Its replacement chose the site's own content."""
    FAILED = "failed"
    """Its replacement raised an exception."""
    UNCLOSED = "unclosed"
    """The page ended before the slot."""
    MISNESTED = "misnested"
    """Where a browser ends the slot could not be proved."""
    TOO_LONG = "too long"
    """The default content is longer than the rewriter holds."""
    UNFIT = "unfit"
    """The element has no content that can be replaced."""


@dataclass(slots=True)
class Sighting:
    """A slot that was met on the page.

    Attributes:
        outcome: what came of its first occurrence, the only one that is ever replaced.
        times: how often the page names the slot, from 1; more than once deserves a warning. After
            the second match of its selector nobody counts any further.
    """

    outcome: Outcome
    times: int = 1

    @property
    def is_bail_out(self) -> bool:
        """Whether the original bytes were kept out of doubt."""
        return self.outcome not in (Outcome.SWAPPED, Outcome.KEPT)


class Sightings:
    """The replacements of one page's slots, each used at most once."""

    __slots__ = ("_replacements", "seen")

    def __init__(self, replacements: Mapping[str, Replacement]) -> None:
        self._replacements = replacements
        self.seen: dict[str, Sighting] = {}

    def wants(self, slot: str) -> bool:
        """Note an occurrence, and return whether it is the first of a slot of this page."""
        if sighting := self.seen.get(slot):
            sighting.times += 1
            return False
        return slot in self._replacements

    def settle(self, slot: str, default: bytes) -> bytes | None:
        """Return what replaces a slot's default content, or None if it stays."""
        replacement = self._replacements[slot]
        try:
            content = replacement(default) if callable(replacement) else replacement
        except Exception as error:  # the visitor gets the site's own content
            report("slot not filled", error, slot=slot)
            self.bail_out(slot, Outcome.FAILED)
            return None
        if content is None or content == default:
            self.seen[slot] = Sighting(Outcome.KEPT)
            return None
        self.seen[slot] = Sighting(Outcome.SWAPPED)
        return content

    def bail_out(self, slot: str, outcome: Outcome) -> None:
        """Note why a slot keeps its original bytes."""
        self.seen[slot] = Sighting(outcome)
