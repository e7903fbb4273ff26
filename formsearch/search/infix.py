"""An engine's formula text to a form of the grammar with its constants in raw units, by arithmetic alone.

The same way out of an engine as `Scaling.law`, which is symbolic and holds 30 digits, but a hundred times faster: a
search reads thousands of formulas while it runs. Decimal numbers are free constants; constant parts are computed in
double precision as the tree is walked; every variable X/scale gives its scale to the coefficient before it.
Nothing is evaluated as code: Python's syntax tree is walked, and what is not on the list is refused.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from formsearch.exceptions import FormulaError
from formsearch.formula import names_in
from formsearch.search.grammar import (
    AMPLITUDE,
    EXPONENT,
    RATE,
    Apply,
    Factor,
    Form,
    Kind,
    Log,
    Power,
    Scalar,
    Sum,
    Term,
)
from formsearch.search.parse import ALIASES, BINARY, LARGEST_WHOLE, POWERS

LARGEST = 1e300


class Exponent(NamedTuple):
    """A number that an engine fitted (`free`) or that stands in the form."""

    value: float
    free: bool = False

    def __mul__(self, other: Exponent) -> Exponent:  # type: ignore[override]
        return Exponent(self.value * other.value, self.free or other.free)

    def plus(self, other: Exponent) -> Exponent:
        """The exponent of a product of two powers."""
        return Exponent(self.value + other.value, self.free or other.free)


ONE = Exponent(1.0)


class Part(NamedTuple):
    """A factor: a variable or a function of sums, to an exponent (functions but "group" have exponent 1)."""

    name: str
    arguments: tuple[tuple[Piece, ...], ...] = ()
    exponent: Exponent = ONE


class Piece(NamedTuple):
    """A term: a number times parts."""

    number: float
    parts: tuple[Part, ...] = ()


Pieces = tuple[Piece, ...]
VARIABLE, GROUP, LOG_OF = "variable:", "group", "log of:"


def read_pieces(text: str, names: Mapping[str, str], scales: Mapping[str, float]) -> Pieces:
    """The formula as a sum over quantities in raw units.

    `names` is quantity -> the engine's name; `scales` quantity -> the unit in which the engine saw it. Raises
    `FormulaError` for what is not on the whitelist, and where a constant is not a finite real number.
    """
    known = {name: q for q, name in names.items()}
    for name in names_in(text):
        if name not in known and name not in ALIASES and name not in POWERS and name not in BINARY:
            raise FormulaError(f"formula uses {name!r}, which is no variable; known: {', '.join(known)}")
    tree = ast.parse(text.replace("^", "**").strip(), mode="eval").body
    return _Reader(known, scales).read(tree)


def to_form(pieces: Pieces) -> tuple[Form, dict[int, float]]:
    """(form, constants by number); not in normal form."""
    return _Numbered().form(pieces)


def multiplied(pieces: Pieces, by: float) -> Pieces:
    """Every term times a number."""
    return tuple(Piece(_checked(p.number * by), p.parts) for p in pieces)


def _checked(value: float) -> float:
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise FormulaError(f"a constant of the form is {value!r}, beyond double precision")
    return value


def merged(pieces: Sequence[Piece]) -> Pieces:
    """Terms of equal parts added up; zeros dropped."""
    total: dict[tuple[Part, ...], float] = {}
    for p in pieces:
        total[p.parts] = total.get(p.parts, 0.0) + p.number
    return tuple(Piece(v, parts) for parts, v in total.items() if v != 0.0)


def constant(pieces: Pieces) -> float | None:
    """The number that a sum is; None if it holds a variable."""
    if not pieces:
        return 0.0
    return pieces[0].number if len(pieces) == 1 and not pieces[0].parts else None


class _Reader:
    """Walks a syntax tree and computes with sums of terms."""

    def __init__(self, known: Mapping[str, str], scales: Mapping[str, float]) -> None:
        self.known, self.scales = known, scales

    def read(self, node: ast.expr) -> Pieces:
        match node:
            case ast.Constant(value=value) if isinstance(value, int | float) and not isinstance(value, bool):
                return merged([Piece(_checked(float(value)))])
            case ast.Name(id=name) if name in self.known:
                q = self.known[name]
                return (Piece(1.0 / self.scales[q], (Part(VARIABLE + q),)),)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return multiplied(self.read(operand), -1.0)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return merged([*self.read(left), *self.read(right)])
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                return merged([*self.read(left), *multiplied(self.read(right), -1.0)])
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return self.product(self.read(left), self.read(right))
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self.product(self.read(left), self.power(self.read(right), Exponent(-1.0)))
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self.raised(self.read(left), right)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(ALIASES.get(name, name), args)
        raise FormulaError(f"formula contains {ast.unparse(node)[:60]!r}, which is not allowed")

    def raised(self, base: Pieces, exponent: ast.expr) -> Pieces:
        """base ** exponent; a whole number without a point is part of the form."""
        whole = exponent.operand if isinstance(exponent, ast.UnaryOp) else exponent
        fixed = isinstance(whole, ast.Constant) and isinstance(whole.value, int) and whole.value <= LARGEST_WHOLE
        pieces = self.read(exponent)
        value = constant(pieces)
        if value is not None:
            return self.power(base, Exponent(value, not fixed))
        return self.exponential(self.product(pieces, self.logarithm(base)))

    def call(self, name: str, args: Sequence[ast.expr]) -> Pieces:
        many = [self.read(a) for a in args]
        one: dict[str, Callable[[Pieces], Pieces]] = {
            "exp": self.exponential, "log": self.logarithm, "sqrt": lambda s: self.power(s, Exponent(0.5)),
            "neg": lambda s: multiplied(s, -1.0),
        }  # fmt: skip
        if name in BINARY and len(args) == 2:
            return self.raised(many[0], args[1])
        if len(many) == 1 and name in one:
            return one[name](many[0])
        if len(many) == 1 and name in POWERS:
            return self.power(many[0], Exponent(float(POWERS[name])))
        if (len(many) == 1 and name == "Abs") or (len(many) > 1 and name in ("Min", "Max")):
            values = [constant(m) for m in many]
            if all(v is not None for v in values):
                raise FormulaError(f"formula contains {name} of numbers")
            return (Piece(1.0, (Part(name.lower(), tuple(many)),)),)
        raise FormulaError(f"formula contains {name} of {len(args)} arguments, which is not allowed")

    # -- arithmetic ----------------------------------------------------------------------------------------------

    def product(self, a: Pieces, b: Pieces) -> Pieces:
        for one, other in ((a, b), (b, a)):
            value = constant(one)
            if value is not None:
                return merged(multiplied(other, value))
        if len(a) == 1 and len(b) == 1:
            return (Piece(_checked(a[0].number * b[0].number), combined((*a[0].parts, *b[0].parts))),)
        left, right = self.as_term(a), self.as_term(b)
        return (Piece(_checked(left.number * right.number), combined((*left.parts, *right.parts))),)

    def as_term(self, pieces: Pieces) -> Piece:
        """A sum as one term."""
        return pieces[0] if len(pieces) == 1 else Piece(1.0, (Part(GROUP, (pieces,)),))

    def power(self, base: Pieces, exponent: Exponent) -> Pieces:
        p = exponent.value
        if p == 0.0:
            return (Piece(1.0),)
        if not base:
            raise FormulaError(f"formula raises zero to the power of {p!r}")
        if len(base) > 1:
            return (Piece(1.0, (Part(GROUP, (base,), exponent),)),)
        number, parts = base[0]
        whole = p == round(p)
        if number < 0 and not whole:
            raise FormulaError(f"a negative number to the power of {p!r} is not real")
        try:
            head = math.copysign(1.0, number) ** int(p) * abs(number) ** p if whole else number**p
        except (OverflowError, ZeroDivisionError):
            raise FormulaError(f"{number!r} to the power of {p!r} is beyond double precision") from None
        made: list[Part] = []
        for part in parts:
            if part.name == "exp":
                made.append(Part("exp", (multiplied(part.arguments[0], p),)))
            elif part.name == GROUP or part.name.startswith(VARIABLE):
                made.append(Part(part.name, part.arguments, part.exponent * exponent))
            else:
                made.append(Part(GROUP, ((Piece(1.0, (part,)),),), exponent))
        return (Piece(_checked(head), combined(made)),)

    def exponential(self, inner: Pieces) -> Pieces:
        offset = sum(p.number for p in inner if not p.parts)
        rest = tuple(p for p in inner if p.parts)
        try:
            head = math.exp(offset)
        except OverflowError:
            raise FormulaError(f"exp({offset!r}) is beyond double precision") from None
        return (Piece(_checked(head), (Part("exp", (rest,)),) if rest else ()),)

    def logarithm(self, inner: Pieces) -> Pieces:
        if len(inner) != 1:
            if not inner:
                raise FormulaError("formula takes the logarithm of zero")
            return (Piece(1.0, (Part("log", (inner,)),)),)
        number, parts = inner[0]
        if number <= 0:
            raise FormulaError(f"formula takes the logarithm of {number!r}")
        made = [Piece(math.log(number))]
        for part in parts:
            if part.name.startswith(VARIABLE):
                made.append(Piece(part.exponent.value, (Part(LOG_OF + part.name.removeprefix(VARIABLE)),)))
            elif part.name == "exp":
                made.extend(part.arguments[0])
            elif part.name == GROUP:
                made.append(Piece(part.exponent.value, (Part("log", part.arguments),)))
            else:
                made.append(Piece(1.0, (Part("log", ((Piece(1.0, (part,)),),)),)))
        return merged(made)


def combined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Powers of one base multiplied, exponentials joined; sorted, so that equal terms are seen to be."""
    powers: dict[tuple[str, tuple[Pieces, ...]], Exponent] = {}
    exponents: list[Piece] = []
    rest: list[Part] = []
    for part in parts:
        if part.name == "exp":
            exponents.extend(part.arguments[0])
        elif part.name == GROUP or part.name.startswith(VARIABLE):
            key = (part.name, part.arguments)
            powers[key] = powers[key].plus(part.exponent) if key in powers else part.exponent
        else:
            rest.append(part)
    made = [Part(name, arguments, e) for (name, arguments), e in powers.items() if e.value != 0.0]
    inside = merged(exponents)
    if inside:
        made.append(Part("exp", (inside,)))
    return tuple(sorted([*made, *rest], key=repr))


