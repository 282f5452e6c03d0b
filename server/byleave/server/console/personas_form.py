"""A persona as a form: from its fields to what a file of personas says, and back."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from byleave.experiments import Definitions
from byleave.segments import Choice, DefinitionError, read
from byleave.segments.consent.purposes import CHOOSABLE
from byleave.server.commands.personas import Persona
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form, json_in

#: Consent that is given purpose by purpose.
SOME: Final = "some"
CONSENTS: Final = {
    "": _("nothing said"),
    "all": _("agreed to all"),
    "none": _("refused all"),
    SOME: _("agreed to what is ticked below, refused the rest"),
}
_UNTICKED: Final = _("Purposes are ticked: choose that they agreed to those, or untick them.")
_NO_LINE: Final = _("Mend this:")
#: The fields of a form that are called otherwise in a persona.
_FIELDS: Final = {"now": "at", "persona": "name"}
_BEFORE_PROPERTY: Final = re.compile(r",\s*(?=[\w.-]+: )")
_ALL: Final = ("name", "title", "region", "at", "consent", "attributes", "events")


def said(form: Form) -> dict[str, Any]:
    """Return what a form says of a persona, as a file of personas does, but for the name."""
    consent = form.value("consent")
    ticked = form.values.get("agreed", ())
    found: dict[str, Any] = {
        "title": form.value("title"),
        "region": form.value("region").upper(),
        "now": form.value("at"),
        "consent": {each: _chosen(each in ticked) for each in CHOOSABLE}
        if consent == SOME
        else consent,
        "attributes": dict(_attributes(form.value("attributes"))),
        "events": [*_events(form.value("events"))],
    }
    return {name: value for name, value in found.items() if value}


def as_form(name: str, said: Mapping[str, Any]) -> Form:
    """Return the form that shows what is said of a persona."""
    consent = said.get("consent", "")
    is_some = isinstance(consent, Mapping)
    agreed = [str(each) for each in consent if consent[each] == Choice.GRANTED] if is_some else []
    held = Form.holding(
        name=name,
        title=said.get("title", ""),
        region=said.get("region", ""),
        at=said.get("now", ""),
        consent=SOME if is_some else consent,
        attributes="\n".join(
            f"{name}: {_written(value)}" for name, value in said.get("attributes", {}).items()
        ),
        events="\n".join(map(_line, said.get("events", ()))),
    )
    return Form({**held.values, "agreed": agreed})


def checked(form: Form, definitions: Definitions) -> Persona | None:
    """Return the persona of a form; None where something is wrong, told at its field.

    What the definitions do not have, or have no more, is wrong as well.
    """
    if form.value("consent") != SOME and form.values.get("agreed"):
        form.faults["consent"] = _UNTICKED
    try:
        persona = read(Persona, {"persona": form.value("name") or "persona", **said(form)})
        faults = [*persona.faults(definitions)]
    except DefinitionError as error:
        persona, faults = Persona(), list(error.faults)
    for fault in faults:
        place = str(fault.path[0]) if fault.path else ""
        field = _FIELDS.get(place, place)
        field = field if field in _ALL else "attributes"
        form.faults[field] = _NO_LINE
        before = form.details.get(field)
        form.details[field] = f"{before} {fault.message}" if before else fault.message
    return persona if form.is_sound else None


def _chosen(is_ticked: bool) -> str:
    return Choice.GRANTED if is_ticked else Choice.DENIED


def _attributes(text: str) -> Iterator[tuple[str, Any]]:
    """Yield what lines such as `industry: retail` say."""
    for line in filter(str.strip, text.splitlines()):
        name, _colon, value = line.partition(":")
        yield name.strip(), _value(value.strip())


def _events(text: str) -> Iterator[dict[str, Any]]:
    """Yield what lines such as `purchase, 3 days ago, amount: 30` say."""
    for line in filter(str.strip, text.splitlines()):
        start, *properties = _BEFORE_PROPERTY.split(line)
        name, _comma, moment = start.partition(",")
        deed: dict[str, Any] = {"event": name.strip()}
        if moment.strip():
            deed["at"] = moment.strip()
        if properties:
            deed["properties"] = dict(_attributes("\n".join(properties)))
        yield deed


def _line(deed: Mapping[str, Any]) -> str:
    said = [f"{name}: {_written(value)}" for name, value in deed.get("properties", {}).items()]
    return ", ".join([deed["event"], *([deed["at"]] if "at" in deed else []), *said])


def _value(text: str) -> Any:
    """Return a number, a truth, or a list where a text writes one as JSON; else the text."""
    try:
        return json_in(text)
    except ValueError:
        return text


def _written(value: Any) -> str:
    """Return the text that `_value` reads as a value."""
    is_plain = isinstance(value, str) and _value(value) == value == value.strip()
    text: str = value if is_plain else json.dumps(value, ensure_ascii=False)
    return text if len(text.splitlines()) < 2 else json.dumps(value)
