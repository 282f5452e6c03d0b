"""A browser for simulated visitors: cookies, redirects and headers, nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode, urlsplit

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a browser to the site it is on; `target` is a path with its query."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Page:
    """What came back."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first header of a name, in lower case, or None."""
        return next((value for key, value in self.headers if key == name), None)


Transport = Callable[[Request], Page]

#: Browsers give up on more redirects than this.
MOST_REDIRECTS = 5


@dataclass(slots=True)
class Browser:
    """One visitor's browser on one site.

    Attributes:
        transport: Carries a request to the site.
        clock: Tells when cookies expire, in milliseconds.
        headers: Sent with each request, such as the user agent and the language.
        keeps_cookies: False for crawlers.
        cookies: What the site has set: value and the time it expires, None with the session.
        set_cookies: The names of all cookies the site ever tried to set here.
    """

    transport: Transport
    clock: Callable[[], int]
    headers: Mapping[str, str] = field(default_factory=dict)
    keeps_cookies: bool = True
    cookies: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    set_cookies: set[str] = field(default_factory=set)

    def get(self, target: str, *, referrer: str | None = None) -> Page:
        """Follow a link and return the page it ends on."""
        return self._follow("GET", target, b"", referrer)

    def post(self, target: str, form: Mapping[str, str]) -> Page:
        """Submit a form and return the page it ends on."""
        return self._follow("POST", target, urlencode(form).encode(), None)

    def end_session(self) -> None:
        """Close the browser: cookies without an expiry go."""
        self.cookies = {name: kept for name, kept in self.cookies.items() if kept[1] is not None}

    def _follow(self, method: str, target: str, body: bytes, referrer: str | None) -> Page:
        for _ in range(MOST_REDIRECTS):
            page = self._send(method, target, body, referrer)
            location = page.header("location")
            if page.status not in (301, 302, 303, 307, 308) or location is None:
                return page
            parts = urlsplit(location)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            if page.status == 303:
                method, body = "GET", b""
        raise RuntimeError(f"more than {MOST_REDIRECTS} redirects to {target}")

    def _send(self, method: str, target: str, body: bytes, referrer: str | None) -> Page:
        headers = [*self.headers.items(), ("accept", "text/html"), ("sec-fetch-dest", "document")]
        if referrer is not None:
            headers.append(("referer", referrer))
        if method == "POST":
            headers.append(("content-type", "application/x-www-form-urlencoded"))
            headers.append(("content-length", str(len(body))))
        now_ms = self.clock()
        live = [
            f"{name}={value}"
            for name, (value, expires_ms) in self.cookies.items()
            if expires_ms is None or expires_ms > now_ms
        ]
        if live:
            headers.append(("cookie", "; ".join(live)))
        page = self.transport(Request(method, target, headers, body))
        for name, value in page.headers:
            if name == "set-cookie":
                self._keep(value, now_ms)
        return page

    def _keep(self, header: str, now_ms: int) -> None:
        try:
            parsed = SimpleCookie(header)
        except CookieError:
            return
        for name, morsel in parsed.items():
            self.set_cookies.add(name)
            if not self.keeps_cookies:
                continue
            lasting = int(morsel["max-age"]) if morsel["max-age"] else None
            if lasting is not None and lasting <= 0:
                self.cookies.pop(name, None)
            else:
                expires_ms = None if lasting is None else now_ms + lasting * 1000
                self.cookies[name] = (morsel.value, expires_ms)
