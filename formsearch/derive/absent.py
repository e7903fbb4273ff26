"""Variables without an interior optimum: monotone ones, and those whose direction turns with the others."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from formsearch.derive.derivation import Check, Result, Step
from formsearch.derive.outcome import Outcome, letter, quantity_name
from formsearch.derive.problem import Problem
from formsearch.derive.reduce import Reduced
from formsearch.derive.simplify import presented, same, symbols_named
from formsearch.derive.solve import zero
from formsearch.derive.stationary import Stationary


def monotone(problem: Problem, name: str, r: Reduced, found: Stationary, steps: list[Step]) -> Outcome:
    """The slope has one sign; or its sign turns with the other variables."""
    target = letter(problem)
    if found.slope_sign == 0:
        return absent(problem, name, r, found, steps, f"{target} does not depend on {name}")
    if r.sign in (0, None):
        return _turning(problem, name, r, found, steps)
    direction = "rises" if (r.sign or 0) * (found.slope_sign or 0) > 0 else "falls"
    conditions = (*r.conditions, *found.conditions)
    kinds = {c.check.kind for c in conditions}
    kind = "assumed" if "assumed" in kinds else "numerically" if "numerically" in kinds else "proved"
    sentence = f"{target} strictly {direction} with {name}: no interior optimum"
    check = Check(kind, f"{found.method}: {sentence}")  # type: ignore[arg-type]
    result = Result(name, quantity_name(problem, name), "monotone", None, None, None, check,
                    conditions=conditions, remarks=(f"{sentence}.",))  # fmt: skip
    steps[0] = replace(steps[0], sentence=f"{sentence} ({found.method}).")
    return Outcome(name, "monotone", tuple(steps), result, None, found.slope, found, r)


def _turning(problem: Problem, name: str, r: Reduced, found: Stationary, steps: list[Step]) -> Outcome:
    """The slope in one variable changes sign with the others: where it does, in closed form if there is one."""
    import sympy

    target = letter(problem)
    mixed = [c.relation.args[0] for c in r.conditions if problem.sign(c.relation.args[0])[0] == 0]
    shown = " and ".join(problem.line(_bare(problem, m)) for m in mixed) or "its slope"
    said = f"whether {target} rises or falls with {name} depends on the other variables: on the sign of {shown}"
    outcome = absent(problem, name, r, found, steps, said)
    if len(mixed) != 1:
        return outcome
    more, extra = [], []
    for v in symbols_named(problem.spelled(mixed[0]), problem.variables):
        y = problem.symbols[v]
        place = zero(problem.opened(mixed[0], y), y)
        value = None if place is None else problem.at(place)
        if place is None or (value is not None and not math.isfinite(value)):
            continue
        place = presented(place)
        sentence = f"the direction in {name} turns at {v} = {problem.line(place)}"
        check = Check("proved" if same(mixed[0].subs(y, place), sympy.Integer(0)) else "numerically", sentence)
        extra.append(Step(f"Where {name} turns", sentence + ".", sympy.Eq(y, place, evaluate=False), check))
        full = presented(problem.spelled(place))
        depends = symbols_named(full, problem.variables)
        more.append(Result(f"{v} where {name} turns", quantity_name(problem, v), "value", place, full, value, check,
                           depends_on=depends))  # fmt: skip
    return replace(outcome, steps=(*outcome.steps, *extra), more=tuple(more))


def absent(problem: Problem, name: str, r: Reduced, found: Stationary, steps: list[Step], sentence: str) -> Outcome:
    """No interior optimum, for the reason in the sentence."""
    check = Check("numerically" if problem.values else "assumed", sentence)
    steps.append(Step(f"No interior optimum in {name}", sentence + ".", None, check))
    result = Result(name, quantity_name(problem, name), "none", None, None, None, check, remarks=(sentence + ".",),
                    conditions=(*r.conditions, *found.conditions))  # fmt: skip
    return Outcome(name, "unknown", tuple(steps), result, None, found.slope, found, r)


def _bare(problem: Problem, mixed: Any) -> Any:
    """What decides the sign: the factor without numbers and parts of one sign."""
    import sympy

    factors = [f for f in sympy.Mul.make_args(sympy.factor_terms(mixed)) if problem.sign(f)[0] not in (1, -1)]
    return presented(problem.folded(sympy.Mul(*factors) if factors else mixed))
