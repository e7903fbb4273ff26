"""Canonical form and complexity of an expression, whichever engine wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def canonical(expression: Any, constants: Iterable[Any]) -> Any:
    """The expression with exponents merged and constants renamed by first occurrence: equal forms become equal.

    `constants` are the SymPy symbols of the constants; they become c0, c1, ...
    """
    import sympy

    constants = set(constants)
    merged = sympy.powsimp(expression, force=True)
    blank = {c: sympy.Symbol("_", real=True) for c in constants}

    def skeleton(e: Any) -> str:
        return str(sympy.srepr(e.subs(blank)))

    order: list[Any] = []

    def visit(e: Any) -> None:
        if e in constants:
            if e not in order:
                order.append(e)
            return
        arguments = sorted(e.args, key=skeleton) if e.is_Add or e.is_Mul else e.args
        for a in arguments:
            visit(a)

    visit(merged)
    return merged.subs({c: sympy.Symbol(f"c{i}", real=True) for i, c in enumerate(order)}, simultaneous=True)


def complexity(expression: Any, constants: Iterable[Any]) -> int:
    """Constants + operators on the canonical tree.

    Counted: each distinct constant; n - 1 for a sum or product of n parts; 1 for a power (but x/y is one division);
    1 for a function (n - 1 for Min and Max). Numbers that stand in the form count as parts of their product.
    """
    constants = set(constants)
    return len(constants & expression.free_symbols) + _operators(expression)


def _operators(e: Any) -> int:
    import sympy

    if e.is_Add:
        return len(e.args) - 1 + sum(map(_operators, e.args))
    if e.is_Mul:
        parts = [a for a in e.args if a != -1]
        inside = 0
        for a in parts:
            b, p = a.as_base_exp()
            # Division instead of a power of -1.
            inside += _operators(b) if p == -1 else _operators(a)
        return max(len(parts) - 1, 0) + inside
    if e.is_Pow:
        if e.base == sympy.E:
            return 1 + _operators(e.exp)
        exponent = e.exp
        if exponent.is_number:
            return _operators(e.base) + (0 if exponent == 1 else 1)
        return 1 + _operators(e.base) + _operators(exponent)
    if isinstance(e, sympy.Min | sympy.Max):
        return len(e.args) - 1 + sum(map(_operators, e.args))
    if e.is_Function:
        return 1 + sum(map(_operators, e.args))
    return 0
