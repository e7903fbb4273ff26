"""Passes over all rows of one fit: each runs a tape block by block and reduces to something small.

Weights and targets are *frozen* between passes: around the current values f, any objective here is majorised, or
for logarithms linearised, by a weighted least-squares problem in f,

    1/2 sum_i u_i (t_i - f_i)**2,   raw: u = w psi(r)/r,        t = y
                                    log: u = w psi(r)/r / f**2, t = f (1 - r)

which is what the projection of linear constants and the Gauss-Newton step work on. Kept is root = sqrt(u): u itself
may not exist in float64 where f is large. For plain least squares nothing changes from pass to pass, and root and t
are computed from the weights and targets themselves.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from formsearch.core.dense import qr_update
from formsearch.core.objectives import ASYMMETRIC, HUBER, LEAST_SQUARES, SOFT_L1
from formsearch.core.sweep import (
    BLOCK,
    PLAIN,
    constants_from_scalars,
    mark_wanted,
    run_back,
    run_rows,
    run_scalars,
)

_TINY, _HUGE = 1e-280, 1e100


@njit(cache=True, fastmath=PLAIN, error_model="numpy")
def penalty(kind, first, second, r):
    """(rho, psi/r) of one residual; see `formsearch.core.objectives`."""
    if kind == LEAST_SQUARES:
        return 0.5 * r * r, 1.0
    if kind == HUBER:
        size = abs(r)
        if size <= first:
            return 0.5 * r * r, 1.0
        return first * (size - 0.5 * first), first / size
    if kind == SOFT_L1:
        u = (r / first) ** 2
        root = np.sqrt(1.0 + u)
        return first * first * u / (root + 1.0), 1.0 / root
    if kind == ASYMMETRIC:
        k = first if r < 0.0 else 1.0
        return 0.5 * k * r * r, k
    base = second * first * first
    return 0.5 * (second + 1.0) * np.log1p(r * r / base), (second + 1.0) / (base + r * r)


@njit(cache=True, fastmath=PLAIN, error_model="numpy")
def linear_pass(tape, X, low, high, x, root, t, plain, lin, n_lin, work, R):
    """R becomes the triangular factor of root [d f/d linear | t - f at zero linear constants], k = n_lin + 1.

    For plain least squares `root` and `t` are the weights and targets of the rows. Columns too large for float64
    become zero, as if the form did not have them.
    """
    scalar_code, row_code, literals, columns, logarithmic, p = tape
    S, dS, V, GV, GS, J, A, scratch, whole, xz, wanted, every = work
    n_scalars = p + literals.shape[0] + scalar_code.shape[0]
    for c in range(p):
        xz[c] = x[c]
    for q in range(n_lin):
        xz[lin[q]] = 0.0
    S[:p] = xz[:p]
    run_scalars(scalar_code, literals, p, logarithmic, S, dS)
    mark_wanted(scalar_code, row_code, p, literals.shape[0], columns.shape[0], lin, n_lin, wanted)
    k = n_lin + 1
    for i in range(k):
        for j in range(k):
            R[i, j] = 0.0
    m = row_code.shape[0]
    start = low
    while start < high:
        n = min(BLOCK, high - start)
        run_rows(row_code, n_scalars, columns, S, X, start, n, V, scratch, whole)
        run_back(row_code, n_scalars, columns, S, X, start, n, V, wanted, GS, GV)
        constants_from_scalars(p, literals.shape[0], n_scalars, dS, GS, n, wanted, J)
        for i in range(n):
            scratch[i] = np.sqrt(root[start - low + i]) if plain else root[start - low + i]
        for q in range(n_lin):
            source = J[lin[q]]
            column = A[q]
            for i in range(n):
                column[i] = source[i] * scratch[i] if scratch[i] > 0.0 else 0.0
        f = V[m - 1]
        rhs = A[n_lin]
        for i in range(n):
            rhs[i] = (t[start - low + i] - f[i]) * scratch[i] if scratch[i] > 0.0 else 0.0
        qr_update(R, A, k, n)
        start += n
    for j in range(n_lin):
        if not np.isfinite(R[j, j]):
            for i in range(j + 1):
                R[i, j] = 0.0


@njit(cache=True, fastmath=PLAIN, error_model="numpy")
def full_pass(tape, X, low, high, x, y, log_y, w, loss, order, n_order, work, R, root, t, plain):
    """Objective at x, and R, the factor of root [d f/d constants in `order` | t - f], k = n_order + 1.

    Fills root and t with what is frozen at x, unless `plain`. Returns infinity where the form is not defined.
    """
    scalar_code, row_code, literals, columns, logarithmic, p = tape
    S, dS, V, GV, GS, J, A, scratch, whole, xz, wanted, every = work
    kind, log, first, second = loss
    n_scalars = p + literals.shape[0] + scalar_code.shape[0]
    S[:p] = x[:p]
    run_scalars(scalar_code, literals, p, logarithmic, S, dS)
    mark_wanted(scalar_code, row_code, p, literals.shape[0], columns.shape[0], order, n_order, wanted)
    k = n_order + 1
    for i in range(k):
        for j in range(k):
            R[i, j] = 0.0
    m = row_code.shape[0]
    total = 0.0
    start = low
    while start < high:
        n = min(BLOCK, high - start)
        run_rows(row_code, n_scalars, columns, S, X, start, n, V, scratch, whole)
        f = V[m - 1]
        rhs = A[n_order]
        for i in range(n):
            row = start + i
            wi = w[row]
            if wi == 0.0:
                if not plain:
                    root[row - low] = 0.0
                scratch[i] = 0.0
                rhs[i] = 0.0
                continue
            fi = f[i]
            if log:
                if not fi > 0.0:
                    return np.inf
                r = np.log(fi) - log_y[row - low]
            else:
                r = fi - y[row]
            value, iw = penalty(kind, first, second, r)
            total += wi * value
            weight = np.sqrt(wi * iw)
            target = y[row]
            if log:
                target = fi * (1.0 - r)
                weight /= fi
            if not plain:
                root[row - low] = weight
                t[row - low] = target
            scratch[i] = weight
            rhs[i] = (target - fi) * weight
        if not np.isfinite(total):
            return np.inf
        run_back(row_code, n_scalars, columns, S, X, start, n, V, wanted, GS, GV)
        constants_from_scalars(p, literals.shape[0], n_scalars, dS, GS, n, wanted, J)
        for q in range(n_order):
            source = J[order[q]]
            column = A[q]
            for i in range(n):
                column[i] = source[i] * scratch[i] if scratch[i] > 0.0 else 0.0
        qr_update(R, A, k, n)
        start += n
    for j in range(k):
        size = 0.0
        for i in range(j + 1):
            size += R[i, j] * R[i, j]
        # A huge constant with an invisible effect is one whose effect float64 cannot square.
        if not np.isfinite(size) or (j < n_order and size < _TINY and abs(x[order[j]]) > _HUGE):
            return np.inf
    return total


@njit(cache=True, fastmath=PLAIN, error_model="numpy")
def gradient_pass(tape, X, low, high, x, y, log_y, w, loss, work, g):
    """Objective at x and its gradient by every (internal) constant, into g[:p]."""
    scalar_code, row_code, literals, columns, logarithmic, p = tape
    S, dS, V, GV, GS, J, A, scratch, whole, xz, wanted, every = work
    kind, log, first, second = loss
    n_scalars = p + literals.shape[0] + scalar_code.shape[0]
    S[:p] = x[:p]
    run_scalars(scalar_code, literals, p, logarithmic, S, dS)
    mark_wanted(scalar_code, row_code, p, literals.shape[0], columns.shape[0], every, p, wanted)
    for c in range(p):
        g[c] = 0.0
    m = row_code.shape[0]
    total = 0.0
    start = low
    while start < high:
        n = min(BLOCK, high - start)
        run_rows(row_code, n_scalars, columns, S, X, start, n, V, scratch, whole)
        f = V[m - 1]
        for i in range(n):
            row = start + i
            wi = w[row]
            scratch[i] = 0.0
            if wi == 0.0:
                continue
            fi = f[i]
            if log:
                if not fi > 0.0:
                    return np.inf
                r = np.log(fi) - log_y[row - low]
            else:
                r = fi - y[row]
            value, iw = penalty(kind, first, second, r)
            total += wi * value
            scratch[i] = wi * iw * r / fi if log else wi * iw * r
        if not np.isfinite(total):
            return np.inf
        run_back(row_code, n_scalars, columns, S, X, start, n, V, wanted, GS, GV)
        constants_from_scalars(p, literals.shape[0], n_scalars, dS, GS, n, wanted, J)
        for c in range(p):
            source = J[c]
            s = 0.0
            for i in range(n):
                # A row of weight zero may have an infinite derivative; it has no part in the sum.
                if scratch[i] != 0.0:
                    s += source[i] * scratch[i]
            g[c] += s
        start += n
    for c in range(p):
        if not np.isfinite(g[c]):
            return np.inf
    return total


@njit(cache=True, error_model="numpy")
def value_pass(tape, X, low, high, x, work, out, jacobian):
    """Values out[:n] and, if it has rows, the Jacobian jacobian[c, :n] by internal constants, on rows [low, high)."""
    scalar_code, row_code, literals, columns, logarithmic, p = tape
    S, dS, V, GV, GS, J, A, scratch, whole, xz, wanted, every = work
    n_scalars = p + literals.shape[0] + scalar_code.shape[0]
    S[:p] = x[:p]
    run_scalars(scalar_code, literals, p, logarithmic, S, dS)
    mark_wanted(scalar_code, row_code, p, literals.shape[0], columns.shape[0], every, p, wanted)
    m = row_code.shape[0]
    start = low
    while start < high:
        n = min(BLOCK, high - start)
        run_rows(row_code, n_scalars, columns, S, X, start, n, V, scratch, whole)
        for i in range(n):
            out[start - low + i] = V[m - 1, i]
        if jacobian.shape[0] > 0:
            run_back(row_code, n_scalars, columns, S, X, start, n, V, wanted, GS, GV)
            constants_from_scalars(p, literals.shape[0], n_scalars, dS, GS, n, wanted, J)
            for c in range(p):
                for i in range(n):
                    jacobian[c, start - low + i] = J[c, i]
        start += n


@njit(cache=True)
def workspace(p, n_scalars, n_columns, n_rows_code, rows):
    """Temporaries of one fit (at most a few hundred kilobytes): S, dS, V, GV, GS, J, A, scratch, whole, xz, wanted,
    every.

    scratch is a row of its own, seen as whole numbers through `whole`; `every` lists all constants. A table shorter
    than a block gets shorter temporaries: they stay in the nearer cache.
    """
    width = min(BLOCK, rows)
    scratch = np.empty(width)
    return (
        np.zeros(n_scalars),
        np.zeros((n_scalars, p)),
        np.empty((n_rows_code, width)),
        np.empty((n_rows_code, width)),
        np.empty((n_scalars, width)),
        np.empty((p, width)),
        np.empty((p + 1, width)),
        scratch,
        scratch.view(np.int64),
        np.zeros(p),
        np.zeros(n_scalars + n_columns + n_rows_code, np.bool_),
        np.arange(p),
    )
