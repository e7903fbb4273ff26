"""An engine's formula text to SymPy, through the whitelist of `formsearch.formula`: nothing is evaluated as code.

Engines print numbers where laws have constants. Every decimal number becomes a positive symbol c0, c1, ... with its
value kept aside, so that SymPy never computes with 24-digit fractions; its sign stays in the form. A whole number
written without a point (the 2 of `x^2`) belongs to the form and stays.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from formsearch.exceptions import FormulaError
from formsearch.formula import names_in, parse_formula

if TYPE_CHECKING:
    import sympy

ALIASES: Mapping[str, str] = {
    "abs": "Abs", "max": "Max", "min": "Min", "fmax": "Max", "fmin": "Min", "ln": "log", "safe_log": "log",
    "safe_sqrt": "sqrt",
}  # fmt: skip
"""Engines' names of functions that the whitelist knows under another name."""
POWERS: Mapping[str, int] = {"square": 2, "cube": 3, "inv": -1, "neg": 1}
"""Functions that engines print and that are powers; `neg` also changes the sign."""
BINARY = ("pow", "safe_pow")
LARGEST_WHOLE = 64


@dataclass(frozen=True)
class Read:
    """An expression in the variables and in positive constants, and the constants' values."""

    expression: sympy.Expr
    values: Mapping[str, float]


def read_infix(text: str, variables: Sequence[str]) -> Read:
    """The expression that an engine printed, in `variables`, which become positive symbols.

    `^` and `**` are powers. Raises `FormulaError` for anything that is not on the whitelist, for an unknown name and
    for numbers that are not finite.
    """
    import sympy

    # Refuses what is too long, too deep or no formula before the tree is rewritten.
    for name in names_in(text):
        if name not in variables and name not in ALIASES and name not in POWERS and name not in BINARY:
            raise FormulaError(f"formula uses {name!r}, which is no variable; known: {', '.join(variables)}")
    numbers = _Numbers(prefix=_prefix(variables))
    tree = numbers.visit(ast.parse(text.replace("^", "**").strip(), mode="eval"))
    symbols = {name: sympy.Symbol(name, positive=True) for name in (*variables, *numbers.values)}
    expression = parse_formula(ast.unparse(tree), symbols)
    used = {str(s) for s in expression.free_symbols}
    return Read(expression, {k: v for k, v in numbers.values.items() if k in used})


def _prefix(variables: Sequence[str]) -> str:
    prefix = "c"
    while any(v.startswith(prefix) and v[len(prefix) :].isdigit() for v in variables):
        prefix += "c"
    return prefix


class _Numbers(ast.NodeTransformer):
    """Numbers become names; engines' functions become those of the whitelist."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.values: dict[str, float] = {}

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """A decimal number is a constant; a small whole one is part of the form."""
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            return node  # the parser refuses it, with its own words
        value = float(node.value)
        if not math.isfinite(value):
            raise FormulaError(f"formula contains {value!r}: only finite numbers are allowed")
        if value == 0.0 or (isinstance(node.value, int) and abs(value) <= LARGEST_WHOLE):
            return ast.Constant(int(value))
        name = f"{self.prefix}{len(self.values)}"
        self.values[name] = value
        return ast.Name(name, ast.Load())

    def visit_Call(self, node: ast.Call) -> Any:
        """Functions under other names, and functions that are powers."""
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name):
            return node
        name = node.func.id
        if name in ALIASES:
            node.func = ast.Name(ALIASES[name], ast.Load())
        elif name in POWERS and len(node.args) == 1:
            if name == "neg":
                return ast.UnaryOp(ast.USub(), node.args[0])
            whole = ast.Constant(abs(POWERS[name]))
            power: ast.expr = ast.UnaryOp(ast.USub(), whole) if POWERS[name] < 0 else whole
            return ast.BinOp(node.args[0], ast.Pow(), power)
        elif name in BINARY and len(node.args) == 2:
            return ast.BinOp(node.args[0], ast.Pow(), node.args[1])
        return node
