"""Optima without a closed form: all roots of the slope, bracketed, and which of them are optima."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from formsearch.derive.absent import absent
from formsearch.derive.derivation import Check, Result, Step
from formsearch.derive.interval import RootFinder, Roots
from formsearch.derive.numeric import OneVariable, minimum
from formsearch.derive.outcome import Outcome, quantity_name
from formsearch.derive.problem import Problem
from formsearch.derive.reduce import Reduced
from formsearch.derive.roads import COMPARED, TOLERANCE
from formsearch.derive.simplify import presented, symbols_named
from formsearch.derive.stationary import Stationary

if TYPE_CHECKING:
    import sympy


def implicit(problem: Problem, name: str, expression: Any, r: Reduced, found: Stationary, steps: list[Step]) -> Outcome:
    """No closed form: the equation, its roots at the settings, and which of them are optima."""
    equation = _balance(problem, name, found)
    if not problem.values:
        check = Check("assumed", "no closed form, and no constants for a numeric solution")
        result = Result(name, quantity_name(problem, name), "implicit", None, None, None, check, implicit=equation)
        return Outcome(name, "implicit", tuple(steps), result, None, found.slope, found, r)
    others = {v for v in problem.variables if v != name}
    if symbols_named(problem.spelled(found.slope), tuple(others - set(problem.settings))):
        settings = {k: float(v[0]) for k, v in problem.draws.items() if k != name}
        given = False
    else:
        # Variables that are not in the slope cannot move its zero, but the target needs some value of them.
        settings = {k: float(v[0]) for k, v in problem.draws.items() if k != name} | dict(problem.settings)
        given = True
    optima, roots = implicit_optima(problem, name, expression, found.slope, settings)
    where = "the settings" if given else "the first reference settings"
    proof = "interval arithmetic proves that there are no others" if roots.complete else "numerically, on a grid"
    if len(roots.values) > _MANY_ROOTS:  # a form with a flat piece
        sentence = f"the slope vanishes on stretches of the domain; at {where} {_counted(len(optima), 'optimum')}"
    else:
        zeros = _counted(len(roots.values), "stationary point")
        sentence = f"{zeros} in the domain at {where} ({proof}), {_counted(len(optima), 'optimum')}"
    if found.at_most_one:
        sentence += "; coefficients change sign once, so there is at most one"
    check = Check("proved" if roots.complete else "numerically", sentence)
    steps.append(Step(f"Roots in {name}", f"{_opening(found.method)}: {sentence}.", equation, check))
    if not optima and not given:
        settings, optima, tried = _elsewhere(problem, name, expression, found.slope)
        where = f"any of {tried} reference settings"
    if not optima:
        return absent(problem, name, r, found, steps, f"no interior optimum in {name} at {where}")
    seen = minimum(OneVariable(problem, expression, name).at(settings), problem.domains[name], problem.maximises)
    worst = None if seen is None else min(abs(o - v) / abs(o) for o in optima for v in (seen.x, *seen.others))
    road = Check(
        "failed" if worst is not None and worst > TOLERANCE else "numerically",
        "direct numeric minimisation found nothing to compare with" if worst is None
        else f"direct numeric minimisation differs by {worst:.1e} (relative)",
        worst,
    )  # fmt: skip
    steps.append(Step(f"Two roads to {name}_opt", road.sentence, None, road))
    best = _best(problem, name, expression, optima, settings)
    result = Result(
        name, quantity_name(problem, name), "maximum" if problem.maximises else "minimum", None, None,
        best if given else None, road, conditions=(*r.conditions, *found.conditions), implicit=equation,
        depends_on=symbols_named(problem.spelled(found.slope), tuple(v for v in problem.variables if v != name)),
        settings=dict(problem.settings),
    )  # fmt: skip
    return Outcome(name, "implicit", tuple(steps), result, None, found.slope, found, r)


def _opening(method: str) -> str:
    return method[0].upper() + method[1:] if "no closed form" in method else f"No closed form ({method})"


def _counted(count: int, what: str) -> str:
    plural = {"optimum": "optima"}.get(what, f"{what}s")
    return f"{count} {what if count == 1 else plural}"


_MANY_ROOTS = 20


def _balance(problem: Problem, name: str, found: Stationary) -> Any:
    """x*du/dx = 0 with the terms of either sign on a side of their own, or du/dx = 0 where they are not known."""
    import sympy

    sides: dict[int, list[Any]] = {1: [], -1: []}
    x = problem.symbols[name]
    known = found.terms if found.base is None and not found.exponential else ()
    for t in known:
        sign, _ = problem.sign(t.coefficient)
        if sign not in (1, -1):
            return sympy.Eq(presented(found.slope), 0, evaluate=False)
        sides[sign].append(presented(sign * t.coefficient * x**t.exponent))
    if not sides[1] or not sides[-1]:
        return sympy.Eq(presented(found.slope), 0, evaluate=False)
    left, right = (sympy.Add(*sides[s]) for s in (1, -1))
    return sympy.Eq(left, right, evaluate=False)


def _elsewhere(problem: Problem, name: str, expression: Any, slope: Any) -> tuple[dict[str, float], list[float], int]:
    """The first of further reference settings at which there is an interior optimum, and how many were tried."""
    started, tried = time.monotonic(), 1
    for i in range(1, COMPARED):
        if time.monotonic() - started > _ELSEWHERE_SECONDS:
            break
        settings = {k: float(v[i]) for k, v in problem.draws.items() if k != name}
        optima, _ = implicit_optima(problem, name, expression, slope, settings)
        tried += 1
        if optima:
            return settings, optima, tried
    return {}, [], tried


_ELSEWHERE_SECONDS = 3.0


def implicit_optima(
    problem: Problem, name: str, expression: Any, slope: Any, settings: Mapping[str, float]
) -> tuple[list[float], Roots]:
    """All zeros of the slope at numbers for everything else, and those at which the target has its optimum."""
    domain = problem.domains[name]
    known = {**problem.values, **problem.settings, **settings}
    finder, rising, names = _root_finder(
        problem.spelled(slope), problem.spelled(expression), problem.symbols[name], domain.log, problem.maximises
    )
    low, high = (math.log(domain.low), math.log(domain.high)) if domain.log else (domain.low, domain.high)
    roots = finder.find(known, low, high)

    def side(v: float) -> float:
        return float(rising(*(v if n == name else known[n] for n in names)))

    # A change of sign, not a second derivative: it also holds where two pieces of a form meet.
    places = [(math.exp(v - _BESIDE), math.exp(v), math.exp(v + _BESIDE)) if domain.log
              else (v - _BESIDE, v, v + _BESIDE) for v in roots.values]  # fmt: skip
    return [v for a, v, b in places if side(a) < 0 < side(b)], roots


@lru_cache(maxsize=32)
def _root_finder(
    slope: Any, expression: Any, x: sympy.Symbol, log: bool, maximises: bool
) -> tuple[RootFinder, Any, list[str]]:
    """The finder of the zeros of x*slope in ln x (or in x), and dL/dx as a function, compiled once for all settings."""
    import sympy

    t = sympy.Symbol("t_root", real=True)
    # x*slope is of the order of the target itself, which keeps the numbers in range.
    equation = sympy.Add(*(term * x for term in sympy.Add.make_args(slope))).subs(x, sympy.exp(t) if log else t)
    derivative = sympy.diff(expression, x) * (-1 if maximises else 1)
    symbols = sorted(derivative.free_symbols | {x}, key=str)
    rising = sympy.lambdify(symbols, derivative, modules="numpy", cse=True)

    def side(*values: float) -> float:
        with np.errstate(all="ignore"):
            return float(np.real(rising(*(np.float64(v) for v in values))))

    return RootFinder(equation, t), side, [str(s) for s in symbols]


_BESIDE = 1e-7
"""How far beside a stationary point the slope is looked at."""


def _best(problem: Problem, name: str, expression: Any, optima: list[float], settings: Mapping[str, float]) -> float:
    def key(v: float) -> float:
        value = problem.at(expression, {**settings, name: v})
        assert value is not None
        return -value if problem.maximises else value

    return min(optima, key=key)
