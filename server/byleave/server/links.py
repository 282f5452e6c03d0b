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


def _signer(site: Site, key: str) -> Signer:
    return Signer(site.derived("link"), salt=f"results/{key}", digest_method=sha256)
