"""Processes that share one PostgreSQL database, beside one that has a store of its own.

Whatever is done, is done by any of the sharing services, or by several at once, and by the
lonely one. What is kept must come out the same, and nobody's arm may depend on who is asked.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from copy import deepcopy
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from sqlalchemy import Table, select
from tests.server.conftest import DEFINITIONS, Clock, Sender

from byleave.experiments import Definitions
from byleave.segments import Choice, Purpose, read
from byleave.server import schema
from byleave.server.deciding import DecideRequest
from byleave.server.errors import ConflictError
from byleave.server.service import Service
from byleave.server.visitors import ErasedError

#: Two machines with two workers each.
SHARING = 4
VISITORS = [f"v{number}" for number in range(8)]
AGREED = {"choices": dict.fromkeys((Purpose.PERSONALISATION, Purpose.ANALYTICS), Choice.GRANTED)}
#: All that is learned or published, and who is whom.
KEPT = (
    schema.events,
    schema.enrolments,
    schema.outcomes,
    schema.stratum_stats,
    schema.delay_stats,
    schema.ledger,
    schema.delay_ledger,
    schema.seals,
    schema.allocations,
    schema.runs,
    schema.definition_versions,
    schema.aliases,
    schema.tombstones,
    schema.receipt_keys,
    schema.sites,
)

visitors = st.sampled_from(VISITORS)
places = st.integers(0, SHARING - 1)


def at_once(calls: Iterable[Callable[[], Any]]) -> list[Any]:
    """Run calls in threads that begin together; return what each came to, or its error."""
    todo = list(calls)
    found: list[Any] = [None] * len(todo)
    ready = Barrier(len(todo))

    def run(place: int, call: Callable[[], Any]) -> None:
        ready.wait(30)
        try:
            found[place] = call()
        except Exception as error:
            found[place] = error

    threads = [Thread(target=run, args=each) for each in enumerate(todo)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


class Nodes(RuleBasedStateMachine):
    """Four services on one database, and one that is alone."""

    database: str
    numbers: Iterator[int]

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.send = Sender(self.clock)
        self.site = f"shop-{next(self.numbers)}"
        self.folder = TemporaryDirectory()
        self.sharing = [self.open(self.database) for _ in range(SHARING)]
        self.alone = self.open(str(Path(self.folder.name) / "alone.db"))
        self.states: dict[str, str] = {}
        self.arms: dict[tuple[str, str], str] = {}
        self.sent: list[dict[str, Any]] = []

    def open(self, database: str) -> Service:
        return Service(database, site=self.site, clock=self.clock, seed="tests")

    def definitions(self, traffic: int, arms: int) -> Definitions:
        data: dict[str, Any] = deepcopy(DEFINITIONS) | {"site": self.site}
        experiment = data["experiments"]["welcome"]
        experiment["traffic"] = traffic / 100
        experiment["variants"] = dict([*experiment["variants"].items()][:arms])
        return read(Definitions, data)

    def teardown(self) -> None:
        """Compare once more, recount both, and close."""
        self.all_keep_the_same()
        for service in (self.sharing[0], self.alone):
            assert service.books.rebuild().differences == []
        for service in (*self.sharing, self.alone):
            service.close()
        self.folder.cleanup()

    @initialize(place=places)
    def publish_first(self, place: int) -> None:
        for service in (self.sharing[place], self.alone):
            service.publish(self.definitions(100, 3), reason="first", author="tests")
        for service in self.sharing:
            service.refresh()

    @rule(
        place=places,
        other=places,
        traffic=st.sampled_from([50, 100]),
        arms=st.sampled_from([2, 3]),
    )
    def publish_at_once(self, place: int, other: int, traffic: int, arms: int) -> None:
        """Two publish over the same version: at most one of them gets through."""
        self.clock.now_ms += 1_000
        expected = self.alone.library.newest()
        wanted = [self.definitions(traffic, arms), self.definitions(150 - traffic, arms)]

        def publish(service: Service, definitions: Definitions) -> None:
            service.publish(definitions, reason="again", author="tests", expected=expected)

        found = at_once(
            [
                lambda: publish(self.sharing[place], wanted[0]),
                lambda: publish(self.sharing[other], wanted[1]),
            ]
        )
        for definitions, outcome in zip(wanted, found, strict=True):
            assert outcome is None or isinstance(outcome, ConflictError), outcome
            if outcome is None:
                with suppress(ConflictError):
                    publish(self.alone, definitions)

    @rule(place=places, visitor=visitors, arm=st.sampled_from(["bold", "calm", "control"]))
    def expose(self, place: int, visitor: str, arm: str) -> None:
        """A site tells of an exposure by the weights that one of the services gave it."""
        run = self.sharing[place].published.snapshot.runs["welcome"]
        row = run.allocations[0]
        if arm in row.weights:
            shown = self.send.exposure(visitor, arm, run=run.id, allocation=row.id)
            self.take([place], [[shown]])

    @rule(first=places, second=places, who=st.lists(visitors, min_size=1, max_size=6))
    def reach_goals(self, first: int, second: int, who: list[str]) -> None:
        """Two services get overlapping batches at the same time."""
        events = [self.send.event(visitor) for visitor in who]
        events += [
            self.send.event(visitor, "purchase", properties={"amount": 10 * n})
            for n, visitor in enumerate(who)
        ]
        self.take([first, second], [events[:-1], events[1:]])

    @rule(place=places, reader=places)
    def rotate_receipts(self, place: int, reader: int) -> None:
        """Whoever makes the new key, every process takes what is signed now."""
        for service in (self.sharing[place], self.alone):
            service.rotate_receipts(author="tests")
        self.take([reader], [[self.send.reward(self.sharing[place], view=self.send.id())]])

    @rule(place=places, data=st.data())
    def send_again(self, place: int, data: st.DataObject) -> None:
        if self.sent:
            again = data.draw(st.lists(st.sampled_from(self.sent), min_size=1, max_size=5))
            self.take([place], [again])

    def take(self, where: list[int], batches: list[list[dict[str, Any]]]) -> None:
        found = at_once(
            [
                partial(self.sharing[place].ingest, batch)
                for place, batch in zip(where, batches, strict=True)
            ]
        )
        refused = [outcome.refused for outcome in found]
        wanted = [self.alone.ingest(batch).refused for batch in batches]
        assert refused == wanted
        self.sent += [event for batch in batches for event in batch]

    @rule(place=places, visitor=visitors, other=visitors)
    def merge(self, place: int, visitor: str, other: str) -> None:
        if visitor != other:
            kept = []
            for service in (self.sharing[place], self.alone):
                try:
                    kept.append(service.merge(visitor, other))
                except ErasedError:
                    kept.append("erased")
            assert kept[0] == kept[1]

    @rule(place=places, visitor=visitors)
    def erase(self, place: int, visitor: str) -> None:
        for service in (self.sharing[place], self.alone):
            service.erase(visitor)
        self.states.pop(visitor, None)
        self.arms = {key: arm for key, arm in self.arms.items() if key[0] != visitor}

    @rule(hours=st.sampled_from([1, 25, 80]))
    def pass_time(self, hours: int) -> None:
        """Every process looks at the weights at the same moment, and one of them changes them."""
        self.clock.advance(hours=hours)
        at_once([partial(each.tick, self.clock()) for each in self.sharing])
        self.alone.tick(self.clock())
        at_once([each.books.seal for each in self.sharing])
        self.alone.books.seal()

    @rule(place=places)
    def hear_of_news(self, place: int) -> None:
        self.sharing[place].refresh()

    @rule(place=places, visitor=visitors)
    def decide(self, place: int, visitor: str) -> None:
        """A visitor who brings their state has one arm in a run, whoever is asked."""
        decision = self.ask(self.sharing[place], visitor, self.states.get(visitor))
        if decision.arm not in (None, "holdout"):
            known = self.arms.setdefault((visitor, decision.run), decision.arm)
            assert decision.arm == known

    @rule(visitor=visitors)
    def decide_everywhere(self, visitor: str) -> None:
        """Once all have heard of the newest version, all draw the same for somebody new."""
        for service in self.sharing:
            service.refresh()
        found = [self.ask(each, visitor, None) for each in (*self.sharing, self.alone)]
        assert found == found[:1] * len(found)

    def ask(self, service: Service, visitor: str, state: str | None) -> Any:
        request = msgspec.convert(
            {"slots": ["hero"], "visitor": visitor, "consent": AGREED}, DecideRequest
        )
        answer = service.decide(msgspec.structs.replace(request, state=state))
        if state is not None or visitor not in self.states:
            self.states[visitor] = answer["state"]
        return answer["decisions"]["hero"]

    @invariant()
    def all_keep_the_same(self) -> None:
        """The shared store holds what the store of the lonely service holds."""
        assert books(self.sharing[0]) == books(self.alone)


def books(service: Service) -> dict[str, list[str]]:
    with service.storage.reading() as connection:
        return {table.name: rows(connection, table, service.site.key) for table in KEPT}


def rows(connection: Any, table: Table, site: str) -> list[str]:
    found = connection.execute(select(table).where(table.c.site == site))
    return sorted(json.dumps([*row], default=str) for row in found)
