"""What the guide does to a form: the rewrites behind its hints."""

from __future__ import annotations

from collections.abc import Callable

from formsearch.search.alphabet import Fresh, Shape
from formsearch.search.factoring import inside_of
from formsearch.search.grammar import (
    AMPLITUDE,
    EXPONENT,
    POSITIVE,
    UNIT,
    Apply,
    Log,
    Sum,
    Term,
    constant,
)
from formsearch.search.moves import DRIFT
from formsearch.search.places import Draft, Place, Rewrite


def appended(body: Sum, shape: Shape) -> Rewrite:
    """A new term of that shape."""
    return lambda d: (*body, Term(constant(d.new(AMPLITUDE)), shape(d)))


def appended_all(body: Sum, group: Callable[[Fresh], Sum]) -> Rewrite:
    """New terms."""
    return lambda d: (*body, *group(d))


def grouped(place: Place, shape: Shape) -> Rewrite:
    """A term becomes t*(1 + c*shape)."""

    def rewrite(d: Draft) -> Sum:
        group = (Term(UNIT), Term(constant(d.new(POSITIVE if place.depth else AMPLITUDE, 0.01)), shape(d)))
        return place.with_factors((*place.term.factors, Apply("power", (group,))))

    return rewrite


def grouped_all(place: Place, group: Callable[[Fresh], Sum]) -> Rewrite:
    """A term becomes t*(1 + group)."""
    return lambda d: place.with_factors((*place.term.factors, Apply("power", ((Term(UNIT), *group(d)),))))


def longer(place: Place, k: int, shape: Shape) -> Rewrite:
    """The sum that is factor `k` of a term gets a term of that shape."""
    return longer_by_all(place, k, lambda d: (Term(constant(d.new(AMPLITUDE)), shape(d)),))


def longer_by_all(place: Place, k: int, group: Callable[[Fresh], Sum]) -> Rewrite:
    """The sum that is factor `k` of a term gets new terms."""

    def rewrite(d: Draft) -> Sum:
        longer = Apply("power", ((*inside_of(place.term.factors[k]), *group(d)),))
        return place.with_factors((*place.without(k), longer))

    return rewrite


def drift(body: Sum, at: int, x: str, y: str) -> Rewrite:
    """A term gets the factor exp(c*log(x)*log(y)): an exponent that drifts with another variable."""

    def rewrite(d: Draft) -> Sum:
        factor = Apply("exp", ((Term(constant(d.new(DRIFT, 0.0)), (Log(x), Log(y))),),))
        term = body[at]
        return (*body[:at], Term(term.coefficient, (*term.factors, factor)), *body[at + 1 :])

    return rewrite


def outer(rest: Sum, moving: Sum) -> Rewrite:
    """Part of the sum is raised to a power of its own."""
    return lambda d: (*rest, Term(UNIT, (Apply("power", (moving,), constant(d.new(EXPONENT, 1.0))),)))
