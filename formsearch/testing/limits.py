"""Two checks of a law's limit as a variable goes to infinity: numbers far out, and SymPy within a time limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from formsearch.derive.limits import GAVE_UP, limited
from formsearch.formula import parse_formula
from formsearch.law import Law

if TYPE_CHECKING:
    import sympy

FAR = (10**2, 10**3, 10**4, 10**6, 10**12, 10**30, 10**60, 10**120)
"""Binary exponents of the values that are tried: mpmath's exponents are whole numbers of any size."""

SYMPY_SECONDS = 1.0


def numeric_limit_gap(law: Law, symbol: str, claim: str, table: Mapping[str, float]) -> float:
    """How far the form stays from the claimed limit, relative to it, at the farthest value that was needed.

    For the claim `"oo"` it is 0 if the form grows beyond every bound that was tried, and infinite otherwise.
    """
    import mpmath
    import sympy

    names = sorted(n for n in table if n != symbol)
    symbols = [law.symbols[n] for n in names]
    form = sympy.lambdify([law.symbols[symbol], *symbols], law.expression, modules="mpmath")
    with mpmath.workdps(40):
        others = [mpmath.mpf(table[n]) for n in names]
        # Far-out values inside an exponential would need more memory than there is.
        far = FAR[:3] if _inside_exponential(law.expression, law.symbols[symbol]) else FAR
        if claim == "oo":
            values = [form(mpmath.ldexp(1, e), *others) for e in far]
            grows = all(earlier < later for earlier, later in pairwise(values))
            return 0.0 if grows and values[-1] > 1e12 else math.inf
        target = sympy.lambdify(symbols, parse_formula(claim, law.symbols), modules="mpmath")(*others)
        gap = mpmath.inf
        for exponent in far:
            gap = abs(form(mpmath.ldexp(1, exponent), *others) - target) / (abs(target) or 1)
            if gap < 1e-9:
                break
        return float(gap)


def symbolic_limit_gap(law: Law, symbol: str, claim: str, table: Mapping[str, float]) -> float | None:
    """Relative difference of SymPy's limit and the claim at `table`; None if SymPy does not find it in time."""
    import sympy

    limit = _symbolic_limit(law.expression, law.symbols[symbol])
    if limit is None:
        return None
    values: dict[Any, Any] = {law.symbols[k]: sympy.Float(v, 30) for k, v in table.items()}
    at = limit.subs(values)
    if claim == "oo":
        return 0.0 if at == sympy.oo else math.inf
    expected = parse_formula(claim, law.symbols).subs(values)
    return float(abs(sympy.N(at - expected, 20)) / (abs(sympy.N(expected, 20)) or 1))


@lru_cache(maxsize=1024)
def _symbolic_limit(expression: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr | None:
    import sympy

    try:
        limit = limited(SYMPY_SECONDS, sympy.limit, expression, symbol, sympy.oo)
    except GAVE_UP:
        return None
    return None if limit.has(sympy.Limit) else limit


def _inside_exponential(expression: sympy.Expr, symbol: sympy.Symbol) -> bool:
    import sympy

    powers = (p for p in expression.atoms(sympy.Pow, sympy.exp) if p.exp.has(symbol))
    return any(not p.exp.subs(symbol, sympy.exp(symbol)).is_polynomial(symbol) for p in powers)
