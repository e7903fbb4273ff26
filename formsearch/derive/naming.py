"""Names for the parts of a law: factors such as A(G, S)*phi(N, N_active), repeated parts, exponents that vary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Condition

if TYPE_CHECKING:
    from formsearch.derive.problem import Problem

_EXPONENT_NAMES = ("p", "q", "r", "s", "t", "u", "v", "w")
_CONSTANT_NAMES = ("K", "K_2", "K_3", "K_4")
_NAMES = ("A", "phi", "B", "psi", "Q", "chi", "P", "omega", "R", "Phi", "Psi", "U", "V", "W")


def with_names(problem: Problem) -> tuple[Problem, tuple[Condition, ...]]:
    """The problem with factors such as A(G, S)*phi(N, N_active), and repeated parts, named.

    A part is named if it is a sum in variables that multiplies something else, or a larger piece that occurs
    twice. Its sign is established and carried by the name, so that later steps can use it; the conditions returned
    say how.
    """
    import sympy

    expression = problem.expression
    variables = {problem.symbols[v] for v in problem.variables}
    taken = {str(s) for s in expression.free_symbols} | set(problem.symbols)
    names = (n for n in _NAMES if n not in taken)
    definitions: list[tuple[Any, Any]] = []
    conditions: list[Condition] = []

    powers = (n for n in _EXPONENT_NAMES if n not in taken)
    constant_names = (n for n in _CONSTANT_NAMES if n not in taken)

    def name(part: Any, labels: Iterator[str] = names) -> Any:
        if not replace(problem, definitions=tuple(definitions)).spelled(part).free_symbols & variables:
            labels = constant_names
        current = replace(problem, definitions=tuple(definitions))
        sign, check = current.sign(part)
        label = next(labels, f"Q_{len(definitions) + 1}")
        known = {1: {"positive": True}, -1: {"negative": True}}.get(sign or 0, {"real": True})
        symbol = sympy.Symbol(label, **known)
        definitions.append((symbol, part))
        if sign in (1, -1) and check.sentence not in ("every part is positive", "every part is negative"):
            shown = sympy.Gt(symbol, 0, evaluate=False) if sign == 1 else sympy.Lt(symbol, 0, evaluate=False)
            conditions.append(Condition(shown, check))
        return symbol

    repeated, (expression,) = sympy.cse([expression], symbols=sympy.numbered_symbols("cse_"), list=True)
    inner: dict[Any, Any] = {}
    for symbol, part in repeated:
        part = part.subs(inner)
        big = part.count_ops() >= _REPEATED
        inner[symbol] = name(part) if big else part
    expression = expression.subs(inner)

    for term in sympy.Add.make_args(expression):
        factors = sympy.Mul.make_args(term)
        sums = [f for f in factors if f.is_Add and f.free_symbols & (variables | {d for d, _ in definitions})]
        if sums and len(factors) > 1:
            for part in sorted(sums, key=lambda f: _place(problem, f)):
                expression = expression.subs(part, name(part))
    known = variables | {d for d, _ in definitions}
    exponents = {p.exp for p in expression.atoms(sympy.Pow) if p.exp.is_Add and p.exp.free_symbols & known}
    for part in sorted(exponents, key=lambda e: _place(problem, e)):
        expression = expression.subs(part, name(part, powers))
    known = variables | {d for d, _ in definitions}
    bases = {p.base for p in expression.atoms(sympy.Pow)
             if p.exp.free_symbols & known and p.base.free_symbols & variables
             and p.base.count_ops() >= _LARGE}  # fmt: skip
    for part in sorted(bases, key=lambda e: _place(problem, e)):
        expression = expression.subs(part, name(part))
    for power in sorted(expression.atoms(sympy.Pow), key=lambda e: _place(problem, e)):
        if not power.base.is_Mul:
            continue
        free, sums = power.base.as_independent(*variables, as_Add=False)
        factors = [f for f in sympy.Mul.make_args(sums) if f.is_Add]
        if len(factors) > 1:  # N*(1 - exp(-Pw/gw))*(1 - exp(-Pa/ga)): one factor of the size
            part = sympy.Mul(*factors)
            base = free * sympy.Mul(*(f for f in sympy.Mul.make_args(sums) if not f.is_Add)) * name(part)
            expression = expression.xreplace({power: sympy.Pow(base, power.exp)})
    return replace(problem, expression=expression, definitions=tuple(definitions)), tuple(conditions)


_REPEATED = 5
"""Operations from which on a part that occurs twice gets a name."""
_LARGE = 8
"""Operations from which on the base of a power with a variable exponent gets one."""


def _place(problem: Problem, part: Any) -> int:
    """Where a part stands in the formula as it was written, so that names follow the paper's order."""
    from formsearch.formula import names_in

    written = names_in(problem.law.formula)
    return min((written.index(str(s)) for s in part.free_symbols if str(s) in written), default=len(written))
