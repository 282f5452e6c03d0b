"""Checks of a whole set of definitions: every name is known, every rule of the model is kept.

Reading has seen to shapes and types; here the parts are held against each other. Each fault
names its place, what is wrong and what to do, and all are reported at once.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations
from math import inf

from byleave.experiments.checking_arms import check_arms
from byleave.experiments.checking_experiments import check_cap, check_experiment, check_unlesses
from byleave.experiments.checking_fields import check_locale
from byleave.experiments.checking_imported import check_imported
from byleave.experiments.checking_order import check_order
from byleave.experiments.definitions import (
    Definitions,
    Experiment,
    Slot,
    SlotKind,
)
from byleave.experiments.goals import Goal, GoalKind
from byleave.experiments.schedule import bounds_ms
from byleave.experiments.triggers import check_trigger
from byleave.segments import (
    Fault,
    Path,
    Purpose,
    ValueType,
    unknown_name,
)
from byleave.segments.consent.regions import region_faults
from byleave.segments.naming import NAME_RULE, is_name
from byleave.segments.references import check_vocabulary


def check(definitions: Definitions) -> list[Fault]:
    """Return every fault of a set of definitions; an empty list means it can be published."""
    faults = check_vocabulary(definitions.vocabulary)
    faults += _site(definitions)
    for key, goal in definitions.goals.items():
        faults += _goal(goal, definitions, ("goals", key))
    for key, slot in definitions.slots.items():
        faults += _slot(slot, definitions, ("slots", key))
    for key, experiment in definitions.experiments.items():
        path: Path = ("experiments", key)
        faults += check_experiment(experiment, definitions, path)
        faults += check_arms(experiment, definitions, path)
        faults += check_order(experiment, definitions, path)
        faults += check_imported(experiment, definitions, (*path, "imported"))
    faults += _exclusions(definitions.experiments)
    return faults


def _site(definitions: Definitions) -> Iterable[Fault]:
    named: dict[str, Mapping[str, object]] = {
        "goals": definitions.goals,
        "slots": definitions.slots,
        "experiments": definitions.experiments,
    }
    if not is_name(definitions.site):
        yield Fault(("site",), NAME_RULE)
    for kind, names in named.items():
        for name in names:
            if not is_name(name):
                yield Fault((kind, name), NAME_RULE)
    for region, message in region_faults(definitions.regions).items():
        yield Fault(("regions", region), message)
    for index, region in enumerate(definitions.storage_free_measurement):
        known = {"default", *definitions.regions}
        if region not in known:
            place = ("storage_free_measurement", index)
            yield unknown_name("region", region, sorted(known), place)
    yield from check_locale(definitions)
    yield from check_unlesses(definitions.suppress, definitions, ("suppress",))
    yield from check_cap(definitions.cap, ("cap",))


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
    if goal.kind in (GoalKind.CONVERSION, GoalKind.COUNT):
        if goal.of is not None:
            yield Fault((*path, "of"), f"a {goal.kind} goal counts events; leave `of` out")
    elif goal.of is None:
        yield Fault(path, f"a {goal.kind} goal sums a property; say which with `of`")
    elif event.properties.get(goal.of) is not ValueType.NUMBER:
        numbers = [name for name, kind in event.properties.items() if kind is ValueType.NUMBER]
        yield unknown_name("number property", goal.of, numbers, (*path, "of"))
    if goal.kind is GoalKind.CONVERSION:
        if goal.cap is not None:
            yield Fault((*path, "cap"), "a conversion counts once anyway; leave `cap` out")
    elif goal.cap is None:
        yield Fault(
            path,
            f"a {goal.kind} goal needs a `cap`: the most that one enrolment can contribute. "
            "Without it one visitor could decide the experiment.",
        )
    elif not 0 < goal.cap < inf:
        yield Fault((*path, "cap"), f"a cap must be more than 0, got {goal.cap:g}")


def _slot(slot: Slot, definitions: Definitions, path: Path) -> Iterable[Fault]:
    if slot.kind is not SlotKind.CONTENT and (slot.fields or slot.template is not None):
        yield Fault(path, f"a {slot.kind} slot has neither fields nor a template; leave them out")
    if slot.promote_at_most < 1:
        yield Fault((*path, "promote_at_most"), "expected at least 1")
    if slot.reorder and slot.kind is not SlotKind.NAVIGATION:
        yield Fault((*path, "reorder"), f"a {slot.kind} slot has no links to put in order")
    if slot.trigger is not None:
        if slot.kind is not SlotKind.CONTENT:
            yield Fault(path, f"a {slot.kind} slot does not open by itself; leave `trigger` out")
        yield from check_trigger(slot.trigger, definitions.events, (*path, "trigger"))


def _exclusions(experiments: Mapping[str, Experiment]) -> Iterable[Fault]:
    """Two experiments that run at the same time may not share a part of their group."""
    for (one, first), (other, second) in combinations(experiments.items(), 2):
        if first.exclusive is None or second.exclusive is None:
            continue
        part, rest = first.exclusive, second.exclusive
        if (
            part.group == rest.group
            and max(part.start, rest.start) < min(part.end, rest.end)
            and _may_meet(first, second)
        ):
            yield Fault(
                ("experiments", other, "exclusive"),
                f"{one!r} and {other!r} share a part of the group {part.group!r}; move the parts "
                "apart or the schedules",
            )


def _may_meet(one: Experiment, other: Experiment) -> bool:
    try:
        (start, end), (other_start, other_end) = bounds_ms(one.schedule), bounds_ms(other.schedule)
    except ValueError:
        return False  # a fault of the schedule, which is reported there
    return max(start, other_start) < min(end, other_end)
