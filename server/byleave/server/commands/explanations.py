"""What segments and slots make of a persona, as data and as lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from byleave.experiments import CONTROL
from byleave.segments import plain
from byleave.server.commands.eligibility import reasons
from byleave.server.commands.moments import Instant
from byleave.server.commands.personas import Standing
from byleave.server.commands.validate import counted


def explanation(
    standing: Standing,
    *,
    segments: Iterable[str],
    journeys: Iterable[str],
    slots: Iterable[str],
) -> dict[str, Any]:
    """Return, as JSON-able data, what these make of a persona, and why."""
    visitor, now_ms = standing.visitor, standing.now_ms
    decisions = standing.decider.decide(visitor, slots, now_ms=now_ms)
    return {
        "visitor": visitor.id,
        "now_ms": now_ms,
        "regime": str(visitor.consent.regime),
        "consent": {str(key): str(choice) for key, choice in visitor.consent.choices.items()},
        "segments": {key: standing.facts.explain(key).to_plain() for key in segments},
        "journeys": {key: standing.facts.journey(key)._asdict() for key in journeys},
        "slots": {
            slot: {
                "variant": decision.variant,
                "reason": str(decision.reason),
                **plain(decision),
                "experiments": reasons(decision, standing),
            }
            for slot, decision in decisions.items()
        },
    }


def as_text(explained: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that say what an explanation says."""
    consent = [f"{choice} {purpose}" for purpose, choice in explained["consent"].items()]
    yield f"{explained['visitor']} at {Instant(explained['now_ms'])}"
    yield f"consent: {', '.join(consent) or 'nothing said'} ({explained['regime']})"
    for key, segment in explained["segments"].items():
        yield ""
        yield f"{key} is {segment['sentence']}"
        yield from _tree(segment["tree"], "  ")
    for key, progress in explained["journeys"].items():
        yield ""
        yield f"{key}: {counted(len(progress['reached']), 'step')} done ({progress['share']:.0%})"
        for step, at_ms in progress["reached"].items():
            yield f"  {step}, reached at {Instant(at_ms)}"
        yield f"  next: {progress['next'] or 'none'}"
    for slot, decision in explained["slots"].items():
        shown = decision["variant"]
        yield ""
        yield f"{slot} shows " + ("the site's own content" if shown == CONTROL else shown)
        for key, why in decision["experiments"].items():
            yield f"  {key}: {why}"
        if not decision["experiments"]:
            yield "  no experiment is for this slot"


def _tree(node: Mapping[str, Any], indent: str) -> Iterator[str]:
    value = f" ({json.dumps(node['value'])})" if "value" in node else ""
    yield f"  {node.get('reason', node['verdict']):<9}{indent}{node['text']}{value}"
    for inside in node.get("inside", ()):
        yield from _tree(inside, f"{indent}  ")
