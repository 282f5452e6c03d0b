"""Personal navigation: what moves, what never does, and what is left alone in doubt."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.experiments.definitions import NavOperation
from byleave.sdk.navigation import find_items, personal_links, personal_navigation
from byleave.segments import read

ITEMS = b"""
  <li class="x" id="home"><a id="h" href="/">Home</a></li>
  <li><a href="/books" aria-current="page"><span>Books</span></a>
    <ul><li><a href="/books/new">New</a></li></ul></li>
  <li><a class='y' href='/schools'>For schools</a></li>
  <li><a href="/pricing/">Plans &amp; prices</a></li>
  <li><a href="/gifts">Gifts</a></li>
  <li><a href="/support">Help</a></li>
"""
LIST = b'<ul class="nav">' + ITEMS + b"</ul>"


def operations(*data: dict[str, str]) -> tuple[NavOperation, ...]:
    return read(tuple[NavOperation, ...], list(data))


def changed(content: bytes, *data: dict[str, str], **options: Any) -> bytes | None:
    return personal_navigation(
        content,
        operations(*data),
        **{
            "current_path": "/books",
            "promote_at_most": 3,
            "may_reorder": True,
            "label": "For you",
            **options,
        },
    )


def test_promoted_links_stand_in_a_list_of_their_own_before_the_sites() -> None:
    out = changed(LIST, {"promote": "/pricing"}, {"promote": "/schools", "label": "Schools <3"})

    assert out == (
        b'<ul class="byleave-promoted" aria-label="For you">'
        b'<li><a href="/pricing/">Plans &amp; prices</a></li>'
        b"<li><a class='y' href='/schools'>Schools &lt;3</a></li></ul>" + LIST
    )


def test_a_link_is_the_page_it_leads_to_however_it_is_spelled() -> None:
    content = b'<ul><li><a href="/%C3%BCber%20uns">Us</a></li><li><a href="/a">A</a></li></ul>'

    assert changed(content, {"hide": "/über uns"}, current_path="/über uns") is None
    for path in ("/über uns", "/%C3%BCber%20uns"):
        left = b'<ul><li><a href="/a">A</a></li></ul>'
        assert changed(content, {"hide": path}, current_path="/a") == left


def test_a_slot_inside_the_list_gets_the_promoted_list_as_an_item() -> None:
    out = changed(ITEMS, {"promote": "/gifts"})

    assert out == (
        b'<li class="byleave-promoted-item"><ul class="byleave-promoted" aria-label="For you">'
        b'<li><a href="/gifts">Gifts</a></li></ul></li>' + ITEMS
    )


def test_a_copy_has_no_id_and_is_not_the_current_page() -> None:
    out = changed(LIST, {"promote": "/"}, current_path="/gifts")

    assert out is not None
    assert out.startswith(
        b'<ul class="byleave-promoted" aria-label="For you">'
        b'<li class="x"><a href="/">Home</a></li></ul>'
    )


def test_no_more_is_promoted_than_the_slot_allows_and_never_the_current_page() -> None:
    data = [{"promote": path} for path in ("/books", "/gifts", "/schools", "/pricing")]

    out = changed(LIST, *data, promote_at_most=2)

    assert out is not None
    assert out.partition(b"</ul>")[0].count(b"<li>") == 2
    assert b"/books" not in out.partition(b"</ul>")[0]


def test_a_link_is_emphasised_where_it_stands() -> None:
    out = changed(LIST, {"emphasise": "/gifts"})

    assert out == LIST.replace(
        b'<li><a href="/gifts">', b'<li data-byleave-emphasised><a href="/gifts">'
    )


def test_at_most_two_links_are_added_at_the_end() -> None:
    out = changed(ITEMS, *({"add": f"/new/{i}", "label": f"New {i}"} for i in range(4)))

    added = b'<li><a href="/new/0">New 0</a></li><li><a href="/new/1">New 1</a></li>'
    assert out == ITEMS.rstrip() + added + b"\n"


@pytest.mark.parametrize(
    "data",
    [
        {"add": "/new"},  # nothing to call it
        {"add": "/gifts", "label": "Again"},
        {"add": "//elsewhere.example", "label": "Away"},
        {"add": "javascript:alert(1)", "label": "Bad"},
        {"promote": "/unknown"},
        {"promote": "/books"},  # the current page
        {"hide": "/books"},
        {"hide": "/"},
        {"hide": "/support"},
        {"hide": "/unknown"},
    ],
)
def test_what_may_not_or_cannot_be_done_changes_nothing(data: dict[str, str]) -> None:
    assert changed(LIST, data) is None


@pytest.mark.parametrize(
    "path",
    ["/account", "/login", "/search", "/basket", "/kontakt", "/legal/terms", "/privacy", "/help"],
)
def test_nobody_is_cut_off_from_what_is_essential(path: str) -> None:
    content = b'<li><a href="%s">A</a></li><li><a href="/b">B</a></li>' % path.encode()

    assert changed(content, {"hide": path}) is None


def test_a_link_can_be_hidden_and_the_others_stay() -> None:
    out = changed(LIST, {"hide": "/gifts"})

    assert out == LIST.replace(b'<li><a href="/gifts">Gifts</a></li>', b"")


def test_an_ancestor_of_the_current_page_is_not_hidden() -> None:
    content = b'<li><a href="/a">A</a></li><li><a href="/b">B</a></li>'

    assert changed(content, {"hide": "/a"}, current_path="/a/b/c") is None


def test_never_everything_is_hidden() -> None:
    content = b'<li><a href="/a">A</a></li><li><a href="/b">B</a></li>'

    assert changed(content, {"hide": "/a"}, {"hide": "/b"}) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"<p>One</p>",
        b"<ul></ul>",
        b"<ul><li>No link</li></ul>",
        b"<ul><li><a>No address</a></li></ul>",
        b'<ul><li><a href="/a">A</a></ul>',
        b'<ul><li><a href="/a">A</li></a></ul>',
        b'<ul><li><a href="/a">A</a></li></ul><p>More</p>',
        b'<ul><li><a href="/a">A</a></li></ul>more',
        b'text<li><a href="/a">A</a></li>',
        b'<li><a href="/a">A</a></li>text',
        b'<ul>text<li><a href="/a">A</a></li><!-- comment --></ul>',
        b'<ul><li><a href="/a"><script>"</li>"</script>A</a></li></ul>',
        b'<ul><li><a href="/a"><svg></svg>A</a></li></ul>',
        b'<div><li><a href="/a">A</a></li></div>',
        b'<ul><li><a href="http://[">A</a></li></ul>',
        b'<ul><li><a href="/a">A<a href="/b">B</a></a></li></ul>',
    ],
)
def test_what_is_not_certainly_a_list_of_links_is_left_alone(content: bytes) -> None:
    assert changed(content, {"promote": "/a"}, {"add": "/x", "label": "X"}) is None


def test_addresses_elsewhere_are_not_paths_of_this_site() -> None:
    content = b'<li><a href="https://other.example/a">A</a></li><li><a href="/b">B</a></li>'

    assert changed(content, {"emphasise": "/a"}) is None


def test_labels_are_written_in_the_pages_charset() -> None:
    out = changed(LIST, {"promote": "/gifts", "label": "Книги"}, codec="cp1251")

    assert out is not None
    assert "Книги".encode("cp1251") in out


def test_moved_links_come_first_in_their_order_and_carry_everything_in_them() -> None:
    out = changed(LIST, {"reorder": "/gifts"}, {"reorder": "/books"}, {"reorder": "/nowhere"})

    assert out is not None
    assert re.findall(rb'href=["\'](/[a-z]*)/?["\']', out.replace(b"/books/new", b"x")) == [
        b"/gifts",
        b"/books",
        b"/",
        b"/schools",
        b"/pricing",
        b"/support",
    ]
    assert out.count(b'aria-current="page"') == 1
    assert b'<ul><li><a href="/books/new">New</a></li></ul></li>' in out


def test_links_move_only_where_the_slot_allows_it() -> None:
    assert changed(LIST, {"reorder": "/gifts"}, may_reorder=False) is None
    assert changed(LIST, {"reorder": "/"}) is None  # where it stands already


paths = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True)
verbs = st.sampled_from(["promote", "add", "emphasise", "hide", "reorder"])


wishes = st.lists(st.tuples(verbs, st.sampled_from("abcdefghxyz")), max_size=6)


@given(paths, wishes)
def test_the_sites_items_keep_their_bytes_and_without_leave_their_order(
    names: list[str], wanted: list[tuple[str, str]]
) -> None:
    items = [f'<li><a href="/{name}">{name.upper()}</a></li>'.encode() for name in names]
    content = b"<ul>" + b"\n".join(items) + b"</ul>"
    data = [{verb: f"/{name}", "label": "L"} for verb, name in wanted]
    hidden = {f"/{name}".encode() for verb, name in wanted if verb == "hide"}
    moved = [f"/{name}".encode() for verb, name in wanted if verb == "reorder"]

    for may_reorder in (False, True):
        out = changed(content, *data, current_path=f"/{names[0]}", may_reorder=may_reorder)
        if out is None:
            continue
        core = out[out.rindex(b"<ul>") :].replace(b" data-byleave-emphasised", b"")
        own = [item for item in re.findall(rb"<li>.*?</li>", core) if item in items]
        assert len(own) == len(set(own))
        assert items[0] in own
        assert all(any(path in item for path in hidden) for item in items if item not in own)
        still = [item for item in own if not any(path in item for path in moved)]
        for kept in (still, [] if may_reorder else own):
            assert kept == [item for item in items if item in kept]
    found = find_items(content, "/")
    assert found is not None
    assert len(found) == len(items)


@given(paths, wishes, st.booleans())
def test_a_templates_list_is_the_one_that_html_would_have(
    names: list[str], wanted: list[tuple[str, str]], may_reorder: bool
) -> None:
    data = [{verb: f"/{name}", "label": "L"} for verb, name in wanted]
    options: dict[str, Any] = {"current_path": f"/{names[0]}", "may_reorder": may_reorder}
    links = [{"href": f"/{name}", "label": name.upper()} for name in names]
    content = "".join(f'<li><a href="{each["href"]}">{each["label"]}</a></li>' for each in links)

    shown = personal_links(
        links, operations(*data), **{"promote_at_most": 3, "label": "For you", **options}
    )
    out = changed(f"<ul>{content}</ul>".encode(), *data, **options)

    html = (out or f"<ul>{content}</ul>".encode()).decode()
    promoted, _, core = html.rpartition("<ul>")
    parts = ((shown.promoted, promoted), (tuple(shown), core))
    for listed, text in parts:
        found = re.findall(r'<a href="([^"]*)">([^<]*)</a>', text)
        assert [(link["href"], link["label"]) for link in listed] == found
    marked = re.findall(r'<li data-byleave-emphasised><a href="([^"]*)"', core)
    assert [link["href"] for link in shown if link.get("is_emphasised")] == marked
    assert len(shown) == len(shown.links)
