"""The controls of a row: what its fields are, what they offer, and the words around them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from byleave.segments import Event, Operator, ValueType, Vocabulary
from byleave.server.console import segment_values as values
from byleave.server.console.display import marked as _
from byleave.server.console.display import translated
from byleave.server.console.segment_rows import (
    AGES,
    AGGREGATES,
    HAND,
    NOW,
    Row,
    attribute_type,
    measured,
    measures,
    property_type,
)
from byleave.server.console.segment_words import (
    BOOLEANS,
    KINDS,
    MEASURES,
    OPERATORS,
    STEPS,
    UNITS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One field of a row.

    Attributes:
        name: Its name in the form.
        label: What it is, translated; words of the sentence where they are shown.
        kind: `select`, `text`, `number`, `area`, `boxes` or `check`.
        value: What it holds.
        options: What may be chosen, by group and value; groups without a name have no heading.
        is_unseen: Whether its label is for those alone who cannot see the sentence.
        after: Words that follow it.
        is_optional: Whether nothing in it means that anything goes.
    """

    name: str
    label: str
    kind: str
    value: str
    options: Mapping[str, Mapping[str, str]]
    is_unseen: bool
    after: str = ""
    is_optional: bool = False


def readable(vocabulary: Vocabulary, key: str) -> dict[str, dict[str, str]]:
    """Return what a row of a segment may look at: by group the values and their names."""
    titles = {name: each.title or name for name, each in vocabulary.segments.items()}
    journeys = {name: each.title or name for name, each in vocabulary.journeys.items()}
    found = {
        "event": {f"event:{name}": name for name in vocabulary.events},
        "attribute": {f"attribute:{name}": name for name in vocabulary.attributes},
        "segment": {f"segment:{name}": title for name, title in titles.items() if name != key},
        "journey": {f"journey:{name}": title for name, title in journeys.items()},
        "other": {
            NOW: translated(_("the present time")),
            HAND: translated(_("something written by hand")),
        },
    }
    return {translated(KINDS[kind]): options for kind, options in found.items() if options}


def first_readable(vocabulary: Vocabulary) -> str:
    """Return what a row looks at that was just added."""
    for kind, names in (("event", vocabulary.events), ("attribute", vocabulary.attributes)):
        for name in names:
            return f"{kind}:{name}"
    return NOW


def controls(row: Row, place: str, vocabulary: Vocabulary, key: str) -> list[Control]:
    """Return the controls of a leaf in the order in which they are read."""
    return [*_controls(row, place, vocabulary, key)]


def details(row: Row, place: str, vocabulary: Vocabulary) -> list[list[Control]]:
    """Return the controls of each comparison with a property of a row's event."""
    event = vocabulary.events.get(row.reads[1], Event())
    found = []
    for number, where in enumerate(row.where):
        start, of = f"{place}-where-{number}-", where.get("of", "")
        names = {name: name for name in event.properties}
        chosen = _select(f"{start}of", _("with"), of, _also(names, of), is_unseen=False)
        kind = property_type(row, of, vocabulary)
        found.append([chosen, *_comparison(where, start, kind, ())])
    return found


def _controls(row: Row, place: str, vocabulary: Vocabulary, key: str) -> Iterator[Control]:
    given, start = row.fields, f"{place}-"
    kind, name = row.reads
    reads = given.get("reads", HAND)
    offered = readable(vocabulary, key)
    if not any(reads in options for options in offered.values()):
        offered = {"": {reads: name}, **offered}
    words = _("in segment") if kind == "segment" else _("Looks at")
    yield _control(f"{start}reads", words, "select", reads, offered, is_unseen=kind != "segment")
    match kind:
        case "attribute":
            declared = vocabulary.attributes.get(name)
            one_of = declared.one_of if declared else ()
            yield from _comparison(given, start, attribute_type(name, vocabulary), one_of)
        case "event":
            yield from _event(row, start, vocabulary.events.get(name, Event()))
        case "journey":
            journey = vocabulary.journeys.get(name)
            steps = {step.key: step.label or step.key for step in journey.steps} if journey else {}
            at, step = given.get("at", ""), given.get("step", "")
            yield _select(f"{start}at", _("How"), at, _said(STEPS))
            yield _select(f"{start}step", _("Step"), step, _also(steps, step))
        case "now":
            yield from _comparison(given, start, ValueType.TIME, ())
        case "hand":
            text = given.get("text", "")
            yield _control(f"{start}text", _("Written by hand, as YAML"), "area", text, {})
        case _:
            return


