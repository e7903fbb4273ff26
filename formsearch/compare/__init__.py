"""Compare: laws judged on the same points.

`compare` is the verb. Inside: `splits` divide the points, `distance` says how far the test rows are from the training
range, `judge` fits and predicts, `scores` and `information` measure, `resampling`, `paired` and `confidence_set` ask
whether a difference is one, `words` says so, `leaderboard`, `render` and `figures` show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from formsearch.compare.parsing import parse_split
from formsearch.compare.splits import ByGroup, Column, KFold, LeaveOneLevelOut, Ordered, RepeatedKFold, Split

if TYPE_CHECKING:
    from formsearch.compare.entries import Laws, Objectives
    from formsearch.compare.judge import Fitter, Progress
    from formsearch.compare.leaderboard import Leaderboard
    from formsearch.points import Points

__all__ = [
    "ByGroup",
    "Column",
    "KFold",
    "LeaveOneLevelOut",
    "Ordered",
    "RepeatedKFold",
    "Split",
    "compare",
    "parse_split",
]


def compare(
    points: Points,
    laws: Laws = "all",
    split: Split | str | Any = None,
    objective: Objectives = None,
    starts: int = 16,
    seed: int = 0,
    *,
    metric: str = "mae",
    published: bool = False,
    by: str | None = None,
    shared: Sequence[str] = (),
    cluster: str | None = None,
    level: float = 0.95,
    resamples: int = 10_000,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    fitter: Fitter | None = None,
) -> Leaderboard:
    """Judge laws on the same points: fit each to the training rows, score each on the test rows, test differences.

    Every law sees exactly the same rows. One that cannot (a missing quantity, more constants than rows, no finite
    value on a row) is listed in `not_applicable` with the reason, and has no score.

    Parameters
    ----------
    laws : names of registered laws, `Law` objects, `"all"`, or a sequence that mixes them.
    split : one of this module's splits, its text (`"ordered:C:0.2"`), or any scikit-learn splitter. By default the
        points' own split column; else ordered by compute with the largest 20 % held out; else five folds.
    objective : what the fits minimise, `LeastSquares()` by default. A sequence gives one row for each beside the
        first; `"published"` among them (or alone: beside least squares) is each law's own as its authors state it.
    metric : what ranks and is tested: "mae", "rmse", "relative" or "log" (see `scores`).
    published : add published constants as rows of their own, as printed, without a refit.
    by, shared : constants per group and those shared, passed to `fit`.
    cluster : column or quantity whose equal values are redrawn together in the bootstrap (say the training run of a
        trajectory of checkpoints); rows one by one by default, groups for the split `ByGroup`.
    level : of intervals and of "cannot be told apart". resamples : bootstrap draws.
    n_jobs : fits at a time, through joblib. progress : called after each fit with (done, total, label). store : a
        `formsearch.store.Store` that keeps finished fits, so that a comparison cut short resumes.
    fitter : what fits, with the parameters of `formsearch.fit.fit`, which is the default; one made by
        `formsearch.resume.remembering` recalls finished fits.

    Raises
    ------
    UnknownNameError : a law, quantity, label or metric that is not there.
    PointsError : the points cannot be split as asked.
    InputError : a parameter out of its range.
    """
    from formsearch.compare.board import build

    return build(
        points, laws, split, objective, starts, seed, metric, published, by, shared, cluster, level, resamples,
        n_jobs, progress, fitter,
    )  # fmt: skip
