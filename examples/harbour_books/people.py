"""Simulated people: who comes to the shop, what they do, and what makes them sign up.

Nobody here is real. Each person is a script that opens pages in a browser and waits between
them. What they see changes what they do, by the true rates of `true_rates`: whoever compares
the plans and sees a better hero is likelier to sign up. They know the variant only from the
words on the page, as anybody would.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, Protocol

from harbour_books.true_rates import TRUE_RATES, WORDS

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

Choice = Literal["accept", "refuse", "ignore"]

_LANGUAGES: Final = ("en-GB,en;q=0.9", "en-IE,en;q=0.8", "de-DE,de;q=0.9,en;q=0.5", "fr-FR,fr")
_AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) AppleWebKit/605.1.15 Version/18.1 Safari/605.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
)
_ADDRESS: Final = {"name": "A. Simulated Reader", "email": "reader@example.org"}
_QUESTION: Final = {**_ADDRESS, "topic": "other", "message": "Do you deliver on Saturdays?"}
_CRAWLER: Final = "Mozilla/5.0 (compatible; ExampleBot/1.0; +https://bot.example/about)"


class Page(Protocol):
    """What a browser shows."""

    @property
    def body(self) -> bytes:
        """The page as it came."""
        ...


class Browser(Protocol):
    """What a person uses."""

    def get(self, target: str, *, referrer: str | None = None) -> Page:
        """Follow a link."""
        ...

    def post(self, target: str, form: Mapping[str, str]) -> Page:
        """Submit a form."""
        ...

    def end_session(self) -> None:
        """Close the browser."""


@dataclass(slots=True)
class Person:
    """One simulated visitor.

    Attributes:
        arrives_ms: When the first visit begins, from the start of the simulation.
        kind: What they came for.
        choice: What they answer to the consent banner.
        withdraws: Whether they take consent back at the end of their visit.
        random: Their own source of chance.
        headers: What their browser sends.
    """

    arrives_ms: int
    kind: Literal["comparer", "reader", "crawler"]
    choice: Choice
    withdraws: bool
    random: Random
    headers: Mapping[str, str]

    @property
    def is_crawler(self) -> bool:
        """Whether this is a program that reads the site."""
        return self.kind == "crawler"

    def script(self, browser: Browser) -> Iterator[int]:
        """Do what this person does, yielding each wait in milliseconds."""
        if self.kind == "crawler":
            yield from self._crawl(browser)
            return
        first = "/pricing" if self.kind == "comparer" else "/books"
        browser.get(first, referrer=self.random.choice((None, "https://search.example/")))
        yield self._pause()
        if self.choice != "ignore":
            browser.post("/.byleave/consent", {"choice": self.choice, "back": first})
            yield self._pause()
        if self.kind == "comparer":
            yield from self._compare(browser)
        else:
            yield from self._read(browser)
        if self.withdraws:
            browser.post("/.byleave/consent", {"choice": "withdraw", "back": "/privacy"})

    def _pause(self) -> int:
        return self.random.randrange(5_000, 90_000)

    def _compare(self, browser: Browser) -> Iterator[int]:
        """Look at the plans again and again; perhaps come back another day; perhaps sign up."""
        if self.random.random() < 0.45:
            browser.end_session()
            yield self.random.randrange(20 * HOUR_MS, 3 * DAY_MS)
        browser.get("/pricing?readers=30")
        yield self._pause()
        page = browser.get("/pricing?readers=300")
        yield self._pause()
        yield from self._perhaps_sign_up(browser, rate("pricing-hero", page))

    def _read(self, browser: Browser) -> Iterator[int]:
        """Look at books on two days; the navigation may lead to the plans and a sign-up."""
        browser.end_session()
        yield self.random.randrange(20 * HOUR_MS, 3 * DAY_MS)
        page = browser.get("/books?subject=young")
        yield self._pause()
        yield from self._perhaps_sign_up(browser, rate("welcome-nav", page))
        if self.random.random() < 0.1:
            browser.post("/support", _QUESTION)

    def _perhaps_sign_up(self, browser: Browser, chance: float) -> Iterator[int]:
        if self.random.random() >= chance:
            return
        if self.random.random() < 0.4:
            browser.end_session()
            yield self.random.randrange(HOUR_MS, 5 * DAY_MS)
        browser.get("/sign-up?plan=school")
        yield self._pause()
        name = f"Reader {self.random.randrange(10**6)}"
        browser.post("/sign-up", {"name": name, "email": "reader@example.org", "plan": "school"})
        yield self._pause()
        browser.get("/books")

    def _crawl(self, browser: Browser) -> Iterator[int]:
        for target in ("/", "/books", "/pricing", "/pricing", "/pricing"):
            browser.get(target)
            yield 1_000


def rate(experiment: str, page: Page) -> float:
    """Return how likely whoever sees this page is to sign up, by the words on it."""
    rates = TRUE_RATES[experiment]
    shown = [arm for arm, words in WORDS[experiment].items() if words in page.body]
    return rates[shown[0] if shown else "control"]


def people(random: Random, *, count: int, over_ms: int) -> Iterator[Person]:
    """Yield that many people, who arrive over a time, in the order of their arrival.

    Days are busy in the afternoon and quiet at night, and more people come as weeks go by.
    """
    arrivals = sorted(_arrival(random, over_ms) for _ in range(count))
    for arrives_ms in arrivals:
        own = Random(random.getrandbits(64))
        is_crawler = own.random() < 0.03
        choice: Choice = own.choices(("accept", "refuse", "ignore"), (80, 13, 7))[0]
        yield Person(
            arrives_ms=arrives_ms,
            kind="crawler" if is_crawler else own.choices(("comparer", "reader"), (74, 26))[0],
            choice="ignore" if is_crawler else choice,
            withdraws=choice == "accept" and own.random() < 0.02,
            random=own,
            headers={
                "user-agent": _CRAWLER if is_crawler else own.choice(_AGENTS),
                "accept-language": own.choice(_LANGUAGES),
            },
        )


def _arrival(random: Random, over_ms: int) -> int:
    while True:
        at_ms = random.randrange(over_ms)
        hour = at_ms % DAY_MS / HOUR_MS
        busy = 0.15 + 0.85 * max(0.0, 1 - abs(hour - 15) / 9)
        growth = 0.8 + 0.2 * at_ms / over_ms
        if random.random() < busy * growth:
            return at_ms
