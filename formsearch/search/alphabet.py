"""The alphabet: what each variable may do in a form, by what its quantity means.

`size` grows as the field scales up and takes powers and logarithms; `positive` is any other positive factor, which may
also have an interior optimum (hooks e*x + f/x, valleys in log x); `bounded` is a fraction, perhaps zero, which takes
quadratics and powers of its complement; `proportion` is a share of a mixture; `real` may be negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from formsearch.quantities import PROPORTION_PREFIX, quantity
from formsearch.search.grammar import (
    AMPLITUDE,
    EXPONENT,
    ONE,
    POSITIVE,
    RATE,
    SMOOTH,
    UNIT,
    Apply,
    Factor,
    Kind,
    Log,
    Power,
    Scalar,
    Sum,
    Term,
    constant,
)
from formsearch.search.judge import SIZES


class Fresh(Protocol):
    """Where new constants come from while a form is rewritten."""

    def new(self, kind: Kind, value: float = float("nan")) -> int:
        """A new constant of that kind, with a value to start from where one suggests itself."""


Shape = Callable[[Fresh], tuple[Factor, ...]]
Group = Callable[[Fresh], Sum]
TWO = Scalar(2.0)
OVER = Scalar(-ONE)


@dataclass(frozen=True)
class Alphabet:
    """Roles of the variables, and the kind of an irreducible constant (see the module's text)."""

    roles: Mapping[str, str]
    level: Kind
    shapes: Mapping[str, tuple[tuple[str, Shape], ...]]
    groups: Mapping[str, tuple[tuple[str, Group], ...]]
    additions: Mapping[str, tuple[tuple[str, Group], ...]]
    centres: Mapping[str, float]

    @classmethod
    def of(
        cls, variables: Sequence[str], zeros: Mapping[str, bool], level: Kind, centres: Mapping[str, float]
    ) -> Alphabet:
        """The alphabet of these quantities; `zeros` says which have zeros in the points."""
        roles = {q: role_of(q, zeros.get(q, False)) for q in variables}
        return cls(
            roles,
            level,
            {q: tuple(_shapes(q, roles[q], zeros.get(q, False))) for q in variables},
            {q: tuple(_groups(q, roles[q], zeros.get(q, False))) for q in variables},
            {q: tuple(_additions(q, roles[q])) for q in variables},
            centres,
        )

    def scaling(self) -> list[str]:
        """Variables that take powers and logarithms."""
        return [q for q, role in self.roles.items() if role in ("size", "positive")]

    def rates(self) -> list[str]:
        """Variables that may stand in an exponential."""
        return [q for q, role in self.roles.items() if role in ("proportion", "bounded", "real")]


def role_of(q: str, zeros: bool) -> str:
    """The role of a quantity."""
    about = quantity(q)
    if q.startswith(PROPORTION_PREFIX):
        return "proportion"
    if about.low < 0.0:
        return "real"
    if about.high <= 1.0 or zeros:
        return "bounded"
    return "size" if q in SIZES else "positive"


# -- factors -----------------------------------------------------------------------------------------------------


def plain(q: str) -> Shape:
    """q."""
    return lambda _: (Power(q, UNIT),)


def numeric(q: str, exponent: Scalar) -> Shape:
    """q to a number."""
    return lambda _: (Power(q, exponent),)


def power(q: str, sign: int, kind: Kind = EXPONENT, start: float = math.nan) -> Shape:
    """q to a free power of that sign, which may start from a number."""
    return lambda d: (Power(q, constant(d.new(kind, start), sign)),)


def exponent_kind(q: str, zeros: bool) -> Kind:
    """What a free exponent of a variable may be.

    A share of a mixture may set in steeply from zero; of other factors, such as a share of experts that are always on,
    a first bit that changes the loss infinitely fast is no law but noise among the smallest values.
    """
    return SMOOTH if zeros and not q.startswith(PROPORTION_PREFIX) else EXPONENT


def logarithm(q: str, times: int = 1) -> Shape:
    """log q, or its square."""
    return lambda _: (Log(q),) * times


def complement(q: str, sign: int) -> Shape:
    """(1 - q) to a free power of that sign."""
    inner = (Term(UNIT), Term(Scalar(-ONE), (Power(q, UNIT),)))
    return lambda d: (Apply("power", (inner,), constant(d.new(EXPONENT), sign)),)


def exponential(names: Sequence[str], sign: int = 1) -> Shape:
    """exp(sum of r*q)."""
    return lambda d: (Apply("exp", (tuple(Term(constant(d.new(RATE), sign), (Power(q, UNIT),)) for q in names),)),)


def ratio(x: str, y: str) -> Shape:
    """(x/y) to a free power."""

    def make(d: Fresh) -> tuple[Factor, ...]:
        p = d.new(EXPONENT)
        return Power(x, constant(p)), Power(y, constant(p, -1))

    return make


def capped(
    x: str, y: str, exponent: Scalar, scale: float | None = None, reach: float = math.nan, multiple: float = math.nan
) -> Shape:
    """A power of x whose returns diminish beyond y: z**p with z = min(x, y) + r*y*(1 - exp(-(x/y - 1)/r)) for x > y.

    That is how repeated data and the parameters beyond what data can use count (Muennighoff et al. 2023, Eqs. 5-6).
    With `scale` the cap is k*y, k starting near it. `reach` and `multiple` are numbers to start r and k from.
    """

    def make(d: Fresh) -> tuple[Factor, ...]:
        r = d.new(POSITIVE, reach)
        k: tuple[tuple[int, int], ...] = ()
        if scale is not None:
            low, high = POSITIVE.start
            k = ((d.new(POSITIVE._replace(start=(low * scale, high * scale)), multiple), 1),)
        over = tuple((i, -p) for i, p in k)
        excess = (Term(Scalar(-ONE)), Term(Scalar(ONE, over), (Power(x, UNIT), Power(y, OVER))))
        decay = Apply("exp", ((Term(Scalar(-ONE, ((r, -1),)), (Apply("max", ((), excess)),)),),))
        least = Apply("min", ((Term(UNIT, (Power(x, UNIT),)),), (Term(Scalar(ONE, k), (Power(y, UNIT),)),)))
        saturating = Apply("power", ((Term(UNIT), Term(Scalar(-ONE), (decay,))),))
        beyond = Term(Scalar(ONE, tuple(sorted(((r, 1), *k)))), (Power(y, UNIT), saturating))
        return (Apply("power", ((Term(UNIT, (least,)), beyond),), exponent),)

    return make


def joined(*shapes: Shape) -> Shape:
    """The product of shapes."""
    return lambda d: tuple(f for s in shapes for f in s(d))


def _shapes(q: str, role: str, zeros: bool) -> list[tuple[str, Shape]]:
    """Multiplicative shapes of one variable."""
    if role == "real":
        return [(f"exp({q})", exponential([q], -1)), (q, plain(q)), (f"{q}^2", numeric(q, TWO))]
    found: list[tuple[str, Shape]] = []
    if not zeros:
        found.append((f"{q}^-p", power(q, -1)))
    found.append((f"{q}^p", power(q, 1, exponent_kind(q, zeros))))
    if role in ("size", "positive"):
        found.append((f"log {q}", logarithm(q)))
        if role == "positive":
            found += [(q, plain(q)), (f"1/{q}", numeric(q, OVER)), (f"log^2 {q}", logarithm(q, 2))]
        return found
    found += [(q, plain(q)), (f"{q}^2", numeric(q, TWO))]
    if quantity(q).high <= 1.0:
        found += [(f"(1-{q})^p", complement(q, 1)), (f"(1-{q})^-p", complement(q, -1))]
    return found


# -- sums --------------------------------------------------------------------------------------------------------


def total(*shapes: Shape | None, open_end: bool = False) -> Group:
    """A sum of shapes (None is 1); the first coefficient is 1 unless `open_end`, the others are free."""

    def make(d: Fresh) -> Sum:
        terms = []
        for k, shape in enumerate(shapes):
            factors = () if shape is None else shape(d)
            coefficient = UNIT if k == 0 and not open_end else constant(d.new(AMPLITUDE))
            terms.append(Term(coefficient, factors))
        return tuple(terms)

    return make


def _pairs(q: str, role: str) -> list[tuple[str, tuple[Shape, Shape]]]:
    """Two shapes of one variable that belong together: with an interior optimum."""
    found: list[tuple[str, tuple[Shape, Shape]]] = []
    if role == "positive":
        found.append(("hook", (plain(q), numeric(q, OVER))))
    if role in ("positive", "size"):
        found.append(("valley", (logarithm(q), logarithm(q, 2))))
    if role in ("bounded", "proportion", "real"):
        found.append(("quadratic", (plain(q), numeric(q, TWO))))
    return found


def _groups(q: str, role: str, zeros: bool) -> list[tuple[str, Group]]:
    """Functions of one variable that a coefficient can become."""
    found = [(f"1+{label}", total(None, shape)) for label, shape in _shapes(q, role, zeros)]
    for name, (a, b) in _pairs(q, role):
        found.append((f"1+{name} {q}", total(None, a, b)))
        if name == "hook":
            found.append((f"{name} {q}", total(a, b)))
    return found


def _additions(q: str, role: str) -> list[tuple[str, Group]]:
    """Pairs of terms that are added at once."""
    return [(f"{name} {q}", total(a, b, open_end=True)) for name, (a, b) in _pairs(q, role)]
