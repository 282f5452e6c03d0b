"""Personal navigation that stays familiar, in a page's HTML and in a template's list of links.

What may become of a list is planned in `byleave.experiments.navigation`. On a page bytes are
moved, never parsed into a tree and written again; where the list is not certainly understood, it
stays as it is.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from byleave.experiments.definitions import NavOperation, NavVerb
from byleave.experiments.navigation import Link, Plan, is_current, normal_path, plan

_TAG: Final = re.compile(
    rb"<(/?)([a-zA-Z][^\s/>]*)((?:[^\"'>]|\"[^\"]*\"|'[^']*')*)>|<!--|<!|<\?", re.DOTALL
)
_ATTRIBUTE: Final = re.compile(
    rb"[\s/]([^\s\"'>/=]+)\s*(?:=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+))?", re.DOTALL
)
_UNCERTAIN: Final = frozenset(
    {b"script", b"style", b"template", b"textarea", b"svg", b"math", b"noscript", b"select"}
)


class Item(NamedTuple):
    """One list item with a link: where it stands, and its parts as they are on the page.

    Attributes:
        start: Where the item begins.
        end: Where it ends.
        opening: Its start tag.
        link: The first link's start tag.
        text: What the link holds.
        path: Where the link leads.
        is_current: Whether it is, or leads towards, the page that is being shown.
    """

    start: int
    end: int
    opening: bytes
    link: bytes
    text: bytes
    path: str
    is_current: bool


class _Tag(NamedTuple):
    start: int
    end: int
    is_end: bool
    name: bytes
    rest: bytes


def personal_navigation(
    content: bytes,
    operations: Sequence[NavOperation],
    *,
    current_path: str,
    promote_at_most: int,
    may_reorder: bool,
    label: str,
    codec: str = "utf-8",
) -> bytes | None:
    """Return the navigation with the operations applied; None where the site's must stay.

    Args:
        content: A `<ul>` or `<ol>` with its items, or the items alone.
        operations: What to do, by the path that a link leads to; unknown paths are passed over.
        current_path: The path of the page.
        promote_at_most: How many links may be promoted.
        may_reorder: Whether links may stand in another order than the site's.
        label: What the list of promoted links is called.
        codec: The page's charset.
    """
    items = find_items(content, current_path)
    if items is None:
        return None
    links = [Link(item.path, item.is_current) for item in items]
    wanted = _spelled(operations)
    planned = plan(links, wanted, promote_at_most=promote_at_most, may_reorder=may_reorder)
    if planned.is_idle:
        return None
    promoted = [_copy(items[place], text, codec) for place, text in planned.promoted]
    is_list = bool(content[: items[0].start].strip())
    return _list_of(promoted, label, codec, is_list) + _planned(content, items, planned, codec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Navigation:
    """A list of links as one visitor is shown it; going through it gives its links.

    Attributes:
        links: The list, each link with whatever the site gave; `is_emphasised` is true for
            those that are to stand out.
        promoted: Links that stand once more before the list, in a list of their own.
        label: What that list is called.
    """

    links: tuple[Mapping[str, Any], ...]
    promoted: tuple[Mapping[str, Any], ...] = ()
    label: str = ""

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Return the links."""
        return iter(self.links)

    def __len__(self) -> int:
        """Return how many links there are."""
        return len(self.links)


def personal_links(
    given: Sequence[Mapping[str, Any]],
    operations: Sequence[NavOperation],
    *,
    current_path: str,
    promote_at_most: int,
    may_reorder: bool,
    label: str,
) -> Navigation:
    """Return a template's list of links with the operations applied.

    Args:
        given: The site's own links, each with its `href` and its `label`.
        operations: What to do, as for `personal_navigation`.
        current_path: The path of the page.
        promote_at_most: How many links may be promoted.
        may_reorder: Whether links may stand in another order than the site's.
        label: What the list of promoted links is called.

    Raises:
        KeyError: A link has no `href`.
    """
    paths = [_path_of(str(link["href"])) for link in given]
    links = [Link(path, is_current(path, current_path)) for path in paths]
    wanted = _spelled(operations)
    planned = plan(links, wanted, promote_at_most=promote_at_most, may_reorder=may_reorder)
    kept = [
        {**given[place], "is_emphasised": place in planned.emphasised}
        for place in planned.order
        if place not in planned.hidden
    ]
    added = [{"href": each.path, "label": each.label} for each in planned.added]
    return Navigation(
        links=(*kept, *added),
        promoted=tuple(
            {**given[place], **({} if text is None else {"label": text})}
            for place, text in planned.promoted
        ),
        label=label,
    )


