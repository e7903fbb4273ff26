"""The optimum in one variable, the others held: stationarity, solution, second order, dependence, two roads."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.derive.derivation import Check, Condition, Result, Step
from formsearch.derive.interval import RootFinder, Roots
from formsearch.derive.numeric import OneVariable, minimum
from formsearch.derive.problem import DRAWS, Problem
from formsearch.derive.reduce import Reduced, reduced
from formsearch.derive.simplify import power_terms, presented, same, symbols_named, tidy
from formsearch.derive.solve import zero
from formsearch.derive.stationary import Stationary, stationary

if TYPE_CHECKING:
    import sympy

Array = NDArray[np.float64]

TOLERANCE = 1e-6
"""Largest relative difference allowed between a closed form and the minimum found on the values themselves."""

_COMPARED = 12
_CLOSE_ENOUGH = 1e-9


@dataclass(frozen=True)
class Outcome:
    """What the derivation in one variable gave.

    `kind`: "closed", "implicit", "monotone" (proved or seen: no interior optimum) or "unknown". `solution` is the
    closed form in named parts; `slope` the reduced slope du/dx whose zero is the optimum.
    """

    x: str
    kind: str
    steps: tuple[Step, ...]
    result: Result
    solution: Any = None
    slope: Any = None
    stationary: Stationary | None = None
    reduction: Reduced | None = None
    more: tuple[Result, ...] = ()


def partial(x: str, order: int = 1, target: str = "L") -> sympy.Symbol:
    """A symbol that reads (and is typeset) as the partial derivative of the target in x."""
    import sympy

    return sympy.Symbol(f"d{target}/d{x}" if order == 1 else f"d{order}{target}/d{x}{order}")


def letter(problem: Problem) -> str:
    """The letter of the target: L for a loss."""
    return "EL" if problem.law.target == "efficiency_leverage" else "L"


def optimum(problem: Problem, name: str, seconds: float) -> Outcome:
    """Derive the interior optimum of the target in the variable `name`, everything else held fixed."""
    x = problem.symbols[name]
    expression = problem.opened(problem.expression, x)
    reduction = reduced(problem, expression, x)
    found = stationary(problem, reduction.u, x, seconds)
    steps = [_first_order(problem, name, expression, reduction, found)]
    if found.outcome == "none":
        return _monotone(problem, name, reduction, found, steps)
    if found.outcome == "closed":
        chosen = _admissible(problem, name, expression, found.solutions)
        road = None if chosen is None else two_roads(problem, name, expression, chosen, found.at_most_one)
        if road is not None and _trusted(problem, name, found, chosen, road):
            return _closed(problem, name, expression, reduction, found, chosen, steps, road)
        if problem.values and found.at_most_one:
            sentence = "the only solution is outside the domain, or no optimum, at every reference setting"
            return _absent(problem, name, reduction, found, steps, sentence)
    return _implicit(problem, name, expression, reduction, found, steps)


def _trusted(problem: Problem, name: str, found: Stationary, solution: Any, road: Check) -> bool:
    """Whether a closed form stands: compared with numbers, or (where there was nothing to compare) surely a zero."""
    if not road.passed or not problem.values or road.difference is not None:
        return road.passed
    residual = _residual(problem, name, found.slope, solution)
    return residual is None or residual < _CLOSE_ENOUGH


# -- first order ----------------------------------------------------------------------------------------------------


def _first_order(problem: Problem, name: str, expression: Any, r: Reduced, found: Stationary) -> Step:
    import sympy

    x, target = problem.symbols[name], letter(problem)
    slope = presented(found.slope)
    product = slope if r.factor == 1 else sympy.Mul(presented(r.factor), slope, evaluate=False)
    equal = same(sympy.diff(expression, x), r.factor * found.slope)
    if equal:
        check = Check("proved", f"the difference from the derivative of {target} is zero by algebra")
    else:
        worst = _relative(problem, sympy.diff(expression, x), r.factor * found.slope)
        check = Check("failed" if worst is not None and worst > 1e-8 else "numerically",
                      "compared with the derivative at the reference settings", worst)  # fmt: skip
    why = f": {'; '.join(r.said)}" if r.said else ""
    sentence = f"{target} depends on {name} only through {sympy.sstr(tidy(r.u))}{why}." if r.u != expression else ""
    return Step(
        f"Slope in {name}",
        sentence or f"Differentiate {target} in {name}.",
        sympy.Eq(partial(name, target=target), product, evaluate=False),
        check,
    )


def _relative(problem: Problem, a: Any, b: Any) -> float | None:
    """Largest relative difference of two expressions over the reference settings; None without constants."""
    import sympy

    free = sorted({str(s) for s in problem.spelled(a).free_symbols | problem.spelled(b).free_symbols})
    if any(n not in problem.values and n not in problem.draws for n in free):
        return None
    columns = [problem.draws[n] if n in problem.draws else np.full(DRAWS, problem.values[n]) for n in free]
    va = np.broadcast_to(problem.function(sympy.sympify(a), free)(*columns), (DRAWS,))
    vb = np.broadcast_to(problem.function(sympy.sympify(b), free)(*columns), (DRAWS,))
    good = np.isfinite(va) & np.isfinite(vb)
    if not good.any():
        return None
    scale = np.maximum(np.abs(va[good]), np.abs(vb[good]))
    return float(np.max(np.abs(va[good] - vb[good]) / np.where(scale > 0, scale, 1.0)))


# -- no interior optimum --------------------------------------------------------------------------------------------


def _monotone(problem: Problem, name: str, r: Reduced, found: Stationary, steps: list[Step]) -> Outcome:
    target = letter(problem)
    if found.slope_sign == 0:
        return _absent(problem, name, r, found, steps, f"{target} does not depend on {name}")
    if r.sign in (0, None):
        return _turning(problem, name, r, found, steps)
    direction = "rises" if (r.sign or 0) * (found.slope_sign or 0) > 0 else "falls"
    conditions = (*r.conditions, *found.conditions)
    kinds = {c.check.kind for c in conditions}
    kind = "assumed" if "assumed" in kinds else "numerically" if "numerically" in kinds else "proved"
    sentence = f"{target} strictly {direction} with {name}: no interior optimum"
    check = Check(kind, f"{found.method}: {sentence}")  # type: ignore[arg-type]
    result = Result(name, _quantity(problem, name), "monotone", None, None, None, check,
                    conditions=conditions, remarks=(f"{sentence}.",))  # fmt: skip
    steps[0] = replace(steps[0], sentence=f"{sentence} ({found.method}).")
    return Outcome(name, "monotone", tuple(steps), result, None, found.slope, found, r)


def _turning(problem: Problem, name: str, r: Reduced, found: Stationary, steps: list[Step]) -> Outcome:
    """The slope in one variable changes sign with the others: where it does, in closed form if there is one."""
    import sympy

    target = letter(problem)
    mixed = [c.relation.args[0] for c in r.conditions if problem.sign(c.relation.args[0])[0] == 0]
    shown = " * ".join(sympy.sstr(presented(m)) for m in mixed) or "its slope"
    said = f"whether {target} rises or falls with {name} depends on the other variables: on the sign of {shown}"
    outcome = _absent(problem, name, r, found, steps, said)
    if len(mixed) != 1:
        return outcome
    more, extra = [], []
    for v in symbols_named(problem.spelled(mixed[0]), problem.variables):
        y = problem.symbols[v]
        place = zero(problem.opened(mixed[0], y), y)
        value = None if place is None else problem.at(place)
        if place is None or (value is not None and not math.isfinite(value)):
            continue
        place = presented(place)
        sentence = f"the direction in {name} turns at {v} = {sympy.sstr(place)}"
        check = Check("proved" if same(mixed[0].subs(y, place), sympy.Integer(0)) else "numerically", sentence)
        extra.append(Step(f"Where {name} turns", sentence + ".", sympy.Eq(y, place, evaluate=False), check))
        more.append(
            Result(f"{v} where {name} turns", _quantity(problem, v), "value", place, presented(problem.spelled(place)),
                   value, check, depends_on=symbols_named(problem.spelled(place), problem.variables))
        )  # fmt: skip
    return replace(outcome, steps=(*outcome.steps, *extra), more=tuple(more))


def _absent(problem: Problem, name: str, r: Reduced, found: Stationary, steps: list[Step], sentence: str) -> Outcome:
    check = Check("numerically" if problem.values else "assumed", sentence)
    steps.append(Step(f"No interior optimum in {name}", sentence + ".", None, check))
    result = Result(name, _quantity(problem, name), "none", None, None, None, check, remarks=(sentence + ".",),
                    conditions=(*r.conditions, *found.conditions))  # fmt: skip
    return Outcome(name, "unknown", tuple(steps), result, None, found.slope, found, r)


def _quantity(problem: Problem, name: str) -> str:
    q = problem.quantity_of(name)
    return q.name if q else ""


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
        name, _quantity(problem, name), kind, presented(solution), presented(problem.spelled(solution)), value, road,
        second_order=second, conditions=(*r.conditions, *found.conditions), depends_on=depends,
        independence=why.sentence if not depends else "", exponents=exponents, exponent_values=values,
        settings={k: v for k, v in problem.settings.items() if k in depends}, remarks=remarks,
    )  # fmt: skip
    result = replace(result, integer=best_integer(problem, name, result))
    return Outcome(name, "closed", tuple(steps), result, solution, found.slope, found, r)


def _shift_remark(problem: Problem, name: str, found: Stationary, solution: Any) -> tuple[str, ...]:
    """The scaling of 1 - S where the optimum of S itself is no power."""
    import sympy

    if found.base is None:
        return ()
    x = problem.symbols[name]
    y = tidy(found.base.subs(x, solution))
    exponents, values = scaling(problem, y, symbols_named(problem.spelled(y), problem.variables))
    return tuple(
        f"{sympy.sstr(found.base)} grows as {v}^({sympy.sstr(e)})" + (f" = {v}^{values[v]:.6g}" if v in values else "")
        for v, e in exponents.items()
    )


def _solution_step(problem: Problem, name: str, found: Stationary, solution: Any, shown: Any) -> Step:
    import sympy

    x = problem.symbols[name]
    residual = found.slope.subs(x, solution)
    if same(residual, sympy.Integer(0)) or _balances(problem, name, found, solution):
        check = Check("proved", "put back into the slope it gives zero by algebra")
    else:
        worst = _residual(problem, name, found.slope, solution)
        bad = bool(problem.values) if worst is None else worst > 1e-9
        check = Check("failed" if bad else "numerically", "put back into the slope at the reference settings", worst)
    number = "the only zero of the slope" if found.at_most_one else "a zero of the slope"
    return Step(f"Solve for {name}", f"{number[0].upper()}{number[1:]} ({found.method}).",
                sympy.Eq(shown, presented(solution), evaluate=False), check)  # fmt: skip


def _residual(problem: Problem, name: str, slope: Any, solution: Any) -> float | None:
    """Largest |slope| at the solution over the sum of its terms' sizes, where the solution is in the domain."""
    import sympy

    if not problem.values:
        return None
    terms = [problem.spelled(t) for t in sympy.Add.make_args(sympy.expand(slope, log=False))]
    free = sorted({str(s) for t in terms for s in t.free_symbols} | {name})
    where = _over_draws(problem, solution)
    columns = [
        where if n == name else problem.draws.get(n, np.full(DRAWS, problem.values.get(n, np.nan))) for n in free
    ]
    values = np.asarray([np.broadcast_to(problem.function(t, free)(*columns), (DRAWS,)) for t in terms])
    domain = problem.domains[name]
    good = np.isfinite(values).all(axis=0) & (where > domain.low) & (where < domain.high)
    if not good.any():
        return None
    sizes = np.abs(values[:, good]).sum(axis=0)
    return float(np.max(np.abs(values[:, good].sum(axis=0)) / np.where(sizes > 0, sizes, 1.0)))


