"""Solving du/dx = 0: powers, polynomials in a power, logarithms, shifted powers, then SymPy under a time limit."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Condition
from formsearch.derive.limits import GAVE_UP, limited
from formsearch.derive.simplify import Term, power_of_number, power_terms, tidy

if TYPE_CHECKING:
    import sympy

    from formsearch.derive.problem import Problem

_LONGEST = 120
"""Operations beyond which a closed form is a monster: the implicit equation says more."""


@dataclass(frozen=True)
class Stationary:
    """What is known of du/dx = 0.

    `terms` are those of y*du/dy if u is a sum of powers of y, which is x or `base`, a linear function of x (or, if
    `exponential`, e**x); `constant` is what u has beside them. `solutions` are closed forms; `outcome` is "none"
    (proved: no stationary point), "closed" or "implicit".
    """

    outcome: str
    slope: Any
    solutions: tuple[Any, ...]
    method: str
    conditions: tuple[Condition, ...] = ()
    terms: tuple[Term, ...] = ()
    slope_sign: int | None = None
    at_most_one: bool = False
    base: Any = None
    constant: Any = 0
    exponential: bool = False


def stationary(problem: Problem, u: Any, x: sympy.Symbol, seconds: float) -> Stationary:
    """Solve du/dx = 0 for x > 0 (or in the domain of x)."""
    import sympy

    slope = sympy.diff(u, x)
    if slope == 0:
        return Stationary("none", slope, (), f"nothing depends on {x}", slope_sign=0)
    sign, condition = problem.condition(slope)
    if sign in (1, -1) and condition.check.kind == "proved":
        return Stationary("none", slope, (), "the slope has one sign", (condition,), slope_sign=sign)
    for attempt in (_powers, _shifted_powers, _logarithms, _rational):
        answer = attempt(problem, u, slope, x)
        if answer is not None:
            return answer
    return _by_sympy(problem, slope, x, seconds)


# -- sums of powers -------------------------------------------------------------------------------------------------


def _powers(problem: Problem, u: Any, slope: Any, x: sympy.Symbol) -> Stationary | None:
    terms = power_terms(u, x)
    return None if terms is None else _solve_terms(problem, terms, slope, x, lambda y: y)


def _solve_terms(
    problem: Problem, terms: Sequence[Term], slope: Any, x: Any, back: Callable[[Any], Any]
) -> Stationary | None:
    """Zeros of sum g_i y**p_i, g_i = c_i p_i, y > 0, with x = back(y)."""
    import sympy

    constant = sympy.Add(*(t.coefficient for t in terms if t.exponent == 0))
    live = [Term(tidy(t.coefficient * t.exponent), t.exponent) for t in terms if t.exponent != 0]
    if not live:
        return None
    signs, conditions = [], []
    for t in live:
        sign, condition = problem.condition(t.coefficient)
        signs.append(sign)
        if condition.check.sentence not in ("every part is positive", "every part is negative"):
            conditions.append(condition)
    found = tuple(conditions)
    if None not in signs and len(set(signs)) == 1 and signs[0] != 0:
        return Stationary("none", slope, (), "every term of the slope has the same sign", found, tuple(live), signs[0])
    if len(live) == 1:
        return Stationary("implicit", slope, (), "one term whose sign changes with the other variables", found,
                          tuple(live), signs[0])  # fmt: skip
    if len(live) == 2:
        if (signs[0] or 0) * (signs[1] or 0) >= 0 and None not in signs:
            return Stationary("implicit", slope, (), "signs of the two terms vary", found, tuple(live))
        low, high = _ordered(problem, live)
        y = sympy.Pow(tidy(-low.coefficient / high.coefficient), 1 / (tidy(high.exponent - low.exponent)))
        return Stationary("closed", slope, (back(tidy(y)),), "two powers balance", found, (low, high),
                          constant=constant, at_most_one=True)  # fmt: skip
    roots = polynomial_roots(live)
    if roots is not None:
        solutions = tuple(back(r) for r in roots)
        return Stationary("closed", slope, solutions, f"a quadratic in a power of {x}", found, tuple(live))
    return Stationary("implicit", slope, (), f"{len(live)} powers balance", found, tuple(live),
                      at_most_one=_one_change(problem, live, signs))  # fmt: skip


def _ordered(problem: Problem, pair: Sequence[Term]) -> tuple[Term, Term]:
    """The two terms by rising exponent (as given, if the order is not known)."""
    a, b = pair
    sign, _ = problem.sign(b.exponent - a.exponent)
    return (b, a) if sign == -1 else (a, b)


def polynomial_roots(terms: Sequence[Term]) -> tuple[Any, ...] | None:
    """Both positive branches of sum c_i y**p_i = 0 where the exponents make it a quadratic in a power of y."""
    import sympy

    polynomial = _as_polynomial(terms)
    if polynomial is None:
        return None
    unit, degrees = polynomial
    return tuple(tidy(sympy.Pow(r, 1 / unit)) for r in _quadratic(terms, degrees))


def _as_polynomial(terms: Sequence[Term]) -> tuple[Any, list[int]] | None:
    """(unit, degrees) with exponents = first + unit * degree, degrees 0..2; None if there is no such unit."""
    import sympy

    first = terms[0].exponent
    gaps = [sympy.simplify(t.exponent - first) for t in terms]
    unit = next((g for g in gaps if g != 0), None)
    if unit is None:
        return None
    unit = -unit if unit.could_extract_minus_sign() or unit.is_negative else unit
    ratios = [sympy.simplify(g / unit) for g in gaps]
    if not all(r.is_Rational for r in ratios):
        return None
    common = sympy.ilcm(*(r.q for r in ratios)) if len(ratios) > 1 else 1
    steps = [int(r * common) for r in ratios]
    unit = unit / common
    divisor = sympy.igcd(*steps)
    steps, unit = [s // int(divisor) for s in steps], unit * divisor
    low = min(steps)
    degrees = [s - low for s in steps]
    return (unit, degrees) if max(degrees) == 2 else None


def _quadratic(terms: Sequence[Term], degrees: Sequence[int]) -> tuple[Any, ...]:
    import sympy

    by_degree = dict.fromkeys(range(3), sympy.Integer(0))
    for t, d in zip(terms, degrees, strict=True):
        by_degree[d] += t.coefficient
    c0, c1, c2 = by_degree[0], by_degree[1], by_degree[2]
    root = sympy.sqrt(tidy(c1**2 - 4 * c2 * c0))
    return tuple(tidy((-c1 + s * root) / (2 * c2)) for s in (1, -1))


def _one_change(problem: Problem, terms: Sequence[Term], signs: Sequence[int | None]) -> bool:
    """Descartes' rule for real exponents: coefficients in order of exponent change sign once, so one zero."""
    values = [problem.at(t.exponent) for t in terms]
    if None in signs or 0 in signs or any(v is None for v in values):
        return False
    ordered = [s for _, s in sorted(zip(values, signs, strict=True), key=lambda p: p[0])]  # type: ignore[arg-type, return-value]
    return sum(a != b for a, b in itertools.pairwise(ordered)) == 1


