"""Formula strings to SymPy, through a whitelist over Python's syntax tree: nothing is ever evaluated as code.

Allowed: declared names, numbers, `+ - * / **` (and `^` for `**`), unary minus, and the functions in `FUNCTIONS`.
Refused: everything else (attributes, indexing, comprehensions, lambdas, strings, keyword arguments, unknown names).
Length, depth, the size of numbers and the arguments of Min and Max are capped before SymPy sees them: it computes
with whole numbers of any size, and compares the arguments of Max pair by pair.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable, Mapping
from operator import add, mul, neg, sub, truediv
from typing import TYPE_CHECKING, Any, NamedTuple

from formsearch.exceptions import FormulaError

if TYPE_CHECKING:
    import sympy

MAX_LENGTH = 4_000
MAX_DEPTH = 60
MAX_NUMERIC_EXPONENT = 64
MAX_BITS = 4_096
"""Of the numerator and of the denominator of any number."""
HUGE_BITS = 1_000
"""More than these, and a number is not sure to be a finite float."""
LARGEST_WHOLE = 10**30
MAX_ARGUMENTS = 16
"""Of all Min and Max together."""

FUNCTIONS = ("exp", "log", "ln", "log10", "log2", "sqrt", "Abs", "sin", "cos", "atan", "Min", "Max")


class _Function(NamedTuple):
    """Number of arguments (-1 for two and more), in SymPy, and on floats."""

    arity: int
    build: Callable[..., Any]
    value: Callable[..., float]


def _functions() -> dict[str, _Function]:
    import sympy

    table = (
        _Function(1, sympy.exp, math.exp),
        _Function(1, sympy.log, math.log),
        _Function(1, sympy.log, math.log),
        _Function(1, lambda x: sympy.log(x) / sympy.log(10), math.log10),
        _Function(1, lambda x: sympy.log(x) / sympy.log(2), math.log2),
        _Function(1, sympy.sqrt, math.sqrt),
        _Function(1, sympy.Abs, abs),
        _Function(1, sympy.sin, math.sin),
        _Function(1, sympy.cos, math.cos),
        _Function(1, sympy.atan, math.atan),
        _Function(-1, sympy.Min, min),
        _Function(-1, sympy.Max, max),
    )
    return dict(zip(FUNCTIONS, table, strict=True))


def _tree(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"formula has {len(text)} characters; at most {MAX_LENGTH} are read: shorten it")
    if not text.isascii():
        bad = next(c for c in text if not c.isascii())
        raise FormulaError(f"formula contains {bad!r}: use plain ASCII names and operators")
    try:
        with warnings.catch_warnings():  # what is odd enough for a warning of Python is refused below
            warnings.simplefilter("ignore")
            return ast.parse(text.replace("^", "**").strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or type(error).__name__
        raise FormulaError(f"cannot read formula {text[:80]!r}: {reason}; write it like E + A/N**alpha") from None


def source_of(node: ast.AST, most: int = 60) -> str:
    """The first line of a part's text, for a message."""
    try:
        lines = ast.unparse(node).splitlines()
    except RecursionError:  # a tree that can be parsed may be too deep to be written
        return type(node).__name__
    return lines[0] if lines and len(lines[0]) <= most else f"{lines[0][: most - 3]}..." if lines else ""


def names_in(text: str) -> list[str]:
    """The names a formula uses, functions excluded, in order of appearance."""
    nodes = [n for n in ast.walk(_tree(text)) if isinstance(n, ast.Name) and n.id not in FUNCTIONS]
    nodes.sort(key=lambda n: (n.lineno, n.col_offset))
    return list(dict.fromkeys(n.id for n in nodes))


class _Part(NamedTuple):
    """A part of a formula, and its value if it is a number: known before SymPy is asked to compute with it."""

    expression: Any
    value: float | None


def parse_formula(text: str, symbols: Mapping[str, sympy.Symbol]) -> sympy.Expr:
    """SymPy expression of `text`, whose names must all be in `symbols`.

    Decimal literals become exact rationals (`0.5` is 1/2). Raises `FormulaError` naming the part that is refused.
    """
    try:
        return _Reader(text, symbols).build(_tree(text), 0).expression
    except (ArithmeticError, TypeError, ValueError):  # what SymPy cannot compare, or raise to a power
        raise FormulaError(f"formula {text[:80]!r} is not a finite real expression") from None