def _over_draws(problem: Problem, expression: Any) -> Array:
    """Values of an expression at the reference settings."""
    free = sorted(str(s) for s in problem.spelled(expression).free_symbols)
    columns = [problem.draws[n] if n in problem.draws else np.full(DRAWS, problem.values[n]) for n in free]
    return np.broadcast_to(problem.function(expression, free)(*columns), (DRAWS,))


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
    curvature = presented(curvature)
    condition = Condition(comparison(curvature, 0, evaluate=False), check)
    word = "minimum" if wanted == 1 else "maximum"
    if sign == wanted:
        which = "the global" if found.at_most_one else "a"
        sentence = f"{where}, so the stationary point is {which} {word} ({check.sentence})."
        check = check if check.kind != "failed" else Check("numerically", check.sentence)
    else:
        sentence = f"The second-order condition for a {word} is not decided by algebra: {check.sentence}."
        check = Check("assumed" if sign is None else "numerically", sentence)
    step = Step(f"Second order in {name}", sentence, sympy.Eq(symbol, curvature, evaluate=False), check)
    return condition, step


def _curvature_at(
    problem: Problem, name: str, r: Reduced, found: Stationary, solution: Any
) -> tuple[Any, int | None, Check, str]:
    """d2L/dx2 at the optimum.

    For two powers that balance, g1 y**p1 + g2 y**p2 = 0 with y = a + b*x, it is factor*b**2*g2*(p2 - p1)*y**(p2-2).
    """
    import sympy

    x, target = problem.symbols[name], letter(problem)
    at = f"at the stationary point {target} is curved the right way"
    if len(found.terms) == 2:
        high, low, base = found.terms[1], found.terms[0], found.base or x
        scale = sympy.diff(base, x) ** 2
        curvature = r.factor * scale * high.coefficient * (high.exponent - low.exponent) * base ** (high.exponent - 2)
        curvature = tidy(curvature)
    else:
        # Where u' = 0 the chain rule leaves d2L/dx2 = factor * u''.
        curvature = tidy(r.factor * tidy(sympy.diff(r.u, x, 2)))
        if problem.sign(curvature)[0] not in (1, -1):
            curvature = tidy(curvature.subs(x, solution))
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
    import sympy

    others = [v for v in problem.variables if v != name]
    free = [v for v in others if v not in depends]
    if not others:
        return Check("proved", f"{name} is the only variable")
    slope, target = sympy.sstr(presented(found.slope)), letter(problem)
    if not free:
        return Check("proved", f"{name}_opt depends on {', '.join(depends)}")
    factor = sympy.sstr(r.factor)
    sign = {1: "> 0", -1: "< 0"}.get(r.sign or 0, "of unknown sign")
    shown = factor if r.factor.is_Atom else f"({factor})"
    because = f"d{target}/d{name} = {slope}"
    if r.factor != 1:
        because = f"d{target}/d{name} = {shown}*({slope}) with {factor} {sign}"
    only = f"; it depends on {', '.join(depends)}" if depends else ""
    entering = symbols_named(problem.spelled(found.slope), free)
    kind = "proved" if not entering else "numerically"
    return Check(kind, f"{name}_opt is independent of {', '.join(free)} because {because}{only}")  # type: ignore[arg-type]


