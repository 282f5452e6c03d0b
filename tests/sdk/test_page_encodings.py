"""A page that comes packed, or in another charset than ours."""

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
import zstandard

HTML = ("content-type", "text/html; charset=utf-8")


@pytest.fixture
def get(kit: Any, personalise: Any) -> Any:
    """Returns a page of an application that answers in a given way, as a visitor gets it."""

    def get(
        body: Any = kit.page, *, path: str = "/", consent: str = "granted", **given: Any
    ) -> Any:
        sent = {k: given.pop(k) for k in ("status", "headers", "seen") if k in given}
        site = personalise(kit.html_app(body, **sent), consent=getattr(kit, consent))
        return kit.browser(site).get(path, **given)

    return get


def filled(page: bytes) -> bytes:
    return page.replace(b"<h2>Default</h2>", b"<h2>Variant</h2>")


def test_a_gzipped_page_is_filled_and_packed_again(kit: Any, get: Any) -> None:
    packed = gzip.compress(kit.page)

    answer = get(packed, headers=(HTML, ("content-encoding", "gzip")))

    assert gzip.decompress(answer.body) == filled(kit.page)
    assert answer.header("content-length") == str(len(answer.body))


def test_a_gzipped_stream_can_be_read_as_it_comes(kit: Any, get: Any) -> None:
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(kit.page[:60]) + packer.flush(zlib.Z_SYNC_FLUSH)
    second = packer.compress(kit.page[60:]) + packer.flush()

    answer = get([first, second], headers=(HTML, ("content-encoding", "gzip")))

    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(answer.pieces[0]).startswith(b"<!doctype html>")
    assert gzip.decompress(answer.body) == filled(kit.page)


@pytest.mark.parametrize("is_stream", [False, True])
def test_what_only_claims_to_be_gzip_goes_out_as_it_is(kit: Any, get: Any, is_stream: bool) -> None:
    body = [kit.page, b"more"] if is_stream else kit.page

    answer = get(body, headers=(HTML, ("content-encoding", "gzip")))

    assert answer.body == kit.page + (b"more" if is_stream else b"")


def test_gzip_that_breaks_on_the_way_ends_where_it_broke(kit: Any, get: Any) -> None:
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(kit.page[:60]) + packer.flush(zlib.Z_SYNC_FLUSH)

    answer = get([first, b"not gzip", b""], headers=(HTML, ("content-encoding", "gzip")))

    shown = zlib.decompressobj(wbits=31).decompress(answer.body)
    assert shown.endswith(b"<body>")
    assert kit.page.startswith(shown)


@pytest.mark.parametrize(
    ("headers", "start"),
    [
        ((("content-type", "text/html; charset=windows-1251"),), b""),
        ((("content-type", "text/html"),), b'<meta charset="windows-1251">'),
    ],
)
def test_variants_are_written_in_the_pages_charset(
    kit: Any, personalise: Any, headers: Any, start: bytes
) -> None:
    variants = {"control": "site", "b": {"html": "<h2>Привет, 世界</h2>"}}
    definitions = kit.define(experiments=kit.greeting(variants=variants))
    app = kit.html_app(start + kit.page, headers=headers)

    answer = kit.browser(personalise(app, definitions=definitions, consent=kit.granted)).get()

    expected = "<h2>Привет, &#19990;&#30028;</h2>".encode("windows-1251")
    assert expected in answer.body


PACKED: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "br": (brotli.compress, brotli.decompress),
    "zstd": (
        lambda data: zstandard.ZstdCompressor().compress(data),
        lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    ),
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_page_in_a_newer_encoding_is_filled_and_packed_again(
    kit: Any, get: Any, name: str, is_stream: bool
) -> None:
    pack, unpack = PACKED[name]
    packed = pack(kit.page)
    body = [packed[:20], packed[20:], b""] if is_stream else packed

    answer = get(body, headers=(HTML, ("content-encoding", name)))

    assert unpack(answer.body) == filled(kit.page)
    assert answer.header("content-encoding") == name
    assert answer.header("content-length") == (None if is_stream else str(len(answer.body)))


@pytest.mark.parametrize("name", PACKED)
def test_what_only_claims_a_newer_encoding_goes_out_as_it_is(kit: Any, get: Any, name: str) -> None:
    assert get(kit.page, headers=(HTML, ("content-encoding", name))).body == kit.page
