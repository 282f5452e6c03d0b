"""What one site tells others: its webhooks, and the work of telling them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import httpx2
from sqlalchemy import Connection, Row

from byleave.experiments import Definitions, Snapshot
from byleave.server import outbox, schema
from byleave.server.outbound import Outbound, UnsafeUrlError
from byleave.server.publishing import current_version
from byleave.server.sites import Entropy, Site
from byleave.server.storage import Storage
from byleave.server.telling import tell_of_statuses
from byleave.server.watching import (
    Watch,
    everybody_since_ms,
    is_due,
    judge_due,
    mark_everybody,
    mark_next,
)
from byleave.server.webhooks import (
    Webhook,
    drop_webhook,
    put_webhook,
    read_secrets,
    read_webhooks,
    signed,
)

_log = logging.getLogger("byleave.server")

#: Messages under way at once, so that all are answered, or given up, within their lease.
_AT_ONCE: Final = 25
#: Visitors that one transaction judges: a few milliseconds during which events wait.
_JUDGED_AT_ONCE: Final = 50
#: Visitors that one transaction marks to be judged, where everybody is.
_MARKED_AT_ONCE: Final = 500


class Outreach:
    """The webhooks of one site of one store."""

    def __init__(
        self, storage: Storage, site: Site, *, clock: Callable[[], int], entropy: Entropy
    ) -> None:
        """Tell nobody anything yet."""
        self._storage = storage
        self._site = site
        self._clock = clock
        self._entropy = entropy
        self._draw = Random()
        # Until when each webhook rests that did not answer in time.
        self._rests: dict[str, int] = {}
        self._watched: tuple[Definitions, list[Webhook], Watch] | None = None
        # Who of everybody was marked last, and since when everybody is to be judged.
        self._marked = ("", 0)

    def put(self, webhook: Webhook) -> str:
        """Keep a webhook, in place of the one that has its name; return its secret.

        Whoever is in one of its segments already counts as having entered it.

        Raises:
            UnsafeUrlError: Its URL is none that may be asked.
            ValueError: A topic is none.
        """
        with self._storage.writing() as connection:
            secret = put_webhook(connection, self._site, webhook, entropy=self._entropy)
            if webhook.wants_segments:
                mark_everybody(connection, self._site.key, now_ms=self._clock())
        return secret

    def drop(self, key: str) -> bool:
        """Forget a webhook and what it was still to be told; return whether there was one."""
        with self._storage.writing() as connection:
            is_known = any(each.key == key for each in read_webhooks(connection, self._site))
            drop_webhook(connection, self._site, key)
        return is_known

    def try_again(self, key: str) -> int:
        """Send what a webhook did not take once more; return how many messages that are."""
        with self._storage.writing() as connection:
            return outbox.try_again(connection, self._site, key, now_ms=self._clock())

    def webhooks(self) -> list[tuple[Webhook, int, int]]:
        """Return each webhook, how many messages wait for it, and how many are put aside."""
        with self._storage.reading() as connection:
            waiting = outbox.waiting(connection, self._site)
            known = read_webhooks(connection, self._site)
        return [(each, *waiting.get(each.key, (0, 0))) for each in known]

    def judge(self, snapshot: Snapshot) -> int:
        """Judge visitors whose segments may have changed; return 0 once there are none.

        By a snapshot that is no longer the newest it judges nobody.
        """
        definitions = snapshot.definitions
        with self._storage.reading() as connection:
            if not is_due(connection, self._site.key, schema.watched, now_ms=self._clock()):
                return 0
            # What takes long is done before anybody has to wait for it.
            self._watch(definitions, read_webhooks(connection, self._site))
        with self._storage.writing() as connection:
            if current_version(connection, self._site) != snapshot.version:
                return 0
            judged = judge_due(
                connection,
                self._site,
                definitions,
                self._watch(definitions, read_webhooks(connection, self._site)),
                most=_JUDGED_AT_ONCE,
                now_ms=self._clock(),
            )
            if judged == _JUDGED_AT_ONCE:
                return judged
            marked = self._mark_more(connection)
        if marked is not None:  # and committed
            self._marked = marked
        return judged + (marked is not None)

    def tell_statuses(self, statuses: Callable[[], dict[str, str]]) -> None:
        """Tell of experiments whose status is not what it was; work it out only if told."""
        with self._storage.reading() as connection:
            webhooks = read_webhooks(connection, self._site)
        if any(topic.startswith("experiment:") for each in webhooks for topic in each.topics):
            found = statuses()
            with self._storage.writing() as connection:
                tell_of_statuses(connection, self._site, found, now_ms=self._clock())

    async def deliver(self, outbound: Outbound) -> int:
        """Send messages that are due; return how many there were."""
        rows, known, secrets = await asyncio.to_thread(self.claim)
        sending = [asyncio.create_task(self._send(outbound, row, known, secrets)) for row in rows]
        try:
            if sending:
                await asyncio.wait(sending)
        finally:  # also when the process ends meanwhile: what was taken is not sent again
            answered = [
                (row, task.result()) for row, task in zip(rows, sending, strict=True) if task.done()
            ]
            for task in sending:
                task.cancel()
            if answered:
                await asyncio.to_thread(self._settle, answered)
        return len(rows)

    def claim(self) -> tuple[Sequence[Row[Any]], dict[str, Webhook], dict[str, str]]:
        """Return messages to send now, with the webhooks and secrets that they need."""
        now_ms = self._clock()
        with self._storage.reading() as connection:
            if not is_due(connection, self._site.key, schema.outbox, now_ms=now_ms):
                return [], {}, {}
        with self._storage.writing() as connection:
            resting = [key for key, until_ms in self._rests.items() if now_ms < until_ms]
            rows = outbox.claim(
                connection, self._site, most=_AT_ONCE, resting=resting, now_ms=now_ms
            )
            known = {each.key: each for each in read_webhooks(connection, self._site)}
            return rows, known, read_secrets(connection, self._site)

    async def _send(
        self,
        outbound: Outbound,
        row: Row[Any],
        known: dict[str, Webhook],
        secrets: dict[str, str],
    ) -> str | None:
        """Return why a message was not taken; None when it was."""
        body = row.body.encode()
        headers = signed(secrets[row.webhook], row.id, body, now_ms=self._clock())
        try:
            status = await outbound.post(known[row.webhook].url, body, headers)
        except UnsafeUrlError as error:
            return str(error)
        except TimeoutError:
            self._rests[row.webhook] = self._clock() + outbox.REST_MS
            return "no answer in time"
        except httpx2.HTTPError as error:
            return f"no answer: {type(error).__name__}"
        return None if 200 <= status < 300 else f"answered {status}"

    def _settle(self, answered: Sequence[tuple[Row[Any], str | None]]) -> None:
        now_ms = self._clock()
        with self._storage.writing() as connection:
            for row, fault in answered:
                if fault is None:
                    outbox.settle_taken(connection, self._site, row.id)
                else:
                    outbox.settle_failed(
                        connection, self._site, row, fault, draw=self._draw, now_ms=now_ms
                    )
            for key in {row.webhook for row, fault in answered if fault is not None}:
                if dropped := outbox.drop_oldest(connection, self._site, key):
                    about = {"webhook": key, "messages": dropped}
                    _log.warning("a webhook takes too little: messages let go", extra=about)

    def _mark_more(self, connection: Connection) -> tuple[str, int] | None:
        """Mark some more visitors, and return the last; None unless everybody is to be judged.

        A process that begins anew marks everybody from the first on, which costs time only.
        """
        since_ms = everybody_since_ms(connection, self._site.key)
        if since_ms is None:
            return None
        last, known_since_ms = self._marked
        last = mark_next(
            connection,
            self._site.key,
            last if since_ms == known_since_ms else "",
            most=_MARKED_AT_ONCE,
            now_ms=self._clock(),
        )
        return last, since_ms

    def _watch(self, definitions: Definitions, webhooks: list[Webhook]) -> Watch:
        """Return what is watched, worked out anew only where it may have changed."""
        known = self._watched
        if known is None or known[0] != definitions or known[1] != webhooks:
            known = self._watched = (definitions, webhooks, Watch.of(definitions, webhooks))
        return known[2]
