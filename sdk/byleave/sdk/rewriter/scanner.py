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

from collections.abc import Mapping, Sequence
from typing import Final

from byleave.sdk.rewriter import marks, readers, tokens
from byleave.sdk.rewriter.places import Places
from byleave.sdk.rewriter.selectors import Selector
from byleave.sdk.rewriter.sightings import Outcome, Sightings
from byleave.sdk.rewriter.slots import Slots
from byleave.sdk.rewriter.spool import LONGEST_DEFAULT, Spool
from byleave.sdk.rewriter.tags import TagReader, keep_attributes

_CDATA: Final = b"<![CDATA["


class Scanner:
    """Passes a page through, chunk by chunk, with the content of its slots replaced.

    Args:
        sightings: the replacements, and what was met.
        selectors: the slots that are named by a selector.
        keys: the keys that may have signed a mark.
        only_marks: look for signed marks alone, wherever they stand.
        starts: where they may, in a page that comes whole; found here where None.
    """

    __slots__ = (
        "_between",
        "_content_size",
        "_inside",
        "_is_last",
        "_places",
        "_spool",
        "_starts",
        "slots",
    )

    def __init__(
        self,
        sightings: Sightings,
        *,
        selectors: Mapping[str, Selector],
        keys: Sequence[bytes],
        only_marks: bool,
        starts: Sequence[int] | None,
    ) -> None:
        self._starts = starts
        self._spool = Spool()
        self._places = Places(selectors.values())
        self.slots = Slots(
            self._spool,
            places=self._places,
            sightings=sightings,
            selectors=selectors,
            keys=keys,
        )
        self._between = self._to_next_mark if only_marks else self._to_next_construct
        self._inside: readers.Reader | None = None
        self._content_size = 0  # of the open capture before the tag that is being read
        self._is_last = False

    @property
    def rescanned(self) -> int:
        """How many bytes were scanned more than once."""
        return self._spool.rescanned

    def feed(self, chunk: bytes, *, is_last: bool = False) -> bytes:
        """Return what can be sent after the next chunk of the page."""
        self._is_last = is_last
        self._spool.add(chunk)
        self._places.forget()
        while self._advance() or self._drops_capture():
            pass
        if is_last:
            self._spool.position = len(self._spool.buffer)
        return self._spool.drain()

    def _advance(self) -> bool:
        """Take one step; return False if that needs more bytes."""
        spool = self._spool
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
        if self._spool.capture is None:
            return False
        is_in_tag = isinstance(self._inside, TagReader)  # it may be the end tag, not content
        if (self._content_size if is_in_tag else self._spool.held()) > LONGEST_DEFAULT:
            outcome = Outcome.TOO_LONG
        elif self._is_last:
            outcome = Outcome.UNCLOSED
        else:
            return False
        if self.slots.release(outcome):
            self._inside = None
        return True

    def _to_next_construct(self) -> bool:
        """Skip what is ordinary, then take what comes next or begin to read it."""
        spool = self._spool
        buffer = spool.buffer
        start = spool.position = self._skip()
        if start == len(buffer):
            return False
        match = tokens.TAG.match(buffer, start)
        if match is None:
            return self._begin(start)
        name = match[2][: tokens.LONGEST_NAME].lower()
        if match[1]:
            self._content_size = spool.held()
            spool.position = match.end()
            self.slots.end_tag(name, self._content_size)
            return True
        attributes: dict[bytes, bytes] = {}
        if self.slots.needs_attributes(name, start, match.end()):
            keep_attributes(attributes, self.slots.wanted, buffer, *match.span(3))
        spool.position = match.end()
        self._inside = self.slots.start_tag(
            name, attributes, is_self_closing=match[4].endswith(b"/")
        )
        return True

    def _skip(self) -> int:
        """Return where the next construct that matters begins."""
        buffer, position = self._spool.buffer, self._spool.position
        capture = self._spool.capture
        if self.slots.foreign.opened or (capture and capture.elements):
            return tokens.end_of(tokens.SKIP_TEXT, buffer, position)
        place = self._places.next(buffer, position)
        while place < len(buffer) or not self._is_last or capture:
            position = tokens.end_of(tokens.skip_ordinary(), buffer, position, place)
            if position < place or place == len(buffer) or buffer.startswith(b"<", place):
                return position
            place = self._places.next(buffer, place + 1)  # it is in plain text
        return len(buffer)  # no slot ahead, so nothing else matters

    def _begin(self, start: int) -> bool:
        """Begin to read the construct at a `<`; return False if its kind cannot be told yet."""
        spool = self._spool
        buffer = spool.buffer
        if match := tokens.TAG_NAME.match(buffer, start):
            if match.end() == len(buffer) and len(match[2]) < tokens.LONGEST_NAME:
                return False
            self._content_size = spool.held()
            spool.position = match.end()
            self._inside = TagReader(
                match[2].lower(), is_end=bool(match[1]), wanted=self.slots.wanted
            )
        elif self._is_cut_off(start):
            return False
        elif match := marks.MARK.match(buffer, start):
            self.slots.mark(match)
        elif match := tokens.COMMENT_OPENING.match(buffer, start):
            spool.position = match.end()
            self._inside = None if match[1] else readers.COMMENT
        elif self.slots.foreign.opened and buffer.startswith(_CDATA, start):
            spool.position = start + len(_CDATA)
            self._inside = self._cdata()
        else:
            spool.position = start + len(b"<!")
            self._inside = readers.DECLARATION
        return True

    def _cdata(self) -> readers.Reader | None:
        foreign = self.slots.foreign
        if foreign.is_foreign_inside and not foreign.is_unsure:
            return readers.CDATA
        # A section or a declaration, depending on elements that are not followed.
        return self.slots.give_up()

    def _tag(self, tag: TagReader) -> None:
        if tag.is_end:
            self.slots.end_tag(tag.name, self._content_size)
        else:
            self._inside = self.slots.start_tag(
                tag.name, tag.attributes, is_self_closing=tag.is_self_closing
            )

    def _to_next_mark(self) -> bool:
        """Find the next mark by plain search."""
        spool = self._spool
        buffer = spool.buffer
        only_openings = not self.slots.expects_closing
        if self._starts is None:
            start = marks.find(buffer, spool.position, only_openings=only_openings)
        else:
            start = marks.next_start(
                self._starts, buffer, spool.position, only_openings=only_openings
            )
        match = marks.MARK.match(buffer, start)
        if match:
            self.slots.mark(match)
            return True
        spool.position = start
        if start == len(buffer) or self._is_cut_off(start):
            return False
        spool.position += 1
        return True

    def _is_cut_off(self, start: int) -> bool:
        """Whether a mark that begins here may go on in the next chunk."""
        buffer = self._spool.buffer
        return len(buffer) - start < marks.LONGEST and buffer.find(b">", start) < 0
