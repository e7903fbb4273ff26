"""Is one law better than another on the same test rows?

Two tests, both of the difference d of two laws' mean errors, both paired:

* Bootstrap over rows: the interval of the redrawn differences d* (see `resampling`), and the p at which that interval
  ends at zero, p = 2 T_{n-1}(z) with z the normal quantile of the share of d* beyond zero; where no d* is, z is the
  smaller of that of one draw and -d/se(d*). Given the fits, it asks whether other test rows would say the same. n rows
  that all favour one law still have p = 2**(1-n) or more, as for tosses of a coin.
* Corrected resampled t (Nadeau and Bengio 2003, Machine Learning 52, 239-281), for random folds, where training
  sets overlap: with the J differences d_j of the folds,
  t = mean(d_j) / sqrt((1/J + n_test/n_train) var(d_j)), J - 1 degrees of freedom. It then also gives the interval.

Two laws whose mean errors agree to a millionth (`SAME`) count as equal, p = 1: fits of nested forms that meet at one
optimum agree to that at best, and resampling would call their rounding errors significant.

With many pairs, p values are corrected by Holm's step-down (Holm 1979), which holds the chance of one false
statement among all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formsearch.compare.resampling import Means, expanded_interval

Array = NDArray[np.float64]

SAME = 1e-6
"""Mean errors that differ by a smaller share than this are equal."""


def same_errors(one: Iterable[float | None], other: Iterable[float | None]) -> bool:
    """Whether the errors of two laws agree to `SAME`, measure by measure; what is not known agrees with nothing."""
    pairs = zip(one, other, strict=True)
    return all(a is not None and b is not None and abs(a - b) <= SAME * max(abs(a), abs(b)) for a, b in pairs)


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


def corrected_resampled_t(
    differences: Array, test_over_train: float, level: float = 0.95
) -> tuple[float, float, float]:
    """(standard error, half-width of the interval, two-sided p) of fold differences, shape (folds,).

    NaN for fewer than two folds.
    """
    from scipy import stats

    folds = len(differences)
    if folds < 2:
        return math.nan, math.nan, math.nan
    mean = float(differences.mean())
    error = math.sqrt((1 / folds + test_over_train) * float(differences.var(ddof=1)))
    if error == 0:
        return 0.0, 0.0, 1.0 if mean == 0 else 0.0
    half = error * float(stats.t.ppf(0.5 + level / 2, folds - 1))
    return error, half, float(2 * stats.t.sf(abs(mean) / error, folds - 1))


def bootstrap_p(difference: float, redrawn: Array, clusters: int) -> float:
    """Two-sided p of a difference > 0 from its redrawn values; NaN for a single cluster."""
    from scipy import stats

    if clusters < 2:
        return math.nan
    beyond = int((redrawn <= 0).sum())
    z = float(stats.norm.ppf(min(0.5, (1 + beyond) / (1 + len(redrawn)))))
    spread = float(redrawn.std(ddof=1))
    if beyond == 0:
        z = min(z, -difference / spread) if spread > 0 else -math.inf
    p = 2 * float(stats.t.cdf(z, clusters - 1))
    return min(1.0, max(p, 2.0 ** (1 - clusters)))


@dataclass(frozen=True, slots=True)
class FoldMeans:
    """Mean error of each law in each fold, shape (folds, laws), and test rows over training rows."""

    errors: Array
    test_over_train: float


def compare_pairs(
    labels: Sequence[str],
    means: Means,
    level: float = 0.95,
    folds: FoldMeans | None = None,
    wanted: Callable[[str, str], bool] = lambda first, second: True,
) -> tuple[Pair, ...]:
    """All wanted pairs of laws, best ones first; `folds` is given for random folds and then decides p."""
    name = means.metric.name
    observed, redrawn = means.observed[name], means.redrawn[name]
    order = np.argsort(observed, kind="stable")
    pairs = []
    for rank, i in enumerate(order):
        for j in order[rank + 1 :]:
            if not wanted(labels[i], labels[j]):
                continue
            d = float(observed[j] - observed[i])
            star = redrawn[:, j] - redrawn[:, i]
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = redrawn[:, j] / redrawn[:, i]
                ratio = float(observed[j] / observed[i])
            low, high = expanded_interval(star, means.clusters, level)
            error = float(star.std(ddof=1))
            ratio_low, ratio_high = expanded_interval(ratios, means.clusters, level)
            if not observed[j] > (1 + SAME) * observed[i]:
                p = 1.0
            elif folds is not None:
                by_fold = folds.errors[:, j] - folds.errors[:, i]
                error, half, p = corrected_resampled_t(by_fold, folds.test_over_train, level)
                low, high = d - half, d + half
            else:
                p = bootstrap_p(d, star, means.clusters)
            pairs.append(
                Pair(
                    labels[i], labels[j], name, d, low, high, error,
                    ratio, ratio_low, ratio_high,
                    "paired bootstrap" if folds is None else "corrected resampled t", p, math.nan,
                )
            )  # fmt: skip
    adjusted = holm([pair.p for pair in pairs])
    return tuple(replace(pair, p_holm=float(q)) for pair, q in zip(pairs, adjusted, strict=True))
