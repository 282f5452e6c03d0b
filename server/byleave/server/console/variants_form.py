"""What a variant shows: from a form to its content and back, and what to think of in it.

A form has the kind of content in its field `kind`. Operations on navigation are a list; a button
named `do` moves one of them, so that it can be put in order without dragging.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any, Final

from byleave.experiments.definitions import NavVerb, Slot, SlotKind, VariantKind
from byleave.experiments.placeholders import in_address, in_markup, in_text, pieces
from byleave.segments import Fault, Path
from byleave.server.console import variants_fields
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form, json_in

#: Longer texts are cut off or overflow on many phones.
LONG: Final = 160
#: Words of a link that say nothing of where it leads.
_VAGUE: Final = frozenset({"click here", "here", "learn more", "link", "more", "read more"})


def kinds(slot: Slot, *, may_write_html: bool) -> list[VariantKind]:
    """Return the kinds of content that a slot takes, the one to begin with first."""
    match slot.kind:
        case SlotKind.NAVIGATION:
            return [VariantKind.NAV]
        case SlotKind.DATA:
            return [VariantKind.DATA]
        case _:
            found = [VariantKind.FIELDS] if slot.fields else []
            found.append(VariantKind.TEMPLATE)
            return [*found, VariantKind.HTML] if may_write_html else found


def content_of(form: Form, kind: VariantKind, slot: Slot) -> Any:
    """Return the content that a form holds.

    Raises:
        ValueError: It is data, and no JSON that can be kept; or a locale is to be added, and it
            is none.
    """
    match kind:
        case VariantKind.FIELDS:
            return variants_fields.written(form, slot)
        case VariantKind.NAV:
            return _moved(list(_operations(form)), form.value("do"))
        case VariantKind.DATA:
            return json_in(form.value("data") or "null")
        case _:
            return form.value(str(kind))


def as_form(content: Any, kind: VariantKind) -> Form:
    """Return the form that shows a content."""
    values = {"kind": str(kind)}
    match kind:
        case VariantKind.FIELDS:
            values |= variants_fields.values_of(content)
        case VariantKind.NAV:
            for number, each in enumerate(content or ()):
                verb = next((verb for verb in NavVerb if verb in each), NavVerb.PROMOTE)
                values[f"verb-{number}"] = str(verb)
                values[f"path-{number}"] = str(each.get(verb, ""))
                values[f"label-{number}"] = str(each.get("label", ""))
        case VariantKind.DATA:
            values["data"] = json.dumps(content, ensure_ascii=False, indent=1)
        case _:
            values[str(kind)] = str(content or "")
    return Form.holding(**values)


def _operations(form: Form) -> Iterator[dict[str, str]]:
    """Yield the operations of a form; rows without a path are no more."""
    for number in range(sum(name.startswith("path-") for name in form.values)):
        verb, path = form.value(f"verb-{number}"), form.value(f"path-{number}")
        if path and verb in list(NavVerb):
            label = form.value(f"label-{number}")
            yield {verb: path} | ({"label": label} if label else {})


def _moved(operations: list[dict[str, str]], doing: str) -> list[dict[str, str]]:
    """Return operations with one moved up or down, or left out, as a button says."""
    verb, _sign, number = doing.partition("-")
    if not number.isdecimal() or int(number) >= len(operations):
        return operations
    place = int(number)
    if verb in ("up", "down", "drop"):
        moved = operations.pop(place)
        if verb != "drop":
            operations.insert(max(place + (1 if verb == "down" else -1), 0), moved)
    return operations


def field_of(path: Path) -> str:
    """Return the field in which a fault of a variant is mended; `kind` where there is none.

    Args:
        path: Where the fault is, from the variant on.
    """
    match path:
        case ("fields", str() as name, str() as locale):
            return f"field-{name}:{locale}"
        case ("fields", str() as name):
            return f"field-{name}"
        case ("nav", int() as number, *_rest):
            return f"path-{number}"
        case ("html" | "template" | "data" as kind, *_rest):
            return kind
        case _:
            return "kind"


def with_faults(form: Form, faults: Sequence[Fault], path: Path) -> Form:
    """Return a form with those of some faults that are below a path, or about locales."""
    for each in faults:
        is_own = each.path[: len(path)] == path
        if is_own or (each.path == ("locale",) and form.value("locales")):
            name = field_of(each.path[len(path) :]) if is_own else "new-locale"
            form.faults[name] = _("Mend this:")
            form.details.setdefault(name, each.message)
    return form


def previewed(content: Any, kind: VariantKind, slot: Slot) -> dict[str, Any]:
    """Return what a frame shows of a content: as for a visitor of whom nothing is known."""
    match kind:
        case VariantKind.FIELDS:
            texts = [*variants_fields.texts_in(content)]
            return {
                "parts": {
                    locale: [
                        (name, what, (in_text if what == "text" else in_address)(text, _nothing))
                        for name, what in slot.fields.items()
                        for field, own, text in texts
                        if field == name and own in ("", locale)
                    ]
                    for locale in variants_fields.locales_in(content) or [""]
                }
            }
        case VariantKind.HTML:
            return {"html": in_markup(str(content or ""), _nothing)}
        case _:
            return {}


def placeholders(content: Any, kind: VariantKind) -> list[tuple[str, str]]:
    """Return the placeholders of a content: the attribute, and what stands without it."""
    texts = [content] if kind is VariantKind.HTML and isinstance(content, str) else []
    if kind is VariantKind.FIELDS:
        texts = [text for _name, _locale, text in variants_fields.texts_in(content)]
    cut = [piece for text in texts for piece in pieces(text)]
    return [*dict.fromkeys((piece.name, piece.fallback) for piece in cut if piece.name)]


def advice(content: Any, kind: VariantKind, slot: Slot) -> Iterator[tuple[str, str]]:
    """Yield what to think of in a content: words to be translated, and what they are about."""
    match kind:
        case VariantKind.FIELDS:
            for name, locale, text in variants_fields.texts_in(content):
                what, place = slot.fields.get(name), f"{name} ({locale})" if locale else name
                if what == "text" and len(text) > LONG:
                    yield _("Long for one place; phones may cut it off:"), place
                if what == "text" and text.strip(" .!>»→").casefold() in _VAGUE:
                    yield _("As a link it does not say where it leads:"), f"{place}: {text}"
                if what == "url" and text.startswith("http:"):
                    yield _("This address is not encrypted; take https:"), place
                if what == "image" and text:
                    yield from _unsaid(content, slot, name, locale)
        case VariantKind.HTML:
            reader = _Reader()
            reader.feed(str(content or ""))
            reader.close()
            yield from reader.found
            if len(reader.text) > 4 * LONG:
                yield _("Long for one place; phones may cut it off:"), f"{len(reader.text)}"
        case _:
            return


def _unsaid(
    fields: Mapping[str, Any], slot: Slot, image: str, locale: str
) -> Iterator[tuple[str, str]]:
    """Yield what keeps those who do not see an image from knowing what it says (WCAG 1.1.1)."""
    names = (f"{image}_alt", f"{image}-alt", "alt")
    said = next((name for name in names if slot.fields.get(name) == "text"), None)
    place = f"{image} ({locale})" if locale else image
    if said is None:
        yield _("The slot has no field for the alt text of this image:"), place
        return
    texts = fields.get(said, "")
    if not (texts.get(locale) if isinstance(texts, Mapping) else texts):
        yield _("This image has no alt text, as one that only decorates:"), place


class _Reader(HTMLParser):
    """Collects what readers of a piece of HTML would miss, by WCAG 2.2, 1.1.1, 1.3.1 and 2.4.4."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.text = ""
        self._link: tuple[str, int] | None = None
        self._level = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        source = given.get("src") or tag
        if tag == "img" and "alt" not in given:
            self.found.append((_("This image has no alt text:"), source))
        if tag == "img" and given.get("alt"):
            self.text += str(given["alt"])
        if tag == "a":
            self._link = (given.get("href") or "", len(self.text))
            self.text += given.get("aria-label") or ""
            if "href" not in given:
                self.found.append((_("This link leads nowhere:"), "<a>"))
            elif (given["href"] or "").startswith("http:"):
                self.found.append(
                    (_("This address is not encrypted; take https:"), given["href"] or "")
                )
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdecimal():
            level = int(tag[1])
            if self._level and level > self._level + 1:
                self.found.append((_("A level of headings is left out before:"), f"<{tag}>"))
            self._level = level

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link is not None:
            address, start = self._link
            said = self.text[start:].strip(" .!>»→\n").casefold()
            if not said:
                self.found.append((_("This link has no text:"), address))
            elif said in _VAGUE:
                self.found.append((_("As a link it does not say where it leads:"), said))
            self._link = None

    def handle_data(self, data: str) -> None:
        self.text += data


def _nothing(_name: str) -> None:
    """Say that nothing is known of a visitor."""
