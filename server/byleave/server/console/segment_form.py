"""The rows of a condition in a form: read from its fields, put in order, and found for a fault.

The name of a field is the place of its row and its own, as in `r.0.1-reads`: the second row of the
group that is the first row. A button named `do` says what is to be done with which row.
"""

from collections.abc import Mapping
from dataclasses import replace
from re import fullmatch
from typing import Any, Final

from byleave.segments import Path, Purpose, Vocabulary
from byleave.segments.references import DEEPEST
from byleave.server.console.forms import Form
from byleave.server.console.segment_rows import AGGREGATES, GROUPS, HAND, Row, settled

TOP: Final = "r"
#: What a segment has beside its condition.
FLAT: Final = ("title", "because")
_TEXT: Final = "text"
_STEPS: Final = ("attribute", "event", "segment", "journey")

Place = tuple[int, ...]


def rows_in(form: Form, vocabulary: Vocabulary) -> Row:
    """Return the rows that a form holds."""
    fields: dict[str, dict[str, str]] = {}
    for name, texts in form.values.items():
        place, dash, field = name.partition("-")
        if dash:
            fields.setdefault(place, {})[field] = "\n".join(texts).replace("\r", "")
    return settled(_row(fields, TOP, 0), vocabulary)


def segment_of(form: Form, before: Mapping[str, Any], when: Any) -> dict[str, Any]:
    """Return a segment's definition with what a form says; the rest stays as it was."""
    texts = {name: form.value(name) for name in (*FLAT, "use")}
    if "use" not in before and texts["use"] == Purpose.PERSONALISATION:
        texts["use"] = ""  # it is what stands for nothing
    said = {name: text for name, text in texts.items() if text}
    others = {k: v for k, v in before.items() if k not in (*texts, "when")}
    return {**said, **others, "when": when}


def worked(row: Row, doing: str, vocabulary: Vocabulary, new: Row) -> Row:
    """Return rows after what a button says, such as `up-r.0.1`; as they are for another one.

    Args:
        row: The rows.
        doing: What the button says.
        vocabulary: What rows may name.
        new: What a row looks at that is added.
    """
    verb, _dash, rest = doing.partition("-")
    name, _dash, number = rest.partition("-")
    place = _place(name)
    if place is None or (found := _at(row, place)) is None:
        return row
    match verb:
        case "add" | "group":
            added = new if verb == "add" else Row({"group": "any"}, inside=(new,))
            around = found if found.is_group else Row({"group": "all"}, inside=(found,))
            changed = _put(row, place, replace(around, inside=(*around.inside, added)))
        case "drop":
            changed = _put(row, place) if place else Row({"group": "all"})
        case "up" | "down" if place:
            changed = _moved(row, place, found, is_up=verb == "up")
        case "detail":
            changed = _put(row, place, replace(found, where=(*found.where, {})))
        case "undetail":
            kept = tuple(each for n, each in enumerate(found.where) if str(n) != number)
            changed = _put(row, place, replace(found, where=kept))
        case _:
            return row
    return settled(changed, vocabulary)


def field_of(row: Row, path: Path, place: str = TOP) -> str:
    """Return the field in which a fault of a condition is mended.

    Args:
        row: The rows.
        path: Where the fault is, from the condition on.
        place: The place of the row.
    """
    if row.is_group:
        match path:
            case (str() as group, int() as number, *rest) if group == row.fields["group"]:
                return field_of(row.inside[number], tuple(rest), f"{place}.{number}")
            case _:
                return f"{place}-group"
    field = _field(row, path)
    return (
        f"{place}-{field}"
        if field in row.fields or field.startswith("where-")
        else f"{place}-reads"
    )


def is_at_end(row: Row, place: str) -> tuple[bool, bool]:
    """Return whether a row can go no further up, and no further down."""
    numbers = _place(place) or ()
    last = len(row.inside) - 1
    return numbers in ((), (0,)), numbers in ((), (last,))


def _row(fields: Mapping[str, Mapping[str, str]], place: str, depth: int) -> Row:
    own = fields.get(place, {})
    if own.get("group") in GROUPS:
        inside: list[Row] = []
        while depth < DEEPEST and (below := f"{place}.{len(inside)}") in fields:
            inside.append(_row(fields, below, depth + 1))
        return Row({"group": own["group"]}, inside=tuple(inside))
    where: dict[str, dict[str, str]] = {}
    for name, text in own.items():
        if found := fullmatch(r"where-(\d{1,3})-(\w+)", name):
            where.setdefault(found[1], {})[found[2]] = text
    plain = {name: text for name, text in own.items() if not name.startswith("where-")}
    return Row({"reads": HAND, **plain}, tuple(where.values()))


def _place(name: str) -> Place | None:
    """Return the numbers of a place such as `r.0.1`; None for what is none."""
    if not fullmatch(r"r(\.\d{1,3})*", name):
        return None
    return tuple(map(int, name.split(".")[1:]))


def _at(row: Row, place: Place) -> Row | None:
    for number in place:
        if number >= len(row.inside):
            return None
        row = row.inside[number]
    return row


def _put(row: Row, place: Place, *instead: Row) -> Row:
    """Return rows with others in the place of one."""
    if not place:
        return instead[0]
    first, *rest = place
    below = (_put(row.inside[first], tuple(rest), *instead),) if rest else instead
    return replace(row, inside=(*row.inside[:first], *below, *row.inside[first + 1 :]))


def _moved(row: Row, place: Place, found: Row, *, is_up: bool) -> Row:
    """Return rows with one moved by a line: past a row, into a group, or out of its own."""
    without, (*above, number) = _put(row, place), place
    beside = (*above, number - 1 if is_up else number)
    neighbour = _at(without, beside) if beside[-1] >= 0 else None
    if neighbour is not None and neighbour.is_group:
        inside = (*neighbour.inside, found) if is_up else (found, *neighbour.inside)
        return _put(without, beside, replace(neighbour, inside=inside))
    if neighbour is None:
        if not above:
            return row
        beside, neighbour = tuple(above), _at(without, tuple(above)) or found
    pair = (found, neighbour) if is_up else (neighbour, found)
    return _put(without, beside, *pair)


def _field(row: Row, path: Path) -> str:
    if "text" in row.fields:
        return _TEXT
    match path:
        case ("where", name, *_rest):
            numbers = [n for n, each in enumerate(row.where) if each.get("of") == name]
            return f"where-{numbers[0]}-value" if numbers else "reads"
        case ("within" | "not_within", *_rest):
            return "within"
        case ("last" | "first", *rest) | ("count", *rest):
            bound = str(rest[0]) if rest else "at_least"
            return "number" if "number" in row.fields else bound
        case (str() as key, *_rest) if key in (*_STEPS,):
            return "reads"
        case ("reached" | "at", *_rest):
            return "step"
        case (str() as key, *rest) if key in AGGREGATES:
            return "value"
        case (_, *_rest):
            return "value"
        case _:
            return "step" if "step" in row.fields else "reads"
