"""The pytest plugin, in tests of a site that pytest runs by itself."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = 'pytest_plugins = ["byleave.sdk.pytest_plugin"]\n'
SITE = """
import asyncio

from byleave.sdk import Personalise

BROWSER = b"Mozilla/5.0 (test)"


async def page(scope, receive, send):
    headers = [(b"content-type", b"text/html")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'<p data-byleave-slot="hero">Own</p>'})


def get(app):
    scope = {"type": "http", "method": "GET", "scheme": "https", "path": "/",
             "query_string": b"", "headers": [(b"user-agent", BROWSER)]}
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[-1]["body"].decode()


DEFINITIONS = {
    "site": "shop",
    "events": {"sign_up": {"purposes": ["personalisation", "analytics"], "ttl": "400d"}},
    "goals": {"signup": {"event": "sign_up", "kind": "conversion", "within": "7d"}},
    "slots": {"hero": {"kind": "content"}},
    "experiments": {
        name: {
            "slot": "hero",
            "allocate": {"policy": "fixed", "goal": "signup"},
            "goals": {"primary": "signup"},
            "variants": {"control": "site", "proof": {"html": name}},
        }
        for name in ("first", "second")
    },
}
# Nobody listens there, and nobody may be asked.
app = Personalise(page, server="http://127.0.0.1:9", key="k", secrets=["a secret of the tests"])
"""
TESTS = """
from byleave.experiments import Definitions
from byleave.segments import read
from site_under_test import DEFINITIONS, app, get

definitions = read(Definitions, DEFINITIONS)


def test_a_site_shows_its_own_content_without_definitions(caplog):
    assert "Own" in get(app)
    assert caplog.records == []


def test_a_variant_is_shown_when_forced(personalise):
    personalise.use(definitions)
    personalise.force("hero", "proof")
    assert "first" in get(app)
    personalise.force("hero", "second/proof")
    assert "second" in get(app)
    assert personalise.events == []


def test_it_is_over_with_its_test(personalise):
    personalise.use(definitions)
    assert "Own" in get(app)


def test_a_variant_that_is_not_there(personalise):
    personalise.use(definitions)
    personalise.force("hero", "prof")
    assert "Own" in get(app)
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("project")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "site_under_test.py").write_text(SITE, encoding="utf-8")
    (folder / "test_pages.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rA"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    "name",
    [
        "test_a_site_shows_its_own_content_without_definitions",
        "test_a_variant_is_shown_when_forced",
        "test_it_is_over_with_its_test",
    ],
)
def test_no_server_is_asked_and_what_is_forced_is_shown(name: str, ran: str) -> None:
    assert f"PASSED test_pages.py::{name}" in ran, ran


def test_what_no_experiment_has_fails_the_test_that_forces_it(ran: str) -> None:
    assert "no experiment fills slot 'hero' with a variant 'prof'" in ran
    assert "1 error" in ran
