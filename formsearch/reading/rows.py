"""Which rows become points: the last step of each run, and one for rows that repeat others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import InputError, PointsError, UnknownNameError
from formsearch.points import Points
from formsearch.reading.cells import is_empty
from formsearch.reading.names import find_step

if TYPE_CHECKING:
    import pandas as pd

DUPLICATES: tuple[str, ...] = ("keep", "mean", "min")


def last_rows(
    frame: pd.DataFrame, by: Sequence[str], targets: Sequence[str], label: str
) -> tuple[pd.DataFrame, NDArray[np.int64], str]:
    """The last row of each run that has a target value; what that row leaves empty is the run's latest value before.

    "Last" is by the column of steps if one is named so (`names.STEPS`), else by the order of the file. Returns the
    rows, their positions in `frame`, and a note. Raises `UnknownNameError` for columns that are not there,
    `PointsError` if no row has a target value.
    """
    import pandas as pd

    for column in by:
        if column not in frame.columns:
            raise UnknownNameError("column in --last-by", column, map(str, frame.columns))
    step = find_step(c for c in map(str, frame.columns) if c not in targets)
    order = np.arange(len(frame))
    if step is not None:
        steps = pd.to_numeric(frame[step], errors="coerce").to_numpy(dtype=np.float64)
        if np.isfinite(steps).any():
            order = np.lexsort((order, np.where(np.isfinite(steps), steps, -np.inf)))
        else:
            step = None
    ordered = frame.iloc[order].mask(frame.iloc[order].map(is_empty))
    keys = [ordered[c].astype(str).to_numpy() for c in by]
    # A run's configuration may stand on its first line only, as trackers log it.
    filled = ordered.groupby(keys, sort=False, dropna=False).ffill().assign(**{c: ordered[c] for c in by})
    has = ordered[list(targets)].notna().all(axis=1).to_numpy()
    if not has.any():
        raise PointsError(f"{label}: no row has a value of {', '.join(targets)}; name another column with --target")
    last: dict[tuple[str, ...], int] = {}
    for i in np.flatnonzero(has):
        last[tuple(str(k[i]) for k in keys)] = int(i)
    kept = np.asarray(sorted(last.values(), key=lambda i: int(order[i])), dtype=np.int64)
    found = filled.iloc[kept].reset_index(drop=True).apply(_as_before, original=frame)
    runs = len(set(zip(*map(list, keys), strict=True)))
    note = f"last step of each {'|'.join(by)}" + (f" by {step}" if step else " by the order of rows")
    note += f": {len(kept)} of {len(frame)} rows"
    if runs > len(kept):
        note += f"; {runs - len(kept)} run(s) have no value of {', '.join(targets)}"
    return found, order[kept], note


def _as_before(column: pd.Series[Any], original: pd.DataFrame) -> pd.Series[Any]:
    """A column of the type that it had before empty cells were filled; text stays text."""
    kind = original[column.name].dtype
    return column.astype(kind) if kind.kind in "fiub" and column.notna().all() else column


def merged(points: Points, how: str) -> Points:
    """One point for rows that agree in all factors, group and split: their mean, or the least target among them.

    The weights of merged rows are added up (without weights each point counts once, however many rows it had). Other
    columns keep the value of the first row of each. "keep" gives the points back.

    Raises `InputError` for another word.
    """
    if how not in DUPLICATES:
        raise InputError(f"--duplicates {how}: choose {', '.join(DUPLICATES[:-1])} or {DUPLICATES[-1]}")
    first, inverse = _clusters(points)
    n = len(first)
    if how == "keep" or n == len(points):
        return points
    if how == "mean":
        target = np.bincount(inverse, weights=points.target, minlength=n) / np.bincount(inverse, minlength=n)
    else:
        target = np.full(n, np.inf)
        np.minimum.at(target, inverse, points.target)
    weight = None if points.weight is None else np.bincount(inverse, points.weight, n).astype(np.float64)
    note = f"{len(points)} rows merged into {n} points, the {'mean' if how == 'mean' else 'least'} of equal ones taken"
    return replace(points.take(first), target=target, weight=weight, notes=(*points.notes, note))


def duplicates(points: Points) -> int:
    """How many rows repeat the factors, group and split of an earlier one."""
    return len(points) - len(_clusters(points)[0])


def _clusters(points: Points) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row of each cluster of equal rows, in order, shape (clusters,); and the cluster of each row."""
    columns = [*points.factors.values()]
    labels = [c for c in (points.group, points.split) if c is not None]
    keys = list(zip(*(c.tolist() for c in columns), *(map(str, c) for c in labels), strict=True))
    number: dict[tuple[Any, ...], int] = {}
    inverse = np.asarray([number.setdefault(k, len(number)) for k in keys], dtype=np.int64)
    first = np.unique(inverse, return_index=True)[1].astype(np.int64)
    return first, inverse
