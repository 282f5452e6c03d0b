"""The OpenFeature Remote Evaluation Protocol 0.3: a flag is a slot, evaluated for a context.

The protocol has no state and no exposure: what is known of the visitor comes from the store, and
whoever serves what an evaluation says sends the exposure to `/v1/events`. An evaluation without a
value tells the caller to use its own default, which is the site's own content.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

import msgspec

from byleave.experiments import CONTROL, Decision, Definitions, Reason, Visitor
from byleave.experiments.definitions import VariantKind
from byleave.segments import Choice, Consent, Purpose, Source
from byleave.segments.consent.regions import regime_of
from byleave.server.events import VISITOR_ID
from byleave.server.http import Problem
from byleave.server.publishing import Published
from byleave.server.recalling import Recalled
from byleave.server.sites import Site

#: What a caller itself may say of a visitor; the rest is known here, or to nobody.
_SOURCES: Final = frozenset({Source.REQUEST, Source.SITE})


class ErrorCode(StrEnum):
    """What is wrong, in the words of OpenFeature."""

    PARSE_ERROR = "PARSE_ERROR"
    TARGETING_KEY_MISSING = "TARGETING_KEY_MISSING"
    INVALID_CONTEXT = "INVALID_CONTEXT"
    FLAG_NOT_FOUND = "FLAG_NOT_FOUND"
    GENERAL = "GENERAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """For whom an evaluation is, as its context says.

    Attributes:
        visitor: The targeting key.
        choices: What they agreed to, as far as the caller knows.
        region: Where they are, as a country code; None when unknown.
        attributes: The rest of the context.
    """

    visitor: str
    choices: Mapping[Purpose, Choice] = field(default_factory=dict[Purpose, Choice])
    region: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


def read_context(context: Mapping[str, Any]) -> Subject:
    """Return for whom an evaluation is.

    Raises:
        Problem: The context does not say it as is expected; no value is told.
    """
    visitor, region = context.get("targetingKey"), context.get("region")
    if visitor is None or visitor == "":
        raise _unfit("expected a targetingKey: the visitor's id", ErrorCode.TARGETING_KEY_MISSING)
    if not isinstance(visitor, str) or not re.fullmatch(VISITOR_ID, visitor):
        raise _unfit("expected as targetingKey at most 128 letters, digits and ._~:@+-")
    if region is not None and not isinstance(region, str):
        raise _unfit("expected as region a country code")
    try:
        choices = msgspec.convert(context.get("consent", {}), dict[Purpose, Choice])
    except msgspec.ValidationError:
        raise _unfit("expected as consent `granted`, `denied` or `unset` by purpose") from None
    return Subject(visitor=visitor, choices=choices, region=region, attributes=context)


def _unfit(detail: str, code: ErrorCode = ErrorCode.INVALID_CONTEXT) -> Problem:
    return Problem(422, detail, errorCode=code)


def visitor_of(asked: Subject, recalled: Recalled, definitions: Definitions) -> Visitor:
    """Return the visitor to decide for: what the caller says, and what the store knows.

    What they refused by the choice that was recorded last stays refused, whatever the caller
    says; of what no definition declares, nothing is taken.
    """
    recorded = {} if recalled.stated is None else dict(recalled.stated.choices)
    denied = {purpose: each for purpose, each in recorded.items() if each is Choice.DENIED}
    consent = Consent(
        {**recorded, **asked.choices, **denied},
        regime_of(asked.region, definitions.regions),
        source="ofrep",
    )
    refused = [purpose for purpose in Purpose if not consent.allows(purpose)]
    said = {
        name: value
        for name, value in asked.attributes.items()
        if (declared := definitions.attributes.get(name)) and declared.source in _SOURCES
        if isinstance(value, str | int | float | list)
    }
    known: dict[str, Any] = {**said, **recalled.attributes}
    return Visitor(
        id=recalled.id,
        consent=consent,
        attributes=known,
        region=asked.region,
        profile=recalled.profile.forget(refused),
        assignments=recalled.assignments,
    )


def evaluate(
    published: Published,
    site: Site,
    asked: Subject,
    recalled: Recalled,
    *,
    now_ms: int,
    flag: str | None = None,
) -> list[dict[str, Any]]:
    """Return the evaluation of one flag, or of all.

    Reporting segments are told with a single flag only: evaluations of all are made for browsers,
    and who is in a segment is none of theirs.
    """
    definitions = published.snapshot.definitions
    visitor = visitor_of(asked, recalled, definitions)
    slots = definitions.slots if flag is None else (flag,)
    decisions = published.decider.decide(visitor, slots, now_ms=now_ms)
    return [
        _evaluation(decision, definitions, site, asked.visitor, has_groups=flag is not None)
        for decision in decisions.values()
    ]


def undecided(slot: str) -> dict[str, Any]:
    """Return the evaluation of a flag for somebody who was not known in time."""
    return {"key": slot, "reason": "UNKNOWN", "metadata": {"reason": "not-known-in-time"}}


def _evaluation(
    decision: Decision, definitions: Definitions, site: Site, visitor: str, *, has_groups: bool
) -> dict[str, Any]:
    is_split = decision.experiment is not None and decision.reason is not Reason.NO_ALLOCATION
    metadata: dict[str, Any] = {
        "reason": str(decision.reason),
        "experiment": decision.experiment,
        "run": decision.run,
        "arm": decision.arm,
        "allocation": decision.allocation,
        "propensity": decision.propensity,
        "is_enrolling": decision.is_enrolling or None,
        "groups": ",".join(decision.groups) if has_groups and decision.groups else None,
    }
    if is_split:
        metadata["decision"] = _decision_id(decision, site, visitor)
    if decision.reason is Reason.STICKY:
        metadata["assigned_at"] = decision.assigned_at_ms
    told = {
        "key": decision.slot,
        "reason": "SPLIT" if is_split else "UNKNOWN",
        "variant": decision.variant,
        "metadata": {name: value for name, value in metadata.items() if value is not None},
    }
    if decision.experiment is None or decision.variant == CONTROL:
        return told
    variant = definitions.experiments[decision.experiment].variants[decision.variant]
    value = variant.content if variant.kind is VariantKind.DATA else decision.variant
    if value is None or isinstance(value, list | tuple):
        detail = "the data of this variant is a list or null, which the protocol cannot say"
        return {"key": decision.slot, "errorCode": ErrorCode.GENERAL, "errorDetails": detail}
    return {**told, "value": value}


def _decision_id(decision: Decision, site: Site, visitor: str) -> str:
    """Return the name of a decision: the same as long as it is, and telling nothing of whom."""
    what = "\n".join((visitor, decision.slot, f"{decision.run}", f"{decision.allocation}"))
    text = f"{what}\n{decision.arm}\n{decision.variant}".encode()
    return blake2b(text, key=site.derived("ofrep").encode(), digest_size=16).hexdigest()