# -- the second road ------------------------------------------------------------------------------------------------


def two_roads(problem: Problem, name: str, expression: Any, solution: Any, unique: bool) -> Check:
    """Compare the closed form with minima found on the values themselves, at reference settings.

    Where the closed form is outside the domain there must be no interior minimum either (which needs no look if the
    slope has at most one zero: `unique`).
    """
    if not problem.values:
        return Check("assumed", "no constants were given, so nothing was compared with numbers")
    function = OneVariable(problem, expression, name)
    domain = problem.domains[name]
    where = _over_draws(problem, solution)
    inside = np.isfinite(where) & (where > domain.low) & (where < domain.high)
    constant = not {str(s) for s in problem.spelled(solution).free_symbols} & set(problem.variables)
    worst, compared, lower, missed = 0.0, 0, 0, 0
    for i in [*np.flatnonzero(inside)[: 3 if constant else _COMPARED],
              *(() if unique else np.flatnonzero(~inside)[: _COMPARED // 2])]:  # fmt: skip
        others = {k: float(v[i]) for k, v in problem.draws.items() if k != name}
        seen = minimum(function.at(others), domain, problem.maximises)
        if seen is None:
            continue
        if not inside[i]:
            missed += 1
            continue
        nearest = min((seen.x, *seen.others), key=lambda v: abs(v - float(where[i])))
        lower += nearest != seen.x
        worst = max(worst, abs(nearest - float(where[i])) / abs(float(where[i])))
        compared += 1
    if missed:
        return Check("failed", f"at {missed} settings there is an optimum that the closed form misses")
    if not compared:
        return Check("numerically", "no reference setting has an interior optimum to compare with")
    sentence = f"direct numeric minimisation at {compared} settings differs by at most {worst:.1e} (relative)"
    if lower:
        sentence += f"; at {lower} of them another local minimum lies lower"
    return Check("numerically" if worst <= TOLERANCE else "failed", sentence, worst)


def best_integer(problem: Problem, name: str, result: Result) -> tuple[int, float] | None:
    """For a count: the better whole neighbour of the optimum and what it costs in the target.

    The cost is at the settings, or the largest over the reference settings where some are missing.
    """
    q = problem.quantity_of(name)
    if q is None or not (q.count or q.unit == "count") or result.value is None:
        return None
    x = result.value
    names = sorted({str(s) for s in problem.spelled(problem.expression).free_symbols} - {name})
    columns = [problem.draws[n] if n in problem.draws else np.full(DRAWS, problem.values[n]) for n in names]
    function = problem.function(problem.expression, [name, *names])
    base = np.broadcast_to(function(np.full(DRAWS, x), *columns), (DRAWS,))
    costs = {}
    for whole in {max(1, math.floor(x)), math.ceil(x)}:
        worse = np.broadcast_to(function(np.full(DRAWS, float(whole)), *columns), (DRAWS,)) - base
        costs[int(whole)] = float(np.nanmax(-worse if problem.maximises else worse))
    whole = min(costs, key=lambda k: costs[k])
    return whole, costs[whole]


# -- an implicit equation -------------------------------------------------------------------------------------------


def _implicit(
    problem: Problem, name: str, expression: Any, r: Reduced, found: Stationary, steps: list[Step]
) -> Outcome:
    import sympy

    equation = sympy.Eq(presented(found.slope), 0, evaluate=False)
    if not problem.values:
        check = Check("assumed", "no closed form, and no constants for a numeric solution")
        result = Result(name, _quantity(problem, name), "implicit", None, None, None, check, implicit=equation)
        return Outcome(name, "implicit", tuple(steps), result, None, found.slope, found, r)
    others = {v for v in problem.variables if v != name}
    if symbols_named(problem.spelled(found.slope), tuple(others - set(problem.settings))):
        settings = {k: float(v[0]) for k, v in problem.draws.items() if k != name}
        given = False
    else:
        settings, given = dict(problem.settings), True
    optima, roots = implicit_optima(problem, name, expression, found.slope, settings)
    where = "the settings" if given else "the first reference settings"
    proof = "interval arithmetic proves there are no others" if roots.complete else "numerically, on a grid"
    sentence = f"{len(roots.values)} stationary point(s) in the domain at {where} ({proof}); {len(optima)} optimum(a)"
    if found.at_most_one:
        sentence += "; coefficients change sign once, so there is at most one"
    kind = "proved" if roots.complete else "numerically"
    check = Check(kind, sentence)  # type: ignore[arg-type]
    steps.append(Step(f"Roots in {name}", f"No closed form ({found.method}): {sentence}.", equation, check))
    if not optima and not given:
        settings, optima, tried = _elsewhere(problem, name, expression, found.slope)
        where = f"any of {tried} reference settings"
    if not optima:
        return _absent(problem, name, r, found, steps, f"no interior optimum in {name} at {where}")
    seen = minimum(OneVariable(problem, expression, name).at(settings), problem.domains[name], problem.maximises)
    worst = None if seen is None else min(abs(o - v) / abs(o) for o in optima for v in (seen.x, *seen.others))
    road = Check(
        "failed" if worst is not None and worst > TOLERANCE else "numerically",
        "direct numeric minimisation found nothing to compare with" if worst is None
        else f"direct numeric minimisation differs by {worst:.1e} (relative)",
        worst,
    )  # fmt: skip
    steps.append(Step(f"Two roads to {name}_opt", road.sentence, None, road))
    best = _best(problem, name, expression, optima, settings)
    result = Result(
        name, _quantity(problem, name), "maximum" if problem.maximises else "minimum", None, None,
        best if given else None, road, conditions=(*r.conditions, *found.conditions), implicit=equation,
        depends_on=symbols_named(problem.spelled(found.slope), tuple(v for v in problem.variables if v != name)),
        settings=dict(problem.settings),
    )  # fmt: skip
    return Outcome(name, "implicit", tuple(steps), result, None, found.slope, found, r)


def _elsewhere(problem: Problem, name: str, expression: Any, slope: Any) -> tuple[dict[str, float], list[float], int]:
    """The first of further reference settings at which there is an interior optimum, and how many were tried."""
    started, tried = time.monotonic(), 1
    for i in range(1, _COMPARED):
        if time.monotonic() - started > _ELSEWHERE_SECONDS:
            break
        settings = {k: float(v[i]) for k, v in problem.draws.items() if k != name}
        optima, _ = implicit_optima(problem, name, expression, slope, settings)
        tried += 1
        if optima:
            return settings, optima, tried
    return {}, [], tried


_ELSEWHERE_SECONDS = 3.0


def implicit_optima(
    problem: Problem, name: str, expression: Any, slope: Any, settings: Mapping[str, float]
) -> tuple[list[float], Roots]:
    """All zeros of the slope at numbers for everything else, and those at which the target has its optimum."""
    domain = problem.domains[name]
    known = {**problem.values, **problem.settings, **settings}
    finder, rising, names = _root_finder(
        problem.spelled(slope), problem.spelled(expression), problem.symbols[name], domain.log, problem.maximises
    )
    low, high = (math.log(domain.low), math.log(domain.high)) if domain.log else (domain.low, domain.high)
    roots = finder.find(known, low, high)

    def side(v: float) -> float:
        return float(rising(*(v if n == name else known[n] for n in names)))

    # A change of sign, not a second derivative: it also holds where two pieces of a form meet.
    places = [(math.exp(v - _BESIDE), math.exp(v), math.exp(v + _BESIDE)) if domain.log
              else (v - _BESIDE, v, v + _BESIDE) for v in roots.values]  # fmt: skip
    return [v for a, v, b in places if side(a) < 0 < side(b)], roots


@lru_cache(maxsize=32)
def _root_finder(
    slope: Any, expression: Any, x: sympy.Symbol, log: bool, maximises: bool
) -> tuple[RootFinder, Any, list[str]]:
    """The finder of the zeros of x*slope in ln x (or in x), and dL/dx as a function, compiled once for all settings."""
    import sympy

    t = sympy.Symbol("t_root", real=True)
    # x*slope is of the order of the target itself, which keeps the numbers in range.
    equation = sympy.Add(*(term * x for term in sympy.Add.make_args(slope))).subs(x, sympy.exp(t) if log else t)
    derivative = sympy.diff(expression, x) * (-1 if maximises else 1)
    symbols = sorted(derivative.free_symbols | {x}, key=str)
    rising = sympy.lambdify(symbols, derivative, modules="numpy", cse=True)

    def side(*values: float) -> float:
        with np.errstate(all="ignore"):
            return float(np.real(rising(*(np.float64(v) for v in values))))

    return RootFinder(equation, t), side, [str(s) for s in symbols]


_BESIDE = 1e-7
"""How far beside a stationary point the slope is looked at."""


def _best(problem: Problem, name: str, expression: Any, optima: list[float], settings: Mapping[str, float]) -> float:
    def key(v: float) -> float:
        value = problem.at(expression, {**settings, name: v})
        assert value is not None
        return -value if problem.maximises else value

    return min(optima, key=key)