class _Numbered:
    """Sums of terms as a form: every number gets a constant."""

    def __init__(self) -> None:
        self.kinds: list[Kind] = []
        self.values: dict[int, float] = {}

    def form(self, pieces: Pieces) -> tuple[Form, dict[int, float]]:
        body = self.sum(pieces, AMPLITUDE)
        return Form(body, tuple(self.kinds)), self.values

    def new(self, kind: Kind, value: float) -> int:
        self.kinds.append(kind)
        self.values[len(self.kinds) - 1] = value
        return len(self.kinds) - 1

    def sum(self, pieces: Pieces, kind: Kind) -> Sum:
        return tuple(
            Term(Scalar(1.0, ((self.new(kind, p.number), 1),)), tuple(self.factor(part) for part in p.parts))
            for p in pieces
        )

    def exponent(self, e: Exponent) -> Scalar:
        if not e.free:
            return Scalar(e.value)
        return Scalar(1.0 if e.value > 0 else -1.0, ((self.new(EXPONENT, abs(e.value)), 1),))

    def factor(self, part: Part) -> Factor:
        if part.name.startswith(VARIABLE):
            return Power(part.name.removeprefix(VARIABLE), self.exponent(part.exponent))
        if part.name.startswith(LOG_OF):
            return Log(part.name.removeprefix(LOG_OF))
        kind = RATE if part.name == "exp" else AMPLITUDE
        arguments = tuple(self.sum(a, kind) for a in part.arguments)
        if part.name == GROUP:
            return Apply("power", arguments, self.exponent(part.exponent))
        return Apply(part.name, arguments)
