"""Multi-start of one law on one table, and what its starts say about the optimum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formsearch.core import batch
from formsearch.core.objectives import Objective
from formsearch.exceptions import FitError, InputError
from formsearch.fit.problem import Problem
from formsearch.fit.result import Status
from formsearch.fit.starts import draw

Array = NDArray[np.float64]

SAME = 1e-6
"""Relative difference of objectives below which two starts ended at the same optimum."""

VANISHED = 1e-4
"""A constant whose whole effect is below this part of the residuals' norm may be set to zero."""

AT_ZERO = 1e-250
"""Constants held as logarithms reach a bound of zero only to rounding; below this they are zero."""

FINISHING_ROUNDS = 5

GRADIENT = 1e-8
"""A fit whose local model promises a larger relative decrease is not called converged."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """The best start of a multi-start, and the spread of the others."""

    constants: Array
    objective: float
    measure: float
    iterations: int
    share: float
    optima: tuple[float, ...]
    starts: int


def outcome(result: batch.BatchResult, index: NDArray[np.int64]) -> Outcome | None:
    """Summary of the jobs `index` of a batch (all starts of one problem); None if none was finite.

    Among starts with the same objective the one nearest to stationarity represents the optimum.
    """
    from formsearch.core.projection import FAILED

    objective = np.where(result.status[index] == FAILED, np.inf, result.objective[index])
    finite = np.isfinite(objective) & np.asarray([np.isfinite(result.constants[i]).all() for i in index])
    if not finite.any():
        return None
    objective = np.where(finite, objective, np.inf)
    best = float(objective.min())
    same = objective <= best * (1 + SAME) + 1e-300
    pick = index[same][np.argmin(result.measure[index][same])]
    levels: list[float] = []
    for value in np.sort(objective[finite]):
        if not levels or value > levels[-1] * (1 + SAME) + 1e-300:
            levels.append(float(value))
    return Outcome(
        constants=result.constants[pick],
        objective=float(result.objective[pick]),
        measure=float(result.measure[pick]),
        iterations=int(result.iterations[pick]),
        share=float(same.mean()),
        optima=tuple(levels[:10]),
        starts=len(index),
    )


def given(problem: Problem, initial: Sequence[Mapping[str, float]]) -> Array:
    """Starts given by name, shape (n, p). Raises `InputError` for unknown names and missing nonlinear constants."""
    names = problem.law.constant_names
    needed = [n for n, linear in zip(names, problem.tape.linear, strict=True) if not linear]
    for start in initial:
        for symbol in start:
            problem.law.constant(symbol)
        if missing := [n for n in needed if n not in start]:
            raise InputError(
                f"a start of law {problem.law.name} lacks {', '.join(missing)}, which cannot be solved for"
            )
    return np.asarray([[float(start.get(n, 0.0)) for n in names] for start in initial])


def multistart(
    problem: Problem, objective: Objective, starts: int, seed: int, initial: Sequence[Mapping[str, float]] = ()
) -> Outcome:
    """Fit from `starts` drawn starts, or from `initial` ones. Raises `FitError` if the form is undefined at all.

    A start given with all constants is also tried without projection: the valley that leads from it to the optimum
    may pass through values of the linear constants that projection never visits.
    """
    x = given(problem, initial) if initial else draw(problem.law, problem.tape, problem.columns, starts, seed)
    found = outcome(_run(problem, objective, x), np.arange(len(x)))
    if initial and all(set(problem.law.constant_names) <= set(start) for start in initial):
        whole = outcome(_run(problem, objective, x, projected=False), np.arange(len(x)))
        if whole is not None and (found is None or whole.objective < found.objective * (1 - SAME)):
            found = whole
    if found is None:
        raise FitError(
            f"law {problem.law.name} has no finite value on {problem.points.name} at any of {len(x)} starts; "
            "give its constants other start ranges, or use an objective on raw residuals"
        )
    return _finish(problem, objective, found)


def _run(
    problem: Problem, objective: Objective, x: Array, projected: bool = True, tolerance: float = batch.TOLERANCE
) -> batch.BatchResult:
    return batch.run(
        problem.pack if projected else problem.pack.unprojected(),
        batch.Jobs.starts_of(x, len(problem.points)),
        problem.points.target,
        problem.weights,
        objective,
        [(problem.lower, problem.upper)],
        tolerance=tolerance,
    )


def _finish(problem: Problem, objective: Objective, found: Outcome) -> Outcome:
    """The best start brought to rest: iterated down to rounding, vanished constants at zero, and only where they may.

    A constant held as a logarithm that has run to zero feels no force there, even one that would pull it back.
    """
    for _ in range(FINISHING_ROUNDS):
        found = _drop_vanished(problem, objective, _polish(problem, objective, found))
        pull, steps = _pull_at_zero(problem, objective, found)
        found = replace(found, measure=max(found.measure, pull))
        if pull <= GRADIENT:
            return found
        starts = [np.where(steps > 0, part * steps, found.constants) for part in (1.0, 0.1, 0.01)]
        woken = outcome(_run(problem, objective, np.asarray(starts)), np.arange(len(starts)))
        if woken is None or not woken.objective < found.objective:
            return found
        found = replace(found, constants=woken.constants, objective=woken.objective, measure=woken.measure)
    return found


def _polish(problem: Problem, objective: Objective, found: Outcome) -> Outcome:
    """Iterate on: cheap for one job, and worth two more digits of the constants."""
    result = _run(problem, objective, found.constants[None, :], tolerance=1e-20)
    constants, value, measure = result.constants[0], float(result.objective[0]), float(result.measure[0])
    if not value <= found.objective or not np.isfinite(constants).all():
        return found
    if measure > found.measure and value > found.objective * (1 - SAME):
        return found  # the same optimum, left behind by rounding
    return replace(found, constants=constants, objective=value, measure=measure)


def _drop_vanished(problem: Problem, objective: Objective, found: Outcome) -> Outcome:
    """Set constants whose effect has vanished (they ran towards zero as logarithms) to zero, if nothing is lost."""
    from formsearch.fit.identifiability import column_norms, weighted_jacobian

    J, _ = weighted_jacobian(problem, found.constants, objective)
    with np.errstate(all="ignore"):
        effect = column_norms(np.nan_to_num(J * found.constants))
    gone = problem.tape.logarithmic & (problem.lower == 0) & (effect < VANISHED * np.sqrt(2 * found.objective))
    if not gone.any():
        return found
    result = _run(problem, objective, np.where(gone, 0.0, found.constants)[None, :])
    constants = np.where(gone & (result.constants[0] <= AT_ZERO), 0.0, result.constants[0])
    if not result.objective[0] <= found.objective * (1 + SAME) or not np.isfinite(constants).all():
        return found
    return replace(found, constants=constants, objective=float(result.objective[0]), measure=float(result.measure[0]))


def _pull_at_zero(problem: Problem, objective: Objective, found: Outcome) -> tuple[float, Array]:
    """How much lower, relatively, constants that rest at zero promise to lead, and the steps that would do it."""
    resting = problem.tape.logarithmic & (problem.lower <= 0) & (found.constants <= AT_ZERO)
    steps = np.zeros(len(resting))
    if not resting.any() or found.objective <= 0:
        return 0.0, steps
    f, J = problem.pack.values(found.constants, jacobian=True)
    seen = problem.weights > 0
    with np.errstate(all="ignore"):
        r = objective.residuals(problem.points.target, f)[seen]
        slopes = J[seen] / f[seen, None] if objective.log else J[seen]
        # The least-squares problem that majorises the objective (iteratively reweighted least squares).
        u = problem.weights[seen] * np.where(r == 0, 0.0, objective.psi(r) / np.where(r == 0, 1.0, r))
        gradient, size = slopes.T @ (u * r), u @ slopes**2
        decrease = 0.5 * gradient**2 / size / found.objective
        pulled = resting & (gradient < 0) & np.isfinite(decrease) & (decrease > GRADIENT)
        steps[pulled] = np.minimum(-gradient / size, problem.upper)[pulled]
    return float(decrease[pulled].max(initial=0.0)), steps


def is_perfect(problem: Problem, objective: Objective, value: float) -> bool:
    """Whether what is left is the rounding of the targets (relative 1e-13): no gradient can be told from it."""
    seen = problem.weights > 0
    rounding = 1e-13 * (np.ones(int(seen.sum())) if objective.log else np.abs(problem.points.target[seen]))
    with np.errstate(over="ignore"):
        return value <= float(np.sum(problem.weights[seen] * objective.rho(rounding)))


def status_of(problem: Problem, objective: Objective, found: Outcome, flat: tuple[str, ...] = ()) -> Status:
    """The outcome in words. `flat` names constants that the points do not identify."""
    best = f"{round(found.share * found.starts)} of {found.starts} starts reached the best optimum"
    if is_perfect(problem, objective, found.objective):
        return Status(
            "converged", f"converged: the form passes through every point, to the rounding of the data; {best}"
        )
    if found.measure > GRADIENT:
        return Status(
            "failed",
            f"not at an optimum: the local model still promises a relative decrease of {found.measure:.1e}; "
            "raise starts, or bound the constants that run away",
        )
    held = []
    for c, value in zip(problem.law.constants, found.constants, strict=True):
        for side, bound in (("lower", c.lower), ("upper", c.upper)):
            if value == bound:
                held.append(f"{c.symbol} sits at its {side} bound {bound:g}")
    if found.starts > 1 and found.share < 0.2:
        return Status("disagree", f"starts disagree: only {best}; raise starts before trusting this optimum")
    if held:
        return Status(
            "bound", f"{'; '.join(held)}: the points do not ask for that term, drop it or widen the bound; {best}"
        )
    if flat:
        return Status(
            "flat", f"{', '.join(flat)} not identified by these points: fix or drop, predictions are unaffected; {best}"
        )
    return Status("converged", f"converged: {best}")
