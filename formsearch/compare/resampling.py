"""Mean penalties of several laws on the same test rows, and their bootstrap: whole rows (or clusters) are redrawn.

One draw of rows serves every law, so differences between laws are paired. A row that is tested several times
(repeated folds) counts once, with the mean of its penalties: repeating a split creates no new data.

Intervals are expanded percentiles (Hesterberg 2015, The American Statistician 69, 371-386): with n clusters the tail
Phi(t_{n-1}^-1(alpha/2)) takes the place of alpha/2, so that few rows give intervals as wide as Student's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.compare.scores import Metric, metric
from formsearch.exceptions import PointsError

Array = NDArray[np.float64]
Index = NDArray[np.int64]

CHUNK = 4_000_000
"""Numbers drawn at a time: keeps the memory of a bootstrap over many rows at tens of megabytes."""


@dataclass(frozen=True, eq=False)
class Means:
    """Mean errors by metric, observed (laws,) and redrawn (resamples, laws).

    `penalties` (clusters, laws) are each cluster's mean penalty of the ranking metric, for tests that need them.
    """

    metric: Metric
    clusters: int
    observed: dict[str, Array]
    redrawn: dict[str, Array]

    def penalties(self) -> tuple[Array, Array]:
        """Observed and redrawn mean penalties of the ranking metric, before its square root if it has one."""
        undo = np.square if self.metric.finish is np.sqrt else np.asarray
        return undo(self.observed[self.metric.name]), undo(self.redrawn[self.metric.name])

    def interval(self, name: str, law: int, level: float) -> tuple[float, float]:
        """Interval of a law's mean error; NaN for a single cluster."""
        return expanded_interval(self.redrawn[name][:, law], self.clusters, level)


def expanded_interval(redrawn: Array, clusters: int, level: float) -> tuple[float, float]:
    """Expanded percentile interval of redrawn values; NaN for a single cluster or values that do not exist."""
    from scipy import stats

    if clusters < 2 or not np.isfinite(redrawn).all():
        return math.nan, math.nan
    tail = float(stats.norm.cdf(stats.t.ppf((1 - level) / 2, clusters - 1)))
    low, high = np.quantile(redrawn, [tail, 1 - tail])
    return float(low), float(high)


def row_means(penalties: Array, positions: Index) -> tuple[Array, Index]:
    """Mean penalty of each distinct row, shape (rows, laws), and the rows' positions."""
    rows, inverse, counts = np.unique(positions, return_inverse=True, return_counts=True)
    sums = np.zeros((len(rows), penalties.shape[1]))
    np.add.at(sums, inverse, penalties)
    return sums / counts[:, None], rows


def bootstrap_means(
    tables: dict[str, Array],
    ranking: str,
    weight: Array,
    cluster: Index,
    resamples: int,
    seed: int,
) -> Means:
    """Redraw clusters of rows.

    Parameters
    ----------
    tables : metric -> penalties of each row, shape (rows, laws).
    weight, cluster : of each row; rows of one cluster are drawn together.

    Of n clusters n - 1 are drawn: the variance of the redrawn means is then s**2/n, without bias (drawing n gives
    s**2 (n-1)/n**2), and no redrawn mean leaves the range of what was observed. Raises `PointsError` if every row has
    weight 0.
    """
    # Rows of no weight carry no penalty, and a draw of such rows alone would have no mean.
    used = weight > 0
    if not used.any():
        raise PointsError("all test rows have weight 0: nothing can be scored; hold out other rows")
    weight, cluster = weight[used], cluster[used]
    tables = {name: table[used] for name, table in tables.items()}
    rng = np.random.default_rng([seed, 0x6D65616E])
    names, code = np.unique(cluster, return_inverse=True)
    n = len(names)
    mass = np.bincount(code, weights=weight, minlength=n)
    sums = {name: _by_cluster(table * weight[:, None], code, n) for name, table in tables.items()}
    means = {name: total.sum(axis=0) / mass.sum() for name, total in sums.items()}
    drawn: dict[str, list[Array]] = {name: [] for name in tables}
    left = resamples
    while left > 0:
        size = min(left, max(1, CHUNK // n))
        counts = rng.multinomial(max(1, n - 1), np.full(n, 1 / n), size=size).astype(np.float64)
        total = counts @ mass
        for name, table in sums.items():
            drawn[name].append((counts @ table) / total[:, None])
        left -= size
    observed = {name: metric(name).finish(mean) for name, mean in means.items()}
    redrawn = {name: metric(name).finish(np.concatenate(drawn[name])) for name in means}
    return Means(metric(ranking), n, observed, redrawn)


def _by_cluster(table: Array, code: Index, n: int) -> Array:
    sums = np.zeros((n, table.shape[1]))
    np.add.at(sums, code, table)
    return sums
