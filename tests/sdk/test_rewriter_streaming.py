"""Every byte outside slots stays as it is, in chunks of any size, at bounded cost."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.sdk.rewriter import Outcome, Rewriter, mark, rewrite

KEY = b"a key for marks that only tests know"
OPENING, CLOSING = (part.encode() for part in mark("hero", KEY))
HOST = b'<div class="a" data-byleave-slot="hero">'

PAGES_FOLDER = Path(__file__).parent / "pages"
SHOP = (PAGES_FOLDER / "shop.html").read_bytes()
LEGACY = (PAGES_FOLDER / "legacy.html").read_text("utf-8")
PAGES = {
    "shop": SHOP,
    "legacy": LEGACY.replace("\n", "\r\n").encode("windows-1251"),
    "japanese": '<p title="表示">ポソ能<a href=?ソ>ゼゾ</a><script>"表</"</script>'.encode(
        "shift_jis"
    ),
    "chinese": '<p title="乗">俓<b class=乗>乗乗</b><!--乗--> 乗'.encode("gbk"),
    "text": b"text < only & no markup at all >",
    "cut": b'<p>cut off <a href="',
    "empty": b"",
}


def in_chunks(rewriter: Rewriter, page: bytes, size: int) -> bytes:
    pieces = [rewriter.feed(page[start : start + size]) for start in range(0, len(page), size)]
    return b"".join(pieces) + rewriter.close()


@pytest.mark.parametrize("size", [1, 7, 64, 1400, 16384])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_without_slots_of_ours_is_not_changed(name: str, size: int) -> None:
    rewriter = Rewriter({"other": b"new"}, selectors={"other": "#other"}, keys=[KEY])

    assert in_chunks(rewriter, PAGES[name], size) == PAGES[name]
    assert not rewriter.seen
    assert not rewriter.has_given_up


@pytest.mark.parametrize("name", PAGES)
def test_a_whole_page_without_slots_comes_back_as_the_same_object(name: str) -> None:
    page = PAGES[name]

    assert rewrite(page, {"other": b"new"}) is page
    assert Rewriter({"other": b"new"}, keys=[KEY], only_marks=True).close(page) is page


def live_places(page: bytes) -> list[int]:
    """Return where in the shop's body an element can stand: before each `<p` and `<li`."""
    body = page.index(b"<main>")
    return [at for at in range(body, len(page)) if page.startswith((b"<p>", b"<h1>", b"<form"), at)]


@pytest.mark.parametrize("size", [1, 7, 64, 1400, 16384])
@pytest.mark.parametrize(
    ("before", "after", "kept_before", "kept_after"),
    [(HOST, b"</div>", HOST, b"</div>"), (OPENING, CLOSING, b"", b"")],
    ids=["element", "marks"],
)
def test_a_slot_is_swapped_and_nothing_else(
    before: bytes, after: bytes, kept_before: bytes, kept_after: bytes, size: int
) -> None:
    default, new = b"<p>default <b>text</b>", b"<p>new"
    for place in live_places(SHOP):
        page = SHOP[:place] + before + default + after + SHOP[place:]
        swapped = Rewriter({"hero": new}, keys=[KEY])

        out = in_chunks(swapped, page, size)
        assert out == SHOP[:place] + kept_before + new + kept_after + SHOP[place:]
        if kept_before:
            assert rewrite(out, {"hero": default}) == page


NAMES = (
    "div span p li table tr td svg math g title style script textarea select a b main mi"
    " foreignObject"
)
ATTRIBUTES = ("", ' a="b"', "/", " x='>' y=z", ' id="hero"', ' class="x hero"')
MARKUP = (
    *(f"<{name}{rest}>".encode() for name in NAMES.split() for rest in ATTRIBUTES),
    *(f"</{name}>".encode() for name in NAMES.split()),
    *b"text < </ <! <!-- --> --!> <!--> > \" ' = <?x <![CDATA[ ]]> </> <a/b='c>'> byleave".split(),
    *(b" ", b"\r\n", b"\x00", b"</ x>", b'<a b = "c>d">', b'<a =">', b"</SCRIPT >", b"</title/>"),
    *(b"<script><!--<script>", b"<svg><title>t</title><path d='M0'/></svg>", b"<font color=x>"),
    *(HOST, OPENING, CLOSING, b'<li data-byleave-slot="nav">', b"<!--byleave:hero-->"),
    b'<annotation-xml encoding="text/html">',
)
SOUP = st.lists(st.sampled_from(MARKUP), max_size=24).map(b"".join)
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@given(page=SOUP, cuts=CUTS, only_marks=st.booleans(), keeps=st.booleans())
def test_how_a_page_is_cut_into_chunks_does_not_matter(
    page: bytes, cuts: list[int], *, only_marks: bool, keeps: bool
) -> None:
    def rewriter() -> Rewriter:
        return Rewriter(
            {"hero": (lambda default: None) if keeps else b"<p>new", "nav": bytes.upper},
            selectors={"hero": ".hero", "nav": "main"},
            keys=[KEY],
            only_marks=only_marks,
        )

    whole, cut = rewriter(), rewriter()
    expected = whole.close(page)

    pieces, start = [], 0
    while start < len(page):
        size = cuts[start % len(cuts)]
        pieces.append(cut.feed(page[start : start + size]))
        start += size
    assert b"".join(pieces) + cut.close() == expected
    assert cut.seen == whole.seen


