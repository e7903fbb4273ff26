"""The inner loops: run a tape over a block of rows, forward for values and backward for derivatives.

A form is affine in its linear constants and everything has one output, so one backward sweep gives the derivative
by every constant at once, for a few times the cost of the value. Blocks of `BLOCK` rows keep the temporaries in
the cache and the memory flat, however long the table is.

`exp` is our own: branch-free, so that the compiler makes vector code of it (about 1 ulp; checked in the tests).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from formsearch.core.tape import ABS, ADD, ATAN, COS, EXP, FIRST_UNARY, INV, LOG, MIN, MUL, SIN

BLOCK = 512

# Reassociation would merge the two parts of log 2 below, so only sums of products get it.
PLAIN = {"contract", "nsz"}
REASSOC = {"contract", "nsz", "arcp", "reassoc"}

_LOG2E = 1.4426950408889634
_LN2_HIGH = 6.93145751953125e-1
_LN2_LOW = 1.42860682030941723212e-6
_MAGIC = 6755399441055744.0  # 1.5 * 2**52: adding it leaves a whole number in the low bits
_EXP_LOW, _EXP_HIGH = -708.0, 709.0
_TINY_LOG = -690.0


@njit(cache=True, fastmath=PLAIN, error_model="numpy", inline="never")
def vexp(x, out, scratch, whole, n):
    """out = exp(x), saturating outside [-708, 709]; NaN stays NaN. `whole` is `scratch` seen as int64."""
    for i in range(n):
        v = x[i]
        if v < _EXP_LOW:
            v = _EXP_LOW
        if v > _EXP_HIGH:
            v = _EXP_HIGH
        k = np.floor(v * _LOG2E + 0.5)
        r = (v - k * _LN2_HIGH) - k * _LN2_LOW
        p = 1.0 / 6227020800.0
        p = p * r + 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r + 1.0
        out[i] = p * r + 1.0
        scratch[i] = k + _MAGIC
    for i in range(n):
        whole[i] = (whole[i] + 1023) << 52
    for i in range(n):
        out[i] *= scratch[i]


@njit(cache=True, error_model="numpy")
def guarded_log(x):
    """log(x) for x > 0, a large negative number for 0, NaN below."""
    if x > 0.0:
        return np.log(x)
    return _TINY_LOG if x == 0.0 else np.nan


@njit(cache=True, error_model="numpy")
def run_scalars(code, literals, n_constants, logarithmic, S, dS):
    """Fill the scalar slots `S` behind the constants, and their derivatives by each constant `dS`, forward mode.

    S has shape (slots,), dS (slots, n_constants); S[:n_constants] holds the constants on entry.
    """
    for c in range(n_constants):
        dS[c, :] = 0.0
        dS[c, c] = 1.0
    first = n_constants + literals.shape[0]
    for k in range(literals.shape[0]):
        S[n_constants + k] = literals[k]
        dS[n_constants + k, :] = 0.0
    for k in range(code.shape[0]):
        op, a, b = code[k, 0], code[k, 1], code[k, 2]
        x, y = S[a], S[b]
        da = 0.0
        db = 0.0
        if op == ADD:
            value, da, db = x + y, 1.0, 1.0
        elif op == MUL:
            value, da, db = x * y, y, x
        elif op == INV:
            value = 1.0 / x
            da = -value * value
        elif op == EXP:
            value = np.exp(min(max(x, _EXP_LOW), _EXP_HIGH))
            da = value
        elif op == LOG:
            value = guarded_log(x)
            da = 1.0 / x if x != 0.0 else 0.0
        elif op == ABS:
            value, da = abs(x), np.sign(x)
        elif op == SIN:
            value, da = np.sin(x), np.cos(x)
        elif op == COS:
            value, da = np.cos(x), -np.sin(x)
        elif op == ATAN:
            value, da = np.arctan(x), 1.0 / (1.0 + x * x)
        elif op == MIN:
            value = min(x, y)
            da, db = (1.0, 0.0) if x <= y else (0.0, 1.0)
        else:
            value = max(x, y)
            da, db = (1.0, 0.0) if x >= y else (0.0, 1.0)
        S[first + k] = value
        for c in range(n_constants):
            dS[first + k, c] = da * dS[a, c] + db * dS[b, c]


@njit(cache=True, fastmath=PLAIN, error_model="numpy")
def run_rows(code, n_scalars, columns, S, X, low, n, V, scratch, whole):
    """Values of the row program on rows [low, low + n): V[k, :n] is the result of instruction k."""
    first = n_scalars + columns.shape[0]
    for k in range(code.shape[0]):
        op, a, b = code[k, 0], code[k, 1], code[k, 2]
        out = V[k]
        # At least one operand of a row instruction is a row; with a scalar one, the other must be read as y.
        if a < n_scalars:
            a, b = b, a
        x = X[columns[a - n_scalars], low : low + n] if a < first else V[a - first, :n]
        if op == EXP:
            vexp(x, out, scratch, whole, n)
        elif op == INV:
            for i in range(n):
                out[i] = 1.0 / x[i]
        elif op == LOG:
            for i in range(n):
                out[i] = guarded_log(x[i])
        elif op == ABS:
            for i in range(n):
                out[i] = abs(x[i])
        elif op == SIN:
            for i in range(n):
                out[i] = np.sin(x[i])
        elif op == COS:
            for i in range(n):
                out[i] = np.cos(x[i])
        elif op == ATAN:
            for i in range(n):
                out[i] = np.arctan(x[i])
        elif b < n_scalars:
            s = S[b]
            if op == ADD:
                for i in range(n):
                    out[i] = x[i] + s
            elif op == MUL:
                for i in range(n):
                    out[i] = x[i] * s
            elif op == MIN:
                for i in range(n):
                    out[i] = min(x[i], s)
            else:
                for i in range(n):
                    out[i] = max(x[i], s)
        else:
            y = X[columns[b - n_scalars], low : low + n] if b < first else V[b - first, :n]
            if op == ADD:
                for i in range(n):
                    out[i] = x[i] + y[i]
            elif op == MUL:
                for i in range(n):
                    out[i] = x[i] * y[i]
            elif op == MIN:
                for i in range(n):
                    out[i] = min(x[i], y[i])
            else:
                for i in range(n):
                    out[i] = max(x[i], y[i])


@njit(cache=True, error_model="numpy")
def mark_wanted(scalar_code, row_code, n_constants, n_literals, n_columns, chosen, n_chosen, wanted):
    """wanted[slot] tells whether a slot depends on one of the chosen constants: only these need derivatives."""
    for s in range(n_constants + n_literals):
        wanted[s] = False
    for q in range(n_chosen):
        wanted[chosen[q]] = True
    out = n_constants + n_literals
    for k in range(scalar_code.shape[0]):
        wanted[out + k] = wanted[scalar_code[k, 1]] or wanted[scalar_code[k, 2]]
    out += scalar_code.shape[0]
    for s in range(n_columns):
        wanted[out + s] = False
    out += n_columns
    for k in range(row_code.shape[0]):
        wanted[out + k] = wanted[row_code[k, 1]] or wanted[row_code[k, 2]]


@njit(cache=True, fastmath=PLAIN, error_model="numpy")
def run_back(code, n_scalars, columns, S, X, low, n, V, wanted, GS, GV):
    """Derivative of the last instruction's value by every wanted scalar slot, row by row: GS[slot, :n].

    GV is scratch. Slots that are not wanted (see `mark_wanted`) are passed over.
    """
    m = code.shape[0]
    first = n_scalars + columns.shape[0]
    for s in range(n_scalars):
        if wanted[s]:
            for i in range(n):
                GS[s, i] = 0.0
    for k in range(m - 1):
        if wanted[first + k]:
            for i in range(n):
                GV[k, i] = 0.0
    for i in range(n):
        GV[m - 1, i] = 1.0
    for k in range(m - 1, -1, -1):
        if not wanted[first + k]:
            continue
        op, a, b = code[k, 0], code[k, 1], code[k, 2]
        g = GV[k]
        v = V[k]
        if op >= FIRST_UNARY:
            ga = GV[a - first]
            if op == EXP:
                for i in range(n):
                    ga[i] += g[i] * v[i]
            elif op == INV:
                for i in range(n):
                    ga[i] -= g[i] * v[i] * v[i]
            elif op == LOG:
                x = V[a - first]
                for i in range(n):
                    ga[i] += g[i] / x[i] if x[i] != 0.0 else 0.0
            else:
                x = V[a - first]
                for i in range(n):
                    if op == ABS:
                        slope = np.sign(x[i])
                    elif op == SIN:
                        slope = np.cos(x[i])
                    elif op == COS:
                        slope = -np.sin(x[i])
                    else:  # ATAN
                        slope = 1.0 / (1.0 + x[i] * x[i])
                    ga[i] += g[i] * slope
            continue
        for side in range(2):
            p, q = (a, b) if side == 0 else (b, a)
            if not wanted[p]:
                continue
            gp = GS[p] if p < n_scalars else GV[p - first]
            if op == ADD:
                for i in range(n):
                    gp[i] += g[i]
            elif op == MUL:
                if q < n_scalars:
                    s = S[q]
                    for i in range(n):
                        gp[i] += g[i] * s
                else:
                    y = X[columns[q - n_scalars], low : low + n] if q < first else V[q - first, :n]
                    for i in range(n):
                        gp[i] += g[i] * y[i]
            else:
                # MIN and MAX pass the derivative to the operand that was chosen; on a tie to the first.
                for i in range(n):
                    own = S[p] if p < n_scalars else V[p - first, i]
                    if own == v[i]:
                        if side == 0:
                            gp[i] += g[i]
                        else:
                            other = (
                                S[a]
                                if a < n_scalars
                                else (X[columns[a - n_scalars], low + i] if a < first else V[a - first, i])
                            )
                            if other != v[i]:
                                gp[i] += g[i]


@njit(cache=True, fastmath=REASSOC, error_model="numpy")
def constants_from_scalars(n_constants, n_literals, n_scalars, dS, GS, n, wanted, J):
    """J[c, :n] = d f/d constant c for the wanted constants, by the chain rule through the computed scalars."""
    for c in range(n_constants):
        if not wanted[c]:
            continue
        for i in range(n):
            J[c, i] = GS[c, i]
        for s in range(n_constants + n_literals, n_scalars):
            d = dS[s, c]
            if d != 0.0:
                for i in range(n):
                    J[c, i] += d * GS[s, i]
