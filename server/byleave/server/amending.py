"""Having YAML say something else, and leaving the comments and the layout of all the rest alone.

The text is cut into chunks, one for each key of a mapping and each item of a list, with the
comments above it. A chunk that says what it said stays as it is, to the letter, also where it
moves; one that is gone takes its comments along; one that is new is laid out as files are.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from byleave.segments import DefinitionError
from byleave.server.layout import comments, line_of, text_of
from byleave.server.yaml_chunks import Chunk, UnfollowableError, cut, is_block
from byleave.server.yaml_documents import UNREADABLE, documents_of

_NAME: Final = "text"
_SHARED: Final = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken)
_STEP: Final = 2
#: Longer lines are not written.
_WIDEST: Final = 100


def said(text: str) -> Any:
    """Return what YAML says, as plain data; None where there is not exactly one document.

    Raises:
        DefinitionError: It is not YAML, or a key stands twice.
    """
    found = documents_of(text, name=_NAME)
    return found[0].data if len(found) == 1 else None


def amended(text: str, wanted: Mapping[str, Any]) -> str:
    """Return YAML that says what is wanted, with the comments of what it said already.

    Where the text cannot be followed, as with anchors, all of it is laid out anew below its
    comments.

    Args:
        text: What stood there.
        wanted: What it should say.
    """
    try:
        if _json(said(text)) == _json(wanted):
            return text
        result = _Amending(text).document(wanted)
        if _json(said(result)) == _json(wanted):
            return result
    except (DefinitionError, UnfollowableError):
        pass
    return _anew(text, wanted)


class _Amending:
    """One text, while it is being changed."""

    def __init__(self, text: str) -> None:
        if any(isinstance(token, _SHARED) for token in yaml.scan(text, yaml.BaseLoader)):
            raise UnfollowableError
        self._lines = text.rstrip("\n").split("\n")
        self._comments = [(comment, line - 1) for comment, line in comments(text)]
        self._data = said(text)
        root = yaml.compose(text, yaml.BaseLoader)
        if root is None or not is_block(root):
            raise UnfollowableError
        self._root: yaml.Node = root
        #: Where each item stands, by what it says, and its lines from the margin on.
        self._known: dict[str, tuple[range, list[str]]] = {}
        self._staying: set[str] = set()
        self._learn(root, self._data, root.start_mark.line, len(self._lines))

    def document(self, wanted: Mapping[str, Any]) -> str:
        """Return the text that says what is wanted."""
        self._staying = set(map(_json, _items_of(wanted)))
        start = self._root.start_mark.line
        changed = self._block(self._root, self._data, wanted, start, len(self._lines))
        return "\n".join([*self._lines[:start], *changed]) + "\n"

    def _learn(self, node: yaml.Node, data: Any, first: int, end: int) -> None:
        for chunk in cut(self._lines, node, data, first, end):
            if isinstance(node, yaml.SequenceNode):
                column = node.start_mark.column
                own = range(chunk.first, chunk.end)
                lines = [self._lines[number][column:] for number in own]
                self._known.setdefault(_json(chunk.data), (own, lines))
            if is_block(chunk.node):
                is_below = chunk.node.start_mark.line > chunk.start
                self._learn(chunk.node, chunk.data, chunk.start + is_below, chunk.end)

    def _block(self, node: yaml.Node, data: Any, wanted: Any, first: int, end: int) -> list[str]:
        """Return the lines of a block that says what is wanted."""
        chunks = cut(self._lines, node, data, first, end)
        foot = self._lines[chunks[-1].end : end]
        if isinstance(node, yaml.SequenceNode) and isinstance(wanted, list) and wanted:
            return [*self._items(node, chunks, wanted), *foot]
        if isinstance(node, yaml.MappingNode) and isinstance(wanted, Mapping) and wanted:
            return [*self._pairs(node, chunks, wanted), *foot]
        raise UnfollowableError

    def _pairs(
        self, node: yaml.MappingNode, chunks: list[Chunk], wanted: Mapping[str, Any]
    ) -> list[str]:
        found: list[str] = []
        column, keys = node.start_mark.column, [key.value for key, _ in node.value]
        new = [key for key in wanted if key not in keys]
        gone = [key for key in keys if key not in wanted]
        renamed = {gone[0]: new[0]} if len(gone) == len(new) == 1 else {}
        for key, chunk in zip(keys, chunks, strict=True):
            name = key
            if key in renamed and isinstance(chunk.data, list):
                name = renamed[key]
                new = []
            if name in wanted:
                header = self._lines[chunk.start].replace(key, name, 1) if name != key else None
                found += self._lines[chunk.first : chunk.start]
                found += self._pair(name, chunk, wanted[name], column, header)
        for key in new:
            found += self._fresh_pair(key, wanted[key], column)
        return found

    def _pair(
        self, key: str, chunk: Chunk, wanted: Any, column: int, header: str | None
    ) -> list[str]:
        if header is None and _json(chunk.data) == _json(wanted):
            return self._lines[chunk.start : chunk.end]
        is_below = is_block(chunk.node) and chunk.node.start_mark.line > chunk.start
        if is_below and type(chunk.data) is type(wanted) and wanted:
            inside = self._block(chunk.node, chunk.data, wanted, chunk.start + 1, chunk.end)
            return [header or self._lines[chunk.start], *inside]
        fresh = self._in_a_line(chunk, f"{_key(key)} ", wanted, column)
        return self._instead(chunk, fresh or self._fresh_pair(key, wanted, column), column)

    def _items(self, node: yaml.SequenceNode, chunks: list[Chunk], wanted: list[Any]) -> list[str]:
        found: list[str] = []
        column = node.start_mark.column
        for chunk, value in zip(self._matched(chunks, wanted), wanted, strict=True):
            if chunk is None:
                found += self._fresh_item(value, column)
            else:
                found += self._lines[chunk.first : chunk.start]
                found += self._item(chunk, value, column)
        return found

    def _matched(self, chunks: Sequence[Chunk], wanted: Sequence[Any]) -> list[Chunk | None]:
        """Return for each item the chunk that it was: the same, else the most alike.

        What moves, here or elsewhere, is like nothing but itself.
        """
        there: dict[str, deque[Chunk]] = {}
        for chunk in chunks:
            there.setdefault(_json(chunk.data), deque()).append(chunk)
        same = [there.get(_json(value)) for value in wanted]
        found = [each.popleft() if each else None for each in same]
        taken = {each.start for each in found if each}
        left = [each for each in chunks if each.start not in taken]
        left = [each for each in left if _json(each.data) not in self._staying]
        new = [n for n, value in enumerate(wanted) if not found[n] and not self._knows(value)]
        are_as_many = len(left) == len(new)
        for number in new:
            best = _most_like(left, wanted[number])
            if best and (are_as_many or _likeness(best.data, wanted[number])):
                left.remove(best)
                found[number] = best
        return found

    def _knows(self, value: Any) -> bool:
        return _json(value) in self._known

    def _item(self, chunk: Chunk, wanted: Any, column: int) -> list[str]:
        if _json(chunk.data) == _json(wanted):
            return self._lines[chunk.start : chunk.end]
        is_beside = is_block(chunk.node) and chunk.node.start_mark.line == chunk.start
        if is_beside and type(chunk.data) is type(wanted) and wanted:
            dashed = self._lines[chunk.start]
            self._lines[chunk.start] = _with(dashed, column, " ")
            inside = self._block(chunk.node, chunk.data, wanted, chunk.start, chunk.end)
            self._lines[chunk.start] = dashed
            first = next(n for n, line in enumerate(inside) if _is_said(line))
            inside[first] = _with(inside[first], column, "-")
            return inside
        fresh = self._in_a_line(chunk, "- ", wanted, column)
        return self._instead(chunk, fresh or self._fresh_item(wanted, column), column)

    def _in_a_line(self, chunk: Chunk, start: str, wanted: Any, column: int) -> list[str]:
        """Return the line that says what is wanted, where it was said in a line; else nothing."""
        is_collection = isinstance(wanted, Mapping | list) and bool(wanted)
        if not is_collection or is_block(chunk.node) or chunk.end - chunk.start > 1:
            return []
        line = " " * column + start + line_of(wanted)
        return [line] if len(line) <= _WIDEST else []

    def _instead(self, chunk: Chunk, fresh: list[str], column: int) -> list[str]:
        """Return lines that take the place of a chunk's own, with the comments in those."""
        moved = [own for said, (own, _) in self._known.items() if said in self._staying]
        own = [
            comment
            for comment, line in self._comments
            if chunk.start <= line < chunk.end
            and not any(line in lines for lines in moved if lines.start >= chunk.start)
        ]
        if len(own) == len(fresh) == 1 and chunk.end - chunk.start == 1:
            return [f"{fresh[0]}  {own[0]}"]
        return [*(" " * column + comment for comment in own), *fresh]

    def _fresh_pair(self, key: str, value: Any, column: int) -> list[str]:
        header = _key(key)
        if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            inside = [line for each in value for line in self._fresh_item(each, column + _STEP)]
            return [" " * column + header, *inside]
        if isinstance(value, Mapping) and value:
            below = [
                line for k, v in value.items() for line in self._fresh_pair(k, v, column + _STEP)
            ]
            return [" " * column + header, *below]
        return _set_in(text_of({key: value}).rstrip("\n").split("\n"), column)

    def _fresh_item(self, value: Any, column: int) -> list[str]:
        if (known := self._known.get(_json(value))) is not None:
            return _set_in(known[1], column)
        if isinstance(value, Mapping) and value:
            inside = [
                line for k, v in value.items() for line in self._fresh_pair(k, v, column + _STEP)
            ]
            return [_with(inside[0], column, "-"), *inside[1:]]
        lines = text_of({_NAME: [value]}).rstrip("\n").split("\n")[1:]
        return _set_in([line[_STEP:] for line in lines], column)


