"""YAML cut into the chunks of lines that its keys and items take, with the comments above each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml


class UnfollowableError(Exception):
    """Text that is not laid out in chunks of lines."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The lines of a key or an item: from `first`, with its own from `start`, up to `end`."""

    first: int
    start: int
    end: int
    node: yaml.Node
    data: Any


def cut(lines: Sequence[str], node: yaml.Node, data: Any, first: int, end: int) -> list[Chunk]:
    """Cut the lines of a block into chunks; what is left at the end belongs to none.

    Args:
        lines: All lines of the text.
        node: The block: a mapping or a list that is not in braces.
        data: What it says.
        first: The first line that is its own, counted from 0.
        end: The first line below it.

    Raises:
        UnfollowableError: An item does not begin at its dash.
    """
    column, found = node.start_mark.column, []
    starts = [each.start_mark.line for each in _heads(node)]
    for number, (value, inside) in enumerate(zip(_values(node), _said(data), strict=True)):
        start = _start(lines, node, starts[number], first)
        following = starts[number + 1] if number + 1 < len(starts) else end
        last = _last_line(value, start) + 1
        while last < following and _is_deeper(lines[last:following], column):
            last += 1
        found.append(Chunk(first, start, last, value, inside))
        first = last
    return found


def _start(lines: Sequence[str], node: yaml.Node, line: int, first: int) -> int:
    """Return the line in which a key, or the dash of an item, stands."""
    if isinstance(node, yaml.MappingNode):
        return line
    column = node.start_mark.column
    for at in range(line, first - 1, -1):
        if lines[at][column : column + 1] == "-" and not lines[at][:column].strip():
            return at
    if line == node.start_mark.line or lines[line][column : column + 1] == "-":
        return line  # the dash of a list inside a list
    raise UnfollowableError


def _is_deeper(lines: Sequence[str], column: int) -> bool:
    """Whether the next comment below is set in, and so belongs to what is above."""
    for text in lines:
        if text.strip():
            return len(text) - len(text.lstrip()) > column
    return False


def is_block(node: yaml.Node) -> bool:
    """Whether a node is a mapping or a list, with something in it, that is not in braces."""
    return isinstance(node, yaml.CollectionNode) and not node.flow_style and bool(node.value)


def _heads(node: yaml.Node) -> list[yaml.Node]:
    return [each[0] if isinstance(each, tuple) else each for each in node.value]


def _values(node: yaml.Node) -> list[yaml.Node]:
    return [each[1] if isinstance(each, tuple) else each for each in node.value]


def _said(data: Any) -> list[Any]:
    return list(data.values()) if isinstance(data, Mapping) else list(data)


def _last_line(node: yaml.Node, start: int) -> int:
    """Return the last line in which something of a node stands."""
    if is_block(node):
        return max(_last_line(each, start) for each in _values(node))
    end = node.end_mark
    is_past = end.column == 0 and end.line > node.start_mark.line
    return max(start, end.line - 1 if is_past else end.line)
