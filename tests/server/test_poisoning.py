"""Somebody makes up rewards for a variant: what it does, what is noticed, and how it is undone.

A site without storage shows one of three variants on each page view; clicks come back with the
receipts of their views. Everything goes through the service: deciding weights, receipts, intake,
learning, publication. The weights move by at most 20 % of the traffic from one hour to the next.
"""

from collections.abc import Sequence
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
from byleave.server.intake import Stranger
from byleave.server.service import Service

RATES = {"control": 0.06, "bold": 0.10, "calm": 0.05}
ARMS = [*RATES]
BEST, WORST = "bold", "calm"
VIEWS_PER_HOUR = 2_500
#: From then on weights follow what is learned; before, they are equal.
WARM_HOURS = 24
HOURS = 34
ADVERSARIES = 0.05
#: The networks of everybody, and of adversaries who have few.
HOMES = 40_000
FEW = 10
#: What a network may reach a day: as the default is to a site with twice the traffic.
GOALS_PER_NETWORK = 25
#: More the best arm never has, with the floors of the others.
MOST = 0.89

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
        refused: How many rewards were refused.
        shares: The best arm's weight, hour by hour.
        made_up: The page views of adversaries.
        frozen_after: How many hours of an attack went by before the weights were frozen.
    """

    folder: Path
    seed: int
    shares: list[float] = field(default_factory=list)
    made_up: list[str] = field(default_factory=list)
    frozen_after: int | None = None
    refused: int = 0

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.send = Sender(self.clock)
        self.draw = Random(self.seed)
        self.service = Service(
            self.folder / "byleave.db",
            site="shop",
            clock=self.clock,
            seed=f"tests {self.seed}",
            goals_per_network=GOALS_PER_NETWORK,
        )
        self.service.publish(definitions(), reason="first", author="tests")

    @property
    def row(self) -> Allocation:
        [row] = self.service.published.snapshot.runs["welcome"].allocations
        return row

    def live(
        self,
        hours: int,
        *,
        adversaries: float = 0.0,
        networks: int | None = None,
    ) -> None:
        """Let hours go by, in which some of the views are those of adversaries.

        Args:
            hours: How many.
            adversaries: Their share of the views.
            networks: How many networks they come from; everybody else has one of their own. None
                leaves it unknown where anybody comes from.
        """
        for hour in range(hours):
            row, events, rewards = self.row, [], list[tuple[Stranger, Any]]()
            self.shares.append(row.weights[BEST])
            arms = self.draw.choices([*row.weights], [*row.weights.values()], k=VIEWS_PER_HOUR)
            for arm in arms:
                view = f"view-{self.send.id()}"
                events.append(self.send.exposure(view, arm, allocation=row.id))
                is_made_up = self.draw.random() < adversaries
                if is_made_up:
                    self.made_up.append(view)
                if arm == WORST if is_made_up else self.draw.random() < RATES[arm]:
                    who = (
                        self.stranger(networks if is_made_up else HOMES) if networks else Stranger()
                    )
                    rewards.append((who, self.reward(view, row, arm)))
            self.service.ingest(events)
            self.take(rewards)
            self.service.tick(self.clock.advance(hours=1))
            if adversaries and self.frozen_after is None and self.service.frozen():
                self.frozen_after = hour + 1

    def stranger(self, networks: int) -> Stranger:
        """Return a browser in one of so many networks."""
        network, host = self.draw.randrange(networks), self.draw.randrange(256)
        return Stranger(f"50.{network // 256}.{network % 256}.{host}")

    def take(self, rewards: Sequence[tuple[Stranger, dict[str, Any]]]) -> None:
        """Store what pages send by themselves, each from where it is."""
        read = [self.service.read_batch([reward], stranger=who) for who, reward in rewards]
        self.refused += sum(len(intake.refused) for intake in read)
        self.service.ingestion.submit([e for each in read for e in each.events.values()]).result()

    def reward(self, view: str, row: Allocation, arm: str, *, key: str = "") -> dict[str, Any]:
        receipt = Receipt(view, self.clock(), ((row.id, ARMS.index(arm)),))
        signed = mint(receipt, key or self.service.published.snapshot.signing_key(receipt.at_ms))
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
    site.service.ingest([honest], stranger=Stranger())
    after = site.sums()

    forged = [site.reward(view, row, WORST, key="guessed") for _ in range(200)]
    bare = [site.send.event("anybody") for _ in range(200)]
    shown = [site.send.exposure("anybody", WORST, allocation=row.id) for _ in range(200)]
    refused = [
        site.service.ingest(events, stranger=Stranger()).refused for events in (forged, bare, shown)
    ]
    again = [honest | {"id": site.send.id()} for _ in range(200)]
    site.service.ingest(again, stranger=Stranger())
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
def test_adversaries_of_few_networks_hardly_move_the_weights(seed: int, tmp_path: Path) -> None:
    """One view in twenty is an adversary's from the first hour on, so no row is clean."""
    site = Site(tmp_path, seed)
    site.live(HOURS, adversaries=ADVERSARIES, networks=FEW)
    made_up = len(site.made_up)
    site.service.close()

    assert 0 < site.refused < made_up
    assert site.shares[-1] >= 0.8 * MOST


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_frozen_where_nobody_cheats(seed: int, tmp_path: Path) -> None:
    site = Site(tmp_path, seed)
    site.live(HOURS)
    frozen = site.service.frozen()
    site.service.close()

    assert frozen == set()
    assert site.shares[-1] > 0.8
