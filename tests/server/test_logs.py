"""The log tells what happened, and never what somebody sent."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from byleave.server import logs

CANARY = "canary-3b1f"


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger whose records are formatted by hand."""
    yield logging.getLogger("byleave.server.test")
    logging.getLogger("byleave.server.test").handlers.clear()


def told(log: logging.Logger, formatter: logging.Formatter) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    log.handlers, log.propagate = [handler], False
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise ValueError(f"cannot read {CANARY}") from error
    except ValueError:
        log.exception("a job failed", extra={"job": "weights"})
    return stream.getvalue()


def test_an_exception_is_told_by_type_and_place_only(log: logging.Logger) -> None:
    record = json.loads(told(log, logs.JsonLines()))

    assert record["error"] == "ValueError from KeyError"
    assert record["job"] == "weights"
    assert record["message"] == "a job failed"
    assert any("test_logs.py" in place for place in record["places"])
    assert CANARY not in json.dumps(record)


def test_people_get_lines(log: logging.Logger) -> None:
    text = told(log, logs.Lines())

    assert "error   a job failed job=weights error=ValueError from KeyError\n" in text
    assert CANARY not in text


def test_no_text_can_begin_a_line_of_its_own_or_talk_to_a_terminal(log: logging.Logger) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Lines())
    log.handlers, log.propagate = [handler], False

    log.warning("one\n2026 error forged \x1b[31m")

    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()
