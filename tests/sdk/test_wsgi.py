"""WSGI applications: the same pages as under ASGI, by WSGI's own rules."""

import asyncio
import io
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

from byleave.sdk import record
from byleave.sdk.wsgi import Personalise

HTML = ("Content-Type", "text/html; charset=utf-8")


@dataclass
class Answer:
    """What a WSGI server got."""

    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    error: Any = None

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    def cookies(self) -> dict[str, str]:
        lines = [value for key, value in self.headers if key.lower() == "set-cookie"]
        return {line.partition("=")[0]: line.partition("=")[2].partition(";")[0] for line in lines}


def call(
    app: Any,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] = {},
    body: bytes = b"",
    is_checked: bool = True,
) -> Answer:
    """Make one request as a server would, which checks every rule of WSGI."""
    parts = urlsplit(path)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "https",
        "HTTP_HOST": "shop.example",
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }
    setup_testing_defaults(environ)
    answer = Answer()

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[..., None]:
        answer.status, answer.headers, answer.error = status, headers, exc_info
        return answer.pieces.append

    result: Any = (validator(app) if is_checked else app)(environ, start_response)
    answer.pieces += result
    if hasattr(result, "close"):
        result.close()
    return answer


def page_app(
    body: Any, *, status: str = "200 OK", headers: Any = (HTML,), is_checked: bool = True
) -> Any:
    """Return an application that answers everything alike."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(status, [*headers])
        answer: Iterable[bytes] = [] if environ["REQUEST_METHOD"] == "HEAD" else body
        return answer

    return validator(app) if is_checked else app


@pytest.fixture
def wrap(kit: Any, clock: Any) -> Callable[..., Personalise]:
    """Wraps a WSGI application with the test shop's definitions."""

    def wrap(app: Any, **options: Any) -> Personalise:
        if "server" not in options:
            options.setdefault("definitions", kit.define())
        options.setdefault("consent", kit.granted)
        return Personalise(
            app,
            secrets=[kit.secret],
            clock=clock,
            random_bytes=Random(7).randbytes,
            background=False,
            **options,
        )

    return wrap


def filled(page: bytes) -> bytes:
    return page.replace(b"<h2>Default</h2>", b"<h2>Variant</h2>")


def test_a_page_is_filled_and_its_headers_say_so(kit: Any, wrap: Any) -> None:
    app = page_app([kit.page], headers=(HTML, ("ETag", '"a"')), is_checked=False)

    answer = call(wrap(app))

    assert answer.body == filled(kit.page)
    assert answer.header("content-length") == str(len(answer.body))
    assert answer.header("cache-control") == "private, no-cache"
    assert answer.header("etag") != '"a"'
    assert set(answer.cookies()) == {"__Host-byleave_id", "__Host-byleave_profile"}


def test_a_visitor_who_refused_gets_the_sites_own_bytes(kit: Any, wrap: Any) -> None:
    answer = call(wrap(page_app([kit.page]), consent=kit.refused))

    assert answer.body == kit.page
    assert answer.cookies() == {}


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("200 Fine", (("Content-Type", "application/json"), ("Content-Length", "2"))),
        ("302 Found", (HTML, ("Location", "/"))),
        ("500 Oops", (HTML,)),
    ],
)
def test_what_is_no_page_goes_out_as_it_is(wrap: Any, status: str, headers: Any) -> None:
    answer = call(wrap(page_app([b"{}"], status=status, headers=headers)))

    assert (answer.status, answer.headers, answer.body) == (status, [*headers], b"{}")


@pytest.mark.parametrize("is_generator", [False, True])
def test_pieces_are_filled_as_they_come(kit: Any, wrap: Any, is_generator: bool) -> None:
    pieces = [kit.page[:60], b"", kit.page[60:120], kit.page[120:]]
    body = (piece for piece in pieces) if is_generator else pieces
    headers = (HTML, ("Content-Length", str(len(kit.page))))
    app = page_app(body, headers=headers, is_checked=is_generator)

    answer = call(wrap(app))

    assert answer.body == filled(kit.page)
    assert (answer.header("content-length") is None) is is_generator
    assert (len(answer.pieces) > 1) is is_generator


