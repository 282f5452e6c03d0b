"""Advice on a whole set of definitions that has no faults."""

from collections.abc import Iterator, Mapping

from byleave.experiments.definitions import CONTROL, Definitions, Experiment
from byleave.experiments.placeholders import shown_attributes
from byleave.segments import Purpose
from byleave.segments.advice import NOT_MEASURED, Advice, Severity
from byleave.segments.advice import advise as advise_vocabulary


def advise(
    definitions: Definitions, *, granted: Mapping[Purpose, float] = NOT_MEASURED
) -> list[Advice]:
    """Return advice on a set in which `check` finds nothing.

    Args:
        definitions: The set.
        granted: The share of page views in [0, 1] on which a purpose was agreed to, where it
            was measured.
    """
    experiments = definitions.experiments.values()
    named = {unless.segment for unless in definitions.suppress}
    found = advise_vocabulary(
        definitions.vocabulary,
        audiences={name for experiment in experiments for name in _shown_to(experiment)},
        named=named.union(*map(_named, experiments)),
        attributes={*_read(definitions)},
        events={goal.event for goal in definitions.goals.values()},
        granted=granted,
    )
    return [*found, *_moving(definitions), *_incomparable(definitions)]


def _moving(definitions: Definitions) -> Iterator[Advice]:
    """Yield the slots whose links may be moved."""
    for key, slot in definitions.slots.items():
        if slot.reorder:
            yield Advice(
                ("slots", key, "reorder"),
                "breaks WCAG 2.2, 3.2.3 (level AA), which asks that repeated links keep their "
                "order, unless each visitor chose it themselves; `promote` does not",
                Severity.WARNING,
            )


def _incomparable(definitions: Definitions) -> Iterator[Advice]:
    """Yield the experiments whose variants are compared with nothing."""
    for key, experiment in definitions.experiments.items():
        shares = experiment.allocate.shares
        if CONTROL in shares and not shares[CONTROL]:
            yield Advice(
                ("experiments", key, "allocate", "shares", CONTROL),
                "control has 0%, so no lift can ever be known; give it a share, such as 10%",
                Severity.WARNING,
            )


def _shown_to(experiment: Experiment) -> Iterator[str]:
    """Yield the segments for which an experiment shows something."""
    for segment in (experiment.audience, *(each.when for each in experiment.variants.values())):
        if segment is not None:
            yield segment


def _named(experiment: Experiment) -> Iterator[str]:
    """Yield the segments that keep something away, divide visitors or report them."""
    yield from (*experiment.allocate.contexts, *experiment.report_by)
    for unlesses in (experiment.unless, *(each.unless for each in experiment.variants.values())):
        yield from (unless.segment for unless in unlesses)


def _read(definitions: Definitions) -> Iterator[str]:
    """Yield the attributes that more than segments read.

    Another system hashed them, a page's locale is one, or a variant shows them.
    """
    for experiment in definitions.experiments.values():
        if experiment.imported is not None:
            yield from experiment.imported.by
            for part in experiment.imported.filters:
                yield from part.by
        for variant in experiment.variants.values():
            yield from shown_attributes(variant)
            if variant.locales:
                yield definitions.locale
