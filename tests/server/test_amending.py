"""YAML says something else, and its comments stay with what they are about."""

import re
from time import process_time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from byleave.segments import Vocabulary
from byleave.server.amending import amended, said
from byleave.server.console.segment_form import worked
from byleave.server.console.segment_rows import GROUPS, Row, condition_of, rows_of
from byleave.server.layout import text_of

WORDS = Vocabulary()
FILE = """\
# Who compares.
segment: comparing   # its key
title: Comparing plans

when:
  all:
    # Three visits are a habit.
    - event: page_view
      where: {path: {starts_with: /plans}}
      count: {at_least: 3}  # since spring
      within: 7d
    # Whoever buys is done.
    - none:
        - event: purchase
        # Free plans count, too.
        - attribute: is_customer
          equals: true
    # The end of the list.
# The end of the file.
"""


def changed(change: Any) -> tuple[str, Any]:
    """Return the file after a change of what it says, and what it should say."""
    data = said(FILE)
    change(data, data["when"]["all"])
    return amended(FILE, data), data


@pytest.mark.parametrize(
    ("change", "gone", "come"),
    [
        (lambda data, rows: None, "", ""),
        (lambda data, rows: data.update(title="Plans"), "title: Comparing plans", "title: Plans"),
        (lambda data, rows: data.pop("title"), "title: Comparing plans\n", ""),
        (lambda data, rows: rows[0].update(within="2d"), "within: 7d", "within: 2d"),
        (
            lambda data, rows: rows[0].update(count={"exactly": 3}),
            "count: {at_least: 3}  # since spring",
            "count: {exactly: 3}  # since spring",
        ),
        (lambda data, rows: rows[1]["none"][1].update(equals=False), "true", "false"),
        (
            lambda data, rows: rows[1]["none"].pop(1),
            "        # Free plans count, too.\n        - attribute: is_customer\n"
            "          equals: true\n",
            "",
        ),
        (lambda data, rows: data["when"].update(any=data["when"].pop("all")), "all:", "any:"),
        (
            lambda data, rows: rows.append({"segment": "new"}),
            "    # The end of the list.",
            "    - segment: new\n    # The end of the list.",
        ),
    ],
)
def test_only_what_changes_is_written_anew(change: Any, gone: str, come: str) -> None:
    text, data = changed(change)

    assert said(text) == data
    assert text == FILE.replace(gone, come, 1)


def test_a_row_takes_its_comments_along() -> None:
    text, data = changed(lambda data, rows: rows.reverse())
    deeper, inside = changed(lambda data, rows: rows[1]["none"].insert(0, rows.pop(0)))

    assert (said(text), said(deeper)) == (data, inside)
    assert text.index("Whoever buys") < text.index("none:") < text.index("Three visits")
    assert deeper.index("none:") < deeper.index("Three visits") < deeper.index("purchase")
    assert "          count: {at_least: 3}  # since spring" in deeper


@pytest.mark.parametrize(
    "text",
    [
        "{segment: a, when: {all: []}}  # all in one line",
        "segment: &name a  # shared\ntitle: *name\n",
        "a: [\n",
        "",
        "- 1  # a list",
    ],
)
def test_what_cannot_be_followed_is_laid_out_anew_below_its_comments(text: str) -> None:
    result = amended(text, {"segment": "b", "when": {"any": []}})

    assert said(result) == {"segment": "b", "when": {"any": []}}
    assert re.findall("#.*", result) == re.findall("#.*", text)


def numbered(tree: Any, numbers: list[int]) -> Any:
    """Return a condition whose leaves can be told apart."""
    if isinstance(tree, dict):
        return {word: [numbered(each, numbers) for each in tree[word]] for word in tree}
    numbers.append(len(numbers))
    return {"event": "e", "count": {"at_least": 1}, "within": f"{len(numbers)}d"}


TREES = st.recursive(
    st.just("leaf"),
    lambda inner: st.dictionaries(
        st.sampled_from(GROUPS), st.lists(inner, min_size=1, max_size=4), min_size=1, max_size=1
    ),
    max_leaves=10,
).filter(lambda tree: isinstance(tree, dict))


