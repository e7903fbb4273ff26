"""Moves: the ways one form becomes another. Each is a small rewriting of the tree, typed by what a variable means.

    add        a term: a shape of one variable, a product of two, a ratio, one tied to an exponent in use, a hook, ...
    drop       a term, a factor, or a term of a group
    multiply   a term, or everything but the irreducible part, by a shape
    promote    a coefficient becomes a function of a variable: c -> c*(1 + k*x**p), c*(e*x + f/x), c*(1 + m*x**2 + n*x);
               an exponent drifts with a logarithm: x**-a -> x**(-a + g*log y)
    extend     a group gets another term
    wrap       an outer power; a power becomes shifted, saturating, broken or capped; a term gets an exponential
    tie/untie  two exponents become one, and back
    snap       an exponent becomes a simple number
    swap       a shape is exchanged for another one of the same or of another variable
    cross      a term of another form is added

`factoring` adds to these classes the moves on products of sums; `sampling` draws from them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from fractions import Fraction

from formsearch.search.alphabet import OVER, Alphabet, Fresh, Shape, exponential, joined, plain, ratio
from formsearch.search.bends import bends
from formsearch.search.factoring import SOURCES
from formsearch.search.grammar import (
    AMPLITUDE,
    EXPONENT,
    POSITIVE,
    RATE,
    SMOOTH,
    UNIT,
    Apply,
    Factor,
    Log,
    Power,
    Scalar,
    Sum,
    Term,
    constant,
    map_scalars,
    renumber,
    uses,
    variables,
)
from formsearch.search.normal import Sketch
from formsearch.search.places import (
    Draft,
    Move,
    Place,
    Put,
    Rewrite,
    as_group,
    exchanged,
    multiplied,
    places,
    sites,
)

SIMPLE = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1.0, 3 / 2, 2.0, 3.0)
WEIGHTS = {
    "add": 5.0, "drop": 1.5, "multiply": 2.5, "promote": 4.0, "extend": 2.5, "wrap": 2.0, "tie": 1.5, "untie": 1.0,
    "snap": 0.7, "swap": 1.5, "cross": 2.0,
}  # fmt: skip
MAX_TERMS = 8
MAX_FACTORS = 5
DRIFT = RATE._replace(start=(-0.02, 0.02))


def _split(body: Sum) -> tuple[Sum, Sum]:
    """(terms that move, constants alone)."""
    return tuple(t for t in body if t.factors), tuple(t for t in body if not t.factors)


def exponents(sketch: Sketch) -> list[int]:
    """The constants that are exponents."""
    return [i for i, k in enumerate(sketch.form.kinds) if k.tag == "p"]


# -- the classes of moves ----------------------------------------------------------------------------------------


def moves_of(sketch: Sketch, alphabet: Alphabet, groups: Collection[str] = tuple(WEIGHTS)) -> dict[str, list[Move]]:
    """Every move of the classes `groups` from a form by itself.

    Thousands, which is worth remembering of a form that breeds often.
    """
    body = sketch.form.body
    sources: tuple[tuple[tuple[str, ...], Iterator[Move]], ...] = (
        (("add",), _add(sketch, alphabet)),
        (("drop",), _drop(body)),
        (("multiply",), _multiply(body, alphabet)),
        (("promote", "extend"), _promote(body, alphabet)),
        (("promote",), _drift(body, alphabet)),
        (("wrap",), _wrap(body, alphabet)),
        (("tie", "untie"), _tie(sketch)),
        (("snap",), _snap(sketch)),
        (("swap",), _swap(body, alphabet)),
        *(((name,), source(body, alphabet)) for name, source in SOURCES),
    )
    table: dict[str, list[Move]] = {name: [] for name in WEIGHTS}
    for made, source in sources:
        # Generators: what nobody asks for is never made.
        if not set(made).isdisjoint(groups):
            for move in source:
                table[move.group].append(move)
    return table


def _adding(body: Sum, label: str, shape: Shape) -> Move:
    return Move("add", f"add {label}", lambda d: (*body, Term(constant(d.new(AMPLITUDE)), shape(d))))


def _adding_all(body: Sum, label: str, group: Callable[[Fresh], Sum]) -> Move:
    return Move("add", f"add {label}", lambda d: (*body, *group(d)))


def _add(sketch: Sketch, alphabet: Alphabet) -> Iterator[Move]:
    body = sketch.form.body
    if len(body) > MAX_TERMS:
        return
    for q, shapes in alphabet.shapes.items():
        for label, shape in shapes:
            yield _adding(body, label, shape)
        for label, group in alphabet.additions[q]:
            yield _adding_all(body, label, group)
    scaling = alphabet.scaling()
    for q, r in itertools.combinations(alphabet.roles, 2):
        for (la, a), (lb, b) in itertools.product(_main(alphabet, q), _main(alphabet, r)):
            yield _adding(body, f"{la}*{lb}", joined(a, b))
        if q in scaling and r in scaling:
            for x, y in ((q, r), (r, q)):
                over: Shape = _over(y)
                yield _adding(body, f"{x}/{y}", joined(plain(x), over))
                yield _adding(body, f"({x}/{y})^p", ratio(x, y))
    for i in exponents(sketch):
        if sketch.form.kinds[i] != SMOOTH:
            for q in scaling:
                yield _adding(body, f"{q}^-(tied)", _tied(q, i))
    for q in scaling:
        if alphabet.roles[q] == "positive":
            others = [r for r in scaling if r != q]
            for count in range(min(len(others), 2) + 1):
                for chosen in itertools.combinations(others, count):
                    label = f"valley in log {q}" + (f" moving with {', '.join(chosen)}" if chosen else "")
                    yield _adding(body, label, _valley(q, chosen, alphabet.centres[q]))


def _over(q: str) -> Shape:
    return lambda _: (Power(q, OVER),)


def _tied(q: str, index: int) -> Shape:
    return lambda _: (Power(q, constant(index, -1)),)


def _valley(q: str, moving_with: Sequence[str], centre: float) -> Shape:
    """(log q - a - b*log z - ...)**2."""

    def make(d: Fresh) -> tuple[Factor, ...]:
        inner = [Term(UNIT, (Log(q),)), Term(constant(d.new(RATE._replace(start=(-30.0, 30.0)), -centre)))]
        inner += [Term(constant(d.new(RATE, 0.0)), (Log(z),)) for z in moving_with]
        return (Apply("power", (tuple(inner),), Scalar(2.0)),)

    return make


def _main(alphabet: Alphabet, q: str) -> list[tuple[str, Shape]]:
    """The shapes used in products: powers of either sign, the logarithm, the plain variable."""
    return [s for s in alphabet.shapes[q] if s[0] in (f"{q}^p", f"{q}^-p", q, f"log {q}")]


def _drop(body: Sum) -> Iterator[Move]:
    for inside, put, depth in sites(body):
        for at, term in enumerate(inside):
            place = Place(inside, at, put, depth)
            if len(inside) > 1:
                yield Move("drop", "drop a term", _fixed(place.exchange()))
            if len(term.factors) > 1 or (depth == 0 and term.factors and len(inside) > 1):
                for f in range(len(term.factors)):
                    yield Move("drop", "drop a factor", _fixed(place.with_factors(place.without(f))))
            for f, factor in enumerate(term.factors):
                if isinstance(factor, Apply) and factor.function == "power" and factor.exponent != UNIT:
                    flat = Apply("power", factor.arguments)
                    yield Move("drop", "drop an outer power", _fixed(place.with_factors((*place.without(f), flat))))


def _fixed(body: Sum) -> Rewrite:
    return lambda _: body


def _all_times(moving: Sum, rest: Sum, shape: Shape) -> Rewrite:
    return lambda d: (*rest, Term(UNIT, (Apply("power", (moving,)), *shape(d))))


def _multiply(body: Sum, alphabet: Alphabet) -> Iterator[Move]:
    moving, rest = _split(body)
    for shapes in alphabet.shapes.values():
        for label, shape in shapes:
            for place in places(body, 2):
                if len(place.term.factors) < MAX_FACTORS:
                    yield Move("multiply", f"multiply a term by {label}", multiplied(place, shape))
            if len(moving) > 1:
                yield Move("multiply", f"multiply all terms by {label}", _all_times(moving, rest, shape))


def _promote(body: Sum, alphabet: Alphabet) -> Iterator[Move]:
    moving, rest = _split(body)
    for q, groups in alphabet.groups.items():
        for label, group in groups:
            shape = as_group(group)
            for place in places(body, 1):
                if len(place.term.factors) < MAX_FACTORS:
                    yield Move("promote", f"promote a coefficient to {label}", multiplied(place, shape))
            if len(moving) > 1:
                yield Move("promote", f"promote all terms to {label}", _all_times(moving, rest, shape))
        for inside, put, depth in sites(body):
            if depth:
                for label, shape in alphabet.shapes[q]:
                    yield Move("extend", f"extend a group by {label}", _extended(inside, put, shape))


def _extended(inside: Sum, put: Put, shape: Shape) -> Rewrite:
    return lambda d: put((*inside, Term(constant(d.new(POSITIVE)), shape(d))))


def _drift(body: Sum, alphabet: Alphabet) -> Iterator[Move]:
    """Exponents that change with the logarithm of a variable."""
    for place in places(body, 0):
        for factor in place.term.factors:
            if isinstance(factor, Power) and factor.exponent.constants:
                for q in alphabet.scaling():
                    label = f"exponent of {factor.variable} drifts with log {q}"
                    yield Move("promote", label, multiplied(place, _drifting(factor.variable, q)))


def _drifting(x: str, y: str) -> Shape:
    """exp(g*log x*log y)."""
    return lambda d: (Apply("exp", ((Term(constant(d.new(DRIFT, 0.0)), (Log(x), Log(y))),),)),)


def _wrap(body: Sum, alphabet: Alphabet) -> Iterator[Move]:
    moving, rest = _split(body)
    if len(moving) > 1:
        yield Move("wrap", "outer power of all terms", _powered(rest, moving))
    if len(moving) > 2:
        for pair in itertools.combinations(range(len(moving)), 2):
            others = tuple(t for k, t in enumerate(moving) if k not in pair)
            both = tuple(moving[k] for k in pair)
            yield Move("wrap", "outer power of two terms", _powered((*rest, *others), both))
    for place in places(body, 1):
        for f, factor in enumerate(place.term.factors):
            if isinstance(factor, Power) and factor.exponent.constants:
                for label, shape in bends(factor, alphabet):
                    yield Move("wrap", f"{label} in {factor.variable}", exchanged(place, f, shape))
    rates = alphabet.rates()
    chosen = [[q] for q in rates] + ([rates] if len(rates) > 1 else [])
    for names in chosen:
        label = f"exponential in {', '.join(names)}"
        for place in places(body, 0):
            yield Move("wrap", label, multiplied(place, exponential(names)))
        if len(body) <= MAX_TERMS:
            yield Move("wrap", f"add an {label}", _adding(body, label, exponential(names)).rewrite)


def _powered(rest: Sum, terms: Sum) -> Rewrite:
    """rest + (terms)**p, p starting from 1."""
    return lambda d: (*rest, Term(UNIT, (Apply("power", (terms,), constant(d.new(EXPONENT, 1.0))),)))


def _tie(sketch: Sketch) -> Iterator[Move]:
    body = sketch.form.body
    kinds = sketch.form.kinds
    for i, j in itertools.combinations(exponents(sketch), 2):
        if (kinds[i] == SMOOTH) != (kinds[j] == SMOOTH):
            continue
        yield Move("tie", "tie two exponents", _fixed(renumber(body, {j: i})))
    for i, count in uses(body).items():
        if count > 1:
            for k in range(count):
                yield Move("untie", "untie an exponent", _untied(body, i, k))


def _untied(body: Sum, index: int, occurrence: int) -> Rewrite:
    """The constant gets a twin at one of its occurrences."""

    def rewrite(d: Draft) -> Sum:
        twin = d.new(d.kinds[index], d.values[index])
        seen = -1

        def change(s: Scalar) -> Scalar:
            nonlocal seen
            if any(i == index for i, _ in s.constants):
                seen += 1
                if seen == occurrence:
                    return Scalar(s.number, tuple(sorted((twin if i == index else i, p) for i, p in s.constants)))
            return s

        return map_scalars(body, change)

    return rewrite


def _snap(sketch: Sketch) -> Iterator[Move]:
    for i in exponents(sketch):
        for simple in simple_near(sketch, i):
            label = f"snap an exponent to {spelled(simple)}"
            yield Move("snap", label, _fixed(snapped(sketch.form.body, i, simple)))


def simple_near(sketch: Sketch, index: int) -> list[float]:
    """The two simple numbers nearest to an exponent."""
    value, low = sketch.values[index], sketch.form.kinds[index].low
    return sorted((s for s in SIMPLE if s >= low), key=lambda s: abs(s - value))[:2]


def spelled(value: float) -> str:
    """A simple number as a fraction."""
    return str(Fraction(value).limit_denominator(12))


def snapped(body: Sum, index: int, value: float) -> Sum:
    """A number in the place of a constant."""

    def change(s: Scalar) -> Scalar:
        for i, p in s.constants:
            if i == index:
                return Scalar(s.number * value**p, tuple(c for c in s.constants if c[0] != index))
        return s

    return map_scalars(body, change)


def _swap(body: Sum, alphabet: Alphabet) -> Iterator[Move]:
    for place in places(body, 1):
        names = variables((place.term,))
        for f, factor in enumerate(place.term.factors):
            if isinstance(factor, Apply):
                continue
            for q, shapes in alphabet.shapes.items():
                if q == factor.variable or q not in names:
                    for label, shape in shapes:
                        yield Move("swap", f"swap a factor for {label}", exchanged(place, f, shape))


def crosses(body: Sum, others: Sequence[Sketch]) -> Iterator[Move]:
    """Every term of other forms, added."""
    if len(body) > MAX_TERMS:
        return
    for other in others:
        for term in other.form.body:
            if term.factors:
                yield Move("cross", "take a term of another form", _foreign(body, term, other))


def _foreign(body: Sum, term: Term, other: Sketch) -> Rewrite:
    def rewrite(d: Draft) -> Sum:
        to = {i: d.new(other.form.kinds[i], other.values[i]) for i in uses((term,))}
        return (*body, *renumber((term,), to))

    return rewrite
