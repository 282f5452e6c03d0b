"""The one way out: requests to addresses that somebody else chose.

Whoever can name a URL can make a server knock where they cannot themselves: on this machine, on
its neighbours, on the metadata service of a cloud. Therefore a name is resolved once, every
address that it has is checked, and the connection goes to one of those that were checked. A
redirect is an answer, not an order; proxies of the environment are not used.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from socket import IPPROTO_TCP, gaierror
from typing import Final

import httpx2

Address = IPv4Address | IPv6Address
Network = str
Resolve = Callable[[str, int], Awaitable[Iterable[str]]]

#: An answer that takes longer than this, in seconds, is none.
DEADLINE_S: Final = 10.0
#: Longer URLs are refused.
LONGEST_URL: Final = 2_000
#: Longer answers, in bytes, are none.
LONGEST_ANSWER: Final = 262_144
_PART: Final = 16_384

_NAT64: Final = IPv6Network("64:ff9b::/96")
# Special by IANA's registries, and public to some versions of Python.
_SPECIAL: Final = tuple(
    map(
        ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "3fff::/20", "5f00::/16"),
    )
)
_PORTS: Final = {"https": 443, "http": 80}


class UnsafeUrlError(Exception):
    """A URL that is not asked; the message says why, without the URL."""


class Outbound:
    """A client that reaches public addresses, and those networks that the operator allows.

    Args:
        allow: Networks of one's own that may be reached as well, such as `10.1.2.0/24`. Only
            these are also reached without TLS.
        resolve: Returns the addresses of a host; by default those of the system's resolver.
        verify: The certificates that are trusted; by default those of the system.
    """

    def __init__(
        self,
        *,
        allow: Iterable[Network] = (),
        resolve: Resolve | None = None,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        self._allowed = [ip_network(network) for network in allow]
        self._resolve = _resolve if resolve is None else resolve
        self._client = httpx2.AsyncClient(
            verify=verify,
            trust_env=False,
            follow_redirects=False,
            timeout=DEADLINE_S,
            limits=httpx2.Limits(max_keepalive_connections=0),
            cookies=no_cookies(),
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer to a POST; nothing else of it is looked at.

        Raises:
            UnsafeUrlError: The URL leads, or may lead, where it must not.
            TimeoutError: There was no answer in time.
            httpx2.HTTPError: There was no answer.
        """
        async with asyncio.timeout(DEADLINE_S):
            response = await self._sent("POST", url, body, headers)
            await response.aclose()
            return response.status_code

    async def ask(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Return the status of an answer and what it says.

        Raises:
            UnsafeUrlError: The URL leads, or may lead, where it must not; or the answer is
                longer than 256 KB.
            TimeoutError: There was no answer in time.
            httpx2.HTTPError: There was no answer.
        """
        async with asyncio.timeout(DEADLINE_S):
            # As it is: what unpacks may unpack to anything.
            plain = {**headers, "Accept-Encoding": "identity"}
            response = await self._sent(method, url, body, plain)
            said = bytearray()
            try:
                async for part in response.aiter_raw(_PART):
                    said += part
                    if len(said) > LONGEST_ANSWER:
                        raise UnsafeUrlError("the answer is too long")
            finally:
                await response.aclose()
            return response.status_code, bytes(said)

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def _sent(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> httpx2.Response:
        """Return an answer of which nothing but the head was read."""
        parsed = check_url(url)
        port = parsed.port or _PORTS[parsed.scheme]
        address = await self._address(parsed, port)
        host = f"[{address}]" if address.version == 6 else str(address)
        request = self._client.build_request(
            method,
            parsed.copy_with(host=host),
            content=body,
            headers={**headers, "Host": parsed.netloc.decode("ascii")},
            # The certificate has to be that of the name, whatever address it has.
            extensions={"sni_hostname": parsed.raw_host.decode("ascii")},
        )
        return await self._client.send(request, stream=True)

    async def _address(self, url: httpx2.URL, port: int) -> Address:
        """Return an address of the URL's host, all of which may be reached."""
        try:
            found = [ip_address(text) for text in await self._resolve(url.host, port)]
        except (gaierror, UnicodeError, ValueError):
            found = []
        if not found:
            raise UnsafeUrlError("the host has no address")
        for address in found:
            is_ours = any(address in network for network in self._allowed)
            if not is_ours and not is_public(address):
                raise UnsafeUrlError("the host has an address that is not public")
            if not is_ours and url.scheme != "https":
                raise UnsafeUrlError("expected https://")
        return found[0]


def no_cookies() -> CookieJar:
    """Return a jar that stays empty: what an answer sets is of whom it answers, and of nobody else.

    A client with another jar would send it along with what it asks for somebody else.
    """
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def check_url(text: str) -> httpx2.URL:
    """Return a URL that may be kept to be asked later; where it leads is checked when it is.

    Raises:
        UnsafeUrlError: It is none of http or https, has no host, or has credentials.
    """
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, UnicodeError):
        raise UnsafeUrlError("expected a URL") from None
    if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise UnsafeUrlError(f"expected at most {LONGEST_URL} characters, all of them ASCII")
    if url.scheme not in _PORTS or not url.host:
        raise UnsafeUrlError("expected https:// and a host")
    if url.userinfo or "#" in text or not 0 < (url.port or _PORTS[url.scheme]) < 65_536:
        raise UnsafeUrlError("expected neither user nor fragment, and a port that exists")
    return url


def is_public(address: Address) -> bool:
    """Return whether an address is one of the public internet, and leads to no other.

    IPv6 addresses that stand for IPv4 ones are judged by these.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local or int(address) >> 32 == 0:
            return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, proto=IPPROTO_TCP)
    # A link-local address comes with its interface, which no check wants.
    return [str(place[0]).partition("%")[0] for *_, place in found]
