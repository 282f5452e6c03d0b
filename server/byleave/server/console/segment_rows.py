"""The rows of a condition: what a form shows of it, and the condition that they write.

All that a row holds is text, as somebody typed it. A leaf that the fields of a row cannot say
whole is a row that is written by hand, so that no condition is lost by looking at it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from byleave.segments import DefinitionError, Event, ValueType, Vocabulary
from byleave.server.console import segment_values as values
from byleave.server.console.segment_values import Values
from byleave.server.layout import text_of_trees, tree_of
from byleave.server.yaml_documents import documents_of

GROUPS: Final = ("all", "any", "none")
HAND: Final = "hand"
NOW: Final = "now"
#: More leaves than this are shown as text.
MOST_ROWS: Final = 60
AGGREGATES: Final = ("sum", "min", "max", "distinct")
AGES: Final = ("last", "first")
BOUNDS: Final = ("at_least", "at_most")


@dataclass(frozen=True, slots=True)
class Row:
    """A row: a group with the rows inside, or a leaf.

    Attributes:
        fields: What its fields hold, by name.
        where: What the fields of each comparison with a property of its event hold.
        inside: The rows of a group.
    """

    fields: Values
    where: tuple[Values, ...] = ()
    inside: tuple["Row", ...] = field(default=())

    @property
    def is_group(self) -> bool:
        """Whether it is a group."""
        return "group" in self.fields

    @property
    def reads(self) -> tuple[str, str]:
        """What it looks at: the kind, such as `attribute`, and the name."""
        kind, _, name = self.fields.get("reads", "").partition(":")
        return kind, name


def rows_of(condition: Any, vocabulary: Vocabulary) -> Row:
    """Return the rows of a condition that is plain data, sound or not."""
    if _count(condition) > MOST_ROWS:
        return by_hand(condition)
    if group := _group(condition):
        inside = tuple(rows_of(each, vocabulary) for each in condition[group])
        return Row({"group": group}, inside=inside)
    found = settled(_leaf(condition), vocabulary)
    is_whole = _json(condition_of(found, vocabulary)) == _json(condition)
    return found if is_whole and _is_typed(found) else by_hand(condition)


def by_hand(condition: Any) -> Row:
    """Return the row that holds a condition as text."""
    text = text_of_trees([tree_of(condition)]).removesuffix("...\n").strip()
    if _json(_read(text)) != _json(condition):
        text = json.dumps(condition)  # which escapes what YAML takes for the end of a line
    return Row({"reads": HAND, "text": text})


def condition_of(row: Row, vocabulary: Vocabulary) -> Any:
    """Return the condition that rows write, as plain data, faults and all."""
    if row.is_group:
        return {row.fields["group"]: [condition_of(each, vocabulary) for each in row.inside]}
    kind, name = row.reads
    match kind:
        case "attribute":
            return {"attribute": name} | values.written(
                row.fields, attribute_type(name, vocabulary)
            )
        case "event":
            return _event(row, name, vocabulary)
        case "segment":
            return {"segment": name}
        case "journey":
            return {"journey": name, row.fields.get("at", ""): row.fields.get("step", "")}
        case "now":
            return {"now": values.written(row.fields, ValueType.TIME)}
        case _:
            return _read(row.fields.get("text", ""))


def settled(row: Row, vocabulary: Vocabulary) -> Row:
    """Return a row whose fields fit what it looks at, with first choices where they do not."""
    if row.is_group:
        inside = tuple(settled(each, vocabulary) for each in row.inside)
        return Row({"group": row.fields["group"]}, inside=inside)
    kind, name = row.reads
    reads = {"reads": row.fields.get("reads", HAND)}
    match kind:
        case "attribute":
            declared = vocabulary.attributes.get(name)
            one_of = declared.one_of if declared else ()
            return Row(reads | values.settled(row.fields, attribute_type(name, vocabulary), one_of))
        case "event":
            return _settled_event(row, reads, vocabulary.events.get(name, Event()))
        case "segment":
            return Row(reads)
        case "journey":
            declared_journey = vocabulary.journeys.get(name)
            steps = [step.key for step in declared_journey.steps] if declared_journey else []
            at = row.fields.get("at", "")
            step = row.fields.get("step", "")
            fitting = step if step in steps or not steps else steps[0]
            return Row(
                reads | {"at": at if at in ("reached", "at") else "reached", "step": fitting}
            )
        case "now":
            return Row(reads | values.settled(row.fields, ValueType.TIME))
        case _:
            return Row({"reads": HAND, "text": row.fields.get("text", "")})


def attribute_type(name: str, vocabulary: Vocabulary) -> ValueType:
    """Return the type of an attribute; that of texts for one that is not declared."""
    declared = vocabulary.attributes.get(name)
    return declared.type if declared else ValueType.STRING


def property_type(row: Row, of: str, vocabulary: Vocabulary) -> ValueType:
    """Return the type of a property of a row's event; that of texts where it is not declared."""
    event = vocabulary.events.get(row.reads[1])
    return event.properties.get(of, ValueType.STRING) if event else ValueType.STRING


def measures(event: Event) -> list[str]:
    """Return what may be asked of an event."""
    numbers = ValueType.NUMBER in event.properties.values()
    offered = [each for each in AGGREGATES if numbers or (each == "distinct" and event.properties)]
    return ["once", "count", "exactly", "not_within", *AGES, *offered]


