"""Optima read as ratios (N_active/N), where they become infeasible, and settings one would build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from formsearch.derive.character import scaling
from formsearch.derive.derivation import Check, Result, Step, Table
from formsearch.derive.outcome import Outcome
from formsearch.derive.reference import MODELS
from formsearch.derive.simplify import power_terms, presented, symbols_named, tidy

if TYPE_CHECKING:
    from formsearch.derive.problem import Problem
    from formsearch.derive.uncertainty import Resampled


def pair(problem: Problem) -> tuple[str, str] | None:
    """The symbols of active and total parameters, where both are variables."""
    by_quantity = {v.quantity: v.symbol for v in problem.law.variables}
    if "N" in by_quantity and "N_active" in by_quantity:
        return by_quantity["N_active"], by_quantity["N"]
    return None


def ratio_result(problem: Problem, outcome: Outcome, total: str) -> tuple[tuple[Step, ...], Result]:
    """The optimum of a size as a fraction of the total, with the total at which it reaches one."""
    import sympy

    n = problem.symbols[total]
    label = f"{outcome.x}/{total}"
    solution = outcome.solution
    base, power = solution.as_base_exp()
    ratio = tidy(solution / n)
    if power.free_symbols or power.is_Rational:
        inside = tidy(sympy.powsimp(base * n ** (-1 / power)))
        ratio = sympy.Pow(inside, power)
    depends = symbols_named(problem.spelled(ratio), problem.variables)
    exponents, values = scaling(problem, ratio, depends)
    feasible, first = feasibility(problem, ratio, total, label)
    check = Check(outcome.result.check.kind, outcome.result.check.sentence, outcome.result.check.difference)
    result = Result(
        label, "activation_ratio", "minimum", presented(ratio), presented(problem.spelled(ratio)), problem.at(ratio),
        check,
        second_order=outcome.result.second_order, conditions=outcome.result.conditions, depends_on=depends,
        exponents=exponents, exponent_values=values, feasibility=feasible,
        settings={k: v for k, v in problem.settings.items() if k in depends},
    )  # fmt: skip
    steps = [
        Step(f"As a ratio to {total}", f"Divide by {total}, which is held.",
             sympy.Eq(sympy.Symbol(f"({label})_opt"), presented(ratio), evaluate=False),
             Check("by definition", f"{label} at fixed {total} has its optimum where {outcome.x} has")),
    ]  # fmt: skip
    if total in exponents:
        free = "the logarithmic derivative is free of every variable"
        steps.append(
            Step(f"Scaling with {total}", f"The ratio is a power of {total}.",
                 sympy.Eq(sympy.Symbol(f"dln({label})/dln{total}"), exponents[total], evaluate=False),
                 Check("proved", f"{free}: {values[total]:.6f}" if total in values else free)),
        )  # fmt: skip
    if first is not None:
        steps.append(Step("Feasibility", feasible, sympy.Eq(n, presented(first), evaluate=False),
                          Check("proved", "the ratio is a power of the total, so it reaches 1 once")))  # fmt: skip
    return tuple(steps), result


def feasibility(problem: Problem, ratio: Any, total: str, label: str) -> tuple[str, Any]:
    """Where the ratio is 1: a sentence, and the closed form of that total size (None if there is none)."""
    import sympy

    n = problem.symbols[total]
    terms = power_terms(sympy.expand_power_base(ratio), n)
    if terms is None or len(terms) != 1 or terms[0].exponent == 0:
        return "", None
    exponent = tidy(terms[0].exponent)
    inside, power = terms[0].coefficient.as_base_exp()
    first = tidy(sympy.Pow(inside, tidy(sympy.cancel(-power / exponent))))
    value = problem.at(first)
    sign, _ = problem.sign(exponent)
    side = {-1: "below", 1: "above"}.get(sign or 0, "beyond")
    number = "" if value is None else f" = {value:.5g}"
    where = f"{total} = {problem.line(presented(first))}{number}"
    return f"{label} reaches 1 at {where}; {side} that the formula is infeasible", first


def buildable(problem: Problem, outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Values for variables that were not given but have an optimum of their own: that optimum as one would build it.

    Whole numbers for counts, two decimals for fractions, the optimum itself otherwise.
    """
    chosen: dict[str, float] = {}
    for o in outcomes:
        value = o.result.value
        if o.kind != "closed" or value is None or o.x in problem.settings or o.result.depends_on:
            continue
        q = problem.quantity_of(o.x)
        if o.result.integer is not None:
            chosen[o.x] = float(o.result.integer[0])
        elif q is not None and q.high <= 1:
            chosen[o.x] = round(value, 2)
        else:
            chosen[o.x] = value
    return chosen


def model_table(
    problem: Problem, result: Result, total: str, chosen: Mapping[str, float], drawn: Resampled | None = None
) -> Table | None:
    """The ratio at the sizes of released models, beside their own; None if something else is missing."""
    rows = []
    for m in MODELS:
        value = problem.at(result.full, {**chosen, total: m.N})
        if value is None:
            return None
        ends = None if drawn is None else drawn.of(problem, result.full, {**chosen, total: m.N})
        band = () if drawn is None else (None, None) if ends is None else (100 * ends[0], 100 * ends[1])
        rows.append((m.name, m.N, 100 * value, *band, value * m.N, 100 * m.N_active / m.N))
    at = ", ".join(
        f"{k} = {v:g}" for k, v in {**chosen, **problem.settings}.items() if k in result.depends_on and k != total
    )
    title = f"{result.symbol} at the sizes of released models" + (f" ({at})" if at else "")
    band_names = () if drawn is None else ("low (%)", "high (%)")
    columns = ("model", total, f"optimal {result.symbol} (%)", *band_names, "optimal active", "its own (%)")
    return Table("ratio_by_model", title, columns, tuple(rows))
