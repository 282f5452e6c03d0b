"""A draft of an experiment: from a form to its definition and back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from byleave.experiments import CONTROL
from byleave.segments.times import time_zone
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import EXPERIMENTS, drafted, in_force
from byleave.server.console.forms import Form
from byleave.server.console.routing import PageCall, PageError
from byleave.server.console.variants_fields import texts_in

FILES: Final = _("This experiment is managed from files: change it there, then push them.")
UNKNOWN: Final = (
    _("There is no such experiment"),
    _("Neither a draft nor what is published has it. The list of drafts shows what there is."),
)

_NO_NAME: Final = _("Give each variant a name of its own; the control is there always.")

#: Variants beside the control that the form has room for.
MOST_VARIANTS: Final = 4

#: Keys of the definition that the form writes; all others stay as they are.
_FLAT: Final = ("title", "slot", "audience")
#: What has parts of its own; a draft of another program may have anything there.
_PARTS: Final[Mapping[str, type]] = {
    "allocate": Mapping,
    "goals": Mapping,
    "ramp": list,
    "schedule": Mapping,
    "variants": Mapping,
}


def key_of(call: PageCall) -> str:
    """Return the key of the experiment whose draft a page is about."""
    key: str = call.request.path_params["draft"]
    return key


def looked_up(call: PageCall) -> tuple[str, dict[str, Any] | None, dict[str, Any] | None]:
    """Return the newest version, the draft, and what is in force, of the experiment asked for.

    Raises:
        PageError: There is neither a draft nor an experiment.
    """
    key = key_of(call)
    version, definitions = in_force(call.service)
    draft = _with_parts(drafted(call.service, EXPERIMENTS, key))
    current = definitions.get("experiments", {}).get(key)
    if draft is None and current is None:
        raise PageError(404, *UNKNOWN)
    return version, draft, current


def _with_parts(draft: Any) -> dict[str, Any] | None:
    """Return what can be shown of a draft; None where that is nothing."""
    if not isinstance(draft, Mapping):
        return None
    return {k: v for k, v in draft.items() if isinstance(v, _PARTS.get(k, object))}


def begun(form: Form) -> dict[str, Any]:
    """Return the definition that the first screen makes."""
    experiment: dict[str, Any] = {
        "title": form.value("title"),
        "slot": form.value("slot"),
        "variants": {CONTROL: "site"},
        "allocate": {"policy": "thompson", "goal": form.value("goal")},
        "goals": {"primary": form.value("goal")},
    }
    if form.value("audience"):
        experiment["audience"] = form.value("audience")
    return experiment


def written(form: Form, before: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """Return a definition with what the second screen says; the rest stays as it was."""
    experiment = {**before, **{name: form.value(name) for name in _FLAT if form.value(name)}}
    if not form.value("audience"):
        experiment.pop("audience", None)
    goal, policy = form.value("goal"), form.value("policy")
    allocate = {**before.get("allocate", {}), "policy": policy, "goal": goal}
    experiment["allocate"] = allocate | {"control": f"{form.value('control') or 10}%"}
    experiment["goals"] = {**before.get("goals", {}), "primary": goal}
    experiment["traffic"] = f"{form.value('traffic') or 100}%"
    experiment["schedule"], at = _schedule(form, before)
    # The form shows the first step; later ones stay.
    step = {"at": at, "traffic": f"{form.value('ramp_to') or 100}%"}
    later = [*before.get("ramp", ())][1:]
    experiment["ramp"] = [step, *later] if at else later
    experiment["variants"] = _variants(form, before.get("variants", {}), fields)
    return experiment


def tell_names(form: Form) -> None:
    """Say in a form that two variants have one name, of which one would be lost."""
    taken = {CONTROL}
    for field in (f"arm-{number}" for number in range(1, MOST_VARIANTS + 1)):
        if form.value(field) in taken:
            form.faults[field] = _NO_NAME
        taken |= {form.value(field)} - {""}


def _schedule(form: Form, before: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """Return the schedule that a form holds, and when its ramp begins.

    A time that is as the form showed it stays as it was written, perhaps with its offset.
    """
    old, zone = before.get("schedule", {}), form.value("timezone")
    shown = as_form(before, zone=zone)
    was = {"start": old.get("start"), "end": old.get("end"), "ramp_at": _step(before).get("at")}
    is_same_zone = shown.value("timezone") == zone
    times = {
        name: str(text)
        if text and is_same_zone and form.value(name) == shown.value(name)
        else form.value(name)
        for name, text in was.items()
    }
    at = times.pop("ramp_at")
    return {name: text for name, text in (times | {"timezone": zone}).items() if text}, at


def _step(experiment: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first step of an experiment's ramp."""
    first: Any = next(iter(experiment.get("ramp", ())), {})
    return first if isinstance(first, Mapping) else {}


