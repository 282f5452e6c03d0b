"""The log: what happened to the server, and nothing of whom it happened to.

A record is its own words and the fields that were given with it. Of an exception only its type
and the places in the code are told: its message may hold what somebody sent.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal, TextIO

_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",  # uvicorn's, for terminals
}


class JsonLines(logging.Formatter):
    """One JSON object a line, for programs that gather logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return json.dumps(_parts(record), default=str)


class Lines(logging.Formatter):
    """One line a record, for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, and a line for each place of its exception."""
        parts = _parts(record)
        head = f"{parts.pop('time')} {parts.pop('level'):7} {parts.pop('message')}"
        parts.pop("logger")
        places = parts.pop("places", [])
        fields = "".join(f" {name}={value}" for name, value in parts.items())
        return _one_line(head + fields) + "".join(f"\n  {_one_line(place)}" for place in places)


def configure(kind: Literal["text", "json"], level: str, stream: TextIO | None = None) -> None:
    """Send every record of the process to a stream, by default standard error."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonLines() if kind == "json" else Lines())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # What others say of each request may hold what is in it.
    for name in ("httpx2", "httpcore2", "uvicorn.access", "asyncio", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _parts(record: logging.LogRecord) -> dict[str, Any]:
    moment = datetime.fromtimestamp(record.created, UTC)
    parts: dict[str, Any] = {
        "time": moment.isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
    }
    parts |= {name: value for name, value in vars(record).items() if name not in _USUAL}
    if record.exc_info and record.exc_info[1] is not None:
        _, error, trace = record.exc_info
        parts |= {"error": _named(error), "places": _places(trace)}
    return parts


def _named(error: BaseException | None) -> str:
    """Return the types of an exception and of what caused it, without any message."""
    names = []
    while error is not None:
        names.append(type(error).__qualname__)
        error = error.__cause__ or error.__context__
    return " from ".join(names)


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)]


def _one_line(text: str) -> str:
    """Return a text that cannot end its line, nor talk to a terminal."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
