"""Whatever is sent to the builder, or stands in a draft, is answered with a page."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.service import Service

from .conftest import DEFINITIONS, Clock

SEGMENTS = "/console/segments"
FIELDS = """
r-group r.0-group r-reads r.0-reads r.1-reads r.0.0-reads r..-reads r.0-op r.0-value r.0-of
r.0-measure r.0-where-0-of r.0-where-0-op r.0-where-9-value r.0-where-x r.0-at_least - r.0-within
r.0-within_unit r.0-text title because use key do text base expected reason baseline lift
"""
WORDS = """
all any none attribute:is_customer event:purchase event:sign_up segment:customers now hand equals
exists absent sum count exactly amount true 5 1e999 nan inf d save publish add-r up-r.0 drop-r
detail-r.0 rows text personalisation
"""
FILES = ["segment: a\nwhen: {all: []}", "segment: [", "{a: &x 1, b: *x}", "? [a]\n: b"]
TEXTS = st.text(st.characters(max_codepoint=0xD7FF), max_size=12)
NAMES = st.sampled_from(FIELDS.split())
VALUES = st.sampled_from(WORDS.split()) | st.sampled_from(FILES) | TEXTS
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 10**17) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["all", "event", "when", "customers"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("site") / "shop.db", site="shop", clock=Clock())
    service.publish(read(Definitions, DEFINITIONS), reason="first", author="tests")
    yield service
    service.close()


@pytest.fixture(scope="module")
def client(site: Service) -> TestClient:
    headers = {"Authorization": f"Bearer {site.create_key(Role.ADMIN)}"}
    return TestClient(create_app(site), headers=headers, follow_redirects=False)


@given(
    st.dictionaries(NAMES, VALUES, max_size=14),
    st.sampled_from(["-/new", "customers/edit"]),
)
def test_every_form_is_answered(client: TestClient, form: dict[str, str], path: str) -> None:
    answer = client.post(f"{SEGMENTS}/{path}", data=form)

    assert answer.status_code in (200, 303, 404, 409, 422)


@given(JSON, JSON, TEXTS.filter(str.isprintable))
def test_every_draft_is_shown(
    client: TestClient, site: Service, when: Any, other: Any, text: str
) -> None:
    for segments in ({"customers": {"when": when, "title": other}}, other):
        draft = {"segments": segments}
        site.library.put_draft("segments:customers", draft, base=1, author="tests", text=text)

        assert client.get(f"{SEGMENTS}/customers/edit").status_code == 200
