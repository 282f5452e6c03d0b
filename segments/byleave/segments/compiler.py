"""The compiler: a few segments become one Python function, built as a syntax tree.

A function answers its segments in one call and gives their verdicts as a tuple. There are two of
each: one for the common case that every input is readable, there and of its type, in which most
conditions are plain comparisons; and one in which every input may be in doubt. Both agree with
the interpreter on every verdict and reason.

Compiled code is kept by what it says, so that a new set of definitions compiles only what it
changed. The place of an input in the row, which may differ between sets, is a global too.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, Final

from byleave.segments.behaviour import EventLeaf
from byleave.segments.comparing import is_sound
from byleave.segments.conditions import (
    AllOf,
    AnyOf,
    AttributeLeaf,
    Condition,
    JourneyLeaf,
    NoneOf,
    NowLeaf,
    SegmentLeaf,
)
from byleave.segments.consent import Purpose
from byleave.segments.emitting import (
    DONE,
    DOUBTS,
    NOW,
    ROW,
    TELL,
    Expression,
    Input,
    Names,
    assign,
    attribute,
    bits_of,
    both,
    call,
    code_of,
    compare,
    do,
    either,
    item,
    literal,
    load,
    minus,
    negation,
    tuple_of,
    union,
    when,
)
from byleave.segments.journeys import step_key
from byleave.segments.leaves import CALL, CHEAP, RECALL, attribute_leaf, behaviour_leaf, comparison
from byleave.segments.reach import events_of
from byleave.segments.reach import leaves as leaves_of
from byleave.segments.reading import canonical_json
from byleave.segments.truth import NEGATED, STRONGEST, Verdict
from byleave.segments.vocabulary import TRACKED, JourneyStep, ValueType, Vocabulary

#: A compiled function: row, doubts, time, what other functions answered, and what is told each
#: segment that is true, to the verdicts.
Answer = Callable[
    [Sequence[Any], Sequence[int], int, Sequence[Any], Callable[[str], None]], tuple[Verdict, ...]
]

_SHARED: Final = {
    "NEGATED": NEGATED,
    "STRONGEST": STRONGEST,
    "TRUE": Verdict.TRUE,
    "FALSE": Verdict.FALSE,
    "__builtins__": {},
}


class Emitter:
    """Turns the conditions of one function into expressions.

    Args:
        vocabulary: What conditions may name.
        local: The segments that this function answers, in order.
        use: The use that they are asked for; only segments of this use are told.
        is_doubted: Whether inputs may be in doubt.
    """

    def __init__(
        self, vocabulary: Vocabulary, local: Sequence[str], use: Purpose, *, is_doubted: bool
    ) -> None:
        self.names = Names()
        self._vocabulary = vocabulary
        self._local = {key: place for place, key in enumerate(local)}
        self._use = use
        self._is_doubted = is_doubted
        self._plain: set[str] = set()

    def expression(self, condition: Condition) -> Expression:
        """Return the expression of a condition."""
        match condition:
            case AllOf(conditions):
                return self._group(conditions, "all")
            case AnyOf(conditions):
                return self._group(conditions, "any")
            case NoneOf(conditions):
                return self._group(conditions, "none")
            case AttributeLeaf(name):
                kind = self._vocabulary.attributes[name].type
                return attribute_leaf(condition, kind, self.names, is_doubted=self._is_doubted)
            case NowLeaf(test):
                if not is_sound(test, ValueType.TIME):
                    return Expression(literal(1), is_bits=True)
                plain = comparison(test, ValueType.TIME, load(NOW), self.names)
                return Expression(plain)
            case SegmentLeaf(key):
                return self._segment(key)
            case JourneyLeaf():
                return self._journey(condition)
            case _:
                events = self._vocabulary.events
                return behaviour_leaf(condition, events, self.names, is_doubted=self._is_doubted)

    def _group(self, conditions: Sequence[Condition], kind: str) -> Expression:
        return self._combined([self.expression(c) for c in cheapest_first(conditions)], kind)

    def _combined(self, parts: Sequence[Expression], kind: str) -> Expression:
        if all(part.is_plain for part in parts):
            nodes = [part.node for part in parts]
            if kind == "all":
                return Expression(both(*nodes))
            return Expression(either(*nodes) if kind == "any" else negation(either(*nodes)))
        # All is the negation of any negation; a union of bits is made for `any` alone.
        bits = [bits_of(part, is_negated=kind == "all") for part in parts]
        made = union(bits, self.names)
        if kind != "any":
            made = item(load("NEGATED"), made)
        return Expression(made, is_bits=True)

    def _segment(self, key: str) -> Expression:
        place = self._local.get(key)
        if place is None:
            return Expression(attribute(self.names.reference(key), "bits"), is_bits=True)
        if key in self._plain:
            return Expression(compare(load(f"s{place}"), ast.Is(), load("TRUE")))
        return Expression(attribute(load(f"s{place}"), "bits"), is_bits=True)

    def _journey(self, leaf: JourneyLeaf) -> Expression:
        steps = self._vocabulary.journeys[leaf.journey].steps
        named = leaf.reached if leaf.at is None else leaf.at
        place = next(place for place, step in enumerate(steps) if step.key == named)
        reached = self._reached(leaf.journey, steps[place])
        if leaf.at is None:
            return reached
        later = [self._reached(leaf.journey, step) for step in steps[place + 1 :]]
        return self._combined([reached, self._combined(later, "none")], "all")

    def _reached(self, journey: str, step: JourneyStep) -> Expression:
        source = ("reached", step_key(journey, step.key))
        before = Expression(self.names.value(source))
        reached = self._combined([before, self._segment(step.done)], "any")
        if not self._is_doubted:
            return reached
        doubt = self.names.doubt(source)
        return Expression(either(doubt, bits_of(reached)), is_bits=True)

    def statements(self, key: str) -> list[ast.stmt]:
        """Return what answers a local segment and tells it where it is true."""
        segment = self._vocabulary.segments[key]
        made = self.expression(segment.when)
        name = f"s{self._local[key]}"
        is_told = segment.use is self._use and not key.startswith(TRACKED)
        told = [do(call(load(TELL), self.names.constant(key)))] if is_told else []
        if made.is_plain:
            self._plain.add(key)
            is_false = [assign(name, load("FALSE"))]
            return [when(made.node, [assign(name, load("TRUE")), *told], is_false)]
        answered = assign(name, item(load("STRONGEST"), bits_of(made)))
        is_true = compare(load(name), ast.Is(), load("TRUE"))
        return [answered, when(is_true, told, [])] if told else [answered]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled function before it is bound to the places of a set of definitions.

    Attributes:
        code: The function's code.
        constants: Its globals that come from the conditions.
        inputs: What it reads of the row; the place of each is a global.
        doubted: The inputs of which it reads the doubts.
        references: The segments whose verdicts it reads from other functions.
    """

    code: CodeType
    constants: Mapping[str, Any]
    inputs: tuple[Input, ...]
    doubted: tuple[Input, ...]
    references: tuple[str, ...]

    def bind(self, inputs: Mapping[Input, int], segments: Mapping[str, tuple[int, int]]) -> Answer:
        """Return the function for the places of inputs and of segments.

        Args:
            inputs: The place of each input in the row.
            segments: The function that answers each segment, and its place in the answer.
        """
        places: dict[str, Any] = {f"i{n}": inputs[name] for n, name in enumerate(self.inputs)}
        places |= {f"j{n}": inputs[name] for n, name in enumerate(self.doubted)}
        for n, segment in enumerate(self.references):
            places[f"p{n}"], places[f"q{n}"] = segments[segment]
        answer: Any = FunctionType(self.code, {**_SHARED, **self.constants, **places})
        return answer  # type: ignore[no-any-return]  # it has the form of its code


