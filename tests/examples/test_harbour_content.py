"""What the example shop is made of: covers, colours, plans, definitions and true rates."""

from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from byleave.sdk.folder import load_folder
from harbour_books.app import HERE
from harbour_books.catalogue import BOOKS
from harbour_books.covers import PALETTES, Palette, cover
from harbour_books.plans import PLANS
from harbour_books.true_rates import TRUE_RATES, true_lift


def test_a_cover_is_the_same_each_time_and_keeps_its_lines_inside() -> None:
    for book in BOOKS:
        drawn = cover(book.title, book.author)
        lines = [
            float(line.attrib["y"])
            for line in ElementTree.fromstring(drawn).iter()  # noqa: S314 -- the shop drew it
            if (line.tag.endswith(("tspan", "text")) and "y" in line.attrib)
        ]

        assert drawn == cover(book.title, book.author)
        assert max(lines) < 348
        assert "style" not in drawn


def _luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2 for a colour such as #0f4c5c."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("palette", PALETTES)
def test_titles_read_on_their_covers(palette: Palette) -> None:
    assert _contrast(palette.ground, palette.ink) >= 4.5


@pytest.mark.parametrize("theme", [0, 1])
def test_text_and_controls_have_enough_contrast_in_both_themes(theme: int) -> None:
    blocks = (HERE / "static" / "shop.css").read_text().split(":root {")[1:]
    colours = dict(
        line.strip().removesuffix(";").split(": ")
        for line in blocks[theme].partition("}")[0].splitlines()
        if ": #" in line
    )

    for ground in ("--paper", "--card", "--tint"):
        for text in ("--ink", "--soft", "--accent"):
            assert _contrast(colours[ground], colours[text]) >= 4.5, (ground, text)
        assert _contrast(colours[ground], colours["--edge"]) >= 3, ground
    assert _contrast(colours["--paper"], colours["--fault"]) >= 4.5
    assert _contrast(colours["--card"], colours["--fault"]) >= 4.5
    assert _contrast(colours["--accent"], colours["--on-accent"]) >= 4.5


def test_the_definitions_load_and_their_content_exists(client: TestClient) -> None:
    definitions = load_folder(HERE / "byleave")
    proof = definitions.experiments["pricing-hero"].variants["proof"]

    assert set(definitions.segments) == {
        "browsing-books",
        "comparing-plans",
        "customers",
        "open-support-case",
        "ready-to-start",
        "returning-visitors",
    }
    assert all(segment.title and segment.because for segment in definitions.segments.values())
    assert client.get(str(proof.content["image"])).status_code == 200
    assert client.get(str(proof.content["link"])).status_code == 200
    assert (HERE / "templates" / str(definitions.slots["hero"].template)).is_file()


def test_the_true_rates_name_the_arms_and_stay_plausible() -> None:
    experiments = load_folder(HERE / "byleave").experiments

    assert {key: set(rates) for key, rates in TRUE_RATES.items()} == {
        key: set(experiment.variants) for key, experiment in experiments.items()
    }
    for key, rates in TRUE_RATES.items():
        assert rates["control"] <= 0.12
        assert all(true_lift(key, arm) <= 0.4 for arm in rates)


def test_a_first_year_costs_twelve_months() -> None:
    assert [plan.first_year_pounds for plan in PLANS] == [108, 468, 1140]
