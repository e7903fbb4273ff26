"""The fit of one form from one start, and batches of them over all cores.

Stage 1, variable projection: linear constants are the (bounded) least-squares solution for given nonlinear ones,
so only the latter are searched, by Levenberg-Marquardt on the projected problem (Kaufman's Jacobian). For a
Huber or logarithmic objective the least-squares problem is re-frozen at every accepted point (see `passes`).

Stage 2, for objectives that are not plain least squares: damped Newton in all constants. The Hessian is taken by
differences of the exact gradient along the directions of the Gauss-Newton factor, in which it is near the
identity. Reweighting alone converges too slowly where most rows lie in the linear part of a Huber loss.

A fit reports convergence only if the decrease that the local quadratic model still promises is below `tolerance`
of the objective; that measure is invariant to the scale of constants, and it is returned.

The compiled code is cached on disk. It inlines functions of the other kernel modules, which Numba does not notice
when they change; the last line of this module does (see `formsearch.core.cache`).
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from formsearch.core.cache import drop_stale
from formsearch.core.dense import (
    RANK_TOLERANCE,
    back_substitute,
    bounded_least_squares,
    damped_step,
    first_dependent,
    model_decrease,
)
from formsearch.core.objectives import LEAST_SQUARES
from formsearch.core.passes import full_pass, gradient_pass, linear_pass, value_pass, workspace

CONVERGED, STALLED, LIMIT, FAILED = range(4)

_LEAP = 4.0
# A constant held as a logarithm moves by at most this much at once (a factor of 55). Where its column has almost
# vanished the quadratic model would send it hundreds of orders of magnitude away, from where nothing comes back.

_ASLEEP = 1e-13
# ... and one whose longest move changes the sum by less than this part has run to zero: it rests where it is.

_EXACT = 1e-29  # a sum of squares this small beside that of the target is a perfect fit in float64


@njit(cache=True, error_model="numpy")
def _clip(x, lower, upper):
    return min(max(x, lower), upper)


@njit(cache=True, error_model="numpy")
def _project(tape, X, low, high, x, u, t, lin, n_lin, lower, upper, work, R, z, sol, lo, hi, held):
    """Set the linear constants of x to their bounded least-squares solution; returns its sum of squares, halved.

    held[q] tells which of them are not free: at a bound, or dependent on others.
    """
    linear_pass(tape, X, low, high, x, u, t, lin, n_lin, work, R)
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
        x[lin[q]] = _clip(sol[q], lo[q], hi[q])
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
def _projection_stage(
    tape,
    X,
    low,
    high,
    x,
    y,
    log_y,
    w,
    loss,
    lin,
    n_lin,
    non,
    n_non,
    lower,
    upper,
    exact,
    limit,
    tolerance,
    handover,
    work,
):
    """Stage 1 in place on x. Returns (objective, measure, iterations, status)."""
    p = x.shape[0]
    n = high - low
    log = loss[1]
    plain = loss[0] == LEAST_SQUARES and not log
    if plain:
        # The frozen problem is the problem itself, at every point: no copies of the table's length.
        u, t = w[low:high], y[low:high]
        u_new, t_new = u, t
    else:
        u, t = np.empty(n), np.empty(n)
        u_new, t_new = np.empty(n), np.empty(n)
        for i in range(n):
            wi = w[low + i]
            t[i] = y[low + i]
            u[i] = wi / (t[i] * t[i]) if log and wi > 0.0 else wi
    R, R_new, R_lin = np.zeros((p + 1, p + 1)), np.zeros((p + 1, p + 1)), np.zeros((p + 1, p + 1))
    order, order_new = np.zeros(p, np.int64), np.zeros(p, np.int64)
    z, sol, lo, hi = np.zeros(p), np.zeros(p), np.zeros(p), np.zeros(p)
    held = np.zeros(p, np.int64)
    x_new = x.copy()
    step, scale = np.zeros(p), np.zeros(p)
    free = np.zeros(p, np.int64)
    M = np.zeros((2 * p + 1, p + 1))
    if n_lin > 0:
        _project(tape, X, low, high, x, u, t, lin, n_lin, lower, upper, work, R_lin, z, sol, lo, hi, held)
    n_free_lin = _order(lin, n_lin, held, non, n_non, order)
    objective = full_pass(tape, X, low, high, x, y, log_y, w, loss, order, n_free_lin + n_non, work, R, u, t)
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
        nf = 0
        for q in range(n_non):
            g = 0.0
            size = 0.0
            for i in range(q + 1):
                g -= R22[i, q] * z2[i]
                size += R22[i, q] * R22[i, q]
            whole = size
            for i in range(n_free_lin):
                whole += R[i, n_free_lin + q] * R[i, n_free_lin + q]
            c = non[q]
            outward = (x[c] <= lower[c] and g > 0.0) or (x[c] >= upper[c] and g < 0.0)
            asleep = tape[4][c] and size * _LEAP * _LEAP < 2.0 * _ASLEEP * objective
            if size > RANK_TOLERANCE * RANK_TOLERANCE * whole and not outward and not asleep:
                free[nf] = q
                scale[nf] = np.sqrt(size)
                nf += 1
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
                    step[f] = _clip(step[f], -_LEAP, _LEAP)
                x_new[c] = _clip(x[c] + step[f], lower[c], upper[c])
                step[f] = x_new[c] - x[c]
            predicted = model_decrease(R22, z2, free, nf, n_non, step) + 0.5 * rest
            reached = 0.0
            if n_lin > 0:
                reached = _project(
                    tape, X, low, high, x_new, u, t, lin, n_lin, lower, upper, work, R_lin, z, sol, lo, hi, held
                )
            if plain and not reached < 1.001 * objective:
                # What the projection leaves is the sum itself: no need for a full pass to see that it is too much.
                damping *= growth
                growth *= 2.0
                continue
            n_new = _order(lin, n_lin, held, non, n_non, order_new)
            trial = full_pass(
                tape, X, low, high, x_new, y, log_y, w, loss, order_new, n_new + n_non, work, R_new, u_new, t_new
            )
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
        u, u_new = u_new, u
        t, t_new = t_new, t
        order, order_new = order_new, order
    return objective, measure, limit, LIMIT


@njit(cache=True, error_model="numpy")
def _cholesky_solve(H, k, shift, g, out, L):
    """Solve (H + shift I) out = -g; False if the matrix is not positive definite."""
    for j in range(k):
        for i in range(j, k):
            s = H[i, j] + (shift if i == j else 0.0)
            for c in range(j):
                s -= L[i, c] * L[j, c]
            if i == j:
                if not s > 0.0:
                    return False
                L[j, j] = np.sqrt(s)
            else:
                L[i, j] = s / L[j, j]
    for i in range(k):
        s = -g[i]
        for c in range(i):
            s -= L[i, c] * out[c]
        out[i] = s / L[i, i]
    for i in range(k - 1, -1, -1):
        s = out[i]
        for c in range(i + 1, k):
            s -= L[c, i] * out[c]
        out[i] = s / L[i, i]
    return True


@njit(cache=True, error_model="numpy")
def _inverse_factor(R, k, T):
    """T = inverse of triangular R (k x k), directions that the rows hardly see kept at a bounded length."""
    for j in range(k):
        for i in range(k):
            T[i, j] = 0.0
    for j in range(k):
        size = 0.0
        for i in range(j + 1):
            size += R[i, j] * R[i, j]
        floor = 1e-9 * np.sqrt(size)
        d = R[j, j] if abs(R[j, j]) > floor else (floor if R[j, j] >= 0.0 else -floor)
        if d == 0.0:
            continue
        T[j, j] = 1.0 / d
        for i in range(j):
            s = 0.0
            for c in range(i, j):
                s += T[i, c] * R[c, j]
            T[i, j] = -s / d


@njit(cache=True, error_model="numpy")
def _awake(logarithmic, R, order, k, objective):
    """Drop from `order` the logarithmic constants that have run to zero; returns how many constants are left."""
    left = 0
    for j in range(k):
        size = 0.0
        for i in range(j + 1):
            size += R[i, j] * R[i, j]
        if not (logarithmic[order[j]] and size * _LEAP * _LEAP < 2.0 * _ASLEEP * objective):
            order[left] = order[j]
            left += 1
    return left


@njit(cache=True, error_model="numpy")
def _newton_stage(tape, X, low, high, x, y, log_y, w, loss, lower, upper, exact, limit, tolerance, work):
    """Stage 2 in place on x. Returns (objective, measure, iterations, status)."""
    p = x.shape[0]
    n = high - low
    u, t = np.empty(n), np.empty(n)
    R, T, H, L = np.zeros((p + 1, p + 1)), np.zeros((p, p)), np.zeros((p, p)), np.zeros((p, p))
    g, g_plus, g_minus = np.zeros(p), np.zeros(p), np.zeros(p)
    gz, dz, x_new = np.zeros(p), np.zeros(p), x.copy()
    order = np.zeros(p, np.int64)
    shift = 0.0
    measure = np.inf
    objective = gradient_pass(tape, X, low, high, x, y, log_y, w, loss, work, g)
    if not np.isfinite(objective):
        return objective, np.inf, 0, FAILED
    for iteration in range(1, limit + 1):
        if objective <= exact:
            return objective, 0.0, iteration, CONVERGED
        k = 0
        for c in range(p):
            if not ((x[c] <= lower[c] and g[c] > 0.0) or (x[c] >= upper[c] and g[c] < 0.0)):
                order[k] = c
                k += 1
        if k == 0:
            return objective, 0.0, iteration, CONVERGED
        if not np.isfinite(full_pass(tape, X, low, high, x, y, log_y, w, loss, order, k, work, R, u, t)):
            return objective, np.inf, iteration, FAILED
        awake = _awake(tape[4], R, order, k, objective)
        if awake == 0:
            return objective, 0.0, iteration, CONVERGED
        if awake < k:
            k = awake
            full_pass(tape, X, low, high, x, y, log_y, w, loss, order, k, work, R, u, t)
        _inverse_factor(R, k, T)
        # A difference step that moves predictions by a small part of a typical residual.
        h = 1e-4 * np.sqrt(2.0 * objective / n)
        for j in range(k):
            for side in range(2):
                sign = 1.0 if side == 0 else -1.0
                for c in range(p):
                    x_new[c] = x[c]
                for i in range(j + 1):
                    x_new[order[i]] += sign * h * T[i, j]
                value = gradient_pass(
                    tape, X, low, high, x_new, y, log_y, w, loss, work, g_plus if side == 0 else g_minus
                )
                if not np.isfinite(value):
                    return objective, measure, iteration, STALLED
            for i in range(k):
                s = 0.0
                for c in range(i + 1):
                    s += T[c, i] * (g_plus[order[c]] - g_minus[order[c]])
                H[i, j] = s / (2.0 * h)
            s = 0.0
            for c in range(j + 1):
                s += T[c, j] * g[order[c]]
            gz[j] = s
        for i in range(k):
            for j in range(i):
                H[i, j] = 0.5 * (H[i, j] + H[j, i])
                H[j, i] = H[i, j]
        # The smallest shift that makes the model convex tells how far the model's minimum is.
        least = 1e-12
        while not _cholesky_solve(H, k, least, gz, dz, L):
            least *= 10.0
        promised = 0.0
        for i in range(k):
            promised -= 0.5 * gz[i] * dz[i]
        measure = promised / objective
        if least < 1e-3 and measure <= tolerance:
            return objective, measure, iteration, CONVERGED
        shift = max(shift, least)
        accepted = False
        for _ in range(40):
            _cholesky_solve(H, k, shift, gz, dz, L)
            for c in range(p):
                x_new[c] = x[c]
            for i in range(k):
                s = 0.0
                for j in range(i, k):
                    s += T[i, j] * dz[j]
                c = order[i]
                x_new[c] = _clip(x[c] + s, lower[c], upper[c])
            trial = gradient_pass(tape, X, low, high, x_new, y, log_y, w, loss, work, g_plus)
            if trial < objective:
                predicted = 0.0
                for i in range(k):
                    predicted -= 0.5 * gz[i] * dz[i]
                good = (objective - trial) > 0.5 * predicted
                shift = shift * 0.1 if good else shift
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


@njit(cache=True, error_model="numpy")
def fit_one(tape, X, low, high, x, y, w, loss, linear, lower, upper, limit, tolerance):
    """Fit in place from x (internal constants). Returns (objective, measure, iterations, status)."""
    p = x.shape[0]
    kind, log, first, second = loss
    work = workspace(p, p + tape[2].shape[0] + tape[0].shape[0], tape[3].shape[0], tape[1].shape[0])
    lin, non = np.zeros(p, np.int64), np.zeros(p, np.int64)
    n_lin, n_non = 0, 0
    for c in range(p):
        x[c] = _clip(x[c], lower[c], upper[c])
        if linear[c]:
            lin[n_lin] = c
            n_lin += 1
        else:
            non[n_non] = c
            n_non += 1
    log_y = np.zeros(high - low if log else 0)
    scale = 0.0
    for i in range(high - low):
        wi = w[low + i]
        if wi == 0.0:
            continue
        if log:
            log_y[i] = np.log(y[low + i])
            scale += wi
        else:
            scale += wi * y[low + i] * y[low + i]
    exact = _EXACT * scale
    plain = kind == LEAST_SQUARES and not log
    objective, measure, iterations, status = _projection_stage(
        tape,
        X,
        low,
        high,
        x,
        y,
        log_y,
        w,
        loss,
        lin,
        n_lin,
        non,
        n_non,
        lower,
        upper,
        exact,
        limit,
        tolerance,
        not plain,
        work,
    )
    if plain or status == FAILED or (status == CONVERGED and objective <= exact):
        return objective, measure, iterations, status
    objective, measure, more, status = _newton_stage(
        tape, X, low, high, x, y, log_y, w, loss, lower, upper, exact, limit, tolerance, work
    )
    return objective, measure, iterations + more, status


@njit(cache=True, error_model="numpy")
def _tape_of(pack, k):
    """Tape k of a pack: (scalar code, row code, literals, columns, logarithmic, constants)."""
    scalar_code, row_code, literals, columns, logarithmic, offsets = pack
    return (
        scalar_code[offsets[0, k] : offsets[0, k + 1]],
        row_code[offsets[1, k] : offsets[1, k + 1]],
        literals[offsets[2, k] : offsets[2, k + 1]],
        columns[offsets[3, k] : offsets[3, k + 1]],
        logarithmic[offsets[4, k] : offsets[4, k + 1]],
        offsets[4, k + 1] - offsets[4, k],
    )


@njit(cache=True, parallel=True, error_model="numpy")
def fit_jobs(pack, linear, lower, upper, X, Y, W, jobs, start_at, x, loss, limit, tolerance, out, counts):
    """Run all jobs in parallel; a job's result does not depend on the others, nor on the number of threads.

    jobs[:, 0..4] = tape, target row of Y, weight row of W, first row, row behind the last. x holds the starts
    (internal constants, job j at [start_at[j], start_at[j+1])) and is replaced by the results.
    out[j] = objective, measure; counts[j] = iterations, status.
    """
    offsets = pack[5]
    for j in prange(jobs.shape[0]):
        k = jobs[j, 0]
        a, b = offsets[4, k], offsets[4, k + 1]
        objective, measure, iterations, status = fit_one(
            _tape_of(pack, k),
            X,
            jobs[j, 3],
            jobs[j, 4],
            x[start_at[j] : start_at[j + 1]],
            Y[jobs[j, 1]],
            W[jobs[j, 2]],
            loss,
            linear[a:b],
            lower[a:b],
            upper[a:b],
            limit,
            tolerance,
        )
        out[j, 0] = objective
        out[j, 1] = measure
        counts[j, 0] = iterations
        counts[j, 1] = status


@njit(cache=True, error_model="numpy")
def evaluate_tape(pack, k, X, low, high, x, out, jacobian):
    """Values and (if `jacobian` has rows) derivatives of tape k at internal constants x; see `value_pass`."""
    tape = _tape_of(pack, k)
    work = workspace(x.shape[0], x.shape[0] + tape[2].shape[0] + tape[0].shape[0], tape[3].shape[0], tape[1].shape[0])
    value_pass(tape, X, low, high, x, work, out, jacobian)


drop_stale(fit_jobs.stats.cache_path)
