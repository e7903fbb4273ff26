"""How the target answers to its variables: elasticities, interactions, substitution, equivalents, crossings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Check, Result, Table
from formsearch.derive.interval import Roots, all_roots
from formsearch.derive.naming import with_names
from formsearch.derive.outcome import letter
from formsearch.derive.premises import premises
from formsearch.derive.problem import make_problem, resolve
from formsearch.derive.simplify import presented, symbols_named, tidy
from formsearch.derive.solve import solve_for
from formsearch.exceptions import DerivationError, InputError, NotApplicableError

if TYPE_CHECKING:
    from formsearch.derive.problem import Problem
    from formsearch.law import Law


def _problem(law: Law, constants: Any, settings: Mapping[str, float] | None = None) -> Problem:
    return make_problem(law, premises(law, constants, 0).constants, settings)


def elasticities(law: Law, constants: Any, settings: Mapping[str, float]) -> Table:
    """d ln L / d ln v at the settings for each variable v, and the target's change for 1 % more of it."""
    import sympy

    problem = _problem(law, constants, settings)
    target = problem.at(problem.expression)
    if target is None:
        raise InputError(f"elasticities need a value for every variable: {', '.join(law.variable_names)}")
    rows: list[tuple[str, float, float, float]] = []
    for v in problem.variables:
        slope = problem.at(sympy.diff(problem.expression, problem.symbols[v]))
        assert slope is not None
        x = problem.settings[v]
        rows.append((v, x, slope * x / target, 0.01 * slope * x))
    title = f"Elasticities of {letter(problem)} = {target:.6g}"
    return Table("elasticities", title, ("variable", "value", "elasticity", "change for 1 % more"), tuple(rows))


def interactions(law: Law, constants: Any = None) -> list[Result]:
    """Mixed derivatives d2L/dv dw of every pair: their closed form and sign over the domain, with how it is known.

    Zero means that the two do not interact (the target is a sum); a negative one that they help each other.
    """
    import sympy

    problem, _ = with_names(_problem(law, constants))
    results = []
    names = problem.variables
    for i, v in enumerate(names):
        for w in names[i + 1 :]:
            a, b = problem.symbols[v], problem.symbols[w]
            mixed = tidy(sympy.diff(sympy.diff(problem.opened(problem.opened(problem.expression, a), b), a), b))
            sign, check = problem.sign(mixed)
            said = {0: "no interaction" if mixed == 0 else "its sign depends on the settings", 1: "positive: they "
                    "compete", -1: "negative: they help each other", None: "sign not known"}[sign]  # fmt: skip
            results.append(
                Result(f"d2{letter(problem)}/d{v}d{w}", "", "interaction", presented(mixed),
                       presented(problem.spelled(mixed)), problem.at(mixed), check, remarks=(said,))
            )  # fmt: skip
    return results


def rate_of_substitution(
    law: Law, constants: Any, give: str, take: str, settings: Mapping[str, float] | None = None
) -> Result:
    """-d give / d take along a curve of equal target: how much of `give` one unit of `take` replaces."""
    import sympy

    problem, _ = with_names(_problem(law, constants, settings))
    a, b = resolve(law, give), resolve(law, take)
    expression = problem.opened(problem.opened(problem.expression, problem.symbols[a]), problem.symbols[b])
    rate = tidy(sympy.diff(expression, problem.symbols[b]) / sympy.diff(expression, problem.symbols[a]))
    sign, check = problem.sign(rate)
    remark = {1: f"{take} replaces {give}", -1: f"more {take} needs more {give}"}.get(sign or 0, "")
    return Result(f"-d{a}/d{b}", "", "rate of substitution", presented(rate), presented(problem.spelled(rate)),
                  problem.at(rate), check, depends_on=symbols_named(problem.spelled(rate), problem.variables),
                  settings=dict(problem.settings), remarks=(remark,) if remark else ())  # fmt: skip


def indifference(
    law: Law, constants: Any, target: float, along: str, solve: str, values: Sequence[float],
    settings: Mapping[str, float] | None = None,
) -> Table:  # fmt: skip
    """The curve of equal target: for each value of `along`, the values of `solve` that give it (all of them)."""
    problem = _problem(law, constants, settings)
    x, y = resolve(law, along), resolve(law, solve)
    rows: list[tuple[float | None, ...]] = []
    for v in values:
        roots = equal_target(problem, y, target, {x: float(v)})
        rows.extend([(float(v), r) for r in roots.values] or [(float(v), None)])
    return Table("indifference", f"{letter(problem)} = {target:g}", (x, y), tuple(rows))


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
    seconds: float = 4.0,
) -> Result:  # fmt: skip
    """The value of one variable that reaches the same target at a reference: solve L(of', reference) = L(of, settings).

    With `of` the parameters and the reference a dense model, this is the effective parameter count. `settings` may
    leave variables out (they stay symbols; a variable missing from `reference` is the same on both sides); the
    number is given where all have values.
    """
    import sympy

    given = premises(law, constants, 0).constants
    problem = make_problem(law, given)
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
    q = problem.quantity_of(name)
    shown = None if form is None else presented(form)
    at = (f"at {', '.join(f'{k} = {v:g}' for k, v in there.items())}",)
    return Result(f"{name}_equivalent", q.name if q else "", "equivalent", shown, shown, value, check,
                  settings=dict(here), remarks=at)  # fmt: skip


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
    first: tuple[Law, Any, Mapping[str, float]], second: tuple[Law, Any, Mapping[str, float]], along: str
) -> Table:
    """Where two laws (or one law at two settings) have the same target, along one quantity.

    Each side is (law, constants, settings); `along` is a quantity or symbol of both. The table has the crossings,
    the common value, and which side is lower beyond each.
    """
    if first[0].target != second[0].target:
        raise NotApplicableError(
            f"{first[0].name} gives {first[0].target}, {second[0].name} gives {second[0].target}: nothing to compare"
        )
    import sympy

    problems = [_problem(law, constants, settings) for law, constants, settings in (first, second)]
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
    rows = []
    for r in roots.values:
        beyond = r * (1 + 1e-6) if r > 0 else r + 1e-6
        rows.append((r, float(f(r)), labels[0] if f(beyond) < g(beyond) else labels[1]))
    proof = "all of them, by interval arithmetic" if roots.complete else "numerically"
    return Table("crossings", f"Where {labels[0]} and {labels[1]} are equal ({proof})",
                 (names[0], letter(problems[0]), "lower beyond"), tuple(rows))  # fmt: skip
