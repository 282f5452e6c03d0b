"""Slots that selectors name: on the site's pages, and on none that tells of an error."""

from typing import Any

import pytest


def test_a_slot_may_be_named_by_a_selector(kit: Any, personalise: Any) -> None:
    page = b'<p id="greeting">Default</p>'
    site = personalise(kit.html_app(page), consent=kit.granted, selectors={"hero": "#greeting"})

    answer = kit.browser(site).get()

    assert answer.body == b'<p id="greeting"><h2>Variant</h2></p>'


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize(
    ("status", "is_filled"), [(200, True), (400, True), (422, True), (403, False), (404, False)]
)
def test_a_page_that_tells_of_an_error_is_changed_only_where_it_is_marked(
    kit: Any, personalise: Any, status: int, is_filled: bool, is_whole: bool
) -> None:
    def answer(page: bytes) -> bytes:
        app = kit.html_app(page if is_whole else [page[:20], page[20:]], status=status)
        site = personalise(app, consent=kit.granted, selectors={"hero": "h1"})
        body: bytes = kit.browser(site).get().body
        return body

    by_selector = answer(b"<title>Not found</title><h1>Nothing is here</h1>")
    by_mark = answer(b"<title>Not found</title><h1 data-byleave-slot=hero>Nothing is here</h1>")

    assert (b"Variant" in by_selector) is is_filled
    assert b"Variant" in by_mark
