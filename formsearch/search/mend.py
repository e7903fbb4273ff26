"""Mended forms: what a form found by genetic programming would be if its author knew how scaling laws go on.

Such engines fit inside the data, where c**x and k/x are as good as x**-p, and often cheaper by their count of nodes.
Beyond the data they are not: c**x dies or explodes. So each form is proposed as it is, and beside it

* with every exponential of variables as a product of powers (falling where the exponential fell), and
* with every whole or fractional power of a variable given a free exponent as well.

Whether a mended form is better is not assumed: all are refitted and judged alike, and what a form was before is told
in its steps.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from formsearch.search.engine import Proposal, Step
from formsearch.search.grammar import (
    EXPONENT,
    Apply,
    Factor,
    Form,
    Kind,
    Log,
    Power,
    Scalar,
    Sum,
    Term,
    complexity,
    describe,
    free_constant,
    number,
    scalar_value,
    times,
)

NAMES = ("exponentials as powers", "free exponents", "both")


class _Mender:
    """A form being rewritten; fresh exponents are numbered after the form's own constants."""

    def __init__(self, form: Form, values: tuple[float, ...], exponentials: bool, exponents: bool) -> None:
        self.kinds: list[Kind] = list(form.kinds)
        self.values = list(values)
        self.exponentials, self.exponents = exponentials, exponents
        self.changed = False

    def exponent(self, value: float) -> Scalar:
        """A fresh exponent of that sign, started at that size."""
        self.kinds.append(EXPONENT)
        self.values.append(abs(value))
        self.changed = True
        return times(number(math.copysign(1, value)), Scalar(constants=((len(self.kinds) - 1, 1),)))

    def sum(self, body: Sum) -> Sum:
        return tuple(self.term(t) for t in body)

    def term(self, term: Term) -> Term:
        factors: list[Factor] = []
        for f in term.factors:
            factors.extend(self.factor(f))
        return Term(term.coefficient, tuple(factors))

    def factor(self, f: Factor) -> list[Factor]:
        if isinstance(f, Log):
            return [f]
        if isinstance(f, Power):
            if self.exponents and not f.exponent.constants:
                return [Power(f.variable, self.exponent(float(f.exponent.number)))]
            return [f]
        if f.function == "exp" and self.exponentials:
            powers = self.powers(f.arguments[0])
            if powers is not None:
                return powers
        return [Apply(f.function, tuple(self.sum(a) for a in f.arguments), f.exponent)]

    def powers(self, inner: Sum) -> list[Factor] | None:
        """exp(r*x + s*y + ...) as x**p * y**q * ...; None where an exponential holds more than such terms."""
        slopes: dict[str, float] = {}
        for term in inner:
            slope = scalar_value(term.coefficient, self.values)
            if not math.isfinite(slope) or slope == 0.0:
                return None
            for f in term.factors:
                if not (isinstance(f, Power) and not f.exponent.constants):
                    return None
                slopes[f.variable] = slopes.get(f.variable, 0.0) + math.copysign(1, slope * float(f.exponent.number))
        if not slopes:
            return None
        return [Power(x, self.exponent(0.5 * s)) for x, s in slopes.items() if s]


def mended(proposal: Proposal) -> Iterator[Proposal]:
    """The proposal's mended forms, those that differ from it.

    New exponents start at 1/2 where an exponential was, else at their old size; coefficients start where they were.
    """
    for name, exponentials, exponents in zip(NAMES, (True, False, True), (False, True, True), strict=True):
        work = _Mender(proposal.form, proposal.constants, exponentials, exponents)
        body = work.sum(proposal.form.body)
        if not work.changed:
            continue
        form, values = Form(body, tuple(work.kinds)), tuple(work.values)
        step = Step(f"mended: {name}", describe(form), complexity(form), math.nan, math.nan)
        yield Proposal(form, values, proposal.engine, (*proposal.steps, step))


def without_exponentials(form: Form, values: tuple[float, ...]) -> tuple[Form, dict[int, float]] | None:
    """The form with every exponential of variables as a product of powers, and its constants; None if it has none."""
    work = _Mender(form, values, exponentials=True, exponents=False)
    body = work.sum(form.body)
    return (Form(body, tuple(work.kinds)), dict(enumerate(work.values))) if work.changed else None


def explodes(body: Sum, values: Sequence[float], sizes: Collection[str]) -> bool:
    """Whether a sum has c**x, x an axis of size to a positive power: it dies or explodes beyond the data."""

    def grows(inner: Sum) -> bool:
        return any(
            scalar_value(f.exponent, values) > 0 if isinstance(f, Power) and f.variable in sizes else
            isinstance(f, Apply) and any(map(grows, f.arguments))
            for term in inner for f in term.factors
        )  # fmt: skip

    return any(
        (f.function == "exp" and grows(f.arguments[0])) or any(explodes(a, values, sizes) for a in f.arguments)
        for term in body for f in term.factors if isinstance(f, Apply)
    )  # fmt: skip


