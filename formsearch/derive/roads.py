"""Numbers against algebra: the second road to a closed form, residuals at reference settings, whole numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formsearch.derive.derivation import Check, Result
from formsearch.derive.numeric import OneVariable, minimum
from formsearch.derive.problem import DRAWS, Problem

Array = NDArray[np.float64]

TOLERANCE = 1e-6
"""Largest relative difference allowed between a closed form and the minimum found on the values themselves."""

COMPARED = 12


def two_roads(problem: Problem, name: str, expression: Any, solution: Any, unique: bool) -> Check:
    """Compare the closed form with minima found on the values themselves, at reference settings.

    Where the closed form is outside the domain there must be no interior minimum either (which needs no look if the
    slope has at most one zero: `unique`).
    """
    if not problem.values:
        return Check("assumed", "no constants were given, so nothing was compared with numbers")
    function = OneVariable(problem, expression, name)
    domain = problem.domains[name]
    where = over_draws(problem, solution)
    inside = np.isfinite(where) & (where > domain.low) & (where < domain.high)
    constant = not {str(s) for s in problem.spelled(solution).free_symbols} & set(problem.variables)
    worst, compared, lower, missed = 0.0, 0, 0, 0
    for i in [*np.flatnonzero(inside)[: 3 if constant else COMPARED],
              *(() if unique else np.flatnonzero(~inside)[: COMPARED // 2])]:  # fmt: skip
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


def relative(problem: Problem, a: Any, b: Any) -> float | None:
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


def residual_at(problem: Problem, name: str, slope: Any, solution: Any) -> float | None:
    """Largest |slope| at the solution over the sum of its terms' sizes, where the solution is in the domain."""
    import sympy

    if not problem.values:
        return None
    terms = [problem.spelled(t) for t in sympy.Add.make_args(sympy.expand(slope, log=False))]
    free = sorted({str(s) for t in terms for s in t.free_symbols} | {name})
    where = over_draws(problem, solution)
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


def over_draws(problem: Problem, expression: Any) -> Array:
    """Values of an expression at the reference settings."""
    free = sorted(str(s) for s in problem.spelled(expression).free_symbols)
    columns = [problem.draws[n] if n in problem.draws else np.full(DRAWS, problem.values[n]) for n in free]
    return np.broadcast_to(problem.function(expression, free)(*columns), (DRAWS,))
