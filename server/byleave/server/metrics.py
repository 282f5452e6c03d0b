"""Figures for operators, in the format of Prometheus; about the server, never about anybody."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import accumulate
from math import inf
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from byleave.server.service import Service

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What is counted of one service."""

    def __init__(self, service: Service) -> None:
        """Begin with nothing counted."""
        self._service = service
        self._registry = CollectorRegistry()
        # Every request is counted, so that counting must cost next to nothing.
        self._answered = Counter[tuple[str, int]]()
        self._took = defaultdict[str, list[int]](lambda: [0] * (len(_SECONDS) + 1))
        self._seconds = defaultdict[str, float](float)
        self._registry.register(self)

    def text(self) -> bytes:
        """Return the figures of now."""
        return generate_latest(self._registry)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request; the route is the declared one, which holds nobody's data."""
        self._answered[route, status] += 1
        self._took[route][bisect_left(_SECONDS, seconds)] += 1
        self._seconds[route] += seconds

    def collect(self) -> Iterable[Metric]:
        """Return what is read from the service at the moment of asking."""
        yield from self._requests()
        waiting, capacity = self._service.ingestion.waiting, self._service.ingestion.capacity
        yield GaugeMetricFamily(
            "byleave_events_waiting", "Events that wait to be stored.", value=waiting
        )
        yield GaugeMetricFamily(
            "byleave_events_capacity", "Events that may wait before senders are put off.", capacity
        )
        events = CounterMetricFamily(
            "byleave_events", "Events by what became of them.", labels=["verdict"]
        )
        for verdict, count in sorted(self._service.verdicts.items()):
            events.add_metric([str(verdict)], count)
        yield events
        if (age_ms := self._service.published_age_ms()) is not None:
            yield GaugeMetricFamily(
                "byleave_publication_age_seconds",
                "How long the weights and definitions in force have been so.",
                age_ms / 1000,
            )
        yield GaugeMetricFamily(
            "byleave_frozen_runs",
            "Experiments whose weights are frozen, because one arm moved against the others.",
            len(self._service.frozen()),
        )
        outbox = GaugeMetricFamily(
            "byleave_outbox_messages", "Messages to webhooks.", labels=["webhook", "state"]
        )
        for webhook, waiting, aside in self._service.outreach.webhooks():
            outbox.add_metric([webhook.key, "waiting"], waiting)
            outbox.add_metric([webhook.key, "aside"], aside)
        yield outbox

    def _requests(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            "byleave_requests", "Requests that were answered.", labels=["route", "status"]
        )
        for (route, status), times in sorted(self._answered.items()):
            requests.add_metric([route, str(status)], times)
        yield requests
        seconds = HistogramMetricFamily(
            "byleave_request_seconds", "How long answers took.", labels=["route"]
        )
        for route, took in sorted(self._took.items()):
            until = zip(map(floatToGoString, (*_SECONDS, inf)), accumulate(took), strict=True)
            seconds.add_metric([route], [*until], self._seconds[route])
        yield seconds


class Measured:
    """An application whose answers are counted."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Count what an application answers."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and count it by its declared route."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if route != "other" else ""
            self._metrics.answered(f"{method} {route}".strip(), status, perf_counter() - began)
