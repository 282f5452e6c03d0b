"""How slots are named, what replaces them, and what is told about them."""

import logging

import pytest

from byleave.sdk.rewriter import Outcome, Replacement, Rewriter, Sighting, mark, rewrite

KEY = b"a key for marks that only tests know"


def marked(slot: str, default: bytes, key: bytes = KEY) -> bytes:
    opening, closing = mark(slot, key)
    return opening.encode() + default + closing.encode()


def host(slot: str, default: bytes) -> bytes:
    return b'<div data-byleave-slot="%s">%s</div>' % (slot.encode(), default)


def test_content_between_signed_marks_is_replaced_and_the_marks_go() -> None:
    page = b"<p>a</p>" + marked("hero", b"<p>old</p>") + b"<p>b</p>"

    assert rewrite(page, {"hero": b"new"}, keys=[KEY]) == b"<p>a</p>new<p>b</p>"


def test_the_content_of_an_element_is_replaced_and_the_element_stays() -> None:
    page = b"a<DIV id=x Data-Byleave-Slot = 'hero' class=\"y\">old<div>older</div></DIV >b"

    out = rewrite(page.replace(b"Data-Byleave-Slot", b"data-byleave-slot"), {"hero": b"new"})
    assert out == b"a<DIV id=x data-byleave-slot = 'hero' class=\"y\">new</DIV >b"
    assert rewrite(page, {"hero": b"new"}) == page, "the attribute is written in lower case"


@pytest.mark.parametrize(
    ("selector", "tag"),
    [
        ("main", b"<main>"),
        ("main", b"<MAIN\nclass=x>"),
        ("#top", b'<div class="a" id="top">'),
        ("#top", b"<div ID=top>"),
        (".card", b"<div class='a card\nb'>"),
        (".card", b"<div class=card>"),
        ("[data-kind=big]", b'<div data-kind="big">'),
        ('[data-kind="two words"]', b"<div Data-Kind='two words'>"),
        ("section.card", b'<section class="card">'),
        ("x-card#top", b'<x-card id="top">'),
        ("a[href='/x?a=1']", b'<a href="/x?a=1">'),
    ],
)
def test_a_selector_names_the_element_whose_content_is_replaced(selector: str, tag: bytes) -> None:
    end = b"</" + tag[1:].split()[0].strip(b">") + b">"
    page = b"<p>a</p>" + tag + b"old" + end + b"b"

    out = rewrite(page, {"hero": b"new"}, selectors={"hero": selector})
    assert out == b"<p>a</p>" + tag + b"new" + end + b"b"


@pytest.mark.parametrize(
    ("selector", "tag"),
    [
        ("main", b"<mainly>"),
        ("#top", b'<div id="topmost">'),
        ("#top", b'<div data-id="top">'),
        ("#top", b'<div title="top">top'),
        ("#top", b'<div id="Top">'),
        ("#top", b'<div id="t&#111;p">'),
        ("#top", b'<div id="other" id="top">'),
        (".card", b'<div class="card-body">'),
        (".card", b'<div class="%s card">' % (b"x" * 5000)),
        ("section.card", b'<div class="card">'),
        ("[data-kind=big]", b'<div data-kind="big one">'),
        ("[data-kind=big]", b'<div data-kind="" big>'),
        ("[data-kind=big]", b"<div data-kind>big"),
    ],
)
def test_an_element_that_does_not_match_a_selector_is_left_alone(selector: str, tag: bytes) -> None:
    page = tag + b"old</" + tag[1:].split()[0].strip(b">") + b">"
    rewriter = Rewriter({"hero": b"new"}, selectors={"hero": selector})

    assert rewriter.close(page) == page
    assert not rewriter.seen


