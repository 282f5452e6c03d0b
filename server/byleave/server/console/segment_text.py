"""A segment that is being built, in rows and as YAML beside them: each edits the other.

A page holds the YAML twice: as it was sent, `base`, and where it can be written, `text`. So the
form tells whether the rows were changed, or the YAML, or both, which somebody then has to choose.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from byleave.sdk.folder import LocatedFault
from byleave.segments import DefinitionError, Fault, Purpose, Vocabulary
from byleave.server.amending import amended, said
from byleave.server.console import segment_form as rows
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.segment_rows import Row, condition_of, rows_of
from byleave.server.layout import text_of
from byleave.server.yaml_documents import documents_of

#: The key of a segment while it has none.
NOBODY: Final = "new"
#: What faults call the YAML.
NAME: Final = "segment.yaml"
BOTH: Final = _("Both the rows and the YAML were changed. Choose which of them holds.")
_NO_SEGMENT: Final = _(
    "Write one segment, and nothing beside it. It says its key, as in: segment: comparing-plans"
)
_LONG: Final = _("This is too long: at most 16 KB can be edited here. Shorten it, or use files.")
#: More YAML than this is not read here.
_MOST_BYTES: Final = 16_384
_UNREADABLE: Final = _("This is not YAML:")
_KEY: Final = _("The key of a segment never changes. Make a new segment instead.")


@dataclass(slots=True)
class Built:
    """A segment that is being built.

    Attributes:
        key: Its key; empty or no name yet while it is new.
        is_new: Whether neither a draft nor what is published has it.
        form: The fields beside the rows, and all faults.
        row: Its rows.
        base: Its YAML as the page was sent.
        text: Its YAML as it is now.
        before: What `base` says, beside the key.
        is_long: Whether it is too long to be read, so that nothing is done with it.
        is_beyond: Whether it was too long for rows as the page was sent, so that only its YAML
            is changed here.
        status: The status of the page that shows it.
    """

    key: str
    is_new: bool
    form: Form
    row: Row
    base: str
    text: str
    before: Mapping[str, Any]
    is_long: bool = False
    is_beyond: bool = False
    status: int = 200

    @property
    def is_split(self) -> bool:
        """Whether somebody has to choose between the rows and the YAML."""
        return self.form.fault("text") == BOTH


def opened(
    key: str, segment: Mapping[str, Any], text: str, vocabulary: Vocabulary, *, is_new: bool
) -> Built:
    """Return a segment to be built on, from its definition and how it was written last."""
    first = {name: segment[name] for name in (*rows.FLAT, "use") if name in segment}
    rest = {name: value for name, value in segment.items() if name != "when"}
    row = rows_of(segment.get("when"), vocabulary)
    # What rows write is the same, in the order in which people write it.
    whole = {"segment": key or NOBODY, **first, **rest, "when": condition_of(row, vocabulary)}
    written = amended(text, whole) if text else text_of(whole)
    return Built(
        key=key,
        is_new=is_new,
        form=_form(segment),
        row=row,
        base=written,
        text=written,
        before={name: value for name, value in whole.items() if name != "segment"},
        is_long=_is_long(written),
        is_beyond=_is_long(written),
    )


def sent(built: Built, form: Form, vocabulary: Vocabulary) -> Built:
    """Return a segment as a form says it, by its rows or by its YAML, whichever was changed."""
    key = form.value("key") if built.is_new else built.key
    base = _lines(form, "base") or built.base
    text = _lines(form, "text") or base
    is_beyond = _is_long(base)
    row = Row({"group": "all"}) if is_beyond else rows.rows_in(form, vocabulary)
    before = _segment_in(base)
    found = Built(
        key=key,
        is_new=built.is_new,
        form=form,
        row=row,
        base=base,
        text=text,
        before=before,
        is_beyond=is_beyond,
    )
    if field := "text" if _is_long(text) else "" if is_beyond else _long_field(form):
        form.faults[field], found.is_long = _LONG, True
        return found
    now = rows.segment_of(form, before, condition_of(row, vocabulary))
    are_rows = _json(now) != _json(before) and form.value("do") != "text" and not is_beyond
    is_text = text.strip() != base.strip() and form.value("do") != "rows"
    if is_text and are_rows:
        form.faults["text"] = BOTH
    elif is_text:
        _take_text(found, vocabulary)
    else:
        found.text = base
    return found


def definition(built: Built, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the definition that is built, faults and all."""
    return rows.segment_of(built.form, built.before, condition_of(built.row, vocabulary))


def settle(built: Built, vocabulary: Vocabulary) -> None:
    """Have the YAML say what the rows say, unless that is too long."""
    whole = {"segment": built.key or NOBODY, **definition(built, vocabulary)}
    text = amended(built.text, whole)
    if _is_long(text):
        built.form.faults["text"], built.is_long = _LONG, True
    else:
        built.base = built.text = text


def located(built: Built, faults: Iterable[Fault], key: str) -> list[LocatedFault]:
    """Return faults of a segment where they stand in its YAML."""
    own = [fault for fault in faults if fault.path[:2] == ("segments", key)]
    try:
        document = documents_of(built.text, name=NAME)[0] if own else None
    except (DefinitionError, IndexError):
        return []
    return [document.fault(each.path[2:], each.message) for each in own] if document else []


def _take_text(built: Built, vocabulary: Vocabulary) -> None:
    """Have the rows show what the YAML says, or say what is wrong with it."""
    form = built.form
    try:
        data = said(built.text)
    except DefinitionError as error:
        form.faults["text"] = _UNREADABLE
        form.details["text"] = str(error.faults[0])
        return
    if not isinstance(data, dict) or not isinstance(data.get("segment"), str):
        form.faults["text"] = _NO_SEGMENT
        return
    key = data.pop("segment")
    if not built.is_new and key != built.key:
        form.faults["text"] = _KEY
        return
    built.key = "" if built.is_new and key == NOBODY and not built.key else key
    built.form = Form({**form.values, **_form(data).values, "key": [built.key]}, form.faults)
    built.before, built.row = data, rows_of(data.get("when"), vocabulary)
    built.is_beyond = False


def _form(segment: Mapping[str, Any]) -> Form:
    """Return the form that shows what a segment has beside its condition."""
    values = {name: str(segment.get(name, "")) for name in rows.FLAT}
    return Form.holding(**values, use=str(segment.get("use", Purpose.PERSONALISATION)))


def _long_field(form: Form) -> str:
    """Return the row whose YAML is too long, alone or after those before it; '' for none."""
    by_hand = ""
    for name in form.values:
        by_hand += form.value(name) if name.endswith("-text") else ""
        if _is_long(by_hand):
            return name
    return ""


def _is_long(text: str) -> bool:
    return len(text.encode()) > _MOST_BYTES


def _segment_in(text: str) -> dict[str, Any]:
    try:
        data = None if _is_long(text) else said(text)
    except DefinitionError:
        return {}
    return {k: v for k, v in data.items() if k != "segment"} if isinstance(data, dict) else {}


def _lines(form: Form, name: str) -> str:
    text = form.value(name).replace("\r\n", "\n")
    return f"{text}\n" if text else ""


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True)
