"""Fits: law + points + objective -> constants, status, uncertainty.

`fit` is the verb. Inside: `problem` binds and compiles, `starts` draws from the data, `multistart` runs the
kernels, `groups` handles constants per group, `uncertainty`, `profile` and `identifiability` say how far the
result can be trusted, `regressor` speaks scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from formsearch.core.objectives import LeastSquares, Objective, parse_objective
from formsearch.exceptions import InputError
from formsearch.law import Law

if TYPE_CHECKING:
    from formsearch.fit.result import Fit
    from formsearch.pace import Tell
    from formsearch.points import Points

__all__ = ["fit"]


def fit(
    law: Law | str,
    points: Points,
    objective: Objective | str | None = None,
    starts: int = 16,
    seed: int = 0,
    fix: Mapping[str, float] | None = None,
    tie: Sequence[Sequence[str]] = (),
    by: str | None = None,
    shared: Sequence[str] = (),
    initial: Sequence[Mapping[str, float]] = (),
    progress: Tell | None = None,
) -> Fit:
    """Fit a law to points: the global minimum of a weighted sum, by multi-start variable projection.

    Parameters
    ----------
    law : a `Law`, or the name of a registered one.
    objective : what to minimise, or its name (`"huber:1e-3"`); `LeastSquares()` by default. Always a sum.
    starts, seed : how many starts are drawn from the data, and how.
    fix, tie : constants set to numbers, constants set equal: `fix={"k": 0}`, `tie=[("alpha", "beta")]` (`law.variant`).
    by, shared : `by="group"` (or another column) fits constants per group; those in `shared` are common to all groups.
    initial : starts of your own (constants by name), used instead of drawn ones; linear constants may be left out.
    progress : on tables of very many rows, called with the share of the starts that is done, 0 to 1, and the next one.

    Raises
    ------
    NotApplicableError : the points lack a quantity, or are fewer than the constants.
    FitError : the sum is not finite at any start.
    InputError : an argument is not what it should be.
    """
    from formsearch.fit.groups import fit_groups
    from formsearch.fit.identifiability import unidentified
    from formsearch.fit.multistart import multistart, status_of
    from formsearch.fit.problem import Problem, require_rows
    from formsearch.fit.result import Fit, Status
    from formsearch.pace import silent

    chosen, loss = _law(law), _objective(objective)
    _check(points, starts, seed, initial)
    if fix is not None and not isinstance(fix, Mapping):
        raise InputError(f"fix must map constants to numbers, such as fix={{'alpha': 0.34}}, not {fix!r}")
    if fix or tie:
        chosen = chosen.variant(fix=fix, tie=tie)
    if by is not None:
        common = (shared,) if isinstance(shared, str) else tuple(shared)
        with np.errstate(all="ignore"):
            return fit_groups(chosen, points, loss, starts, seed, by, common, initial)
    if shared:
        raise InputError("shared=... needs by='group': without groups every constant is shared")
    problem = Problem.of(chosen, points)
    require_rows(chosen, points, len(chosen.constants))
    # Rows may span the whole range of float64: what overflows on the way is judged by its result, not by a warning.
    with np.errstate(all="ignore"):
        found = multistart(problem, loss, starts, seed, initial, progress or silent)
        flat = unidentified(problem, found.constants, found.objective, loss)
        status: Status = status_of(problem, loss, found, flat)
    return Fit(
        law=chosen,
        constants=problem.named(found.constants),
        objective=found.objective,
        objective_name=loss.name,
        status=status,
        share=found.share,
        starts=found.starts,
        optima=found.optima,
        measure=found.measure,
        iterations=found.iterations,
        points=points.describe(),
        rules=problem.rules,
        seed=seed,
        loss=loss,
        data=points,
    )


def _law(law: Law | str) -> Law:
    from formsearch.registry import laws

    if isinstance(law, str):
        return laws[law]
    if not isinstance(law, Law):
        raise InputError(f"law must be a Law or the name of a registered one, not {law!r}")
    return law


def _objective(objective: Objective | str | None) -> Objective:
    if objective is None:
        return LeastSquares()
    if isinstance(objective, str):
        return parse_objective(objective)
    if not isinstance(objective, Objective):
        raise InputError(f"objective must be one such as Huber(1e-3), or its name 'huber:1e-3', not {objective!r}")
    return objective


def _check(points: Points, starts: int, seed: int, initial: Sequence[Mapping[str, float]]) -> None:
    from formsearch.points import Points

    if not isinstance(points, Points):
        raise InputError(
            f"points must be Points, not {type(points).__name__}: read them with formsearch.read_points(table)"
        )
    for name, value, least in (("starts", starts, 1), ("seed", seed, 0)):
        if not isinstance(value, Integral) or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}, not {value!r}")
    if isinstance(initial, Mapping):
        raise InputError("initial holds starts, each a mapping of its own: write initial=[{...}]")