def test_a_selector_that_matches_more_than_once_replaces_the_first_and_tells() -> None:
    rewriter = Rewriter({"hero": b"new"}, selectors={"hero": ".a", "unknown": "p"})
    page = b"<p class=a>1</p><p class=a>2</p><p class=b>a</p><p class=a>3</p>"

    assert rewriter.close(page) == page.replace(b"1", b"new")
    assert rewriter.seen["hero"] == Sighting(Outcome.SWAPPED, times=2)


def test_only_the_first_occurrence_of_a_name_is_replaced() -> None:
    page = host("hero", b"1") + marked("hero", b"2") + host("hero", b"3")
    rewriter = Rewriter({"hero": b"new"}, keys=[KEY])

    assert rewriter.close(page) == host("hero", b"new") + b"2" + host("hero", b"3")
    assert rewriter.seen["hero"] == Sighting(Outcome.SWAPPED, times=3)


def test_several_slots_are_replaced_each_by_its_own() -> None:
    page = host("a", b"1") + marked("b", b"2") + b"<main>3</main>" + host("d", b"4")
    slots: dict[str, Replacement] = {"a": b"A", "b": b"B", "c": b"C"}

    out = rewrite(page, slots, keys=[KEY], selectors={"c": "main"})
    assert out == host("a", b"A") + b"B<main>C</main>" + host("d", b"4")


def test_a_function_is_called_with_the_default_and_only_if_the_slot_is_met() -> None:
    calls: list[bytes] = []

    def turn(default: bytes) -> bytes:
        calls.append(default)
        return default[::-1]

    out = rewrite(host("hero", b"<b>x</b> y"), {"hero": turn, "other": turn})
    assert out == host("hero", b"y >b/<x>b<")
    assert calls == [b"<b>x</b> y"]


@pytest.mark.parametrize("replacement", [None, b"old"])
def test_none_or_the_same_bytes_keep_the_default(replacement: bytes | None) -> None:
    page = b"a" + host("hero", b"old") + marked("nav", b"old") + b"b"
    rewriter = Rewriter(dict.fromkeys(["hero", "nav"], lambda default: replacement), keys=[KEY])

    assert rewriter.close(page) == b"a" + host("hero", b"old") + b"old" + b"b"
    assert set(map(str, rewriter.seen.values())) == {str(Sighting(Outcome.KEPT))}
    assert not any(sighting.is_bail_out for sighting in rewriter.seen.values())


def test_a_function_that_fails_keeps_the_default_and_is_logged_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(default: bytes) -> bytes:
        raise LookupError(default)

    rewriter = Rewriter({"hero": fail})
    with caplog.at_level(logging.ERROR, "byleave.sdk"):
        out = rewriter.close(host("hero", b"secret"))

    assert out == host("hero", b"secret")
    assert rewriter.seen["hero"].outcome is Outcome.FAILED
    assert rewriter.seen["hero"].is_bail_out
    (record,) = caplog.records
    assert vars(record)["slot"] == "hero"
    assert "secret" not in str(vars(record))


def test_the_outer_of_nested_slots_wins() -> None:
    page = host("outer", b"a" + host("inner", b"b") + marked("mark", b"c"))
    rewriter = Rewriter(dict.fromkeys(["outer", "inner", "mark"], b"new"), keys=[KEY])

    assert rewriter.close(page) == host("outer", b"new")
    assert list(rewriter.seen) == ["outer"]


@pytest.mark.parametrize("is_marked", [False, True])
def test_the_inner_of_nested_slots_is_replaced_if_the_outer_one_is_kept(is_marked: bool) -> None:
    inside = b"a" + host("inner", b"b") + marked("mark", b"c") + marked("unknown", b"d")
    page = marked("outer", inside) if is_marked else host("outer", inside)
    rewriter = Rewriter(
        {"outer": lambda default: None, "inner": b"new", "mark": b"newer"}, keys=[KEY]
    )

    kept = b"a" + host("inner", b"new") + b"newerd"
    assert rewriter.close(b"<p>" + page + b"x") == (
        b"<p>" + (kept if is_marked else host("outer", kept)) + b"x"
    )
    assert [str(s.outcome) for s in rewriter.seen.values()] == ["kept", "swapped", "swapped"]


