"""Somebody makes up rewards for a variant: what it does, what is noticed, and how it is undone.

A site without storage shows one of three variants on each page view; clicks come back with the
receipts of their views. Everything goes through the service: deciding weights, receipts, intake,
learning, publication. The weights move by at most 20 % of the traffic from one hour to the next.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from tests.server.conftest import DEFINITIONS, Clock, Sender

from byleave.experiments import Allocation, Definitions
from byleave.sdk.receipts import Receipt, mint
from byleave.segments import read
from byleave.server import schema
from byleave.server.audit import Action
from byleave.server.service import Service

RATES = {"control": 0.06, "bold": 0.10, "calm": 0.05}
ARMS = [*RATES]
BEST, WORST = "bold", "calm"
VIEWS_PER_HOUR = 2_500
#: From then on weights follow what is learned; before, they are equal.
WARM_HOURS = 24
HOURS = 34
ADVERSARIES = 0.05

SEEDS = [pytest.param(seed, marks=[pytest.mark.long] if seed else []) for seed in range(20)]


def definitions() -> Definitions:
    data: dict[str, Any] = deepcopy(DEFINITIONS)
    del data["goals"]["orders"], data["goals"]["revenue"]
    data["goals"]["signup"]["within"] = "page"
    data["storage_free_measurement"] = ["default"]
    experiment = data["experiments"]["welcome"]
    experiment["unit"] = "view"
    experiment["goals"] = {"primary": "signup"}
    del experiment["report_by"]
    experiment["allocate"] |= {"largest_step": 0.2}
    return read(Definitions, data)


@dataclass
class Site:
    """A site and its visitors, some of whom may be made up.

    Attributes:
        shares: The best arm's weight, hour by hour.
        made_up: The page views of adversaries.
        frozen_after: How many hours of an attack went by before the weights were frozen.
    """

    folder: Path
    seed: int
    shares: list[float] = field(default_factory=list)
    made_up: list[str] = field(default_factory=list)
    frozen_after: int | None = None

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.send = Sender(self.clock)
        self.draw = Random(self.seed)
        self.service = Service(
            self.folder / "byleave.db", site="shop", clock=self.clock, seed=f"tests {self.seed}"
        )
        self.service.publish(definitions(), reason="first", author="tests")

    @property
    def row(self) -> Allocation:
        [row] = self.service.published.snapshot.runs["welcome"].allocations
        return row

    def live(self, hours: int, *, adversaries: float = 0.0) -> None:
        """Let hours go by, in which some of the views are those of adversaries."""
        for hour in range(hours):
            row, events, rewards = self.row, [], []
            self.shares.append(row.weights[BEST])
            arms = self.draw.choices([*row.weights], [*row.weights.values()], k=VIEWS_PER_HOUR)
            for arm in arms:
                view = f"view-{self.send.id()}"
                events.append(self.send.exposure(view, arm, allocation=row.id))
                is_made_up = self.draw.random() < adversaries
                if is_made_up:
                    self.made_up.append(view)
                if arm == WORST if is_made_up else self.draw.random() < RATES[arm]:
                    rewards.append(self.reward(view, row, arm))
            self.service.ingest(events)
            assert self.service.ingest(rewards, is_trusted=False).refused == ()
            self.service.tick(self.clock.advance(hours=1))
            if adversaries and self.frozen_after is None and self.service.frozen():
                self.frozen_after = hour + 1

    def reward(self, view: str, row: Allocation, arm: str, *, key: str = "") -> dict[str, Any]:
        receipt = Receipt(view, self.clock(), ((row.id, ARMS.index(arm)),))
        signed = mint(receipt, key or self.service.published.snapshot.receipt_key)
        return {
            "type": "reward",
            "id": self.send.id(),
            "at": self.clock(),
            "receipt": signed,
            "goal": "signup",
        }

    def sums(self) -> set[tuple[Any, ...]]:
        """What was learned, rows of nothing left out."""
        with self.service.storage.reading() as connection:
            found = connection.execute(select(schema.stratum_stats)).all()
        return {tuple(row) for row in found if row.units}

    def alarms(self) -> list[str]:
        return [e.subject for e in self.service.library.audit() if e.action == Action.FROZEN]


@pytest.mark.parametrize("seed", SEEDS)
def test_rewards_without_a_receipt_of_their_own_change_nothing(seed: int, tmp_path: Path) -> None:
    site = Site(tmp_path, seed)
    site.live(2)
    row, before = site.row, site.sums()
    view = f"view-{site.send.id()}"
    site.service.ingest([site.send.exposure(view, BEST, allocation=row.id)])
    honest = site.reward(view, row, BEST)
    site.service.ingest([honest], is_trusted=False)
    after = site.sums()

    forged = [site.reward(view, row, WORST, key="guessed") for _ in range(200)]
    bare = [site.send.event("anybody") for _ in range(200)]
    shown = [site.send.exposure("anybody", WORST, allocation=row.id) for _ in range(200)]
    refused = [
        site.service.ingest(events, is_trusted=False).refused for events in (forged, bare, shown)
    ]
    again = [honest | {"id": site.send.id()} for _ in range(200)]
    site.service.ingest(again, is_trusted=False)
    told = site.sums()
    site.service.close()

    assert [len(each) for each in refused] == [200, 200, 200]
    assert told == after != before


@pytest.mark.parametrize("seed", SEEDS)
def test_adversaries_with_receipts_are_frozen_and_what_they_did_is_undone(
    seed: int, tmp_path: Path
) -> None:
    """From 24 hours on one in twenty views is an adversary's, who rewards the worst arm."""
    site = Site(tmp_path, seed)
    site.live(WARM_HOURS)
    clean = site.sums()
    calm = site.service.frozen()
    site.live(HOURS - WARM_HOURS, adversaries=ADVERSARIES)
    held = site.shares[-1]
    poisoned = site.sums()
    units = sum(row[6] for row in poisoned)

    gone = site.service.purge(site.made_up, author="tests")
    left = site.sums()
    rebuilt = site.service.books.rebuild()
    late = site.service.ingest([site.send.exposure(site.made_up[0], WORST)])
    site.service.thaw("welcome", author="tests")
    site.live(6)
    alarms = site.alarms()
    site.service.close()

    assert calm == set()
    assert site.frozen_after is not None
    assert site.frozen_after <= 3
    assert alarms == ["welcome.1"]
    assert held == site.shares[WARM_HOURS + site.frozen_after]
    assert gone.enrolments == len(site.made_up)
    assert gone.sealed == 0
    assert sum(row[6] for row in left) == units - len(site.made_up)
    assert rebuilt.differences == []
    assert clean <= left
    assert late.accepted == 0
    assert site.shares[-1] > 0.8


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_frozen_where_nobody_cheats(seed: int, tmp_path: Path) -> None:
    site = Site(tmp_path, seed)
    site.live(HOURS)
    frozen = site.service.frozen()
    site.service.close()

    assert frozen == set()
    assert site.shares[-1] > 0.8