def _shifted_powers(problem: Problem, u: Any, slope: Any, x: sympy.Symbol) -> Stationary | None:
    """u as a sum of powers of a linear function of x, such as 1 - S."""
    import sympy

    bases = {p.base for p in u.atoms(sympy.Pow) if p.base.has(x) and p.base != x}
    for base in sorted(bases, key=str):
        poly = base.as_poly(x) if base.is_polynomial(x) else None
        if poly is None or poly.degree() != 1:
            continue
        b, a = poly.all_coeffs()
        positive, _ = problem.condition(base)
        if positive != 1:
            continue
        y = sympy.Dummy("y", positive=True)
        moved = u.subs(base, y).subs(x, (y - a) / b)
        terms = power_terms(moved, y)
        if terms is None:
            continue
        answer = _solve_terms(problem, terms, slope, x, lambda r, a=a, b=b: (r - a) / b)  # type: ignore[misc]
        if answer is not None:
            turn, _ = problem.sign(b)
            sign = None if answer.slope_sign is None or turn is None else answer.slope_sign * turn
            return replace(answer, method=f"in {base}: {answer.method}", base=base, slope_sign=sign)
    return None


# -- logarithms, rational slopes -------------------------------------------------------------------------------------


def _logarithms(problem: Problem, u: Any, slope: Any, x: sympy.Symbol) -> Stationary | None:
    """u as a polynomial of degree two in ln x."""
    import sympy

    t = sympy.Dummy("t", real=True)
    moved = sympy.expand(sympy.expand_log(u, force=True)).subs(sympy.log(x), t)
    if moved.has(x) or not moved.is_polynomial(t):
        return None
    poly = sympy.Poly(moved, t)
    if poly.degree() != 2:
        return None
    c2, c1, _ = poly.all_coeffs()
    exponent = tidy(-c1 / (2 * c2))
    root = power_of_number(exponent)
    return Stationary("closed", slope, (root,), f"a quadratic in ln {x}", at_most_one=True)


