"""A batch of events: from what a sender brings to what the sender is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from byleave.experiments import Definitions, Snapshot
from byleave.experiments.goals import GoalKind
from byleave.sdk.crawlers import names_a_crawler
from byleave.sdk.networks import NetworkLimit
from byleave.server.events import Exposure, RefusedError, Reward, WireEvent, read_event
from byleave.server.recording import Verdict


@dataclass(frozen=True, slots=True)
class Stranger:
    """A sender with a key that stands in a page, which is anybody's.

    Attributes:
        address: Where they send from; empty where that is not known.
        agent: What their program calls itself.
    """

    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one event of a batch was not taken; `index` is its place in the batch."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of a batch of events.

    Attributes:
        accepted: How many are stored now and were not before.
        duplicates: How many were stored before.
        refused: All others.
    """

    accepted: int
    duplicates: int
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Intake:
    """The events of a batch that can be stored, by their place, and those that cannot."""

    events: dict[int, WireEvent]
    refused: tuple[Refusal, ...]

    def result(self, verdicts: Sequence[Verdict]) -> Ingested:
        """Return what to tell the sender, given what became of `events`."""
        late = [
            Refusal(index, str(verdict))
            for index, verdict in zip(self.events, verdicts, strict=True)
            if verdict not in (Verdict.ACCEPTED, Verdict.DUPLICATE)
        ]
        return Ingested(
            accepted=verdicts.count(Verdict.ACCEPTED),
            duplicates=verdicts.count(Verdict.DUPLICATE),
            refused=tuple(sorted([*self.refused, *late], key=lambda refusal: refusal.index)),
        )


def read_batch(
    items: Sequence[object],
    *,
    snapshot: Snapshot,
    now_ms: int,
    stranger: Stranger | None,
    limit: NetworkLimit,
) -> Intake:
    """Check each item of a batch by itself.

    Args:
        items: Events as plain data.
        snapshot: What the site declares, and the keys of its receipts.
        now_ms: The server's time.
        stranger: The sender, if it is no server of the site. Nobody else says what was served,
            or that a goal was reached without the receipt of the view that reached it, and
            crawlers say nothing at all.
        limit: How many goals strangers of one network may reach.
    """
    if stranger is not None and names_a_crawler(stranger.agent):
        return Intake({}, tuple(Refusal(i, "crawlers are not counted") for i in range(len(items))))
    events, refused = {}, []
    accepted = snapshot.accepted_keys(now_ms)
    for index, item in enumerate(items):
        try:
            event = read_event(
                item,
                definitions=snapshot.definitions,
                receipt_keys=accepted,
                now_ms=now_ms,
            )
            if stranger is not None:
                _check_stranger(event, snapshot.definitions)
                if isinstance(event, Reward) and not limit.take(stranger.address, now_ms=now_ms):
                    raise RefusedError("the sender's network has reached too many goals today")
        except RefusedError as error:
            refused.append(Refusal(index, str(error)))
        else:
            events[index] = event
    return Intake(events, tuple(refused))


def _check_stranger(event: WireEvent, definitions: Definitions) -> None:
    if isinstance(event, Exposure):
        raise RefusedError("exposures need a server key")
    if isinstance(event, Reward):
        if definitions.goals[event.goal].kind is GoalKind.VALUE:
            raise RefusedError("goals of value need a server key")
    elif any(goal.event == event.name for goal in definitions.goals.values()):
        raise RefusedError("what reaches a goal needs a receipt, or a server key")
