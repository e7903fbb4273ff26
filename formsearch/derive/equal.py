"""Where targets are equal: indifference curves, equivalents (effective parameters), crossings of laws or settings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from formsearch.derive.derivation import Check, Result, Table
from formsearch.derive.interval import Roots, all_roots
from formsearch.derive.numeric import root_near
from formsearch.derive.outcome import letter
from formsearch.derive.problem import make_problem, resolve
from formsearch.derive.sensitivity import given_problem
from formsearch.derive.simplify import presented
from formsearch.derive.solve import solve_for
from formsearch.derive.uncertainty import Resampled, outside
from formsearch.exceptions import DerivationError, InputError, NotApplicableError

if TYPE_CHECKING:
    from formsearch.derive.problem import Problem
    from formsearch.law import Law


def indifference(
    law: Law, constants: Any, target: float, along: str, solve: str, values: Sequence[float],
    settings: Mapping[str, float] | None = None, resamples: Any = 200, level: float = 0.9,
) -> Table:  # fmt: skip
    """The curve of equal target: for each value of `along`, the values of `solve` that give it (all of them).

    With a fit (or resamples) each comes with its interval.
    """
    problem, drawn = given_problem(law, constants, settings, resamples, level)
    x, y = resolve(law, along), resolve(law, solve)
    rows: list[tuple[float | None, ...]] = []
    band = () if drawn is None else (f"{y} low", f"{y} high")
    for v in values:
        here = {x: float(v)}
        for root in equal_target(problem, y, target, here).values or (None,):
            interval = None
            if drawn is not None and root is not None:
                moved = partial(
                    _moved_root, problem, problem.expression - target, y, {**problem.settings, **here}, root
                )
                interval = drawn.each(moved)
            ends = () if drawn is None else (interval or (None, None))
            rows.append((float(v), root, *ends))
    return Table("indifference", f"{letter(problem)} = {target:g}", (x, y, *band), tuple(rows))


def _moved_root(
    problem: Problem, equation: Any, name: str, known: Mapping[str, float], start: float,
    constants: Mapping[str, float],
) -> float | None:  # fmt: skip
    """The root of an equation in one variable at other constants, next to where it was."""
    full = problem.spelled(equation)
    names = sorted(str(s) for s in full.free_symbols)
    function = problem.function(full, names)
    numbers = {**known, **constants}
    return root_near(lambda v: float(function(*(v if n == name else numbers[n] for n in names))), start,
                     problem.domains[name].log)  # fmt: skip


def equal_target(problem: Problem, name: str, target: float, known: Mapping[str, float]) -> Roots:
    """All values of one variable at which the target has the value given, everything else being numbers."""
    import sympy

    numbers = {**problem.values, **problem.settings, **known}
    full = problem.spelled(problem.expression)
    if missing := [str(s) for s in full.free_symbols if str(s) not in numbers and str(s) != name]:
        raise InputError(f"values are needed for {', '.join(sorted(missing))}: add them to settings")
    return _roots(problem, full - sympy.Float(target, 17), name, numbers)


def _roots(problem: Problem, equation: Any, name: str, numbers: Mapping[str, float]) -> Roots:
    import sympy

    domain, x = problem.domains[name], problem.symbols[name]
    t = sympy.Symbol("t", real=True)
    put = {s: sympy.Float(numbers[str(s)], 17) for s in equation.free_symbols if s != x}
    moved = equation.subs(put).subs(x, sympy.exp(t) if domain.log else t)
    low, high = (math.log(domain.low), math.log(domain.high)) if domain.log else (domain.low, domain.high)
    found = all_roots(moved, t, low, high)
    return replace(found, values=tuple(math.exp(v) if domain.log else v for v in found.values))


def equivalent(
    law: Law, constants: Any, of: str, settings: Mapping[str, float], reference: Mapping[str, float],
    seconds: float = 4.0, resamples: Any = 200, level: float = 0.9,
) -> Result:  # fmt: skip
    """The value of one variable that reaches the same target at a reference: solve L(of', reference) = L(of, settings).

    With `of` the parameters and the reference a dense model, this is the effective parameter count. `settings` may
    leave variables out (they stay symbols; a variable missing from `reference` is the same on both sides); the
    number is given where all have values.
    """
    import sympy

    problem, drawn = given_problem(law, constants, None, resamples, level)
    given = problem.values
    name = resolve(law, of)
    here = make_problem(law, given, settings).settings
    there = make_problem(law, given, reference).settings
    x = problem.symbols[name]
    fresh = sympy.Symbol(f"{name}_equivalent", positive=True)
    put = {problem.symbols[k]: sympy.nsimplify(v, rational=True) for k, v in there.items()}
    left = problem.expression.subs(put).subs(x, fresh)
    solver = replace(problem, symbols={**problem.symbols, str(fresh): fresh})
    equation = _unwrapped(left, problem.expression)
    form = solve_for(solver, sympy.powsimp(sympy.expand(equation, log=False)), fresh, seconds)
    numbers = {**problem.values, **here}
    value, check = None, Check("numerically", "some variables have no value")
    if not _unset(problem.expression, {*numbers}):
        goal = problem.at(problem.expression, here)
        assert goal is not None
        others = {k: v for k, v in {**here, **there}.items() if k != name}
        roots = equal_target(problem, name, goal, others)
        if not roots.values:
            raise DerivationError(
                f"no {name} within its domain reaches {letter(problem)} = {goal:.6g} at the reference"
            )
        value = roots.values[0]
        check = Check("numerically", f"{len(roots.values)} value(s) of {name} bracketed", None)
        if form is not None:
            closed = problem.at(form, here)
            worst = None if closed is None else abs(closed - value) / value
            kind = "failed" if worst is None or worst > 1e-6 else "numerically"
            check = Check(kind, "closed form against the bracketed root", worst)  # type: ignore[arg-type]
    interval = None
    if drawn is not None and value is not None:
        sides = problem.expression.subs(put) - problem.expression.subs(x, here[name])
        start = value
        interval = (
            drawn.of(problem, form, here) if form is not None
            else drawn.each(lambda c: _moved_root(problem, sides, name, {**here, **there}, start, c))
        )  # fmt: skip
    q = problem.quantity_of(name)
    shown = None if form is None else presented(form)
    at = (f"at {', '.join(f'{k} = {v:g}' for k, v in there.items())}",)
    about = q.name if q else ""
    return Result(f"{name}_equivalent", about, "equivalent", shown, shown, value, check, interval=interval,
                  extrapolation=outside(value, about, problem.ranges), settings=dict(here), remarks=at)  # fmt: skip


def _unwrapped(left: Any, right: Any) -> Any:
    """left - right, without an outer power or exponential that both sides share."""
    import sympy

    common = [t for t in sympy.Add.make_args(left) if t in sympy.Add.make_args(right)]
    a, b = left - sympy.Add(*common), right - sympy.Add(*common)
    if a.is_Pow and b.is_Pow and a.base == b.base and a.base.is_positive:
        return _unwrapped(a.exp, b.exp)
    if a.is_Pow and b.is_Pow and a.exp == b.exp and a.base.is_positive and b.base.is_positive:
        return _unwrapped(a.base, b.base)
    if isinstance(a, sympy.exp) and isinstance(b, sympy.exp):
        return _unwrapped(a.args[0], b.args[0])
    return a - b


def _unset(expression: Any, known: set[str]) -> list[str]:
    return sorted(str(s) for s in expression.free_symbols if str(s) not in known)


def crossings(
    first: tuple[Law, Any, Mapping[str, float]],
    second: tuple[Law, Any, Mapping[str, float]],
    along: str,
    resamples: Any = 200,
    level: float = 0.9,
) -> Table:
    """Where two laws (or one law at two settings) have the same target, along one quantity.

    Each side is (law, constants, settings); `along` is a quantity or symbol of both. The table has the crossings,
    the common value, and which side is lower beyond each; with fits (or resamples) on a side, the interval of the
    crossing (draws of two fits are paired as they come).
    """
    if first[0].target != second[0].target:
        raise NotApplicableError(
            f"{first[0].name} gives {first[0].target}, {second[0].name} gives {second[0].target}: nothing to compare"
        )
    import sympy

    pairs = [given_problem(law, constants, settings, resamples, level) for law, constants, settings in (first, second)]
    problems = [p for p, _ in pairs]
    names = [resolve(law, along) for law, _, _ in (first, second)]
    x = problems[0].symbols[names[0]]
    sides = []
    for p, name in zip(problems, names, strict=True):
        numbers = {**p.values, **p.settings}
        if missing := _unset(p.expression, {*numbers, name}):
            raise InputError(f"law {p.law.name} needs values for {', '.join(missing)}: add them to its settings")
        put = {s: sympy.Float(numbers[str(s)], 17) for s in p.expression.free_symbols if str(s) != name}
        sides.append(p.expression.subs(put).subs(p.symbols[name], x))
    roots = _roots(problems[0], sides[0] - sides[1], names[0], {})
    f, g = (sympy.lambdify([x], s, modules="math") for s in sides)
    labels = [p.law.name for p in problems]
    if labels[0] == labels[1]:
        labels = [f"{label} ({i})" for i, label in zip(("first", "second"), labels, strict=True)]
    banded = any(drawn is not None for _, drawn in pairs)
    band = (f"{names[0]} low", f"{names[0]} high") if banded else ()
    rows: list[tuple[float | str | None, ...]] = []
    for r in roots.values:
        beyond = r * (1 + 1e-6) if r > 0 else r + 1e-6
        interval = _crossing_interval(pairs, names, r)
        ends = () if not banded else (interval or (None, None))
        rows.append((r, *ends, float(f(r)), labels[0] if f(beyond) < g(beyond) else labels[1]))
    proof = "all of them, by interval arithmetic" if roots.complete else "numerically"
    return Table("crossings", f"Where {labels[0]} and {labels[1]} are equal ({proof})",
                 (names[0], *band, letter(problems[0]), "lower beyond"), tuple(rows))  # fmt: skip


def _crossing_interval(
    pairs: Sequence[tuple[Problem, Resampled | None]], names: Sequence[str], start: float
) -> tuple[float, float] | None:
    """The interval of a crossing: the difference of both sides solved anew for each pair of draws."""
    drawn = [d for _, d in pairs if d is not None]
    if not drawn:
        return None
    count = min(len(d.constants) for d in drawn)
    sides = []
    for (problem, _), name in zip(pairs, names, strict=True):
        symbols = sorted(str(s) for s in problem.spelled(problem.expression).free_symbols)
        sides.append((problem.function(problem.expression, symbols), symbols, {**problem.settings}, name))
    draws = [itertools.repeat(p.values, count) if d is None else itertools.islice(d.rows, count) for p, d in pairs]
    log = pairs[0][0].domains[names[0]].log
    found = []
    for both in zip(*draws, strict=True):

        def difference(v: float, both: Any = both) -> float:
            a, b = (
                float(f(*({**held, **constants, name: v}[n] for n in symbols)))
                for (f, symbols, held, name), constants in zip(sides, both, strict=True)
            )
            return a - b

        root = root_near(difference, start, log)
        found.append(np.nan if root is None else root)
    return drawn[0].interval(np.asarray(found))
