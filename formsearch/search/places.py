"""Places in a form where a rewriting can happen, and how a rewriting is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from formsearch.search.alphabet import Fresh, Shape
from formsearch.search.grammar import AMPLITUDE, Apply, Factor, Kind, Sum, Term, constant, fingerprint, uses
from formsearch.search.normal import Sketch, normalise


class Draft:
    """A form being rewritten: fresh constants come with a kind and, where one suggests itself, a value."""

    def __init__(self, sketch: Sketch) -> None:
        self.kinds: dict[int, Kind] = dict(enumerate(sketch.form.kinds))
        self.values: dict[int, float] = dict(enumerate(sketch.values))

    def new(self, kind: Kind, value: float = float("nan")) -> int:
        """A fresh constant."""
        index = len(self.kinds)
        self.kinds[index] = kind
        self.values[index] = value
        return index


Rewrite = Callable[[Draft], Sum]
Put = Callable[[Sum], Sum]


class Move(NamedTuple):
    """A rewriting with its class and a label for the trace."""

    group: str
    label: str
    rewrite: Rewrite


ABSORBED = {"add": 0, "cross": 0}
"""How many of the constants that a move brings normal form may absorb into others, by its class; 1 where not named."""


@dataclass(slots=True)
class Option:
    """A move of some form, with the fingerprint of the form it leads to once that was made.

    barred : whether it leads to more constants than are allowed.
    """

    move: Move
    key: int | None = None
    barred: bool = False

    def take(self, sketch: Sketch, level: Kind, cap: int | None = None) -> tuple[Sketch, int] | None:
        """The form it leads to, in normal form, and its fingerprint.

        None if that has no terms, or surely more than `cap` constants, which is known before it is in normal form.
        """
        draft = Draft(sketch)
        body = scaled(self.move.rewrite(draft), draft)
        if not body or (cap is not None and len(uses(body)) - ABSORBED.get(self.move.group, 1) > cap):
            self.barred = True
            return None
        child = normalise(body, draft.kinds, draft.values, level, sketch.form)
        self.key = fingerprint(child.form)
        return child, self.key


def scaled(body: Sum, d: Draft) -> Sum:
    """The form with an amplitude for every term at the top that holds no constant.

    N**-1/4 by itself says that a model of one parameter misses by one nat: a number that nobody chose. Such terms come
    from what is left of a product; added to one another they would become amplitudes that no cap on constants counts.
    """
    return tuple(
        Term(constant(d.new(AMPLITUDE, float(t.coefficient.number))), t.factors) if t.factors and not uses((t,)) else t
        for t in body
    )


# -- places in a tree --------------------------------------------------------------------------------------------


def sites(body: Sum, put: Put = lambda s: s, depth: int = 0) -> Iterator[tuple[Sum, Put, int]]:
    """Every sum of the tree, with a function that puts another one in its place, and its depth."""
    yield body, put, depth
    for t, term in enumerate(body):
        for f, factor in enumerate(term.factors):
            if isinstance(factor, Apply):
                for a, argument in enumerate(factor.arguments):
                    yield from sites(argument, _putting(body, put, t, f, a), depth + 1)


def _putting(body: Sum, put: Put, t: int, f: int, a: int) -> Put:
    """Puts a sum in the place of argument `a` of factor `f` of term `t`."""
    term = body[t]
    factor = term.factors[f]
    assert isinstance(factor, Apply)

    def inner(new: Sum) -> Sum:
        arguments = (*factor.arguments[:a], new, *factor.arguments[a + 1 :])
        changed = Apply(factor.function, arguments, factor.exponent)
        factors = (*term.factors[:f], changed, *term.factors[f + 1 :])
        return put((*body[:t], Term(term.coefficient, factors), *body[t + 1 :]))

    return inner


class Place(NamedTuple):
    """A term in one of the sums of a form."""

    inside: Sum
    at: int
    put: Put
    depth: int

    @property
    def term(self) -> Term:
        """The term itself."""
        return self.inside[self.at]

    def exchange(self, *terms: Term) -> Sum:
        """The whole form with this term exchanged."""
        return self.put((*self.inside[: self.at], *terms, *self.inside[self.at + 1 :]))

    def with_factors(self, factors: Sequence[Factor]) -> Sum:
        """The whole form with this term's factors exchanged."""
        return self.exchange(Term(self.term.coefficient, tuple(factors)))

    def without(self, f: int) -> tuple[Factor, ...]:
        """The term's factors without one."""
        return (*self.term.factors[:f], *self.term.factors[f + 1 :])


def places(body: Sum, depth: int) -> Iterator[Place]:
    """Every term with factors down to a depth."""
    for inside, put, deep in sites(body):
        if deep <= depth:
            for at, term in enumerate(inside):
                if term.factors:
                    yield Place(inside, at, put, deep)


def multiplied(place: Place, shape: Shape) -> Rewrite:
    """The term times a shape."""
    return lambda d: place.with_factors((*place.term.factors, *shape(d)))


def exchanged(place: Place, f: int, shape: Shape) -> Rewrite:
    """A shape in the place of one of the term's factors."""
    rest = place.without(f)
    return lambda d: place.with_factors((*rest, *shape(d)))


def as_group(make: Callable[[Fresh], Sum]) -> Shape:
    """A sum as a factor."""
    return lambda d: (Apply("power", (make(d),)),)
