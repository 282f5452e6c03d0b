"""The reading plans: a monthly parcel of books for one reader, a school or a library."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan; `pounds` a month, for at most `readers` people (None: any number)."""

    key: str
    name: str
    pounds: int
    readers: int | None
    line: str
    includes: tuple[str, ...]

    @property
    def first_year_pounds(self) -> int:
        """The price of twelve months, which is what a new customer agrees to."""
        return 12 * self.pounds


PLANS: Final = (
    Plan(
        key="reader",
        name="Reader",
        pounds=9,
        readers=1,
        line="One good book a month, chosen for you.",
        includes=(
            "1 book a month",
            "A letter from the bookseller who chose it",
            "Swap any book you already have",
        ),
    ),
    Plan(
        key="school",
        name="School",
        pounds=39,
        readers=400,
        line="A growing class library, matched to year groups.",
        includes=(
            "12 books a month",
            "Reading lists by year group",
            "Notes for teachers with every title",
            "Invoices by term, purchase orders welcome",
        ),
    ),
    Plan(
        key="library",
        name="Library",
        pounds=95,
        readers=None,
        line="New shelves every month, catalogued and jacketed.",
        includes=(
            "30 books a month",
            "Jacketed, labelled and catalogued",
            "Returns of what nobody borrowed",
            "A bookseller who knows your branch",
        ),
    ),
)
"""The plans from small to large."""

BY_KEY: Final = {plan.key: plan for plan in PLANS}
"""Every plan by the key used in forms and addresses."""

COMPARISON: Final = (
    ("Books each month", ("1", "12", "30")),
    ("Readers", ("1", "Up to 400", "No limit")),
    ("Swaps and returns", ("Swap for free", "Swap for free", "Return what is not read")),
    ("Reading lists", ("Not included", "By year group", "By branch and season")),
    ("Notes for teachers", ("Not included", "Yes", "Yes")),
    ("Jackets and catalogue records", ("Not included", "Not included", "Yes")),
    ("Payment", ("Card, monthly", "Invoice, each term", "Invoice, each year")),
    ("Help", ("By e-mail", "By e-mail and telephone", "Your own bookseller")),
)
"""What each plan offers, a row per subject, in the order of `PLANS`."""


def plan_for(readers: int) -> Plan:
    """The smallest plan that serves so many readers."""
    return next(plan for plan in PLANS if plan.readers is None or readers <= plan.readers)
