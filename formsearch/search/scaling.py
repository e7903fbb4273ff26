"""Variables in units of their geometric means, and the exact way back.

Searches by genetic programming fail on raw sizes (1e9 parameters, 1e11 tokens) and in single precision they cannot
even hold the amplitudes. So engines see x = X/scale, under names of our own, and a target y = Y/scale. What they find
is mapped back symbolically: each X/scale is put in, and all that is constant is folded into as few free constants as
the form has (k*(X/s)**-p becomes K*X**-p with K = k*s**p), in 30 digits. The other direction takes laws in, to seed a
search.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import InputError
from formsearch.frozen import ByFields
from formsearch.law import Constant, Law, Variable
from formsearch.search.fold import fold, fresh_names
from formsearch.search.parse import Read, read_infix

if TYPE_CHECKING:
    import sympy

    from formsearch.points import Points
    from formsearch.search.engine import Proposal, Step
    from formsearch.search.grammar import Form

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling(ByFields):
    """How the quantities of a table are named and scaled for an engine.

    names : quantity -> name in the engine. scales : quantity -> the unit the engine sees it in. target : the unit of
    the target. target_quantity : what the target is.
    """

    names: Mapping[str, str]
    scales: Mapping[str, float]
    target: float = 1.0
    target_quantity: str = "loss"

    @classmethod
    def of(cls, points: Points, quantities: Sequence[str], names: Sequence[str] | None = None) -> Scaling:
        """Geometric means of the columns; for a column that is not positive the mean of its absolute values, but 1
        where that is of order 1 already. `names` are x1, x2, ... by default.

        Raises `InputError` for a column that is not finite, is zero throughout or does not vary.
        """
        named = list(names) if names is not None else [f"x{i + 1}" for i in range(len(quantities))]
        scales = {}
        for q in quantities:
            v = points.column(q)
            if not np.isfinite(v).all():
                row = int(np.flatnonzero(~np.isfinite(v))[0])
                raise InputError(f"{q} must be finite: row {row} has {v[row]!r}; drop the row or the column")
            if not v.max() > v.min():
                raise InputError(f"{q} is {v[0]!r} in every row: leave it out of the variables")
            scales[q] = _unit(v)
        return cls(dict(zip(quantities, named, strict=True)), scales, _unit(points.target), points.target_quantity)

    def columns(self, points: Points) -> dict[str, Array]:
        """Engine name -> scaled column, shape (rows,)."""
        return {self.names[q]: points.column(q) / s for q, s in self.scales.items()}

    def targets(self, points: Points) -> Array:
        """The scaled target, shape (rows,)."""
        return np.asarray(points.target / self.target)

    # -- out of the engine ---------------------------------------------------------------------------------------

    @cached_property
    def symbols(self) -> Mapping[str, sympy.Symbol]:
        """Quantity -> the symbol it has in laws that come out; free of clashes."""
        import sympy

        from formsearch.search.expression import variable_symbols

        return {q: sympy.Symbol(s, positive=True) for q, s in variable_symbols(sorted(self.names)).items()}

    def raw(self, found: Read) -> Read:
        """The engine's expression in raw units, all constants folded; symbols are those of `symbols` and k0, k1, ...

        Raises `FormulaError` if a constant of it is not a finite real number.
        """
        import sympy

        back, values = {}, dict(found.values)
        fresh = fresh_names("u", {str(s) for s in found.expression.free_symbols})
        # A unit for each occurrence: what has one coefficient in scaled units has one in raw units.
        for q, name in self.names.items():
            unit = sympy.Symbol(next(fresh), positive=True)
            values[str(unit)] = 1.0 / self.scales[q]
            back[sympy.Symbol(name, positive=True)] = unit * self.symbols[q]
        unit = sympy.Symbol(next(fresh), positive=True)
        values[str(unit)] = self.target
        expression = unit * found.expression.subs(back, simultaneous=True)
        return fold(expression, values, set(self.symbols.values()))

    def law(self, text: str, name: str = "found") -> tuple[Law, dict[str, float]]:
        """The law that an engine's formula text says, in raw units, and its constants.

        Raises `FormulaError` for text that is no formula in the engine's variables.
        """
        found = self.raw(read_infix(text, tuple(self.names.values())))
        return law_of(found, {str(s): q for q, s in self.symbols.items()}, name, self.target_quantity)

    def proposal(self, text: str, engine: str, steps: tuple[Step, ...] = ()) -> Proposal:
        """A proposal from an engine's formula text."""
        from formsearch.search.engine import Proposal

        form, values = self.form(text)
        return Proposal(form, tuple(values[i] for i in range(len(values))), engine, steps)

    def form(self, text: str) -> tuple[Form, dict[int, float]]:
        """The form that an engine's formula text says, and its constants in raw units by number.

        What `law` says, by arithmetic instead of algebra and a hundred times faster. Raises `FormulaError`.
        """
        from formsearch.search.infix import multiplied, read_pieces, to_form

        return to_form(multiplied(read_pieces(text, self.names, self.scales), self.target))

    # -- into the engine -----------------------------------------------------------------------------------------

    def scaled(self, law: Law, constants: Mapping[str, float]) -> Read:
        """The law at these constants in the engine's variables and units, constants folded.

        Raises `FormulaError` if a constant is not finite, or a constant of the scaled form would not be.
        """
        import sympy

        positive: dict[sympy.Symbol, Any] = {}
        values: dict[str, float] = {}
        for c in law.constant_names:
            value = float(constants[c])
            symbol = sympy.Symbol(f"{c}_", positive=True)
            positive[law.symbols[c]] = 0 if value == 0.0 else math.copysign(1, value) * symbol
            if value != 0.0:
                positive[law.symbols[c]] = symbol if value > 0 else -symbol
                values[str(symbol)] = abs(value)
        fresh = fresh_names("u", {*values, *law.variable_names, *self.names.values()})
        for v in law.variables:
            unit = sympy.Symbol(next(fresh), positive=True)
            values[str(unit)] = self.scales[v.quantity]
            positive[law.symbols[v.symbol]] = unit * sympy.Symbol(self.names[v.quantity], positive=True)
        unit = sympy.Symbol(next(fresh), positive=True)
        values[str(unit)] = 1.0 / self.target
        expression = unit * law.expression.subs(positive, simultaneous=True)
        return fold(expression, values, {sympy.Symbol(n, positive=True) for n in self.names.values()})