def find_items(content: bytes, current_path: str) -> list[Item] | None:
    """Return the items of one list, each with a link; None where that is not what it is."""
    is_list = content.lstrip()[:3].lower() in (b"<ul", b"<ol")
    level = 1 if is_list else 0  # how many elements are open around an item
    items: list[Item] = []
    opened: list[bytes] = []
    tags: list[_Tag] = []
    start = 0
    for match in _TAG.finditer(content):
        if match[2] is None:
            return None
        name = match[2].lower()
        if name in _UNCERTAIN:
            return None
        is_end = match[1] == b"/"
        if not is_end:
            if len(opened) == level:
                if name != b"li":
                    return None
                start, tags = match.start(), []
            opened.append(name)
            tags.append(_Tag(match.start(), match.end(), False, name, match[3]))
            if name in (b"img", b"br", b"wbr", b"input") or match[3].endswith(b"/"):
                opened.pop()
            continue
        if not opened or opened.pop() != name:
            return None
        tags.append(_Tag(match.start(), match.end(), True, name, b""))
        if len(opened) == level and name == b"li":
            item = _item(content, start, match.end(), tags, current_path)
            if item is None:
                return None
            items.append(item)
        if is_list and not opened and content[match.end() :].strip():
            return None
    return items if items and not opened and _only_space_between(content, items, is_list) else None


def _only_space_between(content: bytes, items: Sequence[Item], is_list: bool) -> bool:
    gaps = [content[a.end : b.start] for a, b in pairwise(items)]
    if not is_list:
        gaps += [content[: items[0].start], content[items[-1].end :]]
    return not b"".join(gaps).strip()


def _item(
    content: bytes,
    start: int,
    end: int,
    tags: Sequence[_Tag],
    current_path: str,
) -> Item | None:
    links = [tag for tag in tags if tag.name == b"a"]
    if len(links) < 2 or links[0].is_end or not links[1].is_end:
        return None
    first, last = links[:2]
    attributes = {key.lower(): value.strip(b"\"'") for key, value in _ATTRIBUTE.findall(first.rest)}
    path = _path_of(html.unescape(attributes.get(b"href", b"").decode("utf-8", "replace")))
    if not path:
        return None
    return Item(
        start=start,
        end=end,
        opening=content[start : tags[0].end],
        link=content[first.start : first.end],
        text=content[first.end : last.start],
        path=path,
        is_current=b"aria-current" in content[start:end] or is_current(path, current_path),
    )


def _path_of(href: str) -> str:
    """Return what a link leads to: a path of this site, or the whole address elsewhere."""
    try:
        parts = urlsplit(href)
    except ValueError:
        return ""
    if parts.scheme or parts.netloc:
        return href
    return normal_path(unquote(parts.path)) if parts.path else ""


def _spelled(operations: Sequence[NavOperation]) -> list[NavOperation]:
    """Return operations with paths of links as pages are asked for, whatever was written."""
    return [
        each if each.operation is NavVerb.ADD else replace(each, path=unquote(each.path))
        for each in operations
    ]


def _copy(item: Item, label: str | None, codec: str) -> bytes:
    """Return a copy of an item's link: ids and the mark of the current page are unique."""
    text = item.text if label is None else _escaped(label, codec)
    return _bare(item.opening) + _bare(item.link) + text + b"</a></li>"


def _bare(tag: bytes) -> bytes:
    return _ATTRIBUTE.sub(
        lambda m: b"" if m[1].lower() in (b"id", b"aria-current", b"aria-expanded") else m[0], tag
    )


def _planned(content: bytes, items: Sequence[Item], planned: Plan, codec: str) -> bytes:
    """Return the list with its items in their places; what stands between them stays."""
    gaps = [content[before.end : after.start] for before, after in pairwise(items)]
    pieces = [content[: items[0].start]]
    for place, gap in zip(planned.order, [*gaps, b""], strict=True):
        item = items[place]
        if place in planned.emphasised:
            pieces += [item.opening[:-1], b" data-byleave-emphasised>"]
            pieces.append(content[item.start + len(item.opening) : item.end])
        elif place not in planned.hidden:
            pieces.append(content[item.start : item.end])
        pieces.append(gap)
    pieces += [
        b'<li><a href="%s">%s</a></li>'
        % (_escaped(each.path, codec), _escaped(each.label or "", codec))
        for each in planned.added
    ]
    return b"".join((*pieces, content[items[-1].end :]))


def _list_of(promoted: Sequence[bytes], label: str, codec: str, is_list: bool) -> bytes:
    if not promoted:
        return b""
    made = b'<ul class="byleave-promoted" aria-label="%s">%s</ul>' % (
        _escaped(label, codec),
        b"".join(promoted),
    )
    return made if is_list else b'<li class="byleave-promoted-item">' + made + b"</li>"


def _escaped(text: str, codec: str) -> bytes:
    return html.escape(text).encode(codec, "xmlcharrefreplace")
