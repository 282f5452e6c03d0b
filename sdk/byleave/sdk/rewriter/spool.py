"""The bytes of a page between arrival and departure."""

from typing import Final

from byleave.sdk.rewriter.elements import OpenElements
from byleave.sdk.rewriter.foreign import ForeignContent

LONGEST_DEFAULT: Final = 256 * 1024
"""Bytes of a slot's default content that are held at most."""


class Capture:
    """One slot whose default content is held until its end is proved.

    Args:
        slot: the slot's name.
        opening: the mark that opened it, which does not reach the visitor; empty for an element.
        elements: the open elements from the host inwards, or None for a slot between marks.
        foreign: where in SVG or MathML the content begins.
    """

    __slots__ = ("_depth", "elements", "foreign", "held", "opening", "size", "slot")

    def __init__(
        self,
        slot: str,
        *,
        opening: bytes = b"",
        elements: OpenElements | None = None,
        foreign: ForeignContent,
    ) -> None:
        self.slot = slot
        self.opening = opening
        self.elements = elements
        self.foreign = foreign
        self._depth = 1  # marks of the same slot may be nested
        self.held: list[bytes] = []
        self.size = 0

    def opens_with(self, slot: str) -> None:
        """Take in an opening mark within the content."""
        if self.elements is None and slot == self.slot:
            self._depth += 1

    def closes_with(self, slot: str) -> bool:
        """Take in a closing mark, and return whether it ends the content."""
        if self.elements is None and slot == self.slot:
            self._depth -= 1
        return self._depth == 0


class Spool:
    """What has arrived and not been sent.

    Attributes:
        buffer: the bytes that are not scanned yet, and some before them.
        position: up to where in the buffer they are scanned.
        capture: the slot whose content is being held, if any.
        rescanned: how many bytes were or will be scanned once more.
    """

    __slots__ = ("_output", "_taken", "buffer", "capture", "position", "rescanned")

    def __init__(self) -> None:
        self.buffer = b""
        self.position = 0
        self.capture: Capture | None = None
        self.rescanned = 0
        self._taken = 0  # up to where the buffer is in the output or held
        self._output: list[bytes | memoryview] = []

    def add(self, chunk: bytes) -> None:
        """Append what has arrived."""
        if self.buffer:
            self.rescanned += len(self.buffer)
            self.buffer += chunk
        else:
            self.buffer = chunk

    def take(self) -> None:
        """Send, or hold for the open capture, what is scanned."""
        start, self._taken = self._taken, self.position
        if start == self.position:
            return
        if self.capture is not None:
            self.capture.held.append(self.buffer[start : self.position])
            self.capture.size += self.position - start
        elif self.position - start == len(self.buffer):
            self._output.append(self.buffer)  # so that the same object comes out
        else:
            self._output.append(memoryview(self.buffer)[start : self.position])

    def drop(self, start: int) -> bytes:
        """Send what is scanned before `start`, and return the rest instead of sending it."""
        dropped = self.buffer[start : self.position]
        position = self.position
        self.position = start
        self.take()
        self.position = self._taken = position
        return dropped

    def drain(self) -> bytes:
        """Return all that can be sent."""
        self.take()
        self.buffer = self.buffer[self.position :]
        self.position = self._taken = 0
        output, self._output = self._output, []
        first = output[0] if len(output) == 1 else None
        return first if isinstance(first, bytes) else b"".join(output)

    def held(self) -> int:
        """Return the size of the open capture up to the position, or 0 without one."""
        if self.capture is None:
            return 0
        return self.capture.size + self.position - self._taken

    def close_capture(self) -> bytes:
        """End the capture and return all that it holds."""
        self.take()
        capture, self.capture = self.capture, None
        return b"".join(capture.held) if capture else b""

    def send(self, content: bytes) -> None:
        """Send bytes that are not from the page, or were held."""
        if content:
            self._output.append(content)

    def put_back(self, content: bytes) -> None:
        """Put bytes before the rest of the buffer, to be scanned once more."""
        self.rescanned += len(content)
        self.buffer = content + self.buffer[self._taken :]
        self.position = self._taken = 0
