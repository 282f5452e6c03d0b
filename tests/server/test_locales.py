"""Arms with texts by locale on a server: decided by what a caller says, and replayed."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions, Visitor
from byleave.segments import Choice, Consent, Purpose, read
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.replaying import replay_run
from byleave.server.routes import ofrep
from byleave.server.runs import newest_run
from byleave.server.service import Service

from .conftest import DEFINITIONS, Clock, Sender

GRANTED = {"personalisation": "granted", "analytics": "granted"}
AGREED = Consent(dict.fromkeys((Purpose.PERSONALISATION, Purpose.ANALYTICS), Choice.GRANTED))
FIELDS = {"title": {"de": "Hallo", "en": "Hello"}}
SITE: dict[str, Any] = DEFINITIONS | {
    "holdout": 0,
    "attributes": DEFINITIONS["attributes"] | {"language": {"type": "string", "source": "request"}},
    "slots": {"hero": {"kind": "content", "fields": {"title": "text"}, "template": "hero.html"}},
    "experiments": {
        "welcome": DEFINITIONS["experiments"]["welcome"]
        | {
            "variants": {
                "control": "site",
                "bold": {"fields": FIELDS},
                "calm": {"fields": {"title": {"de": "Ruhe"}}},
            }
        }
    },
}


@pytest.fixture
def site(service: Service) -> Service:
    service.publish(read(Definitions, SITE), reason="locales", author="tests")
    return service


def test_a_run_with_arms_in_some_locales_follows_from_what_was_kept(
    site: Service, clock: Clock, send: Sender
) -> None:
    arms: dict[str, set[str]] = {}
    for day in range(5):
        events, decider = [], site.published.decider
        for index in range(150):
            visitor, language = f"v{day}-{index}", ("de", "en", "fr")[index % 3]
            who = Visitor(id=visitor, consent=AGREED, attributes={"language": language})
            shown = decider.decide(who, ["hero"], now_ms=clock())["hero"]
            arms.setdefault(language, set()).add(shown.variant)
            events.append(
                send.exposure(visitor, str(shown.arm), allocation=shown.allocation, run=shown.run)
            )
            if index % 10 < (6 if shown.arm == "bold" else 2):
                events.append(send.event(visitor))
        site.ingest(events)
        site.tick(clock.advance(days=1))

    with site.storage.reading() as connection:
        run = newest_run(connection, site.site, "welcome")
        assert run is not None
        found = replay_run(connection, site.site, run, site.published.snapshot.definitions)

    assert arms == {
        "de": {"control", "bold", "calm"},
        "en": {"control", "bold"},
        "fr": {"control"},
    }
    assert found.differences == ()
    assert found.assignments == 750


@pytest.mark.parametrize(
    ("language", "expected"),
    [("de-AT", {"control", "bold", "calm"}), ("en", {"control", "bold"}), (None, {"control"})],
)
def test_a_caller_says_in_which_locale_its_page_is(
    site: Service, language: str | None, expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ofrep, "RECALL_S", 10)  # a busy machine is not what is tested here
    headers = {"Authorization": f"Bearer {site.create_key(Role.SERVER)}"}
    said = {} if language is None else {"language": language}
    flags, decided = set(), set()
    with TestClient(create_app(site), headers=headers) as client:
        for number in range(40):
            context = {"targetingKey": f"v{number}", "consent": GRANTED, **said}
            flag = client.post("/ofrep/v1/evaluate/flags/hero", json={"context": context}).json()
            flags.add(flag["variant"])
            assert flag.get("value", "control") == flag["variant"]
            asked = {
                "visitor": f"v{number}",
                "consent": {"choices": GRANTED},
                "attributes": said,
                "slots": ["hero"],
            }
            answer = client.post("/v1/decide", json=asked)
            assert answer.status_code == 200, answer.text
            decided.add(answer.json()["decisions"]["hero"].get("variant", "control"))

    assert flags == decided == expected
