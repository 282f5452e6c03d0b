"""The one way in which definitions are laid out, without losing a comment or a word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from io import StringIO
from typing import Any, Final

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.resolver import VersionedResolver

from byleave.sdk.folder import unreadable

_NULL: Final = [("tag:yaml.org,2002:null", re.compile("$"))]
_LONGEST_LINE: Final = 1_000_000


class UnformattableError(ValueError):
    """Text that has to stay as it is; says why, and in which line (from 1)."""

    def __init__(self, message: str, line: int) -> None:
        self.line = line
        super().__init__(message)


def formatted(text: str) -> str:
    """Return YAML in its one layout: 2 spaces a level, 2 more before the dash of a list.

    Spaces that align values, and ends of lines other than a newline, go. Comments, blank lines,
    quotes, the order of keys, `{...}` and `[...]` stay.

    Raises:
        UnformattableError: The text is not YAML, or laying it out would change what it says or
            lose a comment.
    """
    writer = tree_writer()
    written = StringIO()
    try:
        documents = [*writer.load_all(text)]
        writer.dump_all(documents, written)
        result = written.getvalue() if documents else text
        _require_same(text, result)
    except (MarkedYAMLError, yaml.MarkedYAMLError) as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnformattableError(unreadable(str(error.problem)), line) from None
    except (YAMLError, yaml.YAMLError, RecursionError) as error:
        raise UnformattableError(unreadable(str(error)), 1) from None
    return result


def tree_writer() -> YAML:
    """Return what reads YAML as a tree of words and comments, and writes it in the one layout."""
    writer = YAML()
    writer.Resolver = _Words
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.preserve_quotes = True
    writer.width = _LONGEST_LINE
    return writer


def text_of(value: Mapping[str, Any]) -> str:
    """Return plain data as a file of definitions would have it."""
    return text_of_trees([tree_of(value)])


def text_of_trees(documents: list[Any]) -> str:
    """Return trees as a file in the one layout."""
    if not documents:
        return ""
    written = StringIO()
    tree_writer().dump_all(documents, written)
    return formatted(written.getvalue())


def tree_of(value: Any) -> Any:
    """Return plain data as a tree of the words that stand for it."""
    writer = YAML()
    writer.Representer = _Plain
    text = StringIO()
    writer.dump(value, text)
    return tree_writer().load(text.getvalue())


def line_of(value: Any) -> str:
    """Return plain data in a line, as in `{event: purchase, count: {at_least: 2}}`."""
    writer = YAML()
    writer.Representer = _Plain
    writer.default_flow_style = True
    writer.width = _LONGEST_LINE
    text = StringIO()
    writer.dump(value, text)
    return text.getvalue().rstrip("\n")


class _Plain(RoundTripRepresenter):
    """Writes numbers as definitions are read: with a point before an exponent."""

    def represent_float(self, data: float) -> Any:
        """Write a number."""
        text = repr(data)
        if "." not in text:
            text = text.replace("e", ".0e")
        return self.represent_scalar("tag:yaml.org,2002:float", text)


_Plain.add_representer(float, _Plain.represent_float)


class _Words(VersionedResolver):
    """Takes every word as text, so that it is written as it was read."""

    @property
    def versioned_resolver(self) -> Any:
        return {"": [*_NULL]}


def _require_same(before: str, after: str) -> None:
    lost = Counter(comment for comment, _ in comments(before))
    lost.subtract(comment for comment, _ in comments(after))
    for comment, line in comments(before):
        if lost[comment] > 0:
            message = f"left as it is, or {comment!r} would be lost; put it on a line of its own"
            raise UnformattableError(message, line)
    if _said(before) != _said(after):
        raise UnformattableError("left as it is, or it would say something else", 1)


def comments(text: str) -> list[tuple[str, int]]:
    """Return each comment with its line: what stands after `#` between the tokens."""
    found, end = [], 0
    for token in yaml.scan(text, yaml.BaseLoader):
        start = token.start_mark.index
        found += [(match[0], end + match.start()) for match in _after_hash(text[end:start])]
        if isinstance(token, yaml.ScalarToken) and token.style in ("|", ">"):
            header = text[start:].partition("\n")[0]
            found += [(match[0], start + match.start()) for match in _after_hash(header)]
        end = token.end_mark.index
    return [(comment.rstrip(), text.count("\n", 0, at) + 1) for comment, at in found]


def _after_hash(text: str) -> list[re.Match[str]]:
    return [*re.finditer("#.*", text)]


def _said(text: str) -> list[tuple[Any, ...]]:
    """Return what YAML says, apart from its layout."""
    return [
        (
            type(event),
            getattr(event, "anchor", None),
            getattr(event, "tag", None),
            getattr(event, "value", None),
            getattr(event, "style", None) is None,
        )
        for event in yaml.parse(text, yaml.BaseLoader)
    ]
