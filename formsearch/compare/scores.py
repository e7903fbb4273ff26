"""Measures of error: a law's predictions against observations.

With e = predicted - observed over the rows i (weights w_i, 1 if the points carry none, W = sum w_i):

    mae       sum w |e| / W                   unit of the target; "average validation loss error" of Zhao et al. 2025
    rmse      sqrt(sum w e**2 / W)            unit of the target
    r2        1 - sum w e**2 / sum w (y - mean y)**2
    relative  sum w |e|/|y| / W               a share
    log       sqrt(sum w (ln f - ln y)**2 / W)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import UnknownNameError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Metric:
    """A mean error: `penalty` of each row (observed, predicted), and `finish` of the penalties' weighted mean."""

    name: str
    title: str
    penalty: Callable[[Array, Array], Array]
    finish: Callable[[Array], Array]
    percent: bool = False


def _log_square(observed: Array, predicted: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((np.log(predicted) - np.log(observed)) ** 2)


def _relative(observed: Array, predicted: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.abs(predicted - observed) / np.abs(observed))


def _same(mean: Array) -> Array:
    return mean


METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        Metric("mae", "mean absolute error", lambda y, f: np.abs(f - y), _same),
        Metric("rmse", "root mean square error", lambda y, f: (f - y) ** 2, np.sqrt),
        Metric("relative", "mean relative error", _relative, _same, percent=True),
        Metric("log", "root mean square error of the logarithm", _log_square, np.sqrt),
    )
}


def metric(name: str) -> Metric:
    """The metric of that name. Raises `UnknownNameError`."""
    if name not in METRICS:
        raise UnknownNameError("metric", name, METRICS)
    return METRICS[name]


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors over `rows` predictions. NaN where a measure does not exist.

    `r2` does not exist for targets that are all equal; `log` where a prediction or a target is not above zero;
    `relative` where a target is zero.
    """

    rows: int
    mae: float
    rmse: float
    r2: float
    relative: float
    log: float

    def to_dict(self) -> dict[str, float | int | None]:
        """JSON-ready; what does not exist is None."""
        return {name: finite(getattr(self, name)) for name in ("rows", "mae", "rmse", "r2", "relative", "log")}


def finite(value: float) -> float | None:
    """The number, or None where JSON has no word for it (NaN, infinity)."""
    return value if math.isfinite(value) else None


def errors(observed: Array, predicted: Array, weight: Array | None = None) -> Errors:
    """All measures of `predicted` against `observed`, shape (rows,) each."""
    w = np.ones(len(observed)) if weight is None else weight
    total = float(w.sum())
    means = {
        name: float(m.finish(np.asarray(np.dot(w, m.penalty(observed, predicted)) / total)))
        for name, m in METRICS.items()
    }
    centre = float(np.dot(w, observed)) / total
    spread = float(np.dot(w, (observed - centre) ** 2))
    # A spread at rounding level is none: 1 - e**2/0 would print a huge meaningless number.
    exists = spread > len(observed) * (np.finfo(float).eps * abs(centre)) ** 2 * 16
    r2 = 1 - means["rmse"] ** 2 * total / spread if exists else math.nan
    return Errors(len(observed), means["mae"], means["rmse"], r2, means["relative"], means["log"])
