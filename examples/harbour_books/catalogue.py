"""The books on the shelves. Every title, author and sentence is invented."""

# ruff: noqa: RUF001 -- texts for readers have typographic apostrophes

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class Book:
    """One title the shop stocks; `pence` is its price, `arrived` the day it came in."""

    slug: str
    title: str
    author: str
    subject: str
    pence: int
    pages: int
    arrived: date
    teaser: str
    about: tuple[str, ...]
    note: str

    @property
    def price(self) -> str:
        """The price as printed, such as £11.50."""
        return f"£{self.pence / 100:.2f}"


SUBJECTS: Final = {
    "fiction": "Fiction",
    "nature": "Nature",
    "history": "History",
    "making": "Making and mending",
    "young": "Young readers",
}
"""Names of the shelves by the key used in addresses, in the order of the shop floor."""

BOOKS: Final = (
    Book(
        slug="what-the-gulls-think",
        title="What the Gulls Think",
        author="Isbet Corrow",
        subject="nature",
        pence=1450,
        pages=224,
        arrived=date(2026, 3, 9),
        teaser="A year on one roof, with forty neighbours who never stop talking.",
        about=(
            "Isbet Corrow rented a top-floor room for the view and found that she was the "
            "lodger. Over twelve months she learns to tell one gull from the next, who is "
            "married to whom, and why the chimney pot on the left is worth fighting for.",
            "Patient and very funny, with pencil drawings on nearly every page.",
        ),
        note="Ana at the till now greets the gull outside by name. Sold out twice.",
    ),
    Book(
        slug="nine-ferries-on-a-tuesday",
        title="Nine Ferries on a Tuesday",
        author="Odalys Merrin",
        subject="fiction",
        pence=1199,
        pages=312,
        arrived=date(2026, 5, 18),
        teaser="One crossing, nine times in a day, and a passenger who never gets off.",
        about=(
            "Deckhand Perrin Sole counts the same passenger aboard all nine sailings. By the "
            "fourth he has invented a life for her; by the seventh he is part of it.",
            "A short, warm novel about the stories that we tell of strangers, told in nine "
            "chapters that each take about as long to read as the crossing.",
        ),
        note="The one we press into the hands of people who say that they have no time to read.",
    ),
    Book(
        slug="twelve-kinds-of-fog",
        title="Twelve Kinds of Fog",
        author="Hallam Pryde-Oke",
        subject="nature",
        pence=1650,
        pages=256,
        arrived=date(2026, 9, 21),
        teaser="A field guide to the weather you cannot see through.",
        about=(
            "Sea fret, valley mist, the brown fog of old harbour towns: Hallam Pryde-Oke has "
            "walked, rowed and once cycled into all of them with a notebook and a bell.",
            "Each chapter takes one kind, explains how it forms, and spends a night inside it.",
        ),
        note="Read it by a window in November.",
    ),
    Book(
        slug="her-majestys-second-best-tugboat",
        title="Her Majesty’s Second-Best Tugboat",
        author="Tobit Farraway",
        subject="history",
        pence=1899,
        pages=368,
        arrived=date(2026, 2, 2),
        teaser="Sixty years of towing other people’s ships out of trouble.",
        about=(
            "The Dauntsey Maid never won a race or fired a gun. She pulled. From her launch in "
            "a flood to her last tow, a wedding marquee, this is history from the engine room.",
            "With crew lists, plans of the boiler, and a chapter on tea.",
        ),
        note="For anyone who would rather read about the tug than the battleship.",
    ),
    Book(
        slug="knots-for-people-in-a-hurry",
        title="Knots for People in a Hurry",
        author="Wenna Askell",
        subject="making",
        pence=999,
        pages=96,
        arrived=date(2026, 6, 30),
        teaser="Eleven knots, each learnt in the time that a kettle takes.",
        about=(
            "You need eleven knots. Wenna Askell, who has taught them to sailors, nurses and a "
            "string quartet, shows each in four drawings and one sentence.",
            "Comes with a metre of cord in the spine.",
        ),
        note="Bought by more grandparents than any other book in the shop.",
    ),
    Book(
        slug="the-moth-census-of-lower-quill-street",
        title="The Moth Census of Lower Quill Street",
        author="Nerys Quillfeather",
        subject="nature",
        pence=1325,
        pages=208,
        arrived=date(2026, 8, 10),
        teaser="Thirty-one households, one white sheet and a great many moths.",
        about=(
            "It began with a bet about a street lamp. It ended with 214 species, a feud about a "
            "hawk-moth and the first street party in a generation.",
            "Includes instructions for a census of your own.",
        ),
        note="Three school clubs have started a count since we put this on the table.",
    ),
    Book(
        slug="bread-before-weather",
        title="Bread Before Weather",
        author="Maud Brackwater",
        subject="making",
        pence=2200,
        pages=288,
        arrived=date(2026, 10, 26),
        teaser="What to bake when the barometer falls.",
        about=(
            "Maud Brackwater bakes by the shipping forecast. Low pressure is for rye and long "
            "proofs, a clear cold night is for shortcrust, and fog is for buns.",
            "Sixty recipes in four seasons, all tested in a kitchen without a dishwasher.",
        ),
        note="The saffron loaf on page 140 did not survive the staff meeting.",
    ),
    Book(
        slug="the-quiet-side-of-the-breakwater",
        title="The Quiet Side of the Breakwater",
        author="Ambrose Tidd",
        subject="fiction",
        pence=1099,
        pages=276,
        arrived=date(2026, 4, 13),
        teaser="Two sisters inherit half a harbour each.",
        about=(
            "When their father leaves the inner wall to Elowen and the outer wall to Tamsin, "
            "nobody in the town can moor without picking a side.",
            "A comedy of tides, deeds and stubbornness, and a tender one.",
        ),
        note="Our book group argued about the ending until the lights went out.",
    ),
    Book(
        slug="arithmetic-for-otters",
        title="Arithmetic for Otters",
        author="Cosmo Ferribly",
        subject="young",
        pence=799,
        pages=48,
        arrived=date(2026, 9, 7),
        teaser="Counting fish is easy. Sharing them is the hard part.",
        about=(
            "Five otters, eleven fish and a river that keeps the change. A picture book about "
            "division, fairness and lunch, for readers from five to eight.",
            "Teachers’ notes are at the back, and they are good ones.",
        ),
        note="Reads aloud in nine minutes, or twenty with fish noises.",
    ),
    Book(
        slug="the-girl-who-alphabetised-the-sea",
        title="The Girl Who Alphabetised the Sea",
        author="Lettice Umberleigh",
        subject="young",
        pence=899,
        pages=192,
        arrived=date(2026, 7, 20),
        teaser="From anchovy to zooplankton, with a storm at about M.",
        about=(
            "Marisol is sent to tidy her uncle’s museum and decides to start outside. An "
            "adventure in twenty-six chapters for readers from nine to twelve.",
            "By the last page you will know what a limpet does all day.",
        ),
        note="Chosen by our young readers’ panel, who were not gentle with the others.",
    ),
    Book(
        slug="a-short-history-of-long-piers",
        title="A Short History of Long Piers",
        author="Jory Lanvean",
        subject="history",
        pence=1575,
        pages=240,
        arrived=date(2026, 1, 19),
        teaser="Why a country walked out over the water and put a band at the end.",
        about=(
            "Piers were built to meet steamers, and stayed because people liked the walk. Jory "
            "Lanvean follows the planks from iron and money to rust and candyfloss.",
            "With a timetable, so that you can visit the last of them by train.",
        ),
        note="Short, as promised. The footnotes are the best jokes.",
    ),
    Book(
        slug="under-the-fourth-lamp",
        title="Under the Fourth Lamp",
        author="Dov Harrowgale",
        subject="fiction",
        pence=1250,
        pages=344,
        arrived=date(2026, 11, 9),
        teaser="Somebody is leaving maps on the promenade. They are all correct.",
        about=(
            "Each Thursday a new map appears under the fourth lamp. Retired surveyor Ottoline "
            "Grey recognises the hand; it is her own, and she did not draw them.",
            "A mystery without a murder, for long evenings.",
        ),
        note="Start it early. We did not.",
    ),
    Book(
        slug="mending-things-badly-then-well",
        title="Mending Things Badly, Then Well",
        author="Petra Oswin-Vale",
        subject="making",
        pence=1399,
        pages=176,
        arrived=date(2026, 5, 4),
        teaser="Chairs, cardigans, kettles: the second attempt is the one that holds.",
        about=(
            "Most repair books begin with the right tool. This one begins with what you have, "
            "shows what will go wrong, and then puts it right.",
            "Twenty-four household repairs, each photographed twice.",
        ),
        note="The bell on our door was mended from chapter six.",
    ),
    Book(
        slug="the-lighthouse-keepers-spare-keys",
        title="The Lighthouse Keeper’s Spare Keys",
        author="Ishaan Wetherlock",
        subject="history",
        pence=1725,
        pages=304,
        arrived=date(2026, 10, 5),
        teaser="Who had them, who lost them, and one that opened a cathedral.",
        about=(
            "Every lighthouse had two sets of keys. Ishaan Wetherlock spent eight years asking "
            "where the second sets went, and found them in pubs, pianos and a bishop’s desk.",
            "A history of trust in small places, in twenty-two keys.",
        ),
        note="Winner of nothing yet. We think it should be.",
    ),
)
"""The whole stock, in shelf order."""

BY_SLUG: Final = {book.slug: book for book in BOOKS}
"""Every book by the last part of its address."""

FEATURED: Final = (
    "nine-ferries-on-a-tuesday",
    "what-the-gulls-think",
    "a-short-history-of-long-piers",
    "the-girl-who-alphabetised-the-sea",
)
"""What stands on the table by the door."""


def featured() -> tuple[Book, ...]:
    """The books on the table by the door, in its order."""
    return tuple(BY_SLUG[slug] for slug in FEATURED)


def newest(count: int) -> tuple[Book, ...]:
    """The `count` books that arrived last, latest first."""
    return tuple(sorted(BOOKS, key=lambda book: book.arrived, reverse=True)[:count])


def on_shelf(subject: str) -> tuple[Book, ...]:
    """The books of one subject; all of them for the empty subject."""
    return tuple(book for book in BOOKS if subject in ("", book.subject))


def others_like(book: Book, count: int) -> tuple[Book, ...]:
    """Up to `count` other books from the same shelf."""
    return tuple(other for other in on_shelf(book.subject) if other != book)[:count]
