"""Stage 1 of a fit: Levenberg-Marquardt on the projected problem, linear constants solved for at every step.

For given nonlinear constants the linear ones are the (bounded) least-squares solution, so only the former are
searched, with Kaufman's approximation of the projected Jacobian. For a Huber or logarithmic objective the
least-squares problem is frozen anew at every accepted point (see `passes`).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from formsearch.core.dense import (
    RANK_TOLERANCE,
    back_substitute,
    bounded_least_squares,
    clip,
    damped_step,
    first_dependent,
    model_decrease,
)
from formsearch.core.objectives import LEAST_SQUARES
from formsearch.core.passes import full_pass, linear_pass

CONVERGED, STALLED, LIMIT, FAILED = range(4)

LEAP = 4.0
# A constant held as a logarithm moves by at most this much at once (a factor of 55). Where its column has almost
# vanished the quadratic model would send it hundreds of orders of magnitude away, from where nothing comes back.

ASLEEP = 1e-13
# ... and one whose longest move changes the sum by less than this part has run to zero: it rests where it is.


@njit(cache=True, error_model="numpy")
def _project(tape, X, low, high, x, root, t, plain, lin, n_lin, lower, upper, work, R, z, sol, lo, hi, held):
    """Set the linear constants of x to their bounded least-squares solution; returns its sum of squares, halved.

    held[q] tells which of them are not free: at a bound, or dependent on others.
    """
    linear_pass(tape, X, low, high, x, root, t, plain, lin, n_lin, work, R)
    for q in range(n_lin):
        z[q] = R[q, n_lin]
        lo[q] = lower[lin[q]]
        hi[q] = upper[lin[q]]
        held[q] = 0
    rest = R[n_lin, n_lin] * R[n_lin, n_lin]
    inside = first_dependent(R, n_lin) < 0
    if inside:
        back_substitute(R, z, n_lin, sol)
        for q in range(n_lin):
            if not (lo[q] <= sol[q] <= hi[q]):
                inside = False
    if not inside:
        bounded_least_squares(R, z, n_lin, lo[:n_lin], hi[:n_lin], sol, held)
        for i in range(n_lin):
            s = z[i]
            for q in range(i, n_lin):
                s -= R[i, q] * sol[q]
            rest += s * s
    for q in range(n_lin):
        x[lin[q]] = clip(sol[q], lo[q], hi[q])
    return 0.5 * rest


@njit(cache=True, error_model="numpy")
def _order(lin, n_lin, held, non, n_non, order):
    """Columns of the factor: free linear constants first (they are projected out), then the nonlinear ones."""
    k = 0
    for q in range(n_lin):
        if held[q] == 0:
            order[k] = lin[q]
            k += 1
    for q in range(n_non):
        order[k + q] = non[q]
    return k


@njit(cache=True, error_model="numpy")
def _free(logarithmic, x, lower, upper, R, n_lin, non, n_non, objective, free, scale):
    """Which nonlinear constants a step may move: not pressed against a bound, not asleep, not a mixture of linear ones.

    Fills `free` with their places in `non` and `scale` with the norms of their projected columns; returns how many.
    """
    k = n_lin + n_non
    nf = 0
    for q in range(n_non):
        j = n_lin + q
        g, size, whole = 0.0, 0.0, 0.0
        for i in range(j + 1):
            square = R[i, j] * R[i, j]
            whole += square
            if i >= n_lin:
                g -= R[i, j] * R[i, k]
                size += square
        c = non[q]
        outward = (x[c] <= lower[c] and g > 0.0) or (x[c] >= upper[c] and g < 0.0)
        asleep = logarithmic[c] and size * LEAP * LEAP < 2.0 * ASLEEP * objective
        if size > RANK_TOLERANCE * RANK_TOLERANCE * whole and not outward and not asleep:
            free[nf] = q
            scale[nf] = np.sqrt(size)
            nf += 1
    return nf


@njit(cache=True, error_model="numpy")
def projection_stage(
    tape, X, low, high, x, y, log_y, w, loss, lin, n_lin, non, n_non, lower, upper, exact, limit, tolerance, handover,
    work,
):  # fmt: skip
    """Stage 1 in place on x. Returns (objective, measure, iterations, status)."""
    p = x.shape[0]
    n = high - low
    log = loss[1]
    plain = loss[0] == LEAST_SQUARES and not log
    if plain:
        # The frozen problem is the problem itself, at every point: no copies of the table's length.
        root, t = w[low:high], y[low:high]
        root_new, t_new = root, t
    else:
        root, t = np.empty(n), np.empty(n)
        root_new, t_new = np.empty(n), np.empty(n)
        for i in range(n):
            t[i] = y[low + i]
            root[i] = np.sqrt(w[low + i])
            if log and root[i] > 0.0:
                root[i] /= t[i]
    R, R_new, R_lin = np.zeros((p + 1, p + 1)), np.zeros((p + 1, p + 1)), np.zeros((p + 1, p + 1))
    order, order_new = np.zeros(p, np.int64), np.zeros(p, np.int64)
    z, sol, lo, hi = np.zeros(p), np.zeros(p), np.zeros(p), np.zeros(p)
    held = np.zeros(p, np.int64)
    x_new = x.copy()
    step, scale = np.zeros(p), np.zeros(p)
    free = np.zeros(p, np.int64)
    M = np.zeros((2 * p + 1, p + 1))
    if n_lin > 0:
        _project(tape, X, low, high, x, root, t, plain, lin, n_lin, lower, upper, work, R_lin, z, sol, lo, hi, held)
    n_free_lin = _order(lin, n_lin, held, non, n_non, order)
    objective = full_pass(tape, X, low, high, x, y, log_y, w, loss, order, n_free_lin + n_non, work, R, root, t, plain)
    if not np.isfinite(objective):
        return objective, np.inf, 0, FAILED
    damping, growth = 1e-3, 2.0
    measure = np.inf
    small = 0
    for iteration in range(1, limit + 1):
        k = n_free_lin + n_non
        R22 = R[n_free_lin:k, n_free_lin:k]
        z2 = R[n_free_lin:k, k]
        rest = 0.0
        for i in range(n_free_lin):
            rest += R[i, k] * R[i, k]
        nf = _free(tape[4], x, lower, upper, R, n_free_lin, non, n_non, objective, free, scale)
        promised = damped_step(R22, z2, free, nf, n_non, 1e-14, scale, M, step) + 0.5 * rest
        measure = promised / objective if objective > 0.0 else 0.0
        if measure <= tolerance or objective <= exact:
            return objective, measure, iteration, CONVERGED
        if handover and (measure < 1e-3 or small >= 12):
            return objective, measure, iteration, STALLED
        accepted = False
        while damping < 1e20:
            damped_step(R22, z2, free, nf, n_non, damping, scale, M, step)
            for c in range(p):
                x_new[c] = x[c]
            for f in range(nf):
                c = non[free[f]]
                if tape[4][c]:
                    step[f] = clip(step[f], -LEAP, LEAP)
                x_new[c] = clip(x[c] + step[f], lower[c], upper[c])
                step[f] = x_new[c] - x[c]
            predicted = model_decrease(R22, z2, free, nf, n_non, step) + 0.5 * rest
            reached = 0.0
            if n_lin > 0:
                reached = _project(
                    tape, X, low, high, x_new, root, t, plain, lin, n_lin, lower, upper, work, R_lin, z, sol, lo, hi,
                    held,
                )  # fmt: skip
            if plain and not reached < 1.001 * objective:
                # What the projection leaves is the sum itself: no need for a full pass to see that it is too much.
                damping *= growth
                growth *= 2.0
                continue
            n_new = _order(lin, n_lin, held, non, n_non, order_new)
            trial = full_pass(
                tape, X, low, high, x_new, y, log_y, w, loss, order_new, n_new + n_non, work, R_new, root_new, t_new,
                plain,
            )  # fmt: skip
            if trial < objective:
                ratio = (objective - trial) / predicted if predicted > 0.0 else 1.0
                damping = max(damping * max(1.0 / 3.0, 1.0 - (2.0 * min(ratio, 1.0) - 1.0) ** 3), 1e-14)
                growth = 2.0
                small = small + 1 if objective - trial < 1e-3 * objective else 0
                accepted = True
                break
            damping *= growth
            growth *= 2.0
        if not accepted:
            # No step at any damping lowers the sum: the gradient is zero to the rounding of the sum itself.
            return objective, measure, iteration, CONVERGED if measure < 1e-9 else STALLED
        objective, n_free_lin = trial, n_new
        for c in range(p):
            x[c] = x_new[c]
        R, R_new = R_new, R
        root, root_new = root_new, root
        t, t_new = t_new, t
        order, order_new = order_new, order
    return objective, measure, limit, LIMIT
