"""Ways a pure power bends: shifted, rectified, broken, capped by another variable.

Each is a shape that takes the place of a power, perhaps with numbers to start from. `measured` tells for a few such
numbers by which factor each row's value changes, so that the guide can rank bends before any is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from formsearch.quantities import quantity
from formsearch.search.alphabet import Alphabet, Fresh, Shape, capped
from formsearch.search.emit import Columns
from formsearch.search.grammar import (
    EXPONENT,
    ONE,
    POSITIVE,
    UNIT,
    Apply,
    Factor,
    Power,
    Scalar,
    Term,
    constant,
)

Array = NDArray[np.float64]

QUANTILES = (0.15, 0.5, 0.85)
"""Where along a variable a bend may be."""
STEEP, BEND = (1.0, 2.5), 0.3
"""How sharply a power breaks, and by how much."""
MULTIPLES, REACHES = (0.1, 1.0, 10.0), (1.0, 6.0, 25.0)
"""Caps as multiples of the ratio at the centre of the points, and how far beyond a cap returns reach."""
UNKNOWN = math.nan


def shifted(f: Power, k: float = UNKNOWN) -> Shape:
    """x**p -> (1 + k*x)**p."""
    inside = (Power(f.variable, UNIT),)
    return lambda d: (Apply("power", ((Term(UNIT), Term(constant(d.new(POSITIVE, k)), inside)),), f.exponent),)


def rectified(f: Power, c: float = UNKNOWN) -> Shape:
    """x**-p -> 1/(c + x**p)."""
    size = Scalar(abs(f.exponent.number), f.exponent.constants)
    sign = Scalar(ONE if f.exponent.number > 0 else -ONE)
    inside = (Power(f.variable, size),)
    return lambda d: (Apply("power", ((Term(constant(d.new(POSITIVE, c))), Term(UNIT, inside)),), sign),)


def broken(f: Power, k: float = UNKNOWN, steep: float = UNKNOWN, bend: float = UNKNOWN) -> Shape:
    """x**p -> x**p*(1 + k*x**q)**-r."""

    def make(d: Fresh) -> tuple[Factor, ...]:
        inside = (Power(f.variable, constant(d.new(EXPONENT, steep))),)
        group = (Term(UNIT), Term(constant(d.new(POSITIVE, k)), inside))
        return f, Apply("power", (group,), constant(d.new(EXPONENT, bend), -1))

    return make


def caps(f: Power, alphabet: Alphabet) -> list[tuple[str, float]]:
    """Sizes that can cap a size, each with its ratio to it at the centre of the points."""
    sizes = [q for q, role in alphabet.roles.items() if role == "size"]
    if f.variable not in sizes:
        return []
    x = alphabet.centres[f.variable]
    return [(y, math.exp(x - alphabet.centres[y])) for y in sizes if y != f.variable]


def comparable(x: str, y: str) -> bool:
    """Whether one can cap the other as it is: tokens by tokens, but not tokens by parameters without a constant."""
    return quantity(x).unit == quantity(y).unit


def bends(f: Power, alphabet: Alphabet) -> Iterator[tuple[str, Shape]]:
    """All of them, without numbers."""
    yield "shifted power", shifted(f)
    yield "rectified power", rectified(f)
    # Seeds may hold variables that forms of the alphabet do not: compute, a product of two of them.
    if alphabet.roles.get(f.variable) != "bounded":
        yield "broken power", broken(f)
    for y, ratio in caps(f, alphabet):
        if comparable(f.variable, y):
            yield f"returns that diminish beyond {y}", capped(f.variable, y, f.exponent)
        yield f"returns that diminish beyond a multiple of {y}", capped(f.variable, y, f.exponent, ratio)


def _exp(x: float) -> float:
    """exp, held inside float64: a steep power of a large number has no place to bend."""
    return math.exp(min(max(x, -700.0), 700.0))


def measured(f: Power, p: float, columns: Columns, alphabet: Alphabet) -> Iterator[tuple[str, Shape, Array]]:
    """Bends of x**p from a few numbers each, with the factor by which a row's value changes, shape (rows,)."""
    x, log = columns.variables[f.variable], columns.logs[f.variable]
    if not (x > 0).all():
        return
    for at in np.quantile(log, QUANTILES):
        z = log - at
        yield "shifted power", shifted(f, _exp(-at)), _raised(_bent(-z), p)
        bent = _bent(-abs(p) * z)
        yield "rectified power", rectified(f, _exp(abs(p) * at)), bent if p > 0 else 1 / bent
        for q in STEEP:
            yield "broken power", broken(f, _exp(-q * at), q, BEND), _bent(q * z) ** -BEND
    for y, ratio in caps(f, alphabet):
        cap = columns.variables[y]
        for r in REACHES:
            if comparable(f.variable, y):
                plain = capped(f.variable, y, f.exponent, None, r)
                yield f"returns that diminish beyond {y}", plain, _raised(_effective(x, cap, r) / x, p)
            for m in MULTIPLES:
                k = m * ratio
                shape = capped(f.variable, y, f.exponent, ratio, r, k)
                yield (
                    f"returns that diminish beyond a multiple of {y}",
                    shape,
                    _raised(_effective(x, k * cap, r) / x, p),
                )


def _bent(z: Array) -> Array:
    """1 + exp(z); infinite for a steep power far from where it bends."""
    with np.errstate(over="ignore"):
        return np.asarray(1 + np.exp(z))


def _raised(base: Array, p: float) -> Array:
    """base**p; a shape that is infinite somewhere promises nothing, and is no cause for a warning."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.asarray(base**p)


def _effective(x: Array, y: Array, r: float) -> Array:
    """min(x, y) + r*y*(1 - exp(-(x/y - 1)/r)) for x > y."""
    return np.asarray(np.minimum(x, y) - r * y * np.expm1(-np.maximum(x / y - 1, 0) / r))
