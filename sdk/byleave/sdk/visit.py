"""One request: who asks, what they agreed to, and what they did.

Everything is worked out when it is first needed and at most once. Nothing here raises into the
site: consent that cannot be read is refused, and what fails is left out.
"""

from collections.abc import Mapping
from functools import cached_property

from byleave.experiments import Decider, Visitor, may_enrol
from byleave.sdk import events, recording
from byleave.sdk.asgi_types import Scope
from byleave.sdk.cookies import Keys, cookie_name, expire_brought, parse_cookies, set_cookie
from byleave.sdk.counters import page_counter
from byleave.sdk.crawlers import is_crawler, is_prefetch
from byleave.sdk.failures import report
from byleave.sdk.headers import SIGNATURE, is_document_request, is_restored, lacks_cookies
from byleave.sdk.memory import Memory
from byleave.sdk.request_attributes import header, request_attributes
from byleave.sdk.site import Site
from byleave.sdk.slots import Slots
from byleave.sdk.wishes import OFF, ON, STANDARD, previewed, wish
from byleave.segments import Choice, Consent, Purpose, Regime, Scalar, Source, suggestion
from byleave.segments.access import may_read_attribute
from byleave.segments.consent.purposes import refused
from byleave.segments.consent.reader import read_consent
from byleave.segments.consent.regions import regime_of

_SIGNALS = (b"sec-gpc", b"dnt")
_UNREAD = refused("site", "unreadable")


