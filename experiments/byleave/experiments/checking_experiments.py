"""Checks of one experiment: where and when it runs, for whom, and what it is judged by."""

from collections.abc import Iterator
from itertools import pairwise

from byleave.experiments.decisions import ENROLLING
from byleave.experiments.definitions import Cap, Definitions, Experiment, Goals, Unless
from byleave.experiments.schedule import bounds_ms, ramp_ms
from byleave.segments import (
    Fault,
    Path,
    Source,
    ValueType,
    allowed_uses,
    reads,
    unknown_name,
)
from byleave.segments.reach import is_contextual
from byleave.segments.references import check_vocabulary

#: A cap looks back on no more exposures than this, because a visitor's cookie carries them.
MOST_EXPOSURES = 100

#: More reporting segments would cut every result into parts too small to say anything.
MOST_REPORTING_SEGMENTS = 10


def check_experiment(
    experiment: Experiment, definitions: Definitions, path: Path
) -> Iterator[Fault]:
    """Yield what is wrong with an experiment, its variants and their allocation apart."""
    if experiment.slot not in definitions.slots:
        yield unknown_name("slot", experiment.slot, definitions.slots, (*path, "slot"))
    yield from _times(experiment, path)
    if experiment.exclusive and experiment.exclusive.start >= experiment.exclusive.end:
        yield Fault((*path, "exclusive"), "the part must end after it starts")
    yield from _people(experiment, definitions, path)
    yield from _goals(experiment, definitions, path)
    if experiment.unit == "view":
        yield from _view(experiment, definitions, path)
        slot = definitions.slots.get(experiment.slot)
        if slot is not None and slot.trigger is not None:
            yield Fault(
                (*path, "unit"), "what opens by itself opens once a day; use `unit: visitor`"
            )


def check_segment(segment: str, definitions: Definitions, path: Path) -> Iterator[Fault]:
    """Yield why a segment may not lead to an enrolment: unknown, or not for what it reveals."""
    if segment not in definitions.segments:
        yield unknown_name("segment", segment, definitions.segments, path)
        return
    uses = allowed_uses(segment, definitions.vocabulary)
    if lacking := [use for use in ENROLLING if use not in uses]:
        yield Fault(
            path,
            f"segment {segment!r} may not be used for {' and '.join(lacking)}, which an enrolment "
            "reveals. Add the purpose to every attribute and event it reads, or leave it out.",
        )


def check_unlesses(
    unlesses: tuple[Unless, ...], definitions: Definitions, path: Path
) -> Iterator[Fault]:
    """Yield what is wrong with segments that keep something away."""
    for index, unless in enumerate(unlesses):
        yield from check_segment(unless.segment, definitions, (*path, index))


def check_segments(
    segments: tuple[str, ...], definitions: Definitions, path: Path
) -> Iterator[Fault]:
    """Yield what is wrong with a list of segments."""
    for index, segment in enumerate(segments):
        yield from check_segment(segment, definitions, (*path, index))
        if segment in segments[:index]:
            yield Fault((*path, index), f"{segment!r} stands here twice")


def check_attribute(
    name: str, definitions: Definitions, path: Path, *types: ValueType
) -> Iterator[Fault]:
    """Yield why an attribute may not lead to an enrolment: by name, by type, by its purposes."""
    attribute = definitions.attributes.get(name)
    if attribute is None:
        yield unknown_name("attribute", name, definitions.attributes, path)
        return
    if attribute.type not in types:
        expected = " or ".join(types)
        yield Fault(path, f"expected an attribute of type {expected}, got {attribute.type}")
    uses = ENROLLING if not is_contextual(attribute) else ()
    if lacking := [use for use in uses if use not in attribute.purposes]:
        yield Fault(
            path,
            f"attribute {name!r} may not be used for {' and '.join(lacking)}, which an enrolment "
            "reveals",
        )


def check_cap(cap: Cap | None, path: Path) -> Iterator[Fault]:
    """Yield what is wrong with a cap."""
    if cap is not None and not 1 <= cap.exposures <= MOST_EXPOSURES:
        yield Fault(
            (*path, "exposures"), f"expected 1 to {MOST_EXPOSURES} exposures, got {cap.exposures}"
        )


def _times(experiment: Experiment, path: Path) -> Iterator[Fault]:
    try:
        bounds_ms(experiment.schedule)
    except ValueError as error:
        yield Fault((*path, "schedule"), str(error))
        return
    try:
        ramp_ms(experiment.ramp, experiment.schedule.timezone)
    except ValueError as error:
        yield Fault((*path, "ramp"), str(error))
    shares = (experiment.traffic, *(step.traffic for step in experiment.ramp))
    if any(after <= before for before, after in pairwise(shares)):
        yield Fault(
            (*path, "ramp"),
            "a ramp only rises, because a smaller share would turn visitors away who were enrolled",
        )


