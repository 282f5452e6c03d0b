"""What the middleware adds to a whole request, beside the bare application in the same run.

    python -m benchmarks.middleware

The application answers with one page of 100 KB with four slots, for a visitor who agreed and has
an arm already. Rounds alternate between the bare application and the wrapped ones; what is added
is the median of the differences. Returns 1 where a bar is missed.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any, Final

from benchmarks.bars import Bar, say
from benchmarks.rewrite import SLOTS, element, marks, page

from byleave.experiments import Definitions
from byleave.sdk import Personalise
from byleave.segments import Choice, Consent, Purpose, read

App = Callable[..., Awaitable[None]]

SIZE: Final = 100_000
ROUNDS: Final = 15
REQUESTS: Final = 40
SECRET: Final = "a secret that only this benchmark knows"  # noqa: S105  # it guards nothing
#: The most milliseconds that a request may take longer.
MOST_MS: Final = {"signed marks": 0.3, "a scan": 1.5}

BOTH = ["personalisation", "analytics"]
DEFINITIONS: Final = {
    "site": "shop",
    "events": {"sign_up": {"purposes": BOTH, "ttl": "400d"}},
    "goals": {"signup": {"event": "sign_up", "kind": "conversion", "within": "7d"}},
    "slots": {slot: {"kind": "content"} for slot in SLOTS},
    "experiments": {
        f"of-{slot}": {
            "slot": slot,
            "allocate": {"policy": "fixed", "goal": "signup", "shares": {"control": 0, "b": 1}},
            "goals": {"primary": "signup"},
            "variants": {"control": "site", "b": {"html": "<h2>Something new</h2>"}},
        }
        for slot in SLOTS
    },
}


def agreed(_: object) -> Consent:
    """Say that the visitor agreed to everything."""
    return Consent(dict.fromkeys((Purpose.PERSONALISATION, Purpose.ANALYTICS), Choice.GRANTED))


def site(body: bytes) -> App:
    """Return an application that answers with one page."""
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ],
    }

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start)
        await send({"type": "http.response.body", "body": body})

    return app


def wrapped(app: App) -> Personalise:
    """Return the application with the middleware around it."""
    return Personalise(
        app,
        definitions=read(Definitions, DEFINITIONS),
        consent=agreed,
        secrets=[SECRET],
    )


class Visitor:
    """Somebody who asks for the page again and again, with the cookies that they were given."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._cookies: dict[bytes, bytes] = {}

    async def get(self) -> int:
        """Ask once; return the length of the answer."""
        headers = [
            (b"host", b"shop.example"),
            (b"accept", b"text/html"),
            (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0 Safari/537.36"),
            (b"sec-fetch-dest", b"document"),
        ]
        if self._cookies:
            pairs = [name + b"=" + value for name, value in self._cookies.items()]
            headers.append((b"cookie", b"; ".join(pairs)))
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "https",
            "path": "/",
            "query_string": b"",
            "headers": headers,
        }
        length = 0

        async def send(message: Any) -> None:
            nonlocal length
            for name, value in message.get("headers", ()):
                if name == b"set-cookie":
                    key, _, rest = value.partition(b"=")
                    self._cookies[key] = rest.partition(b";")[0]
            length += len(message.get("body", b""))

        await self._app(scope, None, send)
        return length


async def taken_ms(visitor: Visitor) -> float:
    """Return what one request takes, in milliseconds of the processor."""
    began = time.thread_time()
    for _ in range(REQUESTS):
        await visitor.get()
    return (time.thread_time() - began) / REQUESTS * 1e3


async def measure() -> dict[str, list[float]]:
    """Return what each kind of page takes, round by round, the bare ones first."""
    signing = wrapped(site(b""))
    by_marks = page(SIZE, lambda slot: marks(slot, signing.site.mark_keys[0]))
    pages = {"signed marks": by_marks, "a scan": page(SIZE, element)}
    visitors = {
        **{f"bare {name}": Visitor(site(body)) for name, body in pages.items()},
        **{name: Visitor(wrapped(site(body))) for name, body in pages.items()},
        "no slots": Visitor(wrapped(site(pages["a scan"].replace(b"byleave", b"another")))),
    }
    for name, visitor in visitors.items():
        length = await visitor.get()
        is_changed = length not in map(len, pages.values())
        if is_changed != (name in pages):
            raise AssertionError(f"{name}: expected the slots to be filled where there are any")
    taken: dict[str, list[float]] = {name: [] for name in visitors}
    for _ in range(ROUNDS):
        for name, visitor in visitors.items():
            taken[name].append(await taken_ms(visitor))
    return taken


def main() -> int:
    """Print what each kind of page costs; return 1 where a bar is missed."""
    taken = asyncio.run(measure())
    held = []
    print(f"{'100 KB':<18}{'ms':>8}{'least':>8}{'added ms':>10}")
    for name, times in taken.items():
        bare = taken.get(f"bare {name}", taken["bare a scan"])
        added = [one - other for one, other in zip(times, bare, strict=True)]
        print(f"{name:<18}{median(times):>8.3f}{min(times):>8.3f}{median(added):>10.3f}")
        if name in MOST_MS:
            what = f"the middleware adds to a page of 100 KB with {name}"
            held.append(Bar.of(what, added, " ms", most=MOST_MS[name]))
    return say(held)


if __name__ == "__main__":
    sys.exit(main())
