"""The premises of a derivation: a law with numbers, the domain of each variable, and what is known about signs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.derive.derivation import Check, Condition
from formsearch.derive.domains import EXTRA_WINDOW, Domain, domain_of, typical
from formsearch.derive.draw import line
from formsearch.derive.layout import Order
from formsearch.exceptions import InputError, UnknownNameError
from formsearch.quantities import Quantity, quantity

if TYPE_CHECKING:
    import sympy

    from formsearch.law import Law

Array = NDArray[np.float64]

DRAWS = 48
"""Reference settings at which numbers are compared."""


@dataclass(frozen=True)
class Problem:
    """A law ready for derivation.

    Attributes
    ----------
    expression : the law in `symbols`, whose assumptions are refined by the signs of the given constants.
    values : constants by name; empty if none were given (then only algebra is done).
    extra : symbols of a constraint that are not the law's (C, M, ...), treated as given positive quantities.
    settings : values of variables that were given.
    definitions : named parts, by symbol, in `symbols` and earlier names.
    eliminated : variables that a constraint expresses by the others.
    given_by : extra symbol -> its formula in the law's variables, so that reference settings agree with each other.
    at_least : (name, formula, low) of eliminated variables: the formula stays above low.
    ranges : quantity -> (low, high) of the points behind the constants, if known.
    """

    law: Law
    expression: sympy.Expr
    symbols: Mapping[str, sympy.Symbol]
    values: Mapping[str, float]
    settings: Mapping[str, float]
    domains: Mapping[str, Domain]
    definitions: tuple[tuple[sympy.Symbol, sympy.Expr], ...] = ()
    extra: tuple[str, ...] = ()
    eliminated: tuple[str, ...] = ()
    given_by: Mapping[str, Any] = field(default_factory=dict)
    at_least: tuple[tuple[str, Any, float], ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables of the law (but for eliminated ones) and of the constraint."""
        return (*(v for v in self.law.variable_names if v not in self.eliminated), *self.extra)

    @property
    def maximises(self) -> bool:
        """Whether a larger target is better (efficiency leverage); a loss or an error is minimised."""
        return self.law.target == "efficiency_leverage"

    def quantity_of(self, name: str) -> Quantity | None:
        """The quantity behind a variable's symbol, if it has one."""
        for v in self.law.variables:
            if v.symbol == name:
                return v.about
        try:
            return quantity(name)
        except UnknownNameError:
            return None

    def spelled(self, expression: Any) -> Any:
        """The expression with every named part written out."""
        for symbol, part in reversed(self.definitions):
            expression = expression.subs(symbol, part)
        return expression

    def opened(self, expression: Any, x: sympy.Symbol) -> Any:
        """The expression with only those named parts written out that contain `x`."""
        for symbol, part in reversed(self.definitions):
            if self.spelled(part).has(x):
                expression = expression.subs(symbol, part)
        return expression

    def folded(self, expression: Any) -> Any:
        """The expression with every named part that occurs in full put back under its name, for print."""
        for symbol, part in reversed(self.definitions):
            full = self.spelled(part)
            expression = expression.subs(full, symbol) if expression.has(*full.free_symbols) else expression
        return expression

    @cached_property
    def order(self) -> Order:
        """The order in which a reader expects the symbols."""
        return Order.of(self.law, self.definitions)

    def line(self, expression: Any) -> str:
        """An expression on one line, for a sentence."""
        return line(expression, self.order)

    def at(self, expression: Any, settings: Mapping[str, float] | None = None) -> float | None:
        """The value of an expression at the constants and settings; None if something in it has no value."""
        full = self.spelled(expression)
        known = {**self.values, **self.settings, **(settings or {})}
        names = sorted(str(s) for s in full.free_symbols)
        if any(n not in known for n in names):
            return None
        return float(self.function(full, names)(*(known[n] for n in names)))

    def function(self, expression: Any, names: Sequence[str]) -> Any:
        """A numpy function of the named symbols; not-a-number where it is undefined."""
        import sympy

        full = self.spelled(sympy.sympify(expression))
        by_name = {str(s): s for s in full.free_symbols}
        inner = _compiled(full, tuple(by_name.get(n, self.symbols.get(n, sympy.Symbol(n))) for n in names))

        def call(*columns: Any) -> Array:
            with np.errstate(all="ignore"):
                value = np.asarray(inner(*(np.asarray(c, dtype=np.float64) for c in columns)))
            if np.iscomplexobj(value):
                value = np.where(value.imag == 0, value.real, np.nan)
            return np.asarray(value, dtype=np.float64)

        return call

    @cached_property
    def draws(self) -> dict[str, Array]:
        """Reference settings for numeric checks: random points of the variables, given ones held.

        Sizes come within two decades of the points' range (or of 1e8-1e12 parameters, 1e9-1e13 tokens), so that
        checks happen where numbers are used; active parameters never exceed the total.
        """
        rng = np.random.default_rng(20250928)
        own = self.law.variable_names
        u = rng.random((DRAWS, len(own) + len(self.extra)))
        table: dict[str, Array] = {}
        for i, name in enumerate((*own, *self.extra)):
            if name in self.settings:
                table[name] = np.full(DRAWS, float(self.settings[name]))
            else:
                table[name] = self.reference(name).inner(u[:, i])
        by_quantity = {v.quantity: v.symbol for v in self.law.variables}
        if {"N", "N_active"} <= set(by_quantity):
            total, active = by_quantity["N"], by_quantity["N_active"]
            if active not in self.settings:
                table[active] = table[total] * np.exp(-4 * u[:, own.index(active)])
            elif total not in self.settings:
                table[total] = table[active] * np.exp(4 * u[:, own.index(total)])
        for name, formula in self.given_by.items():
            if name not in self.settings:
                names = sorted(str(s) for s in formula.free_symbols)
                columns = [table[n] if n in table else np.full(DRAWS, self.values[n]) for n in names]
                table[name] = np.broadcast_to(self.function(formula, names)(*columns), (DRAWS,)).copy()
        return table

    def reference(self, name: str) -> Domain:
        """Where reference settings of a variable are drawn: near the points, or where such models are built."""
        domain = self.domains[name]
        q = self.quantity_of(name)
        if q is not None and q.name in self.ranges:
            low, high = self.ranges[q.name]
            if domain.log and low > 0:
                return Domain(max(low / 10, domain.low), min(high * 10, domain.high), True)
            return Domain(low, high, False)
        if not domain.log:
            return Domain(domain.low + 0.02, domain.high - 0.02, False) if domain.high <= 1 else Domain(-10, 10, False)
        narrow = typical(q.unit if q else "")
        return Domain(max(narrow[0], domain.low), min(narrow[1], domain.high), True)

    def sign(self, expression: Any) -> tuple[int | None, Check]:
        """The sign of an expression over the whole domain, and how it is known (`formsearch.derive.signs`)."""
        from formsearch.derive.signs import sign_of

        return sign_of(self, expression)

    def condition(self, expression: Any, relation: Any = None) -> tuple[int | None, Condition]:
        """The sign of an expression as a condition `expression > 0` (or < 0) with its check."""
        import sympy

        sign, check = self.sign(expression)
        shown = relation
        if shown is None:
            comparison = sympy.Lt if sign == -1 else sympy.Gt
            shown = comparison(expression, 0, evaluate=False)
        return sign, Condition(shown, check)


