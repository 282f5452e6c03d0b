"""Saved personas: kept by name, picked, changed, removed; and looked at a draft as."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser
from starlette.testclient import TestClient

from byleave.server import personas
from byleave.server.app import create_app
from byleave.server.console import personas_form
from byleave.server.errors import ConflictError
from byleave.server.keys import Role
from byleave.server.service import Service

from .conftest import DEFINITIONS

WHY, SAVED = "/console/why", "/console/why/personas"
ANN = {
    "name": "ann",
    "title": "Back after a month",
    "consent": "all",
    "region": "de",
    "attributes": "is_customer: true",
    "events": "purchase, 30 days ago, amount: 30, gift: false",
}


def made_up(html: str) -> dict[str, str]:
    """The fields of the form that describes somebody."""
    form = LexborHTMLParser(html).css_first("form:has([formaction])")
    assert form
    found = {}
    for field in form.css("[name]"):
        chosen = field.css_first("option[selected]") if field.tag == "select" else field
        value = field.text() if field.tag == "textarea" else (chosen or field).attributes["value"]
        if "checkbox" not in str(field.attributes.get("type")) and field.tag != "button":
            found[str(field.attributes["name"])] = value or ""
    return found


def test_a_persona_is_saved_once_and_looked_at_the_site_as_ever_after(
    marketer: TestClient, service: Service
) -> None:
    page = marketer.post(SAVED, data=ANN)

    assert str(page.url).endswith("/console/why?persona=ann")
    assert "customers is true" in page.text
    assert made_up(page.text).items() >= (ANN | {"region": "DE", "persona": "ann"}).items()
    [ann] = service.personas.all()
    assert ann.said == {
        "title": "Back after a month",
        "consent": "all",
        "region": "DE",
        "attributes": {"is_customer": True},
        "events": [
            {"event": "purchase", "at": "30 days ago", "properties": {"amount": 30, "gift": False}}
        ],
    }
    assert 'href="/console/why?persona=ann"' in marketer.get(SAVED).text
    assert marketer.get(WHY, params={"persona": "ben"}).status_code == 404


def test_consent_is_saved_purpose_by_purpose(marketer: TestClient, service: Service) -> None:
    page = marketer.post(
        SAVED, data={"name": "ann", "consent": "some", "agreed": ["analytics", "marketing"]}
    )
    boxes = LexborHTMLParser(page.text).css("[name=agreed][checked]")
    contradicted = marketer.post(WHY, data={"consent": "all", "agreed": ["analytics"]})

    assert [box.attributes["value"] for box in boxes] == ["analytics", "marketing"]
    found = service.personas.find("ann")
    assert found
    assert found.said["consent"] == {
        "preferences": "denied",
        "analytics": "granted",
        "personalisation": "denied",
        "marketing": "granted",
        "sharing": "denied",
    }
    assert "needs consent to personalisation and to analytics" in page.text
    assert contradicted.status_code == 422
    assert "Purposes are ticked" in contradicted.text


def test_a_persona_is_changed_saved_as_another_and_removed(
    marketer: TestClient, service: Service
) -> None:
    held = made_up(marketer.post(SAVED, data=ANN).text)
    marketer.post(SAVED, data=held | {"consent": "none"})
    held = made_up(marketer.get(WHY, params={"persona": "ann"}).text)
    marketer.post(SAVED, data=held | {"name": "ben"})
    ann, ben = service.personas.all()
    asked = marketer.post(f"{SAVED}/remove", data={"remove": "ann", "saved": ann.state})
    before = service.personas.all()
    sure = {"remove": "ann", "saved": ann.state, "sure": "yes"}
    marketer.post(f"{SAVED}/remove", data=sure)
    again = marketer.post(f"{SAVED}/remove", data=sure)

    assert (ann.said["consent"], ben.said["consent"]) == ("none", "none")
    assert "Remove a persona" in asked.text
    assert before == [ann, ben]
    assert service.personas.all() == [ben]
    assert again.status_code == 422
    assert [
        (entry.action, entry.subject)
        for entry in reversed(service.library.audit())
        if entry.action.startswith("persona.")
    ] == [
        ("persona.put", "ann"),
        ("persona.put", "ann"),
        ("persona.put", "ben"),
        ("persona.removed", "ann"),
    ]


def test_nobody_overwrites_or_removes_what_others_saved_without_being_told(
    marketer: TestClient, service: Service
) -> None:
    mine = made_up(marketer.post(SAVED, data=ANN).text)
    service.personas.put("ann", {"title": "Hers"}, author="zoe", over=mine["saved"])

    told = marketer.post(SAVED, data=mine | {"title": "Mine"})
    kept = service.personas.find("ann")
    fresh = marketer.post(SAVED, data=ANN)
    removed = marketer.post(f"{SAVED}/remove", data={"remove": "ann", "saved": mine["saved"]})
    marketer.post(SAVED, data=made_up(told.text))
    mended = service.personas.find("ann")
    gone = made_up(marketer.get(WHY, params={"persona": "ann"}).text)
    service.personas.remove("ann", author="zoe", over=gone["saved"])
    lost = marketer.post(SAVED, data=gone)
    marketer.post(SAVED, data=made_up(lost.text))

    assert [each.status_code for each in (told, fresh, removed, lost)] == [409] * 4
    assert made_up(told.text)["title"] == "Mine"
    assert "zoe" in told.text
    assert kept
    assert kept.said == {"title": "Hers"}
    assert mended
    assert mended.said["title"] == "Mine"
    assert "removed meanwhile" in lost.text
    assert service.personas.find("ann")


def test_what_the_definitions_have_no_more_is_said_where_it_is_mended(
    marketer: TestClient, service: Service
) -> None:
    service.personas.put(
        "ann",
        {"attributes": {"shoe_size": 42}, "events": [{"event": "flew"}]},
        author="tests",
        over="",
    )

    listed, opened = marketer.get(SAVED), marketer.get(WHY, params={"persona": "ann"})

    assert "the definitions do not have any more" in listed.text
    assert "shoe_size" in listed.text
    assert opened.status_code == 422
    assert 'href="#attributes"' in opened.text
    assert 'href="#events"' in opened.text
    assert made_up(opened.text)["attributes"].strip() == "shoe_size: 42"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"name": "Ann Smith"}, "names are lower-case"),
        ({"name": ""}, "names are lower-case"),
        ({"name": "a\x00b"}, "names are lower-case"),
        ({"title": "x" * 20_000}, "16384 bytes"),
        ({"attributes": "shoe_size: 42"}, "shoe_size"),
        ({"events": "purchase, 3 days ago, colour: red"}, "colour"),
        ({"at": "soon"}, "a time with its offset"),
        ({"attributes": "is_customer: " + "[" * 20_000}, "16384 bytes"),
        ({"attributes": 'is_customer: "\\ud800"', "title": "<script>x"}, ""),
    ],
)
def test_what_cannot_be_saved_is_told_and_kept_in_the_form(
    changed: dict[str, str], fault: str, marketer: TestClient, service: Service
) -> None:
    page = marketer.post(SAVED, data=ANN | changed)

    assert page.status_code == 422 if fault else 200
    assert fault in page.text
    assert "<script>x" not in page.text
    assert bool(service.personas.all()) is not bool(fault)
    for name, value in (ANN | changed).items():
        assert fault == "" or made_up(page.text)[name].strip() == value.replace("\x00", "�").strip()


def test_a_site_has_so_many_personas_and_no_more(
    marketer: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personas, "MOST", 2)
    for name in ("ann", "ben"):
        marketer.post(SAVED, data={"name": name})
    third = marketer.post(SAVED, data={"name": "cleo"})
    held = made_up(marketer.get(WHY, params={"persona": "ann"}).text)
    changed = marketer.post(SAVED, data=held | {"title": "New"})

    assert third.status_code == 422
    assert "at most 2 personas" in third.text
    assert changed.status_code == 200
    assert len(service.personas.all()) == 2


def test_an_analyst_looks_as_a_persona_and_saves_none(
    marketer: TestClient, service: Service
) -> None:
    marketer.post(SAVED, data=ANN)
    headers = {"Authorization": f"Bearer {service.create_key(Role.ANALYST)}"}
    analyst = TestClient(create_app(service), headers=headers)
    page = analyst.get(WHY, params={"persona": "ann", "as_drafted": "welcome"})

    assert "Save persona" not in page.text
    assert "no such draft" in page.text  # of drafts they learn nothing
    assert "customers is true" in analyst.get(WHY, params={"persona": "ann"}).text
    assert "Remove" not in analyst.get(SAVED).text
    assert analyst.post(SAVED, data=ANN).status_code == 403


def drafted(service: Service, **changed: Any) -> None:
    welcome = {**DEFINITIONS["experiments"]["welcome"], "audience": "customers", **changed}
    service.library.put_draft(
        "welcome", {"experiments": {"welcome": welcome}}, base=1, author="tests"
    )


def test_a_draft_is_looked_at_as_a_persona_before_anybody_sees_it(
    marketer: TestClient, service: Service
) -> None:
    marketer.post(SAVED, data=ANN | {"attributes": "is_customer: false"})
    drafted(service)
    draft = marketer.get("/console/drafts/welcome")
    query = {"persona": "ann", "as_drafted": "welcome", "page": "https://shop.test/"}
    now, then = (marketer.get(WHY, params=asked) for asked in ({"persona": "ann"}, query))

    assert 'name="as_drafted" value="welcome"' in draft.text
    assert 'action="/console/why"' in draft.text
    assert "Decided by what is in force" in now.text
    assert "customers is false" not in now.text.partition("<h3>Segments</h3>")[0]
    assert "as if the draft welcome were published" in then.text
    assert "welcome</a>: <span" in then.text
    assert "customers is false" in then.text.partition("<h3>Segments</h3>")[0]
    assert "byleave=" in then.text


@pytest.mark.parametrize(
    ("address", "is_taken"), [("https://shop.test/a", True), ("/a", False), ("javascript:1", False)]
)
def test_a_whole_address_goes_along_to_whatever_a_persona_sees(
    address: str, is_taken: bool, marketer: TestClient, service: Service
) -> None:
    service.personas.put("ann", {}, author="tests", over="")
    page = marketer.get("/console/drafts/welcome", params={"page": address, "days": "7"})
    along = LexborHTMLParser(page.text).css("form[action='/console/why'] [name=page]")

    assert [each.attributes["value"] for each in along] == ([address] if is_taken else [])


def test_what_the_site_does_not_have_yet_is_not_linked_to(
    marketer: TestClient, service: Service
) -> None:
    marketer.post(SAVED, data=ANN)
    arms = {"control": "site", "brave": {"template": "brave.html"}}
    drafted(service, variants=arms)
    names = [f"ann-{number}" for number in range(8)]
    asked = {"as_drafted": "welcome", "page": "https://shop.test/"}
    pages = [marketer.post(WHY, data=ANN | asked | {"name": name}).text for name in names]
    shown = [page for page in pages if "<strong translate" in page]

    assert shown
    assert all("publish the draft for review first" in page for page in shown)
    assert not any("byleave=" in page for page in shown)


@pytest.mark.parametrize(
    ("kept", "fault"),
    [
        (None, "no such draft any more"),
        ({"experiments": {"welcome": {"slot": "nowhere"}}}, "Mend it first"),
        ({"experiments": 5}, "as if the draft welcome were published"),
    ],
)
def test_a_draft_that_cannot_decide_says_why(
    kept: Any, fault: str, marketer: TestClient, service: Service
) -> None:
    if kept:
        service.library.put_draft("welcome", kept, base=1, author="tests")
    page = marketer.post(WHY, data=ANN | {"as_drafted": "welcome"})

    assert fault in page.text
    assert page.status_code in (200, 422)


def test_the_personas_of_a_site_are_those_of_no_other(
    service: Service, open_service: Callable[..., Service]
) -> None:
    service.personas.put("ann", {}, author="tests", over="")
    other = open_service("other.db")

    assert other.personas.find("ann") is None
    assert other.personas.all() == []


def save_at_once(nodes: list[Service]) -> list[str]:
    """Save the same name at every node at the same moment; return who was told of another."""
    start, told = Barrier(len(nodes)), []

    def put(node: Service, author: str) -> None:
        start.wait()
        try:
            node.personas.put("ann", {"title": author}, author=author, over="")
        except ConflictError:
            told.append(author)

    authors = [f"author-{number}" for number in range(len(nodes))]
    threads = [Thread(target=put, args=each) for each in zip(nodes, authors, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = nodes[0].personas.find("ann")
    assert found
    assert found.author == found.title
    assert {found.author, *told} == set(authors)
    return told


def test_of_those_who_save_a_name_at_once_all_but_one_are_told(service: Service) -> None:
    assert len(save_at_once([service] * 4)) == 3


@pytest.mark.postgres
def test_of_those_who_save_a_name_at_once_at_several_nodes_all_but_one_are_told(
    database: str, clock: Any
) -> None:
    nodes = [Service(database, site="shop", clock=clock) for _ in range(3)]

    told = save_at_once(nodes)
    for node in nodes:
        node.close()

    assert len(told) == 2


names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
values = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(codec="utf-8"))
)


@given(
    attributes=st.dictionaries(names, values, max_size=4),
    events=st.lists(st.tuples(names, st.sampled_from(["3 days ago", ""])), max_size=3),
    title=st.text(alphabet="abc ", max_size=9),
)
def test_a_persona_is_read_back_as_it_was_written(
    attributes: dict[str, Any], events: list[tuple[str, str]], title: str
) -> None:
    deeds = [{"event": name} | ({"at": at} if at else {}) for name, at in events]
    wanted = {"title": title.strip(), "attributes": attributes, "events": deeds}
    kept = {name: value for name, value in wanted.items() if value}

    assert personas_form.said(personas_form.as_form("ann", kept)) == kept
