"""What takes long to work out is kept for a while, and never beyond a publication."""

from itertools import count

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.console.keeping import MINUTE_MS, kept
from byleave.server.service import Service

from .conftest import DEFINITIONS, Clock


def test_what_was_made_lasts_as_long_as_it_says(service: Service, clock: Clock) -> None:
    numbers = count(1)

    def ask(name: str, minutes: int) -> int:
        return kept(service, name, numbers.__next__, lasts_ms=lambda _: minutes * MINUTE_MS)

    clock.now_ms -= clock.now_ms % (10 * MINUTE_MS)
    assert ask("short", 1) == ask("short", 1) == 1
    assert ask("long", 10) == 2

    clock.now_ms += MINUTE_MS
    assert ask("short", 1) == 3
    assert ask("long", 10) == 2

    clock.now_ms += 9 * MINUTE_MS - 1
    assert ask("long", 10) == 2
    clock.now_ms += 1
    assert ask("long", 10) == 4

    changed = read(Definitions, DEFINITIONS | {"holdout": "7%"})
    service.publish(changed, reason="another share", author="tests")
    assert ask("long", 10) == 5