def _anew(text: str, wanted: Mapping[str, Any]) -> str:
    try:
        kept = [comment for comment, _line in comments(text)]
    except UNREADABLE:
        kept = []
    return "".join(f"{comment}\n" for comment in kept) + text_of(wanted)


def _most_like(chunks: Sequence[Chunk], value: Any) -> Chunk | None:
    """Return the chunk that a value is most like; the first, where it is like none."""
    if isinstance(value, Mapping | list):
        return max(chunks, key=lambda each: _likeness(each.data, value), default=None)
    return next(iter(chunks), None)  # no two words are alike


def _likeness(one: Any, other: Any) -> int:
    """Return how much of two values is the same."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return sum(_likeness(one[key], other[key]) for key in one.keys() & other.keys())
    if isinstance(one, list) and isinstance(other, list):
        there = {*map(_json, other)}
        return 1 + sum(_json(each) in there for each in one)
    return int(_json(one) == _json(other))


def _items_of(data: Any) -> Iterator[Any]:
    """Yield every item of every list, however deep."""
    inside = data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ()
    for each in inside:
        if isinstance(data, list):
            yield each
        yield from _items_of(each)


def _key(key: str) -> str:
    """Return a key with its colon."""
    return text_of({key: 0}).rstrip().removesuffix(" 0")


def _with(line: str, column: int, character: str) -> str:
    return line[:column] + character + line[column + 1 :]


def _set_in(lines: Sequence[str], column: int) -> list[str]:
    return [" " * column + line if line.strip() else line for line in lines]


def _is_said(line: str) -> bool:
    return bool(re.match(r"\s*[^\s#]", line))


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True)
