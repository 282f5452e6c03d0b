"""What keeps a draft of an experiment from being launched, and what to think of before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from byleave.experiments import CONTROL, Definitions
from byleave.experiments.definitions import Allocate, Policy
from byleave.experiments.schedule import bounds_ms
from byleave.experiments.simulation import Design, Plan, plan
from byleave.segments import Fault, read
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import EXPERIMENTS, all_faults, in_force, laid_over
from byleave.server.console.variants_fields import texts_in
from byleave.server.service import Service

_MOST_A_DAY: Final = 1e10
_FIELDS: Final = {
    "slot": "slot",
    "audience": "audience",
    "goals": "goal",
    "allocate": "control",
    "schedule": "start",
    "ramp": "ramp_at",
    "traffic": "traffic",
    "variants": "arm-1",
    "title": "title",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the checklist.

    Attributes:
        is_met: Whether it holds.
        text: What it is about, to be translated.
        field: The field to mend it in; empty where there is none.
        detail: What is wrong in particular, in the words of the definitions.
        blocks: Whether launching waits for it.
    """

    is_met: bool
    text: str
    field: str = ""
    detail: str = ""
    blocks: bool = True


def checks(service: Service, key: str, definitions: Mapping[str, Any]) -> list[Check]:
    """Return the checklist of an experiment in a set of definitions."""
    experiment = definitions["experiments"][key]
    others = {k: v for k, v in experiment.get("variants", {}).items() if k != CONTROL}
    empty = [name for name, variant in others.items() if not _has_content(variant)]
    found = [
        Check(
            is_met=bool(others) and not empty,
            text=_("It has something to show beside the site's own content."),
            field="arm-1",
            detail=", ".join(empty),
        )
    ]
    faults = all_faults(service, definitions)
    mine = [each for each in faults if each.path[:2] == ("experiments", key)]
    rest = [each for each in faults if each not in mine]
    found += [
        Check(
            is_met=False,
            text=_("Mend this:"),
            field=_FIELDS.get(str(each.path[2]) if len(each.path) > 2 else "", ""),
            detail=each.message,
        )
        for each in mine
    ]
    found += [
        Check(is_met=False, text=_("Something else of the site is wrong:"), detail=str(each))
        for each in rest
    ]
    if not faults:
        found.append(Check(is_met=True, text=_("Everything that it names is there, and fits.")))
        found += _more(service, key, read(Definitions, definitions))
    return found


def _more(service: Service, key: str, definitions: Definitions) -> Iterator[Check]:
    """Yield what is looked at once a set can be read."""
    experiment, now_ms = definitions.experiments[key], service.clock()
    yield Check(
        is_met=bounds_ms(experiment.schedule)[1] > now_ms,
        text=_("Its end is not past."),
        field="end",
    )
    yield Check(
        is_met=float(experiment.traffic) > 0 or bool(experiment.ramp),
        text=_("It takes some of the visitors."),
        field="traffic",
    )
    rivals = [
        other
        for other, each in definitions.experiments.items()
        if other != key
        and each.slot == experiment.slot
        and bounds_ms(each.schedule)[1] > now_ms
        and (-each.priority, other) < (-experiment.priority, key)
    ]
    yield Check(
        is_met=not rivals,
        text=_("No other experiment is asked before it for its slot."),
        detail=", ".join(rivals),
        blocks=False,
    )


def _has_content(variant: object) -> bool:
    """Whether there is something to show; a text may be empty, as the alt text of a decoration."""
    if not isinstance(variant, Mapping):
        return False
    texts = [*texts_in(variant.get("fields"))]
    if not texts:
        return any(variant.get(kind) for kind in ("template", "html", "data", "nav"))
    said = {locale for _name, locale, text in texts if text}
    return bool(said) and {locale for _name, locale, _text in texts if locale} <= said


def faults_in(service: Service, key: str, experiment: Mapping[str, Any]) -> list[Fault]:
    """Return the faults of an experiment as it would be published now, and of what it needs."""
    _version, definitions = in_force(service)
    faults = all_faults(service, laid_over(definitions, EXPERIMENTS, key, experiment))
    own = (("experiments", key), ("locale",))
    return [each for each in faults if each.path[:2] in own]


def expected(
    experiment: Mapping[str, Any], *, baseline: float, lift: float, a_day: float
) -> Plan | None:
    """Return how long it takes until half of all such experiments have seen a lift.

    Args:
        experiment: The definition.
        baseline: The conversion rate of the control, in (0, 1).
        lift: The change worth seeing, relative to it.
        a_day: Visitors who are enrolled per day.

    Raises:
        ValueError: A number is out of range, or there is nothing to compare.
    """
    if not a_day <= _MOST_A_DAY:
        raise ValueError("expected no more visitors a day than there are people")
    allocate = experiment.get("allocate", {})
    return plan(
        Design(
            allocate=read(
                Allocate,
                {
                    "policy": allocate.get("policy", Policy.THOMPSON),
                    "goal": "goal",
                    "control": allocate.get("control", 0.1),
                    "epoch": "1d",
                },
            ),
            arms=tuple(experiment.get("variants", {CONTROL: "site"})),
            baseline=baseline,
            lift=lift,
            units_per_day=a_day,
        ),
        most_days=180,
    )
