"""Traces: what slots showed, by OpenTelemetry's own SDK, and nothing of the visitor."""

from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.semconv._incubating.attributes import feature_flag_attributes as names

from byleave.sdk.otel import span_event


@pytest.fixture
def traced() -> Any:
    """Wraps an application in a span; `spans` holds those that have ended."""
    tracer = TracerProvider().get_tracer("tests")

    class Traced:
        def __init__(self) -> None:
            self.spans: list[ReadableSpan] = []

        def __call__(self, app: Any) -> Any:
            async def within_span(scope: Any, receive: Any, send: Any) -> None:
                with tracer.start_as_current_span("GET /") as span:
                    await app(scope, receive, send)
                assert isinstance(span, ReadableSpan)
                self.spans.append(span)

            return within_span

        @property
        def events(self) -> list[tuple[str, dict[str, Any]]]:
            return [(e.name, dict(e.attributes or {})) for s in self.spans for e in s.events]

    return Traced()


def test_what_a_slot_showed_is_an_event_of_the_requests_span(
    kit: Any, personalise: Any, traced: Any
) -> None:
    browser = kit.browser(traced(personalise(consent=kit.granted, on_served=span_event)))

    browser.get()

    assert traced.events == [
        (
            "feature_flag.evaluation",
            {
                names.FEATURE_FLAG_KEY: "hero",
                names.FEATURE_FLAG_PROVIDER_NAME: "byleave",
                names.FEATURE_FLAG_RESULT_VARIANT: "b",
                names.FEATURE_FLAG_RESULT_REASON: "split",
                names.FEATURE_FLAG_VERSION: "0.0",
            },
        )
    ]


def test_who_does_not_allow_analytics_is_not_traced(
    kit: Any, personalise: Any, traced: Any
) -> None:
    browser = kit.browser(traced(personalise(consent=kit.refused, on_served=span_event)))

    browser.get()

    assert len(traced.spans) == 1
    assert traced.events == []


def test_without_a_span_nothing_happens(kit: Any, personalise: Any) -> None:
    site = personalise(consent=kit.granted, on_served=span_event)

    assert b"Variant" in kit.browser(site).get().body


def test_a_trace_that_fails_costs_neither_the_page_nor_the_exposure(
    kit: Any, personalise: Any, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(decision: Any, version: str) -> None:
        raise RuntimeError("no collector")

    site = personalise(server=server, consent=kit.granted, on_served=failing)
    site.client.poll()
    answer = kit.browser(site).get()
    site.client.flush()

    assert b"Variant" in answer.body
    assert [e["type"] for e in server.events].count("exposure") == 1
    assert "not told of what was served" in caplog.text
