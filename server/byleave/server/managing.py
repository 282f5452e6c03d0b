"""Who looks after each object of a site's definitions: a folder of files, or the console.

An object is named by its place, such as `segments.buyers`; what belongs to no object, such as
the holdout, is the place `site`. What nobody has claimed yet may be changed by either, and
belongs to whoever does so first. Where an object is left to the console, files leave it alone.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

from byleave.segments import canonical_json
from byleave.server.errors import ForbiddenError, ManagedError, UnknownNameError

Plain = Mapping[str, Any]

#: The place of what belongs to no object.
SITE: Final = "site"
SECTIONS: Final = (
    "attributes", "events", "goals", "slots", "segments", "journeys", "experiments",
)  # fmt: skip


class Manager(StrEnum):
    """Where an object is looked after."""

    FILES = "files"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """Where the objects of a version are looked after.

    Attributes:
        by: The manager by place, of those that somebody claimed.
        pushed: A digest of what files said last, by place, of those that they manage.
    """

    by: Mapping[str, Manager] = field(default_factory=dict[str, Manager])
    pushed: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def read(cls, text: str) -> "Managed":
        """Read what `text` wrote."""
        stored: dict[str, str] = json.loads(text)
        return cls(
            by={
                place: Manager.FILES if digest else Manager.CONSOLE
                for place, digest in stored.items()
            },
            pushed={place: digest for place, digest in stored.items() if digest},
        )

    def text(self) -> str:
        """Return what a version keeps: by place the digest, '' for the console."""
        return canonical_json({place: self.pushed.get(place, "") for place in self.by})

    def of(self, by: Manager) -> frozenset[str]:
        """Return the places that a manager looks after."""
        return frozenset(place for place, manager in self.by.items() if manager is by)

    def drift(self, definitions: Plain) -> list[str]:
        """Return the places that files manage and that are no longer what files said last."""
        current = objects(definitions)
        return sorted(p for p, digest in self.pushed.items() if _digest(current.get(p)) != digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who wants to publish a set, and which objects change hands by it.

    Attributes:
        by: Who; None for whoever undoes or stops something, who may change all and claims nothing.
        take: Places that the console managed and files do from now on; `all` for each of them.
        leave: Places that files leave to the console from now on, as they are on the server.
        may_write_html: Whether variants of kind `html` may come in, or change.
    """

    by: Manager | None
    take: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    may_write_html: bool = True

    def merged(self, before: Plain, wanted: Plain, managed: Managed) -> dict[str, Any]:
        """Return what is published: what was wanted, with the objects that are the console's.

        Raises:
            ForbiddenError: HTML comes in or changes, which is not for everybody to write.
            ManagedError: The console, or a key, wants to change what is managed from files.
            UnknownNameError: A place is to change hands that neither set has.
        """
        if unknown := {*self.take, *self.leave} - {"all", *objects(before), *objects(wanted)}:
            raise UnknownNameError(
                f"there is no {sorted(unknown)[0]!r}; expected a place such as segments.buyers"
            )
        if self.by is not Manager.FILES:
            self._refuse(before, wanted, managed)
            merged = dict(wanted)
        else:
            merged = laid_over(wanted, before, self.left(before, managed))
        if not self.may_write_html:
            _refuse_html(before, merged)
        return merged

    def left(self, before: Plain, managed: Managed) -> frozenset[str]:
        """Return the places that files leave as they are on the server."""
        known = objects(before).keys()
        taken = known if "all" in self.take else self.take
        leaving = known & set(self.leave)
        return (managed.of(Manager.CONSOLE) & known).difference(taken) | leaving

    def after(self, before: Plain, merged: Plain, managed: Managed) -> Managed:
        """Return where the objects are looked after once a merged set is published."""
        old, new = objects(before), objects(merged)
        by = {place: manager for place, manager in managed.by.items() if place in new}
        pushed = {place: digest for place, digest in managed.pushed.items() if place in new}
        if self.by is Manager.CONSOLE:
            changed = [place for place in new if place != SITE and old.get(place) != new[place]]
            by |= dict.fromkeys(changed, Manager.CONSOLE)
        elif self.by is Manager.FILES:
            theirs = {*self.left(before, managed), *(set(self.leave) & new.keys())}
            by = {p: Manager.CONSOLE if p in theirs else Manager.FILES for p in new}
            pushed = {p: _digest(new[p]) for p in new if p not in theirs}
        return Managed(by=by, pushed=pushed)

    def _refuse(self, before: Plain, wanted: Plain, managed: Managed) -> None:
        old, new = objects(before), objects(wanted)
        theirs = sorted(managed.of(Manager.FILES))
        changed = [place for place in theirs if old.get(place) != new.get(place)]
        if changed and self.by is not None:
            raise ManagedError(changed)


#: Whoever undoes, stops, or begins: all of it may change, and nobody claims it.
UNCLAIMED: Final = Claim(by=None)


def objects(definitions: Plain) -> dict[str, Any]:
    """Return each object of a set of definitions by its place."""
    return dict(_objects(definitions))


def refuse_draft(draft: Any, newest: Plain, managed: Managed) -> None:
    """Refuse a draft that changes what is managed from files; what it leaves out it leaves alone.

    Raises:
        ManagedError: It does.
    """
    written, current = objects(draft if isinstance(draft, Mapping) else {}), objects(newest)
    theirs = managed.of(Manager.FILES) & written.keys()
    if changed := [p for p in sorted(theirs - {SITE}) if written[p] != current.get(p)]:
        raise ManagedError(changed)


def _objects(definitions: Plain) -> Iterator[tuple[str, Any]]:
    yield SITE, {key: value for key, value in definitions.items() if key not in SECTIONS}
    for section in SECTIONS:
        named = definitions.get(section)
        if isinstance(named, Mapping):
            yield from ((f"{section}.{key}", value) for key, value in named.items())


def _refuse_html(before: Plain, merged: Plain) -> None:
    old, new = dict(_html(before)), dict(_html(merged))
    if changed := sorted(place for place, text in new.items() if old.get(place) != text):
        raise ForbiddenError(
            f"only admins may publish variants of kind html, such as {changed[0]}; "
            "use fields or a template, or ask an admin"
        )


def _html(definitions: Plain) -> Iterator[tuple[str, str]]:
    for key, experiment in definitions.get("experiments", {}).items():
        for arm, variant in experiment["variants"].items():
            if isinstance(variant, Mapping) and "html" in variant:
                yield f"experiments.{key}.variants.{arm}", variant["html"]


def laid_over(wanted: Plain, before: Plain, places: Collection[str]) -> dict[str, Any]:
    """Return a set with the objects of some places as they were."""
    old, found = objects(before), dict[str, Any]()
    for place, value in {**objects(wanted), **{place: old[place] for place in places}}.items():
        section, _, key = place.partition(".")
        if place == SITE:
            found |= value
        else:
            found.setdefault(section, {})[key] = value
    return found


def _digest(value: Any) -> str:
    return blake2b(canonical_json(value).encode(), digest_size=8).hexdigest()
