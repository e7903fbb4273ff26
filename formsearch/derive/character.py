"""What a closed form is: a minimum by its curvature, a power of some variables, independent of others."""

from __future__ import annotations

from typing import Any

import numpy as np

from formsearch.derive.derivation import Check, Condition, Step
from formsearch.derive.outcome import letter, partial
from formsearch.derive.problem import Problem
from formsearch.derive.reduce import Reduced
from formsearch.derive.roads import over_draws
from formsearch.derive.simplify import power_terms, presented, symbols_named, tidy
from formsearch.derive.stationary import Stationary


def second_order(
    problem: Problem, name: str, expression: Any, r: Reduced, found: Stationary, solution: Any
) -> tuple[Condition, Step]:
    """The sign of the second derivative: everywhere if it is constant, else at the stationary point."""
    import sympy

    x, target = problem.symbols[name], letter(problem)
    symbol = partial(name, 2, target)
    wanted = -1 if problem.maximises else 1
    curvature = tidy(sympy.diff(expression, x, 2))
    sign, check = problem.sign(curvature)
    where = f"{target} is {'convex' if wanted == 1 else 'concave'} in {name} everywhere"
    if sign != wanted or check.kind != "proved":
        local = _curvature_at(problem, name, r, found, solution)
        if sign != wanted or (local[1] == wanted and local[2].kind == "proved"):
            curvature, sign, check, where = local
    comparison = sympy.Gt if wanted == 1 else sympy.Lt
    shown = presented(problem.folded(curvature))
    condition = Condition(comparison(shown, 0, evaluate=False), check)
    word = "minimum" if wanted == 1 else "maximum"
    if sign == wanted:
        which = "the global" if found.at_most_one else "a"
        what = "it" if where.startswith("At") else "the stationary point"
        sentence = f"{where}, so {what} is {which} {word} ({check.sentence})."
        check = check if check.kind != "failed" else Check("numerically", check.sentence)
    elif sign == 0:
        condition = _needed(problem, curvature, wanted)
        check = condition.check
        sentence = f"The stationary point is a {word} where {problem.line(condition.relation)}: {check.sentence}."
    else:
        sentence = f"The second-order condition for a {word} is not decided by algebra: {check.sentence}."
        check = Check("assumed" if sign is None else "numerically", sentence)
    step = Step(f"Second order in {name}", sentence, sympy.Eq(symbol, shown, evaluate=False), check)
    return condition, step


def _needed(problem: Problem, curvature: Any, wanted: int) -> Condition:
    """For a curvature that has both signs: the condition on those of its factors whose sign is not settled."""
    import sympy

    free, settled = [], wanted
    for factor in sympy.Mul.make_args(sympy.factor_terms(curvature)):
        sign, _ = problem.sign(factor)
        if sign in (1, -1):
            settled *= sign
        else:
            free.append(factor)
    left = presented(problem.folded(sympy.Mul(*free)))
    comparison = sympy.Gt if settled == 1 else sympy.Lt
    values = over_draws(problem, left)
    holds, finite = int(np.sum(settled * values > 0)), int(np.isfinite(values).sum())
    said = f"it has both signs on the domain and holds at {holds} of {finite} reference settings"
    return Condition(comparison(left, 0, evaluate=False), Check("numerically", said))


def _curvature_at(
    problem: Problem, name: str, r: Reduced, found: Stationary, solution: Any
) -> tuple[Any, int | None, Check, str]:
    """d2L/dx2 at the optimum.

    For two powers that balance, g1 y**p1 + g2 y**p2 = 0 with y = a + b*x, it is factor*b**2*g2*(p2 - p1)*y**(p2-2).
    """
    import sympy

    x, target = problem.symbols[name], letter(problem)
    at = f"At the stationary point d2{target}/d{name}2 {'<' if problem.maximises else '>'} 0"
    if len(found.terms) == 2:
        high, low, base = found.terms[1], found.terms[0], found.base or x
        scale = sympy.diff(base, x) ** 2
        curvature = r.factor * scale * high.coefficient * (high.exponent - low.exponent) * base ** (high.exponent - 2)
        curvature = tidy(curvature)
    else:
        # Where u' = 0 the chain rule leaves d2L/dx2 = factor * u''.
        curvature = tidy(r.factor * tidy(sympy.diff(r.u, x, 2)))
        if problem.sign(curvature)[0] not in (1, -1):
            curvature = tidy(sympy.expand_log(curvature.subs(x, solution), force=True))
    sign, check = problem.sign(curvature)
    return curvature, sign, check, at


def scaling(problem: Problem, solution: Any, depends: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, float]]:
    """d ln(x_opt)/d ln(v) for each variable v in which the optimum is a pure power."""
    exponents: dict[str, Any] = {}
    values: dict[str, float] = {}
    for v in depends:
        s = problem.symbols[v]
        terms = power_terms(problem.opened(solution, s), s)
        if terms is None or len(terms) != 1 or terms[0].exponent == 0:
            continue
        exponents[v] = tidy(terms[0].exponent)
        number = problem.at(exponents[v])
        if number is not None:
            values[v] = number
    return exponents, values


def independence(problem: Problem, name: str, r: Reduced, found: Stationary, depends: tuple[str, ...]) -> Check:
    """Which other variables the optimum depends on, and why the rest cannot enter."""

    others = [v for v in problem.variables if v != name]
    free = [v for v in others if v not in depends]
    if not others:
        return Check("proved", f"{name} is the only variable")
    slope, target = problem.line(presented(found.slope)), letter(problem)
    if not free:
        return Check("proved", f"{name}_opt depends on {', '.join(depends)}")
    outer = presented(problem.folded(r.factor))
    factor = problem.line(outer)
    shown = f"({factor})" if outer.is_Add else factor
    because = f"d{target}/d{name} = {slope}"
    if r.factor != 1:
        signs = {1: f"with {factor} > 0", -1: f"with {factor} < 0"}
        said = signs.get(r.sign or 0, "whose first factor cannot move a zero")
        because = f"d{target}/d{name} = {shown}*({slope}) {said}"
    only = f"; it depends on {', '.join(depends)}" if depends else ""
    entering = symbols_named(problem.spelled(found.slope), free)
    kind = "proved" if not entering else "numerically"
    return Check(kind, f"{name}_opt is independent of {', '.join(free)} because {because}{only}")  # type: ignore[arg-type]
