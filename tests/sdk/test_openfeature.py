"""The OpenFeature provider, asked through OpenFeature's own client."""

import asyncio
from typing import Any

import pytest
from openfeature import api

from byleave.sdk.openfeature import ByleaveProvider
from byleave.sdk.template_functions import marks


@pytest.fixture
def flags() -> Any:
    api.set_provider(ByleaveProvider(), "byleave")
    yield api.get_client("byleave")
    api.shutdown()


@pytest.fixture
def ask(kit: Any, personalise: Any) -> Any:
    """Asks within a request of a visitor, and returns what was answered."""

    def ask(question: Any, *, consent: str = "granted", **changes: Any) -> Any:
        answers = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            answers.append(question())
            await kit.html_app(b"<p>Page</p>")(scope, receive, send)

        definitions = kit.define(**changes)
        site = personalise(app, definitions=definitions, consent=getattr(kit, consent))
        kit.browser(site).get()
        return answers[0]

    return ask


def test_a_flag_is_the_variant_of_a_slot(flags: Any, ask: Any) -> None:
    text = ask(lambda: flags.get_string_details("hero", "none"))
    truth = ask(lambda: flags.get_boolean_value("hero", False))

    assert (text.value, text.variant, str(text.reason)) == ("b", "b", "SPLIT")
    assert truth is True


def test_who_agreed_to_nothing_gets_the_default(flags: Any, ask: Any) -> None:
    details = ask(lambda: flags.get_string_details("hero", "none"), consent="refused")

    assert (details.value, str(details.reason)) == ("none", "DEFAULT")
    assert flags.get_string_value("hero", "outside of a request") == "outside of a request"


def test_a_task_that_outlives_its_request_is_outside_of_it(
    flags: Any, kit: Any, personalise: Any
) -> None:
    answers: list[Any] = []

    async def work(over: asyncio.Event) -> None:
        answers.append(flags.get_string_value("hero", "outside"))
        await over.wait()
        answers.append(flags.get_string_value("hero", "outside"))
        answers.append(str(marks("hero")[0]).startswith("<!--byleave:hero:"))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["tasks"].append(asyncio.create_task(work(scope["over"])))
        await asyncio.sleep(0)
        await kit.html_app()(scope, receive, send)

    site = personalise(app, consent=kit.granted)

    async def served(scope: Any, receive: Any, send: Any) -> None:
        tasks: list[Any] = []
        over = asyncio.Event()
        await site({**scope, "tasks": tasks, "over": over}, receive, send)
        over.set()
        await tasks[0]

    kit.browser(served).get()

    assert answers == ["b", "outside", True]  # what is marked is nobody's


def test_an_object_is_the_data_of_a_slot(flags: Any, kit: Any, ask: Any) -> None:
    value = ask(
        lambda: flags.get_object_value("hero", {}),
        slots={"hero": {"kind": "data"}},
        experiments=kit.greeting(variants={"control": "site", "b": {"data": {"price": 9}}}),
    )

    assert value == {"price": 9}


@pytest.mark.parametrize("kind", ["integer", "float"])
def test_a_number_is_a_fault_of_type_and_the_default(flags: Any, ask: Any, kind: str) -> None:
    details = ask(lambda: getattr(flags, f"get_{kind}_details")("hero", 3))

    assert details.value == 3
    assert str(details.error_code) in ("TYPE_MISMATCH", "ErrorCode.TYPE_MISMATCH")
