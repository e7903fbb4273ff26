"""The typed grammar of scaling-law shapes, as compact immutable trees that the search builds and rewrites.

    Sum    = Term + Term + ...
    Term   = coefficient * Factor * Factor * ...
    Factor = Power(x, p)                x**p; p is free, tied to another exponent, or a simple number
           | Log(x)                     the natural logarithm of a variable
           | Apply("power", (Sum,), p)  Sum**p: shifted and saturating powers, broken powers, an outer power
           | Apply("exp" | "log" | "abs" | "min" | "max", Sums)

A coefficient or exponent is a `Scalar`: a number (float64: a search compares and hashes them all the time) times whole
powers of constants. Constants are numbered; equal numbers are the same constant, which is how exponents are tied.
`Kind` says what a constant may be.
SymPy has no part in this module: a search handles tens of thousands of forms, and only survivors become laws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ONE = 1.0


class Kind(NamedTuple):
    """What a constant may be: a short tag, its bounds, and whether a start is drawn log-uniformly in `start`."""

    tag: str
    low: float
    high: float
    start: tuple[float, float]
    log: bool = False


INFINITE = float("inf")
AMPLITUDE = Kind("a", -INFINITE, INFINITE, (-1.0, 1.0))
"""A coefficient of either sign."""
POSITIVE = Kind("k", 0.0, INFINITE, (1e-2, 1e2), log=True)
"""A coefficient of a group, positive so that the group is (held as its logarithm where it is nonlinear)."""
LEVEL = Kind("E", 0.0, INFINITE, (0.0, 1.0))
"""The irreducible constant of a positive target."""
EXPONENT = Kind("p", 0.01, 6.0, (0.1, 1.0))
"""An exponent's size; its sign stands in the form."""
SMOOTH = Kind("p", 1.0, 6.0, (1.0, 3.0))
"""The exponent of a variable that is zero in some rows: a smaller one would have an infinite slope among the data."""
RATE = Kind("r", -INFINITE, INFINITE, (-0.3, 0.3))
"""A coefficient inside an exponential or of a product of logarithms: a slope of either sign."""


class Scalar(NamedTuple):
    """number * constant**power * ...; `constants` holds (constant, whole power), by constant."""

    number: float = ONE
    constants: tuple[tuple[int, int], ...] = ()


class Power(NamedTuple):
    """variable ** exponent."""

    variable: str
    exponent: Scalar


class Log(NamedTuple):
    """log(variable)."""

    variable: str


class Term(NamedTuple):
    """coefficient * product of factors."""

    coefficient: Scalar
    factors: tuple[Factor, ...] = ()


class Apply(NamedTuple):
    """A function of sums. `exponent` is read by "power" only."""

    function: str
    arguments: tuple[tuple[Term, ...], ...]
    exponent: Scalar = Scalar()


Sum = tuple[Term, ...]
Factor = Power | Log | Apply


class Form(NamedTuple):
    """A form: its sum, and the kind of every constant by number."""

    body: Sum
    kinds: tuple[Kind, ...]


UNIT = Scalar()


def number(value: float) -> Scalar:
    """A scalar without constants."""
    return Scalar(float(value))


def constant(index: int, times: float = 1.0) -> Scalar:
    """A constant, perhaps with a number before it."""
    return Scalar(float(times), ((index, 1),))


def times(a: Scalar, b: Scalar) -> Scalar:
    """The product of two scalars."""
    if not a.constants:
        return Scalar(a.number * b.number, b.constants)
    if not b.constants:
        return Scalar(a.number * b.number, a.constants)
    powers = Counter(dict(a.constants))
    for index, power in b.constants:
        powers[index] += power
    return Scalar(a.number * b.number, tuple(sorted((i, p) for i, p in powers.items() if p)))


def free_constant(s: Scalar) -> int | None:
    """The constant of a scalar that is one constant, to the first power, with any number."""
    if len(s.constants) == 1 and s.constants[0][1] == 1 and s.number:
        return s.constants[0][0]
    return None


def scalar_value(s: Scalar, values: Mapping[int, float] | Sequence[float] | NDArray[np.float64]) -> float:
    """The number a scalar stands for."""
    result = float(s.number)
    for i, p in s.constants:
        result *= float(values[i]) ** p
    return result


# -- walking -----------------------------------------------------------------------------------------------------


def scalars(body: Sum) -> Iterator[Scalar]:
    """Every scalar of a sum, depth first."""
    for term in body:
        yield term.coefficient
        for factor in term.factors:
            if isinstance(factor, Power):
                yield factor.exponent
            elif isinstance(factor, Apply):
                if factor.function == "power":
                    yield factor.exponent
                for argument in factor.arguments:
                    yield from scalars(argument)


def uses(body: Sum) -> Counter[int]:
    """How often each constant occurs."""
    count: Counter[int] = Counter()
    _count(body, count)
    return count


def constants_of(term: Term) -> tuple[int, ...]:
    """The constants of a term by first occurrence."""
    return tuple(dict.fromkeys(i for s in scalars((term,)) for i, _ in s.constants))


def _count(body: Sum, count: Counter[int]) -> None:
    # As `scalars` walks, without its generators: a search asks this of every form a dozen times.
    for coefficient, factors in body:
        for index, _ in coefficient.constants:
            count[index] += 1
        for factor in factors:
            if isinstance(factor, Log):
                continue
            if isinstance(factor, Power) or factor.function == "power":
                for index, _ in factor.exponent.constants:
                    count[index] += 1
            if isinstance(factor, Apply):
                for argument in factor.arguments:
                    _count(argument, count)


