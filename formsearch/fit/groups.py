"""Constants per group of the points, some of them shared.

Without shared constants the groups are independent fits, run as one batch. With shared ones see `_shared`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.core import batch
from formsearch.core.objectives import Objective
from formsearch.exceptions import FitError, InputError
from formsearch.fit.multistart import GRADIENT, Outcome, outcome
from formsearch.fit.problem import bounds_of, pack_of, require_rows, tape_of
from formsearch.fit.result import Fit, Status
from formsearch.fit.starts import draw
from formsearch.law import Law
from formsearch.points import Points

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grouped:
    """Points sorted so that each group is one run of rows: group g is rows [edges[g], edges[g + 1])."""

    points: Points
    labels: tuple[str, ...]
    edges: NDArray[np.int64]

    @classmethod
    def of(cls, points: Points, by: str) -> Grouped:
        """Sort by the group column (`by="group"`) or by another column of the table."""
        column: NDArray[np.generic] | None = points.group if by == "group" else points.other.get(by)
        if column is None:
            raise InputError(f"cannot group by {by!r}: read the points with group={by!r}, then fit with by='group'")
        text = np.asarray([str(g) for g in column], dtype=object)
        labels = tuple(dict.fromkeys(text))
        index = np.asarray([labels.index(t) for t in text])
        order = np.argsort(index, kind="stable")
        edges = np.searchsorted(index[order], np.arange(len(labels) + 1))
        return cls(points.take(order), labels, edges.astype(np.int64))


def fit_groups(
    law: Law, points: Points, objective: Objective, starts: int, seed: int, by: str, shared: tuple[str, ...]
) -> Fit:
    """Fit with constants per group; see `formsearch.fit.fit`."""
    grouped = Grouped.of(points, by)
    for symbol in shared:
        law.constant(symbol)
    columns, rules = law.bind(grouped.points)
    n_groups, own = len(grouped.labels), len(law.constants) - len(shared)
    for label, low, high in zip(grouped.labels, grouped.edges, grouped.edges[1:], strict=False):
        require_rows(law, int(high - low), own, f"points in group {label!r}")
    require_rows(law, len(points), own * n_groups + len(shared))
    tape = tape_of(law)
    pack = pack_of(law, columns, len(points))
    # A copy, as in `Problem.weights`: a read-only array would compile the kernels a second time.
    weights = grouped.points.weight.copy() if grouped.points.weight is not None else np.ones(len(points))
    bounds = bounds_of(law)
    lows: list[int] = []
    highs: list[int] = []
    x: list[Array] = []
    for g, (low, high) in enumerate(zip(grouped.edges, grouped.edges[1:], strict=False)):
        drawn = draw(law, tape, {k: v[low:high] for k, v in columns.items()}, starts, seed + g)
        x.extend(drawn)
        lows += [low] * len(drawn)
        highs += [high] * len(drawn)
    zero = np.zeros(len(x), dtype=np.int64)
    jobs = batch.Jobs(zero, zero, zero, np.asarray(lows, dtype=np.int64), np.asarray(highs, dtype=np.int64), tuple(x))
    result = batch.run(pack, jobs, grouped.points.target, weights, objective, [bounds])
    each = len(x) // n_groups
    found: list[Outcome] = []
    for g, label in enumerate(grouped.labels):
        best = outcome(result, np.arange(g * each, (g + 1) * each))
        if best is None:
            raise FitError(f"law {law.name} has no finite value on group {label!r} at any of {each} starts")
        found.append(best)
    total = float(sum(f.objective for f in found))
    constants = {
        label: dict(zip(law.constant_names, map(float, f.constants), strict=True))
        for label, f in zip(grouped.labels, found, strict=True)
    }
    measure = max(f.measure for f in found)
    share = min(f.share for f in found)
    iterations = max(f.iterations for f in found)
    common: dict[str, float] = {}
    if shared:
        from formsearch.fit.arrow import fit_shared

        joint = fit_shared(law, pack, grouped, weights, objective, bounds, shared, [f.constants for f in found])
        total, measure, constants, common, iterations = joint
    status = _status(law, measure, share, each, n_groups)
    return Fit(
        law=law,
        constants=common,
        objective=total,
        objective_name=objective.name,
        status=status,
        share=share,
        starts=each,
        optima=(total,),
        measure=measure,
        iterations=iterations,
        points=points.describe(),
        rules=rules,
        seed=seed,
        group_constants=constants,
        shared=shared,
        loss=objective,
        data=points,
    )


def _status(law: Law, measure: float, share: float, starts: int, groups: int) -> Status:
    if measure > GRADIENT:
        return Status(
            "failed",
            f"not at an optimum in every group: a relative decrease of {measure:.1e} is still promised; "
            "raise starts, share or fix constants",
        )
    where = f"in the worst of {groups} groups {round(share * starts)} of {starts} starts reached the best optimum"
    if starts > 1 and share < 0.2:
        return Status("disagree", f"starts disagree: {where}; raise starts, or share constants between groups")
    return Status("converged", f"converged: {where}")
