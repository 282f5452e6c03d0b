"""The messages of one response: what ASGI allows, and what frameworks make of that."""

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse


def filled(page: bytes) -> bytes:
    return page.replace(b"<h2>Default</h2>", b"<h2>Variant</h2>")


def test_trailers_rule_out_a_length(kit: Any, personalise: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html"), (b"content-length", b"9")]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        await send({**start, "trailers": True})
        await send({"type": "http.response.body", "body": kit.page})
        await send({"type": "http.response.trailers", "headers": [(b"x", b"y")]})

    answer = kit.browser(personalise(app, consent=kit.granted)).get()

    assert answer.header("content-length") is None
    assert answer.body == filled(kit.page)
    assert answer.messages[-1] == {"type": "http.response.trailers", "headers": [(b"x", b"y")]}


@pytest.mark.parametrize("kind", ["http.response.pathsend", "http.response.zerocopysend", "new"])
def test_messages_that_we_do_not_know_go_through_after_the_start(
    kit: Any, personalise: Any, kind: str
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.debug", "info": 1})
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/html")],
            }
        )
        await send({"type": kind, "path": "/srv/page.html"})

    answer = kit.browser(personalise(app, consent=kit.granted)).get()

    kinds = [message["type"] for message in answer.messages]
    assert kinds == ["http.response.debug", "http.response.start", kind]
    assert answer.header("content-type") == "text/html"
    assert "__Host-byleave_profile" in answer.set_cookies  # the view counts like any other


def test_a_start_without_a_body_is_sent_at_the_end(kit: Any, personalise: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    assert kit.browser(personalise(app)).get().status == 204


def test_a_start_without_headers_has_none(kit: Any, personalise: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    answer = kit.browser(personalise(app)).get()

    assert (answer.status, answer.headers) == (204, [])


@pytest.mark.parametrize("places", [(0,), (0, 53), (0, 109)])
def test_starlette_may_send_views_of_memory(kit: Any, personalise: Any, places: Any) -> None:
    pieces = [kit.page[a:b] for a, b in pairwise((*places, len(kit.page)))]

    async def streamed() -> AsyncIterator[bytes | memoryview]:
        yield pieces[0]
        yield memoryview(pieces[1])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        whole = Response(memoryview(kit.page), media_type="text/html")
        given = StreamingResponse(streamed(), media_type="text/html")
        await (whole if len(places) == 1 else given)(scope, receive, send)

    assert kit.browser(personalise(app, consent=kit.granted)).get().body == filled(kit.page)


@pytest.mark.parametrize(
    ("kind", "has_slots", "is_begun"),
    [
        ("text/event-stream", True, True),
        ("text/html", False, True),
        ("text/html", True, False),  # its body decides what the headers say
    ],
)
def test_what_is_no_page_with_slots_begins_before_there_is_anything_of_it(
    kit: Any, personalise: Any, kind: str, has_slots: bool, is_begun: bool
) -> None:
    sent: list[str] = []
    begun: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        begun.extend(sent)  # the first event may come in an hour
        await send({"type": "http.response.body", "body": b"data: 1"})

    definitions = kit.define(**({} if has_slots else {"experiments": {}}))
    site = personalise(app, definitions=definitions, consent=kit.granted)

    async def tapped(scope: Any, receive: Any, send: Any) -> None:
        async def tap(message: Any) -> None:
            sent.append(message["type"])
            await send(message)

        await site(scope, receive, tap)

    answer = kit.browser(tapped).get()

    assert begun == ["http.response.start"] * is_begun
    assert answer.body == b"data: 1"
