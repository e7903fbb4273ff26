"""Interval arithmetic over arrays of boxes, with outward rounding: it turns "numerically" into "proved on the box".

`bounds(expression, boxes)` encloses the range of an expression on many boxes at once. Elementary functions of the C
library are within one unit in the last place in practice; every operation is widened by four.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import sympy

Array = NDArray[np.float64]
_ULPS = 4 * np.finfo(np.float64).eps


def _out(lo: Array, hi: Array) -> Interval:
    with np.errstate(all="ignore"):
        lo = np.where(np.isnan(lo), -np.inf, lo - np.abs(lo) * _ULPS - 5e-324)
        hi = np.where(np.isnan(hi), np.inf, hi + np.abs(hi) * _ULPS + 5e-324)
    return Interval(lo, hi)


@dataclass(frozen=True, eq=False)
class Interval:
    """Elementwise [lo, hi]; an operation that is not defined on part of a box gives the whole line."""

    lo: Array
    hi: Array
    __array_ufunc__ = None  # numpy scalars on the left hand over to the reflected operators

    @classmethod
    def of(cls, value: Any) -> Interval:
        """A number as an interval; anything but a small whole number is widened, since it was rounded."""
        if isinstance(value, Interval):
            return value
        number = np.asarray(value, dtype=np.float64)
        if np.all(number == np.round(number)) and np.all(np.abs(number) < 2**53):
            return cls(number, number)
        return _out(number, number)

    def __neg__(self) -> Interval:
        return Interval(-self.hi, -self.lo)

    def __pos__(self) -> Interval:
        return self

    def __add__(self, other: Any) -> Interval:
        other = Interval.of(other)
        with np.errstate(all="ignore"):
            return _out(self.lo + other.lo, self.hi + other.hi)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Interval:
        return self + (-Interval.of(other))

    def __rsub__(self, other: Any) -> Interval:
        return Interval.of(other) + (-self)

    def __mul__(self, other: Any) -> Interval:
        other = Interval.of(other)
        with np.errstate(all="ignore"):
            products = [a * b for a in (self.lo, self.hi) for b in (other.lo, other.hi)]
            # 0 * inf is 0 here: a bound of infinity stands for arbitrarily large finite values.
            products = [np.where(np.isnan(p), 0.0, p) for p in products]
            return _out(np.minimum.reduce(products), np.maximum.reduce(products))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Interval:
        other = Interval.of(other)
        with np.errstate(all="ignore"):
            through_zero = (other.lo <= 0) & (other.hi >= 0)
            lo = np.where(through_zero, -np.inf, 1.0 / other.hi)
            hi = np.where(through_zero, np.inf, 1.0 / other.lo)
        return self * _out(lo, hi)

    def __rtruediv__(self, other: Any) -> Interval:
        return Interval.of(other) / self

    def __pow__(self, other: Any) -> Interval:
        if isinstance(other, int) or (isinstance(other, float) and other.is_integer() and abs(other) < 64):
            return self._whole_power(int(other))
        return exp(Interval.of(other) * log(self))

    def __rpow__(self, other: Any) -> Interval:
        return exp(self * log(Interval.of(other)))

    def _whole_power(self, n: int) -> Interval:
        if n < 0:
            return 1 / self._whole_power(-n)
        with np.errstate(all="ignore"):
            a, b = self.lo**n, self.hi**n
        if n % 2:
            return _out(a, b)
        inside = (self.lo <= 0) & (self.hi >= 0)
        return _out(np.where(inside, 0.0, np.minimum(a, b)), np.maximum(a, b))


def exp(x: Any) -> Interval:
    """Enclosure of e**x."""
    x = Interval.of(x)
    with np.errstate(all="ignore"):
        r = _out(np.exp(x.lo), np.exp(x.hi))
    return Interval(np.maximum(r.lo, 0.0), r.hi)


def log(x: Any) -> Interval:
    """Enclosure of ln x; the part of a box at or below zero gives minus infinity."""
    x = Interval.of(x)
    with np.errstate(all="ignore"):
        return _out(np.where(x.lo <= 0, -np.inf, np.log(x.lo)), np.where(x.hi <= 0, np.inf, np.log(x.hi)))


def sqrt(x: Any) -> Interval:
    """Enclosure of the square root."""
    return exp(log(x) * 0.5)


def absolute(x: Any) -> Interval:
    """Enclosure of |x|."""
    x = Interval.of(x)
    a, b = np.abs(x.lo), np.abs(x.hi)
    return Interval(np.where((x.lo <= 0) & (x.hi >= 0), 0.0, np.minimum(a, b)), np.maximum(a, b))


def _fold(pick: Callable[[Array, Array], Array]) -> Callable[..., Interval]:
    def combined(*values: Any) -> Interval:
        first, *rest = (Interval.of(v) for v in values)
        for v in rest:
            first = Interval(pick(first.lo, v.lo), pick(first.hi, v.hi))
        return first

    return combined


_NAMES: Mapping[str, Any] = {
    "exp": exp, "log": log, "sqrt": sqrt, "Abs": absolute,
    "Min": _fold(np.minimum), "Max": _fold(np.maximum),
    "pi": Interval(np.asarray(np.nextafter(np.pi, 0)), np.asarray(np.nextafter(np.pi, 4))),
}  # fmt: skip


def enclosure(expression: sympy.Expr, arguments: Sequence[sympy.Symbol]) -> Callable[..., Interval]:
    """A function of intervals (one an argument) that encloses the expression."""
    import sympy

    function = sympy.lambdify(list(arguments), expression, modules=[dict(_NAMES)], cse=True)
    return lambda *boxes: Interval.of(function(*boxes))


def sign_on_box(
    function: Callable[..., Interval], low: Sequence[float], high: Sequence[float], most_boxes: int = 60_000
) -> int | None:
    """+1 or -1 if the function provably has that sign on the whole box, 0 if both occur, None if undecided.

    Branch and bound: boxes whose enclosure holds zero are halved along their longest relative side.
    """
    lo, hi = np.asarray(low, dtype=np.float64)[:, None], np.asarray(high, dtype=np.float64)[:, None]
    width = np.where(hi > lo, hi - lo, 1.0)
    seen: set[int] = set()
    spent = 0
    while lo.shape[1]:
        spent += lo.shape[1]
        if spent > most_boxes:
            return None
        value = function(*(Interval(a, b) for a, b in zip(lo, hi, strict=True)))
        above = np.broadcast_to(value.lo > 0, lo.shape[1:])
        below = np.broadcast_to(value.hi < 0, lo.shape[1:])
        seen |= ({1} if above.any() else set()) | ({-1} if below.any() else set())
        if len(seen) == 2:
            return 0
        left = ~(above | below)
        lo, hi = lo[:, left], hi[:, left]
        if lo.shape[0] == 0:
            return None  # a constant that cannot be told from zero
        side = np.argmax((hi - lo) / width, axis=0)
        rows = np.arange(lo.shape[1])
        middle = 0.5 * (lo[side, rows] + hi[side, rows])
        lower_hi, upper_lo = hi.copy(), lo.copy()
        lower_hi[side, rows] = middle
        upper_lo[side, rows] = middle
        lo, hi = np.concatenate([lo, upper_lo], axis=1), np.concatenate([lower_hi, hi], axis=1)
    return seen.pop() if len(seen) == 1 else None


@dataclass(frozen=True)
class Roots:
    """All roots found in [low, high] (of ln x if `log`), and whether interval arithmetic proves there are no more."""

    values: tuple[float, ...]
    complete: bool
    low: float
    high: float


class RootFinder:
    """Every root of an expression in one variable, for many values of its other symbols: compiled once.

    Boxes that provably hold no zero are discarded; on a box where the derivative has one sign the ends decide, and
    Brent's method refines. A box that stays undecided at the resolution of floats (a multiple root) ends the claim
    of completeness; if the function changes sign there the root is still returned.
    """

    def __init__(self, function: sympy.Expr, x: sympy.Symbol) -> None:
        import sympy

        self._function, self._x = function, x
        self.others = tuple(sorted((s for s in function.free_symbols if s != x), key=str))
        arguments = [x, *self.others]
        self._point = sympy.lambdify(arguments, function, modules=["math"], cse=True)
        self._value = enclosure(function, arguments)
        self._slope = enclosure(sympy.diff(function, x), arguments)

    def find(self, numbers: Mapping[str, float], low: float, high: float) -> Roots:
        """All roots in [low, high] with the other symbols at the numbers."""
        import sympy

        values = [float(numbers[str(s)]) for s in self.others]
        exact = [Interval(np.asarray(v), np.asarray(v)) for v in values]

        def at(t: float) -> float:
            try:
                return float(self._point(t, *values))
            except (OverflowError, ValueError, ZeroDivisionError, TypeError):
                return float("nan")

        try:
            roots, complete = _branch(
                at, lambda box: self._value(box, *exact), lambda box: self._slope(box, *exact),
                np.linspace(low, high, _FIRST_BOXES + 1), _MOST_BOXES,
            )  # fmt: skip
        except (TypeError, NameError, ValueError):  # a function without an enclosure, such as a step
            many = sympy.lambdify([self._x, *self.others], self._function, modules="numpy", cse=True)
            roots, complete = _on_grid(at, lambda t: many(t, *values), low, high), False
        return Roots(tuple(_distinct(sorted(roots), 1e-9 * max(1.0, high - low))), complete, low, high)


_FIRST_BOXES = 64
_MOST_BOXES = 40_000


def all_roots(function: sympy.Expr, x: sympy.Symbol, low: float, high: float) -> Roots:
    """Every root of `function` (numeric but for x) in [low, high], as `RootFinder` finds them."""
    return RootFinder(function, x).find({}, low, high)


def _branch(
    at: Callable[[float], float],
    value: Callable[..., Interval],
    slope: Callable[..., Interval],
    edges: Array,
    most_boxes: int,
) -> tuple[list[float], bool]:
    """Branch and bound over [edges[0], edges[-1]]: the roots, and whether there can be no others."""
    lo, hi = edges[:-1], edges[1:]
    floor = 1e-12 * max(abs(edges[0]), abs(edges[-1]), edges[-1] - edges[0])
    roots: list[float] = []
    complete, spent = True, 0
    while len(lo):
        spent += len(lo)
        if spent > most_boxes:
            return roots + [r for a, b in zip(lo, hi, strict=True) for r in _between(at, float(a), float(b))], False
        f, g = value(Interval(lo, hi)), slope(Interval(lo, hi))
        open_box = np.broadcast_to((f.lo <= 0) & (f.hi >= 0), lo.shape)
        monotone = np.broadcast_to((g.lo > 0) | (g.hi < 0), lo.shape)
        for a, b in zip(lo[open_box & monotone], hi[open_box & monotone], strict=True):
            roots += _between(at, float(a), float(b))
        rest = open_box & ~monotone
        lo, hi = lo[rest], hi[rest]
        small = hi - lo < floor
        for a, b in zip(lo[small], hi[small], strict=True):
            complete = False
            if at(float(a)) * at(float(b)) <= 0:
                roots.append(0.5 * float(a + b))
        lo, hi = lo[~small], hi[~small]
        middle = 0.5 * (lo + hi)
        lo, hi = np.concatenate([lo, middle]), np.concatenate([middle, hi])
    return roots, complete


def _between(at: Callable[[float], float], a: float, b: float) -> list[float]:
    """The root on a bracket whose ends differ in sign, by Brent's method; none if they do not."""
    from scipy.optimize import brentq

    fa, fb = at(a), at(b)
    if fa == 0.0:
        return [a]
    return [float(brentq(at, a, b, xtol=1e-15, rtol=8.9e-16))] if fa * fb < 0 else []


def _on_grid(
    at: Callable[[float], float], many: Callable[[Array], Array], low: float, high: float, steps: int = 4000
) -> list[float]:
    """Roots between points of a fine grid where the sign changes."""
    edges = np.linspace(low, high, steps + 1)
    with np.errstate(all="ignore"):
        signs = np.sign(np.broadcast_to(many(edges), edges.shape))
    return [r for i in np.flatnonzero(signs[:-1] * signs[1:] <= 0) for r in _between(at, edges[i], edges[i + 1])]


def _distinct(values: list[float], gap: float) -> list[float]:
    kept: list[float] = []
    for v in values:
        if not kept or v - kept[-1] > gap:
            kept.append(v)
    return kept
