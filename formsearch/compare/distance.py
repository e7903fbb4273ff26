"""How far the test points lie from the training range: an error means little without it.

A factor that is positive is measured in its logarithm, one that may be zero (a share) as it is; t(x) below. With the
training range [a, b] of t and its width b - a,

    excess_f   = max(0, t - b, a - t)                       (e-folds; `times` is its exponential)
    overall    = sqrt(sum_f (excess_f/width_f)**2)          (training widths; 0 inside the box of ranges)
    nearest    = distance to the nearest training row in t/width, the same unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formsearch.points import Points
from formsearch.quantities import quantity

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def is_logarithmic(name: str) -> bool:
    """Whether a quantity is measured on a logarithmic scale: it is positive and not bounded like a share."""
    q = quantity(name)
    return q.low >= 0 and q.open_low and np.isinf(q.high)


@dataclass(frozen=True, eq=False)
class Distance:
    """Distances of the test rows of every fold from that fold's training rows.

    `positions` are the test rows (positions in the points), `fold` the number of their fold; `excess` has shape
    (test rows, factors) with the factors named in `factors`; `overall` and `nearest` have shape (test rows,).
    """

    factors: tuple[str, ...]
    logarithmic: tuple[bool, ...]
    positions: Index
    fold: Index
    excess: Array
    overall: Array
    nearest: Array

    @property
    def outside(self) -> float:
        """Share of test rows that lie outside the training range in at least one factor."""
        return float((self.overall > 0).mean())

    @property
    def repeated(self) -> int:
        """Number of test rows whose configuration is also a training row: these are not held out."""
        return int((self.nearest == 0).sum())

    def furthest(self, factor: str) -> float:
        """Greatest excess of a factor: times beyond the range if logarithmic (1 is inside), else in its own unit."""
        i = self.factors.index(factor)
        worst = float(self.excess[:, i].max())
        return float(np.exp(worst)) if self.logarithmic[i] else worst

    def sentences(self) -> tuple[str, ...]:
        """The distances in words."""
        n = len(self.overall)
        parts = []
        for name, is_log in zip(self.factors, self.logarithmic, strict=True):
            worst = self.furthest(name)
            if is_log and worst > 1 + 1e-9:
                parts.append(f"{name} {worst:.3g} times")
            elif not is_log and worst > 0:
                parts.append(f"{name} by {worst:.3g}")
        if parts:
            count, middle = int((self.overall > 0).sum()), float(np.median(self.overall))
            text = (
                f"{count} of {n} test rows lie outside the training range ({', '.join(parts)} beyond at most); "
                f"distance {middle:.2g} training widths in the median, at most {self.overall.max():.2g}"
            )
        else:
            text = f"all {n} test rows lie inside the training range: this judges interpolation"
        if not self.repeated:
            return (text,)
        return (text, f"{self.repeated} of {n} test rows repeat a configuration of the training rows: not held out")

    def frame(self) -> pd.DataFrame:
        """One row a test row: position, fold, overall, nearest, and `beyond:FACTOR` (the excess)."""
        import pandas as pd

        columns = {f"beyond:{name}": self.excess[:, i] for i, name in enumerate(self.factors)}
        return pd.DataFrame(
            {"position": self.positions, "fold": self.fold, "overall": self.overall, "nearest": self.nearest, **columns}
        )

    def to_dict(self) -> dict[str, object]:
        """JSON-ready summary."""
        return {
            "outside": self.outside,
            "repeated": self.repeated,
            "overall": {"median": float(np.median(self.overall)), "max": float(self.overall.max())},
            "nearest": {"median": float(np.median(self.nearest)), "max": float(self.nearest.max())},
            "furthest": {
                name: {"beyond": self.furthest(name), "unit": "times" if is_log else "own unit"}
                for name, is_log in zip(self.factors, self.logarithmic, strict=True)
            },
            "sentences": list(self.sentences()),
        }


def distance(points: Points, folds: Sequence[tuple[Index, Index]], also: Sequence[str] = ()) -> Distance:
    """Distances of the test rows of `folds`, by every factor column and the derived quantities in `also`."""
    from scipy.spatial import cKDTree

    names = tuple(dict.fromkeys([*points.factors, *(q for q in also if points.can(q))]))
    logs = tuple(is_logarithmic(n) for n in names)
    with np.errstate(divide="ignore"):
        table = np.column_stack(
            [np.log(points.column(n)) if log else points.column(n) for n, log in zip(names, logs, strict=True)]
        )
    excess, overall, nearest = [], [], []
    for train, test in folds:
        low, high = table[train].min(axis=0), table[train].max(axis=0)
        # A factor that does not vary in training has no width of its own: one e-fold, or one unit, stands for it.
        width = np.where(high - low > 1e-9, high - low, 1.0)
        beyond = np.maximum(0.0, np.maximum(table[test] - high, low - table[test]))
        beyond[beyond < 1e-9] = 0.0
        excess.append(beyond)
        overall.append(np.sqrt(((beyond / width) ** 2).sum(axis=1)))
        away = cKDTree(table[train] / width).query(table[test] / width)[0]
        nearest.append(np.where(away < 1e-9, 0.0, away))
    return Distance(
        names,
        logs,
        np.concatenate([test for _, test in folds]),
        np.concatenate([np.full(len(test), i) for i, (_, test) in enumerate(folds)]),
        np.vstack(excess),
        np.concatenate(overall),
        np.concatenate(nearest),
    )
