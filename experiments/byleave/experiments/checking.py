"""Checks of a whole set of definitions: every name is known, every rule of the model is kept.

Reading has seen to shapes and types; here the parts are held against each other. Each fault
names its place, what is wrong and what to do, and all are reported at once.
"""

import re
from collections.abc import Iterable, Mapping

from byleave.experiments.cells import MOST_SWITCHES, is_conditional
from byleave.experiments.decisions import ENROLLING, HOLDOUT
from byleave.experiments.definitions import (
    CONTROL,
    Definitions,
    Experiment,
    Goal,
    GoalKind,
    Policy,
    Slot,
    SlotKind,
    Unless,
    Variant,
    VariantKind,
)
from byleave.experiments.schedule import bounds_ms
from byleave.segments import (
    Fault,
    Path,
    Purpose,
    Share,
    ValueType,
    allowed_uses,
    check_vocabulary,
    unknown_name,
)

#: Floors take at most this share of the traffic; the rest is what can be learned with.
MOST_FLOORS = 0.20

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_KINDS = {
    VariantKind.FIELDS: SlotKind.CONTENT,
    VariantKind.TEMPLATE: SlotKind.CONTENT,
    VariantKind.HTML: SlotKind.CONTENT,
    VariantKind.DATA: SlotKind.DATA,
    VariantKind.NAV: SlotKind.NAVIGATION,
}


def check(definitions: Definitions) -> list[Fault]:
    """Return every fault of a set of definitions; an empty list means it can be published."""
    faults = check_vocabulary(definitions.vocabulary)
    faults += _names(definitions)
    faults += _unlesses(definitions.suppress, definitions, ("suppress",))
    for key, goal in definitions.goals.items():
        faults += _goal(goal, definitions, ("goals", key))
    for key, experiment in definitions.experiments.items():
        faults += _Experiment(experiment, definitions, ("experiments", key)).faults()
    return faults


def _names(definitions: Definitions) -> Iterable[Fault]:
    kinds: dict[str, Mapping[str, object]] = {
        "goals": definitions.goals,
        "slots": definitions.slots,
        "experiments": definitions.experiments,
    }
    for kind, named in kinds.items():
        for name in named:
            if not _NAME.fullmatch(name):
                yield Fault((kind, name), _NAME_RULE)


_NAME_RULE = "names are lower-case letters, digits, dots, hyphens and underscores, at most 64"


def _enrolling(segment: str, definitions: Definitions, path: Path) -> Iterable[Fault]:
    """A segment that leads to an enrolment is known, and may be used for what one reveals."""
    if segment not in definitions.segments:
        yield unknown_name("segment", segment, definitions.segments, path)
        return
    lacking = [use for use in ENROLLING if use not in allowed_uses(segment, definitions.vocabulary)]
    if lacking:
        yield Fault(
            path,
            f"segment {segment!r} may not be used for {' and '.join(lacking)}, which an enrolment "
            "reveals. Add the purpose to every attribute and event it reads, or leave it out.",
        )


def _unlesses(
    unlesses: tuple[Unless, ...], definitions: Definitions, path: Path
) -> Iterable[Fault]:
    for index, unless in enumerate(unlesses):
        yield from _enrolling(unless.segment, definitions, (*path, index))


def _goal(goal: Goal, definitions: Definitions, path: Path) -> Iterable[Fault]:
    event = definitions.events.get(goal.event)
    if event is None:
        yield unknown_name("event", goal.event, definitions.events, (*path, "event"))
        return
    if Purpose.ANALYTICS not in event.purposes:
        yield Fault(
            (*path, "event"),
            f"event {goal.event!r} must allow analytics, because a goal counts it",
        )
    sums = goal.kind in (GoalKind.VALUE, GoalKind.TIME)
    if not sums:
        if goal.of is not None:
            yield Fault((*path, "of"), f"a {goal.kind} goal counts events; leave `of` out")
        return
    if goal.of is None:
        yield Fault(path, f"a {goal.kind} goal sums a property; say which with `of`")
    elif event.properties.get(goal.of) is not ValueType.NUMBER:
        numbers = [name for name, kind in event.properties.items() if kind is ValueType.NUMBER]
        yield unknown_name("number property", goal.of, numbers, (*path, "of"))
    if goal.cap is None:
        yield Fault(
            path,
            f"a {goal.kind} goal needs a `cap`: the most one visitor can contribute. "
            "Without it one order could decide the experiment.",
        )


