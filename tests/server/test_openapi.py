"""The server against its own OpenAPI document: nothing undocumented, nothing unhandled."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.config import ChecksConfig, SchemathesisConfig

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.openapi import openapi
from byleave.server.routes import ROUTES, ApiRoute
from byleave.server.service import Service

from .conftest import DEFINITIONS, Clock

#: Where a rule that no schema says may refuse what fits the schema: definitions have a language
#: of their own, and a set is published, and a draft replaced, under If-Match.
RULES = {
    "put_consent",
    "take_attributes",
    "change_visitor",
    "put_webhook",
    "publish",
    "restore",
    "plan",
    "put_draft",
    "delete_draft",
    "put_person",
    "decide",
}
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "429"]
RULED = [*ACCEPTED, "410", "412", "415", "422", "428"]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    store: Path = tmp_path_factory.mktemp("openapi") / "byleave.db"
    service = Service(store, site="shop", clock=Clock())
    service.publish(read(Definitions, DEFINITIONS), reason="first", author="tests")
    keys = {role: service.create_key(role) for role in (Role.SERVER, Role.ADMIN)}
    app = create_app(service)
    app.state.key_of = lambda route: keys[
        Role.SERVER if route.roles and Role.SERVER in route.roles else Role.ADMIN
    ]
    yield app
    service.close()


def test_the_document_is_valid_and_describes_every_route() -> None:
    document = json.loads(json.dumps(openapi(ROUTES, version="1")))

    OpenAPIV31SpecValidator(document).validate()

    described = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
    assert described == {(route.method, route.path) for route in ROUTES}


def whole(_context: Any, value: Any) -> Any:
    """Write whole numbers without a fraction: to JSON Schema 5.0 is an integer, to us it is not."""
    match value:
        case dict():
            return {key: whole(None, each) for key, each in value.items()}
        case list():
            return [whole(None, each) for each in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def described(app: Any, accepted: list[str]) -> Any:
    """The document, with every check, and the statuses that data which fits may be met by."""
    checks = ChecksConfig()
    checks.positive_data_acceptance.expected_statuses = accepted
    checks.negative_data_rejection.expected_statuses = ["4xx", "503"]
    config = SchemathesisConfig()
    config.projects.default.checks = checks
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
    schema.hook("map_body")(whole)
    return schema


def tried(app: Any, route: ApiRoute, *, examples: int) -> None:
    """Try one operation with data that fits its schema, and with data that does not."""
    schema = described(app, RULED if route.handle.__name__ in RULES else ACCEPTED)
    operation = schema[route.path][route.method]
    headers = {"Authorization": f"Bearer {app.state.key_of(route)}"} if route.roles else {}

    fitting = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    is_free = route.reads is None and not route.query and not re.search("{visitor}", route.path)
    cases = (
        fitting
        if is_free
        else fitting | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    )

    @given(case=cases)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )
    def holds(case: Any) -> None:
        # An empty list leaves no trace in a URL, so nobody can refuse it.
        assume(all(value not in ([], {}) for value in (case.query or {}).values()))
        case.call_and_validate(headers=headers)

    holds()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_answers_as_it_is_documented(app: Any, route: ApiRoute) -> None:
    tried(app, route, examples=8)


@pytest.mark.long
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_answers_as_it_is_documented_500_times(app: Any, route: ApiRoute) -> None:
    tried(app, route, examples=500)


def followed(app: Any, *, runs: int) -> Counter[str]:
    """Follow what one answer tells into further requests; return how often each was made."""
    routes = {(route.method, route.path): route for route in ROUTES}
    made = Counter[str]()
    machine: Any = described(app, RULED).as_state_machine()

    class Known(machine):  # type: ignore[misc]  # made as the document says
        def before_call(self, case: Any) -> None:
            key = app.state.key_of(routes[case.method, case.path])
            case.headers["Authorization"] = f"Bearer {key}"
            if (case.method, case.path) == ("PUT", "/v1/drafts/{draft}"):
                case.headers["If-Match"] = "*"  # whatever earlier runs kept
            made[f"{case.method} {case.path}"] += 1

    Known.run(
        settings=settings(
            max_examples=runs,
            stateful_step_count=10,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
        )
    )
    return made


def test_requests_that_follow_from_each_other_are_answered_as_documented(app: Any) -> None:
    made = followed(app, runs=20)

    assert made["POST /v1/keys"] > 5
    assert made["DELETE /v1/keys/{name}"] > 0


@pytest.mark.long
def test_500_runs_of_requests_are_answered_as_documented(app: Any) -> None:
    made = followed(app, runs=500)

    assert len(made) > 10
