"""An experiment in the console: drafted, checked, published for review, launched, and its life."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.experiments.definitions import Schedule
from byleave.sdk.cookies import Keys
from byleave.sdk.wishes import previewed
from byleave.server.console.drafting import EXPERIMENTS, drafted
from byleave.server.managing import Claim, Manager
from byleave.server.service import Service

from .builder import fields_in, sends

DRAFTS = "/console/drafts"
FIRST = {"key": "spring", "title": "Spring", "slot": "hero", "audience": "", "goal": "signup"}
SECOND = {
    **{name: FIRST[name] for name in ("title", "slot", "audience", "goal")},
    "policy": "thompson",
    "control": "15",
    "traffic": "50",
    "arm-1": "bold",
    "arm-1-template": "bold.html",
    "reason": "Bold looks sell",
}


@pytest.fixture
def send(marketer: TestClient, service: Service) -> Callable[..., str]:
    """Sends a form of an experiment."""
    return sends(marketer, service, DRAFTS, EXPERIMENTS)


@pytest.fixture
def spring(send: Callable[..., str]) -> str:
    """A draft that is begun."""
    send("new", FIRST)
    return "spring"


def defined(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = service.library.version(service.library.newest())[1].get(
        "experiments", {}
    )
    return found


def test_two_screens_lead_from_nothing_to_a_launch(
    spring: str, send: Callable[..., str], service: Service
) -> None:
    launched = send(spring, SECOND | {"do": "launch"})
    made = service.published.snapshot.definitions.experiments["spring"]

    assert "It is published and runs." in launched
    assert {*made.variants} == {"control", "bold"}
    assert (float(made.traffic), float(made.allocate.control)) == (0.5, 0.15)
    assert service.library.drafts() == []
    assert service.library.versions()[0].reason == "spring is launched: Bold looks sell"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"key": "welcome"}, "one of this name already"),
        ({"key": "Not a name"}, "letters"),
        ({"key": "new"}, "one of this name already"),
        ({"slot": "cellar"}, "Choose where it shows."),
        ({"audience": "nobody"}, "Choose whom it is for."),
        ({"goal": "fame"}, "Choose what it is judged by."),
    ],
)
def test_a_draft_that_cannot_begin_says_why(
    changed: dict[str, str], fault: str, send: Callable[..., str], service: Service
) -> None:
    assert fault in send("new", FIRST | changed, status=422)
    assert service.library.drafts() == []


def test_of_those_who_begin_an_experiment_at_once_all_but_one_are_told(
    marketer: TestClient, service: Service
) -> None:
    def begin(author: int) -> tuple[int, str]:
        answer = marketer.post(f"{DRAFTS}/new", data=FIRST | {"title": f"By {author}"})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(4) as people:
        answers = [*people.map(begin, range(4))]

    told = [(author, page) for author, (status, page) in enumerate(answers) if status != 200]
    assert len(told) == 3
    for author, page in told:
        assert "one of this name already" in page
        assert f'value="By {author}"' in page
    assert drafted(service, EXPERIMENTS, "spring")["title"] not in [f"By {a}" for a, _page in told]


def test_a_form_that_tells_no_state_overwrites_and_drops_nothing(
    spring: str, marketer: TestClient, service: Service
) -> None:
    before = drafted(service, EXPERIMENTS, spring)
    path = f"{DRAFTS}/{spring}"
    answers = [marketer.post(path, data=SECOND | {"do": do}) for do in ("save", "discard")]

    assert [each.status_code for each in answers] == [409, 409]
    assert "this draft was saved meanwhile" in answers[0].text
    assert drafted(service, EXPERIMENTS, spring) == before


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"arm-1": ""}, "something to show"),
        ({"arm-1-template": ""}, "something to show"),
        ({"end": "2000-01-01T00:00"}, "Its end is not past."),
        ({"start": "2030-01-01T00:00", "end": "2029-01-01T00:00"}, "is not after the start"),
        ({"traffic": "0"}, "It takes some of the visitors."),
        ({"traffic": "many"}, "a share such as"),
        ({"timezone": "Atlantis", "end": "2030-01-01T00:00"}, "unknown time zone"),
        ({"ramp_at": "2030-01-01T00:00", "ramp_to": "40"}, "a ramp only rises"),
        ({"audience": "gone"}, "unknown segment"),
    ],
)
def test_what_is_red_blocks_the_launch_and_nothing_is_lost(
    changed: dict[str, str], line: str, spring: str, send: Callable[..., str], service: Service
) -> None:
    page = send(spring, SECOND | changed | {"do": "launch"}, status=422)

    assert line in page
    assert "Blocks the launch." in page
    assert 'value="Bold looks sell"' in page
    assert "spring" not in defined(service)
    assert [draft.draft for draft in service.library.drafts()] == ["spring"]


def test_for_review_it_is_published_and_takes_nobody(
    spring: str, send: Callable[..., str], marketer: TestClient, service: Service
) -> None:
    send(spring, SECOND | {"do": "review"})
    published = defined(service)["spring"]
    page = marketer.get(f"{DRAFTS}/spring?page=https://shop.example/a?b=1&days=1").text
    [token] = re.findall(
        r'a\?b=1&amp;byleave=([\w.-]+)" rel="noreferrer" translate="no">bold', page
    )
    signer = Keys([service.published.snapshot.preview_key]).signer("preview")

    assert published["traffic"] == "0%"
    assert 'value="50"' in page
    now_ms = service.clock()
    assert previewed(token, signer, now_ms=now_ms) == {"hero": "spring/bold"}
    assert previewed(token, signer, now_ms=now_ms + 86_400_000) == {}
    assert previewed(token[:-1] + "A", signer, now_ms=now_ms) in ({}, {"hero": "spring/bold"})


@pytest.mark.parametrize("name", ["control", "bold"])
def test_two_variants_of_one_name_are_told_before_one_is_lost(
    name: str, spring: str, send: Callable[..., str], service: Service
) -> None:
    page = send(spring, SECOND | {"arm-2": name, "do": "save"}, status=422)

    assert "Give each variant a name of its own" in page
    assert 'value="bold.html"' in page
    assert "bold" not in drafted(service, EXPERIMENTS, spring)["variants"]


def test_what_runs_is_not_published_without_visitors(
    send: Callable[..., str], service: Service
) -> None:
    page = send("welcome", SECOND | {"do": "review"}, status=422)

    assert "this would end its run" in page
    assert "Publish for review" not in page
    assert service.library.newest() == "1.1"


def test_a_draft_takes_back_nothing_that_others_published_meanwhile(
    spring: str, send: Callable[..., str], service: Service
) -> None:
    send(spring, SECOND | {"do": "save"})
    send("welcome/live", {"do": "pause", "live_reason": "a fault"})
    stale = send(spring, SECOND | {"do": "launch", "expected": "1.1"}, status=409)
    send(spring, SECOND | {"do": "launch"})

    assert "Somebody published meanwhile" in stale
    assert defined(service)["welcome"]["schedule"]["end"]
    assert defined(service)["spring"]["variants"]["bold"]


def test_nobody_overwrites_or_drops_what_another_saved_of_an_experiment(
    spring: str, send: Callable[..., str], marketer: TestClient, service: Service
) -> None:
    first = dict(fields_in(marketer.get(f"{DRAFTS}/spring").text))
    send(spring, first | {"title": "One's", "do": "save"})
    late = first | {"title": "The other's"}
    kept = send(spring, late | {"do": "save"}, status=409)
    send(spring, first | {"do": "discard"}, status=409)
    title = drafted(service, EXPERIMENTS, spring)["title"]
    now = dict(fields_in(kept))
    red = send(spring, now | {"do": "launch", "reason": ""}, status=422)
    send(spring, dict(fields_in(red)) | SECOND | {"do": "launch"})

    assert "this draft was saved meanwhile" in kept
    assert now["title"] == "The other's"
    assert title == "One's"
    assert "bold" in defined(service)["spring"]["variants"]
    assert service.library.drafts() == []


def test_a_page_that_refused_to_pause_shows_the_draft_on(
    send: Callable[..., str], service: Service
) -> None:
    send("welcome", SECOND | {"do": "save", "title": "Drafted"})
    page = send("welcome/live", {"do": "pause", "live_reason": ""}, status=422)
    send("welcome", dict(fields_in(page)) | {"do": "save", "traffic": "40"})

    draft = drafted(service, EXPERIMENTS, "welcome")
    assert (draft["title"], draft["traffic"]) == ("Drafted", "40%")


@pytest.mark.parametrize("days", [{"end": 9}, {"start": 1, "end": 9}, {}])
def test_what_goes_on_does_so_as_it_was_planned(
    send: Callable[..., str],
    service: Service,
    definitions: Definitions,
    clock: Any,
    days: dict[str, int],
) -> None:
    planned = {
        name: datetime.fromtimestamp(clock.now_ms / 1000 + day * 86_400, UTC).isoformat()
        for name, day in days.items()
    }
    welcome = replace(definitions.experiments["welcome"], schedule=Schedule(**planned))
    service.publish(
        replace(definitions, experiments={"welcome": welcome}), reason="planned", author="tests"
    )

    def does(doing: str) -> dict[str, str]:
        clock.advance(hours=2)
        said = {"do": doing, "live_reason": "a fault", "conclusion": "stopped early"}
        send("welcome/live", said)
        found: dict[str, str] = defined(service)["welcome"].get("schedule", {})
        return found

    ends = [does(doing).get("end") for doing in ("pause", "stop")]
    again = does("resume")
    does("pause")
    clock.advance(hours=10 * 24)
    late = does("resume")

    assert None not in ends
    assert again == planned
    assert "end" not in late


def test_an_experiment_is_paused_goes_on_is_stopped_and_put_away(
    send: Callable[..., str], service: Service, clock: Any
) -> None:
    run = service.published.snapshot.runs["welcome"].id
    clock.advance(hours=2)
    paused = send("welcome/live", {"do": "pause", "live_reason": "a fault"})
    resumed = send("welcome/live", {"do": "resume", "live_reason": "mended"})
    same = service.published.snapshot.runs["welcome"].id
    send("welcome/live", {"do": "stop", "live_reason": "decided", "conclusion": "won"})
    stopped = service.library.versions()[0].reason
    send("welcome/live", {"do": "archive", "live_reason": "tidy"})

    assert "its time is over" in paused
    assert "It is published and runs." in resumed
    assert same == run
    assert stopped == "welcome: stop (won): decided"
    assert "welcome" not in defined(service)


@pytest.mark.parametrize(
    "values",
    [
        {"do": "pause", "live_reason": ""},
        {"do": "archive", "live_reason": "while it runs"},
        {"do": "resume", "live_reason": "it runs"},
        {"do": "stop", "live_reason": "decided", "conclusion": "perhaps"},
        {"do": "pause", "live_reason": "late", "expected": "0.9"},
    ],
)
def test_what_cannot_be_done_now_is_refused(
    values: dict[str, str], send: Callable[..., str], service: Service
) -> None:
    send("welcome/live", values, status=422)

    assert service.library.newest() == "1.1"


def test_a_draft_is_thrown_away(spring: str, send: Callable[..., str], service: Service) -> None:
    send(spring, {"do": "discard"})

    assert service.library.drafts() == []


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("baseline=5&lift=50&a_day=3000", "Half of all such experiments have seen it after"),
        ("baseline=5&lift=1&a_day=2", "see nothing in 180 days"),
        ("baseline=5&lift=&a_day=2", "Write three numbers above 0"),
        ("baseline=5&lift=0&a_day=2", "Write three numbers above 0"),
    ],
)
def test_the_time_to_an_answer_is_worked_out_when_asked(
    query: str, answer: str, marketer: TestClient
) -> None:
    assert answer in marketer.get(f"{DRAFTS}/welcome?{query}").text


def test_there_is_no_page_of_what_there_is_not(marketer: TestClient) -> None:
    assert marketer.get(f"{DRAFTS}/nothing").status_code == 404


def test_what_is_managed_from_files_is_stopped_here_and_changed_there(
    send: Callable[..., str], service: Service, definitions: Definitions
) -> None:
    service.publish(definitions, reason="push", author="ci", claim=Claim(by=Manager.FILES))

    drafted = send("welcome", {"do": "keep", **SECOND}, status=409)
    paused = send("welcome/live", {"do": "pause", "live_reason": "harm"})
    resumed = send("welcome/live", {"do": "resume", "live_reason": "mended"}, status=422)

    assert "managed from files: change it there" in drafted
    assert "managed from files, so only they let it go on" in paused
    assert "byleave push --overwrite" in paused
    assert 'value="resume"' not in paused
    assert "managed from files: change it there" in resumed
    assert "end" in defined(service)["welcome"]["schedule"]
    assert service.library.drafts() == []
