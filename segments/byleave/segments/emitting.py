"""Expressions of the compiled rules, as syntax trees.

What comes from definitions enters only as constants, which are globals of the compiled function
under names of our own; no text of a definition ever becomes source text.

An expression is either *plain*, whose truth is the condition's, or *bits*, the bits of verdicts
(`byleave.segments.truth`) of which a group takes the union. A condition is plain where nothing
in it can be undetermined.
"""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Final

#: What an expression reads: a kind (`value`, `exists`, `times`, `state`, `reached`) and a name.
Input = tuple[str, str]

#: The names that a compiled function is called with.
ROW: Final = "row"
DOUBTS: Final = "doubts"
NOW: Final = "now"
DONE: Final = "done"
TELL: Final = "tell"

_PLACE: Final[Any] = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
_LOAD: Final = ast.Load()
_STORE: Final = ast.Store()


@dataclass(slots=True)
class Expression:
    """An expression of a condition.

    Attributes:
        node: What is evaluated.
        is_bits: Whether it gives bits instead of a plain truth.
        doubt: Of a plain expression: bits that are its verdict wherever they are not 0.
    """

    node: ast.expr
    is_bits: bool = False
    doubt: ast.expr | None = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing in it can be undetermined."""
        return not self.is_bits and self.doubt is None


@dataclass(slots=True)
class Names:
    """The names that one compiled function uses, and what they stand for.

    Attributes:
        constants: Globals that come from the definitions alone.
        inputs: What is read of the row, in the order of first use.
        doubted: The inputs whose doubt is read too.
        windows: The lengths of the windows that end now.
        references: Segments of other functions whose verdicts are read.
        temporaries: How many local names hold bits for a moment.
    """

    constants: dict[str, Any] = field(default_factory=dict[str, Any])
    inputs: list[Input] = field(default_factory=list[Input])
    doubted: list[Input] = field(default_factory=list[Input])
    windows: list[int] = field(default_factory=list[int])
    references: list[str] = field(default_factory=list[str])
    temporaries: int = 0

    def constant(self, value: Any) -> ast.expr:
        """Return the name of a global that holds a value."""
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return load(name)

    def value(self, source: Input) -> ast.expr:
        """Return the local that holds an input."""
        return load(f"a{_place(self.inputs, source)}")

    def doubt(self, source: Input) -> ast.expr:
        """Return the local that holds an input's doubt, as bits; 0 where there is none."""
        self.value(source)
        return load(f"d{_place(self.doubted, source)}")

    def window(self, length_ms: int) -> ast.expr:
        """Return the local that holds the first moment of a window."""
        return load(f"w{_place(self.windows, length_ms)}")

    def reference(self, segment: str) -> ast.expr:
        """Return the verdict of a segment that another function answers."""
        place = _place(self.references, segment)
        return item(item(load(DONE), load(f"p{place}")), load(f"q{place}"))

    def temporary(self) -> str:
        """Return a new local name."""
        self.temporaries += 1
        return f"b{self.temporaries}"


def _place(known: list[Any], wanted: Any) -> int:
    if wanted not in known:
        known.append(wanted)
    return known.index(wanted)


def load(name: str) -> ast.expr:
    """Return the value of a name."""
    return ast.Name(id=name, ctx=_LOAD, **_PLACE)


def store(name: str) -> ast.Name:
    """Return a name to assign to."""
    return ast.Name(id=name, ctx=_STORE, **_PLACE)


def literal(value: int | None) -> ast.expr:
    """Return a number or a truth of our own."""
    return ast.Constant(value=value, **_PLACE)


def call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    """Return a call."""
    return ast.Call(func=function, args=list(arguments), keywords=[], **_PLACE)


def method(value: ast.expr, name: str, *arguments: ast.expr) -> ast.expr:
    """Return a call of a method of our own choice."""
    return call(attribute(value, name), *arguments)


def item(container: ast.expr, key: ast.expr) -> ast.expr:
    """Return an item of a container."""
    return ast.Subscript(value=container, slice=key, ctx=_LOAD, **_PLACE)


def compare(left: ast.expr, *chain: ast.cmpop | ast.expr) -> ast.expr:
    """Return a comparison, `compare(a, ast.LtE(), b, ast.Lt(), c)` for `a <= b < c`."""
    operators = [part for part in chain if isinstance(part, ast.cmpop)]
    operands = [part for part in chain if isinstance(part, ast.expr)]
    return ast.Compare(left=left, ops=operators, comparators=operands, **_PLACE)