def is_fixed(factor: Factor) -> bool:
    """Whether a factor holds no constants, so that it is a column of data."""
    if isinstance(factor, Power):
        return not factor.exponent.constants
    if isinstance(factor, Log):
        return True
    return not factor.exponent.constants and all(not uses(argument) for argument in factor.arguments)


def variables(body: Sum) -> set[str]:
    """Names of the variables that occur."""
    found: set[str] = set()
    for term in body:
        for factor in term.factors:
            if isinstance(factor, Apply):
                for argument in factor.arguments:
                    found |= variables(argument)
            else:
                found.add(factor.variable)
    return found


def map_scalars(body: Sum, change: Callable[[Scalar], Scalar]) -> Sum:
    """The sum with every scalar replaced."""

    def of(factor: Factor) -> Factor:
        if isinstance(factor, Power):
            return Power(factor.variable, change(factor.exponent))
        if isinstance(factor, Log):
            return factor
        exponent = change(factor.exponent) if factor.function == "power" else factor.exponent
        return Apply(factor.function, tuple(map_scalars(a, change) for a in factor.arguments), exponent)

    return tuple(Term(change(t.coefficient), tuple(map(of, t.factors))) for t in body)


def renumber(body: Sum, to: dict[int, int]) -> Sum:
    """The sum with constants renumbered (several may get the same number: a tie)."""

    def change(s: Scalar) -> Scalar:
        if not s.constants:
            return s
        if len(s.constants) == 1:
            ((i, p),) = s.constants
            return s if to.get(i, i) == i else Scalar(s.number, ((to[i], p),))
        powers: Counter[int] = Counter()
        for i, p in s.constants:
            powers[to.get(i, i)] += p
        return Scalar(s.number, tuple(sorted((i, p) for i, p in powers.items() if p)))

    return map_scalars(body, change)


# -- one form from another ---------------------------------------------------------------------------------------


def fingerprint(form: Form) -> int:
    """A number of 64 bits for a form, the same in every process (Python's own hash of a text is not)."""
    return hash((*map(_stable, form.body), *map(_stable, form.kinds)))


@lru_cache(maxsize=1 << 16)
def _stable(part: Term | Kind) -> int:
    return int.from_bytes(blake2b(repr(part).encode(), digest_size=8).digest(), "big")


# -- how large a form is -----------------------------------------------------------------------------------------


def complexity(form: Form) -> int:
    """Constants + operators, as `formsearch.search.canonical.complexity` counts them on the SymPy tree."""
    return len(uses(form.body)) + operators(form.body)


def operators(body: Sum) -> int:
    """Additions, multiplications or divisions, powers and functions in a sum."""
    return max(len(body) - 1, 0) + sum(_term_operators(t) for t in body)


def _scalar_size(s: Scalar) -> tuple[int, int]:
    """(parts of a product, operators inside the parts)."""
    parts = sum(1 for _ in s.constants) + (abs(s.number) != 1)
    return parts, sum(1 for _, p in s.constants if abs(p) != 1)


def _power_operators(exponent: Scalar) -> int:
    """Operators that raising to `exponent` adds; 1/x is counted as the division it will be."""
    if not exponent.constants:
        return 0 if abs(exponent.number) == 1 else 1
    parts, inside = _scalar_size(exponent)
    return 1 + inside + max(parts - 1, 0)


@lru_cache(maxsize=1 << 15)
def _term_operators(term: Term) -> int:
    parts, inside = _scalar_size(term.coefficient)
    for factor in term.factors:
        parts += 1
        if isinstance(factor, Power):
            inside += _power_operators(factor.exponent)
        elif isinstance(factor, Log):
            inside += 1
        else:
            inside += sum(map(operators, factor.arguments))
            if factor.function == "power":
                inside += _power_operators(factor.exponent)
            else:
                inside += max(len(factor.arguments) - 1, 1)
    return inside + max(parts - 1, 0)


def describe(form: Form, values: Iterable[float] | None = None) -> str:
    """The form in a line, for traces and messages: constants as c0, c1, ... or as numbers."""
    shown = [f"{v:.4g}" for v in values] if values is not None else [f"c{i}" for i in range(len(form.kinds))]

    def scalar(s: Scalar) -> str:
        parts = [shown[i] + ("" if p == 1 else f"^{p}") for i, p in s.constants]
        if abs(s.number) != 1 or not parts:
            parts.insert(0, f"{float(abs(s.number)):.4g}")
        return ("-" if s.number < 0 else "") + "*".join(parts)

    def factor(f: Factor) -> str:
        if isinstance(f, Log):
            return f"log({f.variable})"
        if isinstance(f, Power):
            return f.variable if f.exponent == UNIT else f"{f.variable}^{scalar(f.exponent)}"
        inside = ", ".join(map(total, f.arguments))
        if f.function != "power":
            return f"{f.function}({inside})"
        return f"({inside})" if f.exponent == UNIT else f"({inside})^{scalar(f.exponent)}"

    def term(t: Term) -> str:
        head = [] if t.coefficient == UNIT and t.factors else [scalar(t.coefficient)]
        return "*".join(head + [factor(f) for f in t.factors])

    def total(body: Sum) -> str:
        return " + ".join(map(term, body)) or "0"

    return total(form.body)
