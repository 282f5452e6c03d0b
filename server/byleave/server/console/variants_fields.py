"""Fields of a variant in its form: one text for every locale, or one for each of some.

The field `field-title` holds the text for every locale, `field-title:de` the one in German, and
`locales` names them. A button named `do` adds a locale or takes one out, and has a field go from
one text to one for each and back; all of that needs no script.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from byleave.experiments.definitions import Slot
from byleave.experiments.locales import LONGEST, TAG, canonical
from byleave.server.console.forms import Form

ADD: Final = "add-locale"
#: A list of images to pick from that is longer is no help.
_MOST_IMAGES: Final = 100


def written(form: Form, slot: Slot) -> dict[str, Any]:
    """Return the fields that a form holds, once its button did what it says.

    Raises:
        ValueError: What is to be added is no locale.
    """
    locales = form.value("locales").split()
    fields: dict[str, Any] = {}
    for name in slot.fields:
        several = {
            each: form.value(f"field-{name}:{each}")
            for each in locales
            if f"field-{name}:{each}" in form.values
        }
        fields[name] = several or form.value(f"field-{name}")
    doing, _sign, about = form.value("do").partition(":")
    match doing:
        case "add-locale":
            return _added(fields, slot, canonical(form.value("new-locale")))
        case "drop-locale":
            return {name: _without(texts, about) for name, texts in fields.items()}
        case "split" if isinstance(fields.get(about), str):
            return {**fields, about: dict.fromkeys(locales, fields[about])}
        case "join" if isinstance(fields.get(about), dict):
            return {**fields, about: next(filter(None, fields[about].values()), "")}
        case _:
            return fields


def _added(fields: Mapping[str, Any], slot: Slot, locale: str) -> dict[str, Any]:
    """Return fields with a locale more: the first one is that of the texts that are there."""
    if len(locale) > LONGEST or not TAG.fullmatch(locale):
        raise ValueError(locale)
    if locales_in(fields):
        return {
            name: texts if isinstance(texts, str) else {locale: "", **texts}
            for name, texts in fields.items()
        }
    words = [name for name in fields if slot.fields[name] == "text"] or [*fields]
    return {name: {locale: text} if name in words else text for name, text in fields.items()}


def _without(texts: Any, locale: str) -> Any:
    if isinstance(texts, str):
        return texts
    left = {each: text for each, text in texts.items() if each != locale}
    return left or texts[locale]


def locales_in(fields: object) -> list[str]:
    """Return every locale that some field has a text in, by name."""
    return sorted({locale for _name, locale, _text in texts_in(fields) if locale})


def texts_in(fields: object) -> Iterator[tuple[str, str, str]]:
    """Yield each text of a draft's fields: the field, the locale or nothing for all, the text."""
    for name, texts in fields.items() if isinstance(fields, Mapping) else ():
        if isinstance(texts, Mapping):
            yield from ((str(name), str(locale), str(text)) for locale, text in texts.items())
        else:
            yield str(name), "", str(texts)


def by_locale(variant: object) -> dict[str, list[str]]:
    """Return the locales of each field of a variant that has a text for each of some."""
    fields = variant.get("fields") if isinstance(variant, Mapping) else None
    found: dict[str, list[str]] = {}
    for name, locale, _text in texts_in(fields):
        if locale:
            found.setdefault(name, []).append(locale)
    return found


def values_of(fields: object) -> dict[str, str]:
    """Return what the fields of the form hold, by name."""
    locales = locales_in(fields)
    several = {name for name, locale, _text in texts_in(fields) if locale}
    values = {f"field-{name}:{each}": "" for name in several for each in locales}
    for name, locale, text in texts_in(fields):
        values[f"field-{name}:{locale}" if locale else f"field-{name}"] = text
    return {**values, "locales": " ".join(locales)}


def images(definitions: Mapping[str, Any]) -> list[str]:
    """Return the addresses of images that variants of a set show, by name."""
    found = set()
    for experiment in definitions.get("experiments", {}).values():
        slot = definitions.get("slots", {}).get(experiment.get("slot"), {})
        for variant in experiment.get("variants", {}).values():
            fields = variant.get("fields") if isinstance(variant, Mapping) else None
            found |= {
                text
                for name, _locale, text in texts_in(fields)
                if slot.get("fields", {}).get(name) == "image" and text and "{{" not in text
            }
    return sorted(found)[:_MOST_IMAGES]
