"""Model confidence set (Hansen, Lunde and Nason 2011, Econometrica 79, 453-497): which laws may be the best.

Starting from all laws, test that all have equal expected loss; while that is rejected, drop the worst and test again.
What is left contains the best law with the stated probability. The statistic is their T_R,

    T_R = max_{i,j} |t_ij|,   t_ij = (mean L_i - mean L_j) / se_ij,

with standard errors and the null distribution from the bootstrap of rows; the law dropped is the one with the
greatest t_ij over j. A law's p value is the greatest p met up to the step that drops it.

Means and their errors cannot judge a law that is thousands of times off on three rows and fair on the rest: its error
is so uncertain that nothing is rejected. Such laws are named by the caller (`hopeless`) and dropped first, p = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.compare.paired import SAME

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ConfidenceSet:
    """`members` at `level`, and the p value of every law: it belongs to each set of level above 1 - p."""

    level: float
    members: tuple[str, ...]
    p: dict[str, float]

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return {"level": self.level, "members": list(self.members), "p": dict(self.p)}


def confidence_set(
    labels: Sequence[str], observed: Array, redrawn: Array, level: float = 0.9, hopeless: Sequence[str] = ()
) -> ConfidenceSet:
    """The set from mean penalties: observed (laws,) and redrawn (resamples, laws), the rows drawn in common.

    Laws in `hopeless` are dropped first, unless that leaves none.
    """
    m = len(labels)
    difference = observed[:, None] - observed[None, :]
    error = np.empty((m, m))
    spread = np.empty((m, m, len(redrawn)))
    for i in range(m):
        centred = (redrawn[:, [i]] - redrawn) - difference[i]
        # A difference that is the same on every row has no error: its t is then as good as infinite.
        error[i] = np.maximum(np.sqrt((centred**2).mean(axis=0)), np.finfo(float).tiny)
        spread[i] = np.abs(centred).T
    # Laws whose mean penalties agree to `SAME` are equal, t = 0: their difference is rounding, and so is its error.
    known = np.abs(difference) > SAME * np.maximum.outer(observed, observed)
    t = np.divide(difference, error, out=np.zeros_like(error), where=known)
    spread[~known] = 0.0
    np.divide(spread, error[:, :, None], out=spread, where=known[:, :, None])

    alive = [i for i in range(m) if labels[i] not in hopeless] or list(range(m))
    p = np.zeros(m)
    p[alive] = 1.0
    reached = 0.0
    while len(alive) > 1:
        part = np.ix_(alive, alive)
        statistic = float(np.abs(t[part]).max())
        null = spread[part].reshape(-1, spread.shape[2]).max(axis=0)
        reached = max(reached, float((null >= statistic).mean()))
        worst = alive[int(np.argmax(t[part].max(axis=1)))]
        p[worst] = reached
        alive.remove(worst)
    values = {label: float(value) for label, value in zip(labels, p, strict=True)}
    return ConfidenceSet(level, tuple(label for label in labels if values[label] > 1 - level), values)
