"""The rules for headers, as tables."""

from typing import Any

import pytest

from byleave.sdk.encoding import charset, coding
from byleave.sdk.headers import is_document_request, may_ask_for_page, private


def scope(path: str = "/", method: str = "GET", **headers: str) -> dict[str, Any]:
    pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return {"path": path, "method": method, "headers": pairs}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "private, no-cache"),
        ("public, max-age=60", "private, no-cache"),
        ("no-store", "private, no-cache, no-store"),
        ("max-age=0, must-revalidate", "private, no-cache, must-revalidate"),
        ('private="set-cookie, x", no-transform', "private, no-cache, no-transform"),
        ("s-maxage=60, stale-while-revalidate=30, immutable", "private, no-cache"),
        ("max-age=60,,;=", "private, no-cache"),
    ],
)
def test_caching_is_never_loosened(given: str, expected: str) -> None:
    assert private(given) == expected


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (scope(accept="text/html,*/*;q=0.8"), True),
        (scope("/page.html"), True),
        (scope("/"), True),
        (scope("/film.mp4", accept="*/*"), False),
        (scope("/film.mp4", accept="text/html,*/*", sec_fetch_dest="document"), True),
        (scope("/film.mp4", accept="text/html", sec_fetch_dest="video"), False),
        (scope("/data", accept="application/json"), False),
        (scope("/page", accept="*/*", sec_fetch_dest="empty"), True),
        (scope("/film", accept="*/*", range="bytes=0-1"), False),
        (scope("/film", range="bytes=0-1"), False),
        (scope("/page", accept="text/html", range="bytes=0-1"), True),
        (scope(method="POST", accept="text/html"), False),
        (scope(method="HEAD", accept="text/html"), True),
    ],
)
def test_a_page_is_asked_for_or_something_else(request_: dict[str, Any], expected: bool) -> None:
    assert may_ask_for_page(request_) is expected


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (scope(sec_fetch_dest="document"), True),
        (scope(sec_fetch_dest="iframe"), False),
        (scope(sec_fetch_dest="empty", accept="text/html"), False),
        (scope(accept="text/html"), True),
        (scope(accept="*/*"), True),
        (scope(), True),
        (scope(accept="image/avif,image/*"), False),
        (scope(accept="text/html", hx_request="true"), False),
        (scope(accept="*/*", x_requested_with="XMLHttpRequest"), False),
    ],
)
def test_only_top_level_documents_may_set_cookies(request_: dict[str, Any], expected: bool) -> None:
    assert is_document_request(request_) is expected


@pytest.mark.parametrize(
    ("content_type", "start", "codec"),
    [
        ("text/html", b"<p>", "utf-8"),
        ("text/html; charset=UTF-8", b"", "utf-8"),
        ('text/html; charset="Shift_JIS"', b"", "cp932"),
        ("text/html; charset=iso-8859-1", b'<meta charset="utf-8">', "cp1252"),
        ("text/html", b'<meta charset="euc-kr">', "cp949"),
        ("text/html", b'<meta http-equiv=x content="text/html; charset=big5">', "big5"),
        ("text/html", b'\xef\xbb\xbf<meta charset="euc-kr">', "utf-8"),
        ("text/html; charset=iso-8859-1", b"\xef\xbb\xbf<p>", "utf-8"),
        ("text/html; charset=nonsense", b"", "ascii"),
        ("text/html; charset=utf-16le", b"", None),
        ("text/html; charset=UTF-32", b"", None),
        ("text/html; charset=ISO-2022-JP", b"", None),
        ("text/html", b"\xff\xfe<\x00", None),
        ("text/html", b"\xfe\xff\x00<", None),
    ],
)
def test_the_charset_is_found_or_the_page_left_alone(
    content_type: str, start: bytes, codec: str | None
) -> None:
    assert charset([(b"Content-Type", content_type.encode())], start) == codec


@pytest.mark.parametrize(
    ("encoding", "is_known"),
    [
        ("", True),
        ("identity", True),
        ("gzip", True),
        ("br", True),
        ("zstd", True),
        ("compress", False),
        ("gzip, br", False),
    ],
)
def test_a_body_is_unpacked_where_we_know_how(encoding: str, is_known: bool) -> None:
    assert (coding([(b"content-encoding", encoding.encode())]) is not None) is is_known


def test_gzip_that_unpacks_to_too_much_is_refused() -> None:
    import zlib

    packer = zlib.compressobj(level=9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1_048_576)) for _ in range(70)) + packer.flush()
    unpacker = coding([(b"content-encoding", b"gzip")])

    assert unpacker is not None
    with pytest.raises(ValueError, match="at most"):
        unpacker.unpack(bomb)
