"""Numbers, times and texts are shown as their reader has them."""

from collections.abc import Callable

import pytest

from byleave.experiments.lift import Interval
from byleave.server.console.display import CURRENT, Display
from byleave.server.console.formatting import FILTERS
from byleave.server.console.wording import PSEUDO, wording

#: Typographic signs that are hard to tell from others.
PLAIN = str.maketrans(
    {
        "\N{NO-BREAK SPACE}": " ",
        "\N{NARROW NO-BREAK SPACE}": " ",
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "--",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    }
)


@pytest.fixture
def shown() -> Callable[..., str]:
    """Formats a value for a reader."""

    def show(name: str, *values: object, display: Display | None = None, **options: bool) -> str:
        token = CURRENT.set(display or Display())
        try:
            return str(FILTERS[name](*values, **options)).translate(PLAIN)
        finally:
            CURRENT.reset(token)

    return show


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("percent", (0.1234,), "12.3 %"),
        ("percent", (None,), "--"),
        ("percent", (-0.00001,), "0.0 %"),
        ("amount", (1234.5, "value"), "1,234.50"),
        ("amount", (0.5, "conversion"), "50.0 %"),
        ("difference", (0.0123, "conversion"), "+1.23 pp"),
        ("difference", (-12.0, "value"), "-12.00"),
        ("difference", (None, "value"), "--"),
        ("range", (Interval(-0.1, 0.2), "conversion"), "-10.0 % to +20.0 %"),
        ("range", (None, "conversion"), "--"),
        ("difference_range", (Interval(-0.1, 0.2), "conversion"), "-10.00 pp to +20.00 pp"),
        ("difference_range", (None, "value"), "--"),
        ("tick", (0.05, "conversion"), "+5 %"),
        ("tick", (0.0, "value"), "0"),
        ("tick", (0.5, "share"), "50 %"),
        ("scaled", (12345.6,), "+12,346"),
        ("scaled", (-1.25,), "-1.2"),
        ("tick", (-2.5, "value"), "-2.5"),
        ("whole", (12345,), "12,345"),
        ("whole", (None,), "fewer than 10"),
        ("chance", (0.0001,), "< 0.001"),
        ("chance", (0.0456,), "0.046"),
        ("iso", (0,), "1970-01-01T00:00:00Z"),
    ],
)
def test_values_are_written_as_people_read_them(
    name: str, values: tuple[object, ...], text: str, shown: Callable[..., str]
) -> None:
    assert shown(name, *values) == text


@pytest.mark.parametrize(
    ("locale", "zone", "moment", "number"),
    [
        ("en-GB", "UTC", "5 Jul 2024, 23:30 UTC", "1,234.50"),
        ("en-DE", "Europe/Berlin", "6 Jul 2024, 01:30 CEST", "1.234,50"),
        ("en-CH", "Asia/Kolkata", "6 Jul 2024, 05:00 +0530", "1'234.50"),
        (PSEUDO, "America/New_York", "Jul 5, 2024, 7:30 PM EDT", "1,234.50"),
    ],
)
def test_times_are_in_the_readers_zone_and_numbers_in_their_format(
    locale: str, zone: str, moment: str, number: str, shown: Callable[..., str]
) -> None:
    display = Display(locale=locale, zone=zone)

    assert shown("moment", 1_720_222_200_000, display=display) == moment
    assert shown("amount", 1234.5, "value", display=display) == number


def test_the_pseudo_locale_marks_every_text_and_keeps_placeholders() -> None:
    text = wording(PSEUDO).gettext("Saved %(name)s <b>now</b> &amp; here")

    assert text.startswith("⟦Šåvéd %(name)s <b>")
    assert "&amp;" in text
    assert len(text) > 40
    assert wording(PSEUDO).ngettext("%(num)d row", "%(num)d rows", 2).startswith("⟦%(num)d r")
    assert wording("en-GB").gettext("Overview") == "Overview"
