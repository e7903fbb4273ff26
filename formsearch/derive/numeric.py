"""The second road: minima found directly on the values of the form, with no derivative of ours involved."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.derive.domains import Domain

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


class SeveralVariables:
    """An expression in several variables (their logarithms, where the domain is logarithmic) with derivatives."""

    def __init__(self, problem: Problem, expression: Any, names: Sequence[str]) -> None:
        import sympy

        full = problem.spelled(expression)
        full = -full if problem.maximises else full
        by_name = {str(s): s for s in full.free_symbols}
        self.problem, self.names = problem, tuple(names)
        self.known = {**problem.values, **problem.settings}
        self.fixed = sorted(n for n in by_name if n not in names)
        scales = {n: sympy.Symbol(f"t_{n}", real=True) for n in names}
        self.logs = np.asarray([problem.domains[n].log for n in names])
        change = {by_name[n]: sympy.exp(scales[n]) if problem.domains[n].log else scales[n]
                  for n in names if n in by_name}  # fmt: skip
        moved = full.subs(change, simultaneous=True)
        ts = [scales[n] for n in names]
        gradient = [sympy.diff(moved, t) for t in ts]
        hessian = [[sympy.diff(g, t) for t in ts] for g in gradient]
        arguments = [*ts, *(by_name[n] for n in self.fixed)]
        self.f, self.g, self.h = (
            sympy.lambdify(arguments, e, modules="numpy", cse=True) for e in (moved, gradient, hessian)
        )
        edges = [(problem.domains[n].low, problem.domains[n].high) for n in names]
        self.low, self.high = (np.where(self.logs, np.log(np.where(self.logs, e, 1.0)), e) for e in np.asarray(edges).T)

    def place(self, t: Array) -> Array:
        """Scaled coordinates to the variables."""
        with np.errstate(all="ignore"):
            return np.where(self.logs, np.exp(t), t)

    def scaled(self, x: Array) -> Array:
        """The variables to scaled coordinates."""
        return np.where(self.logs, np.log(np.where(self.logs, x, 1.0)), x)

    def minimum(
        self,
        others: Mapping[str, float],
        values: Mapping[str, float] | None = None,
        starts: int = 24,
        near: Mapping[str, float] | None = None,
    ) -> JointMinimum | None:
        """The lowest minimum over many starts (or the one next to `near`), polished by Newton's method.

        `values` are other constants. None if every start runs to the edge of the domain.
        """
        from scipy.optimize import minimize

        known = {**self.known, **(values or {}), **others}
        rest = [float(known[n]) for n in self.fixed]

        def value(t: Array) -> float:
            with np.errstate(all="ignore"):
                v = float(np.real(self.f(*t, *rest)))
            return v if math.isfinite(v) else 1e300

        def slope(t: Array) -> Array:
            with np.errstate(all="ignore"):
                raw = np.asarray(self.g(*t, *rest), dtype=np.float64)
            return np.nan_to_num(raw, nan=0.0, posinf=1e100, neginf=-1e100)

        ends: list[tuple[float, Array]] = []
        for start in self._starts(starts, near):
            answer = minimize(value, start, jac=slope, bounds=list(zip(self.low, self.high, strict=True)),
                              method="L-BFGS-B", options={"maxiter": 500})  # fmt: skip
            t = self._newton(answer.x, rest)
            if math.isfinite(value(t)) and np.all((t > self.low + 1e-6) & (t < self.high - 1e-6)):
                ends.append((value(t), t))
        if not ends:
            return None
        best, t = min(ends, key=lambda e: e[0])
        agreeing = sum(abs(v - best) <= 1e-8 * max(1.0, abs(best)) for v, _ in ends)
        curvature = np.linalg.eigvalsh(np.asarray(self.h(*t, *rest), dtype=np.float64))
        where = dict(zip(self.names, map(float, self.place(t)), strict=True))
        shown = -best if self.problem.maximises else best
        return JointMinimum(where, shown, float(np.max(np.abs(slope(t)))), tuple(map(float, curvature)), starts,
                            agreeing)  # fmt: skip

    def curvature_at(self, x: Mapping[str, float], others: Mapping[str, float]) -> float:
        """The smallest eigenvalue of the Hessian (in the scaled variables) at a place."""
        known = {**self.known, **others}
        t = self.scaled(np.asarray([x[n] for n in self.names]))
        with np.errstate(all="ignore"):
            matrix = np.asarray(self.h(*t, *(float(known[n]) for n in self.fixed)), dtype=np.float64)
        return float(np.linalg.eigvalsh(matrix)[0]) if np.all(np.isfinite(matrix)) else math.nan

    def _starts(self, count: int, near: Mapping[str, float] | None) -> list[Array]:
        if near is not None:
            return [self.scaled(np.asarray([near[n] for n in self.names]))]
        rng = np.random.default_rng(7)
        references = [self.problem.reference(n) for n in self.names]
        return [
            self.scaled(np.asarray([r.inner(np.asarray(v)).item() for r, v in zip(references, u, strict=True)]))
            for u in rng.random((count, len(self.names)))
        ]

    def _newton(self, t: Array, rest: Sequence[float]) -> Array:
        for _ in range(30):
            with np.errstate(all="ignore"):
                gradient = np.asarray(self.g(*t, *rest), dtype=np.float64)
                matrix = np.asarray(self.h(*t, *rest), dtype=np.float64)
            if not (np.all(np.isfinite(gradient)) and np.all(np.isfinite(matrix))):
                return t
            if np.linalg.eigvalsh(matrix)[0] <= 0:
                return t
            step = np.linalg.solve(matrix, gradient)
            if np.max(np.abs(step)) > 5:
                return t
            t = np.clip(t - step, self.low, self.high)
            if np.max(np.abs(step)) < 1e-14:
                break
        return t


def without_derivatives(
    problem: Problem, expression: Any, names: Sequence[str], others: Mapping[str, float], start: Mapping[str, float]
) -> tuple[dict[str, float], float]:
    """Nelder and Mead's simplex from half a unit (in logarithms) beside `start`: no derivative, to compare with."""
    from scipy.optimize import minimize

    full = problem.spelled(expression)
    fixed = sorted({str(s) for s in full.free_symbols} - set(names))
    known = {**problem.values, **problem.settings, **others}
    rest = [known[n] for n in fixed]
    function = problem.function(full, [*names, *fixed])
    sign = -1.0 if problem.maximises else 1.0
    logs = np.asarray([problem.domains[n].log for n in names])

    def place(t: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.where(logs, np.exp(t), t)

    def value(t: Array) -> float:
        v = float(function(*place(t), *rest))
        return sign * v if math.isfinite(v) else 1e300

    first = np.asarray([math.log(start[n]) if log else start[n] for n, log in zip(names, logs, strict=True)])
    options = {"xatol": 1e-9, "fatol": 1e-16, "maxiter": 4000, "maxfev": 8000}
    answer = minimize(value, first + np.where(logs, 0.5, 0.05), method="Nelder-Mead", options=options)
    answer = minimize(value, answer.x, method="Nelder-Mead", options=options)
    return dict(zip(names, map(float, place(answer.x)), strict=True)), sign * float(answer.fun)


def root_near(function: Callable[[float], float], start: float, log: bool) -> float | None:
    """The root of a function next to a start, by widening a bracket around it; None if none is within a factor e**8."""
    from scipy.optimize import brentq

    def at(u: float) -> float:
        return function(start * math.exp(u) if log else start + u)

    width = 0.05 if log else 0.05 * max(abs(start), 1e-3)
    for _ in range(8):
        a, b = at(-width), at(width)
        if math.isfinite(a) and math.isfinite(b) and a * b < 0:
            u = brentq(at, -width, width, xtol=1e-14)
            return float(start * math.exp(u) if log else start + u)
        width *= 2
    return None
