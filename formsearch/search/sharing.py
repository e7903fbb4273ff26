"""Constants that groups share: of a form with constants per group, those that need not differ are made common.

Exponents first, then the rest, one at a time: a constant is shared if the description of the points gets shorter (the
residuals grow less than the constants saved are worth). What comes of it is kept if the held-out rows do not tell it
from the form with all constants per group, or tell it to be better.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.core.objectives import Objective
from formsearch.exceptions import FormsearchError
from formsearch.fit import fit
from formsearch.fit.result import Fit
from formsearch.law import Law
from formsearch.points import Points
from formsearch.search.judge import HUGE, Fold, fold_error

Array = NDArray[np.float64]

STARTS = 4
SIGNIFICANCE = 0.05
LEAST = 0.5
"""Seconds that a joint fit is expected to take before one was made."""


@dataclass(frozen=True, eq=False)
class Shared:
    """What sharing gave: the names of the common constants, the joint fit to all rows, and its held-out errors."""

    names: tuple[str, ...]
    fit: Fit
    error: float
    folds: tuple[float, ...]
    held: Array


class Sharing:
    """Tries which constants of a law groups can share. `weighted` has the weights of fits, `points` those of rows."""

    def __init__(
        self, points: Points, weighted: Points, objective: Objective, folds: Sequence[Fold], seed: int, until: float
    ) -> None:
        self.points, self.weighted, self.objective = points, weighted, objective
        self.folds, self.seed, self.until = folds, seed, until
        self.taken = LEAST

    def of(self, law: Law, order: Sequence[str], held: Array) -> Shared | None:
        """The most that can be shared, of the constants in `order`; None if nothing can, or there is no time.

        `held` are the mean absolute residuals on held-out rows, in the order of the points, with nothing shared.
        """
        names: tuple[str, ...] = ()
        best = None if self.late() else self._fit(law, (), self.weighted)
        if best is None:
            return None
        for symbol in order:
            if self.late():
                return None
            tried = self._fit(law, (*names, symbol), self.weighted)
            if tried is not None and self._length(law, tried) < self._length(law, best):
                names, best = (*names, symbol), tried
        if not names:
            return None
        found = self._judged(law, names, best)
        return found if found is not None and not _worse(found.held, held) else None

    def late(self) -> bool:
        """Whether a fit that takes as long as the longest so far would end too late."""
        return time.monotonic() + self.taken > self.until

    def _fit(self, law: Law, shared: tuple[str, ...], points: Points) -> Fit | None:
        clock = time.monotonic()
        try:
            return fit(law, points, self.objective, STARTS, self.seed, by="group", shared=shared)
        except FormsearchError:
            return None
        finally:
            self.taken = max(self.taken, time.monotonic() - clock)

    def _length(self, law: Law, found: Fit) -> float:
        """n log(sum of squares / n) / 2 + constants log(n) / 2, n the effective number of rows."""
        w = np.ones(len(self.points)) if self.weighted.weight is None else self.weighted.weight
        n = float(w.sum() ** 2 / (w @ w))
        r = self.objective.residuals(self.weighted.target, found.predict(self.weighted))
        mean = float(np.average(r * r, weights=w))
        groups = len(found.group_constants)
        constants = groups * (len(law.constants) - len(found.shared)) + len(found.shared)
        return 0.5 * n * float(np.log(max(mean, 1e-300))) + 0.5 * constants * float(np.log(n))

    def _judged(self, law: Law, names: tuple[str, ...], best: Fit) -> Shared | None:
        """The joint fit with its errors on the hold-outs."""
        own = np.ones(len(self.points)) if self.points.weight is None else self.points.weight
        root = np.sqrt(own / own[own > 0].mean())
        total, count = np.zeros(len(self.points)), np.zeros(len(self.points))
        errors = []
        for fold in self.folds:
            if self.late():
                return None
            part = self._fit(law, names, self.weighted.take(fold.train))
            if part is None:
                return None
            test = self.points.take(fold.test)
            residuals = self.objective.residuals(test.target, part.predict(test)) * root[fold.test]
            errors.append(fold_error(residuals))
            total[fold.test] += np.minimum(np.abs(residuals), HUGE)
            count[fold.test] += 1
        held = total[count > 0] / count[count > 0]
        return Shared(names, best, float(np.mean(errors)), tuple(errors), held)


def _worse(a: Array, b: Array) -> bool:
    """Whether held-out residuals `a` are significantly larger than `b` (Wilcoxon signed-rank)."""
    from scipy.stats import wilcoxon

    difference = a - b
    if not np.isfinite(difference).all() or len(difference) < 6:
        return True
    if np.abs(difference).max() <= 1e-12 * float(np.abs(b).max()):
        return False
    return bool(difference.mean() > 0 and wilcoxon(difference).pvalue < SIGNIFICANCE)
