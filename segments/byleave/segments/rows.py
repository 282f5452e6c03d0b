"""Rows: the inputs of compiled rules, read once for a visitor at a moment.

Beside each input stands its doubt, as bits: withheld, missing or invalid; 0 where there is none.
Whether an input may be read is decided first, from declarations and consent alone: for each
outcome there is one compiled reader, and in it nothing stands for what may not be read.
"""

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from types import FunctionType
from typing import Any, Final

from byleave.segments.access import Access, access_to
from byleave.segments.comparing import fits, is_listed
from byleave.segments.consent import Choice, Consent, Purpose
from byleave.segments.emitting import (
    NOW,
    Input,
    assign,
    attribute,
    both,
    call,
    choice,
    code_of,
    compare,
    either,
    item,
    literal,
    load,
    minus,
    named,
    negation,
    plus,
    tuple_of,
)
from byleave.segments.encoding import LONG_AGO_MS, State
from byleave.segments.memory import Memory
from byleave.segments.profile import Profile
from byleave.segments.streams import EventStream, start_of
from byleave.segments.times import moment_ms
from byleave.segments.truth import Verdict
from byleave.segments.vocabulary import ValueType, Vocabulary

#: The inputs of a row, and the doubts about them; after the doubts stands the mask of the places
#: that are not ready for the common case.
Row = tuple[tuple[Any, ...], list[int]]

_INVALID: Final = Verdict.INVALID.bits
_MISSING: Final = Verdict.MISSING.bits
_WITHHELD: Final = Verdict.WITHHELD.bits
_UNSEEN: Final = State(0)
_GRANTED: Final = Choice.GRANTED  # members of an enumeration are slow to look up

#: The class that values of a type almost always have; any other value is looked at closely.
_CLASSES: Final = {ValueType.STRING: "str", ValueType.BOOLEAN: "bool", ValueType.NUMBER: "int"}


