"""Objects of ours as JSON and back, equal to the last bit, without running anything that is read.

JSON knows neither tuples nor fractions, arrays or expressions: those become `{"#": name, ...}`. A `Codec` is made for
the classes it may build; a document that names another one is refused. Expressions are trees of SymPy nodes from a
closed list, built without evaluation, so that they come back as they were and cost no simplification.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from formsearch.exceptions import StoreError

MAX_DEPTH = 200
MAX_BITS = 10_000
"""Precision of a number; SymPy would work for hours on one that somebody wrote into a store."""

NUMBERS = "fiub"
"""Kinds of arrays: one of texts could claim any amount of memory."""

_FUNCTIONS = (
    "exp", "log", "Abs", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "sign", "Min", "Max", "Piecewise",
    "LambertW", "floor", "ceiling", "Heaviside", "DiracDelta",
)  # fmt: skip
_RELATIONS = ("Equality", "Unequality", "StrictGreaterThan", "GreaterThan", "StrictLessThan", "LessThan")
_LOGIC = ("And", "Or", "Not")
_PLAIN = ("Add", "Mul", "Pow", *_FUNCTIONS, *_RELATIONS, *_LOGIC)
_EVALUATED = ("Tuple", "ExprCondPair", "Derivative")
_CONSTANTS = ("pi", "E", "oo", "zoo", "nan", "true", "false", "EmptySet", "Reals")


class NotStorable(TypeError):  # noqa: N818 - says what the value is, and is not shown to a user
    """The value holds something that cannot come back as it was."""


class Codec:
    """Writes and reads values built of plain ones, arrays, expressions, and `classes` (NamedTuples, dataclasses)."""

    def __init__(self, *classes: type) -> None:
        self.classes = {c.__name__: c for c in classes}

    def write(self, value: Any) -> Any:
        """JSON-ready form of a value. Raises `NotStorable` for one that has none."""
        if value is None or isinstance(value, bool | str) or type(value) in (int, float):
            return value
        if isinstance(value, np.generic):
            return self.write(value.item())
        if isinstance(value, Fraction):
            return {"#": "Fraction", "of": [value.numerator, value.denominator]}
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in NUMBERS:
                raise NotStorable(f"array of {value.dtype}")
            return {"#": "array", "of": value.ravel().tolist(), "shape": list(value.shape), "type": value.dtype.str}
        name = type(value).__name__
        if self.classes.get(name) is type(value):
            return {"#": name, "of": [self.write(part) for part in _parts(value)]}
        if isinstance(value, tuple):
            return {"#": "tuple", "of": [self.write(part) for part in value]}
        if isinstance(value, list):
            return [self.write(part) for part in value]
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                raise NotStorable("mapping with keys that are no text")
            return {"#": "map", "of": {key: self.write(part) for key, part in value.items()}}
        if hasattr(value, "free_symbols"):
            return {"#": "expression", "of": _tree(value)}
        raise NotStorable(f"{type(value).__name__}")

    def read(self, value: Any) -> Any:
        """The value that was written. Raises `StoreError` for a document that this codec did not write."""
        try:
            return self._read(value, 0)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
            raise StoreError(f"a stored result cannot be read ({type(error).__name__}: {error})") from None

    def _read(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise StoreError(f"a stored result is nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, list):
            return [self._read(part, depth + 1) for part in value]
        if not isinstance(value, dict):
            return value
        name, inside = value["#"], value["of"]
        if name == "Fraction":
            return Fraction(*inside)
        if name == "array":
            kind = np.dtype(value["type"])
            if kind.kind not in NUMBERS:
                raise StoreError(f"a stored array is of {kind}, not of numbers")
            return np.asarray(inside, dtype=kind).reshape(value["shape"])
        if name == "expression":
            return _expression(inside, depth)
        if name == "map":
            return {key: self._read(part, depth + 1) for key, part in inside.items()}
        parts = [self._read(part, depth + 1) for part in inside]
        if name == "tuple":
            return tuple(parts)
        if name not in self.classes:
            raise StoreError(f"a stored result is of an unknown class {name!r}")
        return self.classes[name](*parts)


def _parts(value: Any) -> list[Any]:
    """Fields in the order of the constructor; mappings behind a read-only view as plain ones."""
    if dataclasses.is_dataclass(value):
        fields = [f for f in dataclasses.fields(value) if f.init]
        found = [getattr(value, f.name) for f in fields]
        return [dict(v) if isinstance(v, MappingProxyType) else v for v in found]
    return list(value)


# -- expressions -------------------------------------------------------------------------------------------------


def _tree(node: Any) -> Any:
    import sympy
    from sympy.core.function import AppliedUndef

    name = type(node).__name__
    if isinstance(node, sympy.Dummy | sympy.Wild):
        raise NotStorable(f"SymPy {name}")  # equal to nothing but itself
    if isinstance(node, sympy.Symbol):
        given = getattr(node, "_assumptions_orig", node.assumptions0)
        return ["Symbol", node.name, {k: v for k, v in given.items() if v is not None}]
    if isinstance(node, sympy.Integer):
        return ["Integer", str(node.p)]
    if isinstance(node, sympy.Rational):
        return ["Rational", str(node.p), str(node.q)]
    if isinstance(node, sympy.Float):
        return ["Float", str(sympy.srepr(node).split("'")[1]), node._prec]
    for constant in _CONSTANTS:
        if node == _constants()[constant] and type(node) is type(_constants()[constant]):
            return ["Constant", constant]
    if isinstance(node, AppliedUndef):
        return ["Function", name, *map(_tree, node.args)]
    if name in (*_PLAIN, *_EVALUATED):
        return [name, *map(_tree, node.args)]
    raise NotStorable(f"SymPy {name}")


def _expression(tree: Any, depth: int) -> Any:
    import sympy

    if depth > MAX_DEPTH:
        raise StoreError(f"a stored expression is nested deeper than {MAX_DEPTH} levels")
    head, *rest = tree
    match head:
        case "Symbol":
            return sympy.Symbol(str(rest[0]), **{str(k): bool(v) for k, v in rest[1].items()})
        case "Integer":
            return sympy.Integer(int(rest[0]))
        case "Rational":
            return sympy.Rational(int(rest[0]), int(rest[1]))
        case "Float":
            bits = int(rest[1])
            if not 1 <= bits <= MAX_BITS:
                raise StoreError(f"a stored expression holds a number of {bits} bits; up to {MAX_BITS} are read")
            return sympy.Float(float(rest[0]) if bits == 53 else str(rest[0]), precision=bits)
        case "Constant":
            return _constants()[rest[0]]
        case "Function":
            return sympy.Function(str(rest[0]))(*(_expression(part, depth + 1) for part in rest[1:]))
    if head not in _nodes():
        raise StoreError(f"a stored expression holds an unknown node {head!r}")
    arguments = [_expression(part, depth + 1) for part in rest]
    return _nodes()[head](*arguments) if head in _EVALUATED else _nodes()[head](*arguments, evaluate=False)


@cache
def _nodes() -> Mapping[str, Callable[..., Any]]:
    import sympy
    from sympy.functions.elementary.piecewise import ExprCondPair

    special = {"ExprCondPair": ExprCondPair}
    return {name: special.get(name) or getattr(sympy, name) for name in (*_PLAIN, *_EVALUATED)}


@cache
def _constants() -> Mapping[str, Any]:
    import sympy

    return {name: getattr(sympy.S, name) if hasattr(sympy.S, name) else getattr(sympy, name) for name in _CONSTANTS}
