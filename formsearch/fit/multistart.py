"""Multi-start of one law on one table, and what its starts say about the optimum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formsearch.core import batch
from formsearch.core.objectives import LEAST_SQUARES, LeastSquares, Objective
from formsearch.exceptions import FitError, InputError
from formsearch.fit.problem import Problem, row_weights
from formsearch.fit.result import Status
from formsearch.fit.starts import draw
from formsearch.law import Law
from formsearch.pace import Tell, silent
from formsearch.points import Points

Array = NDArray[np.float64]

LARGE = 20_000
"""Rows from which on a start takes so long that one wants to hear how far the others are."""

SAME = 1e-6
"""Relative difference of objectives below which two starts ended at the same optimum."""

VANISHED = 1e-4
"""A constant whose whole effect is below this part of the residuals' norm may be set to zero."""

AT_ZERO = 1e-250
"""Constants held as logarithms reach a bound of zero only to rounding; below this they are zero."""

FINISHING_ROUNDS = 5

PATIENCE, WITHIN = 3000, 2.0
"""Least-squares starts that ended within a factor of `WITHIN` of the best, but not at an optimum, go on this long."""

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


def outcome(result: batch.BatchResult, perfect: float = 0.0) -> Outcome | None:
    """Summary of a batch whose jobs are the starts of one problem; None if none was finite.

    Among starts with the same objective the one nearest to stationarity represents the optimum. Sums up to `perfect`
    are the same one.
    """
    from formsearch.core.projection import FAILED

    objective = np.where(result.status == FAILED, np.inf, result.objective)
    finite = np.isfinite(objective) & np.asarray([np.isfinite(c).all() for c in result.constants])
    if not finite.any():
        return None
    objective = np.where(finite, objective, np.inf)
    best = float(objective.min())
    same = objective <= max(best * (1 + SAME) + 1e-300, perfect)
    pick = int(np.flatnonzero(same)[np.argmin(np.where(objective > perfect, result.measure, 0.0)[same])])
    return Outcome(
        constants=result.constants[pick],
        objective=float(result.objective[pick]),
        measure=float(result.measure[pick]),
        iterations=int(result.iterations[pick]),
        share=float(same.mean()),
        optima=distinct(objective[finite]),
        starts=len(objective),
    )


def distinct(objectives: Sequence[float] | Array) -> tuple[float, ...]:
    """The ten lowest objectives that differ by more than `SAME`, in order."""
    levels: list[float] = []
    for value in sorted(objectives):
        if not levels or value > levels[-1] * (1 + SAME) + 1e-300:
            levels.append(float(value))
    return tuple(levels[:10])


def given(problem: Problem, initial: Sequence[Mapping[str, float]]) -> Array:
    """Starts given by name, shape (n, p). Raises `InputError` for unknown names and missing nonlinear constants."""
    names = problem.law.constant_names
    needed = [n for n, linear in zip(names, problem.tape.linear, strict=True) if not linear]
    for start in initial:
        for symbol, value in start.items():
            problem.law.constant(symbol)
            if not np.isfinite(float(value)):
                raise InputError(f"a start of law {problem.law.name} has {symbol}={value!r}: give a finite number")
        if missing := [n for n in needed if n not in start]:
            raise InputError(
                f"a start of law {problem.law.name} lacks {', '.join(missing)}, which cannot be solved for"
            )
    return np.asarray([[float(start.get(n, 0.0)) for n in names] for start in initial])


def multistart(
    problem: Problem,
    objective: Objective,
    starts: int,
    seed: int,
    initial: Sequence[Mapping[str, float]] = (),
    tell: Tell = silent,
) -> Outcome:
    """Fit from `starts` drawn starts, or from `initial` ones. Raises `FitError` if the form is undefined at all.

    `tell` hears the share of the starts that are done, where there are so many rows that they take a while.

    A start given with all constants is also tried without projection: the valley that leads from it to the optimum
    may pass through values of the linear constants that projection never visits.
    """
    x = given(problem, initial) if initial else draw(problem.law, problem.tape, problem.columns, starts, seed)
    perfect = perfect_sum(problem.points, objective)
    found = outcome(_go_on(problem, objective, _told(problem, objective, x, tell)), perfect)
    if initial and all(set(problem.law.constant_names) <= set(start) for start in initial):
        whole = outcome(_run(problem, objective, x, projected=False), perfect)
        if whole is not None and (found is None or whole.objective < found.objective * (1 - SAME)):
            found = whole
    if found is None:
        raise FitError(
            f"law {problem.law.name} has no finite sum of {objective.name} on {problem.points.name} at any of "
            f"{len(x)} starts; give its constants other start ranges, or use an objective on "
            + ("raw residuals" if objective.log else "log residuals, or rescale the target")
        )
    found = _finish(problem, objective, found)
    if objective.kind == LEAST_SQUARES or found.measure <= GRADIENT or found.objective <= perfect:
        return found
    return _by_way_of_least_squares(problem, objective, x, found)


def _by_way_of_least_squares(problem: Problem, objective: Objective, x: Array, found: Outcome) -> Outcome:
    """A robust fit that did not come to rest, started again from where least squares of the same residuals rest.

    Of the two the lower one; its `share` is then that of the starts that led to it by this way.
    """
    smooth = LeastSquares(log=objective.log)
    rest = outcome(_go_on(problem, smooth, _run(problem, smooth, x)))
    if rest is None:
        return found
    again = outcome(_run(problem, objective, rest.constants[None, :]))
    if again is None or not again.objective < found.objective:
        return found
    optima = distinct([again.objective, *found.optima])
    return _finish(problem, objective, replace(again, share=rest.share, starts=rest.starts, optima=optima))


