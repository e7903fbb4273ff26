"""Equal forms of an expression: as terms in one variable, in a readable shape, and whether two are the same."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from formsearch.derive.limits import GAVE_UP, OutOfTime, limited

if TYPE_CHECKING:
    import sympy


# -- terms in one variable ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """coefficient * x**exponent, neither containing x."""

    coefficient: Any
    exponent: Any


def power_terms(expression: Any, x: sympy.Symbol) -> list[Term] | None:
    """The expression as a sum of powers of x with coefficients free of x, or None if it is not one.

    Sums that do not contain x are kept whole, so that nothing is multiplied out that need not be.
    """
    import sympy

    if not expression.has(x):
        return [Term(expression, sympy.Integer(0))]
    kept: dict[Any, Any] = {}

    def hide(node: Any) -> Any:
        if not node.has(x):
            if node.is_Add:
                sign = {"positive": True} if node.is_positive else {"real": True}
                return kept.setdefault(node, sympy.Dummy(**sign))
            return node
        if node.is_Atom:
            return node
        if node.is_Pow and not node.exp.has(x):
            return sympy.Pow(hide(node.base), node.exp)
        free, bound = [a for a in node.args if not a.has(x)], [a for a in node.args if a.has(x)]
        if node.is_Add and len(free) > 1:
            return node.func(hide(node.func(*free)), *map(hide, bound))
        return node.func(*map(hide, node.args))

    try:
        expanded = limited(_EXPAND_SECONDS, _expanded, hide(expression))
    except OutOfTime:
        return None
    back = {d: e for e, d in kept.items()}
    collected: dict[Any, Any] = {}
    for term in sympy.Add.make_args(expanded):
        coefficient, rest = term.as_independent(x, as_Add=False)
        rest = sympy.powsimp(rest, combine="exp")
        base, exponent = rest.as_base_exp()
        if rest == 1:
            exponent = sympy.Integer(0)
        elif base != x or exponent.has(x):
            return None
        exponent = sympy.expand(exponent.subs(back)) if back else sympy.expand(exponent)
        collected[exponent] = collected.get(exponent, sympy.Integer(0)) + coefficient
    terms = [Term(gathered(c.subs(back)), p) for p, c in collected.items()]
    return [t for t in terms if t.coefficient != 0]


def gathered(expression: Any) -> Any:
    """Common factors in front, without multiplying anything out."""
    import sympy

    if expression.is_Add:
        return sympy.factor_terms(expression)
    return expression


@lru_cache(maxsize=2048)
def tidy(expression: Any) -> Any:
    """A readable equal form: powers merged, common factors out; the shortest of a few cheap rewritings."""
    import sympy

    if expression.count_ops() > _TOO_LONG:
        return expression
    expression = _tidy_exponents(expression)
    options = [expression]
    for rewrite in (sympy.powsimp, sympy.factor_terms, _powers_then_terms):
        options.append(_tidy_exponents(rewrite(expression)))
    small = min(options, key=_length)
    if small.count_ops() < _FACTORED and len(small.free_symbols) <= _MANY:
        for rewrite in (_cancelled, _factored):
            with contextlib.suppress(*GAVE_UP, sympy.PolynomialError):
                options.append(_tidy_exponents(limited(_TIDY_SECONDS, rewrite, small)))
    return min(options, key=_length)


_TOO_LONG = 200
"""Operations beyond which no rewriting makes an expression readable, and each takes seconds."""
_FACTORED = 60
"""Operations up to which a polynomial is factored just to look better."""
_MANY = 9
"""Symbols up to which that is tried: polynomial algebra explodes with their number."""
_TIDY_SECONDS = 2.0


def _length(expression: Any) -> tuple[int, int]:
    """Operations, with a fraction inside a sum counted twice: one quotient reads better than nested ones."""
    import sympy

    nested = sum(
        f.as_base_exp()[1].is_negative is True or (f.is_Rational and f.q != 1)
        for total in expression.atoms(sympy.Add)
        for term in total.args
        for f in sympy.Mul.make_args(term)
        if not expression.is_Add
    )
    return expression.count_ops() + nested, len(str(expression))


def _powers_then_terms(expression: Any) -> Any:
    import sympy

    return sympy.factor_terms(sympy.powsimp(expression))


def _cancelled(expression: Any) -> Any:
    import sympy

    return sympy.cancel(expression) if expression.is_rational_function() else expression


def _factored(expression: Any) -> Any:
    import sympy

    return sympy.powsimp(sympy.factor(sympy.powsimp(expression)))


def _tidy_exponents(expression: Any) -> Any:
    """Exponents such as -1 + 1/(1 + alpha) over one denominator: -alpha/(1 + alpha)."""

    if expression.is_Atom:
        return expression
    parts = [_tidy_exponents(a) for a in expression.args]
    if expression.is_Pow and parts[1].free_symbols and parts[1].is_rational_function():
        parts[1] = _one_fraction(parts[1])
    if expression.is_Pow and parts[0].is_Add and parts[0].is_rational_function() and len(parts[0].free_symbols) <= 4:
        parts[0] = min(parts[0], _one_fraction(parts[0]), key=_length)
    return expression.func(*parts) if tuple(parts) != expression.args else expression


_EXPAND_SECONDS = 2.0


def _expanded(expression: Any) -> Any:
    import sympy

    return sympy.expand(sympy.expand_power_base(expression), log=False)


def power_of_number(exponent: Any) -> Any:
    """exp(exponent) with logarithms in it undone: 10**(-b/c) for -b/c*ln 10, p*D**r for ln p + r*ln D."""
    import sympy

    factors = []
    for term in sympy.Add.make_args(sympy.expand(exponent) if exponent.is_Add else exponent):
        logs = [f for f in sympy.Mul.make_args(term) if isinstance(f, sympy.log)]
        if len(logs) != 1 or not (logs[0].args[0].is_number or exponent.is_Add):
            return sympy.exp(exponent)
        factors.append(sympy.Pow(logs[0].args[0], term / logs[0]))
    return sympy.Mul(*factors)


def presented(expression: Any) -> Any:
    """For print: like `tidy`, with roots over whole quotients, sqrt(f/e) rather than sqrt(f)/sqrt(e)."""
    import sympy

    if isinstance(expression, sympy.core.relational.Relational):
        return expression.func(*(presented(a) for a in expression.args), evaluate=False)
    if expression.count_ops() > _TOO_LONG:
        return expression
    try:
        return limited(_PRESENTED_SECONDS, _presented, expression)
    except OutOfTime:
        return expression


_PRESENTED_SECONDS = 3.0


@lru_cache(maxsize=512)
def _presented(expression: Any) -> Any:
    import sympy

    return _merged_powers(_merged_roots(sympy.powsimp(tidy(expression), deep=True, combine="exp")))


def _merged_powers(expression: Any) -> Any:
    """Positive factors with one fractional exponent under one power: (a/b)**(1/(p + q)), not a**(..)*b**(..)."""
    import sympy

    if expression.is_Atom or isinstance(expression, sympy.core.relational.Relational):
        return expression
    parts = [_merged_powers(a) for a in expression.args]
    if not expression.is_Mul:
        if expression.is_Pow:
            return sympy.Pow(*parts, evaluate=False) if tuple(parts) != expression.args else expression
        return expression.func(*parts) if tuple(parts) != expression.args else expression
    groups: dict[Any, list[tuple[Any, Any]]] = {}
    rest: list[Any] = []
    for part in parts:
        base, exponent = part.as_base_exp()
        times, unit = exponent.as_coeff_Mul()
        if part.is_Pow and base.is_positive and times.is_Rational and sympy.fraction(unit)[1].free_symbols:
            groups.setdefault(unit, []).append((base, times))
        else:
            rest.append(part)
    if all(len(g) == 1 for g in groups.values()):
        return sympy.Mul(*parts, evaluate=False) if tuple(parts) != expression.args else expression
    return sympy.Mul(*rest, *(_one_power(pairs, unit) for unit, pairs in groups.items()), evaluate=False)


def _one_power(pairs: list[tuple[Any, Any]], unit: Any) -> Any:
    """Product of base**(times*unit) as a single power; a perfect square and the like inside it is taken out."""
    import sympy

    common = min((abs(t) for _, t in pairs), default=sympy.Integer(1))
    if not all((t / common).is_Integer for _, t in pairs):
        return sympy.Mul(*(b ** (t * unit) for b, t in pairs), evaluate=False)
    inside = sympy.Mul(*(b ** (t / common) for b, t in pairs))
    powers = inside.as_powers_dict()
    shared = math.gcd(*(int(e) for e in powers.values())) if all(e.is_Integer for e in powers.values()) else 1
    if shared > 1:
        root = sympy.Mul(*(b ** (e / shared) for b, e in powers.items()))
        if root.is_positive:
            inside, common = root, common * shared
    return sympy.Pow(inside, common * unit, evaluate=False)


@lru_cache(maxsize=2048)
def _one_fraction(expression: Any) -> Any:
    """A rational expression over one denominator, factored (unchanged, if that takes too long)."""
    try:
        return limited(_TIDY_SECONDS, _factored_fraction, expression)
    except (OutOfTime, ValueError):
        return expression


def _factored_fraction(expression: Any) -> Any:
    import sympy

    return sympy.factor(sympy.cancel(expression))


def _merged_roots(expression: Any) -> Any:
    import sympy

    if expression.is_Atom:
        return expression
    parts = [_merged_roots(a) for a in expression.args]
    if not expression.is_Mul:
        return expression.func(*parts) if tuple(parts) != expression.args else expression
    roots: dict[Any, list[Any]] = {}
    rest: list[Any] = []
    for part in parts:
        base, exponent = part.as_base_exp()
        if exponent.is_Rational and not exponent.is_Integer and base.is_positive:
            roots.setdefault(abs(exponent), []).append(base if exponent > 0 else 1 / base)
        else:
            rest.append(part)
    merged = [
        sympy.Pow(sympy.Mul(*bases), e, evaluate=False) if len(bases) > 1 else sympy.Pow(bases[0], e)
        for e, bases in roots.items()
    ]
    if all(len(b) == 1 for b in roots.values()):
        return sympy.Mul(*parts)
    return merged[0] if not rest and len(merged) == 1 else sympy.Mul(*rest, *merged, evaluate=False)


def same(a: Any, b: Any, seconds: float = 2.0) -> bool | None:
    """Whether two expressions are equal: True if algebra shows it, None if it does not (in time)."""
    if a - b == 0:
        return True
    try:
        return limited(seconds, _vanishes, a - b)
    except GAVE_UP:
        return None


def _vanishes(difference: Any) -> bool | None:
    import sympy

    if sympy.powsimp(sympy.expand(difference)) == 0:
        return True
    spread = sympy.expand(sympy.expand_power_base(sympy.powdenest(difference)))
    if spread == 0 or sympy.powsimp(spread) == 0:
        return True
    if sympy.powsimp(sympy.expand(sympy.together(difference))) == 0:
        return True
    return True if sympy.simplify(difference) == 0 else None


# -- names ---------------------------------------------------------------------------------------------------------


def symbols_named(expression: Any, names: Iterable[str]) -> tuple[str, ...]:
    """Which of the names occur in the expression, in the order given."""
    free = {str(s) for s in expression.free_symbols}
    return tuple(n for n in names if n in free)
