"""Webhooks: who is told what, for which purpose, and how they know that it is us.

Signatures are those of Standard Webhooks 1.0 (https://www.standardwebhooks.com): HMAC-SHA-256
over id, time and body.
"""

import base64
import hmac
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row

from byleave.segments import Purpose
from byleave.server import schema
from byleave.server.batches import drop_rows, put_rows, site_rows
from byleave.server.outbound import check_url
from byleave.server.sites import Entropy, Site

#: What a topic looks like: a kind, and one name, or `*` for any.
TOPIC: Final = r"(goal|segment|experiment):(\*|[a-z0-9][a-z0-9._-]{0,127})"

_SECRET: Final = "whsec_"  # noqa: S105  # the prefix by which receivers know a secret


class Kind(StrEnum):
    """What a message says."""

    GOAL_REACHED = "goal.reached"
    SEGMENT_ENTERED = "segment.entered"
    SEGMENT_LEFT = "segment.left"
    EXPERIMENT_STATUS = "experiment.status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Somebody who is told.

    Attributes:
        key: Its name.
        url: Where messages go.
        topics: What it is told: `goal:signup`, `segment:*`, `experiment:*` and so on.
        use: The purpose that the receiver serves. Of visitors it is told only what they let
            be used for it.
    """

    key: str
    url: str
    topics: tuple[str, ...]
    use: Purpose = Purpose.MARKETING

    def wants(self, topic: str) -> bool:
        """Whether it is told of `goal:signup`, for example."""
        return any(fnmatchcase(topic, wanted) for wanted in self.topics)

    @property
    def wants_segments(self) -> bool:
        """Whether it is told of any segment."""
        return any(topic.startswith("segment:") for topic in self.topics)


def put_webhook(connection: Connection, site: Site, webhook: Webhook, *, entropy: Entropy) -> str:
    """Keep a webhook, in place of the one that has its name; return its secret.

    Who had a secret before keeps it.

    Raises:
        UnsafeUrlError: Its URL is none that may be asked.
        ValueError: A topic is none.
    """
    check_url(webhook.url)
    for topic in webhook.topics:
        if not re.fullmatch(TOPIC, topic):
            raise ValueError("expected topics such as goal:signup, segment:* or experiment:*")
    known = _rows(connection, site).get(webhook.key)
    secret = known.secret if known else new_secret(entropy(f"webhook/{webhook.key}"))
    topics = json.dumps(sorted(set(webhook.topics)))
    row = (site.key, webhook.key, webhook.url, secret, topics, str(webhook.use))
    put_rows(connection, schema.webhooks, [row])
    return secret


def drop_webhook(connection: Connection, site: Site, key: str) -> None:
    """Forget a webhook, and all that it was still to be told."""
    for table in (schema.webhooks, schema.outbox):
        drop_rows(connection, table, site=site.key, column="webhook", value=key)


def read_webhooks(connection: Connection, site: Site) -> list[Webhook]:
    """Return every webhook of a site, by name."""
    return [
        Webhook(
            key=row.webhook,
            url=row.url,
            topics=tuple(json.loads(row.topics)),
            use=Purpose(row.use),
        )
        for _, row in sorted(_rows(connection, site).items())
    ]


def read_secrets(connection: Connection, site: Site) -> dict[str, str]:
    """Return the secret of each webhook."""
    return {key: row.secret for key, row in _rows(connection, site).items()}


def new_secret(random: bytes) -> str:
    """Return 32 random bytes as Standard Webhooks writes a secret."""
    return _SECRET + base64.b64encode(random).decode()


def body_of(kind: Kind, data: Mapping[str, Any], *, at_ms: int) -> str:
    """Return the body of a message about what happened then."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return json.dumps({"type": str(kind), "timestamp": moment, "data": dict(data)})


def beginning_of(kind: Kind) -> str:
    """Return how the body of every message of a kind begins."""
    return json.dumps({"type": str(kind)}).removesuffix("}")


def signed(secret: str, message: str, body: bytes, *, now_ms: int) -> dict[str, str]:
    """Return the headers that say which message a body is, when it was sent, and by whom."""
    key = base64.b64decode(secret.removeprefix(_SECRET))
    sent = str(now_ms // 1000)
    digest = hmac.digest(key, b".".join([message.encode(), sent.encode(), body]), sha256)
    return {
        "Content-Type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": sent,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def of_use(webhooks: Iterable[Webhook], uses: Collection[Purpose]) -> list[Webhook]:
    """Return the webhooks whose purpose is one of some."""
    return [webhook for webhook in webhooks if webhook.use in uses]


def _rows(connection: Connection, site: Site) -> dict[str, Row[Any]]:
    return {row.webhook: row for row in site_rows(connection, schema.webhooks, site=site.key)}
