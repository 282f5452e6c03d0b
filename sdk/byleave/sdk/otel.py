"""Traces by OpenTelemetry: what each slot showed, as an event of the request's span.

Give `Personalise(…, on_served=span_event)`. The names are those of OpenTelemetry's semantic
conventions for feature flags (https://opentelemetry.io/docs/specs/semconv/feature-flags/).
Needs the extra `otel`; whoever does not give it pays nothing.
"""

from collections.abc import Mapping
from typing import Final

from opentelemetry import trace

from byleave.experiments import Decision, Reason

_REASONS: Final[Mapping[Reason, str]] = {
    Reason.ASSIGNED: "split",
    Reason.STICKY: "split",
    Reason.HOLDOUT: "split",
    Reason.FORCED: "static",
}


def span_event(decision: Decision, version: str) -> None:
    """Add what a slot showed to the current span, if that is recorded.

    Nothing in it is about the visitor: neither who they are nor why they were chosen.

    Args:
        decision: What was served.
        version: The published version that decided.
    """
    span = trace.get_current_span()
    if span.is_recording():
        span.add_event(
            "feature_flag.evaluation",
            {
                "feature_flag.key": decision.slot,
                "feature_flag.provider.name": "byleave",
                "feature_flag.result.variant": decision.variant,
                "feature_flag.result.reason": _REASONS.get(decision.reason, "default"),
                "feature_flag.version": version,
            },
        )
