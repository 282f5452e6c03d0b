"""The texts that visitors read are there in every language that comes along."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from byleave.sdk import journey, offers, why
from byleave.sdk.languages import LANGUAGES, in_language

LOCALE = Path(why.__file__).with_name("locale")
MESSAGES = sorted({*why.MESSAGES, *journey.MESSAGES, *offers.MESSAGES})
OTHERS = [language for language in LANGUAGES if language != "en"]


def catalogue(language: str, kind: str) -> bytes:
    return (LOCALE / language / "LC_MESSAGES" / f"byleave.{kind}").read_bytes()


@pytest.mark.parametrize("text", MESSAGES)
@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_there_with_what_is_put_into_it(language: str, text: str) -> None:
    said = in_language(language)(text)

    assert said != text
    assert sorted(re.findall(r"\{\w+\}", said)) == sorted(re.findall(r"\{\w+\}", text))


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_no_text_that_nobody_reads_and_is_compiled(language: str) -> None:
    written = read_po(BytesIO(catalogue(language, "po")), locale=language)
    compiled = BytesIO()
    write_mo(compiled, written)

    assert sorted(str(message.id) for message in written if message.id) == MESSAGES
    assert not [message for message in written if message.fuzzy and message.id]
    found, expected = (
        {message.id: message.string for message in read_mo(BytesIO(data)) if message.id}
        for data in (catalogue(language, "mo"), compiled.getvalue())
    )
    assert found == expected


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "Close"), ("de-AT", "Schließen"), ("fr_CH", "Fermer")]
)
def test_a_region_is_spoken_to_in_its_language(language: str, expected: str) -> None:
    assert in_language(language)("Close") == expected


def test_a_language_that_does_not_come_along_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of de, en, fr, got 'tlh'"):
        in_language("tlh")


def test_a_page_is_told_in_its_language(kit: Any, personalise: Any) -> None:
    nav = b'<nav data-byleave-slot="nav"><ul><li><a href="/a">A</a></li></ul></nav>'
    experiments = kit.greeting(
        slot="nav", variants={"control": "site", "b": {"nav": [{"promote": "/a"}]}}
    )
    site = personalise(
        kit.html_app(nav),
        definitions=kit.define(experiments=experiments),
        consent=kit.granted,
        gettext=in_language("de"),
    )

    assert 'aria-label="Für Sie"' in kit.browser(site).get().text
