"""Constants per group of the points, some of them shared.

Every group is first fitted alone, as `fit` would. Without shared constants that is the result; with shared ones it is
where the joint fit starts, see `formsearch.fit.arrow`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.core.objectives import Objective
from formsearch.exceptions import InputError
from formsearch.fit.multistart import (
    GRADIENT,
    Outcome,
    at_bounds,
    multistart,
    out_of_range,
    perfect_sum,
    status_of,
    unusable,
)
from formsearch.fit.problem import Problem, require_rows
from formsearch.fit.result import Fit, Status
from formsearch.law import Law
from formsearch.points import Points

Array = NDArray[np.float64]

SEVERITY = ("failed", "disagree", "bound", "flat", "converged")


def labels_of(points: Points, by: str) -> NDArray[np.object_]:
    """A label a row: the points' own groups for `by="group"`, else any other column. Raises `InputError`."""
    column: NDArray[np.generic] | None = points.other.get(by, points.factors.get(by))
    if by == "group" and points.group is not None:
        column = points.group
    if column is None:
        have = [*(["group"] if points.group is not None else []), *points.other, *points.factors]
        raise InputError(
            f"{points.name}: no column {by!r} to group by; there are {', '.join(have)}: "
            "choose one of them, or read the points with group='COLUMN' and group by 'group'"
        )
    return np.asarray([str(label) for label in column], dtype=object)


@dataclass(frozen=True, eq=False)
class Grouped:
    """Points sorted so that each group is one run of rows: group g is rows [edges[g], edges[g + 1])."""

    points: Points
    labels: tuple[str, ...]
    edges: NDArray[np.int64]

    @classmethod
    def of(cls, points: Points, by: str) -> Grouped:
        """Sort by the labels of a column, groups in order of first appearance."""
        column = labels_of(points, by)
        labels = tuple(dict.fromkeys(column))
        place = {label: g for g, label in enumerate(labels)}
        index = np.asarray([place[label] for label in column])
        order = np.argsort(index, kind="stable")
        edges = np.searchsorted(index[order], np.arange(len(labels) + 1))
        return cls(points.take(order), labels, edges.astype(np.int64))

    def parts(self) -> dict[str, Points]:
        """The points of each group."""
        runs = zip(self.labels, self.edges, self.edges[1:], strict=False)
        return {g: self.points.take(np.arange(low, high), f"{self.points.name}[{g}]") for g, low, high in runs}


def fit_groups(
    law: Law,
    points: Points,
    objective: Objective,
    starts: int,
    seed: int,
    by: str,
    shared: tuple[str, ...],
    initial: Sequence[Mapping[str, float]] = (),
) -> Fit:
    """Fit with constants per group; see `formsearch.fit.fit`. Flat directions are not looked for."""
    for symbol in shared:
        law.constant(symbol)
    if len(set(shared)) < len(shared):
        raise InputError(f"shared={list(shared)} names a constant twice: name each once")
    grouped = Grouped.of(points, by)
    parts = grouped.parts()
    own = len(law.constants) - len(shared)
    for label, part in parts.items():
        require_rows(law, part, own, f"points in group {label!r}")
    require_rows(law, points, own * len(parts) + len(shared))
    problems = [Problem.of(law, part) for part in parts.values()]
    found = [multistart(problem, objective, starts, seed, initial) for problem in problems]
    if shared:
        from formsearch.fit.arrow import fit_shared

        # Groups of few rows say little about shared constants by themselves: all rows as one group say more.
        pooled = multistart(Problem.of(law, points), objective, starts, seed, initial)
        joint = fit_shared(law, grouped, objective, shared, [f.constants for f in found], pooled.constants)
        summary, values = joint.outcome, list(joint.own)
        common = dict(zip(shared, map(float, joint.shared), strict=True))
        status = _joint_status(points, objective, dict(zip(parts, problems, strict=True)), values, shared, summary)
    else:
        summary, values, common = _together(found), [f.constants for f in found], {}
        status = _separate_status(grouped.labels, problems, objective, found)
    return Fit(
        law=law,
        constants=common,
        objective=summary.objective,
        objective_name=objective.name,
        status=status,
        share=summary.share,
        starts=summary.starts,
        optima=summary.optima,
        measure=summary.measure,
        iterations=summary.iterations,
        points=points.describe(),
        rules=problems[0].rules,
        seed=seed,
        group_constants={
            label: dict(zip(law.constant_names, map(float, x), strict=True))
            for label, x in zip(grouped.labels, values, strict=True)
        },
        shared=shared,
        by=by,
        loss=objective,
        data=points,
    )


def _together(found: Sequence[Outcome]) -> Outcome:
    """Separate fits as one: the sum of their sums, and the worst of everything else."""
    total = float(sum(f.objective for f in found))
    return Outcome(
        constants=np.concatenate([f.constants for f in found]),
        objective=total,
        measure=max(f.measure for f in found),
        iterations=max(f.iterations for f in found),
        share=min(f.share for f in found),
        optima=(total,),
        starts=found[0].starts,
    )


def _separate_status(
    labels: Sequence[str], problems: Sequence[Problem], objective: Objective, found: Sequence[Outcome]
) -> Status:
    """The status of the worst group, with its name."""
    each = [status_of(problem, objective, f) for problem, f in zip(problems, found, strict=True)]
    worst = min(range(len(each)), key=lambda g: (SEVERITY.index(each[g].code), found[g].share))
    alike = sum(status.code == each[worst].code for status in each)
    if each[worst].code == "converged":
        return Status("converged", f"all {len(each)} groups converged; the least sure is {labels[worst]!r}: "
                      f"{each[worst].sentence.removeprefix('converged: ')}")  # fmt: skip
    return Status(each[worst].code, f"{alike} of {len(each)} groups, such as {labels[worst]!r}: {each[worst].sentence}")


def _joint_status(
    points: Points,
    objective: Objective,
    groups: Mapping[str, Problem],
    values: Sequence[Array],
    shared: tuple[str, ...],
    found: Outcome,
) -> Status:
    best = f"{round(found.share * found.starts)} of {found.starts} starts of {', '.join(shared)} reached the optimum"
    each = list(zip(groups.items(), values, strict=True))
    for (label, problem), x in each:
        if where := out_of_range(problem, x):
            return unusable(f"{where}, in group {label!r}")
    if found.objective <= perfect_sum(points, objective):
        return Status(
            "converged", f"converged: the form passes through every point, to the rounding of the data; {best}"
        )
    if found.measure > GRADIENT:
        return Status(
            "failed",
            f"not at an optimum: a relative decrease of {found.measure:.1e} is still promised; "
            "share or fix other constants, or bound those that run away",
        )
    held = dict.fromkeys(
        text if symbol in shared else f"{text} in group {label!r}"
        for (label, problem), x in each
        for symbol, text in at_bounds(problem.law, x)
    )
    if held:
        more = f" and {len(held) - 3} more" if len(held) > 3 else ""
        return Status(
            "bound", f"{'; '.join(list(held)[:3])}{more}: the points do not ask for that term there, share it, "
            f"drop it or widen the bound; {best}"
        )  # fmt: skip
    return Status("converged", f"converged: {best}")
