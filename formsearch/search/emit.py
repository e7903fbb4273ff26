"""Forms to tapes: columns of data, programs for the kernels, bounds, and the change to centred amplitudes.

Inside the kernels a free amplitude is *centred*: c * x**-p is run as c' * (x/x0)**-p with x0 the geometric mean of x.
That takes the correlation of an amplitude with its exponent (.9999 in raw units) out of the problem, and makes all
amplitudes of one size, so that starts need no knowledge of units.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from formsearch.core.tape import ONES, Builder, Slot, Tape
from formsearch.search.grammar import (
    UNIT,
    Apply,
    Factor,
    Form,
    Power,
    Scalar,
    Sum,
    Term,
    free_constant,
    is_fixed,
    scalar_value,
    uses,
)
from formsearch.search.walk import TINY_LOG, Walk

Array = NDArray[np.float64]
CENTRED = "centred"
KEPT = 1 << 26
"""Bytes of columns that a table keeps: a long search meets more of them than memory can hold."""
LEAST, MOST = 1e-30, 1e30
"""Bounds of constants that are held as logarithms. Wide: beside 1/D, which no constant scales, the k of k*N**-p in a
group is as small as 1/D is: 1e-10 for 2e10 tokens, 1e-20 beside 1/D**2."""


class Emitted(NamedTuple):
    """A tape with bounds of its constants (as the tape holds them), and how to return to raw amplitudes.

    shifts : (constant, ((exponent, log x0), ...)): raw = centred * exp(-sum exponent * log x0).
    """

    tape: Tape
    low: Array
    high: Array
    shifts: tuple[tuple[int, tuple[tuple[Scalar, float], ...]], ...]


def to_raw(emitted: Emitted, values: Array) -> Array:
    """Centred constants -> constants of the form in the variables' own units."""
    return _shifted(emitted, values, -1.0)


def to_centred(emitted: Emitted, values: Array) -> Array:
    """Inverse of `to_raw`."""
    return _shifted(emitted, values, 1.0)


def _shifted(emitted: Emitted, values: Array, sign: float) -> Array:
    result = np.array(values, dtype=np.float64)
    for index, parts in emitted.shifts:
        log = sum(scalar_value(s, values) * centre for s, centre in parts)
        # In Python's floats: a constant that runs away is infinite in raw units, without a warning.
        result[index] = float(result[index]) * math.exp(min(max(sign * log, -600.0), 600.0))
    return result


# -- columns -----------------------------------------------------------------------------------------------------


class Columns:
    """Values of the columns that forms need, over one table; computed at first need and kept, up to `KEPT` bytes.

    `centres` are logarithms of geometric means, by default those of the table itself.
    """

    def __init__(self, variables: Mapping[str, Array], centres: Mapping[str, float] | None = None) -> None:
        self.variables = {k: np.ascontiguousarray(v, dtype=np.float64) for k, v in variables.items()}
        self.rows = len(next(iter(self.variables.values())))
        self.logs: dict[str, Array] = {}
        self.centres: dict[str, float] = {}
        for name, x in self.variables.items():
            with np.errstate(all="ignore"):
                self.logs[name] = np.where(x == 0.0, TINY_LOG, np.log(x))
            positive = x[x > 0]
            self.centres[name] = float(np.log(positive).mean()) if len(positive) else 0.0
        if centres is not None:
            self.centres = dict(centres)
        self._made: dict[object, Array] = {}

    def __call__(self, key: object) -> Array:
        """Values under `key`, shape (rows,)."""
        made = self._made.get(key)
        if made is None:
            if (len(self._made) + 1) * 8 * self.rows > KEPT:
                self._made.clear()
            made = self._made[key] = np.ascontiguousarray(self._compute(key), dtype=np.float64)
        return made

    def _compute(self, key: object) -> Array:
        if key == ONES:
            return np.ones(self.rows)
        assert isinstance(key, tuple)
        kind = key[0]
        walk = Walk(self.variables, self.logs, (0, self.rows))
        with np.errstate(all="ignore"):
            if kind == "log":
                _, name, number, centred = key
                centre = self.centres[name] if centred else 0.0
                # log 0 stays a large negative number, whatever the centre.
                log = np.where(self.variables[name] == 0.0, TINY_LOG, self.logs[name] - centre)
                return np.asarray(number * log)
            if kind == "factors":
                _, factors, shift = key
                product = np.full(self.rows, np.exp(-shift))
                for f in factors:
                    product = product * walk.factor(f)
                return np.asarray(product)
            if kind == "log of":
                value = walk.sum(key[1])
                return np.where(value == 0.0, TINY_LOG, np.log(value))
            return walk.sum(key[1])


# -- programs ----------------------------------------------------------------------------------------------------


