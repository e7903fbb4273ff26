"""The sign of an expression: by algebra, by interval arithmetic over the domain, or at reference settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from formsearch.derive.derivation import Check
from formsearch.derive.interval import enclosure, sign_on_box
from formsearch.derive.problem import DRAWS, Problem


def sign_of(problem: Problem, expression: Any) -> tuple[int | None, Check]:
    """The sign of an expression over the whole domain, and how it is known.

    +1 or -1; 0 if it changes sign; None if nothing is known. Algebra first, then interval arithmetic over the
    domain, then the reference settings.
    """
    if expression.is_positive:
        return 1, Check("proved", "every part is positive")
    if expression.is_negative:
        return -1, Check("proved", "every part is negative")
    if problem.at_least and (bounded := _sign_by_parts(problem, expression)) is not None:
        names = ", ".join(f"{n} = {problem.line(f)}" for n, f, _ in problem.at_least)
        return bounded, Check("proved", f"every part has a known sign, as {names} stays in its domain")
    full = problem.spelled(expression)
    if full.is_positive:
        return 1, Check("proved", "every part is positive")
    if full.is_negative:
        return -1, Check("proved", "every part is negative")
    if full.is_zero:
        return 0, Check("proved", "it is zero")
    free = sorted((str(s) for s in full.free_symbols), key=str)
    unknown = [n for n in free if n not in problem.values and n not in problem.domains]
    if unknown or (not problem.values and any(n in problem.law.constant_names for n in free)):
        return None, Check("assumed", "its constants were not given")
    moving = [n for n in free if n not in problem.values]
    if not moving:
        value = problem.at(full)
        assert value is not None
        return int(np.sign(value)), Check("proved", f"its value is {value:.6g}")
    decided = _sign_on_domain(problem, full, moving)
    if decided is not None:
        how = "has both signs on" if decided == 0 else "interval arithmetic over"
        return decided, Check("proved", f"{how} {_domain_text(problem, moving)}")
    columns = [problem.draws[n] if n in problem.draws else np.full(DRAWS, problem.values[n]) for n in free]
    sampled = problem.function(full, free)(*columns)
    signs = set(np.sign(sampled[np.isfinite(sampled)]).astype(int).tolist())
    if len(signs) == 1:
        return signs.pop(), Check("numerically", f"at all {np.isfinite(sampled).sum()} reference settings")
    return (0 if signs else None), Check("numerically", "it has both signs over the reference settings")


def _sign_by_parts(problem: Problem, expression: Any) -> int | None:
    """The sign from those of the parts, where an eliminated variable's domain decides one of them."""
    if expression.is_positive:
        return 1
    if expression.is_negative:
        return -1
    if expression.is_Mul:
        signs = [_sign_by_parts(problem, a) for a in expression.args]
        return None if None in signs else math.prod(s or 0 for s in signs)
    if expression.is_Pow:
        base = _sign_by_parts(problem, expression.base)
        whole = expression.exp.is_integer
        return 1 if base == 1 or (base == -1 and whole and expression.exp.is_even) else None
    if expression.is_Add:
        signs = [_sign_by_parts(problem, a) for a in expression.args]
        if None not in signs and len(set(signs)) == 1:
            return signs[0]
        return next((s for _, g, low in problem.at_least if (s := _sign_above(expression, g, low)) is not None), None)
    names = [str(s) for s in expression.free_symbols]
    if expression.is_Function and len(names) == 1 and names[0] in problem.domains:
        decided = _sign_on_domain(problem, expression, names)
        return decided if decided in (1, -1) else None
    return None


def _sign_on_domain(problem: Problem, full: Any, moving: list[str]) -> int | None:
    import sympy

    by_name = {str(s): s for s in full.free_symbols}
    fixed = {by_name[n]: sympy.Float(problem.values[n], 17) for n in by_name if n in problem.values}
    low, high, arguments, change = [], [], [], {}
    for n in moving:
        domain = problem.domains[n]
        t = sympy.Symbol(f"t_{n}", real=True)
        change[by_name[n]] = sympy.exp(t) if domain.log else t
        arguments.append(t)
        low.append(math.log(domain.low) if domain.log else domain.low)
        high.append(math.log(domain.high) if domain.log else domain.high)
    try:
        function = enclosure(full.subs(change).subs(fixed), arguments)
        return sign_on_box(function, low, high)
    except (TypeError, ValueError, ArithmeticError, NameError, KeyError):
        return None  # a function that has no enclosure; the sampled check remains


def _domain_text(problem: Problem, moving: Sequence[str]) -> str:
    return ", ".join(f"{n} in [{problem.domains[n].low:.3g}, {problem.domains[n].high:.3g}]" for n in moving)


def _sign_above(expression: Any, formula: Any, low: float) -> int | None:
    """The sign of a*formula + rest with numbers a, rest, given that the formula is at least `low`."""
    symbol = next((s for s in formula.free_symbols if formula.coeff(s).is_number and formula.coeff(s) != 0), None)
    if symbol is None:
        return None
    a = expression.coeff(symbol) / formula.coeff(symbol)
    rest = (expression - a * formula).expand()
    if not (a.is_number and rest.is_number) or a == 0:
        return None
    least = float(rest + a * low)
    return 1 if a > 0 and least > 0 else -1 if a < 0 and least < 0 else None
