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
    from formsearch.core.kernels import FAILED

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
    return _drop_vanished(problem, objective, _polish(problem, objective, found))


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


def _polish(problem: Problem, objective: Objective, found: Outcome) -> Outcome:
    """Iterate the best start down to rounding: cheap for one job, and worth two more digits of the constants."""
    result = _run(problem, objective, found.constants[None, :], tolerance=1e-20)
    if not result.objective[0] <= found.objective:
        return found
    return replace(
        found,
        constants=result.constants[0],
        objective=float(result.objective[0]),
        measure=min(found.measure, float(result.measure[0])),
    )


def _drop_vanished(problem: Problem, objective: Objective, found: Outcome) -> Outcome:
    """Set constants whose effect has vanished (they ran towards zero as logarithms) to zero, if nothing is lost."""
    from formsearch.fit.identifiability import weighted_jacobian

    J, _ = weighted_jacobian(problem, found.constants, objective)
    effect = np.linalg.norm(J * found.constants, axis=0)
    gone = problem.tape.logarithmic & (problem.lower == 0) & (effect < VANISHED * np.sqrt(2 * found.objective))
    if not gone.any():
        return found
    result = _run(problem, objective, np.where(gone, 0.0, found.constants)[None, :])
    if not result.objective[0] <= found.objective * (1 + SAME):
        return found
    constants = np.where(gone, 0.0, result.constants[0])
    return replace(found, constants=constants, objective=float(result.objective[0]), measure=float(result.measure[0]))


def is_perfect(problem: Problem, objective: float) -> bool:
    """Whether what is left is the rounding of the targets (relative 1e-13): no gradient can be told from it."""
    return objective <= 1e-26 * float(np.sum(problem.weights * problem.points.target**2))


def status_of(problem: Problem, found: Outcome, flat: tuple[str, ...] = ()) -> Status:
    """The outcome in words. `flat` names constants that the points do not identify."""
    best = f"{round(found.share * found.starts)} of {found.starts} starts reached the best optimum"
    if is_perfect(problem, found.objective):
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
