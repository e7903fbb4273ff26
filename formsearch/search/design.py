"""The design of the points: controlled groups, in which one factor varies and everything else is fixed.

This is how the marginal effect of a factor is seen by eye, before any form is fitted: the steps of the target from
level to level, and the shapes that describe them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.points import Points

Array = NDArray[np.float64]
Index = NDArray[np.int64]

SAME = 0.01
"""Values that differ by a smaller share are one level: sizes of the same recipe differ a little."""


@dataclass(frozen=True, eq=False)
class Controlled:
    """Rows in which only `factor` varies, in increasing order of it."""

    factor: str
    rows: Index


def level_codes(values: Array, tolerance: float = SAME) -> Index:
    """Level of each value, counted from 0; neighbours closer than `tolerance` (a share) are one level."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    step = np.diff(ordered) > tolerance * np.maximum(np.abs(ordered[1:]), np.abs(ordered[:-1]))
    code = np.empty(len(values), dtype=np.int64)
    code[order] = np.concatenate([[0], np.cumsum(step)])
    return code


def controlled_groups(points: Points, factor: str, least: int = 2) -> list[Controlled]:
    """Groups of rows with at least `least` levels of `factor` and all other factors (and the group) fixed."""
    others = [level_codes(v) for q, v in points.factors.items() if q != factor]
    if points.group is not None:
        others.append(np.unique([str(g) for g in points.group], return_inverse=True)[1].astype(np.int64))
    code = np.zeros(len(points), dtype=np.int64)
    if others:
        code = np.unique(np.column_stack(others), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    own = level_codes(points.factors[factor])
    found = []
    for g in np.unique(code):
        rows = np.flatnonzero(code == g)
        if len(np.unique(own[rows])) >= least:
            found.append(Controlled(factor, rows[np.argsort(points.factors[factor][rows], kind="stable")]))
    return found


def steps_along(points: Points, factor: str) -> Array:
    """Changes of the target from level to level of `factor` in the controlled groups (levels averaged)."""
    own = level_codes(points.factors[factor])
    steps: list[Array] = []
    for group in controlled_groups(points, factor):
        codes = own[group.rows]
        means = np.array([points.target[group.rows[codes == c]].mean() for c in np.unique(codes)])
        steps.append(np.diff(means))
    return np.concatenate(steps) if steps else np.zeros(0)
