"""Normal form: one way to write each form.

Every scale stands exactly once (see `scales`), equal powers are merged, groups of one term are dissolved, terms and
factors sorted, constants renumbered by first occurrence. A form in normal form is its own. Values travel along, which
gives a child of the search its warm start; what a child takes over from its parent unchanged is not looked at again.
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
    constants_of,
    free_constant,
    renumber,
    scalar_value,
    scalars,
    times,
    uses,
)
from formsearch.search.order import in_order
from formsearch.search.scales import Scales, power
from formsearch.search.settled import settled


class Sketch(NamedTuple):
    """A form with the values its constants start from; NaN means that a start has to be drawn."""

    form: Form
    values: tuple[float, ...]


class _Work(Scales):
    """One normalisation of a form that came from `parent`, in normal form, or from nowhere."""

    def __init__(self, body: Sum, kinds: Mapping[int, Kind], values: Mapping[int, float], parent: Form | None) -> None:
        super().__init__(body, kinds, values)
        self.parent = None if parent is None else settled(parent)

    # -- sums ----------------------------------------------------------------------------------------------------

    def sum(self, body: Sum) -> Sum:
        terms: list[Term] = []
        for term in body:
            if self.parent is not None and self.parent.keeps(term, self.count):
                terms.append(term)
            else:
                terms.extend(self.term(term))
        return self.merged(terms)

    def merged(self, terms: list[Term]) -> Sum:
        """Terms with equal factors become one."""
        if len(set(map(_outline, terms))) == len(terms):
            return tuple(t for t in terms if t.coefficient.number != 0)
        # Equal factors may stand in another order.
        terms = list(in_order(tuple(terms), self.kinds))
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
        self.values[own] = power(abs(self.value(own)), scalar_value(p, self.values))
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


def _outline(term: Term) -> int:
    """A number that is equal for equal terms, in whatever order they are written."""
    return sum(
        hash((f.function, f.exponent, len(f.arguments[0]))) if isinstance(f, Apply) else hash(f) for f in term.factors
    )


def normalise(
    body: Sum,
    kinds: Mapping[int, Kind],
    values: Mapping[int, float],
    level: Kind = LEVEL,
    parent: Form | None = None,
) -> Sketch:
    """The normal form, with the values of its constants (NaN where none is known).

    `level` is the kind of a constant that stands alone at the top: the irreducible part of the target. `parent` is a
    form in normal form from which this one came, with the same constants and new ones: what stands in it is kept.
    """
    work = _Work(body, kinds, values, parent)
    for _ in range(3):
        before = body
        body = work.sum(body)
        work.count = uses(body)
        if body == before:
            break
    body = tuple(t if t.factors or work.own(t.coefficient) is None else _level(t, work, level) for t in body)
    body = in_order(body, work.kinds, work.parent.keys(work.kinds) if work.parent is not None else None)
    mine = [constants_of(t) if work.parent is None else work.parent.constants(t) for t in body]
    order = list(dict.fromkeys(i for constants in mine for i in constants))
    to = {old: new for new, old in enumerate(order)}
    body = tuple(
        t if all(to[i] == i for i in constants) else renumber((t,), to)[0]
        for t, constants in zip(body, mine, strict=True)
    )
    form = Form(body, tuple(work.kinds[i] for i in order))
    return Sketch(form, tuple(float(work.value(i)) for i in order))


def _level(term: Term, work: _Work, level: Kind) -> Term:
    """A constant alone at the top is the irreducible level, unless a law bounds it otherwise."""
    index = free_constant(term.coefficient)
    assert index is not None
    if work.kinds[index] in (AMPLITUDE, POSITIVE):
        work.kinds[index] = level
    return term
