import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.segments import Consent, Profile, Purpose, Rules, Vocabulary
from byleave.segments.encoding import LONGEST_PART, State, decoded, encoded
from byleave.segments.journeys import step_key
from byleave.segments.recalling import stream_for

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_700_000_000_000
KEYS = st.text("abcXYZ019-_", min_size=7, max_size=7)
TIMES = st.lists(st.integers(NOW - 400_000, NOW + 400 * DAY), max_size=5).map(sorted).map(tuple)
MARKS = st.one_of(
    st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False, width=32)
)


@st.composite
def states(draw: st.DrawFn) -> State:
    times = draw(TIMES)
    size = len(times) if draw(st.booleans()) else 0
    reached = draw(st.lists(st.just(0) | st.integers(NOW - 10, NOW + DAY), max_size=4))
    return State(
        draw(st.integers(NOW - 5, NOW + DAY)),
        times,
        draw(st.booleans()),
        tuple(draw(st.lists(MARKS, min_size=size, max_size=size))),
        tuple(reached) if len(reached) > 1 else (),
    )


@given(st.dictionaries(KEYS, states(), max_size=5))
def test_what_is_written_is_read_back(part: dict[str, State]) -> None:
    assert decoded(encoded(part)) == part


def test_nothing_is_written_shortly() -> None:
    assert encoded({}) == "0"
    assert encoded({"AbCdEfG": State(NOW)}) == "18bcfe56800~AbCdEfG"


@pytest.mark.parametrize(
    ("leaf", "key"),
    [
        ({"event": "page_view", "where": {"path": {"equals": "/"}}}, "tSKCoZ0"),
        (
            {"event": "page_view", "where": {"path": {"equals": "/"}}, "first": {"at_least": "1d"}},
            "MyIMDvw",
        ),
        ({"event": "purchase", "sum": {"amount": {"at_least": 1}}}, "9fBkofU"),
        ({"event": "purchase", "distinct": {"amount": {"at_least": 1}}}, "5-9TyeM"),
        ({"sequence": [{"event": "page_view"}, {"not": "purchase", "within": "1d"}]}, "JbQbouo"),
    ],
)
def test_a_new_version_finds_what_another_kept(
    words: Vocabulary, condition: Callable[[object], Any], leaf: object, key: str
) -> None:
    assert stream_for(condition(leaf), words.events).key == key
    assert step_key("buy", "look") == "32G-vQo"


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        "",
        "x",
        "0~",
        "0~short",
        "0~AbCdEfG!!!!!",
        "0~AbCdEfG!x",
        "0~AbCdEfG!!1_x",
        "0~AbCdEfG!!1!=x",
        "0~AbCdEfG!!1!1_2",
        "0~AbCdEfG!!!!x_",
        "0~" + "A" * LONGEST_PART,
    ],
)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="not the state"):
        decoded(text)


@given(st.text(max_size=40), st.text("0123456789abcdef~!_=-AbCdEfG", max_size=60))
def test_no_text_does_more_than_being_refused(text: str, likely: str) -> None:
    for attempt in (text, likely):
        assert isinstance(Profile.from_plain({"v": 1, "analytics": attempt}), Profile)


TYPICAL: list[dict[str, Any]] = [
    {"event": "page_view", "count": {"at_least": 3}, "within": "7d"},
    *(
        {
            "event": "page_view",
            "where": {"path": {"starts_with": f"/{folder}"}},
            "count": {"at_least": number},
            "within": "7d",
        }
        for folder, number in [("plans", 3), ("help", 2), ("blog", 3), ("docs", 2), ("jobs", 1)]
    ),
    {"event": "purchase", "last": {"at_most": "30d"}},
    {"event": "purchase", "where": {"gift": {"equals": True}}},
    {"event": "purchase", "where": {"amount": {"at_least": 100}}, "count": {"at_least": 2}},
    {"event": "purchase", "sum": {"amount": {"at_least": 200}}, "within": "90d"},
    {"event": "purchase", "not_within": "60d"},
    {"event": "page_view", "first": {"at_least": "14d"}},
    {"event": "page_view", "where": {"path": {"equals": "/"}}, "last": {"at_least": "3d"}},
    {"event": "sign_up"},
    {"event": "sign_up", "first": {"at_least": "30d"}},
    {"event": "page_view", "where": {"path": {"ends_with": "/cancel"}}, "within": "14d"},
    {"sequence": [{"event": "page_view"}, {"event": "sign_up", "within": "1d"}]},
    {"sequence": [{"event": "sign_up"}, {"event": "purchase", "within": "7d"}]},
    {"sequence": [{"event": "sign_up"}, {"not": "purchase", "within": "3d"}]},
    {"event": "page_view", "where": {"path": {"contains": "compare"}}, "count": {"at_least": 2}},
]


def test_twenty_typical_leaves_take_no_more_than_six_hundred_bytes(
    shop: Callable[..., Vocabulary], agreed: Callable[..., Consent]
) -> None:
    rules = Rules(shop(**{f"s{number}": leaf for number, leaf in enumerate(TYPICAL)}))
    profile, consent = Profile(), agreed(*Purpose)
    paths = ["/", "/plans", "/plans/team", "/help/me", "/blog/1", "/docs/a", "/jobs", "/compare"]
    visits: list[tuple[str, dict[str, Any], int]] = [
        ("page_view", {"path": paths[number % 8]}, number * 5 * HOUR) for number in range(96)
    ]
    visits += [("purchase", {"amount": 19.99, "gift": True}, 6 * DAY), ("sign_up", {}, 2 * DAY)]
    visits += [("purchase", {"amount": 149.5}, 12 * DAY)]
    for event, properties, after_ms in sorted(visits, key=lambda visit: visit[2]):
        at_ms = NOW + after_ms
        profile = rules.record(
            profile, event, properties, at_ms=at_ms, now_ms=at_ms, consent=consent
        )

    text = json.dumps(profile.to_plain(), separators=(",", ":"))

    assert len(TYPICAL) == 20
    assert len(text.encode()) <= 600