class _Experiment:
    """Checks of one experiment against the set it belongs to."""

    def __init__(self, experiment: Experiment, definitions: Definitions, path: Path) -> None:
        self.experiment = experiment
        self.definitions = definitions
        self.path = path

    def faults(self) -> Iterable[Fault]:
        yield from self._place()
        yield from self._people()
        yield from self._variants()
        yield from self._allocation()
        yield from self._goals()
        yield from self._unit()

    def _place(self) -> Iterable[Fault]:
        slots = self.definitions.slots
        if self.experiment.slot not in slots:
            yield unknown_name("slot", self.experiment.slot, slots, (*self.path, "slot"))
        try:
            bounds_ms(self.experiment.schedule)
        except ValueError as error:
            yield Fault((*self.path, "schedule"), str(error))

    def _people(self) -> Iterable[Fault]:
        experiment, definitions = self.experiment, self.definitions
        if experiment.audience is not None:
            yield from _enrolling(experiment.audience, definitions, (*self.path, "audience"))
        yield from _unlesses(experiment.unless, definitions, (*self.path, "unless"))
        for index, segment in enumerate(experiment.report_by):
            yield from _enrolling(segment, definitions, (*self.path, "report_by", index))
        if len(experiment.report_by) > 10:
            yield Fault((*self.path, "report_by"), "at most 10 reporting segments")

    def _variants(self) -> Iterable[Fault]:
        path = (*self.path, "variants")
        variants = self.experiment.variants
        control = variants.get(CONTROL)
        if control is None or control.kind is not VariantKind.SITE or is_conditional(control):
            yield Fault(path, "needs `control: site`, without conditions: the site's own content")
        if len(variants) < 2:
            yield Fault(path, "needs at least one variant besides control")
        if len(variants) > 20:
            yield Fault(path, "at most 20 variants")
        slot = self.definitions.slots.get(self.experiment.slot)
        for key, variant in variants.items():
            if key == HOLDOUT or not _NAME.fullmatch(key):
                reserved = f"{HOLDOUT!r} is reserved" if key == HOLDOUT else _NAME_RULE
                yield Fault((*path, key), reserved)
            yield from self._variant(variant, slot, (*path, key))

    def _variant(self, variant: Variant, slot: Slot | None, path: Path) -> Iterable[Fault]:
        if variant.when is not None:
            yield from _enrolling(variant.when, self.definitions, (*path, "when"))
        yield from _unlesses(variant.unless, self.definitions, (*path, "unless"))
        if slot is None or variant.kind is VariantKind.SITE:
            return
        if _KINDS[variant.kind] is not slot.kind:
            fitting = [kind for kind, place in _KINDS.items() if place is slot.kind]
            yield Fault(
                path,
                f"a {slot.kind} slot takes {' or '.join(fitting)}, not {variant.kind}",
            )
        elif variant.kind is VariantKind.FIELDS:
            if slot.template is None:
                yield Fault(path, f"slot {self.experiment.slot!r} has no template for fields")
            for name in variant.content:
                if name not in slot.fields:
                    yield unknown_name("field", name, slot.fields, (*path, "fields", name))
            for name in slot.fields:
                if name not in variant.content:
                    yield Fault((*path, "fields"), f"field {name!r} is missing")

    def _allocation(self) -> Iterable[Fault]:
        allocate, path = self.experiment.allocate, (*self.path, "allocate")
        variants = self.experiment.variants
        for index, segment in enumerate(allocate.contexts):
            yield from _enrolling(segment, self.definitions, (*path, "contexts", index))
        switches = len(allocate.contexts) + sum(map(is_conditional, variants.values()))
        if switches > MOST_SWITCHES:
            yield Fault(
                path,
                f"{switches} contexts and conditional variants together make too many cells to "
                f"learn in; use at most {MOST_SWITCHES}",
            )
        if allocate.policy is Policy.THOMPSON:
            if allocate.shares:
                yield Fault((*path, "shares"), "only `policy: fixed` has shares")
            floors = allocate.control + allocate.floor * (len(variants) - 1)
            if floors > MOST_FLOORS + 1e-9:
                yield Fault(
                    path,
                    f"control and floors add up to {Share(floors)}; keep them within "
                    f"{Share(MOST_FLOORS)}, so that there is traffic to learn with",
                )
            return
        for arm in allocate.shares:
            if arm not in variants:
                yield unknown_name("variant", arm, variants, (*path, "shares", arm))
        if allocate.shares and set(allocate.shares) != set(variants):
            yield Fault((*path, "shares"), "give every variant a share, control included")
        if allocate.shares and abs(sum(allocate.shares.values()) - 1) > 1e-9:
            total = Share(min(1.0, sum(allocate.shares.values())))
            yield Fault((*path, "shares"), f"shares must add up to 100%, not {total}")

    def _goals(self) -> Iterable[Fault]:
        goals, known = self.experiment.goals, self.definitions.goals
        named: list[tuple[str, Path]] = [
            (goals.primary, ("goals", "primary")),
            (self.experiment.allocate.goal, ("allocate", "goal")),
            *((goal, ("goals", "others", i)) for i, goal in enumerate(goals.others)),
            *((guard.goal, ("goals", "guards", i, "goal")) for i, guard in enumerate(goals.guards)),
        ]
        for goal, place in named:
            if goal not in known:
                yield unknown_name("goal", goal, known, (*self.path, *place))

    def _unit(self) -> Iterable[Fault]:
        experiment = self.experiment
        goal = self.definitions.goals.get(experiment.goals.primary)
        if experiment.unit != "view":
            return
        if experiment.cap or experiment.until:
            yield Fault(
                (*self.path, "unit"),
                "a view remembers nothing: leave `cap` and `until` out, or use `unit: visitor`",
            )
        if goal is not None and goal.within != "page":
            yield Fault(
                (*self.path, "goals", "primary"), "a view's goals end with it: use `within: page`"
            )
