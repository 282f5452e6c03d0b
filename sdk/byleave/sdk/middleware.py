"""What the middleware of every kind of application has in common: set-up, and a request's start.

The middleware answers the site's own `/.byleave/` routes, lets everything else through to the
application, and watches the responses on their way out. It never raises into the site and never
waits for a server: what is not known in time is the site's own content.
"""

import json
import secrets as random_source
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from byleave.experiments import Definitions
from byleave.sdk.asgi_types import App, Scope
from byleave.sdk.beacon import EVENTS_PATH
from byleave.sdk.client import AGE_LIMIT_MS, Client
from byleave.sdk.cookies import Keys
from byleave.sdk.countries import FindCountry, from_file, from_header
from byleave.sdk.failures import LOG, report
from byleave.sdk.headers import Headers, may_ask_for_page, page_request
from byleave.sdk.in_memory import InMemoryClient
from byleave.sdk.networks import GOALS_PER_NETWORK, NetworkLimit
from byleave.sdk.request_attributes import own_path
from byleave.sdk.rewriter import parse_selector
from byleave.sdk.shared_pages import SharedPages
from byleave.sdk.site import Attributes, Site, Statement, Told
from byleave.sdk.source import Local, Source
from byleave.sdk.variants import Renderer, Templates
from byleave.sdk.visit import Visit
from byleave.sdk.wire import Transport
from byleave.segments import DefinitionError, read
from byleave.segments.consent.adapters import Adapter
from byleave.segments.consent.cookie import ConsentCookie


def system_clock() -> int:
    """Return the system's time in milliseconds since the Unix epoch, UTC."""
    return time.time_ns() // 1_000_000


