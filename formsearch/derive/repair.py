"""When a printed equation is wrong: under which condition it holds, or by which single change it would be right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from formsearch.derive.simplify import same

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True)
class Repair:
    """A change of the printed expression, in words, and the expression that results."""

    sentence: str
    expression: Any


def equal(a: Any, b: Any, trials: int = 4) -> bool:
    """Whether two expressions agree at random positive values of every symbol (in 30 digits), then by algebra.

    Disagreement at one point is proof of difference; agreement at all is confirmed by algebra where it can.
    """
    return _agree_at_random(a, b, trials)


def proved(a: Any, b: Any) -> bool:
    """Whether algebra shows that the difference vanishes."""
    return bool(same(a, b))


def _agree_at_random(a: Any, b: Any, trials: int = 4) -> bool:
    import mpmath
    import sympy

    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    function = sympy.lambdify(symbols, [a, b], modules="mpmath", cse=True)
    rng = np.random.default_rng(11)
    compared = 0
    with mpmath.workdps(40):
        for _ in range(12 * trials):
            values = [
                mpmath.mpf(str(float(v))) * (-1 if s.is_negative else 1)
                for s, v in zip(symbols, rng.uniform(0.3, 2.1, len(symbols)), strict=True)
            ]
            try:
                left, right = function(*values)
            except (ZeroDivisionError, ValueError, OverflowError):
                continue
            if mpmath.im(left) or mpmath.im(right):
                continue  # outside the domain of a power
            scale = max(abs(left), abs(right), mpmath.mpf(10) ** -20)
            if abs(left - right) > scale * mpmath.mpf(10) ** -25:
                return False
            compared += 1
            if compared == trials:
                return True
    return compared > 0


# -- conditions -----------------------------------------------------------------------------------------------------


def only_if(
    difference: Any,
    printed: Any,
    constants: Sequence[sympy.Symbol],
    unknown: Sequence[sympy.Symbol],
    variables: Sequence[Any],
) -> str:
    """The simplest condition under which the difference vanishes; "" if there is none.

    Tried: a symbol that the law does not know has a value, a constant is zero, two constants are equal.
    """
    import sympy

    present = difference.free_symbols
    for u in unknown:
        if u in present:
            value = _value_of(difference, u, variables)
            if value is not None:
                return f"{u} = {sympy.sstr(value)}"
    used = [c for c in constants if c in present]
    for c in used:
        rest = difference.subs(c, 0)
        gone = {v for v in variables if printed.has(v)} - printed.subs(c, 0).free_symbols
        if gone:
            continue  # nothing is left of the statement
        if rest == 0 or (not rest.has(sympy.zoo, sympy.nan) and _agree_at_random(rest, sympy.Integer(0))):
            return f"{c} = 0"
    for i, c in enumerate(used):
        for d in used[i + 1 :]:
            if _agree_at_random(difference.subs(d, c), sympy.Integer(0)):
                return f"{c} = {d}"
    return ""


def _value_of(difference: Any, u: Any, variables: Sequence[Any]) -> Any:
    """The value of u, free of every variable, at which the difference vanishes."""
    import sympy

    expanded = sympy.expand(difference)
    if not expanded.is_polynomial(u) or sympy.degree(expanded, u) != 1:
        return None
    slope, rest = sympy.Poly(expanded, u).all_coeffs()
    value = sympy.simplify(-rest / slope)
    return None if value.free_symbols & set(variables) else value


# -- single changes ---------------------------------------------------------------------------------------------------


def repaired(printed: Any, holds: Callable[[Any], bool], constants: Sequence[Any] = ()) -> Repair | None:
    """The first single change that makes the printed expression hold; None if there is none.

    Tried: the sign of an exponent or of one term in it, the sign of a term, a term left out, a constant that lost
    its exponent (one of the other constants).
    """
    for change in _changes(printed, constants):
        try:
            if holds(change.expression):
                return change
        except (ZeroDivisionError, ValueError, TypeError):
            continue
    return None


def _changes(printed: Any, constants: Sequence[Any]) -> Iterator[Repair]:
    import sympy

    for power in sorted(printed.atoms(sympy.Pow), key=sympy.default_sort_key):
        if not power.exp.free_symbols:
            continue
        options = [-power.exp]
        if power.exp.is_Add:
            options += [power.exp - 2 * term for term in power.exp.args]
        for exponent in options:
            new = sympy.Pow(power.base, exponent)
            yield Repair(f"the exponent of {power.base} is {sympy.sstr(exponent)}, printed {sympy.sstr(power.exp)}",
                         _with_one_replaced(printed, power, new))  # fmt: skip
    for total in sorted(printed.atoms(sympy.Add), key=sympy.default_sort_key):
        for term in total.args:
            yield Repair(f"the term {sympy.sstr(term)} has the other sign", printed.subs(total, total - 2 * term))
            yield Repair(f"the term {sympy.sstr(term)} does not belong there", printed.subs(total, total - term))

    used = [c for c in constants if printed.has(c)]
    powers = {p.exp for p in printed.atoms(sympy.Pow)}
    exponents = [c for c in used if any(e.has(c) for e in powers)]
    for c in used:
        for q in exponents if c not in exponents else ():
            yield Repair(f"{c} should read {c}**{q}", printed.subs(c, c**q))


def _with_one_replaced(expression: Any, old: Any, new: Any) -> Any:
    return expression.xreplace({old: new})