def _event(row: Row, start: str, event: Event) -> Iterator[Control]:
    given = row.fields
    measure = given.get("measure", "")
    said = {each: translated(MEASURES[each]) for each in measures(event)}
    yield _select(f"{start}measure", _("What happened"), measure, said)
    if measure == "count":
        yield _number(f"{start}at_least", _("at least"), given.get("at_least", ""))
        times = _("times")
        yield _number(f"{start}at_most", _("at most"), given.get("at_most", ""), after=times)
    elif measure == "exactly":
        often = given.get("number", "")
        yield _number(f"{start}number", _("How often"), often, is_unseen=True, after=_("times"))
    elif measure in AGES:
        yield from _length(given, start, "at_least", _("at least"))
        yield from _length(given, start, "at_most", _("at most"), after=_("ago"))
    elif measure in AGGREGATES:
        names = {name: name for name in measured(measure, event)}
        yield _select(f"{start}of", _("Of which property"), given.get("of", ""), names)
        yield from _comparison(given, start, ValueType.NUMBER, ())
    if measure not in AGES:
        yield from _length(given, start, "within", _("in the last"))


def _comparison(
    given: Mapping[str, str], start: str, kind: ValueType, one_of: tuple[Any, ...]
) -> Iterator[Control]:
    op, value = given.get("op", ""), given.get("value", "")
    said = {each: translated(OPERATORS[each]) for each in values.operators(kind)}
    yield _select(f"{start}op", _("How it is compared"), op, said)
    chosen = values.choices(op, kind, one_of)
    label = _("Value")
    if op in (Operator.EXISTS, values.ABSENT):
        return
    if op in values.LENGTHS:
        yield _number(f"{start}value", _("How long"), value, is_unseen=True)
        yield _select(f"{start}unit", _("Unit"), given.get("unit", ""), _said(UNITS))
    elif op in values.LISTS and chosen:
        options = {
            "": {each: each for each in dict.fromkeys([*chosen, *value.split("\n")]) if each}
        }
        yield _control(f"{start}value", _("Values"), "boxes", value, options)
    elif op in values.LISTS:
        yield _control(f"{start}value", _("Values, one in each line"), "area", value, {})
    elif chosen:
        words = _said(BOOLEANS) if kind is ValueType.BOOLEAN else {each: each for each in chosen}
        yield _select(f"{start}value", label, value, words)
    elif kind is ValueType.NUMBER:
        yield _number(f"{start}value", label, value, is_unseen=True)
        if op == Operator.BETWEEN:
            end = given.get("to", "")
            yield _control(f"{start}to", _("and"), "number", end, {}, is_unseen=False)
    else:
        yield _control(f"{start}value", label, "text", value, {})
    if values.can_ignore_case(op, kind):
        yield _control(
            f"{start}ignore_case",
            _("whatever the case"),
            "check",
            given.get("ignore_case", ""),
            {},
            is_unseen=False,
        )


def _length(
    given: Mapping[str, str], start: str, name: str, label: str, after: str = ""
) -> Iterator[Control]:
    yield _number(f"{start}{name}", label, given.get(name, ""))
    unit, options = given.get(f"{name}_unit", ""), {"": _said(UNITS)}
    yield _control(f"{start}{name}_unit", _("Unit"), "select", unit, options, after=after)


def _select(
    name: str, label: str, value: str, options: Mapping[str, str], *, is_unseen: bool = True
) -> Control:
    return _control(name, label, "select", value, {"": options}, is_unseen=is_unseen)


def _number(
    name: str, label: str, value: str, *, is_unseen: bool = False, after: str = ""
) -> Control:
    return _control(
        name,
        label,
        "number",
        value,
        {},
        is_unseen=is_unseen,
        after=after,
        is_optional=not is_unseen,
    )


def _control(
    name: str,
    label: str,
    kind: str,
    value: str,
    options: Mapping[str, Mapping[str, str]],
    *,
    is_unseen: bool = True,
    after: str = "",
    is_optional: bool = False,
) -> Control:
    return Control(
        name=name,
        label=translated(label),
        kind=kind,
        value=value,
        options=options,
        is_unseen=is_unseen,
        after=translated(after) if after else "",
        is_optional=is_optional,
    )


def _said(words: Mapping[str, str]) -> dict[str, str]:
    return {value: translated(text) for value, text in words.items()}


def _also(options: Mapping[str, str], value: str) -> dict[str, str]:
    """Return options with the one that is there already, where they have it not."""
    return dict(options) if value in options else {value: value, **options}
