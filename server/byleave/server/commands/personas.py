"""Personas: people made up to ask what segments and experiments make of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self, cast

from byleave.experiments import Assignments, Decider, Definitions, Sticky, Visitor, local_snapshot
from byleave.segments import (
    Choice,
    Consent,
    Facts,
    Fault,
    Path,
    Profile,
    Purpose,
    Reader,
    Scalar,
    unknown_name,
)
from byleave.segments.consent.purposes import CHOOSABLE
from byleave.segments.consent.regions import is_place, regime_of
from byleave.server.commands.moments import Instant, Moment


@dataclass(frozen=True, slots=True)
class Choices:
    """What a persona says to each purpose, written `all`, `none`, or purpose by purpose."""

    choices: Mapping[Purpose, Choice] = field(default_factory=dict[Purpose, Choice])

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read one word for all purposes, or a mapping of purposes that leaves the rest unset."""
        if data == "all":
            return cls(dict.fromkeys(CHOOSABLE, Choice.GRANTED))
        if data == "none":
            return cls(dict.fromkeys(CHOOSABLE, Choice.DENIED))
        if not isinstance(data, Mapping):
            reader.fault(path, "expected `all`, `none`, or a mapping of purposes")
            return None
        reader.keys(data, CHOOSABLE, path)
        return cls(
            {
                Purpose(key): reader.read(Choice, choice, (*path, key))
                for key, choice in data.items()
                if key in CHOOSABLE
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something a persona did."""

    event: str
    at: Moment = field(default_factory=Moment)
    properties: Mapping[str, Scalar | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """Somebody made up.

    Attributes:
        persona: The name by which tests call them.
        title: Who they are, for people.
        now: When they come; the present where None.
        region: Where they are, as a country code that consent's rule follows from.
        consent: What they agreed to; nothing is said where it is left out.
        attributes: Values by name, from the request, the site and the server.
        events: What they did, in any order.
        visitor: Their id, from which arms are drawn; their name where None.
        arms: The arm they already have, by experiment.
    """

    persona: str = "persona"
    title: str = ""
    now: Instant | None = None
    region: str | None = None
    consent: Choices = Choices()
    attributes: Mapping[str, Scalar | tuple[str, ...]] = field(default_factory=dict)
    events: tuple[Deed, ...] = ()
    visitor: str | None = None
    arms: Mapping[str, str] = field(default_factory=dict)

    def faults(self, definitions: Definitions) -> Iterator[Fault]:
        """Yield a fault for a region that is none, and each name the definitions do not have."""
        if self.region is not None and not is_place(self.region):
            wanted = "expected a country such as DE, or a state such as US-CA"
            yield Fault(("region",), f"{wanted}, got {self.region!r}")
        for name in self.attributes:
            if name not in definitions.attributes:
                yield unknown_name("attribute", name, definitions.attributes, ("attributes", name))
        for index, deed in enumerate(self.events):
            path: Path = ("events", index)
            if deed.event not in definitions.events:
                yield unknown_name("event", deed.event, definitions.events, (*path, "event"))
                continue
            properties = definitions.events[deed.event].properties
            for name in deed.properties:
                if name not in properties:
                    yield unknown_name("property", name, properties, (*path, "properties", name))
        for key, arm in self.arms.items():
            path = ("arms", key)
            if key not in definitions.experiments:
                yield unknown_name("experiment", key, definitions.experiments, path)
            elif arm not in definitions.experiments[key].variants:
                yield unknown_name("arm", arm, definitions.experiments[key].variants, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A persona at one moment before one set of definitions.

    Attributes:
        decider: What decides.
        visitor: What deciding knows of the persona.
        facts: The truth of every segment.
        now_ms: The moment.
    """

    decider: Decider
    visitor: Visitor
    facts: Facts
    now_ms: int


def standing(
    persona: Persona, definitions: Definitions, *, now_ms: int, decider: Decider | None = None
) -> Standing:
    """Return how a persona stands before a set of definitions.

    Args:
        persona: The persona, of one whose `faults` are none.
        definitions: The set.
        now_ms: The present, for a persona that says no time.
        decider: What decides; where None, what a site without a server decides by.
    """
    now_ms = now_ms if persona.now is None else persona.now
    decider = decider or Decider(local_snapshot(definitions, now_ms=now_ms))
    consent = Consent(
        persona.consent.choices,
        regime_of(persona.region, definitions.regions),
        source="persona",
        at_ms=now_ms,
    )

    def facts(profile: Profile, at_ms: int) -> Facts:
        return decider.rules.facts(
            consent=consent, attributes=persona.attributes, profile=profile, now_ms=at_ms
        )

    profile = Profile()
    deeds = [(deed.at.before(now_ms), deed) for deed in persona.events]
    for at_ms, deed in sorted(deeds, key=lambda timed: timed[0]):
        profile = decider.rules.record(
            profile, deed.event, deed.properties, at_ms=at_ms, now_ms=at_ms, consent=consent
        )
        profile, _ = facts(profile, at_ms).advance()
    profile = decider.rules.expire(profile, now_ms=now_ms)
    visitor = Visitor(
        id=persona.visitor or persona.persona,
        view=persona.visitor or persona.persona,
        consent=consent,
        attributes=cast("Mapping[str, Scalar]", persona.attributes),  # lists are values, too
        region=persona.region,
        profile=profile,
        assignments=_assignments(persona, decider, now_ms),
    )
    return Standing(decider=decider, visitor=visitor, facts=facts(profile, now_ms), now_ms=now_ms)


def _assignments(persona: Persona, decider: Decider, now_ms: int) -> Assignments:
    runs = decider.snapshot.runs
    return Assignments(
        sticky={
            runs[key].id: Sticky(arm=arm, allocation="persona", assigned_at_ms=now_ms)
            for key, arm in persona.arms.items()
        }
    )