def test_a_page_of_known_length_from_a_generator_is_whole(kit: Any, wrap: Any) -> None:
    app = page_app(iter([kit.page]), headers=(HTML, ("Content-Length", str(len(kit.page)))))

    answer = call(wrap(app))

    assert answer.header("content-length") == str(len(filled(kit.page)))


def test_the_first_piece_goes_out_before_the_next_is_asked_for(kit: Any, wrap: Any) -> None:
    asked: list[int] = []

    def body() -> Iterable[bytes]:
        for number in range(3):
            asked.append(number)
            yield b"<p>%d</p>" % number

    pieces = iter(wrap(page_app(body(), is_checked=False))(environ_of("/"), lambda *_: None))
    first = next(pieces)

    assert (first, asked) == (b"<p>0</p>", [0])


def environ_of(path: str) -> dict[str, Any]:
    environ: dict[str, Any] = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    return environ


def test_head_has_the_headers_of_the_page_without_a_length(kit: Any, wrap: Any) -> None:
    app = page_app([kit.page], headers=(HTML, ("Content-Length", "9")))

    answer = call(wrap(app), method="HEAD")

    assert answer.body == b""
    assert answer.header("content-length") is None
    assert answer.header("cache-control") == "private, no-cache"


class Body:
    """An iterable whose iterator is another object, closed as WSGI says."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.times_closed = 0

    def __iter__(self) -> Any:
        return iter(self.pieces)

    def close(self) -> None:
        self.times_closed += 1


@pytest.mark.parametrize("pieces_read", [0, 1, 2])
def test_the_iterable_is_closed_wherever_the_server_stopped(
    kit: Any, wrap: Any, pieces_read: int
) -> None:
    body = Body([kit.page[:60], kit.page[60:]])
    result = wrap(page_app(body, is_checked=False))(environ_of("/"), lambda *_: None)
    pieces = iter(result)
    for _ in range(pieces_read):
        next(pieces)

    result.close()

    assert body.times_closed == 1


def test_a_file_is_left_to_the_server(kit: Any, wrap: Any) -> None:
    files = [FileWrapper(io.BytesIO(kit.page)), io.BufferedReader(io.BytesIO(kit.page))]
    environ = {**environ_of("/"), "wsgi.file_wrapper": FileWrapper}
    sent: list[str] = []

    for file in files:
        result = wrap(page_app(file, is_checked=False))(environ, lambda s, *_: sent.append(s))
        assert result is file

    assert sent == ["200 OK", "200 OK"]


def test_an_error_before_anything_went_out_replaces_the_response(kit: Any, wrap: Any) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [HTML])
        try:
            raise LookupError
        except LookupError:
            start_response("500 Oops", [("Content-Type", "text/plain")], sys.exc_info())
        return [b"broken"]

    answer = call(wrap(validator(app)))

    assert (answer.status, answer.body) == ("500 Oops", b"broken")
    assert answer.error[0] is LookupError


def test_an_error_after_something_went_out_reaches_the_server(kit: Any, wrap: Any) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [HTML])
        yield kit.page[:60]
        try:
            raise LookupError
        except LookupError:
            start_response("500 Oops", [("Content-Type", "text/plain")], sys.exc_info())

    answer = call(wrap(app))

    assert (answer.status, answer.error[0]) == ("500 Oops", LookupError)


def test_a_second_start_without_an_error_is_refused(wrap: Any) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [HTML])
        start_response("200 OK", [HTML])

    with pytest.raises(AssertionError, match="twice"):
        call(wrap(app))


def test_what_an_application_writes_is_filled_too(kit: Any, wrap: Any) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [HTML])
        write(kit.page[:60])
        write(kit.page[60:120])
        return [kit.page[120:]]

    answer = call(wrap(app), is_checked=False)

    assert answer.body == filled(kit.page)


def test_an_applications_own_exception_is_its_own(wrap: Any) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        raise LookupError

    with pytest.raises(LookupError):
        call(wrap(app))


def test_our_own_entity_tag_is_turned_back_into_the_sites(kit: Any, wrap: Any) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        is_known = '"a"' in environ.get("HTTP_IF_NONE_MATCH", "")
        if is_known:
            start_response("304 Not Modified", [("ETag", '"a"')])
            return []
        start_response("200 OK", [("ETag", '"a"'), HTML])
        return [kit.page]

    site = wrap(validator(app), consent=kit.refused)
    asked = {"accept": "text/html"}
    first = call(site, headers=asked)
    tag = first.header("etag") or ""
    second = call(site, headers={**asked, "if_none_match": tag})

    assert first.status == "200 OK"
    assert (second.status, second.header("etag")) == ("304 Not Modified", tag)


def test_a_choice_is_taken_and_acted_on(kit: Any, wrap: Any) -> None:
    site = wrap(page_app([kit.page]), consent=None)
    own = call(site)

    chosen = call(site, "/.byleave/consent", method="POST", body=b"choice=accept&back=/a")
    shown = call(site, headers={"cookie": f"byleave_consent={chosen.cookies()['byleave_consent']}"})

    assert own.body == kit.page
    assert (chosen.status, chosen.header("location")) == ("303 See Other", "/a")
    assert shown.body == filled(kit.page)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/.byleave/beacon.js", b"", "200 OK"),
        ("HEAD", "/.byleave/beacon.js", b"", "200 OK"),
        ("POST", "/.byleave/events", b"{}", "204 No Content"),
        ("POST", "/.byleave/events", b"x" * 70_000, "413"),
        ("GET", "/.byleave/events", b"", "405 Method Not Allowed"),
    ],
)
def test_our_own_routes_answer(wrap: Any, method: str, path: str, body: bytes, status: str) -> None:
    answer = call(wrap(page_app([])), path, method=method, body=body)

    assert answer.status.startswith(status)


def test_exposures_and_events_reach_the_server(kit: Any, wrap: Any, server: Any) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        record(environ, "sign_up")
        start_response("200 OK", [HTML])
        return [kit.page]

    site = wrap(validator(app), server=server)
    site.client.poll()
    answer = call(site)
    site.client.flush()

    assert answer.body.startswith(filled(kit.page)[:120])
    assert len(server.of_type("exposure")) == len(server.of_type("event")) == 1


@pytest.mark.parametrize(("is_down", "is_filled"), [(False, True), (True, False)])
def test_the_server_may_decide(
    kit: Any, wrap: Any, server: Any, is_down: bool, is_filled: bool
) -> None:
    site = wrap(page_app([kit.page]), server=server, decide="server")
    site.client.poll()
    server.is_down = is_down

    answer = call(site)

    assert (b"<h2>Variant</h2>" in answer.body) is is_filled
    assert (b"<h2>Default</h2>" in answer.body) is not is_filled


def test_inside_the_event_loop_that_it_would_wait_for_the_site_is_as_it_was(
    kit: Any, wrap: Any, server: Any
) -> None:
    site = wrap(page_app([kit.page]), server=server, decide="server")
    site.client.poll()

    async def serve() -> Answer:
        return call(site)

    assert b"<h2>Default</h2>" in asyncio.run(serve()).body


def test_what_fails_leaves_the_site_as_it_is(kit: Any, wrap: Any, caplog: Any) -> None:
    def broken() -> int:
        raise LookupError

    site = wrap(page_app([kit.page]))
    site.site.clock = broken

    assert call(site).body == kit.page
    assert "request not personalised" in caplog.text