def commented(text: str) -> str:
    """Return YAML with a comment above each row, and beside the length that names it."""
    lines = []
    for line in text.splitlines():
        margin = re.match(r"( *)- event", line)
        lines += [f"{margin[1]}# above"] if margin else []
        found = re.search(r"within: (\d+)d", line)
        lines.append(f"{line}  # beside {found[1]}" if found else line)
        if found:
            above = max(n for n, each in enumerate(lines) if each.endswith("# above"))
            lines[above] += f" {found[1]}"
    return "\n".join(lines) + "\n"


def leaves(row: Row, place: str = "r") -> list[str]:
    if not row.is_group:
        return [place]
    return [each for n, inside in enumerate(row.inside) for each in leaves(inside, f"{place}.{n}")]


def groups(row: Row, place: str = "r") -> list[str]:
    below = [each for n, inside in enumerate(row.inside) for each in groups(inside, f"{place}.{n}")]
    return [place, *below] if row.is_group else []


@given(
    TREES,
    st.lists(
        st.tuples(st.sampled_from(["up", "down", "drop", "add", "group"]), st.integers(0, 40)),
        max_size=6,
    ),
)
def test_comments_stay_with_every_row_that_is_still_there(
    tree: Any, doings: list[tuple[str, int]]
) -> None:
    condition = numbered(tree, [])
    before = commented(text_of({"segment": "a", "when": condition, "use": "analytics"}))
    row = rows_of(condition, WORDS)
    for verb, number in doings:
        places = (groups if verb in ("add", "group") else leaves)(row)
        if places:
            new = Row({"reads": "segment:new"})
            row = worked(row, f"{verb}-{places[number % len(places)]}", WORDS, new)
    wanted = {"segment": "a", "when": condition_of(row, WORDS), "use": "analytics"}

    after = amended(before, wanted)

    assert said(after) == wanted
    left = re.findall(r"within: (\d+)d", after)
    for place in ("above", "beside"):
        told = re.findall(rf"# {place} (\d+)", after)
        assert [each for each in told if each in left] == left
    assert rows_of(said(after)["when"], WORDS) == rows_of(wanted["when"], WORDS)


SCALARS = st.sampled_from(["a", "b c", "x: y", "# no", "true", "", "two\nlines", "- d", "é", 5])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["all", "event", "k 1"]), inner, max_size=3)
    ),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["segment", "when", "title"]), VALUES, min_size=1)


@given(
    DOCUMENTS, DOCUMENTS, st.sampled_from([None, True, False]), st.sampled_from([2, 4]), st.data()
)
def test_however_it_is_laid_out_it_says_what_is_wanted(
    before: Any, wanted: Any, flow: bool | None, indent: int, data: st.DataObject
) -> None:
    text = yaml.safe_dump(before, default_flow_style=flow, indent=indent, width=20)
    lines = text.split("\n")
    for line in ("# c", "", "      # deep"):
        lines.insert(data.draw(st.integers(0, len(lines))), line)

    after = amended("\n".join(lines), wanted)

    assert said(after) == wanted
    assert amended(after, wanted) == after


@pytest.mark.parametrize(
    ("change", "is_block"),
    [(slice(None, None, -1), True), (slice(0), True), (slice(1), False)],
)
def test_a_long_list_takes_no_longer_for_each_of_its_words(change: slice, is_block: bool) -> None:
    def seconds(length: int) -> float:
        words = [f"w{number}" for number in range(length)]
        text = "in:\n" + "".join(f"- {word}\n" for word in words)
        text = text if is_block else f"all:\n- one_of: [{', '.join(words)}]\n"
        other = [f"x{number}" for number in range(length)]
        wanted = words[change] + other[: length - len(words[change])]
        data = {"in": wanted} if is_block else {"all": [{"one_of": wanted}]}
        start = process_time()
        assert said(amended(text, data)) == data
        return process_time() - start

    assert seconds(800) < 8 * seconds(200) + 0.05
