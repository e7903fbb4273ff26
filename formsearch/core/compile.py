"""SymPy expression -> tape: row-only parts become columns, equal parts are shared, linear constants are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, reduce
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
    linear = linear_constants(expression, constants)
    logs = [bool(flag) and not lin for flag, lin in zip(logarithmic or [False] * len(constants), linear, strict=True)]
    builder = Builder([str(c) for c in constants], logs)
    return builder.finish(_Compiler(builder, constants).visit(expression), linear)


class _Compiler:
    """Walks an expression and puts what it meets on a tape; equal parts are met once."""

    def __init__(self, builder: Builder, constants: Sequence[sympy.Symbol]) -> None:
        import sympy

        self.builder = builder
        self.index = {c: i for i, c in enumerate(constants)}
        self.known: dict[Any, Slot] = {}
        self.unary = {
            sympy.log: builder.log,
            sympy.Abs: builder.abs,
            sympy.sin: builder.sin,
            sympy.cos: builder.cos,
            sympy.atan: builder.atan,
        }

    def visit(self, e: Any) -> Slot:
        """Where the value of `e` stands."""
        slot = self.known.get(e)
        if slot is None:
            slot = self.known[e] = self._build(e)
        return slot

    def _fixed(self, e: Any) -> bool:
        """Whether `e` holds no constants."""
        return bool(e.free_symbols.isdisjoint(self.index))

    def _leaf(self, e: Any) -> Slot:
        return self.builder.literal(finite(e)) if e.is_number else self.builder.column(e)

    def _build(self, e: Any) -> Slot:
        import sympy

        if e in self.index:
            return self.builder.constant(self.index[e])
        if self._fixed(e):
            return self._leaf(e)
        if e.is_Add or e.is_Mul:
            parts = [self.visit(a) for a in e.args if not self._fixed(a)]
            if len(parts) < len(e.args):
                parts.append(self._leaf(e.func(*(a for a in e.args if self._fixed(a)))))
            return self.builder.sum(parts) if e.is_Add else self.builder.product(parts)
        if isinstance(e, sympy.exp) or (e.is_Pow and e.base == sympy.E):
            return self.builder.exp(self.visit(e.exp))
        if e.is_Pow:
            return self._power(*e.as_base_exp())
        for function, make in self.unary.items():
            if isinstance(e, function):
                return make(self.visit(e.args[0]))
        if isinstance(e, sympy.Min | sympy.Max):
            combine = self.builder.minimum if isinstance(e, sympy.Min) else self.builder.maximum
            return reduce(combine, (self.visit(a) for a in e.args))
        raise FormulaError(
            f"{e.func.__name__} is not available in a fitted form: "
            "use + - * / **, exp, log, sqrt, Abs, sin, cos, atan, Min, Max"
        )

    def _power(self, base: Any, exponent: Any) -> Slot:
        import sympy

        builder = self.builder
        if exponent.is_Integer and abs(int(exponent)) <= MAX_WHOLE_POWER:
            return builder.power(self.visit(base), int(exponent))
        if base == 0:
            return builder.exp(builder.mul(self.visit(exponent), builder.literal(TINY_LOG)))
        if base.is_number:
            if finite(base) < 0:
                raise FormulaError(f"({base})**({exponent}) is real only for whole exponents, which no fit can find")
            return builder.exp(self.visit(exponent * sympy.log(base)))
        if self._fixed(base):
            # A column to a free power. The numeric factor of the exponent goes into the column: N**-alpha is
            # exp(alpha * (-log N)), which leaves alpha itself as the operand.
            number, rest = exponent.as_coeff_Mul()
            return builder.exp(builder.mul(self.visit(rest), builder.column(number * sympy.log(base))))
        # log(Nc/N) becomes log(Nc) - log(N): a scalar and a column instead of a logarithm a row.
        logarithm = sympy.expand_log(sympy.log(base))
        return builder.exp(builder.mul(self.visit(exponent), self.visit(logarithm)))


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
