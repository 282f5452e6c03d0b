"""Why somebody saw what they saw: receipts looked up and drawn again, and people made up."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.experiments.decisions import ENROLLING
from byleave.sdk.cookies import Keys
from byleave.sdk.receipts import Receipt, mint
from byleave.sdk.wishes import previewed
from byleave.segments import Choice, Purpose, read
from byleave.server import schema
from byleave.server.app import create_app
from byleave.server.commands.personas import Persona, standing
from byleave.server.deciding import DecideRequest, WireConsent
from byleave.server.keys import Role
from byleave.server.service import Service

from .conftest import DEFINITIONS

CUSTOMER = {"is_customer": True}
VIEW = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def ask(service: Service) -> Callable[..., str]:
    """Sends one of the two forms as an analyst."""
    headers = {"Authorization": f"Bearer {service.create_key(Role.ANALYST)}"}
    client = TestClient(create_app(service), headers=headers)

    def post(status: int = 200, **values: str) -> str:
        answer = client.post("/console/why", data=values)
        assert answer.status_code == status
        return answer.text

    return post


@pytest.fixture
def receipt(service: Service) -> str:
    """The receipt of a page view that an experiment on views decided for."""
    signup = DEFINITIONS["goals"]["signup"] | {"within": "page"}
    shown = {**DEFINITIONS["experiments"]["welcome"], "unit": "view", "report_by": []}
    shown["goals"] = {"primary": "signup"}
    views = {**DEFINITIONS, "goals": {"signup": signup}, "experiments": {"welcome": shown}}
    service.publish(read(Definitions, views), reason="views", author="tests")
    agreed: dict[Purpose, Choice] = dict.fromkeys(ENROLLING, Choice.GRANTED)
    request = DecideRequest(slots=("hero",), view=VIEW, consent=WireConsent(choices=agreed))
    decided: Any = service.decide(request)["decisions"]["hero"]
    arms = [*service.published.snapshot.definitions.experiments["welcome"].variants]
    drawn = ((decided.allocation, arms.index(decided.arm)),)
    key = service.published.snapshot.signing_key(service.clock())
    return mint(Receipt(VIEW, service.clock(), drawn), key)


def test_a_decision_is_found_by_its_receipt_and_drawn_again(
    receipt: str, ask: Callable[..., str], service: Service
) -> None:
    page = ask(do="look", receipt=receipt)

    assert "the same arm, and the same weights" in page
    assert "welcome.2.1.0" in page

    rows = schema.allocations
    with service.storage.writing() as connection:
        connection.execute(
            update(rows)
            .where(rows.c.allocation == "welcome.2.1.0")
            .values(weights='{"bold":0.0,"calm":0.0,"control":1.0}')
        )
    assert "it differs from what was kept:" in ask(do="look", receipt=receipt)


def test_a_forged_receipt_tells_nothing(receipt: str, ask: Callable[..., str]) -> None:
    assert "no receipt of this site" in ask(422, do="look", receipt=f"{receipt}x")


def test_somebody_made_up_is_decided_for_with_reasons(
    ask: Callable[..., str], service: Service
) -> None:
    told = ask(do="simulate", name="ann", consent="all", attributes="is_customer: true")
    silent = ask(do="simulate", name="ann")

    assert "welcome.1.1.0" in told
    assert "customers is true" in told
    assert "drawn with probability" in told or "in the holdout" in told
    assert "needs consent to personalisation and to analytics" in silent
    with service.storage.reading() as connection:
        assert connection.execute(select(schema.enrolments)).first() is None


def test_a_page_opens_as_somebody_made_up_would_see_it(
    ask: Callable[..., str], service: Service
) -> None:
    said = {"consent": "all", "attributes": "is_customer: true", "page": "https://shop.test/plans"}
    names = ("ann", "ben", "cleo", "dora", "emil")  # of whom a few get each arm
    for name in names:
        page = ask(do="simulate", name=name, **said)

        (link,) = re.findall(r'href="(https://shop\.test/plans\?byleave=[^"]+)"', page)
        token = parse_qs(urlsplit(link).query)["byleave"][0]
        signer = Keys([service.site.derived("preview")]).signer("preview")
        now_ms = service.clock()
        shown = previewed(token, signer, now_ms=now_ms)
        persona = read(Persona, {"persona": name, "consent": "all", "attributes": CUSTOMER})
        published = service.published
        stands = standing(
            persona,
            published.snapshot.definitions,
            now_ms=now_ms,
            decider=published.decider,
        )
        decided = published.decider.decide(stands.visitor, ["hero"], now_ms=now_ms)["hero"]
        assert shown == {"hero": f"welcome/{decided.variant}"}
        assert previewed(token, signer, now_ms=now_ms + 3_600_000) == {}

    assert "byleave=" not in ask(do="simulate", name="ann")


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"page": "javascript:alert(1)"}, "the whole address of a page"),
        ({"attributes": "shoe_size: 42"}, "shoe_size"),
        ({"events": "flew, 3 days ago"}, "flew"),
        ({"at": "yesterday"}, "a time with its offset"),
        ({"attributes": "<script>alert(1)</script>: 100%"}, "&lt;script&gt;"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_field(
    said: dict[str, str], fault: str, ask: Callable[..., str]
) -> None:
    page = ask(422, do="simulate", **said)

    assert fault in page
    assert "<script>alert" not in page
    assert f'href="#{next(iter(said))}"' in page
