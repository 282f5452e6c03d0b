"""Stages for tests: the example shop with its server, in a folder of the test's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from byleave.server.demo.browser import Page, Request
from byleave.server.demo.clock import SteppedClock
from byleave.server.demo.simulation import START_MS, Visitors, simulate
from byleave.server.demo.stage import SITE, Stage
from byleave.server.demo.transports import AsgiTransport


@dataclass(frozen=True, slots=True)
class Performance:
    """A stage after its visitors came, and every page that they were shown."""

    stage: Stage
    visitors: Visitors
    pages: list[tuple[Request, Page]]


SetStage = Callable[..., Stage]
Perform = Callable[..., Performance]


@pytest.fixture(scope="session")
def set_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetStage]:
    with ExitStack() as stack:

        def set_up(seed: int = 1, **options: Any) -> Stage:
            database = Path(tmp_path_factory.mktemp("stage")) / "demo.db"
            stage = Stage.set_up(database, clock=SteppedClock(START_MS), seed=seed, **options)
            stack.callback(stage.close)
            return stage

        yield set_up


@pytest.fixture(scope="session")
def perform(set_stage: SetStage) -> Perform:
    def run(*, seed: int = 1, count: int, **options: Any) -> Performance:
        stage = set_stage(seed, **options)
        transport = AsgiTransport(stage.shop, f"{SITE}.example")
        pages: list[tuple[Request, Page]] = []

        def recorded(request: Request) -> Page:
            page = transport(request)
            pages.append((request, page))
            return page

        visitors = simulate(stage, recorded, seed=seed, count=count, progress=lambda _: None)
        transport.close()
        return Performance(stage, visitors, pages)

    return run
