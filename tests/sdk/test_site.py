"""What requests share stays small, whatever visitors ask for."""

from typing import Any

import pytest

from byleave.sdk.shared_pages import LONGEST_PATH


def test_a_path_that_nobody_would_write_is_not_remembered(kit: Any, personalise: Any) -> None:
    app = personalise(kit.html_app(b"<p>no slot</p>"), cache="signature")
    site, decider = app.site, app.site.source.decider()
    long, longest = ("/" + "x" * length for length in (LONGEST_PATH, LONGEST_PATH - 1))
    for path in (long, longest):
        kit.browser(app).get(path)
        site.shared.learn(path, decider, frozenset(), is_personal=False)

    assert site.is_slotless(longest, decider)
    assert not site.is_slotless(long, decider)
    assert site.shared.slots(longest, decider) is not None
    assert site.shared.slots(long, decider) is None


def test_what_a_site_warns_of_has_an_end(
    personalise: Any, caplog: pytest.LogCaptureFixture
) -> None:
    site = personalise().site
    for _ in range(2):
        for number in range(1_000):
            site.warn_once(f"unknown event {number!r}.")

    assert len(caplog.messages) == 500
