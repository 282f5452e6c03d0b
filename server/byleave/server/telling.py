"""What webhooks are told, written in the transaction that makes it true."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection

from byleave.experiments import Definitions
from byleave.experiments.goals import GoalKind
from byleave.segments import Consent
from byleave.server import schema
from byleave.server.aliases import known_as, renamed
from byleave.server.batches import find_rows, put_rows, site_rows
from byleave.server.consents import newest_choices
from byleave.server.events import Happening, WireEvent
from byleave.server.outbox import Message, add_messages, drop_untold
from byleave.server.sites import Site
from byleave.server.watching import mark, mark_everybody
from byleave.server.webhooks import (
    Kind,
    Webhook,
    beginning_of,
    body_of,
    of_use,
    read_webhooks,
)


def tell_of_events(
    connection: Connection,
    site: Site,
    events: Sequence[WireEvent],
    definitions: Definitions,
    *,
    now_ms: int,
) -> None:
    """Write what webhooks are told of new events, and mark their visitors to be judged."""
    webhooks = read_webhooks(connection, site)
    if not webhooks:
        return
    theirs = renamed(connection, site.key, events)
    happened = [event for event in theirs if isinstance(event, Happening)]
    counted = {goal.event for goal in definitions.goals.values()}
    reached = [event for event in happened if event.name in counted]
    stated = _stated(connection, site, {event.visitor for event in reached})
    add_messages(connection, site, _goals(reached, definitions, webhooks, stated), now_ms=now_ms)
    visitors = {event.visitor for event in happened}
    if any(webhook.wants_segments for webhook in webhooks):
        mark(connection, site.key, visitors, now_ms=now_ms)


def tell_of_visitors(
    connection: Connection, site: Site, visitors: Collection[str], *, now_ms: int
) -> None:
    """Mark visitors to be judged who became known better, if anybody is told of segments."""
    if any(webhook.wants_segments for webhook in read_webhooks(connection, site)):
        names = known_as(connection, site.key, visitors)
        kept = {names.get(visitor, visitor) for visitor in visitors}
        mark(connection, site.key, kept, now_ms=now_ms)


def tell_no_more(connection: Connection, site: Site, visitor: str) -> None:
    """Let go what webhooks were still to be told of a visitor who no longer allows their use.

    That they left a segment is told: who knows that they were in it is not to believe so for ever.
    """
    kept = known_as(connection, site.key, {visitor}).get(visitor, visitor)
    stated = _stated(connection, site, {kept}).get(kept)
    if stated is not None:
        known = read_webhooks(connection, site)
        refused = [each.key for each in known if not stated.allows(each.use)]
        drop_untold(connection, site, kept, refused, but=beginning_of(Kind.SEGMENT_LEFT))


def rejudge(connection: Connection, site: Site, *, now_ms: int) -> None:
    """Mark everybody to be judged, if anybody is told of segments: the segments changed."""
    if any(webhook.wants_segments for webhook in read_webhooks(connection, site)):
        mark_everybody(connection, site.key, now_ms=now_ms)


def tell_of_statuses(
    connection: Connection,
    site: Site,
    statuses: Mapping[str, str],
    *,
    now_ms: int,
) -> None:
    """Write what webhooks are told of experiments whose status is not what it was."""
    webhooks, table = read_webhooks(connection, site), schema.experiment_statuses
    rows = site_rows(connection, table, site=site.key)
    before = {row.experiment: row.status for row in rows}
    changed = {key: status for key, status in statuses.items() if status != before.get(key)}
    messages = [
        Message(
            webhook=webhook.key,
            body=body_of(
                Kind.EXPERIMENT_STATUS,
                {"experiment": key, "status": status, "before": before.get(key)},
                at_ms=now_ms,
            ),
        )
        for key, status in changed.items()
        for webhook in webhooks
        if webhook.wants(f"experiment:{key}")
    ]
    add_messages(connection, site, messages, now_ms=now_ms)
    put_rows(
        connection, table, [(site.key, key, status, now_ms) for key, status in changed.items()]
    )


def _stated(connection: Connection, site: Site, visitors: Collection[str]) -> Mapping[str, Consent]:
    """Return the choice that visitors made last, by the ids under which they are kept."""
    ids = {visitor: {visitor} for visitor in visitors}
    for row in find_rows(connection, schema.aliases, site=site.key, visitor=visitors):
        ids[row.visitor].add(row.alias)
    return newest_choices(connection, site, ids)


def _goals(
    happened: Iterable[Happening],
    definitions: Definitions,
    webhooks: Iterable[Webhook],
    stated: Mapping[str, Consent],
) -> Iterable[Message]:
    """Yield what is told of goals, to those whose purpose was granted then, and is not refused."""
    for event in happened:
        choice = stated.get(event.visitor)
        allowed = [
            each
            for each in of_use(webhooks, event.uses)
            if choice is None or choice.allows(each.use)
        ]
        for key, goal in definitions.goals.items():
            if goal.event != event.name:
                continue
            data: dict[str, object] = {"visitor": event.visitor, "goal": key, "event": event.id}
            if goal.kind is GoalKind.VALUE:
                data["value"] = event.properties.get(goal.of or "", 0)
            body = body_of(Kind.GOAL_REACHED, data, at_ms=event.at_ms)
            for webhook in allowed:
                if webhook.wants(f"goal:{key}"):
                    yield Message(webhook=webhook.key, body=body, visitor=event.visitor)