def both(*parts: ast.expr) -> ast.expr:
    """Return the conjunction of plain expressions; true where there is none."""
    return _joined(ast.And(), parts, literal(True))


def either(*parts: ast.expr) -> ast.expr:
    """Return the disjunction of plain expressions; false where there is none."""
    return _joined(ast.Or(), parts, literal(False))


def _joined(operator: ast.boolop, parts: Sequence[ast.expr], empty: ast.expr) -> ast.expr:
    if len(parts) < 2:
        return parts[0] if parts else empty
    return ast.BoolOp(op=operator, values=list(parts), **_PLACE)


def negation(part: ast.expr) -> ast.expr:
    """Return the negation of a plain expression."""
    return ast.UnaryOp(op=ast.Not(), operand=part, **_PLACE)


def minus(left: ast.expr, right: ast.expr) -> ast.expr:
    """Return a difference."""
    return ast.BinOp(left=left, op=ast.Sub(), right=right, **_PLACE)


def plus(left: ast.expr, right: ast.expr) -> ast.expr:
    """Return a sum."""
    return ast.BinOp(left=left, op=ast.Add(), right=right, **_PLACE)


def choice(test: ast.expr, when_true: ast.expr, when_false: ast.expr) -> ast.expr:
    """Return one of two expressions."""
    return ast.IfExp(test=test, body=when_true, orelse=when_false, **_PLACE)


def bits_of(expression: Expression, *, is_negated: bool = False) -> ast.expr:
    """Return an expression's bits, or those of its negation."""
    if expression.is_bits:
        return item(load("NEGATED"), expression.node) if is_negated else expression.node
    true, false = (0, 8) if is_negated else (8, 0)
    bits = choice(expression.node, literal(true), literal(false))
    return bits if expression.doubt is None else either(expression.doubt, bits)


def union(parts: Sequence[ast.expr], names: Names) -> ast.expr:
    """Return the union of bits, which is complete once one of them is true.

    The parts are halved, so that many of them do not nest deeply.
    """
    if len(parts) < 2:
        return parts[0] if parts else literal(0)
    half = len(parts) // 2
    first, second = union(parts[:half], names), union(parts[half:], names)
    name = names.temporary()
    is_true = ast.BinOp(left=named(name, first), op=ast.BitAnd(), right=literal(8), **_PLACE)
    rest = ast.BinOp(left=load(name), op=ast.BitOr(), right=second, **_PLACE)
    return choice(is_true, literal(8), rest)


def named(name: str, value: ast.expr) -> ast.expr:
    """Return a value that is assigned to a name in passing."""
    return ast.NamedExpr(target=store(name), value=value, **_PLACE)


def assign(name: str, value: ast.expr) -> ast.stmt:
    """Return an assignment."""
    return ast.Assign(targets=[store(name)], value=value, **_PLACE)


def do(value: ast.expr) -> ast.stmt:
    """Return a statement that evaluates an expression for its effect."""
    return ast.Expr(value=value, **_PLACE)


def when(test: ast.expr, then: list[ast.stmt], otherwise: list[ast.stmt]) -> ast.stmt:
    """Return a statement that does one thing or another."""
    return ast.If(test=test, body=then, orelse=otherwise, **_PLACE)


def code_of(parameters: Iterable[str], body: Iterable[ast.stmt], result: ast.expr) -> CodeType:
    """Return the code of a function of positional parameters."""
    arguments = ast.arguments(
        posonlyargs=[ast.arg(arg=parameter, **_PLACE) for parameter in parameters],
        args=[],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    returned = ast.Return(value=result, **_PLACE)
    # Python 3.12 asks for type parameters; 3.11 does not know them.
    parts: Any = {"body": [*body, returned], "decorator_list": [], "type_params": []}
    function = ast.FunctionDef(name="answer", args=arguments, **parts, **_PLACE)
    module = compile(ast.Module(body=[function], type_ignores=[]), "<rules>", "exec")
    return next(part for part in module.co_consts if isinstance(part, CodeType))


def attribute(value: ast.expr, name: str) -> ast.expr:
    """Return an attribute of our own choice."""
    return ast.Attribute(value=value, attr=name, ctx=_LOAD, **_PLACE)


def tuple_of(parts: Iterable[ast.expr]) -> ast.expr:
    """Return a tuple."""
    return ast.Tuple(elts=list(parts), ctx=_LOAD, **_PLACE)
