"""What is remembered answers as the full history would, within the stated bounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byleave.segments import Consent, Profile, Purpose, Rules, Verdict, Vocabulary

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FIVE_MINUTES = 300_000
START = 1_700_000_000_000
TTL_MS = {"page_view": 30 * DAY, "purchase": 400 * DAY, "sign_up": 10**15}

WINDOWS = ["1s", "5m", "1h", "2d", None]
PATHS = ["/", "/plans", "/plans/team"]


@dataclass(frozen=True)
class Happened:
    """One event of the full history; `order` is the place at which it arrived."""

    event: str
    path: str
    amount: int
    at_ms: int
    order: int

    @property
    def place(self) -> tuple[int, int]:
        return self.at_ms, self.order


LEAVES: dict[str, dict[str, Any]] = {
    **{
        f"{bound}-{number}-{window}".replace("_", "-"): {
            "event": "page_view",
            "where": {"path": {"starts_with": "/plans"}},
            "count": {bound: number},
            **({"within": window} if window else {}),
        }
        for bound in ("at_least", "at_most", "exactly")
        for number in (0, 1, 3)
        for window in WINDOWS
    },
    "last-young": {"event": "purchase", "last": {"at_most": "5m"}},
    "last-old": {"event": "page_view", "last": {"at_least": "1h", "at_most": "2d"}},
    "first-old": {"event": "page_view", "first": {"at_least": "2d"}},
    **{
        f"{kind}-{window}": {
            "event": "purchase",
            kind: {"amount": {"at_least": 5}},
            **({"within": window} if window else {}),
        }
        for kind in ("sum", "min", "max", "distinct")
        for window in WINDOWS
    },
}
SEQUENCES: dict[str, list[dict[str, Any]]] = {
    "two": [{"event": "page_view"}, {"event": "purchase", "within": "5m"}],
    "same": [{"event": "purchase"}, {"event": "purchase", "within": "1h"}],
    "three": [
        {"event": "page_view", "where": {"path": {"equals": "/plans"}}},
        {"event": "sign_up", "within": "1h"},
        {"event": "purchase"},
    ],
    "left": [{"event": "page_view"}, {"not": "page_view", "within": "5m"}],
    "stalled": [
        {"event": "page_view"},
        {"event": "sign_up", "within": "2d"},
        {"not": "purchase", "within": "1h"},
    ],
}
LENGTHS = {"1s": 1_000, "5m": FIVE_MINUTES, "1h": HOUR, "2d": 2 * DAY, "30m": 30 * MINUTE}

MOMENTS = st.lists(
    st.tuples(
        st.sampled_from(
            [0, 0, 1, 999, 1_000, MINUTE, FIVE_MINUTES, FIVE_MINUTES + 1, HOUR, 12 * HOUR]
        ),
        st.sampled_from([0, 0, 0, 1, 1_000, 2 * MINUTE, FIVE_MINUTES, FIVE_MINUTES + 1, -50]),
        st.sampled_from(["page_view", "page_view", "purchase", "sign_up"]),
        st.sampled_from(PATHS),
        st.integers(-2, 6),
    ),
    max_size=30,
)


def counted(leaf: dict[str, Any], history: Sequence[Happened], now_ms: int) -> Verdict:
    """Answer a leaf about one event from everything that happened."""
    event = leaf["event"]
    length = min(LENGTHS[leaf["within"]] if "within" in leaf else 10**15, TTL_MS[event])
    found = [
        happened
        for happened in history
        if happened.event == event
        and happened.at_ms >= now_ms - length
        and ("where" not in leaf or happened.path.startswith("/plans"))
    ]
    times = [happened.at_ms for happened in found]
    values = [happened.amount for happened in found]
    match leaf:
        case {"count": {"at_least": bound}}:
            return truth(len(found) >= bound)
        case {"count": {"at_most": bound}}:
            return truth(len(found) <= bound)
        case {"count": {"exactly": bound}}:
            return truth(len(found) == bound)
        case {"last": {"at_least": _}}:
            return truth(bool(times) and HOUR <= now_ms - max(times) <= 2 * DAY)
        case {"last": _}:
            return truth(bool(times) and now_ms - max(times) <= FIVE_MINUTES)
        case {"first": _}:
            return truth(bool(times) and now_ms - min(times) >= 2 * DAY)
        case {"sum": _}:
            return truth(sum(values) >= 5)
        case {"distinct": _}:
            return truth(len(set(values)) >= 5)
        case {"min": _}:
            return truth(min(values) >= 5) if values else Verdict.MISSING
        case _:
            return truth(max(values) >= 5) if values else Verdict.MISSING


def truth(is_true: bool) -> Verdict:
    return Verdict.TRUE if is_true else Verdict.FALSE


def is_step(step: dict[str, Any], happened: Happened) -> bool:
    asked = step.get("where", {}).get("path", {}).get("equals", happened.path)
    return happened.event == step.get("event", step.get("not")) and happened.path == asked


def completions(steps: list[dict[str, Any]], history: Sequence[Happened]) -> list[Happened]:
    """Every event that ends some way through the steps in order."""
    ends = [happened for happened in history if is_step(steps[0], happened)]
    for step in steps[1:]:
        within = LENGTHS[step["within"]] if "within" in step else 10**15
        ends = [
            happened
            for happened in history
            if is_step(step, happened)
            and any(
                end.place < happened.place and happened.at_ms - end.at_ms <= within for end in ends
            )
        ]
    return ends


def sequenced(steps: list[dict[str, Any]], history: Sequence[Happened], now_ms: int) -> Verdict:
    """Answer a sequence from everything that happened."""
    *before, last = steps
    if "not" not in last:
        return truth(bool(completions(steps, history)))
    within = LENGTHS[last["within"]]
    ends = completions(before, history)
    if not ends:
        return Verdict.FALSE
    latest = max(ends, key=lambda end: end.place)
    followed = any(
        is_step(last, happened)
        and happened.place > latest.place
        and happened.at_ms - latest.at_ms <= within
        for happened in history
    )
    return truth(not followed and now_ms - latest.at_ms > within)


def agree_with_the_history(
    shop: Callable[..., Vocabulary], agreed: Callable[..., Consent], moments: list[Any]
) -> None:
    asked = {**LEAVES, **{key: {"sequence": steps} for key, steps in SEQUENCES.items()}}
    rules, consent = Rules(shop(**asked)), agreed(*Purpose)
    profile, history, now_ms = Profile(), list[Happened](), START
    for order, (gap_ms, late_ms, event, path, amount) in enumerate(moments):
        now_ms += gap_ms
        at_ms = now_ms - late_ms
        profile = rules.record(
            profile,
            event,
            {"path": path, "amount": amount},
            at_ms=at_ms,
            now_ms=now_ms,
            consent=consent,
        )
        if late_ms <= FIVE_MINUTES:
            history.append(Happened(event, path, amount, min(at_ms, now_ms), order))
        profile = Profile.from_plain(profile.to_plain())
    for later_ms in (0, 1, FIVE_MINUTES + 1):
        facts = rules.facts(
            consent=consent, attributes={}, profile=profile, now_ms=now_ms + later_ms
        )
        for key, leaf in LEAVES.items():
            assert facts.segment(key) is counted(leaf, history, now_ms + later_ms), key
        for key, steps in SEQUENCES.items():
            assert facts.segment(key) is sequenced(steps, history, now_ms + later_ms), key


@settings(max_examples=150)
@given(moments=MOMENTS)
def test_windows_and_sequences_agree_with_the_full_history(
    shop: Callable[..., Vocabulary], agreed: Callable[..., Consent], moments: list[Any]
) -> None:
    agree_with_the_history(shop, agreed, moments)


@pytest.mark.long
@given(moments=MOMENTS)
def test_windows_and_sequences_agree_with_the_full_history_at_length(
    shop: Callable[..., Vocabulary], agreed: Callable[..., Consent], moments: list[Any]
) -> None:
    agree_with_the_history(shop, agreed, moments)


@given(
    gaps=st.lists(st.sampled_from([0, 1, 1_000, HOUR]), min_size=20, max_size=80),
    amount=st.integers(0, 3),
)
def test_an_aggregate_of_too_many_events_is_undetermined_and_never_wrong(
    shop: Callable[..., Vocabulary],
    agreed: Callable[..., Consent],
    gaps: list[int],
    amount: int,
) -> None:
    aggregates = {key: leaf for key, leaf in LEAVES.items() if leaf["event"] == "purchase"}
    rules, consent = Rules(shop(**aggregates)), agreed(*Purpose)
    profile, history, now_ms = Profile(), list[Happened](), START
    for order, gap_ms in enumerate(gaps):
        now_ms += gap_ms
        value = amount + order % 3
        profile = rules.record(
            profile, "purchase", {"amount": value}, at_ms=now_ms, now_ms=now_ms, consent=consent
        )
        history.append(Happened("purchase", "/", value, now_ms, order))

    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=now_ms)

    for key, leaf in aggregates.items():
        length = LENGTHS[leaf["within"]] if "within" in leaf else 10**15
        inside = sum(happened.at_ms >= now_ms - length for happened in history)
        found, expected = facts.segment(key), counted(leaf, history, now_ms)
        assert found is expected or (found is Verdict.MISSING and inside >= 32), key
