"""One JSON document in on standard input, one out on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import typer

from byleave.server.commands.exits import refuse

T = TypeVar("T")
N = TypeVar("N", int, float)

_LARGEST: Final = 1e60


def read_json() -> Any:
    """Return the JSON document on standard input; end the command where there is none."""
    try:
        return json.load(
            sys.stdin,
            parse_int=lambda text: _bounded(text, int),
            parse_float=lambda text: _bounded(text, float),
            parse_constant=lambda text: _bounded(text, float),
        )
    except (ValueError, RecursionError) as error:
        refuse(f"standard input: expected one JSON document: {error}")


def read_as(kind: type[T], data: object) -> T:
    """Return plain data as a dataclass; end the command with every fault otherwise."""
    from byleave.segments import DefinitionError, read

    try:
        return read(kind, data)
    except DefinitionError as error:
        refuse(str(error))


@contextmanager
def refusing(place: str) -> Iterator[None]:
    """End the command where statistics cannot be computed; `place` begins the message."""
    import numpy as np

    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            yield
    except (ValueError, ArithmeticError) as error:
        refuse(f"{place}{error}")


def print_json(data: object) -> None:
    """Print a document; JSON has no word for what is not a number, so it must not hold any."""
    try:
        typer.echo(json.dumps(data, allow_nan=False))
    except ValueError:
        refuse("$: the numbers are too large, too small or too far apart to compute with")


def _bounded(text: str, kind: type[N]) -> N:
    """Return a number that may be squared and multiplied without leaving what floats hold."""
    number = kind(text)
    if not abs(number) <= _LARGEST:
        raise ValueError(f"expected a number of at most {_LARGEST:g}, got {text[:20]}")
    return number
