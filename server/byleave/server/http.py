"""HTTP, strictly: bodies are bounded before they are parsed, errors are problem documents."""

import re
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from byleave.segments import canonical_json
from byleave.server.errors import unquoted

T = TypeVar("T")

#: JSON that is nested deeper is refused unread: nothing we take comes near it.
DEEPEST: Final = 32

_JSON_WANTED: Final = "expected JSON in UTF-8"
_JSON_HEADERS: Final = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
)
_STRINGS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")


class Problem(Exception):
    """An error that the caller is told as a problem document (RFC 9457)."""

    def __init__(
        self, status: int, detail: str, *, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        """Describe the problem.

        Args:
            status: The HTTP status.
            detail: What was expected and what to do, in a sentence; never anybody's data.
            headers: Headers of the response.
            members: Further members of the document.
        """
        super().__init__(detail)
        self.status = status
        self.headers = headers
        self.document = {
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            **members,
        }

    def response(self) -> Response:
        """Return the response that tells it."""
        return Response(
            canonical_json(self.document),
            self.status,
            headers={"Cache-Control": "no-store", **(self.headers or {})},
            media_type="application/problem+json",
        )


class JsonResponse(Response):
    """Data as JSON that nobody may keep."""

    def __init__(self, data: object, status: int = 200) -> None:
        """Write the data; the headers are always the same, and need not be put together."""
        self.status_code, self.background = status, None
        self.body = msgspec.json.encode(data)
        length = (b"content-length", b"%d" % len(self.body))
        self.raw_headers = [length, *_JSON_HEADERS]


def json_response(data: object, *, status: int = 200) -> Response:
    """Return data as JSON that nobody may keep."""
    return JsonResponse(data, status)


async def read_body(request: Request, *, most_bytes: int) -> bytes:
    """Return the body of a request.

    Raises:
        Problem: It is longer than `most_bytes`, compressed, or cut off by the client.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "send the body without Content-Encoding")
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told[:20]) > most_bytes:
        raise Problem(413, f"expected a body of at most {most_bytes} bytes")
    body, has_more = b"", True
    while has_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "expected the whole body")  # nobody is there to be told
        body += message.get("body", b"")
        if len(body) > most_bytes:
            raise Problem(413, f"expected a body of at most {most_bytes} bytes")
        has_more = message.get("more_body", False)
    return body


def parse(body: bytes, kind: type[T]) -> T:
    """Return what strict JSON holds, as a `kind`: no NaN, no Infinity, no deep nesting.

    Raises:
        Problem: The body is not JSON, or not of that kind.
    """
    if _is_too_deep(body):
        raise Problem(400, f"expected JSON, nested {DEEPEST} levels at most")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        invalid = unquoted(error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Problem(400, _JSON_WANTED) from None
    try:  # what is of another kind may still be no JSON further on
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Problem(400, _JSON_WANTED) from None
    raise Problem(422, invalid)


def _is_too_deep(body: bytes) -> bool:
    """Whether brackets nest too deeply or do not pair, found out without parsing.

    Without its strings, and all that is no bracket, a body loses its innermost level of nesting
    each time the empty pairs are taken out.
    """
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    brackets = _STRINGS.sub(b"", body).translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(DEEPEST):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def is_unchanged(request: Request, etag: str) -> bool:
    """Whether the caller already has the representation with this strong entity tag."""
    tags = (tag.strip() for tag in request.headers.get("if-none-match", "").split(","))
    return any(tag.removeprefix("W/") == etag or tag == "*" for tag in tags)
