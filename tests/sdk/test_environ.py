"""A WSGI environment as an ASGI scope, and back to what the application may see."""

import io
from typing import Any

import pytest

from byleave.sdk.environ import reader, scope_of, with_headers


@pytest.mark.parametrize(
    ("given", "name", "expected"),
    [
        ({"PATH_INFO": "/caf\xc3\xa9"}, "path", "/café"),
        ({"PATH_INFO": "/\xff"}, "path", "/\ufffd"),
        ({"SCRIPT_NAME": "/shop", "PATH_INFO": "/a"}, "path", "/shop/a"),
        ({"QUERY_STRING": "a=%20"}, "query_string", b"a=%20"),
        ({}, "query_string", b""),
        ({"wsgi.url_scheme": "https"}, "scheme", "https"),
        ({"HTTP_ACCEPT_LANGUAGE": "cy"}, "headers", [(b"accept-language", b"cy")]),
        (
            {"CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": ""},
            "headers",
            [(b"content-type", b"text/plain")],
        ),
        ({"SERVER_NAME": "shop", "wsgi.version": (1, 0)}, "headers", []),
    ],
)
def test_an_environment_says_what_a_scope_would(
    given: dict[str, Any], name: str, expected: object
) -> None:
    assert scope_of({"REQUEST_METHOD": "GET", **given})[name] == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([], {"REQUEST_METHOD": "GET"}),
        ([(b"range", b"bytes=0-1")], {"REQUEST_METHOD": "GET", "HTTP_RANGE": "bytes=0-1"}),
        ([(b"if-none-match", b'"b"')], {"REQUEST_METHOD": "GET", "HTTP_IF_NONE_MATCH": '"b"'}),
    ],
)
def test_an_application_sees_the_headers_that_are_left(
    after: Any, expected: dict[str, str]
) -> None:
    environ = {"REQUEST_METHOD": "GET", "HTTP_RANGE": "bytes=0-1", "HTTP_IF_NONE_MATCH": '"a"'}
    before = scope_of(environ)["headers"]
    given = dict(environ)

    assert with_headers(environ, before=before, after=after) == expected
    assert environ == given


@pytest.mark.parametrize(
    ("length", "expected"),
    [("3", b"abc"), ("5", b"abcd"), ("", b""), ("0", b""), ("-1", b""), ("x", b""), (None, b"")],
)
def test_a_body_is_read_to_its_end_and_no_further(length: str | None, expected: bytes) -> None:
    environ = {"CONTENT_LENGTH": length, "wsgi.input": io.BytesIO(b"abcdef")}

    assert reader(environ)(4) == expected


def test_text_that_wsgi_does_not_allow_breaks_no_page() -> None:
    scope = scope_of(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/\u0436",
            "QUERY_STRING": "q=\u0436",
            "HTTP_X_USER": "\u0436",
        }
    )

    assert (scope["path"], scope["query_string"]) == ("/?", b"q=?")
    assert scope["headers"] == [(b"x-user", b"?")]