def _told(problem: Problem, objective: Objective, x: Array, tell: Tell) -> batch.BatchResult:
    """`_run`, a few starts at a time if each takes long: the same results, and one hears how far they are."""
    if tell is silent or len(problem.points) < LARGE:
        return _run(problem, objective, x)
    import numba

    at_once = int(numba.get_num_threads())
    parts = []
    for low in range(0, len(x), at_once):
        tell(low / len(x), f"start {low + 1} of {len(x)}")
        parts.append(_run(problem, objective, x[low : low + at_once]))
    return batch.BatchResult(
        tuple(c for part in parts for c in part.constants),
        np.concatenate([part.objective for part in parts]),
        np.concatenate([part.measure for part in parts]),
        np.concatenate([part.iterations for part in parts]),
        np.concatenate([part.status for part in parts]),
    )


def _run(
    problem: Problem,
    objective: Objective,
    x: Array,
    projected: bool = True,
    tolerance: float = batch.TOLERANCE,
    iterations: int = batch.ITERATIONS,
) -> batch.BatchResult:
    return batch.run(
        problem.pack if projected else problem.pack.unprojected(),
        batch.Jobs.starts_of(x, len(problem.points)),
        problem.points.target,
        problem.weights,
        objective,
        [(problem.lower, problem.upper)],
        tolerance=tolerance,
        iterations=iterations,
    )


def _go_on(problem: Problem, objective: Objective, result: batch.BatchResult) -> batch.BatchResult:
    """The promising starts that ran out of iterations, carried on.

    Where constants trade against each other along a curved valley (exponentials of powers), least squares need a
    thousand short steps, each of them cheap; starts that were never near the best are not worth them.
    """
    if objective.kind != LEAST_SQUARES:
        return result
    finite = np.where(np.isfinite(result.objective), result.objective, np.inf)
    index = np.flatnonzero((result.measure > GRADIENT) & (finite <= WITHIN * finite.min()) & (finite < np.inf))
    if not len(index):
        return result
    more = _run(problem, objective, np.asarray([result.constants[i] for i in index]), iterations=PATIENCE)
    lower = more.objective <= result.objective[index]
    better, place = index[lower], np.flatnonzero(lower)
    constants = list(result.constants)
    for i, k in zip(better, place, strict=True):
        constants[i] = more.constants[k]
    joined = {}
    for name in ("objective", "measure", "iterations", "status"):
        joined[name] = getattr(result, name).copy()
        joined[name][better] = getattr(more, name)[place]
    joined["iterations"][better] += result.iterations[better]
    return batch.BatchResult(tuple(constants), **joined)


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
        woken = outcome(_run(problem, objective, np.asarray(starts)))
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


def perfect_sum(points: Points, objective: Objective) -> float:
    """A sum that is only the rounding of the targets (relative 1e-13): no gradient can be told from it."""
    weights = row_weights(points)
    seen = weights > 0
    rounding = 1e-13 * (np.ones(int(seen.sum())) if objective.log else np.abs(points.target[seen]))
    with np.errstate(over="ignore"):
        return float(np.sum(weights[seen] * objective.rho(rounding)))


def at_bounds(law: Law, constants: Array) -> list[tuple[str, str]]:
    """(symbol, "A sits at its lower bound 0") of the constants that do."""
    return [
        (c.symbol, f"{c.symbol} sits at its {side} bound {bound:g}")
        for c, value in zip(law.constants, constants, strict=True)
        for side, bound in (("lower", c.lower), ("upper", c.upper))
        if value == bound
    ]


def out_of_range(problem: Problem, constants: Array) -> str:
    """Where the kernels, which saturate what leaves the range of float64, are not the formula any more; or ""."""
    ours, _ = problem.pack.values(constants)
    with np.errstate(all="ignore"):
        formula = problem.law.evaluate(problem.columns, problem.named(constants))
        alike = (np.abs(ours - formula) <= 1e-6 * np.abs(ours) + 1e-290) | (problem.weights == 0)
    if alike.all():
        return ""
    i = int(np.argmin(alike))
    return f"row {problem.points.rows[i]} is {formula[i]:.6g} by the formula, {ours[i]:.6g} in the fit"


def unusable(where: str) -> Status:
    """The status of constants at which the form is `out_of_range`."""
    return Status(
        "failed", f"at these constants the form leaves the range of float64: {where}; bound the constants that run away"
    )


def status_of(problem: Problem, objective: Objective, found: Outcome, flat: tuple[str, ...] = ()) -> Status:
    """The outcome in words. `flat` names constants that the points do not identify."""
    best = f"{round(found.share * found.starts)} of {found.starts} starts reached the best optimum"
    if where := out_of_range(problem, found.constants):
        return unusable(where)
    if found.objective <= perfect_sum(problem.points, objective):
        return Status(
            "converged", f"converged: the form passes through every point, to the rounding of the data; {best}"
        )
    if found.measure > GRADIENT:
        return Status(
            "failed",
            f"not at an optimum: the local model still promises a relative decrease of {found.measure:.1e}; "
            "raise starts, or bound the constants that run away",
        )
    held = [text for _, text in at_bounds(problem.law, found.constants)]
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
