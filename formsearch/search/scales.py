"""The scales of a form: every one exactly once.

A product of groups can be scaled up in one group and down in another. Here each term keeps one free scale: if the
term holds a group to the first power whose coefficients are free, the scale lives there (so that all of them are
conditionally linear, as e, f, m, n are in Zhao's (e*G + f/G + m*S**2 + n*S)*(N**-alpha + ...)); every other group has
one coefficient 1. Only constants that occur once are moved, so ties are never broken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from formsearch.search.grammar import (
    AMPLITUDE,
    ONE,
    POSITIVE,
    UNIT,
    Apply,
    Kind,
    Scalar,
    Sum,
    Term,
    free_constant,
    uses,
)
from formsearch.search.order import key_in_order


class Scales:
    """A form being put in order: the kinds and values of its constants, and how often each occurs."""

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
        """The value of a constant, NaN where none is known."""
        return self.values.get(index, math.nan)

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

    def gauged(self, term: Term) -> Term:
        """One free scale: groups are closed into the coefficient, then the best host is opened."""
        coefficient, factors = term.coefficient, list(term.factors)
        for k, f in enumerate(factors):
            if isinstance(f, Apply) and f.function in ("power", "exp"):
                coefficient, factors[k] = self.closed(coefficient, f)
        own = self.own(coefficient)
        if own is None:
            return Term(coefficient, tuple(factors))
        hosts: dict[int, list[int]] = {}
        for k, f in enumerate(factors):
            if isinstance(f, Apply) and f.function == "power" and f.exponent == UNIT:
                terms = f.arguments[0]
                free = sum(self.own(t.coefficient) is not None for t in terms)
                if free and free == len(terms) - 1 and any(t.coefficient == UNIT for t in terms):
                    hosts.setdefault(free, []).append(k)
        if not hosts:
            return Term(coefficient, tuple(factors))
        best, *rivals = hosts[max(hosts)]
        if rivals:
            # Of groups that are as large the last by what it says, in whatever order the factors stand.
            plain = dict.fromkeys(self.kinds, AMPLITUDE)
            best = max((best, *rivals), key=lambda k: key_in_order((Term(UNIT, (factors[k],)),), plain))
        group = factors[best]
        assert isinstance(group, Apply)
        scale = self.value(own)
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
        head = min(range(len(terms)), key=lambda k: (bool(terms[k].factors), key_in_order((terms[k],), self.kinds)))
        index = owns[head]
        assert index is not None
        k1 = self.value(index)
        exponent = float(p.number) * math.prod(power(self.value(i), e) for i, e in p.constants)
        scale = math.copysign(power(abs(k1), exponent), k1 if p == UNIT else 1.0) if k1 else math.nan
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


def power(base: float, exponent: float) -> float:
    """NaN, a start to be drawn, where constants lead beyond double precision or off the real line."""
    try:
        value = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError):
        return math.nan
    return value if isinstance(value, float) else math.nan
