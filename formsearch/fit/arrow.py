"""Constants shared by groups that each have constants of their own: projection per group.

For given shared constants s every group is a small fit of its own, solved by the kernels from where it last stood,
so the whole is a function of s alone, F(s) = sum_g min over g's own constants, with the exact gradient
dF/ds = sum_g partial F_g/partial s (the own constants are at their optimum). A damped Newton iteration on F, whose
Hessian comes from differences of that gradient, converges in a few steps: there are few shared constants,
however many groups there are, and the matrix of all constants (an arrow) is never formed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formsearch.core import batch
from formsearch.core.batch import Pack
from formsearch.core.objectives import Objective
from formsearch.exceptions import FitError
from formsearch.fit.multistart import SAME, Outcome, distinct, perfect_sum
from formsearch.fit.problem import bounds_of, pack_of, row_weights
from formsearch.law import Law

if TYPE_CHECKING:
    from formsearch.fit.groups import Grouped

Array = NDArray[np.float64]

STEP = 1e-3
"""Relative step of the differences: far above the error of the inner fits, far below the curvature's own scale."""

ITERATIONS = 60


@dataclass(eq=False)
class Projected:
    """F(s) and its gradient; remembers each group's own constants as the next starting points.

    promised : relative decrease of F that the groups' own constants still promise, zero where they are at rest.
    """

    pack: Pack
    grouped: Grouped
    objective: Objective
    bounds: tuple[Array, Array]
    shared: NDArray[np.int64]
    own: list[Array] = field(default_factory=list)
    promised: float = 0.0

    @cached_property
    def weights(self) -> Array:
        """Weight a row, writable as the kernels want it."""
        return row_weights(self.grouped.points)

    @cached_property
    def perfect(self) -> float:
        """A sum that is only the rounding of the targets."""
        return perfect_sum(self.grouped.points, self.objective)

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
        self.promised = float((result.measure * result.objective).sum() / total) if total > 0 else 0.0
        return total, self._slope()

    def _slope(self) -> Array:
        target, slope = self.grouped.points.target, np.zeros(len(self.shared))
        for x, low, high in zip(self.own, self.grouped.edges, self.grouped.edges[1:], strict=False):
            f, J = self.pack.values(x, jacobian=True, low=low, high=high)
            seen = self.weights[low:high] > 0
            f, J = f[seen], J[seen][:, self.shared]
            v = self.weights[low:high][seen] * self.objective.psi(self.objective.residuals(target[low:high][seen], f))
            slope += (v / f if self.objective.log else v) @ J
        return slope


@dataclass(frozen=True, eq=False)
class Joint:
    """The joint fit: values of the shared constants, all constants of each group, and how the starts fared."""

    outcome: Outcome
    shared: Array
    own: tuple[Array, ...]


def fit_shared(
    law: Law, grouped: Grouped, objective: Objective, shared: Sequence[str], separate: Sequence[Array], pooled: Array
) -> Joint:
    """Joint fit from the separate fits of the groups, and from that of all rows as one group.

    Raises `FitError` if no start of the shared constants gives a finite sum.
    """
    index = np.asarray([law.constant_names.index(s) for s in shared], dtype=np.int64)
    bounds = bounds_of(law)
    columns, _ = law.bind(grouped.points)
    projected = Projected(pack_of(law, columns, len(grouped.points)), grouped, objective, bounds, index)
    values = np.asarray(separate)[:, index]
    starts: list[tuple[Array, Sequence[Array]]] = [
        (np.median(values, axis=0), separate),
        (values.mean(axis=0), separate),
        *((s, separate) for s in np.quantile(values, [0.25, 0.75], axis=0)),
        (pooled[index], [pooled] * len(separate)),
    ]
    ended: list[tuple[Outcome, Joint]] = []
    for s, own in starts:
        projected.own = list(own)
        found = _minimise(projected, np.clip(s, bounds[0][index], bounds[1][index]))
        if found is not None:
            ended.append((found, Joint(found, found.constants, tuple(projected.own))))
    if not ended:
        raise FitError(f"law {law.name} has no finite sum with {', '.join(shared)} shared; share fewer constants")
    best, joint = min(ended, key=lambda e: e[0].objective)
    level = best.objective * (1 + SAME) + perfect_sum(grouped.points, objective)
    share = sum(found.objective <= level for found, _ in ended) / len(starts)
    optima = distinct([found.objective for found, _ in ended])
    return replace(joint, outcome=replace(best, share=share, starts=len(starts), optima=optima))


def _minimise(problem: Projected, s: Array) -> Outcome | None:
    """Damped Newton on F within bounds, in place on `problem.own`; None if F is not finite at the start."""
    value, slope = problem(s)
    if not np.isfinite(value):
        return None
    lower, upper = problem.bounds[0][problem.shared], problem.bounds[1][problem.shared]
    damping, measure, iterations = 1e-3, np.inf, 0
    while iterations < ITERATIONS:
        iterations += 1
        own = problem.own
        if value <= problem.perfect:
            break
        H = _hessian(problem, s)
        free = ~(((s <= lower) & (slope > 0)) | ((s >= upper) & (slope < 0)))
        if not free.any():
            measure = 0.0
            break
        scale = np.sqrt(np.maximum(np.abs(np.diag(H)), 1e-300))
        g, G = (slope / scale)[free], (H / np.outer(scale, scale))[np.ix_(free, free)]
        if not (np.isfinite(g).all() and np.isfinite(G).all()):
            break
        eigen, Q = np.linalg.eigh(G)
        measure = float(0.5 * np.sum((Q.T @ g) ** 2 / np.maximum(np.abs(eigen), 1e-12)) / value)
        if measure < 1e-12 and eigen.min() > -1e-6:
            break
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
            break
        s, value, slope = trial_s, trial, trial_slope
    rest = max(measure, problem.promised) if value > problem.perfect else 0.0
    return Outcome(s, value, rest, iterations, share=1.0, optima=(value,), starts=1)


def _hessian(problem: Projected, s: Array) -> Array:
    """Second derivatives of F by central differences of its gradient; `problem.own` stays as it is."""
    own, promised = problem.own, problem.promised
    lower, upper = problem.bounds[0][problem.shared], problem.bounds[1][problem.shared]
    H = np.zeros((len(s), len(s)))
    for i, e in enumerate(np.diag(STEP * np.maximum(np.abs(s), STEP))):
        above, below = np.minimum(s + e, upper), np.maximum(s - e, lower)
        width = above[i] - below[i]
        H[i] = (problem(above)[1] - problem(below)[1]) / width if width > 0 else e
        problem.own, problem.promised = own, promised
    return 0.5 * (H + H.T)
