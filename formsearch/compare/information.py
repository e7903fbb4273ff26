"""In-sample criteria: AICc and BIC from the likelihood that an objective stands for.

An objective sum w_i rho(r_i) is minus the logarithm of a likelihood up to a scale s, as least squares is of a Gaussian
with s = sigma**2:

    p(r_i) = exp(-w_i rho(r_i)/s) / Z(s/w_i),    Z(t) = integral exp(-rho(r)/t) dr,

and, for residuals of the logarithm, the density of the target itself has a further factor 1/y_i. The constants that
minimise the objective maximise this likelihood at every s; s is then set to its maximum and counted as one constant.
So criteria of fits with different objectives (Huber on ln L, least squares on L) are about the same thing, the
density of the observed targets.

    AIC  = 2 k - 2 ln p,   AICc = AIC + 2 k (k+1)/(n-k-1),   BIC = k ln n - 2 ln p,   k = constants + 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.core.objectives import LeastSquares, Objective

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Criteria:
    """Log-likelihood (nats), AICc and BIC; NaN where they do not exist (too few rows, or no residual at all)."""

    log_likelihood: float
    aicc: float
    bic: float


def normaliser(objective: Objective, scale: Array) -> Array:
    """ln Z(t) for each t in `scale`: ln of the integral of exp(-rho(r)/t) over all r."""
    if type(objective) is LeastSquares:
        return np.asarray(0.5 * np.log(2 * math.pi * scale))
    # r = c sinh(u) covers a core of width c and tails of any weight; the trapezoid rule is then exact to rounding.
    near = 1e-6 * objective.first
    curvature = float(np.max(np.abs(objective.psi(np.array([-near, near]))))) / near
    u = np.arange(-45.0, 45.0, 0.01)
    width = np.sqrt(scale / curvature)[:, None]
    log_terms = -objective.rho((width * np.sinh(u)).ravel()).reshape(len(scale), -1) / scale[:, None]
    log_terms += np.log(width) + np.log(np.cosh(u))
    top = log_terms.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(0.01 * np.exp(log_terms - top).sum(axis=1)))


def log_likelihood(objective: Objective, observed: Array, predicted: Array, weight: Array | None = None) -> float:
    """Greatest log-likelihood over the scale s, in nats; NaN for residuals that are all zero or not finite."""
    from scipy.optimize import minimize_scalar

    w = np.ones(len(observed)) if weight is None else weight
    used = w > 0
    w, y = w[used], observed[used]
    rho = objective.rho(objective.residuals(y, predicted[used]))
    total = float(np.dot(w, rho))
    n = len(y)
    if not (math.isfinite(total) and total > 0):
        return math.nan
    jacobian = float(np.log(y).sum()) if objective.log else 0.0
    if type(objective) is LeastSquares:
        s = 2 * total / n
        return -0.5 * n - 0.5 * n * math.log(2 * math.pi * s) + 0.5 * float(np.log(w).sum()) - jacobian
    distinct, counts = np.unique(w, return_counts=True)

    def minus(log_s: float) -> float:
        s = math.exp(log_s)
        return total / s + float(np.dot(counts, normaliser(objective, s / distinct)))

    # For rho between |r| and r**2 the optimum is between total/n and 2 total/n; the bracket is wide for heavy tails.
    middle = math.log(total / n)
    best = minimize_scalar(minus, bounds=(middle - 8, middle + 8), method="bounded", options={"xatol": 1e-9})
    return -float(best.fun) - jacobian


def criteria(
    objective: Objective, observed: Array, predicted: Array, constants: int, weight: Array | None = None
) -> Criteria:
    """Criteria of a fit with that many fitted constants on its own rows."""
    value = log_likelihood(objective, observed, predicted, weight)
    n = len(observed) if weight is None else int((weight > 0).sum())
    k = constants + 1
    bic = k * math.log(n) - 2 * value
    aicc = 2 * k - 2 * value + 2 * k * (k + 1) / (n - k - 1) if n - k - 1 > 0 else math.nan
    return Criteria(value, aicc, bic)
