"""Strict JSON, bounded bodies, problem documents."""

import json
from http import HTTPStatus

import msgspec
import pytest
from starlette.requests import Request

from byleave.server.http import DEEPEST, Problem, is_unchanged, parse


class Named(msgspec.Struct):
    """What the tests parse."""

    name: str


def status_of(body: bytes) -> int:
    with pytest.raises(Problem) as caught:
        parse(body, Named)
    return caught.value.status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}}",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b"{'name': 'x'}",
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b'{"name": "x",}',
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_what_is_not_json_is_a_bad_request(body: bytes) -> None:
    assert status_of(body) == 400


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"name": 1}', b"null"])
def test_json_of_another_shape_cannot_be_processed(body: bytes) -> None:
    assert status_of(body) == 422


def test_nesting_is_allowed_up_to_a_depth() -> None:
    def nested(depth: int) -> bytes:
        return b'{"name": "x", "more": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

    assert parse(nested(DEEPEST), Named) == Named("x")
    assert status_of(nested(DEEPEST + 1)) == 400


def test_brackets_inside_of_text_nest_nothing() -> None:
    text = json.dumps({"name": '[{\\"' * 100, "more": [[]] * 100})

    assert parse(text.encode(), Named).name == '[{\\"' * 100


def test_a_problem_is_told_as_a_problem_document() -> None:
    response = Problem(422, "expected less", faults=["one"]).response()

    assert response.status_code == 422
    assert response.media_type == "application/problem+json"
    assert json.loads(bytes(response.body)) == {
        "title": HTTPStatus(422).phrase,
        "status": 422,
        "detail": "expected less",
        "faults": ["one"],
    }


@pytest.mark.parametrize(
    ("sent", "is_same"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ("", False),
    ],
)
def test_an_entity_tag_is_compared_as_a_whole(sent: str, is_same: bool) -> None:
    headers = [(b"if-none-match", sent.encode())]

    assert is_unchanged(Request({"type": "http", "headers": headers}), '"a"') is is_same
