"""The derivation under a constraint: elimination, optima, marginal rates, growth, the frontier's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from formsearch.derive.constraint import eliminate, read_constraint
from formsearch.derive.derivation import Check, Result, Step, Table
from formsearch.derive.frontier import Frontier
from formsearch.derive.growth import growth
from formsearch.derive.joint import solve_jointly
from formsearch.derive.naming import with_names
from formsearch.derive.outcome import letter, partial
from formsearch.derive.problem import DRAWS, Problem, make_problem
from formsearch.derive.simplify import presented
from formsearch.derive.sweep import frontier_tables
from formsearch.exceptions import DerivationError, InputError
from formsearch.pace import Tell, part, silent

if TYPE_CHECKING:
    from formsearch.derive.derivation import Condition
    from formsearch.derive.premises import Premises
    from formsearch.derive.uncertainty import Resampled
    from formsearch.law import Law


@dataclass(frozen=True)
class Constrained:
    """What the driver prints: steps, results, tables, and the problem they are about."""

    problem: Problem
    conditions: tuple[Condition, ...]
    steps: tuple[Step, ...]
    results: tuple[Result, ...]
    tables: tuple[Table, ...]
    names: tuple[str, ...]


def frontier(
    law: Law,
    given: Premises,
    minimise: Sequence[str] | None,
    text: str,
    settings: Mapping[str, float] | None,
    seconds: float,
    tell: Tell = silent,
) -> Frontier:
    """Minimise over `minimise` (default: the constraint's variables that have no setting) subject to the constraint."""
    constraint = read_constraint(law, text)
    plain = make_problem(law, given.constants, settings, constraint.extra, given.ranges)
    held = set(plain.settings)
    names = tuple(minimise) if minimise is not None else tuple(v for v in constraint.variables if v not in held)
    if fixed := [n for n in names if n in held]:
        raise InputError(f"{fixed[0]} is both optimised and set to {plain.settings[fixed[0]]:g}: drop one")
    if not set(names) & set(constraint.variables):
        raise InputError(f"constraint {text!r} has none of the optimised variables {', '.join(names)}")
    problem, gone, formula = eliminate(plain, constraint, names, seconds)
    problem, conditions = with_names(problem)
    left = [n for n in names if n != gone]
    if not left:
        taken = f" ({', '.join(constraint.extra)} taken as given)" if constraint.extra else ""
        raise DerivationError(
            f"constraint {text!r} fixes {gone}{taken}: nothing is left to optimise; name more in minimise"
        )
    return Frontier(solve_jointly(problem, left, seconds, tell), gone, formula, constraint, plain, conditions)


def constrained(
    law: Law,
    given: Premises,
    minimise: Sequence[str] | None,
    text: str,
    settings: Mapping[str, float] | None,
    sweep: Mapping[str, Sequence[float]] | None,
    drawn: Resampled | None,
    seconds: float,
    tell: Tell = silent,
) -> Constrained:
    """The derivation under a constraint: elimination, optima, marginal rates, growth, the frontier's table."""
    import sympy

    found = frontier(law, given, minimise, text, settings, seconds, part(tell, 0.0, 0.5))
    sentence = f"Solve {text} for {found.gone} and replace it in {letter(found.plain)}."
    equation = sympy.Eq(found.plain.symbols[found.gone], presented(found.formula), evaluate=False)
    check = Check("proved", "the constraint holds identically")
    steps = [Step("Put the constraint in", sentence, equation, check), *found.joint.steps, *marginal_rates(found)]
    results = found.results(given, drawn, part(tell, 0.5, 0.7))
    tell(0.7, "growth")
    more_steps, more_results = growth(found, drawn)
    return Constrained(found.joint.rest, found.conditions, (*steps, *more_steps), (*results, *more_results),
                       frontier_tables(found, sweep, drawn, part(tell, 0.8, 1.0)), found.order)  # fmt: skip


def marginal_rates(frontier: Frontier) -> list[Step]:
    """Lagrange's condition as a third road: a unit of the constraint buys the same through each variable."""
    import sympy

    plain, target = frontier.plain, letter(frontier.plain)
    tied = [n for n in frontier.order if n in frontier.constraint.variables]
    if len(tied) < 2 or not plain.values:
        return []
    g = frontier.constraint.expression(plain)
    rates = [sympy.diff(plain.expression, plain.symbols[n]) / sympy.diff(g, plain.symbols[n]) for n in tied]
    names = sorted({str(s) for r in rates for s in r.free_symbols})
    functions = [plain.function(r, names) for r in rates]
    worst, compared = 0.0, 0
    for i in range(DRAWS):
        given = {k: float(v[i]) for k, v in frontier.joint.problem.draws.items() if k not in frontier.order}
        found = frontier.at(given)
        if found is None or frontier.at_an_end(found):
            continue  # none, or one that stands at the end of its domain, where the rates need not agree
        known = {**plain.values, **plain.settings, **given, **found}
        values = [float(f(*(known[n] for n in names))) for f in functions]
        worst = max(worst, max(abs(v - values[0]) for v in values[1:]) / max(abs(values[0]), 1e-300))
        compared += 1
        if compared == 6:
            break
    if not compared:
        return []
    shown = sympy.Eq(*(partial(n, target=target) / partial(n, target="C") for n in tied[:2]), evaluate=False)
    said = f"at {compared} reference settings the rates differ by at most {worst:.1e} (relative)"
    check = Check("numerically" if worst < 1e-5 else "failed", said, worst)
    sentence = f"At the optimum the last unit of the constraint buys the same {target} through {' and '.join(tied)}."
    return [Step("Marginal rates (Lagrange)", sentence, shown, check)]
