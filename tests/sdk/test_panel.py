"""The panel for developers: who sees it, what it says, and what the log says of lost marks."""

from typing import Any

import pytest

from byleave.sdk.rewriter import mark
from byleave.sdk.wishes import preview_link


def test_nobody_else_sees_it(kit: Any, personalise: Any) -> None:
    site = personalise(consent=kit.granted)
    forged = preview_link("/", {"hero": "greeting/b"}, secret="x" * 32, until_ms=kit.now_ms + 1)

    for path in ("/", "/?byleave=on", "/?byleave=off", forged):
        assert "byleave-debug" not in kit.browser(site).get(path).text


def test_a_preview_link_shows_it_until_it_expires(kit: Any, personalise: Any, clock: Any) -> None:
    browser = kit.browser(personalise(consent=kit.refused))
    until_ms = clock.now_ms + 1_000
    link = preview_link("/", {"hero": "greeting/b"}, secret=kit.secret, until_ms=until_ms)

    page = browser.get(link)
    clock.now_ms = until_ms

    assert "<td>b</td><td>forced</td>" in page.text
    assert page.header("cache-control") == "private, no-cache"
    assert page.set_cookies == {}
    assert "byleave-debug" not in browser.get(link).text


def test_in_debug_mode_it_says_what_and_why(kit: Any, personalise: Any) -> None:
    definitions = kit.define(
        segments={"phones": {"when": {"attribute": "device", "equals": "desktop"}}},
        experiments=kit.greeting(audience="phones"),
    )
    site = personalise(definitions=definitions, consent=kit.granted, debug=True)

    text = kit.browser(site).get().text

    assert (
        '<th scope="row">hero</th><td>yes</td><td>greeting</td><td>b</td><td>assigned</td><td>'
        in text
    )
    assert "device" in text.partition("byleave-debug")[2]
    assert "<script" not in text.partition("<aside")[2].partition("</aside>")[0]
    assert "style=" not in text


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize(
    ("selectors", "told"),
    [({}, "no: no element is marked with it"), ({"hero": ".nope"}, "no: nothing matches .nope")],
)
def test_in_debug_mode_a_page_says_which_slots_are_not_on_it(
    kit: Any, personalise: Any, is_whole: bool, selectors: dict[str, str], told: str
) -> None:
    page = b"<title>x</title><body><p>No slot</p></body>"
    app = kit.html_app(page if is_whole else [page[:20], page[20:]])

    def text(*, debug: bool) -> str:
        site = personalise(app, consent=kit.refused, selectors=selectors, debug=debug)
        answer: str = kit.browser(site).get().text
        return answer

    assert f'<th scope="row">hero</th><td>{told}</td>' in text(debug=True)
    assert text(debug=False) == page.decode()


def test_in_debug_mode_it_says_who_is_taken_for_a_crawler(kit: Any, personalise: Any) -> None:
    site = personalise(consent=kit.granted, debug=True)

    assert "taken for a crawler" in kit.browser(site).get(user_agent="curl/8.5.0").text
    assert "taken for a crawler" not in kit.browser(site).get().text


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_mark_in_a_script_is_told_in_debug_mode_alone(
    kit: Any, personalise: Any, caplog: pytest.LogCaptureFixture, is_whole: bool
) -> None:
    def told(*, debug: bool) -> str:
        site = personalise(consent=kit.granted, debug=debug)
        opening, closing = mark("hero", site.site.mark_keys[0])
        script = f"<title>x</title><script>a = '{opening}x{closing}'</script>".encode()
        site.app = kit.html_app(script if is_whole else [script, b"<p>end"])
        caplog.clear()
        kit.browser(site).get()
        return caplog.text

    assert "slot 'hero' is marked where a block cannot stand" in told(debug=True)
    assert "cannot stand" not in told(debug=False)
