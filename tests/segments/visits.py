"""Visits of pages as a profile keeps them, for the tests of profiles."""

from byleave.segments import Consent, Profile, Purpose, Rules
from byleave.segments.encoding import State

NOW = 1_700_000_000_000
BOTH = (Purpose.PERSONALISATION, Purpose.ANALYTICS)
VIEWS = {"event": "page_view", "count": {"at_least": 3}, "within": "7d"}


def visited(rules: Rules, consent: Consent, *times: int, profile: Profile | None = None) -> Profile:
    profile = profile or Profile()
    for at_ms in times:
        profile = rules.record(
            profile, "page_view", {"path": "/"}, at_ms=at_ms, now_ms=at_ms, consent=consent
        )
    return profile


def only(profile: Profile, use: Purpose = Purpose.PERSONALISATION) -> State:
    [state] = profile.kept(use).values()
    return state
