"""Who is a customer: one signed cookie that names the plan and nothing about the person."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from itsdangerous import BadSignature, Signer
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from harbour_books.plans import BY_KEY, Plan

COOKIE: Final = "harbour_account"


class Accounts:
    """Opens and recognises accounts; a real shop would keep them in a database."""

    def __init__(self, secret: bytes) -> None:
        self._signer = Signer(secret, salt="harbour-books.account", digest_method=sha256)

    def plan(self, cookies: Mapping[str, str]) -> Plan | None:
        """The customer's plan, or None for a visitor without a genuine account cookie."""
        try:
            key = self._signer.unsign(cookies.get(COOKIE, "")).decode()
        except BadSignature:
            return None
        return BY_KEY.get(key)

    def attributes(self, scope: Scope) -> dict[str, bool]:
        """What the shop knows about the visitor of a request, by the names of `byleave.yaml`."""
        return {"is_customer": self.plan(HTTPConnection(scope).cookies) is not None}

    def open(self, response: Response, plan: Plan, *, is_secure: bool) -> None:
        """Make the browser a customer's until it closes; `is_secure` limits it to HTTPS."""
        value = self._signer.sign(plan.key).decode()
        response.set_cookie(COOKIE, value, httponly=True, samesite="lax", secure=is_secure)

    def close(self, response: Response) -> None:
        """Make the browser forget the account."""
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
