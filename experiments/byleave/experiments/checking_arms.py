"""Checks of one experiment's arms: what they show, and how visitors are divided among them."""

from collections.abc import Iterator
from typing import Final

from byleave.experiments.cells import MOST_FLOORS, MOST_SWITCHES, is_conditional
from byleave.experiments.checking_experiments import (
    check_cap,
    check_segment,
    check_segments,
    check_unlesses,
)
from byleave.experiments.checking_fields import check_fields
from byleave.experiments.decisions import HOLDOUT
from byleave.experiments.definitions import (
    CONTROL,
    Definitions,
    Experiment,
    NavVerb,
    Policy,
    Slot,
    SlotKind,
    Variant,
    VariantKind,
)
from byleave.experiments.goals import GoalKind
from byleave.experiments.markup import LINK, markup_faults
from byleave.experiments.navigation import MOST_ADDED, is_essential
from byleave.experiments.placeholders import check_placeholders, unfilled
from byleave.experiments.snapshot import LONGEST_ROW_MS
from byleave.segments import Fault, Path, Share, unknown_name
from byleave.segments.naming import NAME_RULE, is_name

MOST_VARIANTS: Final = 20

_SLACK: Final = 1e-9
_KINDS: Final = {
    VariantKind.FIELDS: SlotKind.CONTENT,
    VariantKind.TEMPLATE: SlotKind.CONTENT,
    VariantKind.HTML: SlotKind.CONTENT,
    VariantKind.DATA: SlotKind.DATA,
    VariantKind.NAV: SlotKind.NAVIGATION,
}


def check_arms(experiment: Experiment, definitions: Definitions, path: Path) -> Iterator[Fault]:
    """Yield what is wrong with an experiment's variants and their allocation."""
    yield from _variants(experiment, definitions, (*path, "variants"))
    yield from _retired(experiment, (*path, "retired"))
    yield from _cells(experiment, definitions, (*path, "allocate"))
    if experiment.allocate.policy is Policy.THOMPSON:
        yield from _learned(experiment, (*path, "allocate"))
        yield from _prior(experiment, definitions, (*path, "allocate", "prior"))
    else:
        yield from _shares(experiment, (*path, "allocate", "shares"))
        for name in ("prior", "half_life", "largest_step"):
            if getattr(experiment.allocate, name) is not None:
                yield Fault((*path, "allocate", name), "only `policy: thompson` learns")


def _retired(experiment: Experiment, path: Path) -> Iterator[Fault]:
    for index, arm in enumerate(experiment.retired):
        if arm not in experiment.variants:
            yield unknown_name("variant", arm, experiment.variants, (*path, index))
        elif arm == CONTROL:
            yield Fault((*path, index), "control cannot be retired; end the experiment instead")
    if experiment.retired and set(experiment.variants) - {CONTROL} <= set(experiment.retired):
        yield Fault(path, "leaves control alone; end the experiment instead")


def _variants(experiment: Experiment, definitions: Definitions, path: Path) -> Iterator[Fault]:
    variants = experiment.variants
    control = variants.get(CONTROL)
    if control is None or control.kind is not VariantKind.SITE or is_conditional(control):
        yield Fault(path, "needs `control: site`, without conditions: the site's own content")
    if len(variants) < 2:
        yield Fault(path, "needs at least one variant besides control")
    if len(variants) > MOST_VARIANTS:
        yield Fault(path, f"at most {MOST_VARIANTS} variants")
    slot = definitions.slots.get(experiment.slot)
    for key, variant in variants.items():
        place = (*path, key)
        if key == HOLDOUT:
            yield Fault(place, f"{HOLDOUT!r} is the name of the global holdout; take another")
        elif not is_name(key):
            yield Fault(place, NAME_RULE)
        if variant.when is not None:
            yield from check_segment(variant.when, definitions, (*place, "when"))
        yield from check_unlesses(variant.unless, definitions, (*place, "unless"))
        yield from check_cap(variant.cap, (*place, "cap"))
        if slot is not None and variant.kind is not VariantKind.SITE:
            yield from _content(variant, slot, definitions, place)