@given(page=SOUP)
def test_a_page_is_changed_only_where_a_slot_was_swapped(page: bytes) -> None:
    rewriter = Rewriter({"hero": b"new"})
    out = rewriter.close(page)

    outcome = rewriter.seen["hero"].outcome if rewriter.seen else None
    assert (out != page) == (outcome is Outcome.SWAPPED)


HOSTILE = {
    "less-than signs": b"<",
    "unclosed tags": b"<a ",
    "unclosed attribute": b'<a b="x',
    "odd attributes": b"<a b = c =d>",
    "attributes": b"b='c' ",
    "comments": b"<!--x",
    "dashes": b"<!-- --",
    "marks": b"<!--byleave:hero:000000000000000000000000-->",
    "beginnings of marks": b"<!--byleave:",
    "nested elements": b"<div>",
    "nested drawings": b"<svg><g><title>",
    "drawings with text": b"<svg><g/><text>a</text></svg>",
    "formulas": b"<math><mi></mi></math>",
    "scripts": b"<script></script x>",
    "hidden scripts": b"<script><!--<script></script>",
    "ends of nothing": b"</scrip </",
    "sections": b"<svg><![CDATA[]]",
    "our name": b"byleave",
    "our name in tags": b"<a byleave>",
    "slots": HOST,
    "paragraphs": b"<p>x",
    "quotes": b"<a \"'",
}


@pytest.mark.parametrize("before", [b"", HOST, OPENING, b"<a "], ids=["", "host", "mark", "tag"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_come_out_unchanged_at_a_cost_that_grows_with_their_length_only(
    name: str, before: bytes
) -> None:
    page = before + HOSTILE[name] * 800
    for size in (17, 256, len(page)):
        rewriter = Rewriter({"hero": b"new"}, keys=[KEY])

        assert in_chunks(rewriter, page, size) == page
        # What a chunk ends with, 128 bytes at most, and the content of the one slot.
        assert rewriter.rescanned <= 128 * (len(page) // size + 1) + len(page)


def test_a_page_may_end_anywhere() -> None:
    page = SHOP[: SHOP.index(b"<table>")] + HOST + b"<p>default</p></div>" + OPENING + CLOSING
    for end in range(len(page)):
        rewriter = Rewriter({"hero": lambda default: None}, keys=[])

        assert in_chunks(rewriter, page[:end], 100) == page[:end]


def test_a_tag_with_an_attribute_of_any_length_is_passed_on_as_it_comes() -> None:
    rewriter = Rewriter({"hero": b"new"})
    page = b'<div data-state="' + b"x" * 100_000 + b'">' + HOST + b"old</div>"

    first = rewriter.feed(page[:50_000])
    assert first == page[:50_000]
    assert first + rewriter.close(page[50_000:]) == page.replace(b"old", b"new")


@pytest.mark.parametrize("size", [1000, 16384, 400_000])
@pytest.mark.parametrize(
    ("before", "after"), [(HOST, b"</div>"), (OPENING, CLOSING)], ids=["element", "marks"]
)
def test_a_default_of_more_than_256_kib_is_left_alone(
    before: bytes, after: bytes, size: int
) -> None:
    inner = b'<i data-byleave-slot="nav">old</i>'
    text = b"x " * (128 * 1024 - len(inner) // 2)
    fits, too_long = before + text + inner + after, before + text + b"xx" + inner + after
    rewriter = Rewriter({"hero": b"new", "nav": b"new"}, keys=[KEY])

    assert in_chunks(rewriter, too_long, size) == too_long.replace(b"old", b"new")
    assert rewriter.seen["hero"].outcome is Outcome.TOO_LONG
    assert rewriter.seen["nav"].outcome is Outcome.SWAPPED
    assert text not in in_chunks(Rewriter({"hero": b"new"}, keys=[KEY]), fits, size)


def test_a_default_may_grow_too_long_while_a_chunk_cuts_off_a_tag() -> None:
    page = HOST + b'<b title="x">y</b>' * 20_000
    rewriter = Rewriter({"hero": b"new"})

    assert in_chunks(rewriter, page, 1001) == page
    assert rewriter.seen["hero"].outcome is Outcome.TOO_LONG


def test_only_the_content_of_a_slot_and_a_few_bytes_are_held_back() -> None:
    rewriter = Rewriter({"hero": b"new"}, keys=[KEY])

    assert rewriter.feed(b"<p>a <b") == b"<p>a "
    assert rewriter.feed(b' class="') == b'<b class="'
    assert rewriter.feed(b'x">b<!--') == b'x">b'
    assert rewriter.feed(b"comment") == b""
    assert rewriter.feed(b" that goes on") == b""
    assert rewriter.feed(b"." * 128) == b"<!--comment that goes on" + b"." * 125
    assert rewriter.feed(b"-->" + HOST + b"old") == b"...-->" + HOST
    assert rewriter.feed(b"</di") == b""
    assert rewriter.feed(b"v") == b""
    assert rewriter.feed(b">c") == b"new</div>c"
    assert rewriter.close() == b""
