"""The second road: minima found directly on the values of the form, with no derivative of ours involved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.derive.problem import Domain

if TYPE_CHECKING:
    from formsearch.derive.problem import Problem

Array = NDArray[np.float64]

_DIGITS = 50
_GRID = 600


@dataclass(frozen=True)
class Minimum:
    """A local minimum of a function of one variable: where, the value there, and how many others there are."""

    x: float
    value: float
    others: tuple[float, ...] = ()
    lower_edge: bool = False
    """Whether an edge of the domain lies below this interior minimum."""


class OneVariable:
    """An expression as a function of one variable, everything else being numbers: in floats and in 50 digits."""

    def __init__(self, problem: Problem, expression: Any, x: str) -> None:
        import sympy

        full = problem.spelled(expression)
        by_name = {str(s): s for s in full.free_symbols}
        self.names = [x, *sorted(n for n in by_name if n != x)]
        self.known = {**problem.values, **problem.settings}
        self.floats = problem.function(full, self.names)
        arguments = [by_name.get(n, sympy.Symbol(n)) for n in self.names]
        self._precise = sympy.lambdify(arguments, full, modules="mpmath", cse=True)
        self.rest: list[float] = []

    def at(self, others: Mapping[str, float]) -> OneVariable:
        """This function with the other variables set to numbers (in place; returns itself)."""
        known = {**self.known, **others}
        self.rest = [float(known[n]) for n in self.names[1:]]
        return self

    def many(self, xs: Array) -> Array:
        """Values at many x, not-a-number where undefined."""
        return np.broadcast_to(self.floats(xs, *self.rest), xs.shape)

    def precise(self, x: Any) -> Any:
        """The value at x in 50 digits (call under `mpmath.workdps`)."""
        import mpmath

        return self._precise(x, *(mpmath.mpf(v) for v in self.rest))


def minimum(function: OneVariable, domain: Domain, maximum: bool = False) -> Minimum | None:
    """The lowest interior local minimum over the domain, to about 12 digits; None if there is none.

    A grid brackets every local minimum; each is refined by bisection on central differences in 50 digits.
    """
    t = np.linspace(0.0, 1.0, _GRID)
    xs = domain.inner(t)
    values = function.many(xs) * (-1.0 if maximum else 1.0)
    values = np.where(np.isfinite(values), values, np.inf)
    # A value that underflows to equality with its neighbour is no minimum: only strict dips count.
    dips = [
        i
        for i in range(1, _GRID - 1)
        if np.isfinite(values[i]) and values[i] <= values[i - 1] and values[i] < values[i + 1]
    ]
    found = []
    for i in dips:
        first = i
        while first > 0 and values[first - 1] == values[i]:
            first -= 1
        x = _refined(function, domain, float(t[max(first - 1, 0)]), float(t[i + 1]), maximum)
        if x is not None:
            found.append((float(function.many(np.asarray([x]))[0]) * (-1.0 if maximum else 1.0), x))
    if not found:
        return None
    found.sort()
    best, x = found[0]
    edge = min(values[0], values[-1])
    return Minimum(x, -best if maximum else best, tuple(v for _, v in found[1:]), bool(edge < best))


def _refined(function: OneVariable, domain: Domain, low: float, high: float, maximum: bool) -> float | None:
    """Root of the central difference of the values on [low, high] (fractions of the domain)."""
    import mpmath

    with mpmath.workdps(_DIGITS):
        sign = -1 if maximum else 1
        if domain.log:
            start, length = mpmath.log(domain.low), mpmath.log(domain.high) - mpmath.log(domain.low)
        else:
            start, length = mpmath.mpf(domain.low), mpmath.mpf(domain.high) - mpmath.mpf(domain.low)
        h = mpmath.mpf(10) ** -16

        def place(u: Any) -> Any:
            return mpmath.exp(start + u * length) if domain.log else start + u * length

        def slope(u: Any) -> Any:
            difference = function.precise(place(u + h)) - function.precise(place(u - h))
            return sign * mpmath.re(difference)

        try:
            a, b = mpmath.mpf(low) + 2 * h, mpmath.mpf(high) - 2 * h
            fa, fb = slope(a), slope(b)
            if not (fa < 0 < fb):
                return None
            u = _illinois(slope, a, b, fa, fb)
            return float(place(u))
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            return None


def _illinois(f: Any, a: Any, b: Any, fa: Any, fb: Any) -> Any:
    """Regula falsi with the Illinois rule and bisection every third step; stops at 1e-15 of the bracket."""
    side = 0
    for i in range(200):
        c = (a + b) / 2 if i % 3 == 2 else (fa * b - fb * a) / (fa - fb)
        fc = f(c)
        if fc == 0:
            return c
        if fc < 0:
            a, fa = c, fc
            fb = fb / 2 if side == -1 else fb
            side = -1
        else:
            b, fb = c, fc
            fa = fa / 2 if side == 1 else fa
            side = 1
        if abs(b - a) < 1e-17:
            break
    return (a + b) / 2


@dataclass(frozen=True)
class JointMinimum:
    """A minimum in several variables: where, the value, the largest elasticity left, the curvatures."""

    x: Mapping[str, float]
    value: float
    gradient: float
    curvature: tuple[float, ...]
    starts: int
    agreeing: int

    @property
    def is_minimum(self) -> bool:
        """Whether all curvatures in the logarithms of the variables are positive."""
        return all(c > 0 for c in self.curvature)


def joint_minimum(
    problem: Problem, expression: Any, names: Sequence[str], others: Mapping[str, float], starts: int = 24
) -> JointMinimum | None:
    """Minimum in several variables from many starts in their logarithms, polished by Newton's method.

    None if every start runs to the edge of the domain.
    """
    import sympy
    from scipy.optimize import minimize

    full = problem.spelled(expression)
    if problem.maximises:
        full = -full
    by_name = {str(s): s for s in full.free_symbols}
    known = {**problem.values, **problem.settings, **others}
    fixed = sorted(n for n in by_name if n not in names)
    scales = {n: sympy.Symbol(f"t_{n}", real=True) for n in names}
    logs = [problem.domains[n].log for n in names]
    change = {
        by_name[n]: sympy.exp(scales[n]) if log else scales[n]
        for n, log in zip(names, logs, strict=True)
        if n in by_name
    }
    moved = full.subs(change, simultaneous=True)
    ts = [scales[n] for n in names]
    gradient = [sympy.diff(moved, t) for t in ts]
    hessian = [[sympy.diff(g, t) for t in ts] for g in gradient]
    arguments = [*ts, *(by_name[n] for n in fixed)]
    rest = [float(known[n]) for n in fixed]
    f, g, h = (sympy.lambdify(arguments, e, modules="numpy", cse=True) for e in (moved, gradient, hessian))
    bounds = [
        (math.log(problem.domains[n].low), math.log(problem.domains[n].high)) if log
        else (problem.domains[n].low, problem.domains[n].high)
        for n, log in zip(names, logs, strict=True)
    ]  # fmt: skip

    def value(t: Array) -> float:
        with np.errstate(all="ignore"):
            v = float(np.real(f(*t, *rest)))
        return v if math.isfinite(v) else 1e300

    def slope(t: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.nan_to_num(np.asarray(g(*t, *rest), dtype=np.float64), nan=0.0, posinf=1e100, neginf=-1e100)

    rng = np.random.default_rng(7)
    low, high = np.asarray(bounds).T
    centre = [problem._reference(n) for n in names]
    ends: list[tuple[float, Array]] = []
    for _ in range(starts):
        u = rng.random(len(names))
        start = np.asarray([
            math.log(c.inner(np.asarray(v)).item()) if log else c.inner(np.asarray(v)).item()
            for c, v, log in zip(centre, u, logs, strict=True)
        ])  # fmt: skip
        answer = minimize(value, start, jac=slope, bounds=bounds, method="L-BFGS-B", options={"maxiter": 500})
        t = _newton(answer.x, g, h, rest, low, high)
        if math.isfinite(value(t)) and np.all((t > low + 1e-6) & (t < high - 1e-6)):
            ends.append((value(t), t))
    if not ends:
        return None
    ends.sort(key=lambda e: e[0])
    best, t = ends[0]
    agreeing = sum(abs(v - best) <= 1e-8 * max(1.0, abs(best)) for v, _ in ends)
    curvature = np.linalg.eigvalsh(np.asarray(h(*t, *rest), dtype=np.float64))
    where = {n: float(math.exp(v)) if log else float(v) for n, v, log in zip(names, t, logs, strict=True)}
    shown = -best if problem.maximises else best
    residual = float(np.max(np.abs(slope(t))))
    return JointMinimum(where, shown, residual, tuple(map(float, curvature)), starts, agreeing)


def _newton(t: Array, g: Any, h: Any, rest: Sequence[float], low: Array, high: Array) -> Array:
    for _ in range(30):
        with np.errstate(all="ignore"):
            gradient = np.asarray(g(*t, *rest), dtype=np.float64)
            matrix = np.asarray(h(*t, *rest), dtype=np.float64)
        if not (np.all(np.isfinite(gradient)) and np.all(np.isfinite(matrix))):
            return t
        try:
            step = np.linalg.solve(matrix, gradient)
        except np.linalg.LinAlgError:
            return t
        if np.linalg.eigvalsh(matrix)[0] <= 0 or np.max(np.abs(step)) > 5:
            return t
        t = np.clip(t - step, low, high)
        if np.max(np.abs(step)) < 1e-14:
            break
    return t
