"""The state machine that finds slots in a page while it streams by.

It is always in one of two states. *Inside* a construct (a tag, a comment, the text of a script)
a reader looks for its end. *Between* constructs one pattern skips everything ordinary, up to the
next place where a slot may be named, or text that is not markup may begin, or the chunk ends.

Meanwhile a slot may be *captured*: its default content is held, not sent, until its end is
proved; then it is replaced. In an element, every tag passes a stack of open elements for that.
Where proof fails, the capture is released: its bytes are sent as they came or, if further slots
may be named in them, scanned once more without it.

Every byte is scanned once, apart from what a chunk ends with (a `<` and what may belong to it,
128 bytes at most) and the content of released captures (256 KiB at most for each slot).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from byleave.sdk.rewriter import foreign, marks, readers, tokens
from byleave.sdk.rewriter.elements import RAW_TEXT, UNFIT_HOSTS, OpenElements, Verdict
from byleave.sdk.rewriter.places import Places
from byleave.sdk.rewriter.selectors import Selector
from byleave.sdk.rewriter.sightings import Outcome, Sightings
from byleave.sdk.rewriter.spool import LONGEST_DEFAULT, Capture, Spool
from byleave.sdk.rewriter.tags import TagReader, keep_attributes

_SLOT_ATTRIBUTE: Final = b"data-byleave-slot"
_CDATA: Final = b"<![CDATA["


class Scanner:
    """Passes a page through, chunk by chunk, with the content of its slots replaced.

    Args:
        sightings: the replacements, and what was met.
        selectors: the slots that are named by a selector.
        keys: the keys that may have signed a mark.
        only_marks: look for signed marks alone, wherever they stand.
    """

    def __init__(
        self,
        sightings: Sightings,
        *,
        selectors: Mapping[str, Selector],
        keys: Sequence[bytes],
        only_marks: bool,
    ) -> None:
        self.gave_up = False
        self.spool = Spool()
        self._sightings = sightings
        self._selectors = selectors
        self._keys = keys
        self._between = self._to_next_mark if only_marks else self._to_next_construct
        self._places = Places(selectors.values())
        self._wanted = foreign.ATTRIBUTES | {
            _SLOT_ATTRIBUTE,
            *(selector.attribute for selector in selectors.values() if selector.attribute),
        }
        self._foreign = foreign.ForeignContent()
        self._inside: readers.Reader | None = None
        self._unmarked: list[str] = []  # slots that lose their marks and keep their content
        self._end_tag_offset = 0  # where the end tag being read begins in the held content
        self._is_last = False

    def feed(self, chunk: bytes, *, is_last: bool = False) -> bytes:
        """Return what can be sent after the next chunk of the page."""
        self._is_last = is_last
        self.spool.add(chunk)
        self._places.forget()
        while self._advance() or self._drops_capture():
            pass
        if is_last:
            self.spool.position = len(self.spool.buffer)
        return self.spool.drain()

    def _advance(self) -> bool:
        """Take one step; return False if that needs more bytes."""
        spool = self.spool
        if spool.position == len(spool.buffer):
            return False
        reader = self._inside
        if reader is None:
            return self._between()
        spool.position, is_done = reader.read(spool.buffer, spool.position)
        if is_done:
            self._inside = None
            if isinstance(reader, TagReader):
                self._tag(reader)
        return is_done

    def _drops_capture(self) -> bool:
        """Release a capture that is too long or cannot end any more; return whether it was."""
        if self.spool.held() > LONGEST_DEFAULT:
            self._release(Outcome.TOO_LONG)
        elif self._is_last and self.spool.capture:
            self._release(Outcome.UNCLOSED)
        else:
            return False
        return True

    # Between constructs.

    def _to_next_construct(self) -> bool:
        """Skip what is ordinary, then take what comes next or begin to read it."""
        spool = self.spool
        buffer = spool.buffer
        start = spool.position = self._skip()
        if start == len(buffer):
            return False
        match = tokens.TAG.match(buffer, start)
        if match is None:
            return self._begin(start)
        name = match[2][: tokens.LONGEST_NAME].lower()
        if match[1]:
            self._end_tag_offset = spool.held()
            spool.position = match.end()
            self._end_tag(name)
        else:
            attributes: dict[bytes, bytes] = {}
            if self._needs_attributes(name, start, match.end()):
                keep_attributes(attributes, self._wanted, buffer, *match.span(3))
            spool.position = match.end()
            self._start_tag(name, attributes, is_self_closing=match[4].endswith(b"/"))
        return True

    def _skip(self) -> int:
        """Return where the next construct that matters begins."""
        buffer, position = self.spool.buffer, self.spool.position
        capture = self.spool.capture
        if self._foreign or (capture and capture.elements):
            return tokens.end_of(tokens.SKIP_TEXT, buffer, position)
        place = self._places.next(buffer, position)
        while place < len(buffer) or not self._is_last or capture:
            position = tokens.end_of(tokens.SKIP_ORDINARY, buffer, position, place)
            if position < place or place == len(buffer) or buffer.startswith(b"<", place):
                return position
            place = self._places.next(buffer, place + 1)  # it is in plain text
        return len(buffer)  # no slot ahead, so nothing else matters

    def _begin(self, start: int) -> bool:
        """Begin to read the construct at a `<`; return False if its kind cannot be told yet."""
        spool = self.spool
        buffer = spool.buffer
        if match := tokens.TAG_NAME.match(buffer, start):
            if match.end() == len(buffer) and match.end() - start < tokens.LONGEST_NAME:
                return False
            self._inside = TagReader(match[2].lower(), is_end=bool(match[1]), wanted=self._wanted)
            self._end_tag_offset = spool.held()
            spool.position = match.end()
        elif len(buffer) - start < marks.LONGEST and buffer.find(b">", start) < 0:
            return False
        elif match := marks.MARK.match(buffer, start):
            self._mark(match)
        elif match := tokens.COMMENT_OPENING.match(buffer, start):
            self._inside = None if match[1] else readers.COMMENT
            spool.position = match.end()
        elif self._foreign and buffer.startswith(_CDATA, start):
            self._begin_cdata(start + len(_CDATA))
        else:
            self._inside = readers.DECLARATION
            spool.position = start + len(b"<!")
        return True

    def _begin_cdata(self, position: int) -> None:
        if self._foreign.is_foreign_inside and not self._foreign.is_unsure:
            self._inside = readers.CDATA
            self.spool.position = position
        else:
            self._give_up()  # a section or a declaration, as elements that are not followed tell

    def _needs_attributes(self, name: bytes, start: int, end: int) -> bool:
        if self._foreign and name in foreign.ELEMENTS_WITH_ATTRIBUTES:
            return True
        spool = self.spool
        return spool.capture is None and self._places.next(spool.buffer, start) < end

    def _to_next_mark(self) -> bool:
        """Find the next mark by plain search."""
        spool = self.spool
        buffer = spool.buffer
        found = buffer.find(marks.PREFIX, spool.position)
        if found < 0:
            spool.position = marks.beginning(buffer, spool.position)
            return False
        opening = marks.OPENING if buffer.endswith(b"-", 0, found) else marks.CLOSING
        start = found + len(marks.PREFIX) - len(opening)
        if start < spool.position or not buffer.startswith(opening, start):
            spool.position = found + len(marks.PREFIX)
        elif match := marks.MARK.match(buffer, start):
            self._mark(match)
        elif len(buffer) - start < marks.LONGEST and buffer.find(b">", start) < 0:
            spool.position = start
            return False
        else:
            spool.position = found + len(marks.PREFIX)
        return True

    # What a complete construct means.

    def _tag(self, tag: TagReader) -> None:
        if tag.is_end:
            self._end_tag(tag.name)
        else:
            self._start_tag(tag.name, tag.attributes, is_self_closing=tag.is_self_closing)

    def _start_tag(
        self, name: bytes, attributes: Mapping[bytes, bytes], *, is_self_closing: bool
    ) -> None:
        depth = len(self._foreign)
        is_foreign = self._foreign.start(
            name, attributes=attributes, is_self_closing=is_self_closing
        )
        if self._foreign.is_lost or (name == b"plaintext" and not is_foreign):
            self._give_up()
            return
        if not is_foreign:
            if name == b"script":
                self._inside = readers.Script()
            elif name in RAW_TEXT:
                self._inside = readers.raw_text(name)
        capture = self.spool.capture
        if capture is None:
            is_unfit = is_self_closing or (name in UNFIT_HOSTS and not is_foreign)
            self._open_element(name, attributes, is_unfit=is_unfit or self._foreign.is_unsure)
        elif elements := capture.elements:
            if len(self._foreign) < depth:
                verdict = Verdict.DOUBT  # an HTML element that ends SVG or MathML
            elif not is_foreign:
                verdict = elements.start(name)
            else:
                verdict = Verdict.OPEN if is_self_closing else elements.start_foreign(name)
            if verdict is Verdict.DOUBT:
                self._release(Outcome.MISNESTED)

    def _end_tag(self, name: bytes) -> None:
        self._foreign.end(name)
        capture = self.spool.capture
        if capture and capture.elements:
            verdict = capture.elements.end(name)
            if verdict is Verdict.CLOSED:
                self._settle(self._end_tag_offset)
            elif verdict is Verdict.DOUBT:
                self._release(Outcome.MISNESTED)

    def _open_element(
        self, name: bytes, attributes: Mapping[bytes, bytes], *, is_unfit: bool
    ) -> None:
        """Begin to capture an element's content if a slot is named on it."""
        if not attributes and not self._selectors:
            return
        named = attributes.get(_SLOT_ATTRIBUTE, b"").decode("ascii", "replace")
        selected = [
            slot for slot, selector in self._selectors.items() if selector.matches(name, attributes)
        ]
        for slot in (named, *selected):
            if not self._sightings.wants(slot):
                continue
            if is_unfit:
                self._sightings.bail_out(slot, Outcome.UNFIT)
                continue
            self.spool.take()
            self.spool.capture = Capture(
                slot, elements=OpenElements(name), foreign=self._foreign.copy()
            )
            return

    def _mark(self, match: re.Match[bytes]) -> None:
        spool = self.spool
        spool.position = match.end()
        capture = spool.capture
        slot = (match["opens"] or match["closes"]).decode("ascii")
        is_of_capture = capture and capture.elements is None and capture.slot == slot
        if match["closes"]:
            if capture and is_of_capture:
                capture.depth -= 1
                if capture.depth == 0:
                    self._settle(spool.held() - len(match[0]))
            elif capture is None and slot in self._unmarked:
                self._unmarked.remove(slot)
                spool.drop(match.start())
        elif not marks.is_signed(match["opens"], match["signature"], self._keys):
            return
        elif capture and is_of_capture:
            capture.depth += 1
        elif capture is None:
            opening = spool.drop(match.start())
            if self._sightings.wants(slot):
                spool.capture = Capture(slot, opening=opening, foreign=self._foreign.copy())
            else:
                self._unmarked.append(slot)

    # How a capture ends.

    def _settle(self, size: int) -> None:
        """End the capture, whose content has a size, and replace it if so decided."""
        spool = self.spool
        capture = spool.capture
        if capture is None:
            return
        if size > LONGEST_DEFAULT:
            self._release(Outcome.TOO_LONG)
            return
        held = spool.close_capture()
        content, end = held[:size], held[size:]
        if capture.elements is None:
            end = b""  # the closing mark goes the way of the opening one
        replacement = self._sightings.settle(capture.slot, content)
        if replacement is None:
            self._send_or_rescan(capture, content + end)
        else:
            spool.send(replacement)
            spool.send(end)

    def _release(self, outcome: Outcome) -> bool:
        """End the capture with its original bytes; return whether they are scanned again."""
        capture = self.spool.capture
        if capture is None:
            return False
        self._sightings.bail_out(capture.slot, outcome)
        held = self.spool.close_capture()
        self.spool.send(capture.opening)
        return self._send_or_rescan(capture, held)

    def _send_or_rescan(self, capture: Capture, held: bytes) -> bool:
        if not self._places.any_in(held):
            self.spool.send(held)
            return False
        self.spool.put_back(held)
        self._places.forget()
        self._foreign = capture.foreign
        self._inside = None
        return True

    def _give_up(self) -> None:
        """Pass the rest of the page through unread."""
        if not self._release(Outcome.MISNESTED):
            self.gave_up = True
            self._inside = readers.REST
