import pytest

from byleave.experiments.lift import Population
from byleave.experiments.lift.words import percent, population_words


@pytest.mark.parametrize(
    ("population", "words"),
    [
        (Population(), "visitors who may be measured"),
        (Population(unit="view"), "all measured page views"),
        (Population(page_share=0.6149), "visitors who may be measured (61 % of page views)"),
        (
            Population(page_share=0.5, segment="Returning visitors"),
            "visitors who may be measured (50 % of page views), in Returning visitors",
        ),
    ],
)
def test_the_population_is_named(population: Population, words: str) -> None:
    assert population_words(population) == words


@pytest.mark.parametrize(
    ("share", "signed", "words"),
    [
        (0.1234, False, "12.3 %"),
        (0.12, True, "+12 %"),
        (-0.0001, True, "-0.01 %"),
        (0.0, True, "+0 %"),
        (0.00034, False, "0.03 %"),
        (1.0, False, "100 %"),
        (-0.2, False, "-20 %"),
    ],
)
def test_shares_are_written_as_people_read_them(share: float, signed: bool, words: str) -> None:
    assert percent(share, signed=signed) == words
