"""How far one may stray from an optimum: ranges within a threshold of the best target, and practical sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Check, Result
from formsearch.derive.interval import all_roots
from formsearch.derive.optimum import optimum
from formsearch.derive.outcome import Outcome
from formsearch.derive.premises import premises
from formsearch.derive.problem import make_problem, resolve
from formsearch.derive.simplify import power_terms, presented, symbols_named, tidy, with_names
from formsearch.derive.stationary import polynomial_roots
from formsearch.exceptions import DerivationError, InputError

if TYPE_CHECKING:
    from formsearch.derive.problem import Problem
    from formsearch.law import Law

THRESHOLD = "t"


@dataclass(frozen=True)
class Range:
    """Where the target stays within `threshold` of its best, in one variable, the others held.

    `low_form`, `high_form` are closed forms in named parts and the threshold's symbol (None: numeric only);
    `difference` is the largest relative difference of the closed ends from roots bracketed on the values.
    """

    symbol: str
    low: float
    high: float
    threshold: float
    low_form: Any = None
    high_form: Any = None
    difference: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the value lies inside."""
        return self.low <= value <= self.high

    def inward(self, step: float) -> tuple[float, float]:
        """The ends rounded inward to multiples of `step`, as a scan over a grid reports them."""
        slack = 1e-9
        return math.ceil(self.low / step - slack) * step, math.floor(self.high / step + slack) * step


def level_forms(problem: Problem, outcome: Outcome) -> tuple[Any, Any] | None:
    """Both ends of {x : L(x) <= L(x_opt) + t} in closed form; None where there is none.

    With L = a + b*u(x) and u a sum of powers, the ends solve u(x) = u(x_opt) + t/b; two powers p and -p, or p and
    2p, make that a quadratic in x**p.
    """
    import sympy

    found, r = outcome.stationary, outcome.reduction
    if found is None or r is None or not r.linear or found.base is not None or not found.terms:
        return None
    x = problem.symbols[outcome.x]
    terms = power_terms(r.u, x)
    if terms is None or len(terms) != 2 or outcome.solution is None:
        return None
    t = sympy.Symbol(THRESHOLD, positive=True)
    best = tidy(sympy.powsimp(r.u.subs(x, outcome.solution)))
    rise = t / r.factor * (-1 if problem.maximises else 1)
    roots = polynomial_roots([*terms, type(terms[0])(-(best + rise), sympy.Integer(0))])
    if roots is None or len(roots) != 2:
        return None
    return roots[1], roots[0]


def within(problem: Problem, outcome: Outcome, threshold: float, settings: Mapping[str, float] | None = None) -> Range:
    """The range at numbers for everything else, by closed form where there is one, and always by bracketing.

    The range is clipped to the variable's domain. Raises `DerivationError` if the variable has no optimum at the
    settings, `InputError` for a threshold that is not positive.
    """
    import sympy

    if not threshold > 0:
        raise InputError(f"threshold must be positive, not {threshold!r}")
    name, known = outcome.x, dict(settings or {})
    where = problem.at(outcome.solution, known) if outcome.solution is not None else None
    if where is None or not math.isfinite(where):
        raise DerivationError(f"{name} has no optimum in closed form at the settings: give values for the variables it "
                              f"depends on ({', '.join(outcome.result.depends_on) or 'none'})")  # fmt: skip
    best = problem.at(problem.expression, {**known, name: where})
    if best is None:
        # Other variables without a value cancel only if the target is a product; ask for them.
        missing = _missing(problem, {**known, name: where})
        raise InputError(f"the range of {name} needs values for {', '.join(missing)}: add them to settings")
    low, high = _bracketed(problem, name, where, best, threshold, known)
    forms = level_forms(problem, outcome)
    if forms is None:
        return Range(name, low, high, threshold)
    values = [problem.at(f.subs(sympy.Symbol(THRESHOLD, positive=True), sympy.Float(threshold, 17)), known)
              for f in forms]  # fmt: skip
    domain = problem.domains[name]
    ordered = sorted(zip((v for v in values if v is not None), forms, strict=False), key=lambda p: p[0])
    if len(ordered) != 2 or not all(math.isfinite(v) for v, _ in ordered):
        return Range(name, low, high, threshold)
    closed = [min(max(v, domain.low), domain.high) for v, _ in ordered]
    worst = max(abs(c - n) / max(abs(c), 1e-12) for c, n in zip(closed, (low, high), strict=True))
    return Range(name, closed[0], closed[1], threshold, ordered[0][1], ordered[1][1], worst)


def _missing(problem: Problem, known: Mapping[str, float]) -> list[str]:
    have = {**problem.values, **problem.settings, **known}
    return [v for v in problem.variables if v not in have]