def constant_exponents(form: Form, values: tuple[float, ...]) -> tuple[Form, dict[int, float]] | None:
    """The form with x**(something of a variable) replaced by a power of x with a free exponent; None if it has none.

    In the grammar such a power is exp(sum of ... * log x).
    """
    kinds = list(form.kinds)
    changed = False

    def factor(f: Factor) -> tuple[Factor, ...]:
        nonlocal changed
        if not isinstance(f, Apply):
            return (f,)
        if f.function == "exp":
            logs = sorted(logs_in(f.arguments[0]))
            if logs and any(len(t.factors) > 1 and logs_in((t,)) for t in f.arguments[0]):
                changed = True
                made = []
                for x in logs:
                    kinds.append(EXPONENT)
                    made.append(Power(x, Scalar(-1.0, ((len(kinds) - 1, 1),))))
                return tuple(made)
        return (Apply(f.function, tuple(total(a) for a in f.arguments), f.exponent),)

    def total(body: Sum) -> Sum:
        return tuple(Term(t.coefficient, tuple(g for f in t.factors for g in factor(f))) for t in body)

    body = total(form.body)
    if not changed:
        return None
    return Form(body, tuple(kinds)), dict(enumerate(values))


def logarithms_dissolved(form: Form, values: Mapping[int, float]) -> tuple[Form, dict[int, float]]:
    """The form with exp(s*log x + ...) written as x**s * exp(...): the same function, in the words of a scaling law.

    Engines write it where a power holds variables in its exponent, and what is left of that after pruning is a plain
    power. Where s is not known it is left as it is; one beyond what an exponent may be starts at that bound.
    """
    kinds, known = list(form.kinds), {**dict.fromkeys(range(len(form.kinds)), math.nan), **values}

    def exponent(s: Scalar) -> Scalar | None:
        if not s.constants:
            return s
        value = scalar_value(s, known)
        if not math.isfinite(value) or value == 0.0:
            return None
        kinds.append(EXPONENT)
        known[len(kinds) - 1] = min(max(abs(value), EXPONENT.low), EXPONENT.high)
        return Scalar(math.copysign(1.0, value), ((len(kinds) - 1, 1),))

    def factor(f: Factor) -> list[Factor]:
        if not isinstance(f, Apply):
            return [f]
        if f.function != "exp":
            return [Apply(f.function, tuple(total(a) for a in f.arguments), f.exponent)]
        made: list[Factor] = []
        rest: list[Term] = []
        for term in total(f.arguments[0]):
            (log, *more) = term.factors or (None,)
            power = exponent(term.coefficient) if isinstance(log, Log) and not more else None
            if isinstance(log, Log) and power is not None:
                made.append(Power(log.variable, power))
            else:
                rest.append(term)
        return [*made, Apply("exp", (tuple(rest),))] if rest else made

    def total(body: Sum) -> Sum:
        return tuple(Term(t.coefficient, tuple(g for f in t.factors for g in factor(f))) for t in body)

    return Form(total(form.body), tuple(kinds)), known


def logs_in(body: Sum) -> set[str]:
    """Variables whose logarithm occurs in a sum."""
    found: set[str] = set()
    for term in body:
        for f in term.factors:
            if isinstance(f, Log):
                found.add(f.variable)
            elif isinstance(f, Apply):
                found.update(*map(logs_in, f.arguments))
    return found


def without_a_term(body: Sum) -> Iterator[Sum]:
    """The sum without each of its terms, and with each inner sum so treated; and each product without each factor."""
    for k, term in enumerate(body):
        if len(body) > 1:
            yield body[:k] + body[k + 1 :]
        for j, f in enumerate(term.factors):
            others = term.factors[:j] + term.factors[j + 1 :]
            if free_constant(term.coefficient) is not None and others:
                yield (*body[:k], Term(term.coefficient, others), *body[k + 1 :])
            if not isinstance(f, Apply):
                continue
            for m, argument in enumerate(f.arguments):
                for smaller in without_a_term(argument):
                    arguments = (*f.arguments[:m], smaller, *f.arguments[m + 1 :])
                    changed = Apply(f.function, arguments, f.exponent)
                    factors = (*term.factors[:j], changed, *term.factors[j + 1 :])
                    yield (*body[:k], Term(term.coefficient, factors), *body[k + 1 :])
