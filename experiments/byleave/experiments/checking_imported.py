"""Checks of imported splits: drawn as another system draws, within what stays exact here."""

from collections.abc import Iterator
from itertools import pairwise

from byleave.experiments.cells import is_conditional
from byleave.experiments.checking_experiments import check_attribute
from byleave.experiments.definitions import Definitions, Experiment, Policy
from byleave.experiments.imported import Imported, Range
from byleave.segments import Fault, Path, ValueType, unknown_name


def check_imported(experiment: Experiment, definitions: Definitions, path: Path) -> Iterator[Fault]:
    """Yield what is wrong with how an experiment says that another system drew it."""
    imported = experiment.imported
    if imported is None:
        return
    if experiment.allocate.policy is not Policy.FIXED:
        yield Fault(
            path,
            "an imported split is fixed: its draw knows no allocation row, so that weights which "
            "move would not be what visitors were drawn with. Use `policy: fixed`.",
        )
    elif experiment.allocate.shares:
        yield Fault(path, "an imported split has its `ranges`; leave `shares` out")
    if experiment.allocate.contexts or any(map(is_conditional, experiment.variants.values())):
        yield Fault(path, "an imported split has neither contexts nor conditional variants")
    if imported.buckets < 1:
        yield Fault((*path, "buckets"), f"expected at least 1, got {imported.buckets}")
    yield from _ranges(imported, list(experiment.variants), (*path, "ranges"))
    yield from _hashed(imported.by, definitions, (*path, "by"))
    for index, part in enumerate(imported.filters):
        place = (*path, "filters", index)
        yield from _hashed(part.by, definitions, (*place, "by"))
        for number, given in enumerate(part.within):
            yield from _range(given, (*place, "within", number))


def _ranges(imported: Imported, arms: list[str], path: Path) -> Iterator[Fault]:
    ranges = imported.ranges
    for arm in ranges:
        if arm not in arms:
            yield unknown_name("variant", arm, arms, (*path, arm))
        yield from _range(ranges[arm], (*path, arm))
    if missing := [arm for arm in arms if arm not in ranges]:
        yield Fault(path, f"give every variant a range, {' and '.join(missing)} too")
    taken = sorted(
        (part.start, part.end, arm) for arm, part in ranges.items() if part.start < part.end
    )
    if not taken:
        yield Fault(path, "every range is empty")
    for (_, end, arm), (start, _, other) in pairwise(taken):
        if start < end:
            yield Fault((*path, other), f"{arm!r} and {other!r} overlap")


def _range(given: Range, path: Path) -> Iterator[Fault]:
    if not 0 <= given.start <= given.end <= 1:
        yield Fault(path, f"expected 0 ≤ start ≤ end ≤ 1, got {given.start:g} and {given.end:g}")


def _hashed(names: tuple[str, ...], definitions: Definitions, path: Path) -> Iterator[Fault]:
    """An attribute that is hashed leads to an enrolment, and is text or a number."""
    for index, name in enumerate(names):
        yield from check_attribute(
            name, definitions, (*path, index), ValueType.STRING, ValueType.NUMBER
        )
