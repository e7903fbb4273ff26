"""SymPy expression -> tape: row-only parts become columns, equal parts are shared, linear constants are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.core.tape import ONES, Builder, Slot, Tape
from formsearch.exceptions import FormulaError
from formsearch.formula import with_plain_numbers

if TYPE_CHECKING:
    import sympy

Array = NDArray[np.float64]
MAX_WHOLE_POWER = 64
TINY_LOG = -690.0
"""log of zero, in columns and kernels: exp(-690) is 1e-300, so 0**a is zero to every purpose, with a finite slope."""


def linear_constants(expression: sympy.Expr, constants: Sequence[sympy.Symbol]) -> list[bool]:
    """A largest set of constants in which `expression` is jointly affine, as a mask.

    c is eligible if d f/d c is free of c; two eligible ones exclude each other if d f/d c contains the other.
    The largest set without exclusions is found exactly (a law has few constants).
    """
    slopes = {c: expression.diff(c).free_symbols for c in constants}
    eligible = [c for c in constants if c not in slopes[c]]
    excludes = {c: {d for d in eligible if d in slopes[c] or c in slopes[d]} for c in eligible}
    best: list[Any] = []

    def grow(chosen: list[Any], rest: list[Any]) -> None:
        nonlocal best
        if len(chosen) + len(rest) <= len(best):
            return
        if not rest:
            best = chosen
            return
        head, *tail = rest
        grow([*chosen, head], [c for c in tail if c not in excludes[head]])
        if excludes[head] & set(tail):
            grow(chosen, tail)

    grow([], eligible)
    return [c in best for c in constants]


def compile_expression(
    expression: sympy.Expr,
    constants: Sequence[sympy.Symbol],
    logarithmic: Sequence[bool] | None = None,
) -> Tape:
    """The tape of `expression`; symbols that are not constants are variables. Column keys are SymPy expressions.

    Raises `FormulaError` for functions that tapes do not have.
    """
    import sympy

    linear = linear_constants(expression, constants)
    logs = [bool(flag) and not lin for flag, lin in zip(logarithmic or [False] * len(constants), linear, strict=True)]
    builder = Builder([str(c) for c in constants], logs)
    index = {c: i for i, c in enumerate(constants)}
    known: dict[Any, Slot] = {}
    unary = {
        sympy.log: builder.log,
        sympy.Abs: builder.abs,
        sympy.sin: builder.sin,
        sympy.cos: builder.cos,
        sympy.atan: builder.atan,
    }

    def split(e: Any, parts: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Arguments that hold constants, and the others."""
        with_constants = [a for a in parts if not a.free_symbols.isdisjoint(index)]
        return with_constants, [a for a in parts if a.free_symbols.isdisjoint(index)]

    def visit(e: Any) -> Slot:
        slot = known.get(e)
        if slot is None:
            slot = known[e] = build(e)
        return slot

    def leaf(e: Any) -> Slot:
        if e.is_number:
            return builder.literal(finite(e))
        return builder.column(e)

    def exponential(argument: Any) -> Slot:
        """exp of an expression."""
        return builder.exp(visit(argument))

    def power(base: Any, exponent: Any) -> Slot:
        if exponent.is_Integer and abs(int(exponent)) <= MAX_WHOLE_POWER:
            return builder.power(visit(base), int(exponent))
        if base == 0:
            return builder.exp(builder.mul(visit(exponent), builder.literal(TINY_LOG)))
        if base.is_number:
            if finite(base) < 0:
                raise FormulaError(f"({base})**({exponent}) is real only for whole exponents, which no fit can find")
            return exponential(exponent * sympy.log(base))
        if base.free_symbols.isdisjoint(index):
            # A column to a free power. The numeric factor of the exponent goes into the column: N**-alpha is
            # exp(alpha * (-log N)), which leaves alpha itself as the operand.
            number, rest = exponent.as_coeff_Mul()
            return builder.exp(builder.mul(visit(rest), builder.column(number * sympy.log(base))))
        # log(Nc/N) becomes log(Nc) - log(N): a scalar and a column instead of a logarithm a row.
        logarithm = sympy.expand_log(sympy.log(base))
        return builder.exp(builder.mul(visit(exponent), visit(logarithm)))

    def build(e: Any) -> Slot:
        if e in index:
            return builder.constant(index[e])
        if e.free_symbols.isdisjoint(index):
            return leaf(e)
        if e.is_Add or e.is_Mul:
            moving, fixed = split(e, e.args)
            parts = [visit(a) for a in moving]
            if fixed:
                parts.append(leaf(e.func(*fixed)))
            return builder.sum(parts) if e.is_Add else builder.product(parts)
        if e.is_Pow:
            return power(*e.as_base_exp()) if e.base != sympy.E else exponential(e.exp)
        if isinstance(e, sympy.exp):
            return exponential(e.args[0])
        for function, make in unary.items():
            if isinstance(e, function):
                return make(visit(e.args[0]))
        if isinstance(e, sympy.Min | sympy.Max):
            combine = builder.minimum if isinstance(e, sympy.Min) else builder.maximum
            first, *others = (visit(a) for a in e.args)
            for other in others:
                first = combine(first, other)
            return first
        raise FormulaError(
            f"{e.func.__name__} is not available in a fitted form: "
            "use + - * / **, exp, log, sqrt, Abs, sin, cos, atan, Min, Max"
        )

    return builder.finish(visit(expression), linear)


def finite(number: sympy.Expr) -> float:
    """The value of a number. Raises `FormulaError` where it is none that is finite and real."""
    try:
        value = float(number)
    except (TypeError, ArithmeticError):
        value = np.nan
    if not np.isfinite(value):
        raise FormulaError(f"{str(number)[:80]} is not a finite real number")
    return value


def evaluate_column(key: Any, variables: Mapping[str, Array], rows: int) -> Array:
    """Values of a column whose key is a SymPy expression in `variables`, shape (rows,). log(0) gives `TINY_LOG`."""
    import sympy

    if key == ONES:
        return np.ones(rows)
    if isinstance(key, sympy.Symbol):
        return np.asarray(variables[key.name], dtype=np.float64)
    function, names = _column_function(key)
    with np.errstate(all="ignore"):
        values = np.asarray(function(*(variables[n] for n in names)), dtype=np.float64)
    return np.ascontiguousarray(np.broadcast_to(values, (rows,)))


@lru_cache(maxsize=4096)
def _column_function(key: Any) -> tuple[Callable[..., Any], tuple[str, ...]]:
    import sympy

    symbols = sorted(key.free_symbols, key=str)
    function = sympy.lambdify(symbols, with_plain_numbers(key), modules=[{"log": _guarded_log}, "numpy"])
    return function, tuple(s.name for s in symbols)


def _guarded_log(x: Any) -> Any:
    return np.where(np.equal(x, 0.0), TINY_LOG, np.log(x))
