"""The page of privacy says what is kept, and lets admins hand over or forget one visitor."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.server.app import create_app
from byleave.server.console.privacy_pages import stored
from byleave.server.keys import Role
from byleave.server.service import Service

PAGE = "/console/privacy"


@pytest.fixture
def client(service: Service) -> TestClient:
    key = service.create_key(Role.ADMIN)
    return TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})


def test_what_is_kept_is_told_with_what_needs_it(service: Service, client: TestClient) -> None:
    kept = {each.name: each for each in stored(service.published.snapshot.definitions)}
    page = client.get(PAGE).text

    assert kept["sign_up"].needed_by == ("signup",)
    assert kept["purchase"].needed_by == ("orders", "revenue")
    assert "is_customer" not in kept  # the site says it anew on every request
    assert [each.kept_for for each in kept.values()] == ["400 days"] * 2
    assert all(name in page for name in kept)
    assert "No page views are counted yet" in page


def test_shares_of_what_is_agreed_to_are_counted(
    service: Service, client: TestClient, clock: Any
) -> None:
    service.add_counts(
        "01890000-0000-7000-8000-0000000000aa",
        {"page: personalisation": 25, "page: ": 75},
        at_ms=clock(),
    )

    shown = re.findall(r"<dt[^>]*>(\w+)</dt><dd>([\d.]+)", client.get(PAGE).text)

    assert dict(shown)["personalisation"] == "25.0"
    assert dict(shown)["analytics"] == "0.0"


def test_one_visitor_is_shown_and_forgotten_only_once_it_is_sure(
    service: Service, client: TestClient, send: Any
) -> None:
    service.ingest([send.event("ann")])

    told = client.post(PAGE, data={"visitor": "ann", "act": "show"}).text
    asked = client.post(PAGE, data={"visitor": "ann", "act": "forget"}).text
    before = service.export("ann")
    done = client.post(PAGE, data={"visitor": "ann", "act": "forget", "sure": "yes"}).text

    assert "sign_up" in told
    assert "cannot be undone" in asked
    assert before["events"]
    assert "Forgotten" in done
    assert service.export("ann")["is_erased"]
    assert not service.export("ann")["events"]


@pytest.mark.parametrize("visitor", ["", "no id", "<script>", "x" * 200])
def test_what_is_no_id_is_told_beside_the_field(visitor: str, client: TestClient) -> None:
    answer = client.post(PAGE, data={"visitor": visitor, "act": "show"})

    assert answer.status_code == 422
    assert "Give the id" in answer.text
    assert "<script>" not in answer.text.replace("<script ", "")


def test_only_admins_are_offered_single_visitors(service: Service) -> None:
    key = service.create_key(Role.MARKETER)
    client = TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})

    assert "Forget them" not in client.get(PAGE).text
    assert client.post(PAGE, data={"visitor": "ann", "act": "show"}).status_code == 403
