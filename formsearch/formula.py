"""Formula strings to SymPy, through a whitelist over Python's syntax tree: nothing is ever evaluated as code.

Allowed: declared names, numbers, `+ - * / **` (and `^` for `**`), unary minus, and the functions in `FUNCTIONS`.
Refused: everything else (attributes, indexing, comprehensions, lambdas, strings, keyword arguments, unknown names).
Length, depth and the size of numeric powers are capped before SymPy sees them.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from formsearch.exceptions import FormulaError

if TYPE_CHECKING:
    import sympy

MAX_LENGTH = 4_000
MAX_DEPTH = 60
MAX_NUMERIC_EXPONENT = 64


def _functions() -> dict[str, tuple[int, Callable[..., Any]]]:
    """Name -> (number of arguments or -1 for two and more, SymPy constructor)."""
    import sympy

    return {
        "exp": (1, sympy.exp),
        "log": (1, sympy.log),
        "ln": (1, sympy.log),
        "log10": (1, lambda x: sympy.log(x) / sympy.log(10)),
        "log2": (1, lambda x: sympy.log(x) / sympy.log(2)),
        "sqrt": (1, sympy.sqrt),
        "Abs": (1, sympy.Abs),
        "sin": (1, sympy.sin),
        "cos": (1, sympy.cos),
        "atan": (1, sympy.atan),
        "Min": (-1, sympy.Min),
        "Max": (-1, sympy.Max),
    }


FUNCTIONS = ("exp", "log", "ln", "log10", "log2", "sqrt", "Abs", "sin", "cos", "atan", "Min", "Max")


def _tree(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"formula has {len(text)} characters; at most {MAX_LENGTH} are read: shorten it")
    if not text.isascii():
        bad = next(c for c in text if not c.isascii())
        raise FormulaError(f"formula contains {bad!r}: use plain ASCII names and operators")
    try:
        return ast.parse(text.replace("^", "**").strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or type(error).__name__
        raise FormulaError(f"cannot read formula {text[:80]!r}: {reason}; write it like E + A/N**alpha") from None


def names_in(text: str) -> list[str]:
    """The names a formula uses, functions excluded, in order of appearance."""
    nodes = [n for n in ast.walk(_tree(text)) if isinstance(n, ast.Name) and n.id not in FUNCTIONS]
    nodes.sort(key=lambda n: (n.lineno, n.col_offset))
    return list(dict.fromkeys(n.id for n in nodes))


def parse_formula(text: str, symbols: Mapping[str, sympy.Symbol]) -> sympy.Expr:
    """SymPy expression of `text`, whose names must all be in `symbols`.

    Decimal literals become exact rationals (`0.5` is 1/2). Raises `FormulaError` naming the part that is refused.
    """
    import sympy

    functions = _functions()

    def number(value: object) -> sympy.Expr:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FormulaError(f"formula contains {value!r}: only numbers are allowed")
        if isinstance(value, int):
            if abs(value) > 10**30:
                raise FormulaError("formula contains a whole number beyond 1e30: write it as a decimal")
            return sympy.Integer(value)
        if not math.isfinite(value):
            raise FormulaError(f"formula contains {value!r}: only finite numbers are allowed")
        return sympy.Rational(repr(value))

    def power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
        if base.is_number and exponent.is_number and abs(float(exponent)) > MAX_NUMERIC_EXPONENT:
            raise FormulaError(
                f"numeric power with exponent {exponent}: at most {MAX_NUMERIC_EXPONENT} is evaluated; "
                "write the number itself"
            )
        return sympy.Pow(base, exponent)

    infinite = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I)

    def finite(part: sympy.Expr) -> sympy.Expr:
        # Checked where it arises: later functions may hide it, as atan(1/0) does.
        if part.has(*infinite):
            raise FormulaError(f"formula {text[:80]!r} is not a finite real expression")
        return part

    def build(node: ast.expr, depth: int) -> sympy.Expr:
        if depth > MAX_DEPTH:
            raise FormulaError(f"formula is nested deeper than {MAX_DEPTH} levels: split it")
        match node:
            case ast.Constant(value=value):
                return number(value)
            case ast.Name(id=name):
                if name not in symbols:
                    raise FormulaError(
                        f"formula uses {name!r}, which is not declared; declared: {', '.join(sorted(symbols))}"
                    )
                return symbols[name]
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
                inner = build(operand, depth + 1)
                return -inner if isinstance(op, ast.USub) else inner
            case ast.BinOp(left=left, op=op, right=right):
                a, b = build(left, depth + 1), build(right, depth + 1)
                match op:
                    case ast.Add():
                        return a + b
                    case ast.Sub():
                        return a - b
                    case ast.Mult():
                        return a * b
                    case ast.Div():
                        return finite(a / b)
                    case ast.Pow():
                        return finite(power(a, b))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in functions:
                arity, function = functions[name]
                if (arity >= 0 and len(args) != arity) or (arity < 0 and len(args) < 2):
                    raise FormulaError(
                        f"{name} takes {arity if arity >= 0 else 'two or more'} arguments, not {len(args)}"
                    )
                return finite(function(*(build(a, depth + 1) for a in args)))
        shown = ast.unparse(node)[:60]
        raise FormulaError(
            f"formula contains {shown!r}, which is not allowed: only names, numbers, + - * / ** and "
            f"{', '.join(FUNCTIONS)}"
        )

    try:
        return finite(build(_tree(text), 0))
    except (TypeError, ValueError):  # what SymPy cannot compare or raise to a power
        raise FormulaError(f"formula {text[:80]!r} is not a finite real expression") from None
