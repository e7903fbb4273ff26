"""The optimum in one variable, the others held: stationarity, solution, second order, dependence, two roads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formsearch.derive.absent import absent, monotone
from formsearch.derive.character import independence, scaling, second_order
from formsearch.derive.derivation import Check, Result, Step
from formsearch.derive.implicit import implicit
from formsearch.derive.outcome import Outcome, letter, partial, quantity_name
from formsearch.derive.problem import DRAWS, Problem
from formsearch.derive.reduce import Reduced, reduced
from formsearch.derive.roads import best_integer, relative, residual_at, two_roads
from formsearch.derive.simplify import presented, same, symbols_named, tidy
from formsearch.derive.stationary import Stationary, stationary

_CLOSE_ENOUGH = 1e-9
_SAYABLE = 40
"""Operations up to which a sentence quotes an expression."""


def optimum(problem: Problem, name: str, seconds: float) -> Outcome:
    """Derive the interior optimum of the target in the variable `name`, everything else held fixed."""
    x = problem.symbols[name]
    expression = problem.opened(problem.expression, x)
    reduction = reduced(problem, expression, x)
    found = stationary(problem, reduction.u, x, seconds)
    steps = [_first_order(problem, name, expression, reduction, found)]
    if found.outcome == "none":
        return monotone(problem, name, reduction, found, steps)
    if found.outcome == "closed":
        chosen = _admissible(problem, name, expression, found.solutions)
        road = None if chosen is None else two_roads(problem, name, expression, chosen, found.at_most_one)
        if road is not None and _trusted(problem, name, found, chosen, road):
            return _closed(problem, name, expression, reduction, found, chosen, steps, road)
        if problem.values and found.at_most_one:
            sentence = _outside(problem, name, expression, found)
            return absent(problem, name, reduction, found, steps, sentence)
    return implicit(problem, name, expression, reduction, found, steps)


def _trusted(problem: Problem, name: str, found: Stationary, solution: Any, road: Check) -> bool:
    """Whether a closed form stands: compared with numbers, or (where there was nothing to compare) surely a zero."""
    if not road.passed or not problem.values or road.difference is not None:
        return road.passed
    residual = residual_at(problem, name, found.slope, solution)
    return residual is None or residual < _CLOSE_ENOUGH


# -- first order ----------------------------------------------------------------------------------------------------


def _first_order(problem: Problem, name: str, expression: Any, r: Reduced, found: Stationary) -> Step:
    import sympy

    x, target = problem.symbols[name], letter(problem)
    slope = presented(problem.folded(found.slope))
    factor = presented(problem.folded(r.factor))
    product = slope if factor == 1 else factor if slope == 1 else sympy.Mul(factor, slope, evaluate=False)
    equal = same(sympy.diff(expression, x), r.factor * found.slope)
    if equal:
        check = Check("proved", f"the difference from the derivative of {target} is zero by algebra")
    else:
        worst = relative(problem, sympy.diff(expression, x), r.factor * found.slope)
        check = Check("failed" if worst is not None and worst > 1e-8 else "numerically",
                      "compared with the derivative at the reference settings", worst)  # fmt: skip
    why = f": {'; '.join(r.said)}" if r.said else ""
    sentence = (
        f"{target} depends on {name} only through {problem.line(tidy(r.u))}{why}."
        if r.u != expression and r.u != x and r.u.count_ops() < _SAYABLE
        else ""
    )
    return Step(
        f"Slope in {name}",
        sentence or f"Differentiate {target} in {name}.",
        sympy.Eq(partial(name, target=target), product, evaluate=False),
        check,
    )


# -- a closed form --------------------------------------------------------------------------------------------------


def _admissible(problem: Problem, name: str, expression: Any, solutions: tuple[Any, ...]) -> Any:
    """The solution that is real, in the domain and a local optimum at most reference settings; None if none is."""
    import sympy

    if not problem.values:
        return next((s for s in solutions if s.is_positive is not False), None)
    x = problem.symbols[name]
    curvature = problem.spelled(sympy.diff(expression, x, 2)) * (-1 if problem.maximises else 1)
    good: list[tuple[Any, NDArray[np.bool_]]] = []
    domain = problem.domains[name]
    for s in solutions:
        full = problem.spelled(s)
        free = sorted(str(v) for v in full.free_symbols | curvature.free_symbols if v != x)
        columns = [problem.draws[n] if n in problem.draws else np.full(DRAWS, problem.values[n]) for n in free]
        where = np.broadcast_to(problem.function(full, free)(*columns), (DRAWS,))
        with np.errstate(all="ignore"):
            bend = np.broadcast_to(problem.function(curvature, [name, *free])(where, *columns), (DRAWS,))
        inside = np.isfinite(where) & (where > domain.low) & (where < domain.high) & (bend > 0)
        if inside.any():
            good.append((s, inside))
    if not good:
        return None
    best, covered = max(good, key=lambda pair: int(pair[1].sum()))
    # If another branch takes over at some settings, no single formula is the optimum.
    return None if any((inside & ~covered).any() for _, inside in good) else best


def _closed(
    problem: Problem, name: str, expression: Any, r: Reduced, found: Stationary, solution: Any, steps: list[Step],
    road: Check,
) -> Outcome:  # fmt: skip
    import sympy

    kind = "maximum" if problem.maximises else "minimum"
    shown = sympy.Symbol(f"{name}_opt")
    steps.append(_solution_step(problem, name, found, solution, shown))
    second, second_step = second_order(problem, name, expression, r, found, solution)
    steps.append(second_step)
    depends = symbols_named(problem.spelled(solution), problem.variables)
    exponents, values = scaling(problem, solution, depends)
    why = independence(problem, name, r, found, depends)
    steps.append(Step(f"What {shown} depends on", why.sentence, None, why))
    steps.append(Step(f"Two roads to {shown}", road.sentence, None, road))
    value = problem.at(solution)
    remarks = _shift_remark(problem, name, found, solution)
    result = Result(
        name, quantity_name(problem, name), kind, presented(solution), presented(problem.spelled(solution)), value,
        road, second_order=second, conditions=(*r.conditions, *found.conditions), depends_on=depends,
        independence=why.sentence if not depends else "", exponents=exponents, exponent_values=values,
        settings={k: v for k, v in problem.settings.items() if k in depends}, remarks=remarks,
    )  # fmt: skip
    result = replace(result, integer=best_integer(problem, name, result))
    return Outcome(name, "closed", tuple(steps), result, solution, found.slope, found, r)


def _outside(problem: Problem, name: str, expression: Any, found: Stationary) -> str:
    """A sentence on the only zero of the slope, which is no optimum within the domain."""
    import sympy

    q = problem.quantity_of(name)
    if len(found.solutions) != 1 or q is None:
        return "the only solution is outside the domain, or no optimum, at every reference setting"
    solution = found.solutions[0]
    value = problem.at(solution)
    number = "" if value is None or not np.isfinite(value) else f" = {value:.5g}"
    zero = f"the only zero of the slope, {name} = {problem.line(presented(solution))}{number}"
    slope = problem.spelled(sympy.diff(expression, problem.symbols[name]))
    names = sorted(str(s) for s in slope.free_symbols)
    columns = [problem.draws[n] if n in problem.draws else np.full(DRAWS, problem.values[n]) for n in names]
    signs = {int(s) for s in np.sign(problem.function(slope, names)(*columns)).ravel() if np.isfinite(s)}
    if len(signs) != 1 or (value is not None and q.admits(np.asarray([value]))[0]):
        return f"{zero}, is no optimum"
    rises = signs == {1}
    edge = (q.low if rises else q.high) if not problem.maximises else (q.high if rises else q.low)
    best = f"; {name} = {edge:g} is best" if np.isfinite(edge) else ""
    direction = f"{letter(problem)} {'rises' if rises else 'falls'} with {name} throughout"
    return f"{zero}, is outside its domain ({q.domain}): {direction}{best}"


def _shift_remark(problem: Problem, name: str, found: Stationary, solution: Any) -> tuple[str, ...]:
    """The scaling of 1 - S where the optimum of S itself is no power."""

    if found.base is None:
        return ()
    x = problem.symbols[name]
    y = tidy(found.base.subs(x, solution))
    exponents, values = scaling(problem, y, symbols_named(problem.spelled(y), problem.variables))
    return tuple(
        f"{problem.line(found.base)} goes as {v}^({problem.line(e)})"
        + (f" = {v}^{values[v]:.6g}, to {0 if values[v] < 0 else 'infinity'} as {v} grows" if v in values else "")
        for v, e in exponents.items()
    )


def _solution_step(problem: Problem, name: str, found: Stationary, solution: Any, shown: Any) -> Step:
    import sympy

    x = problem.symbols[name]
    residual = found.slope.subs(x, solution)
    if same(residual, sympy.Integer(0)) or _balances(problem, name, found, solution):
        check = Check("proved", "put back into the slope it gives zero by algebra")
    else:
        worst = residual_at(problem, name, found.slope, solution)
        bad = bool(problem.values) if worst is None else worst > 1e-9
        check = Check("failed" if bad else "numerically", "put back into the slope at the reference settings", worst)
    number = "the only zero of the slope" if found.at_most_one else "a zero of the slope"
    return Step(f"Solve for {name}", f"{number[0].upper()}{number[1:]} ({found.method}).",
                sympy.Eq(shown, presented(solution), evaluate=False), check)  # fmt: skip


def _balances(problem: Problem, name: str, found: Stationary, solution: Any) -> bool:
    """For g1*y**p1 + g2*y**p2 = 0: whether y**(p2 - p1) at the solution is -g1/g2, and du/dx is that sum times y'/y."""
    import sympy

    if len(found.terms) != 2:
        return False
    x, (low, high) = problem.symbols[name], found.terms
    y = x if found.base is None else found.base
    total = (low.coefficient * y**low.exponent + high.coefficient * y**high.exponent) * sympy.diff(y, x) / y
    ratio = sympy.powdenest(sympy.expand(y.subs(x, solution)) ** (high.exponent - low.exponent), force=True)
    zero = sympy.Integer(0)
    return bool(same(found.slope, total) and same(low.coefficient + high.coefficient * ratio, zero))
