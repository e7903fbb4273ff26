"""Is one law better than another on the same test rows?

Two tests, both of the difference d of two laws' mean errors, both paired:

* Bootstrap over rows: interval from percentiles of the redrawn differences d*, and
  p = 2 (1 + #{d* on the other side of 0}) / (1 + resamples), so that p < .05 and a 95 % interval without 0 are one
  statement. Given the fits, it asks whether other test rows would say the same. (Comparing d* - d with d instead needs
  symmetry, which a law that fails badly on three rows does not have.)
* Corrected resampled t (Nadeau and Bengio 2003, Machine Learning 52, 239-281), for random folds, where training
  sets overlap: with the J differences d_j of the folds,
  t = mean(d_j) / sqrt((1/J + n_test/n_train) var(d_j)), J - 1 degrees of freedom.

Two laws whose mean errors agree to a millionth (`SAME`) count as equal, p = 1: fits of nested forms that meet at one
optimum agree to that at best, and resampling would call their rounding errors significant.

With many pairs, p values are corrected by Holm's step-down (Holm 1979), which holds the chance of one false
statement among all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formsearch.compare.resampling import Means

Array = NDArray[np.float64]

SAME = 1e-6
"""Mean errors that differ by a smaller share than this are equal."""


@dataclass(frozen=True, slots=True)
class Pair:
    """`better` against `worse`: worse's mean error minus better's, in the unit of `metric`.

    low, high : interval of the difference. error : its standard error. ratio : worse's error over better's, with its
    interval. p is of the named test, p_holm corrected for all pairs of the comparison.
    """

    better: str
    worse: str
    metric: str
    difference: float
    low: float
    high: float
    error: float
    ratio: float
    ratio_low: float
    ratio_high: float
    test: Literal["paired bootstrap", "corrected resampled t"]
    p: float
    p_holm: float

    @property
    def same(self) -> bool:
        """Whether the two mean errors agree to `SAME`."""
        return not self.ratio > 1 + SAME

    def distinct(self, level: float = 0.95) -> bool:
        """Whether the two laws can be told apart at that level, all pairs considered."""
        return self.p_holm < 1 - level

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        numbers = ("difference", "low", "high", "error", "ratio", "ratio_low", "ratio_high", "p", "p_holm")
        values = {n: getattr(self, n) if math.isfinite(getattr(self, n)) else None for n in numbers}
        return {"better": self.better, "worse": self.worse, "metric": self.metric, "test": self.test, **values}


def holm(p: Sequence[float] | Array) -> Array:
    """Holm's adjusted p values, in the order given; NaN stays NaN and is not counted."""
    values = np.asarray(p, dtype=np.float64)
    adjusted = np.full(values.shape, np.nan)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(order) - rank) * float(values[i])))
        adjusted[i] = running
    return adjusted


def corrected_resampled_t(differences: Array, test_over_train: float) -> tuple[float, float]:
    """(t, two-sided p) of fold differences, shape (folds,); NaN for fewer than two folds or no variation."""
    from scipy import stats

    folds = len(differences)
    if folds < 2:
        return math.nan, math.nan
    mean, variance = float(differences.mean()), float(differences.var(ddof=1))
    if variance == 0:
        return math.nan, 1.0 if mean == 0 else 0.0
    t = mean / math.sqrt((1 / folds + test_over_train) * variance)
    return t, float(2 * stats.t.sf(abs(t), folds - 1))


@dataclass(frozen=True, slots=True)
class FoldMeans:
    """Mean error of each law in each fold, shape (folds, laws), and test rows over training rows."""

    errors: Array
    test_over_train: float


def compare_pairs(
    labels: Sequence[str], means: Means, level: float = 0.95, folds: FoldMeans | None = None
) -> tuple[Pair, ...]:
    """All pairs of laws, best ones first; `folds` is given for random folds and then decides p."""
    name = means.metric.name
    observed, redrawn = means.observed[name], means.redrawn[name]
    order = np.argsort(observed, kind="stable")
    tail = (1 - level) / 2
    pairs = []
    for rank, i in enumerate(order):
        for j in order[rank + 1 :]:
            d = float(observed[j] - observed[i])
            star = redrawn[:, j] - redrawn[:, i]
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = redrawn[:, j] / redrawn[:, i]
                ratio = float(observed[j] / observed[i])
            low, high = np.quantile(star, [tail, 1 - tail])
            usable = np.isfinite(ratios).all()
            ratio_low, ratio_high = np.quantile(ratios, [tail, 1 - tail]) if usable else (math.nan, math.nan)
            if not observed[j] > (1 + SAME) * observed[i]:
                p = 1.0
            elif folds is not None:
                p = corrected_resampled_t(folds.errors[:, j] - folds.errors[:, i], folds.test_over_train)[1]
            elif means.clusters < 2:
                p = math.nan
            else:
                p = min(1.0, 2 * (1 + int((star <= 0).sum())) / (1 + len(star)))
            pairs.append(
                Pair(
                    labels[i], labels[j], name, d, float(low), float(high), float(star.std(ddof=1)),
                    ratio, float(ratio_low), float(ratio_high),
                    "paired bootstrap" if folds is None else "corrected resampled t", p, math.nan,
                )
            )  # fmt: skip
    adjusted = holm([pair.p for pair in pairs])
    return tuple(replace(pair, p_holm=float(q)) for pair, q in zip(pairs, adjusted, strict=True))
