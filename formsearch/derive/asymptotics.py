"""How an optimum without a closed form grows: dominant balance of the terms of its equation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from formsearch.derive.simplify import Term, power_terms, tidy

if TYPE_CHECKING:
    import sympy

    from formsearch.derive.problem import Problem


@dataclass(frozen=True)
class Balance:
    """For y -> infinity the optimum goes as coefficient * y**exponent, where two terms balance and lead all others.

    `value` is the exponent as a number; `pair` are the two terms, as SymPy expressions.
    """

    exponent: Any
    coefficient: Any
    value: float
    pair: tuple[Any, Any]


@dataclass(frozen=True)
class _Monomial:
    coefficient: Any
    p: Any
    q: Any
    p_value: float
    q_value: float
    sign: int


def dominant_balance(problem: Problem, terms: Sequence[Term], x: sympy.Symbol, y: sympy.Symbol) -> tuple[Balance, ...]:
    """All balances of sum coefficient * x**p * y**q = 0 as y goes to infinity (constants must have values).

    With x = K*y**s two terms of opposite sign balance where p1*s + q1 = p2*s + q2, and lead where no third term has
    a larger order. Several balances can exist if the equation has several roots.
    """
    monomials = _monomials(problem, terms, y)
    if monomials is None:
        return ()
    found: list[Balance] = []
    for a, b in combinations(monomials, 2):
        if a.sign * b.sign >= 0 or a.p_value == b.p_value:
            continue
        s = (b.q_value - a.q_value) / (a.p_value - b.p_value)
        order = a.p_value * s + a.q_value
        if any(m.p_value * s + m.q_value > order + 1e-9 for m in monomials if m is not a and m is not b):
            continue
        exponent = tidy((b.q - a.q) / (a.p - b.p))
        coefficient = tidy((-b.coefficient / a.coefficient) ** (1 / (a.p - b.p)))
        pair = (a.coefficient * x**a.p * y**a.q, b.coefficient * x**b.p * y**b.q)
        found.append(Balance(exponent, coefficient, s, pair))
    return tuple(found)


def _monomials(problem: Problem, terms: Sequence[Term], y: sympy.Symbol) -> list[_Monomial] | None:
    monomials: list[_Monomial] = []
    for t in terms:
        inner = power_terms(problem.opened(t.coefficient, y), y)
        p_value = problem.at(t.exponent)
        if inner is None or p_value is None:
            return None
        for part in inner:
            q_value = problem.at(part.exponent)
            sign, _ = problem.sign(part.coefficient)
            if q_value is None or sign not in (1, -1):
                return None
            monomials.append(_Monomial(part.coefficient, t.exponent, part.exponent, p_value, q_value, sign))
    return monomials
