import re
from collections.abc import Iterator
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.segments import patterns
from byleave.segments.patterns import glob, has_re2, regular


@pytest.fixture
def forgetful() -> Iterator[None]:
    """Lets a test change what is importable."""
    caches = (patterns.regular, patterns._re2)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("/plans", "/plans", True),
        ("/plans", "/plans/", False),
        ("/plans/*", "/plans/", True),
        ("*/plans", "/a/plans", True),
        ("/*/edit", "/a/b/edit", True),
        ("/*/edit", "/edit", False),
        ("a*b*c", "a--b--c", True),
        ("a*b*c", "a--c--b", False),
        ("a**c", "abc", True),
        ("ab*ba", "aba", False),
        ("?at", "cat", True),
        ("?at", "at", False),
        ("*.pdf", "a\n.pdf", True),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("*", "", True),
    ],
)
def test_a_glob_matches_the_whole_text(pattern: str, text: str, matches: bool) -> None:
    assert bool(glob(pattern)(text)) is matches


@given(
    st.text("ab?*", min_size=1, max_size=8),
    st.text("ab", max_size=8),
)
def test_a_glob_agrees_with_the_expression_it_stands_for(pattern: str, text: str) -> None:
    naive = "".join({"*": "(?s:.*)", "?": "(?s:.)"}.get(letter, letter) for letter in pattern)

    assert bool(glob(pattern)(text)) is (re.fullmatch(naive, text) is not None)


def test_no_glob_takes_long() -> None:
    match = glob("*a" * 120 + "*b")
    started = perf_counter()

    assert not match("a" * 20_000)

    assert perf_counter() - started < 1


def test_without_the_extra_there_are_no_regular_expressions(
    forgetful: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(patterns, "import_module", refuse)

    assert not has_re2()
    assert regular("a+") is None


@pytest.mark.parametrize(
    ("pattern", "ignore_case", "text", "matches"),
    [
        ("^/plans/[0-9]+$", False, "/plans/12", True),
        ("^/plans/[0-9]+$", False, "/plans/x", False),
        ("TEAM", True, "the team plan", True),
        ("TEAM", False, "the team plan", False),
    ],
)
def test_re2_searches_a_text(pattern: str, ignore_case: bool, text: str, matches: bool) -> None:
    search = regular(pattern, ignore_case=ignore_case)

    assert search is not None
    assert bool(search(text)) is matches


def test_the_case_counts_unless_it_is_said_not_to() -> None:
    search = regular("team")

    assert search is not None
    assert search("the team plan")
    assert not search("the TEAM plan")


def test_what_re2_does_not_take_is_no_regular_expression() -> None:
    assert has_re2()
    assert regular("(?=x)") is None
    assert regular("(") is None