def test_marks_of_slots_that_the_page_does_not_fill_are_taken_out() -> None:
    page = marked("other", b"<p>a" + marked("inner", b"b") + b"c") + marked("other", b"d")

    for only_marks in (False, True):
        rewriter = Rewriter({"hero": b"new"}, keys=[KEY], only_marks=only_marks)
        assert rewriter.close(page) == b"<p>abcd"
        assert not rewriter.seen


@pytest.mark.parametrize("only_marks", [False, True])
def test_marks_of_the_same_slot_may_be_nested(only_marks: bool) -> None:
    page = marked("hero", b"a" + marked("hero", b"b") + b"c") + b"d"

    rewriter = Rewriter({"hero": b"new"}, keys=[KEY], only_marks=only_marks)
    assert rewriter.close(page) == b"newd"


@pytest.mark.parametrize("only_marks", [False, True])
@pytest.mark.parametrize(
    "page",
    [
        b"<!--byleave:hero-->old<!--/byleave:hero-->",
        marked("hero", b"old", key=b"another key"),
        marked("hero", b"old").replace(b"byleave:hero", b"byleave:nav"),
        marked("hero", b"old").replace(b"-->", b" -->"),
        marked("hero", b"old").upper(),
        b"<!--/byleave:hero-->old",
        b"<!--/byleave:-->byleave:--byleave:<!--byleave:hero:",
    ],
)
def test_marks_that_no_key_signed_are_plain_comments(page: bytes, only_marks: bool) -> None:
    slots = {"hero": b"new", "nav": b"new"}
    rewriter = Rewriter(slots, keys=[KEY, b"an older key"], only_marks=only_marks)

    assert rewriter.close(page) == page
    assert not rewriter.seen
    assert Rewriter(slots, only_marks=only_marks).close(marked("hero", b"")) == marked("hero", b"")


@pytest.mark.parametrize("only_marks", [False, True])
@pytest.mark.parametrize("rest", [(b"", b""), (marked("nav", b"old"), b"new")])
def test_marks_without_an_end_are_left_alone(rest: tuple[bytes, bytes], only_marks: bool) -> None:
    page = marked("hero", b"<b>old").removesuffix(b"<!--/byleave:hero-->")
    rewriter = Rewriter({"hero": b"new", "nav": b"new"}, keys=[KEY], only_marks=only_marks)

    assert rewriter.close(page + rest[0]) == page + rest[1]
    assert rewriter.seen["hero"].outcome is Outcome.UNCLOSED


def test_content_between_marks_need_not_be_a_tree() -> None:
    page = b"<div>" + marked("hero", b"</div><ul><li>old") + b"</ul>"

    assert rewrite(page, {"hero": b"</div><ul>"}, keys=[KEY]) == b"<div></div><ul></ul>"


def test_a_page_may_be_marked_with_an_older_key() -> None:
    page = marked("hero", b"old", key=b"older")

    assert rewrite(page, {"hero": b"new"}, keys=[b"newer", b"older"]) == b"new"


def test_where_only_marks_are_looked_for_they_count_wherever_they_stand() -> None:
    page = b"<title>" + marked("hero", b"old") + b"</title>" + host("nav", b"old")
    rewriter = Rewriter({"hero": b"new", "nav": b"new"}, keys=[KEY], only_marks=True)

    assert rewriter.close(page) == b"<title>new</title>" + host("nav", b"old")


def test_an_element_that_two_slots_name_belongs_to_the_attribute() -> None:
    page = host("hero", b"old") + b"<div>other</div>"
    rewriter = Rewriter({"hero": b"1", "nav": b"2"}, selectors={"nav": "div"})

    assert rewriter.close(page) == host("hero", b"1") + b"<div>2</div>"
