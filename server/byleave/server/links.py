"""Signed links: whoever has one may open one page until it expires, without a key."""

from hashlib import sha256
from urllib.parse import quote

from itsdangerous import BadSignature, Signer

from byleave.server.sites import Site


def results_link(site: Site, key: str, *, expires_ms: int) -> str:
    """Return the path of an experiment's results, with leave to open it until `expires_ms`."""
    return (
        f"/results/{quote(key, safe='')}?leave={_signer(site, key).sign(str(expires_ms)).decode()}"
    )


def may_open(site: Site, key: str, leave: str, *, now_ms: int) -> bool:
    """Whether a leave that came with a request opens this experiment's results now."""
    try:
        return int(_signer(site, key).unsign(leave)) > now_ms
    except BadSignature:
        return False


def first_admin_link(site: Site, *, expires_ms: int) -> str:
    """Return the path where the first admin of a site is made, until `expires_ms`.

    It works once: whoever comes after the first person finds that there is one.
    """
    leave = _signer(site, "", use="first-admin").sign(str(expires_ms)).decode()
    return f"/console/first-admin?leave={leave}"


def may_be_first(site: Site, leave: str, *, now_ms: int) -> bool:
    """Whether a leave lets somebody make the first admin now, if there is nobody yet."""
    try:
        return int(_signer(site, "", use="first-admin").unsign(leave)) > now_ms
    except BadSignature:
        return False


def _signer(site: Site, key: str, *, use: str = "results") -> Signer:
    return Signer(site.derived("link"), salt=f"{use}/{key}", digest_method=sha256)