class _Reader:
    """Builds the expression of one formula from its syntax tree, part by part."""

    def __init__(self, text: str, symbols: Mapping[str, sympy.Symbol]) -> None:
        import sympy

        self.text = text
        self.symbols = symbols
        self.functions = _functions()
        self.infinite = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I)
        self.compared = 0

    def build(self, node: ast.expr, depth: int) -> _Part:
        """The part that `node` is the root of. Raises `FormulaError` for all that is not on the whitelist."""
        if depth > MAX_DEPTH:
            raise FormulaError(f"formula is nested deeper than {MAX_DEPTH} levels: split it")
        match node:
            case ast.Constant(value=value):
                return _number(value)
            case ast.Name(id=name):
                return self._name(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._combined(neg, neg, self.build(operand, depth + 1))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.build(operand, depth + 1)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._power(self.build(left, depth + 1), self.build(right, depth + 1))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
                operation = _OPERATIONS[type(op)]
                return self._combined(operation, operation, self.build(left, depth + 1), self.build(right, depth + 1))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in self.functions:
                return self._call(name, args, depth)
        raise FormulaError(
            f"formula contains {source_of(node)!r}, which is not allowed: only names, numbers, + - * / ** and "
            f"{', '.join(FUNCTIONS)}"
        )

    def _name(self, name: str) -> _Part:
        if name not in self.symbols:
            raise FormulaError(
                f"formula uses {name!r}, which is not declared; declared: {', '.join(sorted(self.symbols))}"
            )
        return _Part(self.symbols[name], None)

    def _combined(self, make: Callable[..., Any], value: Callable[..., Any], *parts: _Part) -> _Part:
        """`make` of the parts; of numbers only after floats have shown that the result is a finite real one."""
        import sympy

        known: float | None = None
        if all(p.value is not None for p in parts):
            known = _finite(value, [p.value for p in parts if p.value is not None])
            if known is None:
                raise self._no_real()
        expression = make(*(p.expression for p in parts))
        # Checked where it arises: later functions may hide it, as atan(1/0) does.
        if expression.has(*self.infinite) or any(map(_imaginary, expression.atoms(sympy.Pow))):
            raise self._no_real()
        if any(_bits(r) > MAX_BITS for r in expression.atoms(sympy.Rational)):
            raise FormulaError(f"formula contains a number of more than {MAX_BITS} bits: write it as a decimal")
        if known is None and expression.is_number:  # its names have cancelled
            known = float(expression)
        return _Part(expression, known)

    def _power(self, base: _Part, exponent: _Part) -> _Part:
        import sympy

        if None not in (base.value, exponent.value) and abs(exponent.value or 0.0) > MAX_NUMERIC_EXPONENT:
            raise FormulaError(
                f"numeric power with exponent {exponent.expression}: at most {MAX_NUMERIC_EXPONENT} is evaluated; "
                "write the number itself"
            )
        # SymPy raises a number, and the number in front of a product, at once; to compare 2**(9 + N), it raises 2 to 9.
        factor = base.expression.as_coeff_Mul()[0]
        if exponent.value is not None:
            too_large = _bits(factor) * abs(exponent.value) > MAX_BITS
        else:
            added = exponent.expression.as_coeff_Add()[0]
            too_large = (
                factor != 1 and added.is_Rational and _bits(factor) * abs(int(added.p)) > MAX_BITS * int(added.q)
            )
        if too_large:
            raise FormulaError(f"formula contains a power of more than {MAX_BITS} bits: write it as a decimal")
        return self._combined(sympy.Pow, lambda a, b: a**b, base, exponent)

    def _call(self, name: str, arguments: list[ast.expr], depth: int) -> _Part:
        function = self.functions[name]
        if (function.arity >= 0 and len(arguments) != function.arity) or (function.arity < 0 and len(arguments) < 2):
            wanted = function.arity if function.arity >= 0 else "two or more"
            raise FormulaError(f"{name} takes {wanted} arguments, not {len(arguments)}")
        if function.arity < 0:
            self.compared += len(arguments)
            if self.compared > MAX_ARGUMENTS:
                raise FormulaError(f"formula compares more than {MAX_ARGUMENTS} parts in Min and Max: use fewer")
        return self._combined(function.build, function.value, *(self.build(a, depth + 1) for a in arguments))

    def _no_real(self) -> FormulaError:
        return FormulaError(f"formula {self.text[:80]!r} is not a finite real expression")


_OPERATIONS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.Div: truediv,
}  # fmt: skip


def _number(value: object) -> _Part:
    import sympy

    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormulaError(f"formula contains {value!r}: only numbers are allowed")
    if isinstance(value, int):
        if abs(value) > LARGEST_WHOLE:
            raise FormulaError("formula contains a whole number beyond 1e30: write it as a decimal")
        return _Part(sympy.Integer(value), float(value))
    if not math.isfinite(value):
        raise FormulaError(f"formula contains {value!r}: only finite numbers are allowed")
    return _Part(sympy.Rational(repr(value)), value)


def _finite(function: Callable[..., Any], values: list[float]) -> float | None:
    """The function's value; None where it is not a finite real number."""
    try:
        value = function(*values)
    except (ArithmeticError, ValueError):
        return None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _imaginary(power: Any) -> bool:
    """Whether SymPy has taken a root of a negative number out of a product, as in (cos(2)*N)**0.5."""
    return bool(power.is_number and power.is_extended_real is not True and complex(power).imag != 0)


def with_plain_numbers(expression: Any) -> Any:
    """The expression as it can be computed in NumPy, whose functions take no whole number beyond 63 bits."""
    import sympy

    large = [r for r in expression.atoms(sympy.Rational) if _bits(r) > (63 if r.is_Integer else HUGE_BITS)]
    return expression.xreplace({r: sympy.Float(r, 17) for r in large}) if large else expression


def without_huge_numbers(expression: Any) -> Any:
    """The expression with a decimal for every number that holds a whole number too large for a float.

    A root may hold one, as may a fraction; the values themselves are finite.
    """
    import sympy

    def huge(part: Any) -> bool:
        return bool(part.is_number and (part.is_Rational or part.is_Pow)) and any(
            _bits(r) > HUGE_BITS for r in part.atoms(sympy.Rational)
        )

    if not any(_bits(r) > HUGE_BITS for r in expression.atoms(sympy.Rational)):
        return expression
    whole = {part: sympy.Float(part, 17) for part in sympy.preorder_traversal(expression) if huge(part)}
    return expression.xreplace(whole)


def _bits(number: Any) -> int:
    """Of a rational number; 0 for an irrational one, which SymPy does not write out."""
    return 0 if not number.is_Rational else max(int(number.p).bit_length(), int(number.q).bit_length())
