"""Who may be in an experiment by hash alone, whatever segments they are in."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from byleave.experiments.assignment import Ranges
from byleave.experiments.decisions import ENROLLING, Visitor
from byleave.experiments.definitions import Experiment
from byleave.experiments.hashes import HASHES, TRAFFIC, Draw, murmur3_32, picking
from byleave.experiments.imported import Filter, HashName, Imported
from byleave.experiments.schedule import ramp_ms
from byleave.segments import Attribute
from byleave.segments.access import may_read_attribute


class Traffic:
    """The units that an experiment takes: its share of the traffic, its part of a group.

    Attributes:
        is_limited: Whether there may be units that it does not take.

    Args:
        definition: The experiment.
        name: The algorithm that draws its traffic.
        seed: The experiment's seed.
    """

    def __init__(self, definition: Experiment, name: HashName, seed: str) -> None:
        self._moments = ramp_ms(definition.ramp, definition.schedule.timezone)
        shares = (definition.traffic, *(step.traffic for step in definition.ramp))
        self._shares = [picking(name, seed, TRAFFIC, (True, False), (share,)) for share in shares]
        self._part = None
        if (part := definition.exclusive) is not None:
            # Seeded by the group, so that the parts of all its experiments lie on one line.
            bounds = (part.start, part.end)
            self._part = picking("blake2b64", part.group, "exclusion", (False, True, False), bounds)
        self.is_limited = definition.traffic < 1 or part is not None

    def takes(self, unit: str, now_ms: int) -> bool:
        """Return whether a unit may be in the experiment at this time."""
        share = self._shares[bisect_right(self._moments, now_ms)]
        return share(unit) and (self._part is None or self._part(unit))


class ForeignSplit:
    """An imported split: who is in which arm, as the system draws that began it.

    Args:
        imported: How it draws.
        attributes: The declared attributes, some of which it hashes.
    """

    def __init__(self, imported: Imported, attributes: Mapping[str, Attribute]) -> None:
        self._imported = imported
        self._attributes = attributes
        self._arms = Ranges(imported.ranges)
        self._arm_draw = _arm_draw(imported)
        self._filters = [_Filter(part) for part in imported.filters]

    def arm(self, unit: str, visitor: Visitor) -> str | None:
        """Return the arm a visitor is in, or None for one whom the experiment does not take."""
        for part in self._filters:
            hashed = self._first(part.by, visitor) if part.by else unit
            if hashed is None or not part.takes(hashed):
                return None
        return self._arms.arm(self._arm_draw(unit))

    def unit(self, visitor: Visitor) -> str | None:
        """Return what is hashed of a visitor, or None where it is not there to be read."""
        by = self._imported.by
        return self._first(by, visitor) if by else visitor.id

    def _first(self, names: Iterable[str], visitor: Visitor) -> str | None:
        return next(filter(None, (self._text(name, visitor) for name in names)), None)

    def _text(self, name: str, visitor: Visitor) -> str:
        """Return an attribute as the text that is hashed; empty where it is not to be read."""
        collected = visitor.collected.get(name)
        if not all(
            may_read_attribute(
                self._attributes[name], use, consent=visitor.consent, collected=collected
            )
            for use in ENROLLING
        ):
            return ""
        match visitor.attributes.get(name):
            case None | bool():
                return ""
            case float(number) if number.is_integer():
                return str(int(number))
            case value:
                return str(value)


class _Filter:
    def __init__(self, definition: Filter) -> None:
        self.by = definition.by
        self._draw = HASHES[definition.hash](definition.seed, TRAFFIC)
        self._within = definition.within

    def takes(self, hashed: str) -> bool:
        point = self._draw(hashed)
        return any(part.start <= point < part.end for part in self._within)


def _arm_draw(imported: Imported) -> Draw:
    if imported.hash == "murmur3-32":
        return murmur3_32(imported.seed, "arm", buckets=imported.buckets)
    return HASHES[imported.hash](imported.seed, "arm")
