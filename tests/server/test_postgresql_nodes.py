"""Two machines with two workers each come to what one alone comes to, whoever does what."""

from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.server.nodes import Nodes

pytestmark = pytest.mark.postgres


def run(database: str, *, examples: int, steps: int) -> None:
    class OnDatabase(Nodes):
        pass

    OnDatabase.database, OnDatabase.numbers = database, count()
    run_state_machine_as_test(
        OnDatabase,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_four_processes_on_one_database_end_in_the_state_of_one(database: str) -> None:
    run(database, examples=8, steps=20)


@pytest.mark.long
def test_four_processes_on_one_database_end_in_the_state_of_one_at_length(database: str) -> None:
    run(database, examples=100, steps=50)