class Rows:
    """Reads the inputs of all that is asked for one use.

    Args:
        inputs: What is read, in the order of the row.
        vocabulary: The declarations.
        memory: What is remembered.
        use: The use.
    """

    def __init__(
        self, inputs: Sequence[Input], vocabulary: Vocabulary, memory: Memory, use: Purpose
    ) -> None:
        self._inputs = inputs
        self._attributes = vocabulary.attributes
        self._memory = memory
        self._use = use
        self._places = {source: place for place, source in enumerate(inputs)}
        self._accesses = [self._access(source) for source in inputs]
        self._bound: dict[str, list[int]] = {}
        for place, (kind, name) in enumerate(inputs):
            if kind in ("value", "exists") and self._accesses[place] in ("allowed", "chosen"):
                self._bound.setdefault(name, []).append(place)
        self._readers = {
            (is_allowed, is_chosen): self._reader(is_allowed, is_chosen)
            for is_allowed, is_chosen in ((True, True), (True, False), (False, False))
        }

    def read(
        self,
        consent: Consent,
        attributes: Mapping[str, object],
        profile: Profile,
        now_ms: int,
        collected: Mapping[str, Collection[Purpose]],
    ) -> Row:
        """Return the inputs for a visitor at a moment."""
        is_chosen = consent.choices.get(self._use) is _GRANTED
        reader, template = self._readers[is_chosen or consent.allows(self._use), is_chosen]
        doubts = template.copy()
        hidden = self._hidden(collected) if collected else ()
        if hidden:
            names = {self._inputs[place][1] for place in hidden}
            attributes = {key: value for key, value in attributes.items() if key not in names}
        row = reader(attributes.get, profile.kept(self._use).get, profile, now_ms, doubts)
        for place in hidden:
            doubts[place] = _WITHHELD
            doubts[-1] |= 1 << place
        return row, doubts

    def _hidden(self, collected: Mapping[str, Collection[Purpose]]) -> list[int]:
        """Return the places of what was collected for other uses only."""
        return [
            place
            for name, uses in collected.items()
            if self._use not in uses
            for place in self._bound.get(name, ())
        ]

    def _reader(self, is_allowed: bool, is_chosen: bool) -> tuple[Callable[..., Any], list[int]]:
        """Return the reader for one outcome of consent, and the doubts that follow from it."""
        readable = {"always": True, "allowed": is_allowed, "chosen": is_chosen, "never": False}
        constants: dict[str, Any] = {}
        body = []
        doubts = [0 if readable[access] else _WITHHELD for access in self._accesses]
        for place, source in enumerate(self._inputs):
            value = self._value(place, source, constants) if not doubts[place] else literal(None)
            body.append(assign(f"a{place}", value))
        result = tuple_of(load(f"a{place}") for place in range(len(body)))
        code = code_of(("get", "kept", "profile", NOW, "doubts"), body, result)
        mask = sum(1 << place for place, doubt in enumerate(doubts) if doubt)
        reader: Any = FunctionType(code, {**constants, **self._shared()})
        return reader, [*doubts, mask]

    def _shared(self) -> dict[str, Any]:
        return {
            "fix": self._fix,
            "partial": self._partial,
            "is_reached": self._is_reached,
            "unseen": _UNSEEN,
            "len": len,
            "str": str,
            "bool": bool,
            "int": int,
            "float": float,
            "__builtins__": {},
        }

    def _value(self, place: int, source: Input, constants: dict[str, Any]) -> ast.expr:
        kind, name = source
        constants[f"n{place}"] = name
        key = load(f"n{place}")
        match kind:
            case "value":
                return self._attribute(place, call(load("get"), key), constants)
            case "exists":
                return compare(call(load("get"), key), ast.IsNot(), literal(None))
            case "state":
                return call(load("kept"), key, load("unseen"))
            case "times":
                return self._times(place, name, constants)
            case _:
                return call(load("is_reached"), load("profile"), key, load(NOW))

    def _times(self, place: int, key: str, constants: dict[str, Any]) -> ast.expr:
        """Return the last times, as many as may be asked for, after long ago where none were."""
        stream = self._memory.streams[self._use][key]
        keep = stream.keep if isinstance(stream, EventStream) else 1
        constants[f"p{place}"] = [(LONG_AGO_MS,) * (keep - known) for known in range(keep)]
        state = load(f"a{self._places['state', key]}")
        times = attribute(state, "times")
        known = call(load("len"), times)
        filled = plus(item(load(f"p{place}"), known), times)
        constants[f"s{place}"] = stream.span_ms
        span = load(f"s{place}")
        partial = call(
            load("partial"), literal(place), state, filled, span, load(NOW), load("doubts")
        )
        is_full = compare(known, ast.GtE(), literal(keep))
        is_whole = negation(attribute(state, "is_cut"))
        return choice(is_full, times, choice(is_whole, filled, partial))

    def _attribute(self, place: int, given: ast.expr, constants: dict[str, Any]) -> ast.expr:
        """Return the value where it is as declared; anything else is looked at closely."""
        declared = self._attributes[self._inputs[place][1]]
        name = f"a{place}"
        if declared.type not in _CLASSES:
            return call(load("fix"), literal(place), given, load("doubts"))
        closely = call(load("fix"), literal(place), load(name), load("doubts"))
        kind = load(_CLASSES[declared.type])
        is_right = compare(attribute(named(name, given), "__class__"), ast.Is(), kind)
        if declared.type is ValueType.NUMBER:
            value = load(name)
            is_finite = compare(minus(value, value), ast.Eq(), literal(0))
            is_float = compare(attribute(value, "__class__"), ast.Is(), load("float"))
            is_right = either(is_right, both(is_float, is_finite))
        if declared.one_of:
            constants[f"l{place}"] = frozenset(declared.one_of)
            is_right = both(is_right, compare(load(name), ast.In(), load(f"l{place}")))
        return choice(is_right, load(name), closely)

    def _fix(self, place: int, value: object, doubts: list[int]) -> object:
        """Return a value that is not plainly as declared, or note its doubt."""
        declared = self._attributes[self._inputs[place][1]]
        if value is None:
            value = declared.default
        if value is not None and is_listed(value, declared) and fits(value, declared.type):
            return moment_ms(value) if declared.type is ValueType.TIME else value
        doubts[place] = _MISSING if value is None else _INVALID
        doubts[-1] |= 1 << place
        return None

    def _partial(
        self,
        place: int,
        state: State,
        times: tuple[int, ...],
        span_ms: int | None,
        now_ms: int,
        doubts: list[int],
    ) -> tuple[int, ...]:
        """Return times that may not be all, and keep them from the common case if so."""
        if state.whole_from_ms >= start_of(span_ms, now_ms):
            doubts[-1] |= 1 << place
        return times

    def _is_reached(self, profile: Profile, key: str, now_ms: int) -> bool:
        return self._memory.is_reached(profile, key, self._use, now_ms=now_ms)

    def _access(self, source: Input) -> Access:
        """Return on what it depends whether an input may be read."""
        kind, name = source
        if kind in ("value", "exists"):
            return access_to(self._attributes[name], self._use)
        is_tracked = kind == "reached" or name in self._memory.streams.get(self._use, {})
        return "allowed" if is_tracked else "never"
