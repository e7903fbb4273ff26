"""Greedy optimal design under a budget, for Gaussian predictions.

Of runs A with predictions f_A, let S_A be the covariance of what is uncertain about them (resamples, and the noise of
new runs). For a vector d of one number a run,

    z**2(A) = d_A' S_A^-1 d_A

is the squared distance of two laws in standard deviations if d is the difference of their predictions (S then has
both laws' uncertainty), and the variance of a quantity that the runs explain if d is its covariance with f. It never
falls as runs are added, and its growth by a run x is (d_x - k'u)**2 / (s_xx - k'v) with u = S_A^-1 d_A, k = S_xA and
v = S_A^-1 k, for all x at once. The same run may be made twice: noise averages out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WORTH = 1e-3
"""A run, or an exchange of runs, that adds a smaller share to z**2 is not worth naming."""

PASSES = 10
"""Rounds of exchanges at most."""

BLOCK = 256
"""Rows of the covariance of all runs with all that are held at once."""


@dataclass(frozen=True, eq=False)
class Task:
    """d, shape (rows,); deviations of uncertain predictions, shape (samples, rows), centred; noise sd, (rows,)."""

    d: Array
    deviations: Array
    noise: Array

    def covariance(self, rows: list[int]) -> Array:
        """Of the predictions of all rows (shape (m, len(rows))) with those, without noise."""
        return np.asarray(self.deviations.T @ self.deviations[:, rows] / (len(self.deviations) - 1))

    def distance(self, chosen: list[int]) -> float:
        """z**2 of the chosen runs."""
        if not chosen:
            return 0.0
        own = self.deviations[:, chosen]
        S = own.T @ own / (len(own) - 1) + np.diag(self.noise[chosen] ** 2)
        return float(self.d[chosen] @ np.linalg.solve(S, self.d[chosen]))

    def growth(self, chosen: list[int]) -> Array:
        """By how much z**2 grows with one more run, for every row; shape (rows,)."""
        own = self.deviations.var(axis=0, ddof=1) + self.noise**2
        if not chosen:
            return np.asarray(self.d**2 / own)
        K = self.covariance(chosen)
        S = K[chosen] + np.diag(self.noise[chosen] ** 2)
        rest = own - np.einsum("ij,ji->i", K, np.linalg.solve(S, K.T))
        off = self.d - K @ np.linalg.solve(S, self.d[chosen])
        return np.asarray(off**2 / np.maximum(rest, self.noise**2))


def choose(task: Task, cost: Array, budget: float, runs: int) -> list[int]:
    """Rows of at most `runs` runs within the budget that make z**2 large; rows may repeat.

    Three greedy choices (by growth, by growth for its cost, and from the best pair, since two runs can tell together
    what neither tells alone), each improved by exchanging runs one at a time while that helps (Fedorov 1972); the
    best of them. Good, not proved best: gains of this kind are not submodular.
    """
    starts: list[tuple[list[int], bool]] = [([], False), ([], True)]
    if runs > 1:
        starts.append((_best_pair(task, cost, budget), False))
    made = []
    for chosen, by_cost in starts:
        chosen = _greedy(task, chosen, cost, budget, runs, by_cost)
        made.append(_exchange(task, chosen, cost, budget, runs))
    return max(made, key=task.distance)


def _best_pair(task: Task, cost: Array, budget: float) -> list[int]:
    """The two runs of greatest z**2 that the budget allows; none if it allows no two."""
    own = task.deviations.var(axis=0, ddof=1) + task.noise**2
    best, pair = 0.0, []
    for first in range(0, len(cost), BLOCK):
        rows = slice(first, first + BLOCK)
        S = task.deviations[:, rows].T @ task.deviations / (len(task.deviations) - 1)
        d, s = task.d[rows, None], own[rows, None]
        z = (d**2 * own - 2 * d * task.d * S + task.d**2 * s) / np.maximum(s * own - S**2, (task.noise**2) ** 2)
        z[cost[rows, None] + cost > budget * (1 + 1e-12)] = -np.inf
        i, j = np.unravel_index(int(np.argmax(z)), z.shape)
        if z[i, j] > best:
            best, pair = float(z[i, j]), [first + int(i), int(j)]
    return pair


def _greedy(task: Task, chosen: list[int], cost: Array, budget: float, runs: int, by_cost: bool) -> list[int]:
    """Runs added to those chosen, one at a time, while the budget lasts and they tell anything."""
    chosen = list(chosen)
    left = budget - float(cost[chosen].sum())
    while len(chosen) < runs:
        affordable = cost <= left * (1 + 1e-12)
        if not affordable.any():
            break
        gain = np.where(affordable, task.growth(chosen), -np.inf)
        best = int(np.argmax(gain / cost if by_cost else gain))
        if not gain[best] > WORTH * task.distance(chosen):
            break
        chosen.append(best)
        left -= float(cost[best])
    return chosen


def _exchange(task: Task, chosen: list[int], cost: Array, budget: float, runs: int) -> list[int]:
    """Each run in turn given up for the best that its money buys, until no exchange helps."""
    for _ in range(PASSES):
        before = task.distance(chosen)
        for i in range(len(chosen)):
            others = chosen[:i] + chosen[i + 1 :]
            other = _greedy(task, others, cost, budget, runs, by_cost=False)
            if task.distance(other) > task.distance(chosen) * (1 + WORTH) and len(other) >= len(chosen):
                chosen = other
        if task.distance(chosen) <= before * (1 + WORTH):
            break
    return chosen
