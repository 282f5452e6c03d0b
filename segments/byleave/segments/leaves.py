"""How each leaf compiles: what it reads, and the expression that compares it."""

import ast
from collections.abc import Callable, Mapping
from typing import Final

from byleave.segments.behaviour import AgeLeaf, EventLeaf
from byleave.segments.comparing import is_sound, prepared, tester
from byleave.segments.comparisons import Comparison, Operator
from byleave.segments.conditions import AttributeLeaf, BehaviourLeaf
from byleave.segments.emitting import (
    NOW,
    Expression,
    Names,
    both,
    call,
    compare,
    either,
    item,
    literal,
    load,
    method,
    negation,
)
from byleave.segments.encoding import LONG_AGO_MS, State
from byleave.segments.recalling import recall, span_of, stream_for
from byleave.segments.vocabulary import Event, ValueType

_ORDER: Final[Mapping[Operator, type[ast.cmpop]]] = {
    Operator.EQUALS: ast.Eq,
    Operator.NOT_EQUALS: ast.NotEq,
    Operator.ONE_OF: ast.In,
    Operator.NOT_ONE_OF: ast.NotIn,
    Operator.LESS_THAN: ast.Lt,
    Operator.AT_MOST: ast.LtE,
    Operator.GREATER_THAN: ast.Gt,
    Operator.AT_LEAST: ast.GtE,
    Operator.BEFORE: ast.Lt,
    Operator.AFTER: ast.Gt,
}
_METHODS: Final = {Operator.STARTS_WITH: "startswith", Operator.ENDS_WITH: "endswith"}

#: What a leaf costs, roughly, in the time of a comparison with a constant.
CHEAP: Final = 1
CALL: Final = 4
RECALL: Final = 50


def attribute_leaf(
    leaf: AttributeLeaf, kind: ValueType, names: Names, *, is_doubted: bool
) -> Expression:
    """Return the expression of an attribute leaf."""
    is_exists = leaf.test.operator is Operator.EXISTS
    source = ("exists" if is_exists else "value", leaf.attribute)
    value = names.value(source)
    doubt = names.doubt(source) if is_doubted else None
    if is_exists:
        return Expression(value if leaf.test.operand else negation(value), doubt=doubt)
    if not is_sound(leaf.test, kind):
        invalid = literal(1)
        return Expression(either(doubt, invalid) if doubt else invalid, is_bits=True)
    return Expression(comparison(leaf.test, kind, value, names), doubt=doubt)


def comparison(test: Comparison, kind: ValueType, value: ast.expr, names: Names) -> ast.expr:
    """Return the plain expression of a sound comparison with a value of its type."""
    if test.operator is Operator.EXISTS:
        return literal(bool(test.operand))
    if not test.ignore_case:
        if test.operator in _ORDER:
            return compare(value, _ORDER[test.operator](), names.constant(prepared(test)))
        if test.operator in _METHODS:
            return method(value, _METHODS[test.operator], names.constant(prepared(test)))
        if test.operator is Operator.CONTAINS:
            return compare(names.constant(prepared(test)), ast.In(), value)
        if test.operator is Operator.BETWEEN:
            first, last = (names.constant(end) for end in prepared(test))
            return compare(first, ast.LtE(), value, ast.LtE(), last)
    return call(names.constant(tester(test, kind)), value, load(NOW))


def behaviour_leaf(
    leaf: BehaviourLeaf, events: Mapping[str, Event], names: Names, *, is_doubted: bool
) -> Expression:
    """Return the expression of a leaf that looks at behaviour.

    Where nothing is in doubt, counts and last times are compared in place; all other leaves,
    and all in doubt, ask what the interpreter asks.
    """
    key = stream_for(leaf, events).key
    span_ms = span_of(leaf, events)
    if not is_doubted:
        if isinstance(leaf, EventLeaf):
            return Expression(_count(leaf, names.value(("times", key)), span_ms, names))
        if isinstance(leaf, AgeLeaf) and leaf.which == "last":
            return Expression(_last(leaf, names.value(("times", key)), span_ms, names))
    source = ("state", key)
    answer = call(names.constant(_recaller(leaf, span_ms)), names.value(source), load(NOW))
    return Expression(either(names.doubt(source), answer) if is_doubted else answer, is_bits=True)


def _recaller(leaf: BehaviourLeaf, span_ms: int | None) -> Callable[[State, int], int]:
    return lambda state, now_ms: recall(leaf, state, span_ms=span_ms, now_ms=now_ms)[0].bits


def _count(leaf: EventLeaf, times: ast.expr, span_ms: int | None, names: Names) -> ast.expr:
    def at_least(number: int) -> ast.expr:
        return compare(item(times, literal(-number)), ast.GtE(), _start(span_ms, names))

    parts = [at_least(leaf.count.lowest)] if leaf.count.lowest > 0 else []
    if leaf.count.highest is not None:
        parts.append(negation(at_least(leaf.count.highest + 1)))
    return both(*parts)


def _last(leaf: AgeLeaf, times: ast.expr, span_ms: int | None, names: Names) -> ast.expr:
    latest = item(times, literal(-1))
    is_young = compare(latest, ast.GtE(), _start(span_ms, names))
    if leaf.age.at_least is None:
        return is_young
    return both(is_young, compare(latest, ast.LtE(), names.window(leaf.age.at_least)))


def _start(span_ms: int | None, names: Names) -> ast.expr:
    return names.constant(LONG_AGO_MS + 1) if span_ms is None else names.window(span_ms)
