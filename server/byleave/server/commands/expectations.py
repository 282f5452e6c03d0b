"""Expectations: what authors want segments and slots to make of a persona."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from byleave.experiments import Definitions
from byleave.segments import Fault, Path, Reader, Truth, unknown_name
from byleave.server.commands.eligibility import reasons
from byleave.server.commands.personas import Persona, Standing


@dataclass(frozen=True, slots=True)
class Who:
    """The persona of a test: the name of one that stands elsewhere, or the persona itself."""

    name: str | None
    persona: Persona | None

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read a name, or a persona."""
        if isinstance(data, str):
            return cls(data, None)
        return cls(None, reader.read(Persona, data, path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is expected of one persona.

    Attributes:
        test: What is tested, in words.
        persona: Of whom.
        inside: Segments that must be true.
        outside: Segments that must be false.
        undetermined: Segments that must be neither.
        sees: The variant that a slot must show; `control` for the site's own content.
    """

    test: str
    persona: Who
    inside: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    undetermined: tuple[str, ...] = ()
    sees: Mapping[str, str] = field(default_factory=dict)

    def faults(self, definitions: Definitions) -> Iterator[Fault]:
        """Yield a fault for each name that the definitions do not have."""
        for _, key, path in self._wanted():
            if key not in definitions.segments:
                yield unknown_name("segment", key, definitions.segments, path)
        for slot, variant in self.sees.items():
            path = ("sees", slot)
            known = {"control"}.union(
                *(e.variants for e in definitions.experiments.values() if e.slot == slot)
            )
            if slot not in definitions.slots:
                yield unknown_name("slot", slot, definitions.slots, path)
            elif variant not in known:
                yield unknown_name(f"variant of {slot}", variant, sorted(known), path)

    def failures(self, standing: Standing) -> Iterator[Fault]:
        """Yield a fault for each expectation that is not met, with the reason."""
        for truth, key, path in self._wanted():
            if standing.facts.segment(key).truth is not truth:
                sentence = standing.facts.explain(key).sentence
                yield Fault(path, f"expected {key} to be {truth}, but it is {sentence}")
        decisions = standing.decider.decide(standing.visitor, self.sees, now_ms=standing.now_ms)
        for slot, variant in self.sees.items():
            shown = decisions[slot].variant
            if shown != variant:
                why = [f"{key}: {said}" for key, said in reasons(decisions[slot], standing).items()]
                message = f"expected {slot} to show {variant}, but it shows {shown}"
                yield Fault(("sees", slot), "; ".join([message, *why]))

    def _wanted(self) -> Iterator[tuple[Truth, str, Path]]:
        """Yield each segment with the truth that it must have and where that is written."""
        wanted = {
            "inside": (Truth.TRUE, self.inside),
            "outside": (Truth.FALSE, self.outside),
            "undetermined": (Truth.UNDETERMINED, self.undetermined),
        }
        for name, (truth, keys) in wanted.items():
            for index, key in enumerate(keys):
                yield truth, key, (name, index)
