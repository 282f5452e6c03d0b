"""One response on its way out: slots filled, headers set right, everything else untouched.

The start of a page is held until its first body message, because only then is it known what
the headers must say; what is no page begins when the site says so. A page that comes whole is
rewritten whole; one that comes in pieces is rewritten as it comes. Whatever fails on the way,
the site's own bytes go out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from byleave.sdk.asgi_types import Message, Send
from byleave.sdk.beacon import ending
from byleave.sdk.encoding import Coding, charset, coding
from byleave.sdk.failures import report
from byleave.sdk.headers import (
    Headers,
    first,
    is_for_subresource,
    is_page,
    own_tag,
    page_headers,
    private_headers,
    shared_headers,
    without,
)
from byleave.sdk.rewriter import Rewriter, mark_starts, signed_slots
from byleave.sdk.visit import Visit

#: Pages that selectors name slots on: those of the site, and its forms that come back with a
#: complaint. What else is an error has headings that nobody meant; there, only marks count.
_CHOSEN_PAGES: Final = frozenset({200, 400, 422})
_NO_SELECTORS: Final[Mapping[str, str]] = {}


class PageSend:
    """Takes the place of ASGI's `send` for one request.

    Args:
        visit: The request.
        send: The server's `send`.
        is_unwrapped: Whether the site was asked about its own form of an entity tag of ours.
    """

    def __init__(self, visit: Visit, send: Send, *, is_unwrapped: bool) -> None:
        self._visit = visit
        self._send = send
        self._is_unwrapped = is_unwrapped
        self._start: Message | None = None
        self._stream: Stream | None = None

    @property
    def is_rewriting(self) -> bool:
        """Whether the pieces of a streamed page are being rewritten."""
        return self._stream is not None

    async def __call__(self, message: Message) -> None:
        """Pass a message on, now or with the first body message."""
        if message["type"] == "http.response.start":
            await self._begin({**message, "headers": [*message.get("headers", ())]})
        elif message["type"] != "http.response.body":
            await self.finish()  # whatever it is, it follows the start
            await self._send(message)
        elif self._stream is not None:
            await self._send(self._stream.take(message))
        elif self._start is not None:
            start, self._start = self._start, None
            for each in await self._begun(start, message):
                await self._send(each)
        else:
            await self._send(message)

    async def finish(self) -> None:
        """Send a start that no body message followed."""
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(self._with_cookies(start))

    async def _begin(self, start: Message) -> None:
        """Hold the start of a page that may have slots, and send any other."""
        self._start = None  # an error page takes the place of one that was held
        changed = None
        try:
            if self._is_held(start):
                self._start = start
                return
            if start["status"] == 304 and self._is_unwrapped:
                changed = self._unchanged(start, start["headers"])
        except Exception as error:
            report("page not personalised", error)
        await self._send(changed or self._with_cookies(start))

    def _is_held(self, start: Message) -> bool:
        visit = self._visit
        if start["status"] == 304 and visit.decider is not None:
            if visit.site.is_slotless(visit.path, visit.decider):
                visit.count_page()  # only pages are known by that
            return False
        if not is_page(start["status"], start["headers"]) or is_for_subresource(visit.scope):
            return False
        if start["status"] == 200:
            visit.count_page()
        return visit.is_active

    async def _begun(self, start: Message, message: Message) -> tuple[Message, Message]:
        """Return the first two messages of a page as they go out."""
        try:
            if page := await self._page(start, message, start["headers"]):
                return page
        except Exception as error:
            report("page not personalised", error)
        return self._with_cookies(start), message

    async def _page(
        self, start: Message, message: Message, headers: Headers
    ) -> tuple[Message, Message] | None:
        """Return the first messages of a page with slots; None to leave it as it is."""
        visit = self._visit
        body = bytes(message.get("body", b""))  # Starlette sends views of memory, too
        if visit.scope["method"] == "HEAD":
            if visit.decider and visit.site.is_slotless(visit.path, visit.decider):
                return None
            bare = page_headers(without(headers, b"etag"), length=None, signature="")
            return {**start, "headers": private_headers(bare)}, message
        body_coding = coding(headers)
        if body_coding is None:
            visit.site.count("pages in an unknown encoding")
            return None
        is_chosen = start["status"] in _CHOSEN_PAGES
        stream = Stream(visit, body_coding, headers, is_chosen=is_chosen)
        if message.get("more_body", False):
            await visit.slots.ask()
            visit.slots.remember_all()
            first_piece = stream.take(message)
            if stream.is_left_alone:
                return None
            start = self._personal(start, headers, length=None)
            self._stream = stream
            return start, first_piece
        form = self._shared_form(headers)
        if form:
            visit.share()
        whole = await stream.whole(body)
        if whole is None:
            return None
        length = None if start.get("trailers", False) else len(whole)
        message = {**message, "body": whole}
        if visit.shared is not None and not visit.is_personal:  # a variant may have told of them
            changed = page_headers(headers, length=length, signature=form)
            changed = shared_headers(changed, slots=sorted(visit.shared))
            return {**start, "headers": changed}, message
        visit.learn()
        return self._personal(start, headers, length=length), message

    def _shared_form(self, headers: Headers) -> str:
        if not self._visit.is_announced:
            return ""
        from byleave.sdk.sharing import shared_form  # for the few sites that share pages

        return shared_form(self._visit, headers)

    def _personal(self, start: Message, headers: Headers, *, length: int | None) -> Message:
        signature = self._visit.slots.signature if first(headers, b"etag") else ""
        changed = private_headers(headers, is_sensitive=self._visit.is_sensitive)
        changed = page_headers(changed, length=length, signature=signature)
        return {**start, "headers": [*changed, *self._cookies()]}

    def _unchanged(self, start: Message, headers: Headers) -> Message:
        tag = own_tag(first(headers, b"etag"), self._visit.slots.signature)
        changed = private_headers(without(headers, b"etag"), is_sensitive=self._visit.is_sensitive)
        changed = [*changed, (b"etag", tag.encode("latin-1")), *self._cookies()]
        return {**start, "headers": changed}

    def _with_cookies(self, start: Message) -> Message:
        cookies = self._cookies()
        if not cookies and not self._visit.is_personal:
            return start
        # What sets somebody's cookies, or tells of them, must not reach anybody else.
        headers = private_headers(start["headers"], is_sensitive=self._visit.is_sensitive)
        return {**start, "headers": [*headers, *cookies]}

    def _cookies(self) -> Headers:
        try:
            return [(b"set-cookie", line.encode()) for line in self._visit.set_cookies()]
        except Exception as error:
            report("cookies not set", error)
            return []


class Stream:
    """The body of one page, rewritten piece by piece.

    Args:
        visit: The request.
        body_coding: How the body is packed.
        headers: The site's.
        is_chosen: Whether it is a page that selectors are meant for, besides marks.

    Attributes:
        is_left_alone: Whether the page is in a charset that cannot be scanned.
    """

    def __init__(
        self, visit: Visit, body_coding: Coding, headers: Headers, *, is_chosen: bool
    ) -> None:
        self._visit = visit
        self._is_chosen = is_chosen
        self._selectors = visit.site.selectors if is_chosen else _NO_SELECTORS
        self._coding = body_coding
        self._headers = headers
        self._rewriter: Rewriter | None = None
        self._has_ended = False
        self._is_raw = False
        self._codec = "utf-8"
        self.is_left_alone = False

    async def whole(self, body: bytes) -> bytes | None:
        """Return a whole body with its slots filled; None where it has none."""
        visit = self._visit
        text = self._coding.unpack(body)
        starts, is_named = mark_starts(text)
        is_named = is_named or bool(self._selectors)
        rewriter = None
        if is_named or starts:
            only_marks = not is_named and not visit.site.is_debugged
            rewriter = self._begin(text, starts=starts if only_marks else None)
        if rewriter is not None:
            await visit.slots.ask()
            text = rewriter.close(text)
            self._tell_of_marks(text)
        has_slots = rewriter is not None and bool(rewriter.seen)
        # An error page says nothing of the page that is at its address otherwise.
        if visit.decider is not None and self._is_chosen:
            visit.site.note_slots(visit.path, visit.decider, has_slots=has_slots)
        if not has_slots and not (visit.site.is_debugged and visit.decider):
            return None
        visit.slots.settle()
        self._tell_developers()
        return self._coding.pack(self._with_ending(text), is_last=True)

    def take(self, message: Message) -> Message:
        """Return a body message with the slots filled that it completes."""
        is_last = not message.get("more_body", False)
        try:
            text = self._coding.unpack(bytes(message.get("body", b"")))
            out = self._coding.pack(self._filled(text, is_last=is_last), is_last=is_last)
        except Exception as error:
            if self._rewriter is None:
                raise  # nothing has gone out yet, so the whole page can stay as it is
            report("page damaged on its way here", error)
            out = b""
        return message if self.is_left_alone else {**message, "body": out}

    def _filled(self, text: bytes, *, is_last: bool) -> bytes:
        rewriter = self._rewriter or self._begin(text)
        if rewriter is None or self._is_raw:
            self.is_left_alone = rewriter is None
            return text
        try:
            out = rewriter.close(text) if is_last else rewriter.feed(text)
        except Exception as error:
            report("page not personalised any further", error)
            self._is_raw = True
            return text
        self._tell_of_marks(out)
        self._visit.slots.settle()
        if is_last:
            self._tell_developers()
        return self._with_ending(out)

    def _begin(self, text: bytes, *, starts: Sequence[int] | None = None) -> Rewriter | None:
        codec = charset(self._headers, text)
        if codec is None or self._visit.decider is None:
            return None
        self._codec = codec
        self._visit.site.check_selectors(self._visit.decider)
        self._rewriter = Rewriter(
            {slot: self._served(slot) for slot in self._visit.slots.on_page},
            selectors=self._selectors,
            keys=self._visit.site.mark_keys,
            only_marks=starts is not None,
            starts=starts,
        )
        return self._rewriter

    def _served(self, slot: str) -> Callable[[bytes], bytes | None]:
        return lambda default: self._visit.slots.serve(slot, default, self._codec)

    def _tell_developers(self) -> None:
        """Warn of slots that are on the page and can never be filled as it is written."""
        for slot, sighting in self._rewriter.seen.items() if self._rewriter else ():
            if sighting.is_bail_out:
                self._visit.site.warn_once(f"slot {slot!r} was left alone: {sighting.outcome}")

    def _tell_of_marks(self, out: bytes) -> None:
        """Warn in debug mode of marks that are still there: where they stand is no comment."""
        site = self._visit.site
        for slot in signed_slots(out, site.mark_keys) if site.is_debugged else ():
            site.warn_once(
                f"slot {slot!r} is marked where a block cannot stand, such as in a script or an "
                "attribute; use `decisions()` or `data()` there"
            )

    def _with_ending(self, out: bytes) -> bytes:
        if self._has_ended:
            return out
        try:
            changed = ending(self._visit, out, codec=self._codec)
        except Exception as error:
            report("script not added", error)
            changed = None
        self._has_ended = changed is not None
        return out if changed is None else changed
