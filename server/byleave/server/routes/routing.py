"""What a route is: who may call it, what it reads, what it answers, and what does the work."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from re import fullmatch
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from byleave.server.access import Principal
from byleave.server.events import VISITOR_ID
from byleave.server.http import Problem
from byleave.server.keys import Role
from byleave.server.service import Service


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be answered: its caller was let in and its body read.

    Attributes:
        service: What does the work.
        request: The request.
        principal: Who calls; None where the route needs nobody and nobody is told.
        body: The body, within the limit of the route.
        data: The body as the route's `reads`, when it declares one.
    """

    service: Service
    request: Request
    principal: Principal | None
    body: bytes
    data: Any = None

    @property
    def role(self) -> Role | None:
        """What the caller may do here."""
        return None if self.principal is None else self.principal.role


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRoute:
    """One route.

    Attributes:
        method: Its method.
        path: Its path.
        roles: The roles that open it; None opens it to everybody.
        most_bytes: The longest body it reads.
        handle: What answers it.
        summary: What it does, in a sentence.
        reads: What its body is, as strict JSON; None when the route reads no body, or reads
            one itself.
        answers: What its success holds, as JSON; None where this is not said field by field.
        query: The parameters it takes after `?`, with a JSON Schema of each.
        headers: The headers that it looks at, beside those of HTTP itself, likewise.
        status: The status of success.
        also: Further statuses that it answers with, beside those that follow from the rest.
        media_type: What its success is written in; None for an answer without a body.
        tell: How it tells problems, where a protocol of others says how; then 400 stands for
            all that is wrong with a body.
    """

    method: str
    path: str
    roles: frozenset[Role] | None
    most_bytes: int
    handle: Handler
    summary: str
    reads: Any = None
    answers: Any = None
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    status: int = 200
    also: frozenset[int] = frozenset()
    media_type: str | None = "application/json"
    tell: Callable[[Request, Problem], Response] | None = None


SERVER: Final = frozenset({Role.SERVER})
SENDERS: Final = frozenset({Role.SERVER, Role.PUBLIC})


def visitor_of(call: Call) -> str:
    """Return the visitor whom a path names.

    Raises:
        Problem: It is no visitor's id.
    """
    visitor: str = call.request.path_params["visitor"]
    if not fullmatch(VISITOR_ID, visitor):
        raise Problem(422, "expected a visitor's id of at most 128 letters, digits and ._~:@+-")
    return visitor


def author_of(call: Call) -> str:
    """Return who changes something, for the audit trail."""
    return "nobody" if call.principal is None else call.principal.name
