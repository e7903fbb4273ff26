"""Profiles: the objective as a function of one constant, all others refitted at each value.

For least squares the signed root z(c) = +-sqrt((F(c) - F_min)/s**2 * 2) of the profile is compared with Student's
t (Bates & Watts 1988, chapter 6); for the Student-t likelihood with the normal distribution. The interval follows
the true shape of the sum, so it may be lopsided, or open where the points do not bound the constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formsearch.core import batch
from formsearch.core.objectives import LEAST_SQUARES, STUDENT_T
from formsearch.exceptions import InputError
from formsearch.fit.multistart import perfect_sum
from formsearch.fit.problem import Problem

if TYPE_CHECKING:
    from formsearch.fit.result import Fit

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Profile:
    """values of one constant, the objective with the others refitted, and the signed root z.

    interval : where |z| stays below the critical value; an end is infinite where the points do not bound it.
    """

    symbol: str
    values: Array
    objective: Array
    z: Array
    level: float
    interval: tuple[float, float]


def profile(fit: Fit, symbol: str, level: float = 0.9, points: int = 21) -> Profile:
    """Profile of one constant of a fit, at `points` values or a few more.

    Raises `InputError` for grouped fits, for fits without residuals, and for objectives that are no likelihood (Huber,
    soft-L1, asymmetric): there a difference of the sum has no known distribution, use `fit.bootstrap()`.
    """
    if fit.group_constants:
        raise InputError("profiles are made for one set of constants: fit a single group")
    if not 0 < level < 1:
        raise InputError(f"level must be between 0 and 1, not {level!r}")
    if points < 3:
        raise InputError(f"a profile needs 3 points or more, not {points!r}")
    if len(fit.data) <= len(fit.constants) or fit.objective <= perfect_sum(fit.data, fit.loss):
        raise InputError("the form passes through every point: there is no noise to compare a profile with; add runs")
    if fit.loss.kind not in (LEAST_SQUARES, STUDENT_T):
        raise InputError(f"{fit.objective_name} is no likelihood, its profile gives no interval: use fit.bootstrap()")
    from scipy.stats import norm, t

    problem = Problem.of(fit.law, fit.data)
    constant = fit.law.constant(symbol)
    k = fit.law.constant_names.index(symbol)
    optimum = problem.vector(fit.constants)
    freedom = len(fit.data) - len(optimum)
    gaussian = fit.loss.kind == LEAST_SQUARES
    unit = 2.0 * fit.objective / freedom if gaussian else 1.0
    critical = float(t.ppf(0.5 + level / 2, freedom) if gaussian else norm.ppf(0.5 + level / 2))
    width = _width(fit, problem, optimum, k)
    collected: list[tuple[float, float]] = [(float(optimum[k]), fit.objective)]
    ends = []
    for side in (-1.0, 1.0):
        bound = constant.lower if side < 0 else constant.upper
        reach, edge = width, bound
        for _ in range(12):
            far = optimum[k] + side * reach
            values = np.linspace(optimum[k], np.clip(far, constant.lower, constant.upper), points // 2 + 1)[1:]
            sums = _refit(fit, problem, optimum, k, values)
            z = np.sqrt(np.maximum(sums - fit.objective, 0.0) * 2.0 / unit)
            collected += list(zip(map(float, values), map(float, sums), strict=True))
            if np.nanmax(z) >= critical:
                order = np.argsort(z)
                edge = float(np.interp(critical, z[order], values[order]))
                break
            if values[-1] == bound:
                break
            reach *= 2.0
        ends.append(edge)
    table = np.asarray(sorted(set(collected)))
    z = np.sign(table[:, 0] - optimum[k]) * np.sqrt(np.maximum(table[:, 1] - fit.objective, 0.0) * 2.0 / unit)
    return Profile(symbol, table[:, 0], table[:, 1], z, level, (ends[0], ends[1]))


def _width(fit: Fit, problem: Problem, optimum: Array, k: int) -> float:
    """A first guess of how far out to look: three standard deviations from the Jacobian."""
    from formsearch.fit.identifiability import factor_covariance, noise_size, weighted_jacobian

    J, r = weighted_jacobian(problem, optimum, fit.loss)
    sd = np.sqrt(factor_covariance(J, noise_size(r, len(optimum), fit.loss))[0][k, k])
    fallback = 0.1 * max(abs(float(optimum[k])), 1e-6)
    return float(3.0 * sd) if np.isfinite(sd) and sd > 0 else fallback


def _refit(fit: Fit, problem: Problem, optimum: Array, k: int, values: Array) -> Array:
    """The sum with constant k held at each of `values`; each value is a tape of its own, for its own bounds."""
    from formsearch.core.compile import evaluate_column

    rows = len(fit.data)
    pack = batch.Pack.of([problem.tape] * len(values), lambda key: evaluate_column(key, problem.columns, rows), rows)
    bounds, starts = [], []
    for value in values:
        lower, upper, start = problem.lower.copy(), problem.upper.copy(), optimum.copy()
        lower[k] = upper[k] = start[k] = value
        bounds.append((lower, upper))
        starts.append(start)
    zero = np.zeros(len(values), dtype=np.int64)
    jobs = batch.Jobs(np.arange(len(values)), zero, zero, zero, zero + rows, tuple(starts))
    return batch.run(pack, jobs, fit.data.target, problem.weights, fit.loss, bounds).objective
