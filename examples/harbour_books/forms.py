"""Reading and checking the shop's two forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from harbour_books.plans import BY_KEY

MOST_BYTES: Final = 16_384
MOST_FIELDS: Final = 20

TOPICS: Final = {
    "reserve": "Keep a book for me",
    "plan": "A question about plans",
    "delivery": "A parcel has not come",
    "other": "Something else",
}
"""What a message to the shop may be about, by form value."""


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed, and what is wrong with it by field; empty `errors` is a good form."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """What the field shows when the page is drawn again."""
        return self.values.get(name, "")


async def read(request: Request) -> dict[str, str]:
    """The fields of a posted form without surrounding space, the last of each name.

    Raises:
        HTTPException: 413 for a body larger than any of our forms.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413)
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise HTTPException(413) from error
    return {name: value.strip() for name, value in pairs}


def check_sign_up(values: Mapping[str, str]) -> Form:
    """A sign-up names a person, a way to write to them, and one of our plans."""
    errors = {}
    if values.get("plan") not in BY_KEY:
        errors["plan"] = "Choose one of the three plans."
    return Form(values, errors | person_errors(values))


def check_support(values: Mapping[str, str]) -> Form:
    """A message names a person, an address for the answer, a topic, and says something."""
    errors = {}
    if values.get("topic") not in TOPICS:
        errors["topic"] = "Choose what your message is about."
    if not values.get("message"):
        errors["message"] = "Write a sentence or two, so that we can help."
    return Form(values, errors | person_errors(values))


def person_errors(values: Mapping[str, str]) -> dict[str, str]:
    """Faults of the fields `name` and `email`, which both forms have."""
    errors = {}
    if not values.get("name"):
        errors["name"] = "Tell us your name."
    local, _, domain = values.get("email", "").rpartition("@")
    if not local or "." not in domain or " " in domain:
        errors["email"] = "Write an e-mail address such as name@example.org."
    return errors