class Middleware:
    """Wraps an application and personalises its pages.

    Give either `definitions`, for a site without a server, or `server`.

    Args:
        app: The site.
        definitions: A folder of YAML, a file of canonical JSON, or the definitions themselves.
        server: The decision server's URL, its ASGI application in this process, or a client in
            memory.
        key: The site's server key.
        secrets: What cookies are signed with: oldest first, the last one signs. Without any,
            cookies end with the process.
        attributes: Called with the scope; returns what the site knows about the visitor.
        consent: Called with the scope; returns what the site knows of the visitor's consent.
        adapters: Readers of consent tools; by default that of our own consent cookie.
        templates: The Jinja environment that renders variants.
        country_header: The header in which a proxy, which must overwrite whatever visitors
            send, names the country.
        country_file: A file in the format of MaxMind DB to look up in which country the address
            is that a request came from. Without either, everybody is treated as where consent
            is opt-in.
        selectors: CSS selectors by slot, for pages that cannot be marked.
        decide: `local` decides in this process, `server` asks the server for each page.
        cache: `private` keeps pages with slots out of shared caches; `signature` lets one that
            asks `/.byleave/signature` keep a form of them for all who are shown the same.
        deadline_ms: How long a page waits for the server, where it has to ask it anything.
        goals_per_network: How many goals pages may report from one network a day, see
            `NetworkLimit`; 0 sets no limit.
        promoted_label: What a list of promoted links is called.
        gettext: Translates what visitors read of ours into the language of the request.
        on_served: Called with each decision that a page served to a visitor who allows
            analytics, and the version that made it; for traces.
        debug: Whether pages tell how they were decided, and the log of slots that are marked
            where none can stand. Not for a site that visitors see.
        clock: The time in milliseconds.
        random_bytes: Where ids come from; simulations give their own.
        background: False leaves it to the caller to `poll` and `flush` the client.
        age_limit_ms: How long a snapshot is used when the server cannot be reached.
        state_dir: A directory for what outlives the process: the last snapshot, withdrawals
            that the server does not have yet, and images.
        bootstrap: A file with a snapshot, as the server gives it, to begin with.

    Raises:
        SelectorError: A selector is not of the few kinds that are looked for.
        ValueError: Neither or both of `definitions` and `server` are given, or both ways to
            find the country; a secret is too short, or `decide="server"` has no server or
            shares pages.
        DefinitionError: The definitions have faults; carries every one of them.
    """

    def __init__(
        self,
        app: Any,
        *,
        definitions: str | Path | Definitions | None = None,
        server: str | App | InMemoryClient | None = None,
        key: str = "",
        secrets: Sequence[str | bytes] = (),
        attributes: Attributes | None = None,
        consent: Statement | None = None,
        adapters: Iterable[Adapter] = (ConsentCookie(),),
        templates: Templates | None = None,
        country_header: str | None = None,
        country_file: str | Path | None = None,
        selectors: Mapping[str, str] | None = None,
        decide: Literal["local", "server"] = "local",
        cache: Literal["private", "signature"] = "private",
        deadline_ms: int = 50,
        goals_per_network: int = GOALS_PER_NETWORK,
        promoted_label: str = "For you",
        gettext: Callable[[str], str] = str,
        on_served: Told | None = None,
        debug: bool = False,
        clock: Callable[[], int] = system_clock,
        random_bytes: Callable[[int], bytes] = random_source.token_bytes,
        background: bool = True,
        age_limit_ms: int = AGE_LIMIT_MS,
        state_dir: str | Path | None = None,
        bootstrap: str | Path | None = None,
    ) -> None:
        if (definitions is None) == (server is None):
            raise ValueError("expected either `definitions` or `server`")
        if decide == "server" and server is None:
            raise ValueError("expected `server` with decide='server'")
        if decide == "server" and cache == "signature":
            raise ValueError("expected cache='private' with decide='server'")
        self.app, templates = self._adopt(app, templates)
        self._client: Client | None = None
        source: Source
        if isinstance(server, InMemoryClient):
            source = server
        elif server is not None:
            source = self._client = Client(
                _transport(server),
                key=key,
                clock=clock,
                background=background,
                age_limit_ms=age_limit_ms,
                state_dir=state_dir,
                bootstrap=bootstrap,
            )
        else:
            source = Local(load_definitions(definitions), now_ms=clock())
        if not secrets:
            LOG.warning("no secrets: visitors' cookies end with this process")
            secrets = [random_source.token_bytes(32)]
        keys = Keys(secrets)
        for selector in (selectors or {}).values():
            parse_selector(selector)  # a mistake is told at once, not by each page
        self.site = Site(
            source=source,
            keys=keys,
            mark_keys=keys.keys("mark"),
            renderer=Renderer(templates, promoted_label=promoted_label, gettext=gettext),
            clock=clock,
            random_bytes=random_bytes,
            networks=NetworkLimit(random_source.token_bytes(32), most=goals_per_network),
            attributes=attributes,
            consent=consent,
            adapters=tuple(adapters),
            country=_find_country(country_header, country_file),
            selectors=dict(selectors or {}),
            gettext=gettext,
            on_served=on_served,
            is_debugged=debug,
            shared=SharedPages() if cache == "signature" else None,
            has_server=server is not None,
            asks_server=decide == "server",
            deadline_s=deadline_ms / 1000,
        )
        if definitions is not None:
            self.site.check_selectors(source.decider())

    def _adopt(self, app: Any, templates: Templates | None) -> tuple[Any, Templates | None]:
        """Return what to call for a response, and what renders variants."""
        return app, templates

    @property
    def client(self) -> Client:
        """What keeps in touch with the server, for those who drive it themselves.

        Raises:
            AttributeError: There is no server.
        """
        if self._client is None:
            raise AttributeError("there is no server, and so no client")
        return self._client

    def _open(self, scope: Scope) -> tuple[Visit, Headers] | None:
        """Return a request's visit, and the request headers that the application may see.

        None leaves the request to the application alone.
        """
        try:
            self.site.source.start()
            visit = self._visit(scope)
            return visit, self._request_headers(visit)
        except Exception as error:
            report("request not personalised", error)
            return None

    def _visit(self, scope: Scope) -> Visit:
        may_write = True if own_path(scope) == EVENTS_PATH else None
        return Visit(self.site, scope, self.site.source.decider(), may_write=may_write)

    def _request_headers(self, visit: Visit) -> Headers:
        decider = visit.decider
        if (
            decider is None
            or not visit.is_active
            or not may_ask_for_page(visit.scope)
            or self.site.is_slotless(visit.path, decider)
        ):
            headers: Headers = visit.scope["headers"]
            return headers

        def unwrap(signature: str) -> bool:
            # What an experiment owns must be counted, so such a page is never "not modified".
            return not visit.slots.is_owned and signature == visit.slots.signature

        return page_request(visit.scope, unwrap)


def _find_country(header: str | None, file: str | Path | None) -> FindCountry | None:
    if header is not None and file is not None:
        raise ValueError("expected one of `country_header` and `country_file`")
    if file is not None:
        return from_file(file)
    return None if header is None else from_header(header)


def _transport(server: str | App) -> Transport:
    # Imported here because they are slow to load and many sites need neither.
    if isinstance(server, str):
        from byleave.sdk.http_transport import HttpTransport

        return HttpTransport(server)
    from byleave.sdk.asgi_transport import AsgiTransport

    return AsgiTransport(server)


def load_definitions(given: str | Path | Definitions | None) -> Definitions:
    """Return definitions from a folder of YAML, a file of canonical JSON, or as they are.

    Raises:
        DefinitionError: They have faults; each names its file as seen from where the site was
            started.
        OSError: There is nothing to read.
    """
    if isinstance(given, Definitions):
        return given
    path = Path(given or "")
    if path.is_dir():
        from byleave.sdk.folder import load_folder, within  # needs PyYAML, which is optional

        try:
            return load_folder(path)
        except DefinitionError as error:
            raise DefinitionError(within(path, error.faults)) from None
    if not path.exists():
        where = "" if path.is_absolute() else f" in {Path.cwd()}; give its whole path"
        raise FileNotFoundError(f"no definitions: there is no folder {str(path)!r}{where}")
    return read(Definitions, json.loads(path.read_text(encoding="utf-8")))
