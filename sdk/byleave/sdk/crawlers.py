"""Requests that no person is looking at: crawlers, other programs, and prefetches.

They are shown the site's own content and never counted. A program that claims
to be a browser is not recognised here; it does not enrol either, because it brings no cookie
back and reports no load.
"""

import re
from functools import lru_cache
from typing import Final

from byleave.sdk.asgi_types import Scope
from byleave.sdk.request_attributes import LONGEST_AGENT, header

# Every browser's name for itself begins with one of these two words, for historical reasons.
_BROWSER: Final = re.compile(r"(?:Mozilla|Opera)/", re.IGNORECASE)

# Compiled when the first visitor comes, not when a program is imported.
_NAMED: Final = r"""
    (?<!cu)bot(?:\b|[/;,_\ -])          # Cubot makes telephones
    | crawl | spider | slurp | robots
"""

_CRAWLER: Final = rf"""
    {_NAMED}
    | https?:/ | www\. | \+[a-z]          # an address for the site's operator
    | @[a-z-]+\.[a-z] | \w\.(?:com|net|org|fr)\b
    | compatible;\ ?[a-z]\w+[./)]         # where a browser says a version of Windows
    | gecko[;,]                           # what follows "like Gecko" in a disguise
    | (?:safari|firefox)/[\d.]+;?\ [a-z]+\Z
    | \(java | electron/ | httrack | batch/ | httpclient | library
    | headless | phantom | playwright | selenium | lighthouse | ptst/ | pingdom | synthetic
    | appinsights | gtmetrix | hardenize | openvas | securityheaders | mediapartners | google-
    | agent\b | archive | audit | capture | check | discovery | favicon | feed | fetch | index
    | inspect | monitor | partners | preview | reader\b | scan | scrap | search | survey
    | validator | verif
"""

_PREFETCHES: Final = frozenset({b"sec-purpose", b"purpose", b"x-moz"})


def is_crawler(scope: Scope) -> bool:
    """Return whether the request's user agent is a program that reads pages by itself.

    A request without a user agent is not called one: some people's proxies strip it.
    """
    return _is_program(header(scope, b"user-agent")[:LONGEST_AGENT])


def names_a_crawler(agent: str) -> bool:
    """Return whether a user agent is a crawler's, by its own word.

    Unlike `is_crawler` it leaves programs of other kinds alone: an app may call itself anything.
    """
    agent = agent[:LONGEST_AGENT]
    if _BROWSER.match(agent):
        return _is_program(agent)
    return re.search(_NAMED, agent, re.IGNORECASE | re.VERBOSE) is not None


@lru_cache(maxsize=512)
def _is_program(agent: str) -> bool:
    # So many alternatives take a fifth of a millisecond, and few agents make most requests.
    if agent and _BROWSER.match(agent):
        return re.search(_CRAWLER, agent, re.IGNORECASE | re.VERBOSE) is not None
    return bool(agent)


def is_prefetch(scope: Scope) -> bool:
    """Return whether a browser asks ahead for a page that nobody may ever see."""
    return any(
        b"prefetch" in value.lower() for name, value in scope["headers"] if name in _PREFETCHES
    )
