"""The fit of one form from one start, and batches of them over all cores.

Stage 1 (`projection`) searches the nonlinear constants, the linear ones solved for. Stage 2 (`newton`), for objectives
that are not plain least squares, goes on in all constants at once.

A fit reports convergence only if the decrease that the local quadratic model still promises is below `tolerance`
of the objective; that measure is invariant to the scale of constants, and it is returned.

The compiled code is cached on disk. It inlines functions of the other kernel modules, which Numba does not notice
when they change; the last line of this module does (see `formsearch.core.cache`).
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from formsearch.core.cache import drop_stale
from formsearch.core.dense import clip
from formsearch.core.newton import newton_stage
from formsearch.core.objectives import HUBER, LEAST_SQUARES, SOFT_L1
from formsearch.core.passes import value_pass, workspace
from formsearch.core.projection import CONVERGED, FAILED, LIMIT, projection_stage

_BLUNT, _SHARPEN, _ROUGH = 2.0, 0.4, 1e-3
# A bend is sharpened by `_SHARPEN` at a time, each time to the rough tolerance, until it is this near to its own.

_EMPTY, _COPIED = 0.1, 100_000
# Rows without weight are left out by a copy of the others if they are more than this share, and the table no longer:
# memory is to stay flat.

_EXACT = 1e-29  # a sum of squares this small beside that of the target is a perfect fit in float64


@njit(cache=True, error_model="numpy")
def _without_empty(tape, X, low, high, y, w):
    """(tape, X, y, w) of the rows in [low, high) that have a weight, and of the columns that the tape reads.

    A hold-out leaves out up to half of the rows, a resample more than a third: a copy made once costs less than
    running over them in every pass.
    """
    n = 0
    for row in range(low, high):
        n += w[row] != 0.0
    scalar_code, row_code, literals, columns, logarithmic, p = tape
    X_kept, y_kept, w_kept = np.empty((columns.shape[0], n)), np.empty(n), np.empty(n)
    at = 0
    for row in range(low, high):
        if w[row] != 0.0:
            for j in range(columns.shape[0]):
                X_kept[j, at] = X[columns[j], row]
            y_kept[at] = y[row]
            w_kept[at] = w[row]
            at += 1
    return (scalar_code, row_code, literals, np.arange(columns.shape[0]), logarithmic, p), X_kept, y_kept, w_kept


@njit(cache=True, error_model="numpy")
def fit_one(tape, X, low, high, x, y, w, loss, linear, lower, upper, limit, tolerance):
    """Fit in place from x (internal constants). Returns (objective, measure, iterations, status)."""
    empty = 0
    for row in range(low, high):
        empty += w[row] == 0.0
    if empty > _EMPTY * (high - low) and high - low <= _COPIED:
        tape, X, y, w = _without_empty(tape, X, low, high, y, w)
        low, high = 0, w.shape[0]
    p = x.shape[0]
    kind, log, first, second = loss
    work = workspace(p, p + tape[2].shape[0] + tape[0].shape[0], tape[3].shape[0], tape[1].shape[0], high - low)
    lin, non = np.zeros(p, np.int64), np.zeros(p, np.int64)
    n_lin, n_non = 0, 0
    for c in range(p):
        x[c] = clip(x[c], lower[c], upper[c])
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
    every = np.concatenate((lin[:n_lin], non[:n_non]))
    plain = kind == LEAST_SQUARES and not log
    objective, measure, iterations, status = projection_stage(
        tape, X, low, high, x, y, log_y, w, loss, lin, n_lin, non, n_non, lower, upper, exact, limit, tolerance,
        kind != LEAST_SQUARES, work,
    )  # fmt: skip
    if plain or status in (FAILED, LIMIT) or (status == CONVERGED and objective <= exact):
        return objective, measure, iterations, status
    if kind in (HUBER, SOFT_L1):
        # Where most residuals are far above the bend at `first`, the sum is nearly a sum of absolute values: full of
        # creases, at each of which a Newton step stops. A blunter bend, sharpened step by step, leads past them.
        total = 0.0
        for i in range(high - low):
            total += w[low + i]
        bend = objective / (total * first)
        while _BLUNT * first < bend < np.inf:
            blunt = (kind, log, bend, second)
            _, _, more, _ = newton_stage(
                tape, X, low, high, x, y, log_y, w, blunt, every, lower, upper, exact, limit, _ROUGH, work
            )
            iterations += more
            bend *= _SHARPEN
    objective, measure, more, status = newton_stage(
        tape, X, low, high, x, y, log_y, w, loss, every, lower, upper, exact, limit, tolerance, work
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


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
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
    p = x.shape[0]
    work = workspace(p, p + tape[2].shape[0] + tape[0].shape[0], tape[3].shape[0], tape[1].shape[0], high - low)
    value_pass(tape, X, low, high, x, work, out, jacobian)


drop_stale(fit_jobs.stats.cache_path)