def _unit(v: Array) -> float:
    if (v > 0).all():
        return float(np.exp(np.log(v).mean()))
    size = float(np.abs(v).mean())
    if size == 0.0:
        raise InputError("a column is zero in every row: leave it out")
    return 1.0 if 0.05 <= size <= 20.0 else size


def law_of(found: Read, quantities: Mapping[str, str], name: str, target: str) -> tuple[Law, dict[str, float]]:
    """A law from a folded expression; `quantities` gives the quantity of each variable's symbol.

    Exponents, and coefficients inside powers and logarithms, are positive, their sign stands in the form; other
    constants carry their sign in their value.
    """
    import sympy

    from formsearch.law import formula_text

    expression = found.expression
    names = {str(s) for s in expression.free_symbols}
    inside = _inside(expression)
    swap: dict[Any, Any] = {}
    values = {}
    for c, value in found.values.items():
        symbol = sympy.Symbol(c, positive=True)
        negative = c not in inside and _negative(expression, symbol)
        if negative:
            swap[symbol] = -symbol
        values[c] = -value if negative else value
    constants = tuple(Constant(c, lower=0.0 if c in inside else -math.inf) for c in values)
    law = Law(
        name=name,
        formula=formula_text(expression.subs(swap, simultaneous=True)),
        variables=tuple(Variable(s, q) for s, q in quantities.items() if s in names),
        constants=constants,
        target=target,
    )
    return law, {c: values[c] for c in law.constant_names}


def _inside(expression: Any) -> set[str]:
    """Symbols that stand in an exponent, under a power that is not a whole number, or in a logarithm."""
    import sympy

    found: set[str] = set()
    for e in sympy.preorder_traversal(expression):
        if (e.is_Pow and not e.exp.is_Integer) or isinstance(e, sympy.log):
            found |= {str(s) for s in e.free_symbols}
        elif e.is_Pow:
            found |= {str(s) for s in e.base.free_symbols} if e.exp < 0 else set()
    return found


def _negative(expression: Any, symbol: Any) -> bool:
    """Whether the lone coefficient `symbol` stands with a minus sign."""
    import sympy

    for e in sympy.preorder_traversal(expression):
        if e.is_Mul and symbol in e.args:
            return bool(e.args[0].is_number and e.args[0] < 0)
    return False