def measured(measure: str, event: Event) -> list[str]:
    """Return the properties that a measure can be made of."""
    kinds = event.properties
    return [of for of, kind in kinds.items() if measure == "distinct" or kind is ValueType.NUMBER]


def _settled_event(row: Row, reads: Values, event: Event) -> Row:
    given = row.fields
    offered = measures(event)
    measure = given.get("measure", "")
    measure = measure if measure in offered else offered[0]
    found = {**reads, "measure": measure}
    names = {"count": BOUNDS, "exactly": ("number",), **dict.fromkeys(AGES, BOUNDS)}
    found |= {name: given.get(name, "") for name in names.get(measure, ())}
    lengths = [*BOUNDS] if measure in AGES else ["within"]
    found |= {name: given.get(name, "") for name in lengths}
    units = {f"{name}_unit": given.get(f"{name}_unit", "") for name in lengths}
    found |= {name: unit if unit in values.UNITS else "d" for name, unit in units.items()}
    if measure in AGGREGATES:
        known, of = measured(measure, event), given.get("of", "")
        found |= {"of": of if of in known else known[0]}
        found |= values.settled(given, ValueType.NUMBER)
    where = []
    for each in row.where:
        of = each.get("of", "")
        kind = event.properties.get(of, ValueType.STRING)
        where.append({"of": of, **values.settled(each, kind)})
    return Row(found, tuple(where))


def _event(row: Row, name: str, vocabulary: Vocabulary) -> dict[str, Any]:
    given = row.fields
    found: dict[str, Any] = {"event": name}
    where = {
        each["of"]: values.written(each, property_type(row, each["of"], vocabulary))
        for each in row.where
        if each.get("of")
    }
    if where:
        found["where"] = where
    within = {"within": _length(given, "within")} if given.get("within") else {}
    match measure := given.get("measure", ""):
        case "count":
            count = {name: values.number(given[name]) for name in BOUNDS if given.get(name)}
            return {**found, "count": count, **within}
        case "exactly":
            number = values.number(given.get("number", ""))
            return {**found, "count": {"exactly": number}, **within}
        case "not_within":
            return {**found, "not_within": _length(given, "within")}
        case "last" | "first":
            return {**found, measure: {b: _length(given, b) for b in BOUNDS if given.get(b)}}
        case "sum" | "min" | "max" | "distinct":
            test = values.written(given, ValueType.NUMBER)
            return {**found, measure: {given.get("of", ""): test}, **within}
        case _:
            return found | within


def _leaf(condition: Any) -> Row:
    """Return a row that may say a leaf; whether it does is to be tried."""
    data = condition if isinstance(condition, Mapping) else {}
    if "attribute" in data:
        test = {key: value for key, value in data.items() if key != "attribute"}
        return Row({"reads": f"attribute:{data['attribute']}", **values.fields(test)})
    if "event" in data:
        return _event_row(data)
    if "segment" in data:
        return Row({"reads": f"segment:{data['segment']}"})
    if "journey" in data:
        at = "at" if "at" in data else "reached"
        step = values.said(data.get(at))
        return Row({"reads": f"journey:{data['journey']}", "at": at, "step": step})
    if "now" in data:
        return Row({"reads": NOW, **values.fields(data["now"])})
    return Row({"reads": HAND})


def _event_row(data: Mapping[str, Any]) -> Row:
    found = {"reads": f"event:{data['event']}", "measure": "once"}
    if "within" in data:
        found["within"], found["within_unit"] = values.parts(data["within"])
    if "not_within" in data:
        found["measure"] = "not_within"
        found["within"], found["within_unit"] = values.parts(data["not_within"])
    for measure in (*AGES, *AGGREGATES, "count"):
        asked = data.get(measure)
        if not isinstance(asked, Mapping):
            continue
        found["measure"] = measure
        if measure in AGES:
            for bound, length in asked.items():
                found[str(bound)], found[f"{bound}_unit"] = values.parts(length)
        elif measure == "count":
            found |= {str(bound): values.said(number) for bound, number in asked.items()}
            if "exactly" in asked:
                found |= {"measure": "exactly", "number": values.said(asked["exactly"])}
        else:
            for of, test in asked.items():
                found |= {"of": str(of), **values.fields(test)}
    where = data.get("where")
    asked_of = where.items() if isinstance(where, Mapping) else ()
    return Row(found, tuple({"of": str(of), **values.fields(test)} for of, test in asked_of))


def _is_typed(row: Row) -> bool:
    """Whether fields of a page can hold a row: only lists have more than a line."""
    return all(
        "\r" not in text and ("\n" not in text or fields.get("op") in values.LISTS)
        for fields in (row.fields, *row.where)
        for text in fields.values()
    )


def _length(given: Values, name: str) -> str:
    return values.length(given.get(name, ""), given.get(f"{name}_unit", ""))


def _group(condition: Any) -> str:
    """Return the word of a group; an empty text for what is none."""
    if not isinstance(condition, Mapping) or len(condition) != 1:
        return ""
    [(word, inside)] = condition.items()
    return str(word) if word in GROUPS and isinstance(inside, list) else ""


def _count(condition: Any) -> int:
    group = _group(condition)
    return sum(map(_count, condition[group])) if group else 1


def _read(text: str) -> Any:
    """Return what a row that is written by hand says; its text where that is not YAML."""
    try:
        found = documents_of(text, name=HAND)
    except DefinitionError:
        return text
    return found[0].data if len(found) == 1 else None


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True)
