"""How large a size is worth making: by steps that must pay (Algorithm 1 of Zhao et al. 2025), or at a price a unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Check, Result, Table
from formsearch.derive.naming import with_names
from formsearch.derive.optimum import optimum
from formsearch.derive.outcome import Outcome
from formsearch.derive.premises import Premises, premises
from formsearch.derive.problem import Problem, make_problem, resolve
from formsearch.derive.ranges import missing_values
from formsearch.derive.reference import MODELS
from formsearch.exceptions import InputError

if TYPE_CHECKING:
    from formsearch.derive.uncertainty import Resampled
    from formsearch.law import Law

STEP = 0.01
"""Step of the stepwise rule, as a share of the total."""


def stepwise(
    law: Law,
    constants: Any,
    variable: str,
    total: str,
    settings: Mapping[str, float],
    threshold: float,
    step: float = STEP,
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
        missing = missing_values(problem, {name: value})
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


def practical(
    problem: Problem, name: str, total: str, threshold: float, chosen: Mapping[str, float], given: Premises,
    drawn: Resampled | None, seconds: float,
) -> tuple[list[Result], list[Table]]:  # fmt: skip
    """Sizes that still pay at the threshold per step of a share of the total: by steps, and the continuous rule.

    A threshold t per step of s*total is a price of t/(s*total) per unit. Without a value for the total: a table at
    the sizes of released models.
    """
    law, at = problem.law, {**{v: float(x[0]) for v, x in problem.draws.items()}, **chosen, **problem.settings}
    at.pop(name, None)
    outcome = at_a_price(law, dict(given.constants), name, None, seconds)
    closed = outcome.result.full
    shown = {k: v for k, v in at.items() if k in (*outcome.result.depends_on, total) and k != "price"}
    if closed is None or not {*outcome.result.depends_on} <= {*problem.settings, *chosen, total, "price"}:
        return [], []

    def both(size: float) -> tuple[float, float]:
        here = {**at, total: size}
        steps = stepwise(law, dict(given.constants), name, total, here, threshold)
        value = problem.at(closed, {**here, "price": threshold / (STEP * size)})
        return steps, (float("nan") if value is None else value / size)

    if total not in problem.settings:
        rows: list[tuple[str | float, ...]] = []
        for m in MODELS:
            by_steps, continuous = both(m.N)
            rows.append((m.name, m.N, 100 * by_steps, 100 * continuous))
        held = ", ".join(f"{k} = {v:g}" for k, v in shown.items() if k != total)
        title = f"{name}/{total} as long as a step of {STEP:g} {total} pays {threshold:g} ({held})"
        columns = ("model", total, "by steps (%)", "continuous (%)")
        return [], [Table("practical_by_model", title, columns, tuple(rows))]
    size = problem.settings[total]
    steps, share = both(size)
    price, whole = threshold / (STEP * size), problem.symbols[total]
    interval = None if drawn is None else drawn.of(problem, closed / whole, {**at, "price": price})
    said = f"the first step of {STEP:g} {total} that lowers the target by less than {threshold:g}"
    known = {**shown, "price": price}
    return [
        Result(f"{name}/{total} by steps", "activation_ratio", "practical", None, None, steps,
               Check("by definition", said), settings={k: v for k, v in known.items() if k != "price"}),
        Result(f"{name}/{total} at a price", "activation_ratio", "practical", outcome.result.expression / whole,
               closed / whole, share, outcome.result.check, interval=interval, settings=known,
               remarks=(f"a unit of {name} is worth {price:.3g} of the target, which is {threshold:g} a step",)),
    ], []  # fmt: skip
