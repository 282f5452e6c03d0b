"""What personal navigation may do to a list of links, wherever the list is made.

The site's own list keeps its order: menus that rearrange themselves are slower to use at first
and disliked (Mitchell and Shneiderman, 1989), and repeated links must keep their order (WCAG
2.2, 3.2.3) unless the visitor asks for another. What comes out is always the links that went in,
less what may be hidden and with what is added.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from byleave.experiments.definitions import NavOperation, NavVerb

#: How many links may be added to a list.
MOST_ADDED: Final = 2

#: Places that nobody may be cut off from, in the languages that sites mix.
_ESSENTIAL: Final = re.compile(
    r"account|konto|compte|login|log-in|logout|sign-?in|sign-?out|search|suche|recherche|basket"
    r"|cart|checkout|warenkorb|panier|contact|kontakt|help|support|legal|terms|imprint|impressum"
    r"|mentions|privacy|datenschutz|confidentialite|cookie|consent|accessib|barriere",
    re.IGNORECASE,
)


class Link(NamedTuple):
    """One link of the site's own list.

    Attributes:
        path: Where it leads: a path of the site, or a whole address elsewhere.
        is_current: Whether that is, or leads towards, the page that is being shown.
    """

    path: str
    is_current: bool


class Plan(NamedTuple):
    """What becomes of a list; its links are named by their place in it.

    Attributes:
        order: All links, in the order in which they stand.
        hidden: Those that are left out.
        emphasised: Those that are marked.
        promoted: Those that stand once more before the list, each with words of its own.
        added: Links to add at the end.
    """

    order: tuple[int, ...]
    hidden: frozenset[int]
    emphasised: frozenset[int]
    promoted: tuple[tuple[int, str | None], ...]
    added: tuple[NavOperation, ...]

    @property
    def is_idle(self) -> bool:
        """Whether the list stays as it is."""
        is_kept = self.order == tuple(range(len(self.order)))
        return is_kept and not (self.hidden or self.emphasised or self.promoted or self.added)


def normal_path(path: str) -> str:
    """Return a path without the slash that makes no difference."""
    return path.rstrip("/") or "/"


def is_current(path: str, current_path: str) -> bool:
    """Return whether a link leads to, or towards, the page that is being shown."""
    return normal_path(current_path) == path or (
        path != "/" and current_path.startswith(f"{path.rstrip('/')}/")
    )


def is_essential(path: str) -> bool:
    """Return whether nobody may be cut off from a path: the home page, help, the basket."""
    return normal_path(path) == "/" or _ESSENTIAL.search(path) is not None


def plan(
    links: Sequence[Link],
    operations: Sequence[NavOperation],
    *,
    promote_at_most: int,
    may_reorder: bool,
) -> Plan:
    """Return what operations do to a list of links; unknown paths are passed over.

    Args:
        links: The site's own, their paths normal.
        operations: What to do, by the path that a link leads to.
        promote_at_most: How many links may be promoted.
        may_reorder: Whether links may stand in another order than the site's.
    """
    places = {link.path: place for place, link in enumerate(links)}

    def targets(verb: NavVerb) -> dict[int, NavOperation]:
        found = [each for each in operations if each.operation is verb]
        paths = [(normal_path(each.path), each) for each in found]
        return {places[path]: each for path, each in paths if path in places}

    hidden = frozenset(
        place
        for place in targets(NavVerb.HIDE)
        if not links[place].is_current and not is_essential(links[place].path)
    )
    if len(hidden) == len(links):
        hidden = frozenset()
    first = [*targets(NavVerb.REORDER)] if may_reorder else []
    rest = [place for place in range(len(links)) if place not in first]
    return Plan(
        order=(*first, *rest),
        hidden=hidden,
        emphasised=frozenset(targets(NavVerb.EMPHASISE)) - hidden,
        promoted=tuple(
            (place, operation.label)
            for place, operation in targets(NavVerb.PROMOTE).items()
            if not links[place].is_current
        )[:promote_at_most],
        added=tuple(
            each
            for each in operations
            if each.operation is NavVerb.ADD
            and each.label
            and each.path.startswith("/")
            and not each.path.startswith(("//", "/\\"))
            and normal_path(each.path) not in places
        )[:MOST_ADDED],
    )
