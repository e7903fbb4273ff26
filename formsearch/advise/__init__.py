"""What to run next: the configurations that would best separate the leading laws, or pin down what matters.

fits -> feasible runs (`grid`) -> greedy optimal design under a compute budget (`design`) -> `Advice`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from formsearch.advise.advice import Advice
    from formsearch.fit.result import Fit
    from formsearch.pace import Tell

__all__ = ["advise"]


def advise(
    fits: Fit | Sequence[Fit],
    quantities: Mapping[str, str] | Sequence[str] = (),
    budget: float | None = None,
    runs: int = 6,
    resamples: int = 300,
    seed: int = 0,
    progress: Tell | None = None,
) -> Advice:
    """The runs to make next, within a compute budget.

    Parameters
    ----------
    fits : laws fitted to the same points, the leading one first: each other is to be told from it.
    quantities : what to pin down besides the prediction far beyond the points: formulas in the leading law's
        constants, such as `{"G_opt": "sqrt(f/e)"}` or `["alpha"]`.
    budget : FLOPs of all advised runs together; by default as much as the dearest run so far. Where the points give
        no compute, each run costs 1 and the budget is `runs`.
    runs : at most so many for each aim.
    resamples : refits of resampled points behind the uncertainty of predictions.
    progress : called with the share of the work that is done, 0 to 1, and with what comes next.

    Two laws are told apart by the distance of their predictions, in units of its standard deviation (that of both
    predictions, which resampling gives, and of the noise of the new runs); a quantity is pinned down as far as the
    predictions of the new runs vary with it over the resamples. Both are second-order (Gaussian) statements about
    laws that are near the truth (Fedorov 1972; Atkinson & Fedorov, Biometrika 62, 1975).

    Raises `InputError` for no fits, fits to different points, grouped fits, a budget that is not positive, and
    quantities that are no formula in the constants.
    """
    from formsearch.advise.plan import plan
    from formsearch.pace import silent

    many: list[Fit] = list(fits) if isinstance(fits, Sequence) else [fits]
    named = quantities if isinstance(quantities, Mapping) else {q: q for q in quantities}
    return plan(many, named, budget, runs, resamples, seed, progress or silent)