def compile_segments(
    keys: Sequence[str], vocabulary: Vocabulary, use: Purpose, *, is_doubted: bool
) -> Compiled:
    """Return the function that answers some segments, each after those of them it names."""
    emitter = Emitter(vocabulary, keys, use, is_doubted=is_doubted)
    statements = [statement for key in keys for statement in emitter.statements(key)]
    names = emitter.names
    body = [
        *(assign(f"a{n}", item(load(ROW), load(f"i{n}"))) for n in range(len(names.inputs))),
        *(assign(f"d{n}", item(load(DOUBTS), load(f"j{n}"))) for n in range(len(names.doubted))),
        *(
            assign(f"w{n}", minus(load(NOW), names.constant(length)))
            for n, length in enumerate(names.windows)
        ),
        *statements,
    ]
    result = tuple_of(load(f"s{place}") for place in range(len(keys)))
    code = code_of((ROW, DOUBTS, NOW, DONE, TELL), body, result)
    return Compiled(
        code,
        names.constants,
        tuple(names.inputs),
        tuple(names.doubted),
        tuple(names.references),
    )


def cheapest_first(conditions: Sequence[Condition]) -> list[Condition]:
    """Return conditions with the cheap ones first; their order never changes a verdict."""
    return sorted(conditions, key=cost)


def cost(condition: Condition) -> int:
    """Return what a condition costs, roughly, in the time of a comparison with a constant."""
    match condition:
        case AllOf(inside) | AnyOf(inside) | NoneOf(inside):
            return sum(map(cost, inside))
        case AttributeLeaf():
            return CALL if condition.test.ignore_case else CHEAP
        case SegmentLeaf() | NowLeaf():
            return CHEAP
        case EventLeaf():
            return CALL
        case _:
            return RECALL


#: Compiled functions by what they say; the oldest goes when there are too many.
_KEPT: Final[dict[str, Compiled]] = {}
_MOST_KEPT: Final = 1024


def compiled(
    keys: Sequence[str], vocabulary: Vocabulary, use: Purpose, *, is_doubted: bool
) -> Compiled:
    """Return the function that answers some segments, compiled now or on an earlier day."""
    leaves = [leaf for key in keys for _, leaf in leaves_of(vocabulary.segments[key].when)]
    said = canonical_json(
        [
            is_doubted,
            [[key, vocabulary.segments[key].when] for key in keys],
            [vocabulary.segments[key].use is use for key in keys],
            {
                leaf.attribute: vocabulary.attributes[leaf.attribute].type
                for leaf in leaves
                if isinstance(leaf, AttributeLeaf)
            },
            {
                event: vocabulary.events[event].ttl
                for leaf in leaves
                for event, _ in events_of(leaf)
            },
            {
                leaf.journey: vocabulary.journeys[leaf.journey]
                for leaf in leaves
                if isinstance(leaf, JourneyLeaf)
            },
        ]
    )
    if said not in _KEPT:
        if len(_KEPT) >= _MOST_KEPT:
            del _KEPT[next(iter(_KEPT))]
        _KEPT[said] = compile_segments(keys, vocabulary, use, is_doubted=is_doubted)
    return _KEPT[said]
