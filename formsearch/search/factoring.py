"""Moves on products of sums: what turns a pile of terms into the structure a researcher would write.

    raise    a sum takes a power: a free one, or that of a neighbour, (1 + k*log P) -> (1 + k*log P)**-alpha
    effective  a variable is scaled by a function of another one: x**-a -> (x*(1 + k*h(y)))**-a
    share    a product F*S widens to (F + k*T)*S, where T is another term of the form or a shape: S acts on more
    expand   a summand leaves a product of sums: (F + k*T)*(s + S) -> (F + k*T)*S + c*F + d*T
    join     F*(p*s + q*t) + T*(u*s + v*t) -> (F + k*T)*(p*s + q*t): proportional sums become one

Zhao's law is reached that way from its Eq. 7: a coefficient becomes a hook, which is then shared by other terms.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

from formsearch.search.alphabet import Alphabet, Fresh, Shape
from formsearch.search.grammar import (
    AMPLITUDE,
    EXPONENT,
    POSITIVE,
    UNIT,
    Apply,
    Factor,
    Log,
    Power,
    Scalar,
    Sum,
    Term,
    constant,
    free_constant,
    uses,
)
from formsearch.search.places import Draft, Move, Place, Rewrite, exchanged, places, sites


def is_sum(factor: Factor) -> bool:
    """Whether a factor is a sum to the first power, of more than one term."""
    return (
        isinstance(factor, Apply)
        and factor.function == "power"
        and factor.exponent == UNIT
        and len(factor.arguments[0]) > 1
    )


def inside_of(factor: Factor) -> Sum:
    """The sum that a factor is a power of."""
    assert isinstance(factor, Apply)
    return factor.arguments[0]


def bare(term: Term) -> bool:
    """Whether a term has factors, and only powers and logarithms."""
    return bool(term.factors) and all(isinstance(f, Power | Log) for f in term.factors)


# -- raise, effective --------------------------------------------------------------------------------------------


def _raised(body: Sum) -> Iterator[Move]:
    for place in places(body, 2):
        powers = [f for f in place.term.factors if isinstance(f, Power) and free_constant(f.exponent) is not None]
        for k, factor in enumerate(place.term.factors):
            if not isinstance(factor, Apply) or factor.function != "power" or factor.exponent.constants:
                continue
            sign = 1 if factor.exponent.number > 0 else -1
            yield Move("wrap", "raise a sum to a free power", exchanged(place, k, _to_free_power(factor, sign)))
            yield Move("wrap", "raise a sum to a negative power", exchanged(place, k, _to_free_power(factor, -sign)))
            for p in powers:
                for other in (p.exponent, p.exponent._replace(number=-p.exponent.number)):
                    label = f"raise a sum to the power of {p.variable}"
                    yield Move("wrap", label, exchanged(place, k, _to_power(factor, other)))


def _to_free_power(f: Apply, sign: int) -> Shape:
    return lambda d: (Apply("power", f.arguments, constant(d.new(EXPONENT, 1.0), sign)),)


def _to_power(f: Apply, exponent: Scalar) -> Shape:
    return lambda _: (Apply("power", f.arguments, exponent),)


def _effective(body: Sum, alphabet: Alphabet) -> Iterator[Move]:
    for place in places(body, 1):
        for factor in place.term.factors:
            if not (isinstance(factor, Power) and factor.exponent.constants):
                continue
            for y, shapes in alphabet.shapes.items():
                if y != factor.variable:
                    for label, shape in shapes:
                        name = f"effective {factor.variable}: times 1+{label}"
                        yield Move("promote", name, _scaled(place, shape, factor.exponent))


def _scaled(place: Place, shape: Shape, exponent: Scalar) -> Rewrite:
    def rewrite(d: Draft) -> Sum:
        group = (Term(UNIT), Term(constant(d.new(POSITIVE)), shape(d)))
        return place.with_factors((*place.term.factors, Apply("power", (group,), exponent)))

    return rewrite


# -- share -------------------------------------------------------------------------------------------------------


def partners(body: Sum, place: Place) -> list[Term]:
    """Other terms of the form that may share a sum of this one."""
    own = place.term.factors
    found: dict[tuple[Factor, ...], Term] = {}
    for term in body:
        if bare(term) and term.factors != own:
            found.setdefault(term.factors, term)
    return list(found.values())


def shared(body: Sum, alphabet: Alphabet) -> Iterator[Move]:
    """F*S -> (F + k*T)*S."""
    for place in places(body, 0):
        for k, factor in enumerate(place.term.factors):
            if not is_sum(factor) or not place.without(k):
                continue
            for term in partners(body, place):
                yield Move("extend", "share a sum with another term", widened(place, k, term.factors))
            for shapes in alphabet.shapes.values():
                for label, shape in shapes:
                    yield Move("extend", f"share a sum with {label}", widened_by(place, k, shape))


def widened(place: Place, k: int, factors: tuple[Factor, ...]) -> Rewrite:
    """The factors beside sum k become a sum with one more term."""
    return widened_by(place, k, lambda _: factors)


def widened_by(place: Place, k: int, shape: Shape) -> Rewrite:
    """The same, the new term made by a shape."""

    def rewrite(d: Draft) -> Sum:
        rest = place.without(k)
        first: Sum = (Term(UNIT, rest),)
        if len(rest) == 1 and isinstance(rest[0], Apply) and is_sum(rest[0]):
            first = rest[0].arguments[0]
        wider = Apply("power", ((*first, Term(constant(d.new(AMPLITUDE, 0.01)), shape(d))),))
        return place.with_factors((wider, place.term.factors[k]))

    return rewrite


# -- expand, join ------------------------------------------------------------------------------------------------


def _expanded(body: Sum) -> Iterator[Move]:
    for place in places(body, 1):
        for k, factor in enumerate(place.term.factors):
            if isinstance(factor, Apply) and is_sum(factor) and place.without(k):
                for j in range(len(factor.arguments[0])):
                    yield Move("swap", "take a summand out of a product", _moved_out(place, k, factor, j))


def _moved_out(place: Place, k: int, factor: Apply, j: int) -> Rewrite:
    def rewrite(d: Draft) -> Sum:
        inside = factor.arguments[0]
        rest = place.without(k)
        left = Term(place.term.coefficient, (*rest, Apply("power", ((*inside[:j], *inside[j + 1 :]),))))
        beside: Sum = (Term(UNIT, rest),)
        if len(rest) == 1 and isinstance(rest[0], Apply) and is_sum(rest[0]):
            beside = rest[0].arguments[0]
        out = [Term(constant(d.new(AMPLITUDE)), (*b.factors, *inside[j].factors)) for b in beside]
        return place.exchange(left, *out)

    return rewrite


def _joined(body: Sum) -> Iterator[Move]:
    count = uses(body)
    for inside, put, depth in sites(body):
        if depth > 1:
            continue
        hosts = [
            (at, k) for at, t in enumerate(inside) for k, f in enumerate(t.factors) if is_sum(f) and len(t.factors) > 1
        ]
        for (a, i), (b, j) in itertools.combinations(hosts, 2):
            if a == b:
                continue
            common = _common(inside[a], i, inside[b], j)
            if len(common) > 1 and all(count[c] == 1 for pair in common.values() for c in pair):
                yield Move("tie", "join two products", _merged(Place(inside, a, put, depth), i, b, j, common))


def _common(one: Term, i: int, other: Term, j: int) -> dict[tuple[Factor, ...], tuple[int, int]]:
    """Summands that the two sums share, with the constants before them."""
    mine = {t.factors: free_constant(t.coefficient) for t in inside_of(one.factors[i])}
    found = {}
    for t in inside_of(other.factors[j]):
        c, u = mine.get(t.factors), free_constant(t.coefficient)
        if c is not None and u is not None:
            found[t.factors] = (c, u)
    return found


def _merged(place: Place, i: int, b: int, j: int, common: dict[tuple[Factor, ...], tuple[int, int]]) -> Rewrite:
    def rewrite(d: Draft) -> Sum:
        one, other = place.term, place.inside[b]
        first, second = inside_of(one.factors[i]), inside_of(other.factors[j])
        rest, beyond = place.without(i), (*other.factors[:j], *other.factors[j + 1 :])
        ratio = _ratio(d, common)
        wide = Apply("power", ((Term(UNIT, rest), Term(constant(d.new(AMPLITUDE, ratio)), beyond)),))
        kept = tuple(t for t in first if t.factors in common)
        terms = [Term(one.coefficient, (wide, Apply("power", (kept,))))]
        terms += [Term(t.coefficient, (*rest, *t.factors)) for t in first if t.factors not in common]
        terms += [Term(t.coefficient, (*beyond, *t.factors)) for t in second if t.factors not in common]
        others = [t for at, t in enumerate(place.inside) if at not in (place.at, b)]
        return place.put((*others, *terms))

    return rewrite


def _ratio(d: Fresh, common: dict[tuple[Factor, ...], tuple[int, int]]) -> float:
    assert isinstance(d, Draft)
    ratios = sorted(d.values[u] / d.values[c] for c, u in common.values() if d.values[c])
    return ratios[len(ratios) // 2] if ratios else math.nan


SOURCES: tuple[tuple[str, Callable[[Sum, Alphabet], Iterator[Move]]], ...] = (
    ("wrap", lambda body, _: _raised(body)),
    ("promote", _effective),
    ("extend", shared),
    ("swap", lambda body, _: _expanded(body)),
    ("tie", lambda body, _: _joined(body)),
)
"""The class of moves each maker of this module adds to, and the maker."""
