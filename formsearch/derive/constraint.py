"""A constraint (compute, memory, inference cost, routing): read from text, solved for one variable, put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from formsearch.derive.problem import Problem
from formsearch.derive.solve import solve_for
from formsearch.exceptions import DerivationError, InputError
from formsearch.formula import names_in, parse_formula

if TYPE_CHECKING:
    from formsearch.law import Law


@dataclass(frozen=True)
class Constraint:
    """`left = right`; `variables` are the law's symbols in it, `extra` names are given positive quantities."""

    text: str
    left: str
    right: str
    variables: tuple[str, ...]
    extra: tuple[str, ...]

    def expression(self, problem: Problem) -> Any:
        """left - right in the problem's symbols (quantity names stand for their symbols)."""
        table = dict(problem.symbols)
        for v in problem.law.variables:
            table.setdefault(v.quantity, problem.symbols[v.symbol])
        return parse_formula(self.left, table) - parse_formula(self.right, table)


def read_constraint(law: Law, text: str) -> Constraint:
    """Parse `"C = 6*N*D"`. Raises `InputError` if it is no equation in variables of the law."""
    sides = text.replace("==", "=").split("=")
    if len(sides) != 2 or not all(s.strip() for s in sides):
        raise InputError(f"constraint {text!r} must be one equation, like 'C = 6*N*D'")
    left, right = (s.strip() for s in sides)
    names = [*names_in(left), *(n for n in names_in(right) if n not in names_in(left))]
    known = {v.symbol: v.symbol for v in law.variables}
    for v in law.variables:
        known.setdefault(v.quantity, v.symbol)
    variables = tuple(dict.fromkeys(known[n] for n in names if n in known))
    extra = tuple(n for n in names if n not in known)
    clash = [n for n in extra if n in law.constant_names]
    if clash:
        raise InputError(
            f"constraint {text!r} uses {clash[0]}, a constant of law {law.name}: give that quantity another name"
        )
    if not variables:
        raise InputError(
            f"constraint {text!r} has no variable of law {law.name} ({', '.join(law.variable_names)}): use one"
        )
    return Constraint(text, left, right, variables, extra)


def eliminate(
    problem: Problem, constraint: Constraint, names: Sequence[str], seconds: float
) -> tuple[Problem, str, Any]:
    """Put the constraint into the law: (problem, variable that was replaced, its formula).

    Tokens are replaced first if they are optimised (they enter costs as a plain factor), then whatever the
    constraint can be solved for. Raises `DerivationError` if it can be solved for none of the variables.
    """
    equation = constraint.expression(problem)
    units = {v.symbol: v.about.unit for v in problem.law.variables}
    candidates = sorted((n for n in names if n in constraint.variables), key=lambda n: units[n] != "tokens")
    for name in candidates:
        formula = solve_for(problem, equation, problem.symbols[name], seconds)
        if formula is None:
            continue
        given: dict[str, Any] = {}
        for extra in constraint.extra:
            value = solve_for(problem, equation, problem.symbols[extra], seconds)
            if value is not None and not {str(s) for s in value.free_symbols} & (set(constraint.extra) - {extra}):
                given[extra] = value
        moved = replace(
            problem, expression=problem.expression.subs(problem.symbols[name], formula),
            eliminated=(*problem.eliminated, name), given_by=given,
            at_least=((name, formula, float(next(v.about.low for v in problem.law.variables if v.symbol == name))),),
        )  # fmt: skip
        return moved, name, formula
    raise DerivationError(
        f"constraint {constraint.text!r} cannot be solved for {' or '.join(candidates) or 'any optimised variable'}: "
        "name the variables that it ties together in minimise, or write it as a product"
    )
