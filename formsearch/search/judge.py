"""Judging by extrapolation: folds inside the training points that hold out the largest runs.

Several origins along the overall size (compute where it is known), each testing on everything larger; and for every
single axis of size one fold that holds out its largest level. Points without an axis of size (data mixtures) are
judged by holding out whole configurations. Groups are divided each by itself.

The error of a form is the mean over folds of its root-mean-square residual on the held-out rows, large residuals
winsorised at `CAP` times the fold's median, so that one outlier among the runs does not choose the law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.points import Points
from formsearch.quantities import PROPORTION_PREFIX, USER_PREFIX

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SIZES = frozenset({
    "N", "N_active", "N_nonvocab", "N_vocab", "N_nonzero", "N_dense", "width", "depth", "D", "unique_tokens",
    "characters", "samples", "D_dense", "C", "vocab_size", "context_length", "latents", "parallel_streams", "scale",
    "log_flops",
})  # fmt: skip
"""Quantities that grow as the field scales up; forms are judged by how they extrapolate along these."""

ORIGINS = (0.5, 0.65, 0.8)
EMPHASES = (0.0, 3.0)
"""Rates at which small runs may be discounted; the second makes the smallest run of a table count 5 %."""
CAP = 6.0
HUGE = 1e100
MIN_TEST = 2
LEVELS, LEVELS_BEYOND = 3, 2
"""Levels of a factor that make it an axis along which rows are held out, and one along which forms are looked at beyond
the data."""
MIN_PART = 8


@dataclass(frozen=True, eq=False)
class Fold:
    """One hold-out: rows to fit, rows to predict, and what was held out."""

    train: Mask
    test: Mask
    label: str


def size_axes(points: Points, levels: int = LEVELS) -> list[str]:
    """Factors that are axes of size and have at least so many levels.

    To hold one out takes three; how a form goes on beyond two of them can be asked all the same.
    """
    return [
        q
        for q, v in points.factors.items()
        if (q in SIZES or q.startswith(USER_PREFIX))
        and len(np.unique(v)) >= levels
        and not q.startswith(PROPORTION_PREFIX)
    ]


def overall_size(points: Points, axes: Sequence[str]) -> Array:
    """A number a row that grows with the run: log compute where known, else the mean standardised log of the axes."""
    if points.can("C") and len(axes) > 1:
        return np.asarray(np.log(points.column("C")))
    total = np.zeros(len(points))
    for q in axes:
        v = points.column(q)
        log = np.log(v) if (v > 0).all() else v
        total += (log - log.mean()) / (log.std() or 1.0)
    return total


def emphasised(points: Points, rate: float) -> Array:
    """Weights that discount small runs: exp(-rate (1 - z)), z the overall size scaled to [0, 1], shape (rows,).

    No short form is true of all sizes at once; a law that is to be used beyond the largest runs has to be right there
    rather than among the smallest. This is the discounted least squares of forecasting (Brown 1963), with size in the
    place of time. Sizes are scaled within each group. Points without an axis of size, or rate 0, give ones.
    """
    axes = size_axes(points)
    weight = np.ones(len(points))
    if not axes or rate == 0.0:
        return weight
    size = overall_size(points, axes)
    for part in _parts(points):
        low, high = float(size[part].min()), float(size[part].max())
        if high > low:
            weight[part] = np.exp(-rate * (high - size[part]) / (high - low))
    return weight


def _parts(points: Points) -> list[NDArray[np.int64]]:
    if points.group is None:
        return [np.arange(len(points))]
    labels = np.asarray([str(g) for g in points.group])
    return [np.flatnonzero(labels == g) for g in points.groups]


def _hold_out_above(values: Array, parts: Sequence[NDArray[np.int64]], share: float, label: str) -> Fold | None:
    """Per part, the levels above the quantile `share` are the test; ties stay on one side."""
    n = len(values)
    train, test = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for part in parts:
        v = values[part]
        ordered = np.sort(v)
        cut = ordered[min(int(np.ceil(share * len(v))), len(v) - 1)]
        # Values within rounding of the cut are its level: 6*N*D differs in the last bits.
        above = v >= cut - 1e-9 * max(abs(cut), 1.0)
        if above.all():
            above = v > cut + 1e-9 * max(abs(cut), 1.0)
        if not above.any():
            continue
        train[part[~above]] = True
        test[part[above]] = True
    if test.sum() < MIN_TEST or train.sum() < 3:
        return None
    return Fold(train, test, label)


def _held_configurations(points: Points, count: int, seed: int) -> list[Fold]:
    table = np.column_stack([*points.factors.values(), np.zeros(len(points))])
    _, code = np.unique(table, axis=0, return_inverse=True)
    code = code.reshape(-1)
    order = np.random.default_rng(seed).permutation(int(code.max()) + 1)
    fold = order[code] % count
    return [Fold(fold != k, fold == k, f"configurations {k + 1}/{count}") for k in range(count) if (fold == k).any()]


def folds_of(points: Points, seed: int = 0, origins: Sequence[float] = ORIGINS) -> list[Fold]:
    """The hold-outs that judge forms on these points."""
    axes = size_axes(points)
    if not axes:
        return _held_configurations(points, 5, seed)
    parts = _parts(points)
    size = overall_size(points, axes)
    found = [_hold_out_above(size, parts, share, f"size above {share:.0%}") for share in origins]
    if len(axes) > 1:
        for q in axes:
            found.append(_hold_out_above(points.column(q), parts, 0.8, f"largest {q}"))
    distinct: dict[bytes, Fold] = {}
    for fold in found:
        if fold is not None:
            distinct.setdefault(fold.test.tobytes(), fold)
    return list(distinct.values()) or _held_configurations(points, 5, seed)


def coreset(points: Points, folds: Sequence[Fold], most: int, seed: int) -> tuple[Points, list[Fold]]:
    """At most `most` rows to search on, drawn evenly from the groups, with the folds on them.

    Every fold keeps rows on both sides, since rows are drawn at random. A table that is small enough is returned whole.
    """
    if len(points) <= most:
        return points, list(folds)
    rng = np.random.default_rng(seed)
    parts = _parts(points)
    share = most / len(points)
    chosen = [rng.choice(p, size=min(len(p), max(MIN_PART, round(share * len(p)))), replace=False) for p in parts]
    rows = np.sort(np.concatenate(chosen))
    return points.take(rows), [Fold(f.train[rows], f.test[rows], f.label) for f in folds]


def fold_error(residuals: Array) -> float:
    """Root-mean-square of the residuals, each winsorised at `CAP` medians; infinite where a prediction is missing."""
    return float(fold_errors(residuals[None])[0])


def fold_errors(residuals: Array) -> Array:
    """`fold_error` of several forms: residuals of shape (forms, rows), errors of shape (forms,)."""
    size = np.sort(np.abs(residuals), axis=1)
    n = size.shape[1]
    if n == 0:
        return np.full(len(size), np.inf)
    with np.errstate(all="ignore"):
        size2 = np.minimum(size, CAP * 0.5 * (size[:, [(n - 1) // 2]] + size[:, [n // 2]])) ** 2
        # NaN is sorted to the end.
        return np.where(size[:, -1] <= HUGE, np.sqrt(size2.mean(axis=1)), np.inf)
