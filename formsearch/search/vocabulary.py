"""Which operators a form is built from: a user's `operators` hold for every engine, whatever it can build by itself.

    +    a sum of terms                   *    a product           /    a division by a variable or a sum
    pow  a power with a constant exponent      log, exp            the functions

The house grammar also has minima, maxima and absolute values, for which there is no word: they are left out as soon as
any operator is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from formsearch.search.engine import OPERATORS
from formsearch.search.grammar import UNIT, Apply, Factor, Form, Log, Scalar, Sum

NAMELESS = ""
"""The operators that have no word."""


def says(form: Form, operators: Collection[str]) -> bool:
    """Whether a form can be built from these operators. A division is a power, of -1."""
    given = {*operators, *(["/"] if "pow" in operators else [])}
    return given >= set(OPERATORS) or given >= set(_words(form.body))


def _words(body: Sum) -> Iterator[str]:
    if len(body) > 1:
        yield "+"
    for term in body:
        constants = sum(abs(power) for _, power in term.coefficient.constants)
        # A sign belongs to the sum that a term stands in.
        if (abs(term.coefficient.number) != 1.0) + constants + len(term.factors) > 1:
            yield "*"
        for factor in term.factors:
            yield from _words_of(factor)


def _words_of(factor: Factor) -> Iterator[str]:
    if isinstance(factor, Log):
        yield "log"
        return
    if not isinstance(factor, Apply):
        yield from _words_of_power(factor.exponent)
        return
    if factor.function == "power":
        yield from _words_of_power(factor.exponent)
    else:
        yield factor.function if factor.function in OPERATORS else NAMELESS
    for argument in factor.arguments:
        yield from _words(argument)


def _words_of_power(exponent: Scalar) -> Iterator[str]:
    if exponent == UNIT:
        return
    if exponent.constants or not exponent.number.is_integer():
        yield "pow"
        return
    if abs(exponent.number) > 1.0:
        yield "*"  # x*x
    if exponent.number < 0.0:
        yield "/"
