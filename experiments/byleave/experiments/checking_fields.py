"""Checks of the fields that a variant fills: each is there, and in each of its locales."""

from collections.abc import Iterator, Mapping
from typing import Final

from byleave.experiments.checking_experiments import check_attribute
from byleave.experiments.definitions import Definitions, FieldKind, Slot
from byleave.experiments.locales import LANGUAGE, LONGEST, TAG, Texts, canonical
from byleave.experiments.markup import IMAGE, LINK
from byleave.experiments.placeholders import check_placeholders, unfilled
from byleave.segments import Fault, Path, Source, ValueType, unknown_name

_ADDRESSES: Final = {"image": IMAGE, "url": LINK}


def check_fields(
    content: Mapping[str, Texts], slot: Slot, definitions: Definitions, path: Path
) -> Iterator[Fault]:
    """Yield what is wrong with the fields of a variant."""
    if slot.template is None:
        yield Fault(path, "the slot has no `template` that would render fields")
    for name in slot.fields:
        if name not in content:
            yield Fault(path, f"field {name!r} is missing")
    by_locale = [texts for texts in content.values() if not isinstance(texts, str)]
    locales = dict.fromkeys(locale for texts in by_locale for locale in texts)
    for name, texts in content.items():
        place = (*path, name)
        if name not in slot.fields:
            yield unknown_name("field", name, slot.fields, place)
        elif isinstance(texts, str):
            yield from _text(texts, slot.fields[name], definitions, place)
        else:
            if not texts:
                yield Fault(place, "expected a text, or one for each locale such as {en: Welcome}")
            for locale in locales:
                if texts.get(locale):
                    yield from _locale(locale, definitions, (*place, locale))
                    yield from _text(
                        texts[locale], slot.fields[name], definitions, (*place, locale)
                    )
                else:
                    yield Fault(
                        (*place, locale),
                        f"no text in {locale!r}: write it, or take the locale out of every field, "
                        "so that its pages show the site's own content",
                    )


def check_locale(definitions: Definitions) -> Iterator[Fault]:
    """Yield why the locale of a page cannot be known, where it is needed."""
    name, path = definitions.locale, ("locale",)
    attribute = definitions.attributes.get(name)
    if name == LANGUAGE and not _has_locales(definitions):
        return
    if name == LANGUAGE and attribute is None:
        yield Fault(
            path,
            "texts by locale need to know that of a page: declare the attribute `language: "
            "{type: string, source: request}`, or name here the one that your site gives",
        )
        return
    yield from check_attribute(name, definitions, path, ValueType.STRING)
    if attribute is not None and attribute.source not in (Source.REQUEST, Source.SITE):
        yield Fault(path, f"a page says its own locale; {name!r} is kept of the visitor")
    if attribute is not None and attribute.sensitive:
        yield Fault(path, f"a page shows its locale to everybody; {name!r} is sensitive")


def _has_locales(definitions: Definitions) -> bool:
    return any(
        variant.locales
        for experiment in definitions.experiments.values()
        for variant in experiment.variants.values()
    )


def _locale(locale: str, definitions: Definitions, path: Path) -> Iterator[Fault]:
    usual = canonical(locale)
    if len(locale) > LONGEST or not TAG.fullmatch(usual):
        yield Fault(path, f"expected a locale such as en or de-AT, got {locale!r}")
    elif usual != locale:
        yield Fault(path, f"write the locale as {usual!r}")
    attribute = definitions.attributes.get(LANGUAGE)
    is_derived = attribute is not None and attribute.source is Source.REQUEST
    if definitions.locale == LANGUAGE and is_derived and "-" in locale:
        yield Fault(
            path,
            f"a request says a language and no region, so no page is in {locale!r}: write "
            f"{usual.partition('-')[0]!r}, or name with `locale` an attribute of your site",
        )


def _text(text: str, kind: FieldKind, definitions: Definitions, path: Path) -> Iterator[Fault]:
    if kind in _ADDRESSES and not _ADDRESSES[kind].fullmatch(unfilled(text)):
        yield Fault(
            path,
            f"expected the address of the {kind}: a path such as /schools or "
            f"https://example.org/, got {text!r}",
        )
    yield from check_placeholders(text, definitions.attributes, path, has_words=kind == "text")