@lru_cache(maxsize=256)
def _compiled(expression: sympy.Expr, arguments: tuple[sympy.Symbol, ...]) -> Callable[..., Any]:
    import sympy

    return sympy.lambdify(arguments, expression, modules=[{"LambertW": _lambert}, "numpy"], cse=True)  # type: ignore[no-any-return]


def _lambert(x: Any, branch: Any = 0) -> Any:
    """The real branches of Lambert's W; not-a-number where they are not real."""
    from scipy.special import lambertw

    value = lambertw(x, int(branch))
    return np.where(value.imag == 0, value.real, np.nan)


def make_problem(
    law: Law,
    constants: Mapping[str, float],
    settings: Mapping[str, float] | None = None,
    extra: Sequence[str] = (),
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> Problem:
    """Working symbols with refined signs, domains, and settings by symbol.

    `settings` keys are symbols or quantities. Raises `UnknownNameError` or `InputError` for one that is neither, or
    for a value outside the quantity's domain.
    """
    import sympy

    unknown = [n for n in constants if n not in law.constant_names]
    if unknown:
        raise UnknownNameError(f"constant of law {law.name}", unknown[0], law.constant_names)
    if constants and (missing := [n for n in law.constant_names if n not in constants]):
        raise InputError(f"law {law.name} needs constants {', '.join(missing)}: give them all, or none for algebra")
    symbols: dict[str, sympy.Symbol] = {}
    for name, symbol in law.symbols.items():
        value = constants.get(name)
        if value is not None and symbol.is_positive is None and symbol.is_negative is None and value != 0:
            symbol = sympy.Symbol(name, positive=True) if value > 0 else sympy.Symbol(name, negative=True)
        symbols[name] = symbol
    for name in extra:
        symbols[name] = sympy.Symbol(name, positive=True)
    refined = {law.symbols[n]: symbols[n] for n in law.symbols if law.symbols[n] != symbols[n]}
    zero = {symbols[n]: sympy.Integer(0) for n, v in constants.items() if v == 0}
    domains = {v.symbol: domain_of(v.about) for v in law.variables}
    problem = Problem(
        law=law,
        expression=law.expression.subs(refined, simultaneous=True).subs(zero),
        symbols=symbols,
        values={n: float(v) for n, v in constants.items()},
        settings={},
        domains=domains,
        extra=tuple(extra),
        ranges=dict(ranges or {}),
    )
    for name in extra:
        q = problem.quantity_of(name)
        domains[name] = domain_of(q) if q else Domain(*EXTRA_WINDOW, True)
    given = {resolve(law, name, extra): float(value) for name, value in (settings or {}).items()}
    for name, value in given.items():
        q = problem.quantity_of(name)
        if not math.isfinite(value) or (q is not None and not bool(q.admits(np.asarray([value]))[0])):
            wanted = q.domain if q else "finite"
            raise InputError(f"setting {name} = {value!r} is outside its domain ({wanted}): correct it")
    return replace(problem, settings=given)


def resolve(law: Law, name: str, extra: Sequence[str] = ()) -> str:
    """The symbol of a variable given by symbol or by quantity. Raises `UnknownNameError`."""
    for v in law.variables:
        if name == v.symbol:
            return v.symbol
    for v in law.variables:
        if name == v.quantity:
            return v.symbol
    if name in extra:
        return name
    raise UnknownNameError(
        f"variable of law {law.name}", name, [*law.variable_names, *extra], f"quantities: {', '.join(law.quantities)}"
    )
