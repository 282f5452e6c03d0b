"""What is said to have decided did: held it settles the truth, turned around it changes it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.segments.deciding import Tree, deciding
from byleave.segments.truth import Truth, Verdict, all_of, any_of, none_of

Shape = str | tuple[str, list["Shape"]]
Said = Mapping[int, Verdict]
Turns = Mapping[Verdict, Sequence[Verdict]]

GROUPS = {"all": all_of, "any": any_of, "none": none_of}
ANSWERS = (Verdict.TRUE, Verdict.FALSE)
TURNED: Turns = {
    verdict: tuple(answer for answer in ANSWERS if answer is not verdict) for verdict in Verdict
}
CHANGED: Turns = dict.fromkeys(Verdict, (*ANSWERS, Verdict.WITHHELD))

SHAPES: st.SearchStrategy[Shape] = st.recursive(
    st.just("leaf"),
    lambda inner: st.tuples(st.sampled_from([*GROUPS]), st.lists(inner, max_size=3)),
    max_leaves=6,
)


def leaves(shape: Shape) -> int:
    return 1 if isinstance(shape, str) else sum(map(leaves, shape[1]))


def grown(shape: Shape, said: Said) -> Tree:
    """The tree of a shape whose leaves, from left to right, came to what is said."""
    places = iter(range(leaves(shape)))

    def grow(shape: Shape) -> Tree:
        if isinstance(shape, str):
            place = next(places)
            return Tree(said[place], place=place)
        inside = [grow(each) for each in shape[1]]
        made = GROUPS[shape[0]](each.verdict for each in inside)
        return Tree(made, shape[0], inside)  # type: ignore[arg-type]  # one of the groups

    return grow(shape)


def truth(shape: Shape, said: Said) -> Truth:
    return grown(shape, said).verdict.truth


def changes(said: Said, places: set[int], to: Turns) -> Iterator[Said]:
    """Everything said, with the leaves of some places changed in every way."""
    for changed in product(*(to[said[place]] for place in sorted(places))):
        yield {**said, **dict(zip(sorted(places), changed, strict=True))}


def settles(shape: Shape, said: Said, places: set[int]) -> bool:
    """Whether nothing that the other leaves say changes the truth."""
    others = set(said) - places
    before = truth(shape, said)
    return all(truth(shape, other) is before for other in changes(said, others, CHANGED))


def turns(shape: Shape, said: Said, places: set[int]) -> bool:
    """Whether turning the leaves around changes the truth; a doubt turns into some answer."""
    before = truth(shape, said)
    return any(truth(shape, other) is not before for other in changes(said, places, TURNED))


@given(data=st.data(), shape=SHAPES)
def test_a_deciding_set_settles_the_truth_turns_it_and_is_the_smallest_that_does(
    data: st.DataObject, shape: Shape
) -> None:
    every = range(leaves(shape))
    said = {place: data.draw(st.sampled_from([*Verdict])) for place in every}

    tree = grown(shape, said)
    found = deciding(tree)

    smaller = [
        set(places)
        for size in range(1, len(found) or len(every) + 1)
        for places in combinations(every, size)
    ]
    if found:
        assert len(set(found)) == len(found)
        assert settles(shape, said, set(found))
        assert turns(shape, said, set(found))
        for place in set(every) - set(found):
            assert not turns(shape, said, {place})
    if tree.verdict.reason is None:
        assert not any(settles(shape, said, few) and turns(shape, said, few) for few in smaller)


@pytest.mark.parametrize(
    ("shape", "said", "expected"),
    [
        (("any", ["leaf", "leaf"]), "TT", [0, 1]),
        (("any", ["leaf", "leaf"]), "TF", [0]),
        (("all", ["leaf", "leaf"]), "TF", [1]),
        (("none", ["leaf", "leaf"]), "FF", [0, 1]),
        (("any", [("all", ["leaf", "leaf"]), "leaf"]), "TTT", [0, 2]),
        (("all", [("any", ["leaf", "leaf"]), "leaf"]), "TFT", [0, 2]),
        (("any", ["leaf", ("all", ["leaf", "leaf"])]), "WFF", [0, 1]),
        (("all", []), "", []),
        (("any", ["leaf", ("all", [])]), "T", []),
        (("all", ["leaf", ("all", [])]), "T", [0]),
    ],
)
def test_deciding_sets_by_hand(shape: Shape, said: str, expected: list[int]) -> None:
    letters = {"T": Verdict.TRUE, "F": Verdict.FALSE, "W": Verdict.WITHHELD}

    found = deciding(grown(shape, {place: letters[letter] for place, letter in enumerate(said)}))

    assert sorted(found) == expected
