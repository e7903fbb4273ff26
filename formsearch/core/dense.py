"""Small dense linear algebra inside the kernels: streaming QR, damped and bounded least squares.

Everything goes through orthogonal transformations, never through normal equations: scaling laws are
ill-conditioned (an amplitude and its exponent correlate at .9999), and squaring that costs half the digits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from formsearch.core.sweep import REASSOC

RANK_TOLERANCE = 1e-12


@njit(cache=True, error_model="numpy")
def clip(x, lower, upper):
    """x, moved into [lower, upper]."""
    return min(max(x, lower), upper)


@njit(cache=True, fastmath=REASSOC, error_model="numpy")
def qr_update(R, A, k, n):
    """Append the rows of A (stored by columns: A[j, :n], j < k) to the triangular factor R (k x k), in place.

    Householder reflections that use the zeros of R: column j touches only row j of R and the block. 2 n k**2 flops,
    backward stable, and no more memory than one block, however many blocks follow. A is destroyed. A column whose
    square overflows gets an infinite diagonal and is kept out of the others.
    """
    for j in range(k):
        a = A[j]
        s = 0.0
        for i in range(n):
            s += a[i] * a[i]
        if s == 0.0:
            continue
        alpha = R[j, j]
        norm = np.sqrt(alpha * alpha + s)
        if not np.isfinite(norm):
            R[j, j] = np.inf
            continue
        head = alpha + norm if alpha >= 0.0 else alpha - norm
        tau = 2.0 / (head * head + s)
        R[j, j] = -norm if alpha >= 0.0 else norm
        for c in range(j + 1, k):
            b = A[c]
            t = R[j, c] * head
            for i in range(n):
                t += a[i] * b[i]
            t *= tau
            R[j, c] -= t * head
            for i in range(n):
                b[i] -= t * a[i]


@njit(cache=True, error_model="numpy")
def small_qr(M, rows, cols):
    """Householder triangularisation of M[:rows, :cols] in place (the last column may be a right-hand side)."""
    for j in range(min(rows - 1, cols)):
        s = 0.0
        for i in range(j + 1, rows):
            s += M[i, j] * M[i, j]
        if s == 0.0:
            continue
        alpha = M[j, j]
        norm = np.sqrt(alpha * alpha + s)
        head = alpha + norm if alpha >= 0.0 else alpha - norm
        tau = 2.0 / (head * head + s)
        for c in range(j + 1, cols):
            t = M[j, c] * head
            for i in range(j + 1, rows):
                t += M[i, j] * M[i, c]
            t *= tau
            M[j, c] -= t * head
            for i in range(j + 1, rows):
                M[i, c] -= t * M[i, j]
        M[j, j] = -norm if alpha >= 0.0 else norm
        for i in range(j + 1, rows):
            M[i, j] = 0.0


@njit(cache=True, error_model="numpy")
def back_substitute(R, z, k, x):
    """Solve R[:k, :k] x = z[:k] for triangular R of full rank (see `first_dependent`)."""
    for j in range(k - 1, -1, -1):
        t = z[j]
        for c in range(j + 1, k):
            t -= R[j, c] * x[c]
        x[j] = t / R[j, j]


@njit(cache=True, error_model="numpy")
def first_dependent(R, k):
    """The first column of triangular R that depends on those before it, to rounding; -1 if R has full rank.

    Such a column must leave the problem: its row of R is a projection on rounding errors, not on anything in the data.
    """
    for j in range(k):
        size = 0.0
        for i in range(j + 1):
            size += R[i, j] * R[i, j]
        if not abs(R[j, j]) > RANK_TOLERANCE * np.sqrt(size):
            return j
    return -1


@njit(cache=True, error_model="numpy")
def bounded_least_squares(R, z, k, lower, upper, x, at_bound):
    """min |R x - z| with lower <= x <= upper for triangular R (k x k): an active-set method.

    Returns through `x` and `at_bound`: 0 free, 1 held at a bound, 2 dependent on others, which then is as near to
    zero as its bounds allow. The unconstrained solution is tried first; then the worst violator is held at its
    bound, and a held one whose multiplier has the wrong sign is freed.
    """
    M = np.zeros((k, k + 1))
    free = np.zeros(k, dtype=np.int64)
    y = np.zeros(k)
    for j in range(k):
        at_bound[j] = 0
    for _ in range(12 * k + 1):
        nf = 0
        for j in range(k):
            if at_bound[j] == 0:
                free[nf] = j
                nf += 1
        for i in range(k):
            t = z[i]
            for j in range(i, k):
                if at_bound[j] != 0:
                    t -= R[i, j] * x[j]
            M[i, nf] = t
            for f in range(nf):
                M[i, f] = R[i, free[f]] if free[f] >= i else 0.0
        small_qr(M, k, nf + 1)
        dependent = first_dependent(M, nf)
        if dependent >= 0:
            j = free[dependent]
            at_bound[j] = 2
            x[j] = min(max(0.0, lower[j]), upper[j])
            continue
        for i in range(nf):
            y[i] = M[i, nf]
        back_substitute(M, y, nf, y)
        worst, excess = -1, 0.0
        for f in range(nf):
            j = free[f]
            x[j] = y[f]
            out = max(lower[j] - x[j], x[j] - upper[j])
            if out > excess * (abs(x[j]) + 1e-300):
                worst, excess = j, out / (abs(x[j]) + 1e-300)
        if worst >= 0:
            at_bound[worst] = 1
            x[worst] = lower[worst] if x[worst] < lower[worst] else upper[worst]
            for j in range(k):
                if at_bound[j] == 2:
                    at_bound[j] = 0  # what it depended on may be this one
            continue
        # Everything free is inside: free the held constant that would gain most, if one would.
        gain, candidate = 0.0, -1
        for j in range(k):
            if at_bound[j] == 1 and lower[j] < upper[j]:
                g = 0.0
                size = 0.0
                for i in range(j + 1):
                    t = z[i]
                    for c in range(i, k):
                        t -= R[i, c] * x[c]
                    g += R[i, j] * t
                    size += R[i, j] * R[i, j]
                inward = g if x[j] == lower[j] else -g
                if size > 0.0 and inward / np.sqrt(size) > gain:
                    gain, candidate = inward / np.sqrt(size), j
        total = 0.0
        for i in range(k):
            total += z[i] * z[i]
        if candidate < 0 or gain <= 1e-12 * np.sqrt(total):
            return
        at_bound[candidate] = 0


@njit(cache=True, error_model="numpy")
def damped_step(R, z, columns, n_columns, k, damping, scale, M, step):
    """step minimising |R[:, columns] step - z|**2 + damping * |scale * step|**2; returns the predicted decrease.

    R is k x k triangular, `columns` picks n_columns of it; the decrease is of half the sum of squares.
    """
    rows = k + n_columns
    for i in range(k):
        for f in range(n_columns):
            j = columns[f]
            M[i, f] = R[i, j] if j >= i else 0.0
        M[i, n_columns] = z[i]
    for f in range(n_columns):
        for g in range(n_columns + 1):
            M[k + f, g] = 0.0
        M[k + f, f] = np.sqrt(damping) * scale[f]
    small_qr(M, rows, n_columns + 1)
    y = np.zeros(n_columns)
    for i in range(n_columns):
        y[i] = M[i, n_columns]
    back_substitute(M, y, n_columns, step)
    return model_decrease(R, z, columns, n_columns, k, step)


@njit(cache=True, error_model="numpy")
def model_decrease(R, z, columns, n_columns, k, step):
    """Decrease of half the sum of squares |z - R[:, columns] step|**2 that a step promises."""
    before, after = 0.0, 0.0
    for i in range(k):
        t = z[i]
        for f in range(n_columns):
            j = columns[f]
            if j >= i:
                t -= R[i, j] * step[f]
        before += z[i] * z[i]
        after += t * t
    return 0.5 * (before - after)


@njit(cache=True, error_model="numpy")
def symmetric_eigen(H, k, values, Q):
    """Eigenvalues of symmetric H[:k, :k] and eigenvectors, the columns of Q, by Jacobi's rotations. H is destroyed."""
    for i in range(k):
        for j in range(k):
            Q[i, j] = 1.0 if i == j else 0.0
    for _ in range(30):
        off, diagonal = 0.0, 0.0
        for i in range(k):
            diagonal += H[i, i] * H[i, i]
            for j in range(i):
                off += H[i, j] * H[i, j]
        if not off > 1e-30 * diagonal:
            break
        for i in range(k - 1):
            for j in range(i + 1, k):
                if H[i, j] == 0.0:
                    continue
                theta = (H[j, j] - H[i, i]) / (2.0 * H[i, j])
                t = 1.0 / (abs(theta) + np.sqrt(theta * theta + 1.0))
                if theta < 0.0:
                    t = -t
                c = 1.0 / np.sqrt(t * t + 1.0)
                s = t * c
                for r in range(k):
                    a, b = H[r, i], H[r, j]
                    H[r, i] = c * a - s * b
                    H[r, j] = s * a + c * b
                for r in range(k):
                    a, b = H[i, r], H[j, r]
                    H[i, r] = c * a - s * b
                    H[j, r] = s * a + c * b
                for r in range(k):
                    a, b = Q[r, i], Q[r, j]
                    Q[r, i] = c * a - s * b
                    Q[r, j] = s * a + c * b
    for i in range(k):
        values[i] = H[i, i]