def _people(experiment: Experiment, definitions: Definitions, path: Path) -> Iterator[Fault]:
    if experiment.audience is not None:
        yield from check_segment(experiment.audience, definitions, (*path, "audience"))
    yield from check_unlesses(experiment.unless, definitions, (*path, "unless"))
    yield from check_cap(experiment.cap, (*path, "cap"))
    yield from check_segments(experiment.report_by, definitions, (*path, "report_by"))
    if len(experiment.report_by) > MOST_REPORTING_SEGMENTS:
        yield Fault((*path, "report_by"), f"at most {MOST_REPORTING_SEGMENTS} reporting segments")


def _named_goals(goals: Goals) -> list[tuple[str, Path]]:
    return [
        (goals.primary, ("primary",)),
        *((goal, ("others", index)) for index, goal in enumerate(goals.others)),
        *((guard.goal, ("guards", index, "goal")) for index, guard in enumerate(goals.guards)),
    ]


def _goals(experiment: Experiment, definitions: Definitions, path: Path) -> Iterator[Fault]:
    goals, known = experiment.goals, definitions.goals
    for name, place in _named_goals(goals):
        place = (*path, "goals", *place)
        if name not in known:
            yield unknown_name("goal", name, known, place)
        elif (known[name].within == "page") != (experiment.unit == "view"):
            expected = "page" if experiment.unit == "view" else "7d"
            yield Fault(
                place,
                f"a {experiment.unit} is not judged by goal {name!r}: its window must be such as "
                f"`within: {expected}`",
            )
    judged = (goals.primary, *goals.others)
    for index, name in enumerate(goals.others):
        if name in judged[: index + 1]:
            yield Fault((*path, "goals", "others", index), f"{name!r} stands here twice")
    if experiment.allocate.goal not in judged:
        yield unknown_name(
            "goal of this experiment",
            experiment.allocate.goal,
            judged,
            (*path, "allocate", "goal"),
        )
    if experiment.until == "goal" and goals.primary in known:
        event = definitions.events.get(known[goals.primary].event)
        if event and (lacking := [use for use in ENROLLING if use not in event.purposes]):
            yield Fault(
                (*path, "until"),
                f"event {known[goals.primary].event!r} must allow {' and '.join(lacking)}, because "
                "reaching the goal then decides what is shown",
            )


def _view(experiment: Experiment, definitions: Definitions, path: Path) -> Iterator[Fault]:
    """A page view remembers nothing, so nothing about it may depend on what is stored."""
    variants = experiment.variants.items()
    if experiment.cap or experiment.until or any(variant.cap for _, variant in variants):
        yield Fault(
            (*path, "unit"),
            "a view remembers nothing: leave `cap` and `until` out, or use `unit: visitor`",
        )
    if experiment.imported:
        yield Fault((*path, "imported"), "an imported split is of visitors; leave it out of a view")
    if check_vocabulary(definitions.vocabulary):
        return  # what segments read can be said once they are sound
    for segment, place in named_segments(experiment):
        if segment in definitions.segments and (stored := _stored(segment, definitions)):
            yield Fault(
                (*path, *place),
                f"segment {segment!r} reads what is stored of a visitor ({', '.join(stored)}), "
                "and of a view nothing is; use `unit: visitor`",
            )


def named_segments(experiment: Experiment) -> Iterator[tuple[str, Path]]:
    """Yield each segment that an experiment names, with its place."""
    if experiment.audience is not None:
        yield experiment.audience, ("audience",)
    named: list[tuple[tuple[str, ...], Path]] = [
        (tuple(unless.segment for unless in experiment.unless), ("unless",)),
        (experiment.allocate.contexts, ("allocate", "contexts")),
        (experiment.report_by, ("report_by",)),
    ]
    for arm, variant in experiment.variants.items():
        if variant.when is not None:
            yield variant.when, ("variants", arm, "when")
        unlesses = tuple(unless.segment for unless in variant.unless)
        named.append((unlesses, ("variants", arm, "unless")))
    for segments, place in named:
        yield from ((segment, (*place, index)) for index, segment in enumerate(segments))


def _stored(segment: str, definitions: Definitions) -> list[str]:
    """Return the events and attributes a segment reads that are kept between pages."""
    read = reads(definitions.segments[segment].when, definitions.vocabulary)
    kept = {Source.DEVICE, Source.SERVER}
    attributes = {name for name in read.attributes if definitions.attributes[name].source in kept}
    return sorted(read.events | attributes)