def _rational(problem: Problem, u: Any, slope: Any, x: sympy.Symbol) -> Stationary | None:
    """The numerator of the slope, if it is a polynomial of degree one or two in x times factors of one sign."""
    import sympy

    numerator, _ = sympy.fraction(sympy.together(slope))
    numerator = sympy.factor_terms(numerator)
    solutions: list[Any] = []
    decisive = 0
    for factor in sympy.Mul.make_args(numerator):
        if not factor.has(x) or problem.sign(factor)[0] in (1, -1):
            continue
        decisive += 1
        if not factor.is_polynomial(x):
            return None
        coefficients = sympy.Poly(factor, x).all_coeffs()
        if len(coefficients) == 2:
            solutions.append(tidy(-coefficients[1] / coefficients[0]))
        elif len(coefficients) == 3:
            c2, c1, c0 = coefficients
            root = sympy.sqrt(tidy(c1**2 - 4 * c2 * c0))
            solutions += [tidy((-c1 + s * root) / (2 * c2)) for s in (1, -1)]
        else:
            return None
    if not decisive or any(s.count_ops() > _LONGEST for s in solutions):
        return None
    return Stationary("closed", slope, tuple(solutions), "the numerator of the slope is a low polynomial",
                      at_most_one=len(solutions) == 1)  # fmt: skip


# -- the general solver ----------------------------------------------------------------------------------------------


def _numerator(slope: Any) -> Any:
    import sympy

    return sympy.fraction(sympy.together(slope))[0]


def _solve(equation: Any, x: Any) -> list[Any]:
    import sympy

    return list(sympy.solve(equation, x))


def _by_sympy(problem: Problem, slope: Any, x: sympy.Symbol, seconds: float) -> Stationary:
    import sympy

    if slope.has(sympy.Heaviside, sympy.Min, sympy.Max, sympy.Piecewise):
        return Stationary("implicit", slope, (), "the form is made of pieces")
    try:
        numerator = limited(seconds, _numerator, slope)
        roots = limited(seconds, _solve, numerator, x)
    except GAVE_UP:
        # Whether the algebra gives up just before the limit or is stopped at it depends on the machine's load, and a
        # derivation must say the same whenever it is made.
        return Stationary("implicit", slope, (), f"the algebra finds no closed form within {seconds:g} s")
    roots = [v for r in roots for v in _branches(r)]
    good = tuple(r for r in roots if not r.has(x) and not r.has(sympy.I) and r.count_ops() <= _LONGEST)
    if not good:
        return Stationary("implicit", slope, (), "no closed form is short enough to be of use")
    return Stationary("closed", slope, good, "solved by algebra")


def _branches(root: Any) -> list[Any]:
    """A root with Lambert's W on its main branch, and on the other real one, where the optimum often lies."""
    import sympy

    main = [w for w in root.atoms(sympy.LambertW) if len(w.args) == 1]
    return [root, root.xreplace({w: sympy.LambertW(w.args[0], -1) for w in main})] if main else [root]