class Visit:
    """One HTTP request of a site, as far as personalisation is concerned.

    Args:
        site: What all requests share.
        scope: The ASGI scope.
        decider: What decides; None leaves the site as it is.
        may_write: Whether the answer may set cookies; judged by the request where None.

    Attributes:
        is_personal: Whether a template was told something about this visitor.
        is_rendering: Whether a variant is being made, inside of which no slot is filled.
        is_over: Whether the request was answered; a task that it began may go on and on.
        has_told_sensitive: Whether that was a sensitive attribute.
        has_opened: Whether a page reports that a slot opened by itself, or would have.
        fresh: What the server was asked about the visitor for this page alone.
        shared: The slots of the page, where it goes out for all who are shown the same.
        held: What this request has to tell, while it is not clear whether it is to; None tells
            at once.
    """

    def __init__(
        self, site: Site, scope: Scope, decider: Decider | None, *, may_write: bool | None = None
    ) -> None:
        self.site = site
        self.scope = scope
        self.decider = decider
        self.path = str(scope["path"])
        self.now_ms = site.clock()
        self.slots = Slots(self)
        self._may_write = may_write
        self.is_personal = False
        self.is_rendering = False
        self.is_over = False
        self.has_told_sensitive = False
        self.fresh: Mapping[str, Scalar] = {}
        self.shared: frozenset[str] | None = None
        # A cache that names a form has been told it, and what it serves was counted then.
        self.held: list[events.Event] | None = [] if self.is_announced else None
        self._has_counted_page = False
        self.has_opened = False

    @property
    def is_active(self) -> bool:
        """Whether some experiment may fill some slot of the site."""
        return bool(self.slots.names)

    @property
    def is_announced(self) -> bool:
        """Whether a shared cache asks for one form of a page."""
        return self.site.shared is not None and bool(header(self.scope, SIGNATURE))

    def share(self) -> None:
        """Make the page for all who are shown the same."""
        if self.site.shared is not None and self.decider is not None:
            self.shared = self.site.shared.slots(self.path, self.decider)

    def learn(self) -> None:
        """Note what is on the page, for those who are to share it."""
        if self.site.shared is not None and self.decider is not None:
            slots = frozenset((*self.slots.served, *self.slots.offered))
            self.site.shared.learn(self.path, self.decider, slots, is_personal=self.is_personal)

    def release(self) -> None:
        """Tell what was held, and everything else from now on."""
        held, self.held = self.held or (), None
        if self._has_counted_page and self.is_counted:
            self.site.count(page_counter(self.consent))
        for event in held:
            self.site.source.capture(event)

    def tell(self, event: events.Event) -> None:
        """Tell the server of what happens by this page being shown."""
        if self.held is None:
            self.site.source.capture(event)
        else:
            self.held.append(event)

    @property
    def is_sensitive(self) -> bool:
        """Whether the answer tells of a sensitive attribute, as far as it is decided."""
        return self.has_told_sensitive or self.slots.is_sensitive

    @cached_property
    def is_restored(self) -> bool:
        """Whether a page is only fetched again: what it shows was counted when it was new."""
        return is_restored(self.scope)

    @cached_property
    def may_write(self) -> bool:
        """Whether this response may set cookies."""
        return is_document_request(self.scope) if self._may_write is None else self._may_write

    @cached_property
    def is_counted(self) -> bool:
        """Whether a person is looking, as far as one can tell, and what they chose is known."""
        if self.forced or lacks_cookies(self.scope):
            return False
        return not is_crawler(self.scope) and not is_prefetch(self.scope)

    @cached_property
    def may_measure(self) -> bool:
        """Whether this page view may be measured, with or without knowing whose it is."""
        return (
            self.decider is not None
            and self.is_counted
            and self.decider.may_measure(self.consent, self.country)
        )

    @cached_property
    def wish(self) -> str:
        """What the address wishes for with `?byleave=`."""
        return wish(self.scope)

    @cached_property
    def forced(self) -> Mapping[str, str]:
        """What the signed preview link of this request shows, by slot; it counts for nothing.

        Links are made with a secret of the site, or by its server with the key of the snapshot.
        """
        if not self.wish:
            return {}
        keys = [self.site.keys]
        if self.decider is not None and (made := self.decider.snapshot.preview_key):
            keys.append(Keys([made]))
        shown = (previewed(self.wish, each.signer("preview"), now_ms=self.now_ms) for each in keys)
        return next(filter(None, shown), {})

    @cached_property
    def is_standard(self) -> bool:
        """Whether the visitor wishes for the site's own content, now or earlier in this session."""
        if self.wish in (OFF, ON):
            return self.wish == OFF
        return cookie_name(STANDARD, self.scope) in self.cookies

    @cached_property
    def is_recognised(self) -> bool:
        """Whether the request brought back something that a browser keeps.

        Others are counted only when the page reports that it was loaded, so that clients
        without cookies do not become a new visitor with each page.
        """
        is_stated = self.consent.choice(Purpose.ANALYTICS) is Choice.GRANTED
        return self.memory.is_brought or is_stated

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The request's cookies."""
        return parse_cookies(self.scope)

    @cached_property
    def country(self) -> str | None:
        """The visitor's country, where the site has a way to know it."""
        return self.site.country(self.scope) if self.site.country else None

    @property
    def is_country_unknown(self) -> bool:
        """Whether the country should be known and is not."""
        return self.site.country is not None and self.country is None

    @cached_property
    def consent(self) -> Consent:
        """What the visitor agreed to; nothing for this request where that cannot be found out."""
        return self._said or _UNREAD

    @cached_property
    def _said(self) -> Consent | None:
        if self.is_country_unknown:
            self.site.warn_once("no country in the request: consent is taken as opt-in")
        try:
            said = self.site.consent(self.scope) if self.site.consent else None
            return read_consent(
                cookies=self.cookies,
                headers=[
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in self.scope["headers"]
                    if name in _SIGNALS
                ],
                now_ms=self.now_ms,
                regime=self._regime(),
                adapters=self.site.adapters,
                stated=() if said is None else (said,),
            )
        except Exception as error:
            report("consent not read", error)
            return None

    def _regime(self) -> Regime:
        if self.decider is None or lacks_cookies(self.scope):
            return Regime.OPT_IN
        return regime_of(self.country, self.decider.snapshot.definitions.regions)

    @cached_property
    def memory(self) -> Memory:
        """What the visitor's cookies carry."""
        memory = Memory(
            self.site,
            self.scope,
            self.cookies,
            consent=self.consent,
            is_country_unknown=self.is_country_unknown,
            may_begin=self.is_counted and self.may_write,
            now_ms=self.now_ms,
        )
        if memory.withdrawn is not None and self._said is not None:
            self.withdraw(memory.withdrawn.id, self.consent)
        return memory

    @cached_property
    def view(self) -> str:
        """The random id of this page view, which nothing stores on the device."""
        return self.site.random_bytes(16).hex()

    @cached_property
    def attributes(self) -> dict[str, Scalar]:
        """What the request says of itself, and what the site knows."""
        if self.decider is None:
            return {}
        declared = self.decider.snapshot.definitions.attributes
        found = request_attributes(
            self.scope,
            [name for name, a in declared.items() if a.source is Source.REQUEST],
            now_ms=self.now_ms,
            country=self.country,
        )
        wanted = [name for name, a in declared.items() if a.source is Source.SITE]
        if wanted and self.site.attributes is not None:
            try:
                given = self.site.attributes(self.scope)
                found |= {name: given[name] for name in wanted if given.get(name) is not None}
            except Exception as error:
                report("attributes not given", error)
        return {**self.carried, **found, **self.fresh}

    @cached_property
    def carried(self) -> Mapping[str, Scalar]:
        """What the visitor's cookie carries of what the server knows, and a day old at most."""
        if self.decider is None:
            return {}
        return self.memory.carried(self.decider.snapshot.definitions.attributes)

    @cached_property
    def collected(self) -> Mapping[str, frozenset[Purpose]]:
        """The purposes under whose grant what is carried was collected, by attribute."""
        uses = frozenset(use for use in Purpose if use in self.memory.state.carried.uses)
        return dict.fromkeys(self.carried, uses)

    def known(self, attribute: str) -> Scalar | None:
        """Return what is known of the visitor and may be used to personalise; else None.

        Never a default, which says nothing of anybody.
        """
        declared = self.decider and self.decider.snapshot.definitions.attributes.get(attribute)
        use, collected = Purpose.PERSONALISATION, self.collected.get(attribute)
        if not declared or not may_read_attribute(
            declared, use, consent=self.consent, collected=collected
        ):
            return None
        value = self.attributes.get(attribute)
        if value is not None and declared.sensitive:
            self.has_told_sensitive = True
        return value

    @cached_property
    def visitor(self) -> Visitor:
        """Everything that a decision may look at."""
        identity = self.memory.identity if self.is_counted else None
        return Visitor(
            id=identity.id if identity else None,
            view=self.view,
            consent=self.consent,
            attributes=self.attributes,
            collected=self.collected,
            region=self.country,
            profile=self.memory.state.profile,
            assignments=self.memory.state.assignments,
            forced=self.forced,
            is_counted=self.is_counted,
        )

    def count_page(self) -> None:
        """Record that the visitor looked at this page, if a definition reads that."""
        if self._has_counted_page or self.decider is None:
            return
        self._has_counted_page = True
        if self.scope["method"] != "GET" or not self.may_write:
            return
        if self.is_counted and self.held is None:
            self.site.count(page_counter(self.consent))
        if "page_view" in self.decider.snapshot.definitions.events:
            recording.record(self, "page_view", {"path": self.path}, self.tell)

    def record(self, event: str, properties: Mapping[str, Scalar]) -> None:
        """Record that the visitor did something, as far as they agreed to that.

        Args:
            event: A declared event.
            properties: Its properties; those that are not declared are left out.
        """
        if self.decider is None:
            return
        declared = self.decider.snapshot.definitions.events
        if event not in declared:
            self.site.warn_once(f"unknown event {event!r}.{suggestion(event, declared)}")
            return
        recording.record(self, event, properties, self.site.source.capture)

    def withdraw(self, visitor: str, consent: Consent) -> None:
        """Have the server forget a visitor who took their consent back."""
        if may_enrol(consent):  # given again since: what is under the old id is void all the same
            consent = refused(consent.source, "withdrawn")
        self.site.source.withdraw(
            visitor,
            {
                "choices": {str(use): str(choice) for use, choice in consent.choices.items()},
                "source": consent.source,
                "at": self.now_ms,
            },
        )

    def set_cookies(self) -> list[str]:
        """Return the Set-Cookie values of this response."""
        # What only could not be read is not taken back: the next request may read it.
        if self.decider is None or self.shared is not None or self._said is None:
            return []
        may_write = self.may_write and self.is_counted
        return [*self.memory.set_cookies(may_write=may_write), *self._standard_cookie(may_write)]

    def _standard_cookie(self, may_write: bool) -> list[str]:
        """Return the Set-Cookie values that remember the wish for the standard site.

        The cookie names nobody and ends with the browser's session; it is a preference all the
        same, and so it needs consent for preferences. Without, the wish is for one page.
        """
        may_keep = self.consent.allows(Purpose.PREFERENCES)
        if self.wish == OFF and may_keep and may_write:
            return [set_cookie(cookie_name(STANDARD, self.scope), "1", self.scope, lasts_s=None)]
        is_unsaid = self.consent.choice(Purpose.PREFERENCES) is Choice.UNSET
        is_unsure = self.is_country_unknown and is_unsaid
        is_over = self.wish == ON or not (may_keep or is_unsure)
        return expire_brought([STANDARD], self.scope, self.cookies) if is_over else []
