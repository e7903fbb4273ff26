"""Constants shared by groups that each have constants of their own: projection per group.

For given shared constants s every group is a small fit of its own, solved by the kernels from where it last stood,
so the whole is a function of s alone, F(s) = sum_g min over g's own constants, with the exact gradient
dF/ds = sum_g partial F_g/partial s (the own constants are at their optimum). A damped Newton iteration on F, whose
Hessian comes from differences of that gradient, converges in a few steps: there are few shared constants,
however many groups there are, and the matrix of all constants (an arrow) is never formed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formsearch.core import batch
from formsearch.core.batch import Pack
from formsearch.core.objectives import Objective
from formsearch.exceptions import FitError
from formsearch.law import Law

if TYPE_CHECKING:
    from formsearch.fit.groups import Grouped

Array = NDArray[np.float64]

STEP = 1e-3
"""Relative step of the differences: far above the error of the inner fits, far below the curvature's own scale."""


@dataclass(eq=False)
class Projected:
    """F(s) and its gradient; remembers each group's own constants as the next starting points."""

    law: Law
    pack: Pack
    grouped: Grouped
    weights: Array
    objective: Objective
    bounds: tuple[Array, Array]
    shared: NDArray[np.int64]
    own: list[Array] = field(default_factory=list)

    def __call__(self, s: Array) -> tuple[float, Array]:
        """(F, dF/ds) with s of shape (shared,)."""
        lower, upper = (b.copy() for b in self.bounds)
        lower[self.shared] = upper[self.shared] = s
        starts = []
        for start in self.own:
            x = start.copy()
            x[self.shared] = s
            starts.append(x)
        edges = self.grouped.edges
        zero = np.zeros(len(starts), dtype=np.int64)
        jobs = batch.Jobs(zero, zero, zero, edges[:-1], edges[1:], tuple(starts))
        result = batch.run(
            self.pack, jobs, self.grouped.points.target, self.weights, self.objective, [(lower, upper)], tolerance=1e-15
        )
        total = float(result.objective.sum())
        if not np.isfinite(total):
            return np.inf, np.full(len(s), np.nan)
        self.own = [np.asarray(c) for c in result.constants]
        return total, self._slope()

    def _slope(self) -> Array:
        slope = np.zeros(len(self.shared))
        for x, low, high in zip(self.own, self.grouped.edges, self.grouped.edges[1:], strict=False):
            f, J = self.pack.values(x, jacobian=True)
            f, J = f[low:high], J[low:high][:, self.shared]
            r = self.objective.residuals(self.grouped.points.target[low:high], f)
            v = self.weights[low:high] * self.objective.psi(r) * (1.0 / f if self.objective.log else 1.0)
            slope += v @ J
        return slope


def fit_shared(
    law: Law,
    pack: Pack,
    grouped: Grouped,
    weights: Array,
    objective: Objective,
    bounds: tuple[Array, Array],
    shared: Sequence[str],
    separate: Sequence[Array],
) -> tuple[float, float, dict[str, dict[str, float]], dict[str, float], int]:
    """Joint fit from the separate fits of the groups.

    Returns (objective, measure, constants by group, shared constants, iterations). Raises `FitError` if no start
    of the shared constants gives a finite sum.
    """
    index = np.asarray([law.constant_names.index(s) for s in shared], dtype=np.int64)
    values = np.asarray(separate)[:, index]
    candidates = [np.median(values, axis=0), values.mean(axis=0), *np.quantile(values, [0.25, 0.75], axis=0)]
    best: tuple[float, float, Array, list[Array], int] | None = None
    for s in candidates:
        problem = Projected(law, pack, grouped, weights, objective, bounds, index, [np.asarray(x) for x in separate])
        found = _minimise(problem, np.clip(s, bounds[0][index], bounds[1][index]))
        if found is not None and (best is None or found[0] < best[0] * (1 - 1e-9)):
            best = (*found[:3], problem.own, found[3])
    if best is None:
        raise FitError(f"law {law.name} has no finite sum with {', '.join(shared)} shared; share fewer constants")
    total, measure, s, own, iterations = best
    constants = {
        label: dict(zip(law.constant_names, map(float, x), strict=True))
        for label, x in zip(grouped.labels, own, strict=True)
    }
    return total, measure, constants, dict(zip(shared, map(float, s), strict=True)), iterations


def _minimise(problem: Projected, s: Array) -> tuple[float, float, Array, int] | None:
    """Damped Newton on F within bounds: (F, relative decrease still promised, s, iterations)."""
    value, slope = problem(s)
    if not np.isfinite(value):
        return None
    lower, upper = problem.bounds[0][problem.shared], problem.bounds[1][problem.shared]
    damping, measure = 1e-3, np.inf
    for iteration in range(1, 61):
        own = problem.own
        h = STEP * np.maximum(np.abs(s), STEP)
        H = np.zeros((len(s), len(s)))
        for i in range(len(s)):
            e = np.zeros(len(s))
            e[i] = h[i]
            plus, minus = problem(s + e)[1], problem(s - e)[1]
            H[i] = (plus - minus) / (2 * h[i])
            problem.own = own
        H = 0.5 * (H + H.T)
        free = ~(((s <= lower) & (slope > 0)) | ((s >= upper) & (slope < 0)))
        if not free.any():
            return value, 0.0, s, iteration
        scale = np.sqrt(np.maximum(np.abs(np.diag(H)), 1e-300))
        g, G = (slope / scale)[free], (H / np.outer(scale, scale))[np.ix_(free, free)]
        eigen, Q = np.linalg.eigh(G)
        measure = float(0.5 * np.sum((Q.T @ g) ** 2 / np.maximum(np.abs(eigen), 1e-12)) / max(value, 1e-300))
        if measure < 1e-12 and eigen.min() > -1e-6:
            return value, measure, s, iteration
        for _ in range(30):
            step = np.zeros(len(s))
            step[free] = -(Q @ ((Q.T @ g) / (np.abs(eigen) + damping))) / scale[free]
            trial_s = np.clip(s + step, lower, upper)
            problem.own = own
            trial, trial_slope = problem(trial_s)
            if trial < value:
                damping = max(damping * 0.1, 1e-12)
                break
            damping *= 10.0
        else:
            problem.own = own
            problem(s)
            return value, measure, s, iteration
        s, value, slope = trial_s, trial, trial_slope
    return value, measure, s, 60
