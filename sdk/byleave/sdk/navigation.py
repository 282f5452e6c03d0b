"""Personal navigation that stays familiar: links are promoted, added, emphasised or hidden.

The site's own list keeps its order, and what is promoted stands in a labelled list of its own
before it: menus that rearrange themselves are slower to use at first and disliked (Mitchell and
Shneiderman, 1989), and repeated links must keep their order (WCAG 2.2, 3.2.3). Bytes are moved,
never parsed into a tree and written again. Where the list is not certainly understood, it stays
as it is.
"""

import html
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from byleave.experiments.definitions import NavOperation, NavVerb

#: How many links may be added to a list.
MOST_ADDED: Final = 2

_TAG: Final = re.compile(
    rb"<(/?)([a-zA-Z][^\s/>]*)((?:[^\"'>]|\"[^\"]*\"|'[^']*')*)>|<!--|<!|<\?", re.DOTALL
)
_ATTRIBUTE: Final = re.compile(
    rb"[\s/]([^\s\"'>/=]+)\s*(?:=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+))?", re.DOTALL
)
_UNCERTAIN: Final = frozenset(
    {b"script", b"style", b"template", b"textarea", b"svg", b"math", b"noscript", b"select"}
)
#: Places that nobody may be cut off from, in the languages that sites mix.
_ESSENTIAL: Final = re.compile(
    r"account|konto|compte|login|log-in|logout|sign-?in|sign-?out|search|suche|recherche|basket"
    r"|cart|checkout|warenkorb|panier|contact|kontakt|help|support|legal|terms|imprint|impressum"
    r"|mentions|privacy|datenschutz|confidentialite|cookie|consent|accessib|barriere",
    re.IGNORECASE,
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
    label: str,
    codec: str = "utf-8",
) -> bytes | None:
    """Return the navigation with the operations applied; None where the site's must stay.

    Args:
        content: A `<ul>` or `<ol>` with its items, or the items alone.
        operations: What to do, by the path that a link leads to; unknown paths are passed over.
        current_path: The path of the page.
        promote_at_most: How many links may be promoted.
        label: What the list of promoted links is called.
        codec: The page's charset.
    """
    items = find_items(content, current_path)
    if items is None:
        return None
    by_path = {item.path: item for item in items}

    def targets(verb: NavVerb) -> list[tuple[NavOperation, Item]]:
        return [
            (operation, by_path[_normal(operation.path)])
            for operation in operations
            if operation.operation is verb and _normal(operation.path) in by_path
        ]

    edits: list[tuple[int, int, bytes]] = []
    hidden = {item for _, item in targets(NavVerb.HIDE) if _may_hide(item)}
    if len(hidden) < len(items):
        edits += [(item.start, item.end, b"") for item in hidden]
    for _, item in targets(NavVerb.EMPHASISE):
        if item not in hidden:
            end = item.start + len(item.opening) - 1
            edits.append((end, end, b" data-byleave-emphasised"))
    added = _added(operations, by_path, codec)
    if added:
        edits.append((items[-1].end, items[-1].end, added))
    promoted = [
        _copy(item, operation.label, codec)
        for operation, item in targets(NavVerb.PROMOTE)
        if not item.is_current
    ][:promote_at_most]
    if not promoted and not edits:
        return None
    is_list = bool(content[: items[0].start].strip())
    return _list_of(promoted, label, codec, is_list) + _edited(content, edits)


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
    below = path.rstrip("/") + "/"
    return Item(
        start=start,
        end=end,
        opening=content[start : tags[0].end],
        link=content[first.start : first.end],
        text=content[first.end : last.start],
        path=path,
        is_current=b"aria-current" in content[start:end]
        or _normal(current_path) == path
        or (path != "/" and current_path.startswith(below)),
    )


def _path_of(href: str) -> str:
    """Return what a link leads to: a path of this site, or the whole address elsewhere."""
    try:
        parts = urlsplit(href)
    except ValueError:
        return ""
    if parts.scheme or parts.netloc:
        return href
    return _normal(parts.path) if parts.path else ""


def _normal(path: str) -> str:
    return path.rstrip("/") or "/"


def _may_hide(item: Item) -> bool:
    return not item.is_current and item.path != "/" and not _ESSENTIAL.search(item.path)


def _copy(item: Item, label: str | None, codec: str) -> bytes:
    """Return a copy of an item's link: ids and the mark of the current page are unique."""
    text = item.text if label is None else _escaped(label, codec)
    return _bare(item.opening) + _bare(item.link) + text + b"</a></li>"


def _bare(tag: bytes) -> bytes:
    return _ATTRIBUTE.sub(
        lambda m: b"" if m[1].lower() in (b"id", b"aria-current", b"aria-expanded") else m[0], tag
    )


def _added(operations: Sequence[NavOperation], known: dict[str, Item], codec: str) -> bytes:
    wanted = [
        operation
        for operation in operations
        if operation.operation is NavVerb.ADD
        and operation.label
        and operation.path.startswith("/")
        and not operation.path.startswith(("//", "/\\"))
        and _normal(operation.path) not in known
    ]
    return b"".join(
        b'<li><a href="%s">%s</a></li>'
        % (_escaped(operation.path, codec), _escaped(operation.label or "", codec))
        for operation in wanted[:MOST_ADDED]
    )


def _list_of(promoted: Sequence[bytes], label: str, codec: str, is_list: bool) -> bytes:
    if not promoted:
        return b""
    made = b'<ul class="byleave-promoted" aria-label="%s">%s</ul>' % (
        _escaped(label, codec),
        b"".join(promoted),
    )
    return made if is_list else b'<li class="byleave-promoted-item">' + made + b"</li>"


def _edited(content: bytes, edits: Sequence[tuple[int, int, bytes]]) -> bytes:
    for start, end, new in sorted(edits, reverse=True):
        content = content[:start] + new + content[end:]
    return content


def _escaped(text: str, codec: str) -> bytes:
    return html.escape(text).encode(codec, "xmlcharrefreplace")
