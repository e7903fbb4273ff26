"""Stage 2 of a fit, for objectives that are not plain least squares: damped Newton in all constants.

The Hessian is taken by differences of the exact gradient along the directions of the Gauss-Newton factor, in which it
is near the identity. Reweighting alone (stage 1) converges too slowly where most rows lie in the linear part of a
Huber loss.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from formsearch.core.dense import clip, symmetric_eigen
from formsearch.core.passes import full_pass, gradient_pass
from formsearch.core.projection import ASLEEP, CONVERGED, FAILED, LEAP, LIMIT, STALLED

_MIXED = 1e-9  # a Newton step leaves out constants whose column is that near to the span of those before it
_CURVED = 100.0  # a Hessian this far above that of Gauss-Newton was taken with too long a step
_FLAT = 1e-12  # the least curvature a Newton step reckons with, that of a Gauss-Newton step being 1


@njit(cache=True, error_model="numpy")
def _inverse_factor(R, k, T):
    """T = inverse of triangular R (k x k)."""
    for j in range(k):
        for i in range(k):
            T[i, j] = 0.0
        T[j, j] = 1.0 / R[j, j]
        for i in range(j):
            s = 0.0
            for c in range(i, j):
                s += T[i, c] * R[c, j]
            T[i, j] = -s / R[j, j]


@njit(cache=True, error_model="numpy")
def _movable(logarithmic, R, g, order, k, objective):
    """Drop from `order` the constants that lead nowhere of their own; returns (how many are left, steepest).

    These are logarithmic ones that have run to zero, and ones whose effect is a mixture of those before them.
    steepest : the most that any constant promises alone, mixtures too.
    """
    left, steepest = 0, 0.0
    for j in range(k):
        size = 0.0
        for i in range(j + 1):
            size += R[i, j] * R[i, j]
        c = order[j]
        if logarithmic[c] and size * LEAP * LEAP < 2.0 * ASLEEP * objective:
            continue
        if size > 0.0:
            steepest = max(steepest, 0.5 * g[c] * g[c] / size)
        if abs(R[j, j]) > _MIXED * np.sqrt(size):
            order[left] = c
            left += 1
    return left, steepest


@njit(cache=True, error_model="numpy")
def _hessian(tape, X, low, high, x, y, log_y, w, loss, order, k, T, size, work, x_new, g_plus, g_minus, H):
    """H = T^T (Hessian of the objective) T by differences of the gradient along the columns of T, steps of `size`.

    False where the form is not defined nearby.
    """
    logarithmic = tape[4]
    for j in range(k):
        h = size
        for i in range(j + 1):
            if logarithmic[order[i]] and h * abs(T[i, j]) > LEAP / 8.0:
                h = LEAP / 8.0 / abs(T[i, j])
        value = np.inf
        for _ in range(4):
            for side in range(2):
                for c in range(x.shape[0]):
                    x_new[c] = x[c]
                for i in range(j + 1):
                    x_new[order[i]] += (h if side == 0 else -h) * T[i, j]
                gradient = g_plus if side == 0 else g_minus
                value = gradient_pass(tape, X, low, high, x_new, y, log_y, w, loss, work, gradient)
                if not np.isfinite(value):
                    break
            for i in range(k):
                s = 0.0
                for c in range(i + 1):
                    s += T[c, i] * (g_plus[order[c]] - g_minus[order[c]])
                H[i, j] = s / (2.0 * h)
            if np.isfinite(value) and abs(H[j, j]) < _CURVED:
                break
            h *= 1e-2
        if not np.isfinite(value):
            return False
    for i in range(k):
        for j in range(i):
            H[i, j] = 0.5 * (H[i, j] + H[j, i])
            H[j, i] = H[i, j]
    return True


@njit(cache=True, error_model="numpy")
def newton_stage(tape, X, low, high, x, y, log_y, w, loss, every, lower, upper, exact, limit, tolerance, work):
    """Stage 2 in place on x. Returns (objective, measure, iterations, status).

    `every` lists all constants, well-behaved (linear) ones first. Directions of negative curvature are taken by its
    size, so that the step leads downhill along each eigenvector.
    """
    p = x.shape[0]
    n = high - low
    root, t = np.empty(n), np.empty(n)
    R, T, H, Q = np.zeros((p + 1, p + 1)), np.zeros((p, p)), np.zeros((p, p)), np.zeros((p, p))
    g, g_plus, g_minus = np.zeros(p), np.zeros(p), np.zeros(p)
    gz, slope, curvature, x_new = np.zeros(p), np.zeros(p), np.zeros(p), x.copy()
    order = np.zeros(p, np.int64)
    logarithmic = tape[4]
    shift = 0.0
    measure = np.inf
    objective = gradient_pass(tape, X, low, high, x, y, log_y, w, loss, work, g)
    if not np.isfinite(objective):
        return objective, np.inf, 0, FAILED
    for iteration in range(1, limit + 1):
        if objective <= exact:
            return objective, 0.0, iteration, CONVERGED
        k = 0
        for i in range(p):
            c = every[i]
            if not ((x[c] <= lower[c] and g[c] > 0.0) or (x[c] >= upper[c] and g[c] < 0.0)):
                order[k] = c
                k += 1
        if k == 0:
            return objective, 0.0, iteration, CONVERGED
        if not np.isfinite(full_pass(tape, X, low, high, x, y, log_y, w, loss, order, k, work, R, root, t, False)):
            return objective, np.inf, iteration, FAILED
        movable, steepest = _movable(logarithmic, R, g, order, k, objective)
        if movable == 0:
            return objective, 0.0, iteration, CONVERGED
        if movable < k:
            k = movable
            full_pass(tape, X, low, high, x, y, log_y, w, loss, order, k, work, R, root, t, False)
        _inverse_factor(R, k, T)
        for j in range(k):
            gz[j] = 0.0
            for c in range(j + 1):
                gz[j] += T[c, j] * g[order[c]]
        size = 1e-4 * np.sqrt(2.0 * objective / n)  # moves predictions by a small part of a typical residual
        if not _hessian(tape, X, low, high, x, y, log_y, w, loss, order, k, T, size, work, x_new, g_plus, g_minus, H):
            return objective, measure, iteration, STALLED
        symmetric_eigen(H, k, curvature, Q)
        promised, least = 0.0, np.inf
        for j in range(k):
            s = 0.0
            for i in range(k):
                s += Q[i, j] * gz[i]
            slope[j] = s
            least = min(least, curvature[j])
            curvature[j] = max(abs(curvature[j]), _FLAT)
            promised += 0.5 * s * s / curvature[j]
        measure = max(promised, steepest) / objective
        if least > -1e-3 and measure <= tolerance:
            return objective, measure, iteration, CONVERGED
        accepted = False
        for _ in range(40):
            for c in range(p):
                x_new[c] = x[c]
            predicted = 0.0
            for j in range(k):
                step = -slope[j] / (curvature[j] + shift)
                predicted -= 0.5 * slope[j] * step
                for i in range(k):
                    gz[i] = Q[i, j] * step
                for i in range(k):
                    s = 0.0
                    for c in range(i, k):
                        s += T[i, c] * gz[c]
                    x_new[order[i]] += s
            for i in range(k):
                c = order[i]
                if logarithmic[c]:
                    x_new[c] = clip(x_new[c], x[c] - LEAP, x[c] + LEAP)
                x_new[c] = clip(x_new[c], lower[c], upper[c])
            trial = gradient_pass(tape, X, low, high, x_new, y, log_y, w, loss, work, g_plus)
            if trial < objective:
                shift = shift * 0.1 if objective - trial > 0.5 * predicted else shift
                if shift < 1e-10:
                    shift = 0.0
                accepted = True
                break
            shift = max(shift * 10.0, 1e-6)
        if not accepted:
            return objective, measure, iteration, CONVERGED if measure < 1e-8 else STALLED
        objective = trial
        for c in range(p):
            x[c] = x_new[c]
            g[c] = g_plus[c]
    return objective, measure, limit, LIMIT
