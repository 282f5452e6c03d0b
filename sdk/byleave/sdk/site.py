"""What all requests of one site share: its keys, its callables, its way to the server."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from byleave.experiments import Decider, Decision
from byleave.sdk.asgi_types import Scope
from byleave.sdk.cookies import Keys
from byleave.sdk.countries import FindCountry
from byleave.sdk.failures import LOG
from byleave.sdk.networks import NetworkLimit
from byleave.sdk.shared_pages import LONGEST_PATH, MOST_PATHS, SharedPages
from byleave.sdk.source import Source
from byleave.sdk.variants import Renderer
from byleave.segments import Consent, Scalar, suggestion
from byleave.segments.consent.adapters import Adapter

Attributes = Callable[[Scope], Mapping[str, Scalar]]
Statement = Callable[[Scope], Consent | None]
Told = Callable[[Decision, str], object]

#: A site that has so many things to be warned of has been warned.
_MOST_WARNINGS: Final = 500


@dataclass(slots=True, kw_only=True)
class Site:
    """One site as the middleware was told about it.

    Attributes:
        source: Where decisions come from and events go.
        keys: The keys derived from the site's secrets.
        mark_keys: Those that sign the marks of slots, newest first.
        renderer: Turns variants into bytes.
        clock: The time in milliseconds.
        random_bytes: Where ids come from.
        networks: How many goals pages may report from one network.
        attributes: What the host's own code knows about the visitor of a request.
        consent: What the host's own code knows of the visitor's consent.
        adapters: Readers of the consent tools that the site uses.
        country: What finds out the country that a request came from.
        selectors: CSS selectors by slot, for pages that cannot be marked.
        shared: Which pages a shared cache may keep in several forms; None for none.
        has_server: Whether there is a server that may know something of visitors.
        asks_server: Whether the server decides instead of this process.
        gettext: Translates what visitors read of ours.
        on_served: Told of what slots showed to visitors who allow analytics.
        is_debugged: Whether pages tell developers how they were decided.
        deadline_s: How long a page waits for the server, in all.
    """

    source: Source
    keys: Keys
    mark_keys: tuple[bytes, ...]
    renderer: Renderer
    clock: Callable[[], int]
    random_bytes: Callable[[int], bytes]
    networks: NetworkLimit
    attributes: Attributes | None = None
    consent: Statement | None = None
    adapters: Iterable[Adapter] = ()
    country: FindCountry | None = None
    selectors: Mapping[str, str] = field(default_factory=dict)
    shared: SharedPages | None = None
    has_server: bool = False
    asks_server: bool = False
    deadline_s: float = 0.05
    gettext: Callable[[str], str] = str
    on_served: Told | None = None
    is_debugged: bool = False
    _warned: set[str] = field(default_factory=set)
    _checked: Decider | None = None
    _slotless: tuple[Decider | None, set[str]] = (None, set())

    def warn_once(self, what: str, **details: Any) -> None:
        """Log a warning about the site's set-up, the first time it matters."""
        if what not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add(what)
            LOG.warning(what, extra=details)

    def check_selectors(self, decider: Decider | None) -> None:
        """Warn of selectors for slots that no definition declares, once for each set of them."""
        if decider is None or decider is self._checked:
            return
        self._checked = decider
        declared = decider.snapshot.definitions.slots
        for slot in self.selectors:
            if slot not in declared:
                self.warn_once(
                    f"selectors name slot {slot!r}, which is not declared."
                    f"{suggestion(slot, declared)}"
                )

    def count(self, what: str, times: int = 1) -> None:
        """Count something that is worth knowing about and no reason for a line in the log."""
        self.source.counters.add(what, times)

    def is_slotless(self, path: str, decider: Decider) -> bool:
        """Return whether the page at a path had no slot when it was last shown."""
        return self._slotless[0] is decider and path in self._slotless[1]

    def note_slots(self, path: str, decider: Decider, *, has_slots: bool) -> None:
        """Note whether a page has slots, as far as these definitions name them."""
        if len(path) > LONGEST_PATH:
            return
        known, paths = self._slotless
        if known is not decider or len(paths) >= MOST_PATHS:
            self._slotless = (decider, paths := set())
        if has_slots:
            paths.discard(path)
        else:
            paths.add(path)