def _bracketed(
    problem: Problem, name: str, where: float, best: float, threshold: float, known: Mapping[str, float]
) -> tuple[float, float]:
    """The ends by interval branch and bound on the values; the domain's ends where the level is not reached."""
    import sympy

    domain, x = problem.domains[name], problem.symbols[name]
    full = problem.spelled(problem.expression)
    numbers = {**problem.values, **problem.settings, **known}
    level = best - threshold if problem.maximises else best + threshold
    s = sympy.Symbol("s", real=True)
    place = sympy.exp(s) if domain.log else s
    values = {v: sympy.Float(numbers[str(v)], 17) for v in full.free_symbols if v != x}
    equation = full.subs(values).subs(x, place) - sympy.Float(level, 17)
    low, high = (math.log(domain.low), math.log(domain.high)) if domain.log else (domain.low, domain.high)
    centre = math.log(where) if domain.log else where
    below = [r for r in all_roots(equation, s, low, centre).values if r < centre]
    above = [r for r in all_roots(equation, s, centre, high).values if r > centre]
    a, b = max(below, default=low), min(above, default=high)
    return (math.exp(a), math.exp(b)) if domain.log else (a, b)


def range_results(problem: Problem, outcome: Outcome, threshold: float, settings: Mapping[str, float]) -> list[Result]:
    """The two ends as results, with closed forms where there are any."""
    try:
        found: Range | None = within(problem, outcome, threshold, settings)
    except InputError:
        found = None
    forms = (found.low_form, found.high_form) if found is not None else level_forms(problem, outcome) or (None, None)
    if found is None and forms[0] is None:
        return []
    q = problem.quantity_of(outcome.x)
    results = []
    for side, form in zip(("low", "high"), forms, strict=True):
        value = None if found is None else getattr(found, side)
        if found is None or found.difference is None:
            check = Check("numerically", f"{outcome.x} where the target is {threshold:g} from its best")
        else:
            check = Check("numerically" if found.difference < 1e-6 else "failed",
                          f"roots bracketed on the values differ by {found.difference:.1e} (relative)",
                          found.difference)  # fmt: skip
        full = None if form is None else presented(problem.spelled(form))
        results.append(
            Result(f"{outcome.x}_{side}", q.name if q else "", "range", None if form is None else presented(form), full,
                   value, check, depends_on=() if form is None else symbols_named(full, problem.variables),
                   settings={k: v for k, v in {**problem.settings, **settings}.items() if k != outcome.x})
        )  # fmt: skip
    return results


# -- practical sizes -----------------------------------------------------------------------------------------------


def stepwise(
    law: Law,
    constants: Any,
    variable: str,
    total: str,
    settings: Mapping[str, float],
    threshold: float,
    step: float = 0.01,
) -> float:
    """Algorithm 1 of Zhao et al. 2025: grow `variable` in steps of `step` * `total` until a step pays too little.

    Starts at one step and returns variable/total at the first step whose reduction of the target is below
    `threshold` (the step that no longer paid, as printed in the paper; one step less is the last that did). The
    answer depends on the step: the threshold is on the target per step, not per parameter.
    """
    given = premises(law, constants)
    problem = make_problem(law, given.constants, settings)
    name, whole = resolve(law, variable), resolve(law, total)
    size = problem.settings.get(whole)
    if size is None:
        raise InputError(f"the stepwise rule needs a value for {whole}: add it to settings")
    previous = _target(problem, name, step * size)
    count = round(1 / step)
    for i in range(2, count + 1):
        current = _target(problem, name, i * step * size)
        if previous - current < threshold:
            return i * step
        previous = current
    return count * step


def _target(problem: Problem, name: str, value: float) -> float:
    result = problem.at(problem.expression, {name: value})
    if result is None:
        missing = _missing(problem, {name: value})
        raise InputError(f"the stepwise rule needs values for {', '.join(missing)}: add them to settings")
    return result


def at_a_price(
    law: Law, constants: Any, variable: str, settings: Mapping[str, float] | None = None, seconds: float = 4.0
) -> Outcome:
    """The continuous version: the optimum of L + price * variable, so that the last unit still pays its price.

    At that point -dL/dvariable = price: a threshold on the target per unit (per parameter), free of any step. The
    price is the given symbol `price` of the solution.
    """
    import sympy

    given = premises(law, constants)
    problem, _ = with_names(make_problem(law, given.constants, settings, ("price",)))
    name = resolve(law, variable)
    charged = problem.expression + sympy.Symbol("price", positive=True) * problem.symbols[name]
    slope = sympy.diff(problem.opened(problem.expression, problem.symbols[name]), problem.symbols[name])
    typical = problem.function(slope, sorted(str(s) for s in problem.spelled(slope).free_symbols))
    names = sorted(str(s) for s in problem.spelled(slope).free_symbols)
    table = {**problem.draws}
    pays = -typical(*(table[n] if n in table else problem.values[n] for n in names))
    charged_problem = replace(problem, expression=charged)
    if problem.values:  # reference prices: those at which the reference settings would be chosen
        import numpy as np

        prices = np.where(np.isfinite(pays) & (pays > 0), pays, np.nan)
        filled = np.where(np.isnan(prices), np.nanmedian(prices) if np.isfinite(prices).any() else 1e-12, prices)
        charged_problem.draws["price"] = filled
    return optimum(charged_problem, name, seconds)
