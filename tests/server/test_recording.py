"""Events are stored once, and the sums are those of a recount, whatever the order."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from sqlalchemy import Table, select

from byleave.experiments import Definitions
from byleave.server import schema
from byleave.server.intake import Ingested
from byleave.server.service import Service

DAY_MS = 86_400_000
Sums = dict[tuple[str, str, str, str], tuple[Any, ...]]


def rows(service: Service, table: Table) -> list[Any]:
    with service.storage.reading() as connection:
        return list(connection.execute(select(table)))


def sums(service: Service, table: Table = schema.stratum_stats) -> Sums:
    return {
        (row.stratum, row.arm, row.goal, row.segment): (
            row.units,
            row.reached,
            pytest.approx(row.total, abs=1e-6),
            pytest.approx(row.squares, abs=1e-6),
        )
        for row in rows(service, table)
        if row.units
    }


def signups(service: Service, arm: str, stratum: str = "welcome.1.1.0") -> tuple[float, ...] | None:
    return sums(service).get((stratum, arm, "signup", ""))


def test_an_exposure_enrols_and_a_goal_in_its_window_counts(service: Service, send: Any) -> None:
    result = service.ingest([send.exposure("ann"), send.event("ann"), send.exposure("bob")])

    assert result == Ingested(accepted=3, duplicates=0, refused=())
    assert signups(service, "bold") == (2, 1, 1.0, 1.0)


def test_an_event_counts_once_however_often_it_is_sent(service: Service, send: Any) -> None:
    batch = [send.exposure("ann"), send.event("ann")]
    service.ingest(batch)

    again = service.ingest([*batch, *batch])

    assert again == Ingested(accepted=0, duplicates=4, refused=())
    assert signups(service, "bold") == (1, 1, 1.0, 1.0)


def test_an_id_with_another_body_is_refused(service: Service, send: Any) -> None:
    first = send.exposure("ann")

    result = service.ingest([first, first | {"arm": "calm"}])

    assert result.accepted == 1
    assert [(r.index, r.reason) for r in result.refused] == [(1, "another event has this id")]


def test_a_goal_may_arrive_before_the_exposure(service: Service, send: Any, clock: Any) -> None:
    exposure = send.exposure("ann")
    clock.advance(hours=1)
    service.ingest([send.event("ann")])

    service.ingest([exposure])

    assert signups(service, "bold") == (1, 1, 1.0, 1.0)


@pytest.mark.parametrize(
    ("after_ms", "reached"), [(-1, 0), (0, 1), (2 * DAY_MS, 1), (2 * DAY_MS + 1, 0)]
)
def test_a_window_includes_both_of_its_ends(
    service: Service, send: Any, clock: Any, after_ms: int, reached: int
) -> None:
    exposure = send.exposure("ann")
    reached_at_ms = clock() + after_ms
    clock.advance(days=3)

    service.ingest([exposure, send.event("ann", at=reached_at_ms)])

    assert signups(service, "bold") == (1, reached, reached, reached)


def test_an_earlier_exposure_takes_the_enrolment_and_its_outcomes(
    service: Service, send: Any, clock: Any
) -> None:
    early = send.exposure("ann", "calm", groups=["customers"])
    clock.advance(hours=1)
    service.ingest([send.exposure("ann", "bold"), send.event("ann")])

    service.ingest([early])

    assert signups(service, "bold") is None
    assert signups(service, "calm") == (1, 1, 1.0, 1.0)
    assert rows(service, schema.runs)[0].conflicts == 1


def test_an_earlier_enrolment_may_leave_a_goal_outside_its_window(
    service: Service, send: Any, clock: Any
) -> None:
    early = send.exposure("ann")
    clock.advance(days=1.5)
    service.ingest([send.exposure("ann"), send.event("ann", at=clock() + DAY_MS)])
    before = signups(service, "bold")

    service.ingest([early])
    service.ingest([send.event("ann", at=clock() + DAY_MS // 4)])

    assert before == (1, 1, 1.0, 1.0)
    assert signups(service, "bold") == (1, 1, 1.0, 1.0)
    assert {(r.bucket, r.units) for r in rows(service, schema.delay_stats) if r.units} == {(59, 1)}


def test_values_are_summed_up_to_their_cap(service: Service, send: Any) -> None:
    bought = [send.event("ann", "purchase", properties={"amount": a}) for a in (30, 20.5, 70)]

    service.ingest([send.exposure("ann"), *bought])

    assert sums(service)["welcome.1.1.0", "bold", "revenue", ""] == (1, 1, 100.0, 10_000.0)
    assert sums(service)["welcome.1.1.0", "bold", "orders", ""] == (1, 1, 3.0, 9.0)


@pytest.mark.parametrize(
    ("amounts", "counted"), [((30, -20), 10.0), ((-60, -70), -100.0), ((1e9, -1e9), 0.0)]
)
def test_refunds_are_summed_too_and_bounded_as_orders_are(
    service: Service, send: Any, amounts: tuple[float, ...], counted: float
) -> None:
    events = [send.event("ann", "purchase", properties={"amount": each}) for each in amounts]

    service.ingest([send.exposure("ann"), *events])

    kept = (1, 1, counted, counted**2)
    assert sums(service)["welcome.1.1.0", "bold", "revenue", ""] == kept


def test_a_goal_counts_only_what_was_collected_for_analytics(service: Service, send: Any) -> None:
    service.ingest([send.exposure("ann"), send.event("ann", uses=["personalisation"])])

    assert signups(service, "bold") == (1, 0, 0.0, 0.0)


@pytest.mark.parametrize(
    "changed",
    [
        {"allocation": "welcome.1.99.0"},
        {"allocation": "welcome.1.1.0", "run": "other.1"},
        {"arm": "unheard-of"},
        {"allocation": None},
        {"assigned_at": 20_002 * DAY_MS + 1, "at": 20_000 * DAY_MS},
    ],
    ids=["unknown row", "another run", "no such arm", "no row, yet an arm", "drawn too late"],
)
def test_what_was_not_drawn_from_a_known_row_is_stored_and_never_counted(
    service: Service, send: Any, changed: dict[str, Any], clock: Any
) -> None:
    clock.advance(days=1.5)

    result = service.ingest([send.exposure("ann", **changed)])

    assert result.accepted == 1
    assert len(rows(service, schema.events)) == 1
    assert sums(service) == {}


def test_the_holdout_has_a_stratum_for_each_hour(service: Service, send: Any) -> None:
    service.ingest([send.exposure("ann", "holdout", allocation=None), send.event("ann")])

    assert signups(service, "holdout", "welcome.1.holdout.480000") == (1, 1, 1.0, 1.0)


def test_goals_of_a_run_that_is_over_still_count(
    service: Service, send: Any, clock: Any, define: Callable[..., Definitions]
) -> None:
    service.ingest([send.exposure("ann")])
    clock.advance(hours=1)
    service.publish(define(audience="customers"), reason="narrower", author="tests")

    service.ingest([send.event("ann")])

    assert signups(service, "bold") == (1, 1, 1.0, 1.0)


def countable(
    events: Sequence[Mapping[str, Any]], row_ends: Mapping[str, int]
) -> list[Mapping[str, Any]]:
    """The exposures that were drawn from a known row while it could be drawn from."""
    exposures = [event for event in events if event["type"] == "exposure"]
    return [e for e in exposures if e["assigned_at"] <= row_ends.get(e["allocation"], -1)]


def recount(events: Sequence[Mapping[str, Any]], row_ends: Mapping[str, int]) -> Sums:
    """The sums by the slowest and most obvious way, from the events alone."""
    goals = {"signup": ("sign_up", 2), "orders": ("purchase", 3), "revenue": ("purchase", 3)}
    found: dict[tuple[str, str, str, str], list[float]] = defaultdict(lambda: [0, 0, 0.0, 0.0])
    exposures = countable(events, row_ends)
    for visitor in {e["visitor"] for e in exposures}:
        enrolling = min(
            (e for e in exposures if e["visitor"] == visitor),
            key=lambda e: (e["assigned_at"], e["id"]),
        )
        for goal, (name, days) in goals.items():
            start = enrolling["assigned_at"]
            hits = [
                e["properties"].get("amount", 0)
                for e in events
                if e["type"] == "event"
                and e["visitor"] == visitor
                and e["event"] == name
                and start <= e["at"] <= start + days * DAY_MS
            ]
            value = {
                "signup": min(len(hits), 1),
                "orders": min(len(hits), 3),
                "revenue": min(sum(hits), 100),
            }[goal]
            for segment in ["", *enrolling["groups"]]:
                total = found[enrolling["allocation"], enrolling["arm"], goal, segment]
                for place, part in enumerate((1, bool(hits), value, value**2)):
                    total[place] += part
    return {key: tuple(total) for key, total in found.items()}


def conflicts(events: Sequence[Mapping[str, Any]], row_ends: Mapping[str, int]) -> int:
    """How many visitors were seen in two arms."""
    arms: dict[str, set[str]] = defaultdict(set)
    for event in countable(events, row_ends):
        arms[event["visitor"]].add(event["arm"])
    return sum(len(seen) > 1 for seen in arms.values())


def history(send: Any, draw: Random) -> list[dict[str, Any]]:
    """Events of a few visitors over five days, some of them odd."""
    start_ms = 20_000 * DAY_MS
    events = []
    for visitor in ("ann", "bob", "cas", "dee"):
        for _ in range(draw.randrange(7)):
            at_ms = start_ms + draw.randrange(5 * 24) * DAY_MS // 24
            kind = draw.choice(["exposure", "sign_up", "purchase"])
            if kind == "exposure":
                allocation = draw.choice(["welcome.1.1.0", "welcome.1.2.0", "welcome.1.7.0"])
                groups = draw.choice([[], ["customers"]])
                event = send.exposure(
                    visitor,
                    draw.choice(["control", "bold", "bold", "bold"]),
                    at=at_ms,
                    assigned_at=at_ms - draw.choice([0, 0, DAY_MS // 2]),
                    allocation=allocation,
                    groups=groups,
                )
            else:
                amount = {"amount": draw.randrange(0, 4_000) / 100} if kind == "purchase" else {}
                event = send.event(visitor, kind, at=at_ms, properties=amount)
            events.append(event)
    return events


@pytest.mark.parametrize("seed", range(30))
def test_any_order_of_delivery_gives_the_sums_of_a_recount(
    service: Service, send: Any, clock: Any, seed: int
) -> None:
    draw = Random(seed)
    ends = {"welcome.1.1.0": clock() + 2 * DAY_MS, "welcome.1.2.0": clock() + 3 * DAY_MS}
    for _ in range(2):
        service.tick(clock.advance(days=1))
    clock.advance(days=4)
    events = history(send, draw)
    delivered = [*events, *draw.sample(events, len(events) // 3)]
    draw.shuffle(delivered)

    while delivered:
        size = draw.randint(1, 6)
        service.ingest(delivered[:size])
        delivered = delivered[size:]

    assert sums(service) == recount(events, ends)
    assert len(rows(service, schema.events)) == len(events)
    assert rows(service, schema.runs)[0].conflicts == conflicts(events, ends)


@pytest.mark.parametrize("seed", range(10))
def test_the_ledger_is_what_erased_visitors_leave_of_the_sums(
    service: Service, send: Any, clock: Any, seed: int
) -> None:
    draw = Random(seed)
    ends = {"welcome.1.1.0": clock() + 2 * DAY_MS}
    clock.advance(days=6)
    events = history(send, draw)
    service.ingest(events)
    before = sums(service)

    service.erase("ann")
    service.erase("ann")

    assert sums(service) == before
    gone = [event for event in events if event["visitor"] == "ann"]
    assert sums(service, schema.ledger) == recount(gone, ends)
