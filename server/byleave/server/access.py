"""Who is calling, and whether they may: one guard for the API and the console.

A caller brings a key, or the cookie of a session. A route opens to the roles that it declares
and to nobody else; somebody of another site is answered as if there were nothing.
"""

import hmac
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from byleave.server.http import Problem
from byleave.server.keys import Role
from byleave.server.service import Service

READERS: Final = frozenset({Role.SERVER, Role.VIEWER, Role.ANALYST, Role.MARKETER, Role.ADMIN})
ANALYSTS: Final = READERS - {Role.VIEWER}
EDITORS: Final = frozenset({Role.MARKETER, Role.ADMIN})
ADMINS: Final = frozenset({Role.ADMIN})
#: Who may publish variants that are raw HTML, a permission of its own.
MARKUP_EDITORS: Final = ADMINS

#: The header in which a script brings the token of its session; a form has a field of the name.
TOKEN_HEADER: Final = "x-byleave-token"  # noqa: S105 (a name)
TOKEN_FIELD: Final = "token"  # noqa: S105 (a name)

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_KEY_WANTED: Final = "expected a key of this site, as Authorization: Bearer byleave_…"


class ForgedProblem(Problem):
    """A request that may have been sent in somebody's name by another site's page."""


class StaleProblem(ForgedProblem):
    """A request without the token of its session, such as from a page of an earlier session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who is known: by a key, or by a session.

    Attributes:
        site: The site where they have the role.
        role: What they may do there.
        name: The person's address, or the name of the key.
        session: What the cookie of their session holds; None for a key.
    """

    site: str
    role: Role
    name: str
    session: str | None = field(default=None, repr=False)

    @property
    def token(self) -> str:
        """What a form of this session has to bring along; '' for a key, which needs none."""
        if self.session is None:
            return ""
        return blake2b(b"form", key=self.session.encode()[:64], digest_size=16).hexdigest()


async def known(service: Service, request: Request) -> Principal | None:
    """Return who is calling; None for somebody without a valid key or session."""
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, text = header.partition(" ")
        key = service.keys.find(text.strip(), service.site.key)
        if scheme.lower() != "bearer" or key is None or key.is_over(service.clock()):
            return None
        return Principal(site=key.site, role=key.role, name=key.name)
    session = request.cookies.get(cookie_name(request))
    if session is None:
        return None
    person = await run_in_threadpool(service.people.of_session, session)
    if person is None:
        return None
    return Principal(site=person.site, role=person.role, name=person.email, session=session)


def admit(
    service: Service, principal: Principal | None, roles: frozenset[Role] | None
) -> Principal | None:
    """Return the caller, if a route that declares these roles opens to them.

    Raises:
        Problem: It does not: 401 without a key or session, 404 for somebody of another site,
            who is not to learn what there is, 403 for any other.
    """
    if roles is None:
        return None if principal is None or principal.site != service.site.key else principal
    if principal is None:
        raise Problem(401, _KEY_WANTED, headers={"WWW-Authenticate": "Bearer"})
    if principal.site != service.site.key:
        raise Problem(404, "Not Found")
    if principal.role not in roles:
        raise Problem(403, "your role does not open this route")
    return principal


def is_foreign(request: Request) -> bool:
    """Whether another site's page sent it (Fetch Metadata; older browsers say their origin)."""
    sent_from = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.url.netloc}"
    return sent_from not in (None, "same-origin", "none") or origin not in (None, own)


def refuse_foreign(request: Request) -> None:
    """Refuse what another site's page sends.

    Raises:
        Problem: The request changes something and came from elsewhere.
    """
    if request.method not in _SAFE and is_foreign(request):
        raise ForgedProblem(403, "this was not sent from the console")


def refuse_forged(request: Request, principal: Principal | None, token: str) -> None:
    """Refuse what a browser may have sent without the person's doing.

    A browser adds the cookie of a session to whatever a page makes it send. So what changes
    something has to come from this site, and with a token that only its own pages know. A key
    is added by nobody, and needs neither.

    Raises:
        Problem: The request changes something and is not shown to be the person's own.
    """
    if request.method in _SAFE or principal is None or principal.session is None:
        return
    refuse_foreign(request)
    if not hmac.compare_digest(principal.token.encode(), token.encode()):
        raise StaleProblem(403, "expected the token of the session")


def cookie_name(request: Request) -> str:
    """Return the name of the session's cookie: over TLS no other host can set it (`__Host-`)."""
    return "__Host-byleave" if request.url.scheme == "https" else "byleave_session"
