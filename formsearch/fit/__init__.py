"""Fits: law + points + objective -> constants, status, uncertainty.

`fit` is the verb. Inside: `problem` binds and compiles, `starts` draws from the data, `multistart` runs the
kernels, `groups` handles constants per group, `uncertainty`, `profile` and `identifiability` say how far the
result can be trusted, `regressor` speaks scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from formsearch.core.objectives import LeastSquares, Objective
from formsearch.exceptions import InputError
from formsearch.law import Law

if TYPE_CHECKING:
    from formsearch.fit.result import Fit
    from formsearch.points import Points

__all__ = ["fit"]


def fit(
    law: Law | str,
    points: Points,
    objective: Objective | None = None,
    starts: int = 16,
    seed: int = 0,
    fix: Mapping[str, float] | None = None,
    tie: Sequence[Sequence[str]] = (),
    by: str | None = None,
    shared: Sequence[str] = (),
    initial: Sequence[Mapping[str, float]] = (),
) -> Fit:
    """Fit a law to points: the global minimum of a weighted sum, by multi-start variable projection.

    Parameters
    ----------
    law : a `Law`, or the name of a registered one.
    objective : what to minimise; `LeastSquares()` by default. Always a sum.
    starts, seed : how many starts are drawn from the data, and how.
    fix, tie : constants set to numbers, constants set equal (`law.variant`).
    initial : starts of your own (constants by name), used instead of drawn ones; linear constants may be left out.
    by, shared : `by="group"` fits constants per group of the points; those in `shared` are common to all groups.

    Raises
    ------
    NotApplicableError : the points lack a quantity, or are fewer than the constants.
    FitError : the form is undefined at every start.
    """
    from formsearch.fit.groups import fit_groups
    from formsearch.fit.identifiability import unidentified
    from formsearch.fit.multistart import multistart, status_of
    from formsearch.fit.problem import Problem, require_rows
    from formsearch.fit.result import Fit, Status
    from formsearch.registry import laws

    chosen = laws[law] if isinstance(law, str) else law
    if fix or tie:
        chosen = chosen.variant(fix=fix, tie=tie)
    loss = objective if objective is not None else LeastSquares()
    if starts < 1:
        raise InputError(f"starts must be at least 1, not {starts}")
    if by is not None:
        return fit_groups(chosen, points, loss, starts, seed, by, tuple(shared))
    if shared:
        raise InputError("shared=... needs by='group': without groups every constant is shared")
    problem = Problem.of(chosen, points)
    require_rows(chosen, len(points), len(chosen.constants))
    # Rows may span the whole range of float64: what overflows on the way is judged by its result, not by a warning.
    with np.errstate(all="ignore"):
        found = multistart(problem, loss, starts, seed, initial)
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
