"""Where a multi-start begins: nonlinear constants drawn from ranges that the form and the points suggest.

Linear constants need no start (the kernels solve them). An exponent is drawn from its stated range, or (0.05, 1).
Any other nonlinear constant is drawn around the size at which it matters on these points: the coefficient A in
(A*N**-alpha + ...)**k around 1/N0**-alpha at the geometric mean N0, the scale d in (1 + x/d) around x0.
Raw constants would span twenty orders of magnitude; drawn this way they span a few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.core.tape import Tape
from formsearch.law import Law

if TYPE_CHECKING:
    import sympy

    from formsearch.fit.problem import ByKey

Array = NDArray[np.float64]

EXPONENT = (0.05, 1.0)
SPREAD = (1e-2, 1e2)


@dataclass(frozen=True)
class Range:
    """Draw `scale` x [low, high], log-uniformly if `log`; `signed` draws either sign. `scale` is a SymPy expression."""

    low: float
    high: float
    log: bool
    scale: Any
    signed: bool = False


def ranges(law: Law) -> Mapping[str, Range]:
    """The start range of each constant: declared by the law, or inferred from where the constant stands."""
    from formsearch.fit.problem import ByKey

    return _ranges(ByKey(law))


@lru_cache(maxsize=1024)
def _ranges(wrapped: ByKey) -> Mapping[str, Range]:
    import sympy

    from formsearch.formula import parse_formula

    law = wrapped.law
    table: dict[str, Range] = {}
    for c in law.constants:
        if c.start is not None:
            table[c.symbol] = Range(c.start.low, c.start.high, c.start.log, parse_formula(c.start.scale, law.symbols))
        elif is_exponent(law, c.symbol):
            low, high = EXPONENT
            if c.upper <= 0:
                low, high = -high, -low
            table[c.symbol] = Range(
                max(low, c.lower), min(high, c.upper), False, sympy.Integer(1), c.lower < 0 < c.upper
            )
        else:
            one_sign = c.lower >= 0 or c.upper <= 0
            scale = _scale(law, c.symbol) * (-1 if c.upper <= 0 else 1)
            table[c.symbol] = Range(*SPREAD, True, scale, not one_sign)
    return MappingProxyType(table)


def is_exponent(law: Law, symbol: str) -> bool:
    """Whether the constant stands in an exponent over a row-dependent base."""
    import sympy

    c = law.symbols[symbol]
    return any(
        c in node.exp.free_symbols and node.base.free_symbols for node in law.expression.atoms(sympy.Pow)
    )  # fmt: skip


def held_as_logarithm(law: Law) -> list[bool]:
    """Constants that the kernels hold as logarithms: those above zero that are drawn log-uniformly."""
    table = ranges(law)
    return [c.lower >= 0 and table[c.symbol].log for c in law.constants]


def _scale(law: Law, symbol: str) -> sympy.Expr:
    """The size at which a constant matters: one over its cofactor in a product, or its siblings in a sum."""
    import sympy

    c = law.symbols[symbol]
    for node in sympy.preorder_traversal(law.expression):
        if c not in node.args and not any(a.is_Pow and a.base == c for a in node.args if isinstance(a, sympy.Pow)):
            continue
        if node.is_Mul:
            direct = next(a for a in node.args if a == c or (a.is_Pow and a.base == c))
            power = sympy.Integer(1) if direct == c else direct.exp
            cofactor = sympy.Mul(*(a for a in node.args if a != direct))
            return abs(cofactor) ** (-1 / power) if power.is_number and power != 0 else sympy.Integer(1)
        if node.is_Add and c in node.args:
            return sympy.Abs(sympy.Add(*(a for a in node.args if a != c)))
    return sympy.Integer(1)


def draw(law: Law, tape: Tape, columns: Mapping[str, Array], n: int, seed: int) -> Array:
    """`n` starts of shape (n, p), external constants, by a scrambled Sobol sequence; linear constants are zero.

    Deterministic for a seed. The first `k` starts of a longer draw are not those of a shorter one.
    """
    from scipy.stats import qmc

    names = [c for c, linear in zip(law.constant_names, tape.linear, strict=True) if not linear]
    starts = np.zeros((n, len(law.constants)))
    if not names:
        return starts[:1]
    size = 1 << max(n - 1, 0).bit_length()
    unit = qmc.Sobol(d=2 * len(names), seed=np.random.default_rng(seed)).random(size)[:n]
    table = ranges(law)
    centres = {law.symbols[v]: _centre(columns[v]) for v in law.variable_names}
    index = {name: i for i, name in enumerate(law.constant_names)}
    drawn: dict[Any, Array] = {}
    for name in _drawing_order(names, table):
        k = names.index(name)
        r, u = table[name], unit[:, 2 * k]
        values = np.exp(np.log(r.low) + u * np.log(r.high / r.low)) if r.log else r.low + u * (r.high - r.low)
        if r.signed:
            values = np.where(unit[:, 2 * k + 1] < 0.5, -values, values)
        values = values * _evaluate(r.scale.subs(centres), drawn, n)
        c = law.constant(name)
        values = np.clip(values, c.lower, c.upper)
        drawn[law.symbols[name]] = values
        starts[:, index[name]] = values
    return starts


def _drawing_order(names: list[str], table: Mapping[str, Range]) -> list[str]:
    """Each constant after those that its scale is a function of, exponents first; a circle is cut where it closes."""
    order: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        seen.add(name)
        for needed in sorted(str(s) for s in table[name].scale.free_symbols):
            if needed in names and needed not in seen:
                visit(needed)
        order.append(name)

    for name in sorted(names, key=lambda n: (table[n].log, names.index(n))):
        if name not in seen:
            visit(name)
    return order


def _centre(values: Array) -> float:
    """Geometric mean of the positive values (arithmetic if there are none)."""
    positive = values[values > 0]
    return float(np.exp(np.mean(np.log(positive)))) if len(positive) else float(np.mean(values))


def _evaluate(scale: Any, drawn: Mapping[Any, Array], n: int) -> Array:
    """A scale at drawn constants, shape (n,); constants not drawn yet (linear ones too) count as 1."""
    import sympy

    known = [s for s in scale.free_symbols if s in drawn]
    expression = scale.subs({s: 1 for s in scale.free_symbols if s not in drawn})
    if expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        return np.ones(n)  # its cofactor is zero at the centre of the points
    with np.errstate(all="ignore"):
        values = sympy.lambdify(known, expression, modules="numpy")(*(drawn[s] for s in known))
    values = np.broadcast_to(np.asarray(values, dtype=np.float64), (n,))
    return np.where(np.isfinite(values) & (values != 0), values, 1.0)
