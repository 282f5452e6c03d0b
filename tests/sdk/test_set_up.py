"""Setting the middleware up: what it takes, what it refuses, and what passes it by."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from byleave.sdk import Personalise
from byleave.segments import DefinitionError, plain


@pytest.mark.parametrize("kind", ["websocket", "lifespan", "something.new"])
def test_other_connections_are_none_of_our_business(personalise: Any, kind: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    scope = {"type": kind}
    receive, send = object(), object()
    asyncio.run(personalise(app)(scope, receive, send))

    assert seen == [(scope, receive, send)]


def test_what_waits_is_sent_before_the_application_shuts_down(
    kit: Any, personalise: Any, server: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            assert len(server.events) == 1
        else:
            await kit.html_app()(scope, receive, send)

    async def shut_down() -> dict[str, str]:
        return {"type": "lifespan.shutdown"}

    site = personalise(app, server=server, consent=kit.granted)
    site.client.poll()
    kit.browser(site).get()

    asyncio.run(site({"type": "lifespan"}, shut_down, None))

    assert len(server.events) == 1


def test_definitions_come_from_a_file_of_canonical_json(
    kit: Any, personalise: Any, tmp_path: Any
) -> None:
    file = tmp_path / "byleave.json"
    file.write_text(json.dumps(plain(kit.define())), encoding="utf-8")

    answer = kit.browser(personalise(definitions=str(file), consent=kit.granted)).get()

    assert b"Variant" in answer.body


def test_a_selector_for_a_slot_that_is_not_declared_is_warned_of_at_the_start(
    personalise: Any, caplog: pytest.LogCaptureFixture
) -> None:
    personalise(selectors={"hero": "h1"})
    assert caplog.text == ""

    personalise(selectors={"heroo": "h1"})

    assert "selectors name slot 'heroo', which is not declared. Did you mean 'hero'?" in caplog.text


def test_with_a_server_that_is_said_once_its_definitions_are_there(
    kit: Any, personalise: Any, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    site = personalise(server=server, consent=kit.granted, selectors={"heroo": "h1"})
    assert "heroo" not in caplog.text
    site.client.poll()

    for _ in range(2):
        kit.browser(site).get()

    assert caplog.text.count("selectors name slot 'heroo'") == 1


def test_a_folder_that_is_not_there_is_told_with_where_it_was_looked_for(
    personalise: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(
        FileNotFoundError, match=r"there is no folder 'byleave' in .+; give its whole path"
    ):
        personalise(definitions="byleave")
    with pytest.raises(FileNotFoundError, match=r"there is no folder '/.+/none'$"):
        personalise(definitions=tmp_path / "none")


def test_faulty_definitions_stop_the_site_from_starting(personalise: Any, tmp_path: Any) -> None:
    file = tmp_path / "byleave.json"
    file.write_text('{"site": 3, "slots": []}', encoding="utf-8")

    with pytest.raises(DefinitionError) as caught:
        personalise(definitions=file)

    assert len(caught.value.faults) == 2


def test_faults_of_a_folder_name_it(
    personalise: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("byleave").mkdir()
    Path("byleave", "byleave.yaml").write_text("site: shop\nslotz: {}\n", encoding="utf-8")

    with pytest.raises(DefinitionError, match=r"^byleave/byleave\.yaml:2:1: unknown key 'slotz'"):
        personalise(definitions="byleave")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"definitions": "x", "server": "http://x"},
        {"definitions": "x", "decide": "server"},
        {"server": "ftp://x"},
        {"server": "http://x", "secrets": ["too short"]},
        {"server": "http://x", "selectors": {"hero": "div > p"}},
    ],
)
def test_a_set_up_that_cannot_work_is_refused(kit: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Personalise(kit.html_app(), **options)


def test_without_secrets_there_is_a_warning(
    kit: Any, personalise: Any, caplog: pytest.LogCaptureFixture
) -> None:
    site = personalise(secrets=[], consent=kit.granted)

    assert "no secrets" in caplog.text
    assert b"Variant" in kit.browser(site).get().body


def test_a_local_site_has_no_client(personalise: Any) -> None:
    with pytest.raises(AttributeError, match="no server"):
        _ = personalise().client
