"""How an expression is laid out for a reader: the order of its parts, and what stands below the line of a fraction.

SymPy sorts the arguments of sums and products by rules of its own and keeps `N**(-alpha)` above the line. Readers
expect the order in which the law was written, constants before variables, and `a/N**alpha`. The printers of
`formsearch.derive.draw` ask this module for the parts of a product and the order of a sum; nothing is rewritten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from formsearch.law import Law

_UNKNOWN = 10_000


@dataclass(frozen=True)
class Order:
    """Where each name stands in the law as it was written, and which names are variables."""

    places: Mapping[str, int] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()

    @classmethod
    def of(cls, law: Law, definitions: Sequence[tuple[Any, Any]] = ()) -> Order:
        """The order of a law's formula; a named part stands where the first of its symbols does."""
        from formsearch.formula import names_in

        places = {name: 2 * i for i, name in enumerate(names_in(law.formula))}
        named: set[str] = set()
        for symbol, part in definitions:
            # One less: a part stands before the constant it starts with, should that occur by itself too.
            places[str(symbol)] = min((places.get(str(s), _UNKNOWN) for s in part.free_symbols), default=_UNKNOWN) - 1
            if {str(s) for s in part.free_symbols} & {*law.variable_names, *named}:
                named.add(str(symbol))
        return cls(places, frozenset({*law.variable_names, *named}))

    def place(self, name: str) -> tuple[int, str]:
        """The place of a name; unknown ones come last, by alphabet."""
        return self.places.get(name, _UNKNOWN), name

    def first(self, expression: Any) -> tuple[int, str]:
        """The place of the first symbol of an expression."""
        return min((self.place(str(s)) for s in expression.free_symbols), default=(_UNKNOWN, ""))


PLAIN = Order()


@dataclass(frozen=True)
class Product:
    """A product as a fraction: sign, factors above the line, factors below."""

    negative: bool
    above: tuple[Any, ...]
    below: tuple[Any, ...]


def product(expression: Any, order: Order) -> Product:
    """The parts of a product: numbers, constants, variables, sums; factors with a negative exponent below the line."""
    import sympy

    negative = False
    above: list[Any] = []
    below: list[Any] = []
    for factor in _flat(expression):
        if factor.is_Rational:
            negative ^= bool(factor < 0)
            if abs(factor.p) != 1:
                above.append(sympy.Integer(abs(factor.p)))
            if factor.q != 1:
                below.append(sympy.Integer(factor.q))
        elif factor.is_Number and factor.is_negative:
            negative = not negative
            above.append(-factor)
        elif below_the_line(factor):
            inverse = _fraction(factor.base)
            (below if inverse is None else above).append(
                sympy.Pow(factor.base if inverse is None else inverse, -factor.exp, evaluate=False)
                if factor.exp != -1
                else factor.base
            )
        else:
            above.append(factor)
    return Product(negative, _sorted(above, order), _sorted(below, order))


def below_the_line(factor: Any) -> bool:
    """Whether a power stands below the line: 1/N**alpha and 1/log(2), but exp(-x) and 10**(-x) stay above it."""
    return bool(factor.is_Pow and is_negative(factor.exp) and (not factor.base.is_number or factor.exp.is_number))


def _sorted(factors: Sequence[Any], order: Order) -> tuple[Any, ...]:
    """Factors in reading order, powers of one symbol merged (N*N**alpha reads N**(alpha + 1))."""
    import sympy

    merged: list[Any] = []
    exponents: dict[Any, Any] = {}
    for factor in factors:
        base, exponent = factor.as_base_exp()
        if base.is_Symbol:
            exponents[base] = exponents.get(base, 0) + exponent
        else:
            merged.append(factor)
    merged += [sympy.Pow(base, exponent) for base, exponent in exponents.items() if exponent != 0]
    return tuple(sorted(merged, key=lambda f: _factor_key(f, order)))


def _flat(expression: Any) -> list[Any]:
    """Factors, those of a product inside a product included."""
    if not expression.is_Mul:
        return [expression]
    return [f for a in expression.args for f in _flat(a)]


def is_negative(exponent: Any) -> bool:
    """Whether an exponent reads as negative: -1, -alpha, -alpha - 1 (but not alpha - 1)."""
    if exponent.is_Number:
        return bool(exponent.is_negative)
    if exponent.is_Add:
        return all(is_negative(a) for a in exponent.args)
    return bool(exponent.as_coeff_Mul()[0].is_negative)


def _fraction(base: Any) -> Any:
    """1/base for a quotient of products, which reads better turned round; None for anything else."""
    if not base.is_Mul or not any((f.is_Pow and is_negative(f.exp)) or (f.is_Rational and f.q != 1) for f in base.args):
        return None
    return 1 / base


def _factor_key(factor: Any, order: Order) -> tuple[int, tuple[int, str], str]:
    """Numbers, constants, powers of constants, variables and named parts, functions, sums."""
    names = {str(s) for s in factor.free_symbols}
    base = factor.base if factor.is_Pow else factor
    if not names:
        kind = 0
    elif base.is_Add:
        kind = 5
    elif names & order.variables:
        kind = 3 if base.is_Symbol or factor.is_Pow else 4
    else:
        kind = 1 if factor.is_Symbol else 2
    return kind, order.first(base if base.free_symbols else factor), str(factor)


def terms(expression: Any, order: Order) -> list[tuple[bool, Any]]:
    """The terms of a sum as (negative, term without its sign): positive ones first, by place; numbers last."""
    import sympy

    split: list[tuple[bool, Any, Any]] = []
    for term in expression.args:
        negative = bool(term.is_Number and term.is_negative) or (term.is_Mul and product(term, order).negative)
        split.append((negative, -term if term.is_Number and negative else term, term))

    def key(item: tuple[bool, Any, Any]) -> tuple[Any, ...]:
        negative, _, term = item
        bare = [f for f in sympy.Mul.make_args(term) if f.is_Symbol]
        own = [s for s in bare if str(s) not in order.variables] or bare
        place = min((order.place(str(s)) for s in own), default=order.first(term))
        return negative, term.is_Number, place, str(term)

    return [(negative, shown) for negative, shown, _ in sorted(split, key=key)]
