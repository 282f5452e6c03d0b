"""A shop with visitors behind it, open on loopback, and browsers to look at it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.server.conftest import DEFINITIONS, Clock, live_through

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.demo.clock import SteppedClock
from byleave.server.demo.serving import serving
from byleave.server.demo.simulation import START_MS, simulate
from byleave.server.demo.stage import SITE, Stage
from byleave.server.demo.transports import AsgiTransport
from byleave.server.listening import listen, url_of
from byleave.server.service import Service

ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "screenshots"

#: What keeps headless Chromium from talking to anybody but the page's own server.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


#: Loads every picture of a page, the lazy ones too, and names those that cannot be decoded.
_DECODE = """Promise.all([...document.images].map(image => {
    image.loading = "eager";
    return image.decode().then(() => null, () => image.src);
}))"""

#: Without it headless Chromium calls itself one, and programs are not personalised.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0"


#: A site whose server can tell who is in a segment, by every kind of row.
WITH_BUYERS: Any = DEFINITIONS | {
    "attributes": DEFINITIONS["attributes"]
    | {
        "country": {"type": "string", "source": "request"},
        "plan": {
            "type": "string",
            "source": "server",
            "purposes": ["personalisation", "analytics"],
            "ttl": "30d",
            "one_of": ["free", "team"],
            "default": "free",
        },
    },
    "segments": DEFINITIONS["segments"]
    | {
        "buyers": {
            "title": "Signed up or bought",
            "because": "You are a customer",
            "when": {
                "any": [
                    {"event": "sign_up", "within": "14d"},
                    {
                        "event": "purchase",
                        "where": {"amount": {"at_least": 5}, "gift": {"equals": False}},
                        "count": {"at_least": 2},
                    },
                    {"all": [{"event": "sign_up", "last": {"at_least": "1h", "at_most": "3d"}}]},
                    {"attribute": "plan", "one_of": ["team"]},
                    {"sequence": [{"event": "sign_up"}, {"event": "purchase", "within": "1d"}]},
                ]
            },
        },
    },
}

#: People made up whom somebody saved, the second before an attribute was given up.
PERSONAS: Any = {
    "returning": {
        "title": "Back after a month, agreed to most",
        "consent": {"personalisation": "granted", "analytics": "granted", "marketing": "denied"},
        "region": "DE",
        "attributes": {"is_customer": True, "plan": "team"},
        "events": [{"event": "purchase", "at": "30 days ago", "properties": {"amount": 30}}],
    },
    "stale": {"attributes": {"industry": "retail"}},
}


@dataclass(frozen=True, slots=True)
class Open:
    """A stage that is open to real browsers."""

    stage: Stage
    site: str
    server: str

    def results(self, experiment: str) -> str:
        """The address of an experiment's results."""
        return self.server + self.stage.service.results_link(experiment, lasts_ms=86_400_000)


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    shop_port, server_port = listen(0), listen(0)
    stage = Stage.set_up(
        tmp_path_factory.mktemp("open") / "demo.db",
        clock=SteppedClock(START_MS),
        seed=11,
        server_url=url_of(server_port),
    )
    with ExitStack() as stack:
        stack.callback(stage.close)
        stack.enter_context(serving(stage.server, server_port))
        stack.enter_context(serving(stage.shop, shop_port))
        transport = AsgiTransport(stage.shop, f"{SITE}.example")
        simulate(stage, transport, seed=11, count=300, progress=lambda _: None)
        transport.close()
        stage.clock.let_go()
        yield Open(stage, url_of(shop_port), url_of(server_port))


@dataclass(frozen=True, slots=True)
class Console:
    """A service whose console is open to real browsers."""

    service: Service
    server: str


@pytest.fixture(scope="session")
def consoles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Console]]:
    """Two consoles: of a site with three weeks of visitors, and of one without any."""
    history = live_through(tmp_path_factory.mktemp("full"))
    clock = Clock()
    clock.now_ms = history.until_ms
    paths = {"full": history.path, "empty": tmp_path_factory.mktemp("empty") / "shop.db"}
    opened = {}
    with ExitStack() as stack:
        for state, path in paths.items():
            service, port = Service(path, site="shop", clock=clock), listen(0)
            stack.callback(service.close)
            service.publish(read(Definitions, WITH_BUYERS), reason="first", author="tests")
            if state == "full":
                for name, said in PERSONAS.items():
                    service.personas.put(name, said, author="ann@example.com", over="")
            stack.enter_context(serving(create_app(service), port))
            opened[state] = Console(service, url_of(port))
        yield opened


@pytest.fixture(scope="module")
def served(opened: Open) -> object:
    """What a module looks at; another than the shop and its server is named by the module."""
    return opened


@pytest.fixture(scope="module")
def chrome(chromium: str, served: object) -> Iterator[Browser]:
    """Chromium, started after the simulation and stopped with the module.

    While Playwright runs, its event loop leaves room for no other in this thread.
    """
    assert served
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def visit(chrome: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page of a new visitor, who has nothing stored."""
    contexts: list[BrowserContext] = []

    def new(width: int = 1280, scheme: Any = "light", **options: Any) -> Page:
        context = chrome.new_context(
            **options,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="reduce",
            user_agent=AGENT,
        )
        contexts.append(context)
        return context.new_page()

    yield new
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def looks_right() -> Callable[[Page, str], None]:
    """Checks what every page must keep at any width and in any theme, and keeps a picture."""
    axe = Axe()

    def check(page: Page, name: str) -> None:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        page.evaluate("scrollTo(0, 0)")
        broken = [address for address in page.evaluate(_DECODE) if address]
        page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        found = axe.run(page)

        assert overflow <= 0, f"{name} is {overflow} px wider than the screen"
        assert broken == [], name
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"

    return check
