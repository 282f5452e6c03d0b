"""A folder of definitions and a running server: planned, pushed, pulled."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from byleave.experiments import Definitions
from byleave.sdk.folder import load_folder
from byleave.segments import plain, read
from byleave.server.app import create_app
from byleave.server.commands.definition_files import DefinitionFiles
from byleave.server.commands.program import program
from byleave.server.keys import Role
from byleave.server.listening import listen, url_of
from byleave.server.managing import Claim, Manager, objects
from byleave.server.service import Service

from .conftest import Clock
from .receiver import Receiver

HARBOUR = Path(__file__).parents[2] / "examples" / "harbour_books" / "byleave"


@pytest.fixture
def service(tmp_path: Path, clock: Clock) -> Iterator[Service]:
    service = Service(tmp_path / "store.db", site="harbour-books", clock=clock, seed="tests")
    yield service
    service.close()


@pytest.fixture
def run(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """Runs a command against the service, which listens on the loopback."""
    with listen(0) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None))
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        monkeypatch.setenv("BYLEAVE_SERVER", url_of(listener))
        monkeypatch.setenv("BYLEAVE_KEY", service.create_key(Role.MARKETER))
        yield lambda *given, **more: CliRunner().invoke(program, [*map(str, given)], **more)
        server.should_exit = True
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HARBOUR, tmp_path / "byleave"))


@pytest.mark.parametrize(
    ("says", "told"),
    [(b"<h1>no</h1>", "is no JSON"), (b'["no"]', "500, and not as a Byleave server says it")],
)
def test_an_answer_that_is_not_of_a_byleave_server_is_told_in_a_sentence(
    folder: Path, says: bytes, told: str
) -> None:
    other = Receiver()
    other.status, other.says = 500, says
    try:
        result = CliRunner().invoke(
            program, ["plan", str(folder), "--server", other.url, "--key", "x"]
        )
    finally:
        other.close()

    assert result.exit_code == 2
    assert told in result.stderr


def changed(folder: Path, name: str, old: str, new: str) -> None:
    file = folder / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_key_that_may_not_publish_is_told_which_one_may(
    run: Any, folder: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYLEAVE_KEY", service.create_key(Role.SERVER))

    refused = run("push", folder, "--reason", "first", "--yes")

    assert refused.exit_code == 2
    assert "403: your role does not open this route" in refused.output
    assert "`byleave keys create SITE --role marketer`" in refused.output


def test_a_folder_is_planned_pushed_and_then_nothing_is_left_to_do(
    run: Any, folder: Path, service: Service
) -> None:
    told = run("plan", folder)
    planned = run("plan", folder, "--exit-code")
    pushed = run("push", folder, "--reason", "first", "--yes")
    again = run("plan", folder, "--exit-code")
    twice = run("push", folder, "--reason", "first", "--yes")

    assert (told.exit_code, planned.exit_code) == (0, 1)
    assert "+ experiments.pricing-hero: added" in planned.output
    assert planned.output.rstrip().endswith("upon version none")
    assert (pushed.exit_code, "published as 1.1" in pushed.output) == (0, True)
    assert again.exit_code == 0
    assert again.output.rstrip() == "nothing changes, upon version 1.1"
    assert twice.exit_code == 0
    assert [each.reason for each in service.library.versions()] == ["first"]
    assert service.published.snapshot.definitions == load_folder(folder)


def test_a_plan_shows_what_changes_and_that_a_run_ends(run: Any, folder: Path) -> None:
    run("push", folder, "--reason", "first", "--yes")
    changed(folder, "byleave.yaml", "holdout: 5%", "holdout: 7%")
    changed(folder, "segments/comparing-plans.yaml", "at_least: 3", "at_least: 4")
    changed(folder, "experiments/pricing-hero.yaml", "until: goal", "traffic: 50%\nuntil: goal")
    (folder / "experiments" / "welcome-nav.yaml").unlink()

    planned = run("plan", folder)

    assert planned.exit_code == 0
    for line in (
        '    holdout: "5%" → "7%"',
        "~ segments.comparing-plans: changed",
        "~ experiments.pricing-hero: changed, and its run ends",
        '    traffic: nothing → "50%"',
        "- experiments.welcome-nav: removed, and its run ends",
        "Audiences, by 0 visitors that the server knows:",
        "  segments.comparing-plans: the server cannot tell: it looks at is_customer",
        "3 changed, 1 removed, upon version 1.1",
    ):
        assert line in planned.output
    assert '"objects"' in run("plan", folder, "--json", "--without-audience").output


def test_what_cannot_be_planned_ends_with_two(
    run: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = run("plan", tmp_path / "nowhere")
    changed(folder, "byleave.yaml", "site: harbour-books", "site: other")
    foreign = run("plan", folder)
    unknown = run("plan", folder, "--key", "byleave_marketer_nobody")
    keyless = run("plan", folder, "--key", "")
    odd = run("plan", folder, "--server", "ftp://shop")
    misspelt = run("plan", folder, "--exitcode")
    absent = run("plan", folder, "--server", "http://127.0.0.1:9")
    changed(folder, "byleave.yaml", "holdout: 5%", "holdout: 700%")
    faulty = run("plan", folder)

    outcomes = (missing, foreign, unknown, keyless, odd, misspelt, absent, faulty)
    assert [each.exit_code for each in outcomes] == [2] * 8
    assert "site: expected 'harbour-books'" in foreign.output
    assert "401" in unknown.output
    assert "BYLEAVE_KEY" in keyless.output
    assert "--server: expected" in odd.output
    assert "no answer" in absent.output
    assert "byleave.yaml:" in faulty.output


def test_a_push_asks_first_and_names_the_commit(
    run: Any, folder: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    refused = run("push", folder, "--reason", "x", input="n\n")
    git = ("git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "First"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()

    run("push", folder, "--reason", "x", input="y\n")
    changed(folder, "byleave.yaml", "holdout: 5%", "holdout: 7%")
    run("push", folder, "--reason", "y", "--yes")
    changed(folder, "byleave.yaml", "holdout: 7%", "holdout: 8%")
    run("push", folder, "--reason", "z", "--yes", "--revision", "v3")

    revisions = [each.revision for each in service.library.versions()]
    assert refused.exit_code == 1
    assert revisions == ["v3", f"{commit} with changes", commit]


def test_a_push_upon_another_version_than_the_one_seen_is_refused(
    run: Any, folder: Path, service: Service
) -> None:
    run("push", folder, "--reason", "first", "--yes")
    changed(folder, "byleave.yaml", "holdout: 5%", "holdout: 7%")

    late = run("push", folder, "--reason", "x", "--yes", "--expected", "1.0")

    assert late.exit_code == 2
    assert "the newest version is 1.1" in late.output
    assert len(service.library.versions()) == 1


def test_what_the_server_undid_is_not_lost_by_a_push(
    run: Any, folder: Path, service: Service
) -> None:
    run("push", folder, "--reason", "first", "--yes")
    stopped = plain(service.published.snapshot.definitions)
    stopped["experiments"]["welcome-nav"]["traffic"] = "0%"
    service.publish(read(Definitions, stopped), reason="harm", author="guard")

    planned = run("plan", folder)
    pushed = run("push", folder, "--reason", "x", "--yes")
    pulled = run("pull", folder)
    fetched = run("pull", folder, "--overwrite")
    after = run("plan", folder)
    changed(folder, "experiments/welcome-nav.yaml", "traffic: 0%", "traffic: 50%")
    insisting = run("push", folder, "--reason", "x", "--yes", "--overwrite")

    assert "Changed on the server since files were published:" in planned.output
    assert pushed.exit_code == 1
    assert "experiments.welcome-nav; `byleave pull`" in pushed.output
    assert (pulled.exit_code, fetched.exit_code) == (1, 0)
    assert "experiments.welcome-nav: another on the server" in pulled.output
    assert after.exit_code == 0
    assert insisting.exit_code == 0


def test_what_the_console_manages_is_left_and_can_be_fetched(
    run: Any, folder: Path, service: Service
) -> None:
    run("push", folder, "--reason", "first", "--yes")
    own = plain(service.published.snapshot.definitions)
    own["segments"]["mine"] = {"when": {"event": "page_view"}, "title": "no: 5%"}
    claim = Claim(by=Manager.CONSOLE)
    service.publish(read(Definitions, own), reason="x", author="mia", claim=claim)

    planned = run("plan", folder)
    pulled = run("pull", folder)
    same = run("plan", folder)
    taken = run("push", folder, "--take", "segments.mine", "--reason", "ours", "--yes")

    assert planned.exit_code == 0
    assert "segments.mine is not in the folder" in planned.output
    assert pulled.exit_code == 0
    assert "segments/mine.yaml: written" in pulled.output
    assert "not in the folder" not in same.output
    assert "= segments.mine: claimed, managed from files from now on" in taken.output
    managed = service.library.version(service.library.newest())[0].managed
    assert managed.by["segments.mine"] is Manager.FILES


def test_pulling_into_nothing_writes_what_loads_back(
    run: Any, folder: Path, service: Service, tmp_path: Path
) -> None:
    run("push", folder, "--reason", "first", "--yes")

    pulled = run("pull", tmp_path / "fresh")
    again = run("pull", tmp_path / "fresh")
    laid_out = run("fmt", tmp_path / "fresh", "--check")

    assert pulled.exit_code == again.exit_code == laid_out.exit_code == 0
    assert load_folder(tmp_path / "fresh") == load_folder(folder)
    assert "0 files changed" in again.output


def test_comments_of_the_console_come_with_what_is_in_force(
    run: Any, folder: Path, service: Service, tmp_path: Path
) -> None:
    own = plain(load_folder(folder))
    own["segments"]["mine"] = {"when": {"event": "page_view"}, "title": "New"}
    service.publish(read(Definitions, own), reason="x", author="mia")
    text = "# Asked for in May.\nsegment: mine\ntitle: Old  # for now\nwhen: {event: page_view}\n"
    service.library.put_text("segments.mine", text)
    service.library.put_text("segments.gone", text)

    pulled = run("pull", tmp_path / "fresh")

    assert pulled.exit_code == 0, pulled.output
    written = (tmp_path / "fresh" / "segments" / "mine.yaml").read_text(encoding="utf-8")
    assert written == text.replace("Old", "New")
    assert not (tmp_path / "fresh" / "segments" / "gone.yaml").exists()


def test_comments_stay_where_a_pull_changes_a_file(
    run: Any, folder: Path, service: Service
) -> None:
    run("push", folder, "--reason", "first", "--yes")
    changed(folder, "byleave.yaml", "holdout: 5%", "holdout: 5%  # agreed in May")
    extra = folder / "more.yaml"
    extra.write_text("segment: here\nwhen: {event: page_view}\n", encoding="utf-8")
    other = plain(service.published.snapshot.definitions)
    other["holdout"] = "9%"
    other["goals"]["signup"]["within"] = "9d"
    del other["experiments"]["welcome-nav"]
    service.publish(read(Definitions, other), reason="x", author="mia")

    refused = run("pull", folder)
    before = load_folder(folder)
    done = run("pull", folder, "--overwrite")

    assert refused.exit_code == 1
    assert "segments.here: not on the server" in refused.output
    assert "experiments.welcome-nav: not on the server" in refused.output
    assert "here" in before.segments
    assert done.exit_code == 0
    text = (folder / "byleave.yaml").read_text(encoding="utf-8")
    assert re.search("holdout: 9% +# agreed in May", text)
    assert not extra.exists()
    assert load_folder(folder) == read(Definitions, other)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=12)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | WORDS
    | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["no", "1e3", "~", "0o7"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.dictionaries(WORDS, DATA, max_size=3))
def test_whatever_a_variant_holds_loads_back(
    data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    shop = plain(load_folder(HARBOUR))
    shop["slots"]["feed"] = {"kind": "data"}
    shop["experiments"]["welcome-nav"] |= {
        "slot": "feed",
        "allocate": {"policy": "fixed", "goal": "signup"},
        "variants": {"control": "site", "other": {"data": data}},
    }
    wanted = read(Definitions, shop)
    files = DefinitionFiles(folder)

    for place, value in objects(plain(wanted)).items():
        files.put(place, None, value)
    for file, text in files.texts().items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")

    assert load_folder(folder) == wanted
