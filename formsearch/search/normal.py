"""Normal form: one way to write each form, with every scale exactly once.

A product of groups can be scaled up in one group and down in another. Here each term keeps one free scale: if the
term holds a group to the first power whose coefficients are free, the scale lives there (so that all of them are
conditionally linear, as e, f, m, n are in Zhao's (e*G + f/G + m*S**2 + n*S)*(N**-alpha + ...)); every other group has
one coefficient 1. Only constants that occur once are moved, so ties are never broken.

Equal powers are merged, groups of one term are dissolved, terms and factors sorted, constants renumbered by first
occurrence. Values travel along, which gives a child of the search its warm start.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from formsearch.search.grammar import (
    AMPLITUDE,
    EXPONENT,
    LEVEL,
    ONE,
    POSITIVE,
    SMOOTH,
    UNIT,
    Apply,
    Factor,
    Form,
    Kind,
    Power,
    Scalar,
    Sum,
    Term,
    free_constant,
    renumber,
    scalar_value,
    scalars,
    times,
    uses,
)
from formsearch.search.order import in_order, term_key


class Sketch(NamedTuple):
    """A form with the values its constants start from; NaN means that a start has to be drawn."""

    form: Form
    values: tuple[float, ...]


class _Work:
    """State of one normalisation: kinds, values and how often each constant occurs."""

    def __init__(self, body: Sum, kinds: Mapping[int, Kind], values: Mapping[int, float]) -> None:
        self.count = uses(body)
        self.kinds = dict(kinds)
        # Python's own numbers: they overflow to infinity without a warning.
        self.values = {i: float(values.get(i, math.nan)) for i in self.count}

    def own(self, s: Scalar) -> int | None:
        """The constant of `s` if it is a lone one that occurs nowhere else."""
        index = free_constant(s)
        return index if index is not None and self.count[index] == 1 else None

    def value(self, index: int) -> float:
        return self.values.get(index, math.nan)

    # -- sums ----------------------------------------------------------------------------------------------------

    def sum(self, body: Sum) -> Sum:
        terms: list[Term] = []
        for term in body:
            terms.extend(self.term(term))
        return self.merged(terms)

    def merged(self, terms: list[Term]) -> Sum:
        """Terms with equal factors become one."""
        place: dict[tuple[Factor, ...], int] = {}
        result: list[Term] = []
        for term in terms:
            if term.coefficient.number == 0:
                continue
            k = place.get(term.factors)
            if k is None:
                place[term.factors] = len(result)
                result.append(term)
                continue
            first = result[k]
            a, b = self.own(first.coefficient), self.own(term.coefficient)
            if a is not None and b is not None:
                self.values[a] = self.value(a) + self.value(b)
                self.drop(term)
            elif a is not None and not term.coefficient.constants:
                self.drop(term)
            elif b is not None and not first.coefficient.constants:
                self.drop(first)
                result[k] = term
            elif not term.coefficient.constants and not first.coefficient.constants:
                total = first.coefficient.number + term.coefficient.number
                result[k] = Term(Scalar(total), term.factors)
            else:
                result.append(term)
        return tuple(t for t in result if t.coefficient.number != 0)

    def drop(self, term: Term) -> None:
        for s in scalars((term,)):
            for index, _ in s.constants:
                self.count[index] -= 1

    # -- terms ---------------------------------------------------------------------------------------------------

    def term(self, term: Term) -> list[Term]:
        coefficient = term.coefficient
        factors: list[Factor] = []
        stack = list(reversed(term.factors))
        while stack:
            factor = stack.pop()
            if isinstance(factor, Power):
                factor = Power(factor.variable, self.plain_exponent(factor.exponent))
            if isinstance(factor, Apply):
                exponent = self.plain_exponent(factor.exponent) if factor.function == "power" else factor.exponent
                factor = Apply(factor.function, tuple(self.sum(a) for a in factor.arguments), exponent)
                if factor.function == "power" and len(factor.arguments[0]) == 1:
                    taken = self.dissolved(factor)
                    if taken is not None:
                        coefficient = times(coefficient, taken.coefficient)
                        stack.extend(reversed(taken.factors))
                        continue
                if factor.function == "exp" and not factor.arguments[0]:
                    continue
            factors.append(factor)
        coefficient = self.absorbed(coefficient)
        factors = self.powers(factors)
        term = self.gauged(Term(coefficient, tuple(factors)))
        groups = [f for f in term.factors if isinstance(f, Apply) and f.function == "power" and f.exponent == UNIT]
        if len(term.factors) == 1 and groups and term.coefficient == UNIT:
            return list(groups[0].arguments[0])
        return [term]

    def dissolved(self, group: Apply) -> Term | None:
        """(k*f)**p as a term, where that loses nothing."""
        (inner,) = group.arguments[0]
        p = group.exponent
        if p == UNIT:
            return inner
        own = self.own(inner.coefficient)
        if (own is None and inner.coefficient != UNIT) or len(p.constants) > 1:
            return None
        factors: list[Factor] = []
        single = self.own(p) is not None
        for f in inner.factors:
            if isinstance(f, Power) and not (f.exponent.constants and p.constants):
                factors.append(Power(f.variable, times(f.exponent, p)))
            elif isinstance(f, Power) and single and len(inner.factors) == 1:
                # (x**a)**p has one exponent too many.
                self.count[p.constants[0][0]] -= 1
                factors.append(Power(f.variable, Scalar(f.exponent.number * p.number, f.exponent.constants)))
            elif isinstance(f, Apply) and f.function == "power" and not (f.exponent.constants and p.constants):
                factors.append(Apply("power", f.arguments, times(f.exponent, p)))
            else:
                return None
        if single and len(factors) > 1:
            self.count[p.constants[0][0]] += len(factors) - 1
        if own is None:
            return Term(UNIT, tuple(factors))
        # k**p is as free as k.
        self.values[own] = _power(abs(self.value(own)), scalar_value(p, self.values))
        self.kinds[own] = self.kinds[own]._replace(high=math.inf) if self.kinds[own].low >= 0 else AMPLITUDE
        return Term(inner.coefficient._replace(number=ONE), tuple(factors))

    def plain_exponent(self, s: Scalar) -> Scalar:
        """An exponent a*b where a occurs nowhere else is as free as a alone."""
        own = [i for i, p in s.constants if abs(p) == 1 and self.count[i] == 1]
        if not own or (len(s.constants) == 1 and s.constants[0][1] == 1 and abs(s.number) == 1):
            return s
        keep = own[0]
        value = scalar_value(s, self.values)
        for i, _ in s.constants:
            if i != keep:
                self.count[i] -= 1
        sign = -1 if s.number < 0 else 1
        self.values[keep] = value * sign
        if self.kinds[keep].low >= 0 and self.kinds[keep] != SMOOTH:
            self.kinds[keep] = EXPONENT
        return Scalar(ONE * sign, ((keep, 1),))

    def absorbed(self, s: Scalar) -> Scalar:
        """A coefficient: a constant of its own swallows numbers and other constants of their own."""
        own = [i for i, p in s.constants if p == 1 and self.count[i] == 1]
        if not own:
            return s
        keep, rest = own[0], own[1:]
        value = self.value(keep)
        for i in rest:
            value *= self.value(i)
            self.count[i] -= 1
        others = tuple(c for c in s.constants if c[0] not in rest)
        if len(others) > 1:
            self.values[keep] = value
            return Scalar(s.number, others)
        self.values[keep] = value * float(s.number)
        if self.kinds[keep].low >= 0.0 and s.number < 0:
            self.kinds[keep] = AMPLITUDE
        return Scalar(ONE, others)

    def powers(self, factors: list[Factor]) -> list[Factor]:
        """Equal bases merged: numeric exponents add up, a second free exponent of its own is redundant."""
        numeric: dict[str, Scalar] = {}
        free: dict[str, Power] = {}
        rest: list[Factor] = []
        exponentials: list[Term] = []
        for f in factors:
            if isinstance(f, Power):
                if not f.exponent.constants:
                    old = numeric.get(f.variable, Scalar(ONE * 0))
                    numeric[f.variable] = Scalar(old.number + f.exponent.number)
                elif self.own(f.exponent) is not None and f.variable in free:
                    self.count[f.exponent.constants[0][0]] -= 1
                elif (
                    self.own(f.exponent) is None
                    and f.variable in free
                    and self.own(free[f.variable].exponent) is not None
                ):
                    self.count[free[f.variable].exponent.constants[0][0]] -= 1
                    free[f.variable] = f
                elif f.variable in free:
                    rest.append(f)
                else:
                    free[f.variable] = f
            elif isinstance(f, Apply) and f.function == "exp":
                exponentials.extend(f.arguments[0])
            else:
                rest.append(f)
        for x, p in free.items():
            if x in numeric and self.own(p.exponent) is not None:
                i = p.exponent.constants[0][0]
                self.values[i] = self.value(i) + float(numeric.pop(x).number / p.exponent.number)
        merged: list[Factor] = [Power(x, p) for x, p in numeric.items() if p.number != 0]
        merged.extend(free.values())
        merged.extend(rest)
        if exponentials:
            inside = self.merged(exponentials)
            if inside:
                merged.append(Apply("exp", (inside,)))
        return merged

    # -- scales --------------------------------------------------------------------------------------------------

    def gauged(self, term: Term) -> Term:
        """One free scale: groups are closed into the coefficient, then the best host is opened."""
        coefficient, factors = term.coefficient, list(term.factors)
        for k, f in enumerate(factors):
            if isinstance(f, Apply) and f.function in ("power", "exp"):
                coefficient, factors[k] = self.closed(coefficient, f)
        own = self.own(coefficient)
        if own is None:
            return Term(coefficient, tuple(factors))
        best, score = -1, 1
        for k, f in enumerate(factors):
            if isinstance(f, Apply) and f.function == "power" and f.exponent == UNIT:
                terms = f.arguments[0]
                free = sum(self.own(t.coefficient) is not None for t in terms)
                units = sum(t.coefficient == UNIT for t in terms)
                if units == 1 and free == len(terms) - 1 and free >= score:
                    best, score = k, free + 1
        if best < 0:
            return Term(coefficient, tuple(factors))
        group = factors[best]
        assert isinstance(group, Apply)
        scale = self.value(own)
        self.values[own] = scale
        opened: list[Term] = []
        for t in group.arguments[0]:
            if t.coefficient == UNIT:
                opened.append(Term(coefficient, t.factors))
                self.kinds[own] = AMPLITUDE
            else:
                i = self.own(t.coefficient)
                assert i is not None
                self.values[i] = self.value(i) * scale
                self.kinds[i] = AMPLITUDE
                opened.append(t)
        factors[best] = Apply("power", (tuple(opened),), UNIT)
        return Term(UNIT, tuple(factors))

    def closed(self, coefficient: Scalar, group: Apply) -> tuple[Scalar, Apply]:
        """A group whose coefficients are all free gives its scale to `coefficient`."""
        terms = group.arguments[0]
        if group.function == "exp":
            return self.without_offset(coefficient, group)
        owns = [self.own(t.coefficient) for t in terms]
        if not terms or any(o is None for o in owns):
            return coefficient, group
        p = group.exponent
        if len(p.constants) > 1 or (self.own(coefficient) is None and coefficient.constants):
            return coefficient, group
        # The same head whatever the order of the terms: 1 if there is one, else the first by name.
        head = min(range(len(terms)), key=lambda k: (bool(terms[k].factors), term_key(terms[k], self.kinds)))
        index = owns[head]
        assert index is not None
        k1 = self.value(index)
        power = float(p.number) * math.prod(_power(self.value(i), e) for i, e in p.constants)
        scale = math.copysign(_power(abs(k1), power), k1 if p == UNIT else 1.0) if k1 else math.nan
        own = self.own(coefficient)
        if own is None:
            self.values[index] = scale * float(coefficient.number)
            coefficient = Scalar(ONE, ((index, 1),))
        else:
            # In Python's floats, where what runs away is infinite without a warning.
            self.values[own] = float(self.value(own)) * scale
            self.count[index] -= 1
        self.kinds[free_constant(coefficient) or index] = AMPLITUDE
        positive = p != UNIT
        new = []
        for k, t in enumerate(terms):
            if k == head:
                new.append(Term(UNIT, t.factors))
                continue
            i = owns[k]
            assert i is not None
            self.values[i] = float(self.value(i)) / float(k1) if k1 else math.nan
            if positive:
                self.kinds[i] = POSITIVE
            new.append(t)
        return coefficient, Apply("power", (tuple(new),), p)

    def without_offset(self, coefficient: Scalar, group: Apply) -> tuple[Scalar, Apply]:
        """exp(c + ...) gives exp(c) to the coefficient."""
        terms = list(group.arguments[0])
        own = self.own(coefficient)
        for t in terms:
            i = self.own(t.coefficient)
            if not t.factors and i is not None and (own is not None or not coefficient.constants):
                terms.remove(t)
                shift = math.exp(min(self.value(i) * float(t.coefficient.number), 300.0))
                if own is None:
                    self.values[i] = shift * float(coefficient.number)
                    self.kinds[i] = AMPLITUDE
                    coefficient = Scalar(ONE, ((i, 1),))
                else:
                    self.values[own] = self.value(own) * shift
                    self.count[i] -= 1
                break
        return coefficient, Apply("exp", (tuple(terms),), group.exponent)


def _power(base: float, exponent: float) -> float:
    """NaN, a start to be drawn, where constants lead beyond double precision or off the real line."""
    try:
        value = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError):
        return math.nan
    return value if isinstance(value, float) else math.nan


def normalise(body: Sum, kinds: Mapping[int, Kind], values: Mapping[int, float], level: Kind = LEVEL) -> Sketch:
    """The normal form, with the values of its constants (NaN where none is known).

    `level` is the kind of a constant that stands alone at the top: the irreducible part of the target.
    """
    work = _Work(body, kinds, values)
    for _ in range(3):
        before = body
        body = work.sum(body)
        work.count = uses(body)
        if body == before:
            break
    body = tuple(t if t.factors or work.own(t.coefficient) is None else _level(t, work, level) for t in body)
    body = in_order(body, work.kinds)
    order: list[int] = []
    for s in scalars(body):
        order.extend(i for i, _ in s.constants if i not in order)
    body = renumber(body, {old: new for new, old in enumerate(order)})
    form = Form(body, tuple(work.kinds[i] for i in order))
    return Sketch(form, tuple(float(work.value(i)) for i in order))


def _level(term: Term, work: _Work, level: Kind) -> Term:
    """A constant alone at the top is the irreducible level, unless a law bounds it otherwise."""
    index = free_constant(term.coefficient)
    assert index is not None
    if work.kinds[index] in (AMPLITUDE, POSITIVE):
        work.kinds[index] = level
    return term
