"""No spelling of a URL reaches what is not public; what was checked is what is connected to."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import httpx2
import pytest
from tests.server.receiver import Receiver

from byleave.server.outbound import LONGEST_ANSWER, Outbound, UnsafeUrlError, is_public

#: Where an attacker would like to go: this machine, its neighbours, a cloud's metadata.
HOSTS = (
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1",
    "0x7f.0x0.0x0.0x1", "017700000001", "0177.0.0.1", "0177.1", "127.0.0.1.", "0", "0.0.0.0",  # noqa: S104  # nobody binds to it
    "0x0", "00.00.00.00", "localhost", "LOCALHOST", "localhost.", "[::1]", "[::]",
    "[0:0:0:0:0:0:0:1]", "[0000::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]",
    "[64:ff9b::10.0.0.1]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[fe80::1]",
    "[fe80::1%25lo]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[100::1]",
    "[64:ff9b:1::1]", "[3fff::1]",
    "[2001:db8::1]", "10.0.0.1", "10.1", "0xa000001", "172.16.0.1", "172.31.255.255",
    "192.168.0.1", "192.168.257", "3232235521", "169.254.169.254", "0xa9fea9fe", "2852039166",
    "169.254.43518", "0251.0376.0251.0376", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
    "100.64.0.1", "192.0.0.8", "192.88.99.1", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "127.0.0.1%00.example.com", "①②⑦.⓪.⓪.①", "127。0。0。1",
    "ⓛocalhost",
)  # fmt: skip
URLS = (
    "", "http", "https://", "https:///x", "//127.0.0.1/", "ftp://example.com/", "file:///etc/passwd",
    "gopher://127.0.0.1/", "javascript:alert(1)", "data:,x", "https://user:pass@example.com/",
    "https://example.com@127.0.0.1/", "https://127.0.0.1#@example.com/", "https://exa mple.com/",
    "https://example.com\r\nHost: x/", "https://example.com/\x00", "https://127.0.0.1:99999/",
    "https://[::1/", "unix:/var/run/docker.sock", "https://" + "a" * 2_000 + ".com/",
)  # fmt: skip


@pytest.fixture
def listener() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.close()


def post(url: str, **options: Any) -> int:
    async def ask() -> int:
        client = Outbound(**options)
        try:
            return await client.post(url, b"{}", {"webhook-id": "1"})
        finally:
            await client.close()

    return asyncio.run(ask())


def resolving(*answers: list[str]) -> tuple[Callable[..., Any], list[str]]:
    """A resolver that gives each of its answers once, and those whom it was asked about."""
    asked: list[str] = []
    waiting = list(answers)

    async def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return waiting.pop(0)

    return resolve, asked


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_of_a_host_leads_inside(listener: Receiver, scheme: str) -> None:
    async def try_all() -> list[str]:
        client, reached = Outbound(), []
        for host in HOSTS:
            with suppress(UnsafeUrlError):
                await client.post(f"{scheme}://{host}:{listener.port}/", b"", {})
                reached.append(host)
        await client.close()
        return reached

    assert asyncio.run(try_all()) == []
    assert len(HOSTS) >= 60
    assert listener.taken == []


@pytest.mark.parametrize("url", URLS)
def test_what_is_no_plain_url_is_refused_before_anything_is_looked_up(url: str) -> None:
    resolve, asked = resolving()

    with pytest.raises(UnsafeUrlError):
        post(url, resolve=resolve)

    assert asked == []


@pytest.mark.parametrize(
    "answer",
    [[], ["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["93.184.215.14", "::1"], ["nonsense"]],
)
def test_a_name_is_refused_when_one_of_its_addresses_is_not_public(
    listener: Receiver, answer: list[str]
) -> None:
    resolve, _ = resolving(answer)

    with pytest.raises(UnsafeUrlError):
        post(f"https://evil.example:{listener.port}/", resolve=resolve)

    assert listener.taken == []


def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(listener: Receiver) -> None:
    resolve, asked = resolving(["127.0.0.1"], ["10.0.0.1"])

    url = f"http://receiver.example:{listener.port}/hook"
    status = post(url, resolve=resolve, allow=["127.0.0.0/8"])

    assert status == 204
    assert asked == ["receiver.example"]
    [(headers, _)] = listener.taken
    assert headers["Host"] == f"receiver.example:{listener.port}"


def test_what_one_answer_sets_is_not_sent_to_another_at_the_same_address(
    listener: Receiver,
) -> None:
    async def twice() -> None:
        outbound = Outbound(allow=["127.0.0.0/8"])
        try:
            for _ in range(2):
                await outbound.post(listener.url, b"{}", {})
        finally:
            await outbound.close()

    listener.cookie = "session=1"
    asyncio.run(twice())

    assert ["Cookie" in headers for headers, _ in listener.taken] == [False, False]


def test_a_redirect_is_not_followed(listener: Receiver) -> None:
    listener.status = 302

    assert post(listener.url, allow=["127.0.0.0/8"]) == 302
    assert len(listener.taken) == 1


def asked(url: str) -> tuple[int, bytes]:
    async def ask() -> tuple[int, bytes]:
        client = Outbound(allow=["127.0.0.0/8"])
        try:
            return await client.ask("POST", url, b"{}", {"accept": "application/json"})
        finally:
            await client.close()

    return asyncio.run(ask())


def test_an_answer_is_read_as_it_is_and_leads_nowhere_else(listener: Receiver) -> None:
    listener.status, listener.says = 302, b'{"a": 1}'

    assert asked(listener.url) == (302, b'{"a": 1}')
    [(headers, body)] = listener.taken
    assert headers["Accept-Encoding"] == "identity"
    assert body == b"{}"


def test_an_answer_without_end_is_none(listener: Receiver) -> None:
    listener.status = 200
    listener.says = b"x" * LONGEST_ANSWER
    whole = asked(listener.url)
    listener.says += b"x"

    assert whole == (200, b"x" * LONGEST_ANSWER)
    with pytest.raises(UnsafeUrlError, match="too long"):
        asked(listener.url)


def test_without_tls_only_networks_of_ones_own_are_reached() -> None:
    resolve, _ = resolving(["93.184.215.14"])

    with pytest.raises(UnsafeUrlError, match="https"):
        post("http://example.com/", resolve=resolve)


def test_a_proxy_of_the_environment_is_not_used(
    listener: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert post(f"http://127.0.0.1:{listener.port}/", allow=["127.0.0.0/8"]) == 204


def test_a_certificate_that_nobody_vouches_for_is_refused(listener: Receiver) -> None:
    with pytest.raises(httpx2.HTTPError):
        post(f"https://127.0.0.1:{listener.port}/", allow=["127.0.0.0/8"])


@pytest.mark.parametrize("text", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e"])
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ip_address(text))
