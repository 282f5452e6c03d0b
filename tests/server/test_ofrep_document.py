"""OpenFeature's Remote Evaluation Protocol, by its own document."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import ChecksConfig, SchemathesisConfig
from tests.server.test_ofrep import FLAGS, SHOP

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.routes import ofrep
from byleave.server.service import Service

DOCUMENT = Path(__file__).parents[1] / "data" / "ofrep" / "openapi-0.3.0.yaml"


@pytest.fixture
def shop(open_service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(ofrep, "RECALL_S", 10)  # a busy machine is not what is tested here
    service = open_service()
    service.publish(read(Definitions, SHOP), reason="first", author="tests")
    return service


def the_document() -> dict[str, Any]:
    """The protocol's document, with two schemas mended that nothing could ever fit.

    An evaluation with a value fits `codeDefaultFlag`, which asks for nothing, and a whole number
    fits both kinds of numbers; so `oneOf` refuses both. Of the parameters after `?` nothing is
    read here, so that nothing in them is refused.
    """
    document: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    bulk = document["paths"][FLAGS]["post"]
    bulk["parameters"] = [each for each in bulk["parameters"] if "$ref" not in each]
    kinds = document["components"]["schemas"]["evaluationSuccess"]["allOf"][1]
    kinds["anyOf"] = kinds.pop("oneOf")
    return document


def fitted(examples: int, shop: Service) -> None:
    """Try both operations of the protocol's own document, with contexts that fit and do not."""
    checks = ChecksConfig()
    checks.positive_data_acceptance.expected_statuses = ["2xx", "304", "400", "404"]
    checks.negative_data_rejection.expected_statuses = ["400", "404"]
    # It makes up keys for a header that is optional and not looked at here; who is let in, the
    # permission matrix tries.
    checks.ignored_auth.enabled = False
    config = SchemathesisConfig()
    config.projects.default.checks = checks
    schema = schemathesis.openapi.from_dict(the_document(), config=config)
    schema.app = create_app(shop)
    headers = {"Authorization": f"Bearer {shop.create_key(Role.SERVER)}"}
    evaluations = 0
    for path in (FLAGS, f"{FLAGS}/{{key}}"):
        operation = schema[path]["POST"]

        @given(
            case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
            | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
            is_known=st.booleans(),
        )
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
        )
        def holds(case: Any, is_known: bool) -> None:
            nonlocal evaluations
            if is_known and "key" in (case.path_parameters or {}):
                case.path_parameters["key"] = "hero"
            evaluations += case.call_and_validate(headers=headers).status_code == 200

        holds()
    assert evaluations > 0


def test_the_protocol_s_own_document_is_kept(shop: Service) -> None:
    fitted(25, shop)


@pytest.mark.long
def test_the_protocol_s_own_document_is_kept_500_times(shop: Service) -> None:
    fitted(500, shop)