def _content(variant: Variant, slot: Slot, definitions: Definitions, path: Path) -> Iterator[Fault]:
    if _KINDS[variant.kind] is not slot.kind:
        fitting = [kind for kind, place in _KINDS.items() if place is slot.kind]
        yield Fault(path, f"a {slot.kind} slot takes {' or '.join(fitting)}, not {variant.kind}")
    elif variant.kind is VariantKind.FIELDS:
        yield from check_fields(variant.content, slot, definitions, (*path, "fields"))
    elif variant.kind is VariantKind.HTML:
        place = (*path, "html")
        for words in markup_faults(unfilled(variant.content)):
            yield Fault(place, words)
        yield from check_placeholders(
            variant.content, definitions.attributes, place, has_words=True
        )
    elif variant.kind is VariantKind.NAV:
        yield from _navigation(variant, slot, (*path, "nav"))


def _navigation(variant: Variant, slot: Slot, path: Path) -> Iterator[Fault]:
    operations = variant.content
    if not operations:
        yield Fault(path, "changes nothing; name at least one link")
    for index, change in enumerate(operations):
        if not LINK.fullmatch(change.path):
            place = (*path, index, str(change.operation))
            yield Fault(
                place, f"expected where the link leads, such as /pricing, got {change.path!r}"
            )
        if change.operation is NavVerb.ADD and not change.label:
            yield Fault((*path, index), "an added link needs a `label`")
        if change.operation is NavVerb.HIDE and is_essential(change.path):
            yield Fault(
                (*path, index, "hide"), f"nobody may be cut off from {change.path!r}; leave it"
            )
        if change.operation is NavVerb.REORDER and not slot.reorder:
            yield Fault(
                (*path, index, "reorder"),
                "links keep the site's order, in which visitors find them again (WCAG 2.2, "
                "3.2.3). Promote the link, or let the slot say `reorder: true`.",
            )
    for verb, most in ((NavVerb.PROMOTE, slot.promote_at_most), (NavVerb.ADD, MOST_ADDED)):
        count = sum(change.operation is verb for change in operations)
        if count > most:
            yield Fault(path, f"at most {most} links to {verb} here, got {count}")


def _cells(experiment: Experiment, definitions: Definitions, path: Path) -> Iterator[Fault]:
    allocate = experiment.allocate
    yield from check_segments(allocate.contexts, definitions, (*path, "contexts"))
    switches = len(allocate.contexts) + sum(map(is_conditional, experiment.variants.values()))
    if switches > MOST_SWITCHES:
        yield Fault(
            path,
            f"{switches} contexts and conditional variants together make too many cells to "
            f"learn in; use at most {MOST_SWITCHES}",
        )
    if allocate.epoch > LONGEST_ROW_MS:
        yield Fault((*path, "epoch"), f"at most 24h, got {allocate.epoch}")


def _learned(experiment: Experiment, path: Path) -> Iterator[Fault]:
    allocate = experiment.allocate
    if allocate.shares:
        yield Fault((*path, "shares"), "only `policy: fixed` has shares")
    if allocate.control <= 0 or allocate.floor <= 0:
        yield Fault(
            path, "`control` and `floor` must be more than 0%, or an arm could never be compared"
        )
    floors = allocate.control + allocate.floor * (len(experiment.variants) - 1)
    if floors > MOST_FLOORS + _SLACK:
        yield Fault(
            path,
            f"control and floors add up to {Share(min(1.0, floors))}; keep them within "
            f"{Share(MOST_FLOORS)}, so that there is traffic to learn with",
        )
    if allocate.largest_step is not None and not allocate.largest_step > 0:
        yield Fault((*path, "largest_step"), "must be more than 0%, or the weights never move")


def _prior(experiment: Experiment, definitions: Definitions, path: Path) -> Iterator[Fault]:
    allocate = experiment.allocate
    goal = definitions.goals.get(allocate.goal)
    if allocate.prior is None:
        return
    if goal is not None and goal.kind is not GoalKind.CONVERSION:
        yield Fault(path, f"is a conversion rate, but {allocate.goal!r} is a {goal.kind} goal")
    if allocate.prior.rate is not None and not 0 < allocate.prior.rate < 1:
        yield Fault((*path, "rate"), "expected more than 0% and less than 100%")
    if not allocate.prior.units > 0:
        yield Fault((*path, "units"), "expected more than 0")


def _shares(experiment: Experiment, path: Path) -> Iterator[Fault]:
    shares, variants = experiment.allocate.shares, experiment.variants
    for arm in shares:
        if arm not in variants:
            yield unknown_name("variant", arm, variants, (*path, arm))
    if shares and (missing := [arm for arm in variants if arm not in shares]):
        yield Fault(path, f"give every variant a share, {' and '.join(missing)} too")
    total = sum(shares.values())
    if shares and abs(total - 1) > _SLACK:
        yield Fault(path, f"shares must add up to 100%, not {total * 100:.10g}%")
