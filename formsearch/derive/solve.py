"""Solving one equation for one symbol in closed form: two powers, a line in the logarithm, then SymPy in its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from formsearch.derive.limits import GAVE_UP, limited
from formsearch.derive.problem import DRAWS
from formsearch.derive.simplify import power_of_number, power_terms, tidy

if TYPE_CHECKING:
    from formsearch.derive.problem import Problem


def solve_for(problem: Problem, equation: Any, x: Any, seconds: float) -> Any:
    """x from `equation = 0` in closed form (the positive branch); None if there is none, or none is found in time."""
    import sympy

    if not equation.has(x):
        return None
    for shape in (equation, sympy.fraction(sympy.together(equation))[0]):
        simple = zero(shape, x)
        if simple is not None:
            return simple
    try:
        roots = limited(seconds, _roots, equation, x)
    except GAVE_UP:
        return None
    good = [r for r in roots if not r.has(sympy.I) and r.is_negative is not True and not r.has(x)]
    if len(good) > 1:
        good = [r for r in good if r.is_positive] or [r for r in good if _positive_somewhere(problem, r)]
    return tidy(good[0]) if len(good) == 1 else None


def zero(expression: Any, y: Any) -> Any:
    """The zero of an expression that is a line in ln y, or a balance of two powers of y; None otherwise."""
    import sympy

    t = sympy.Dummy("t", real=True)
    moved = sympy.expand(sympy.expand_log(expression, force=True)).subs(sympy.log(y), t)
    if not moved.has(y) and moved.is_polynomial(t) and sympy.degree(moved, t) == 1:
        slope, rest = sympy.Poly(moved, t).all_coeffs()
        return power_of_number(tidy(-rest / slope))
    terms = power_terms(expression, y)
    if terms is None or len(terms) != 2:
        return None
    a, b = terms
    root = (-b.coefficient / a.coefficient) ** (1 / (a.exponent - b.exponent))
    return None if root.has(sympy.I) else tidy(root)


def _roots(equation: Any, x: Any) -> list[Any]:
    import sympy

    return list(sympy.solve(equation, x))


def _positive_somewhere(problem: Problem, expression: Any) -> bool:
    names = sorted(str(s) for s in problem.spelled(expression).free_symbols)
    if any(n not in problem.draws and n not in problem.values for n in names):
        return False
    columns = [problem.draws[n] if n in problem.draws else np.full(DRAWS, problem.values[n]) for n in names]
    values = problem.function(expression, names)(*columns)
    return bool(np.any(np.isfinite(values) & (values > 0)))
