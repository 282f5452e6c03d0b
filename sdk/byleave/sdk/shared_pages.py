"""What is known of pages that a shared cache may keep in several forms."""

from typing import Final

from byleave.experiments import Decider

#: One page has no more shared forms than this; who would be shown another gets a private page.
MOST_FORMS: Final = 32
#: No more is remembered of pages than of so many, and nothing of one with a longer path: visitors
#: can make up both.
MOST_PATHS: Final = 2_048
LONGEST_PATH: Final = 1_024


class SharedPages:
    """Which slots the pages of a site have, as far as this process has made them."""

    def __init__(self) -> None:
        self._decider: Decider | None = None
        self._slots: dict[str, frozenset[str]] = {}
        self._forms: dict[str, set[str]] = {}
        self._personal: set[str] = set()

    def learn(
        self, path: str, decider: Decider, slots: frozenset[str], *, is_personal: bool
    ) -> None:
        """Note the slots of a page that was made; one that told of its visitor is never shared."""
        if len(path) > LONGEST_PATH:
            return
        if self._decider is not decider or len(self._slots) >= MOST_PATHS:
            # Whoever reads meanwhile must not take what older definitions said for the newest.
            self._slots, self._forms, self._personal = {}, {}, set()
            self._decider = decider
        if is_personal:
            self._personal.add(path)
        self._slots[path] = self._slots.get(path, frozenset()) | slots

    def slots(self, path: str, decider: Decider) -> frozenset[str] | None:
        """Return the slots of a page; None where they are not known or the page is not shared."""
        if self._decider is not decider or path in self._personal:
            return None
        return self._slots.get(path)

    def has_room(self, path: str, form: str) -> bool:
        """Return whether a page may have one more shared form, and count it in."""
        forms = self._forms.setdefault(path, set())
        if form not in forms and len(forms) >= MOST_FORMS:
            return False
        forms.add(form)
        return True