def linear_set(body: Sum, count: Counter[int]) -> set[int]:
    """A largest set of constants in which the sum is jointly affine, among those that occur once."""
    chosen: set[int] = set()
    for term in body:
        best: set[int] = set()
        own = free_constant(term.coefficient)
        if own is not None and count[own] == 1:
            best = {own}
        for f in term.factors:
            if isinstance(f, Apply) and f.function == "power" and f.exponent == UNIT:
                inside = linear_set(f.arguments[0], count)
                if len(inside) > len(best):
                    best = inside
        chosen |= best
    return chosen


class _Emitter:
    def __init__(self, form: Form, centres: Mapping[str, float]) -> None:
        self.form, self.centres = form, centres
        self.count = uses(form.body)
        self.linear = linear_set(form.body, self.count)
        self.log = [i not in self.linear and k.low >= 0.0 and k.log for i, k in enumerate(form.kinds)]
        self.builder = Builder([f"c{i}" for i in range(len(form.kinds))], self.log)
        self.shifts: list[tuple[int, tuple[tuple[Scalar, float], ...]]] = []

    def scalar(self, s: Scalar) -> Slot | None:
        """None for 1."""
        parts: list[Slot] = []
        for i, p in s.constants:
            c = self.builder.constant(i)
            parts.append(c if p == 1 else self.builder.power(c, p))
        if s.number != 1 or not parts:
            if not parts and s.number == 1:
                return None
            parts.append(self.builder.literal(float(s.number)))
        return self.builder.product(parts)

    def sum(self, body: Sum) -> Slot:
        if not body:
            return self.builder.literal(0.0)
        return self.builder.sum([self.term(t) for t in body])

    def term(self, term: Term) -> Slot:
        own = free_constant(term.coefficient)
        centred = own is not None and self.count[own] == 1 and term.coefficient.number == 1
        shift: list[tuple[Scalar, float]] = []
        exponents: list[Slot] = []
        fixed: list[Factor] = []
        parts: list[Slot] = []
        fixed_shift = 0.0
        for f in term.factors:
            if isinstance(f, Power) and f.exponent.constants:
                exponents.append(self.free_power(f, centred))
                if centred:
                    shift.append((f.exponent, self.centres[f.variable]))
            elif is_fixed(f):
                fixed.append(f)
                if centred and isinstance(f, Power):
                    fixed_shift += float(f.exponent.number) * self.centres[f.variable]
                    shift.append((f.exponent, self.centres[f.variable]))
            else:
                assert isinstance(f, Apply)
                if f.function == "exp":
                    exponents.append(self.sum(f.arguments[0]))
                else:
                    parts.append(self.apply(f))
        if fixed:
            parts.append(self.builder.column(("factors", tuple(fixed), fixed_shift)))
        if exponents:
            parts.append(self.builder.exp(self.builder.sum(exponents)))
        scale = self.scalar(term.coefficient)
        if scale is not None or not parts:
            parts.append(self.builder.literal(1.0) if scale is None else scale)
        if shift and own is not None:
            self.shifts.append((own, tuple(shift)))
        return self.builder.product(parts)

    def free_power(self, f: Power, centred: bool) -> Slot:
        """exponent * log x; the number of the exponent is in the column, so the operand is the constant itself."""
        s = f.exponent
        column = self.builder.column(("log", f.variable, float(s.number), centred))
        exponent = self.scalar(Scalar(constants=s.constants))
        assert exponent is not None
        return self.builder.mul(exponent, column)

    def apply(self, f: Apply) -> Slot:
        b = self.builder
        if f.function == "power":
            inner = f.arguments[0]
            p = f.exponent
            if not p.constants and p.number.is_integer() and abs(p.number) <= 64:
                return b.power(self.sum(inner), int(p.number))
            exponent = self.scalar(p)
            log = b.column(("log of", inner)) if not uses(inner) else b.log(self.sum(inner))
            return b.exp(log if exponent is None else b.mul(exponent, log))
        arguments = [self.sum(a) for a in f.arguments]
        if f.function == "log":
            return b.log(arguments[0])
        if f.function == "abs":
            return b.abs(arguments[0])
        combine = b.minimum if f.function == "min" else b.maximum
        result = arguments[0]
        for a in arguments[1:]:
            result = combine(result, a)
        return result


def emit(form: Form, centres: Mapping[str, float]) -> Emitted:
    """The tape of a form; `centres` are the logarithms of the variables' geometric means."""
    e = _Emitter(form, centres)
    tape = e.builder.finish(e.sum(form.body), [i in e.linear for i in range(len(form.kinds))])
    low = np.array([k.low for k in form.kinds], dtype=np.float64)
    high = np.array([k.high for k in form.kinds], dtype=np.float64)
    for i, held in enumerate(e.log):
        if held:
            low[i], high[i] = max(low[i], LEAST), min(high[i], MOST)
    return Emitted(tape, low, high, tuple(e.shifts))
