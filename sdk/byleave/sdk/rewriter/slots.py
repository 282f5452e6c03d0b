"""What tags and marks mean for the slots of a page."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from byleave.sdk.rewriter import foreign, marks, readers
from byleave.sdk.rewriter.elements import RAW_TEXT, UNFIT_HOSTS, OpenElements, Verdict
from byleave.sdk.rewriter.places import Places
from byleave.sdk.rewriter.selectors import Selector
from byleave.sdk.rewriter.sightings import Outcome, Sightings
from byleave.sdk.rewriter.spool import LONGEST_DEFAULT, Capture, Spool

_SLOT_ATTRIBUTE: Final = b"data-byleave-slot"
_WANTED: Final = foreign.ATTRIBUTES | {_SLOT_ATTRIBUTE}


class Slots:
    """Opens, settles and releases captures as tags and marks are met.

    Args:
        spool: the bytes of the page.
        places: finds where slots may be named.
        sightings: the replacements, and what was met.
        selectors: the slots that are named by a selector.
        keys: the keys that may have signed a mark.
    """

    __slots__ = (
        "_keys",
        "_places",
        "_selectors",
        "_sightings",
        "_spool",
        "_unmarked",
        "foreign",
        "has_given_up",
        "wanted",
    )

    def __init__(
        self,
        spool: Spool,
        *,
        places: Places,
        sightings: Sightings,
        selectors: Mapping[str, Selector],
        keys: Sequence[bytes],
    ) -> None:
        self._spool = spool
        self._places = places
        self._sightings = sightings
        self._selectors = dict(selectors)
        self._keys = keys
        self._unmarked: list[str] = []  # slots that lose their marks and keep their content
        self.foreign = foreign.ForeignContent()
        self.has_given_up = False
        self.wanted = _WANTED
        if selectors:
            self.wanted |= {s.attribute for s in selectors.values() if s.attribute}

    @property
    def expects_closing(self) -> bool:
        """Whether closing marks mean anything here."""
        return self._spool.capture is not None or bool(self._unmarked)

    def needs_attributes(self, name: bytes, start: int, end: int) -> bool:
        """Return whether the attributes of the start tag at a place in the buffer matter."""
        if self.foreign.opened and name in foreign.ELEMENTS_WITH_ATTRIBUTES:
            return True
        spool = self._spool
        return spool.capture is None and self._places.next(spool.buffer, start) < end

    def start_tag(
        self, name: bytes, attributes: Mapping[bytes, bytes], *, is_self_closing: bool
    ) -> readers.Reader | None:
        """Take in a start tag; return what reads on if it is not markup that follows."""
        depth = len(self.foreign.opened)
        is_foreign = self.foreign.start(
            name, attributes=attributes, is_self_closing=is_self_closing
        )
        if self.foreign.is_lost or (name == b"plaintext" and not is_foreign):
            return self.give_up()
        capture = self._spool.capture
        if capture is None:
            is_unfit = is_self_closing or (name in UNFIT_HOSTS and not is_foreign)
            self._open_element(name, attributes, is_unfit=is_unfit or self.foreign.is_unsure)
        elif elements := capture.elements:
            if len(self.foreign.opened) < depth:
                verdict = Verdict.DOUBT  # an HTML element that ends SVG or MathML
            elif not is_foreign:
                verdict = elements.start(name)
            else:
                verdict = Verdict.OPEN if is_self_closing else elements.start_foreign(name)
            if verdict is Verdict.DOUBT and self.release(Outcome.MISNESTED):
                return None
        if is_foreign:
            return None
        if name == b"script":
            return readers.Script()
        return readers.raw_text(name) if name in RAW_TEXT else None

    def end_tag(self, name: bytes, content_size: int) -> None:
        """Take in an end tag, before which the open capture had a size."""
        self.foreign.end(name)
        capture = self._spool.capture
        if capture and capture.elements:
            verdict = capture.elements.end(name)
            if verdict is Verdict.CLOSED:
                self._settle(capture, content_size)
            elif verdict is Verdict.DOUBT:
                self.release(Outcome.MISNESTED)

    def mark(self, match: re.Match[bytes]) -> None:
        """Take in a comment that has the form of a mark."""
        spool = self._spool
        spool.position = match.end()
        capture = spool.capture
        if closes := match["closes"]:
            slot = closes.decode("ascii")
            if capture is None:
                if slot in self._unmarked:
                    self._unmarked.remove(slot)
                    spool.drop(match.start())
            elif capture.closes_with(slot):
                self._settle(capture, spool.held() - len(match[0]))
        elif marks.is_signed(match["opens"], match["signature"], self._keys):
            slot = match["opens"].decode("ascii")
            if capture is not None:
                capture.opens_with(slot)
                return
            opening = spool.drop(match.start())
            if self._sightings.wants(slot):
                spool.capture = Capture(slot, opening=opening, foreign=self.foreign.copy())
            else:
                self._unmarked.append(slot)

    def release(self, outcome: Outcome) -> bool:
        """End the capture with its original bytes; return whether they are scanned again."""
        capture = self._spool.capture
        if capture is None:
            return False
        held = self._spool.close_capture()
        if len(held) > LONGEST_DEFAULT:
            outcome = Outcome.TOO_LONG  # and would have been earlier, had the chunks been shorter
        self._sightings.bail_out(capture.slot, outcome)
        self._spool.send(capture.opening)
        return self._send_or_rescan(capture, held)

    def give_up(self) -> readers.Reader | None:
        """Return what passes the rest of the page through, or None to scan a capture again."""
        if self.release(Outcome.MISNESTED):
            return None
        self.has_given_up = True
        return readers.REST

    def _open_element(
        self, name: bytes, attributes: Mapping[bytes, bytes], *, is_unfit: bool
    ) -> None:
        """Begin to capture an element's content if a slot is named on it."""
        if not attributes and not self._selectors:
            return
        named = attributes.get(_SLOT_ATTRIBUTE, b"").decode("ascii", "replace")
        selected = (
            slot for slot, selector in self._selectors.items() if selector.matches(name, attributes)
        )
        for slot in dict.fromkeys((named, *selected)):
            if not self._sightings.wants(slot):
                if selector := self._selectors.pop(slot, None):
                    self._places.ignore(selector)  # one match too many is enough to know
                continue
            if is_unfit:
                self._sightings.bail_out(slot, Outcome.UNFIT)
                continue
            self._spool.take()
            self._spool.capture = Capture(
                slot, elements=OpenElements(name), foreign=self.foreign.copy()
            )
            return

    def _settle(self, capture: Capture, size: int) -> None:
        """End the capture, whose content has a size, and replace it if so decided."""
        if size > LONGEST_DEFAULT:
            self.release(Outcome.TOO_LONG)
            return
        held = self._spool.close_capture()
        content, end = held[:size], held[size:]
        if capture.elements is None:
            end = b""  # the closing mark goes the way of the opening one
        replacement = self._sightings.settle(capture.slot, content)
        if replacement is None:
            self._send_or_rescan(capture, content + end)
        else:
            self._spool.send(replacement)
            self._spool.send(end)

    def _send_or_rescan(self, capture: Capture, held: bytes) -> bool:
        if not self._places.any_in(held):
            self._spool.send(held)
            return False
        self._spool.put_back(held)
        self._places.forget()
        self.foreign = capture.foreign
        return True
