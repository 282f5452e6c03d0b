"""The rewriter of one page."""

from collections.abc import Mapping, Sequence

from byleave.sdk.rewriter.scanner import Scanner
from byleave.sdk.rewriter.selectors import parse_selector
from byleave.sdk.rewriter.sightings import Replacement, Sighting, Sightings

_NO_SELECTORS: Mapping[str, str] = {}


class Rewriter:
    """Replaces the content of slots in one page, byte for byte the same everywhere else.

    A slot is named by a signed mark, by `data-byleave-slot` on an element, or by a selector. Only
    its first occurrence is replaced, and only if its end is beyond doubt. Content may come in
    chunks of any size and in any charset that contains ASCII; replacements must be in the page's.

    Args:
        slots: new content by slot name, as bytes or as a function of the default content that
            is called when the slot is met, and at no other time.
        selectors: CSS selectors by slot name, as `parse_selector` takes them.
        keys: the keys that may have signed a mark; without any, marks are plain comments.
        only_marks: look for signed marks alone, wherever they stand, by plain search. Ten times
            faster, but a mark that a template puts into a script or an attribute counts.
        starts: where marks may stand, as `mark_starts` finds them, in a page that is handed to
            `close` whole; only with `only_marks`.

    Raises:
        SelectorError: a selector is not of the few kinds.

    >>> Rewriter({"hero": b"New"}).close(b'<h1 data-byleave-slot="hero">Old</h1>')
    b'<h1 data-byleave-slot="hero">New</h1>'
    """

    __slots__ = ("_scanner", "_sightings")

    def __init__(
        self,
        slots: Mapping[str, Replacement],
        *,
        selectors: Mapping[str, str] = _NO_SELECTORS,
        keys: Sequence[bytes] = (),
        only_marks: bool = False,
        starts: Sequence[int] | None = None,
    ) -> None:
        self._sightings = Sightings(slots)
        self._scanner = Scanner(
            self._sightings,
            selectors={slot: parse_selector(text) for slot, text in selectors.items()},
            keys=keys,
            only_marks=only_marks,
            starts=starts if only_marks else None,
        )

    def feed(self, chunk: bytes) -> bytes:
        """Take in the next chunk and return what can be sent now.

        What is held back is the default content of a slot until its end, and otherwise at most
        128 bytes.
        """
        return self._scanner.feed(chunk)

    def close(self, chunk: bytes = b"") -> bytes:
        """Take in the last chunk, or the whole page, and return all that was not sent.

        A whole page without slots comes back as the same object.
        """
        return self._scanner.feed(chunk, is_last=True)

    @property
    def seen(self) -> Mapping[str, Sighting]:
        """What came of each slot that the page has named so far."""
        return self._sightings.seen

    @property
    def has_given_up(self) -> bool:
        """Whether a part of the page was passed through unread."""
        return self._scanner.slots.has_given_up

    @property
    def rescanned(self) -> int:
        """How many bytes were scanned more than once."""
        return self._scanner.rescanned


def rewrite(
    page: bytes,
    slots: Mapping[str, Replacement],
    *,
    selectors: Mapping[str, str] = _NO_SELECTORS,
    keys: Sequence[bytes] = (),
) -> bytes:
    """Return a whole page with the content of its slots replaced.

    >>> rewrite(b"<p data-byleave-slot=a>old</p>", {"a": lambda default: default.upper()})
    b'<p data-byleave-slot=a>OLD</p>'
    """
    return Rewriter(slots, selectors=selectors, keys=keys).close(page)