def _variants(form: Form, before: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {CONTROL: "site"}
    names = [name for name in before if name != CONTROL]
    beyond = names[MOST_VARIANTS:]
    sent = {form.value(f"arm-{number}") for number in range(1, MOST_VARIANTS + 1)}
    for number in range(1, MOST_VARIANTS + 1):
        name = form.value(f"arm-{number}")
        if not name or name == CONTROL:
            continue
        # Under a new name, it is what stood in its place.
        place = names[number - 1] if number <= len(names) else ""
        old = before.get(name, before.get(place) if place not in sent else None)
        kept = old if isinstance(old, Mapping) else {}
        if fields:
            content = {each: form.value(f"arm-{number}-{each}") for each in fields}
            filled = {each: text for each, text in content.items() if text}
            # Texts by locale have a form of their own.
            filled |= {k: v for k, v in kept.get("fields", {}).items() if isinstance(v, Mapping)}
            found[name] = {**kept, "fields": filled} if filled or "fields" in kept else kept
        elif template := form.value(f"arm-{number}-template"):
            found[name] = {**kept, "template": template}
        else:
            found[name] = kept
        found[name] = found[name] or {"fields": {}}
    # Those that the form has no room for stay as they are.
    return found | {name: before[name] for name in beyond}


def as_form(experiment: Mapping[str, Any], *, zone: str) -> Form:
    """Return the form that shows a definition."""
    allocate, goals = experiment.get("allocate", {}), experiment.get("goals", {})
    schedule, ramp = experiment.get("schedule", {}), _step(experiment)
    times = {"start": schedule.get("start"), "end": schedule.get("end"), "ramp_at": ramp.get("at")}
    # Where no zone is said, times are in UTC; one of the reader's is offered where there is none.
    zone = schedule.get("timezone") or ("UTC" if any(times.values()) else zone)
    values = {name: str(experiment.get(name, "")) for name in _FLAT} | {
        "goal": goals.get("primary", ""),
        "policy": allocate.get("policy", "thompson"),
        "control": _percent(allocate.get("control", 0.1)),
        "traffic": _percent(experiment.get("traffic", 1.0)),
        **{name: _local(text, str(zone)) for name, text in times.items()},
        "timezone": str(zone),
        "ramp_to": _percent(ramp.get("traffic", 1.0)) if ramp else "",
    }
    others = {k: v for k, v in experiment.get("variants", {}).items() if k != CONTROL}
    for number, (name, variant) in enumerate(others.items(), 1):
        values[f"arm-{number}"] = name
        content = variant if isinstance(variant, Mapping) else {}
        texts = texts_in(content.get("fields"))
        values |= {f"arm-{number}-{field}": text for field, locale, text in texts if not locale}
        values[f"arm-{number}-template"] = str(content.get("template", ""))
    return Form.holding(**values)


def _local(text: Any, zone: str) -> str:
    """Return a time as a clock of a zone has it, to the minute, which is all that a field holds."""
    try:
        at = datetime.fromisoformat(str(text or ""))
        at = at.astimezone(time_zone(zone) or UTC) if at.tzinfo else at
    except (ValueError, OverflowError):
        return str(text or "")
    return at.replace(tzinfo=None).isoformat(timespec="minutes")


def _percent(share: Any) -> str:
    text = f"{share * 100:.6g}" if isinstance(share, int | float) else str(share)
    return text.removesuffix("%")
