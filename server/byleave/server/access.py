"""Who is calling: the key that a request brings, and what it may be used for."""

from starlette.requests import Request

from byleave.server.keys import KeyRing, Role


def role_of(keys: KeyRing, request: Request) -> Role | None:
    """Return the role of the key in the Authorization header; None without a key of ours."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return keys.role(key.strip()) if scheme.lower() == "bearer" else None
