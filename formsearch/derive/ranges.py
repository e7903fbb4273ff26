"""How far one may stray from an optimum: the range within a threshold of the best target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Check, Result
from formsearch.derive.interval import all_roots
from formsearch.derive.outcome import Outcome
from formsearch.derive.simplify import power_terms, presented, symbols_named, tidy
from formsearch.derive.stationary import polynomial_roots
from formsearch.exceptions import DerivationError, InputError

if TYPE_CHECKING:
    from formsearch.derive.problem import Problem
    from formsearch.derive.uncertainty import Resampled

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
    name = outcome.x
    known = {**_idle(problem, outcome), **(settings or {})}
    where = problem.at(outcome.solution, known) if outcome.solution is not None else None
    if where is None or not math.isfinite(where):
        raise DerivationError(f"{name} has no optimum in closed form at the settings: give values for the variables it "
                              f"depends on ({', '.join(outcome.result.depends_on) or 'none'})")  # fmt: skip
    best = problem.at(problem.expression, {**known, name: where})
    if best is None:
        # Other variables without a value cancel only if the target is a product; ask for them.
        missing = missing_values(problem, {**known, name: where})
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


def _idle(problem: Problem, outcome: Outcome) -> dict[str, float]:
    """Some value for the variables that only add to the target, so that a difference from the best is free of them."""
    r = outcome.reduction
    if r is None or not r.linear:
        return {}
    used = {str(s) for part in (r.u, r.factor) for s in problem.spelled(part).free_symbols}
    idle = [v for v in problem.variables if v not in used and v != outcome.x and v not in problem.settings]
    return {v: float(problem.draws[v][0]) for v in idle} if problem.values else {}


def missing_values(problem: Problem, known: Mapping[str, float]) -> list[str]:
    """Variables without a value."""
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


def range_results(
    problem: Problem, outcome: Outcome, threshold: float, settings: Mapping[str, float], drawn: Resampled | None = None
) -> list[Result]:
    """The two ends as results, with closed forms where there are any; intervals from resamples of those."""
    import sympy

    try:
        found: Range | None = within(problem, outcome, threshold, settings)
    except (InputError, DerivationError):  # a value is missing: closed forms, if there are any
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
        interval = None
        if drawn is not None and form is not None and found is not None:
            at_level = problem.spelled(form).subs(sympy.Symbol(THRESHOLD, positive=True), sympy.Float(threshold, 17))
            interval = drawn.of(problem, at_level, settings)
        results.append(
            Result(f"{outcome.x}_{side}", q.name if q else "", "range", None if form is None else presented(form), full,
                   value, check, depends_on=() if form is None else symbols_named(full, problem.variables),
                   interval=interval,
                   settings={k: v for k, v in {**problem.settings, **settings}.items() if k != outcome.x})
        )  # fmt: skip
    return results
