"""One claim made ready to be judged: its law with numbers, its formulas parsed, its printed digits read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from formsearch.derive.claims import Claim
from formsearch.derive.naming import with_names
from formsearch.derive.optimum import optimum
from formsearch.derive.outcome import Outcome
from formsearch.derive.premises import Premises, premises
from formsearch.derive.problem import Problem, make_problem
from formsearch.derive.simplify import presented
from formsearch.exceptions import InputError
from formsearch.formula import names_in, parse_formula
from formsearch.registry import laws

if TYPE_CHECKING:
    import sympy

    from formsearch.law import Law


@dataclass(frozen=True)
class Printed:
    """A number as printed: its value, and the unit of its last digit."""

    text: str
    value: float
    unit: float

    @classmethod
    def of(cls, text: Any) -> Printed:
        """`"40.04"` has unit .01, `"2.95e18"` has 1e16, `"576"` has 1; a number that is no string is read by repr."""
        shown = text if isinstance(text, str) else repr(text)
        match = re.fullmatch(r"\s*([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?\s*", shown)
        if match is None or not (match[2] or match[3]):
            raise InputError(f"printed number {shown!r} is not a number: write it with the digits that were printed")
        return cls(shown.strip(), float(shown), 10.0 ** (int(match[4] or 0) - len(match[3])))

    def agrees(self, value: float, tolerance: float = 0.0) -> bool:
        """Whether the value rounds to what is printed (or lies within a relative tolerance of it)."""
        if not math.isfinite(value):
            return False
        return abs(value - self.value) <= max(0.5 * self.unit * (1 + 1e-9), tolerance * abs(self.value))

    def rounded(self, value: float) -> str:
        """The value with as many digits as were printed."""
        if "e" in self.text.lower():
            digits = len(re.sub(r"\D", "", self.text.lower().split("e")[0])) - 1
            return f"{value:.{max(digits, 0)}e}"
        decimals = max(0, -round(math.log10(self.unit)))
        return f"{value:.{decimals}f}"


@dataclass(frozen=True)
class Case:
    """A claim with its law, numbers and parser."""

    claim: Claim
    define: Mapping[str, str]
    seconds: float
    unknown: dict[str, Any] = field(default_factory=dict)
    derived: dict[str, Outcome] = field(default_factory=dict)

    @cached_property
    def law(self) -> Law:
        """The law the claim is about."""
        return laws[self.claim.law]

    @cached_property
    def given(self) -> Premises:
        """The law's constants for this claim; none, if the law has no published fit."""
        constants = self.claim.constants
        if constants == "published" and not self.law.published:
            constants = None
        return premises(self.law, constants, 0)

    @cached_property
    def problem(self) -> Problem:
        """The law with numbers and the claim's settings."""
        return make_problem(self.law, self.given.constants, self.settings)

    @property
    def settings(self) -> dict[str, float]:
        """Settings that are variables of the law (others serve the claim's own formulas)."""
        known = {*self.law.variable_names, *self.law.quantities}
        return {k: float(v) for k, v in self.claim.settings.items() if k in known}

    @cached_property
    def symbols(self) -> dict[str, sympy.Symbol]:
        """Symbols by name: the law's, and its quantities as other names for them."""
        table = dict(self.problem.symbols)
        for v in self.law.variables:
            table.setdefault(v.quantity, table[v.symbol])
        return table

    def parse(self, text: str) -> Any:
        """A formula of the claim: defined names are written out, `L` is the law, other names become given symbols."""
        import sympy

        table: dict[str, Any] = dict(self.symbols)
        target = "EL" if self.law.target == "efficiency_leverage" else "L"
        table.setdefault(target, self.problem.expression)
        for name, formula in self.define.items():
            if name in table:
                raise InputError(f"[define] {name} is a symbol of law {self.law.name}: take another name")
            if set(names_in(formula)) <= set(table):
                table[name] = parse_formula(formula, table)
        for name in names_in(text):
            if name not in table:
                table[name] = self.unknown.setdefault(name, sympy.Symbol(name, positive=True))
        return parse_formula(text, table)

    def sides(self, text: str) -> tuple[Any, Any]:
        """Both sides of `left = right`."""
        parts = text.split("=")
        if len(parts) != 2:
            raise InputError(f"equation {text!r} must have one equals sign")
        return self.parse(parts[0]), self.parse(parts[1])

    @cached_property
    def named(self) -> Problem:
        """The problem with its parts named."""
        return with_names(self.problem)[0]

    def outcome(self, name: str) -> Outcome:
        """The optimum in one variable, derived once for all rows of the claim."""
        if name not in self.derived:
            self.derived[name] = optimum(self.named, name, self.seconds)
        return self.derived[name]

    def shown(self, expression: Any) -> str:
        """An expression for print, with the names of [define] where its parts occur."""
        import sympy

        table: dict[str, Any] = dict(self.symbols)
        for name, formula in self.define.items():
            if set(names_in(formula)) <= set(table):
                part = parse_formula(formula, table)
                table[name] = part
                expression = expression.subs(part, sympy.Symbol(name, positive=True))
        return self.problem.line(presented(expression))

    def number(self, expression: Any, row: Mapping[str, Any] | None = None) -> float:
        """The value of a parsed formula at constants, settings and one row of `over`. Raises `InputError`."""
        import sympy

        known: dict[str, Any] = {**self.claim.settings, **(row or {})}
        values = {**self.given.constants}
        for name, value in known.items():
            symbol = self.symbols.get(name)
            values[str(symbol) if symbol is not None else name] = value
        free = sorted(expression.free_symbols, key=str)
        if missing := [str(s) for s in free if str(s) not in values]:
            raise InputError(f"no value for {', '.join(missing)}: add it to settings")
        with_numbers = sympy.lambdify(free, expression, modules="numpy")
        return float(with_numbers(*(float(values[str(s)]) for s in free)))

    def variables(self, row: Mapping[str, Any]) -> dict[str, float]:
        """A row of `over` as settings of the law, by symbol."""
        return {str(self.symbols[k]): float(v) for k, v in row.items() if k in self.symbols}

    @staticmethod
    def label(row: Mapping[str, Any]) -> str:
        """How a row is called in a sentence."""
        names = [str(v) for v in row.values() if isinstance(v, str)]
        return names[0] if names else ", ".join(f"{k} = {v:g}" for k, v in row.items()) or "the number"
