"""What a derivation is: steps, each a SymPy object with a sentence and a check, ending in results with numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import sympy

    from formsearch.derive.layout import Order
    from formsearch.law import Law

Kind = Literal["proved", "numerically", "assumed", "failed", "by definition"]
"""How a statement is known: by algebra, interval arithmetic or residual zero ("proved"), at sampled values only
("numerically"), taken as a premise ("assumed"), contradicted ("failed"), or true by definition."""


@dataclass(frozen=True, slots=True)
class Check:
    """How a step or a result was confirmed. `difference` is the largest one seen, where numbers were compared."""

    kind: Kind
    sentence: str
    difference: float | None = None

    @property
    def passed(self) -> bool:
        """False only for a statement that was contradicted."""
        return self.kind != "failed"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"kind": self.kind, "passed": self.passed, "sentence": self.sentence, "difference": self.difference}


@dataclass(frozen=True, slots=True)
class Condition:
    """A relation that a statement needs, such as `A(G, S) > 0`, and how it is known to hold."""

    relation: sympy.Basic
    check: Check

    def __str__(self) -> str:
        import sympy

        return f"{sympy.sstr(self.relation)} ({self.check.kind}: {self.check.sentence})"

    def to_dict(self, order: Order | None = None) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "relation": _formula(self.relation),
            "latex": _latex(self.relation, order),
            "check": self.check.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what was done, the equation it gave (or None), and its check."""

    title: str
    sentence: str
    equation: sympy.Basic | None
    check: Check

    def to_dict(self, order: Order | None = None) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "title": self.title,
            "sentence": self.sentence,
            "equation": _formula(self.equation),
            "latex": _latex(self.equation, order),
            "check": self.check.to_dict(),
        }


@dataclass(frozen=True)
class Table:
    """Numbers for a figure or a reader: rows of values under named columns."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[float | int | str | None, ...], ...]

    def column(self, name: str) -> list[float | int | str | None]:
        """The values under one column name."""
        i = self.columns.index(name)
        return [row[i] for row in self.rows]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: columns by name."""
        return {
            "name": self.name,
            "title": self.title,
            "columns": {c: [_number(r[i]) for r in self.rows] for i, c in enumerate(self.columns)},
        }


@dataclass(frozen=True)
class Result:
    """One thing derived.

    Attributes
    ----------
    symbol : what it is, e.g. `G` or `N_active/N`; `quantity` is its meaning in the vocabulary (or "").
    kind : "minimum", "maximum", "exponent", "range", "value", "frontier", "monotone", ...
    expression : closed form in named factors, or None; `implicit` is then the equation that determines it.
    full : the closed form in the law's own symbols.
    value : the number at `settings`, or None where it depends on a variable that was not given.
    interval : (low, high) at the derivation's level, from the fit's resamples, or None.
    depends_on : variables that the expression contains; empty means "independent of all others", which
        `independence` explains.
    exponents : variable -> d ln(symbol) / d ln(variable), where that is a constant of the law.
    integer : for a count, (best whole number, what it costs in the target over the optimum), or None.
    extrapolation : sentence, if the value is outside the range of the points.
    """

    symbol: str
    quantity: str
    kind: str
    expression: sympy.Expr | None
    full: sympy.Expr | None
    value: float | None
    check: Check
    second_order: Condition | None = None
    conditions: tuple[Condition, ...] = ()
    interval: tuple[float, float] | None = None
    settings: Mapping[str, float] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    independence: str = ""
    exponents: Mapping[str, sympy.Expr] = field(default_factory=dict)
    exponent_values: Mapping[str, float] = field(default_factory=dict)
    exponent_intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    implicit: sympy.Basic | None = None
    integer: tuple[int, float] | None = None
    extrapolation: str = ""
    feasibility: str = ""
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in ("settings", "exponents", "exponent_values", "exponent_intervals"):
            object.__setattr__(self, key, MappingProxyType(dict(getattr(self, key))))

    @property
    def equation(self) -> sympy.Basic | None:
        """symbol = expression, or the implicit equation."""
        import sympy

        if self.expression is None:
            return self.implicit
        return sympy.Eq(sympy.Symbol(optimum_name(self.symbol, self.kind)), self.expression, evaluate=False)

    def to_dict(self, order: Order | None = None) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "symbol": self.symbol,
            "quantity": self.quantity,
            "kind": self.kind,
            "expression": _formula(self.expression),
            "full_expression": _formula(self.full),
            "implicit": _formula(self.implicit),
            "latex": _latex(self.equation, order),
            "value": _number(self.value),
            "interval": None if self.interval is None else [_number(v) for v in self.interval],
            "settings": {k: _number(v) for k, v in self.settings.items()},
            "second_order": None if self.second_order is None else self.second_order.to_dict(order),
            "conditions": [c.to_dict(order) for c in self.conditions],
            "depends_on": list(self.depends_on),
            "independence": self.independence,
            "exponents": {
                k: {
                    "expression": _formula(v),
                    "value": _number(self.exponent_values.get(k)),
                    "interval": [_number(e) for e in self.exponent_intervals.get(k, ())] or None,
                }
                for k, v in self.exponents.items()
            },
            "integer": None if self.integer is None else {"value": self.integer[0], "cost": _number(self.integer[1])},
            "extrapolation": self.extrapolation,
            "feasibility": self.feasibility,
            "remarks": list(self.remarks),
            "check": self.check.to_dict(),
        }


def optimum_name(symbol: str, kind: str) -> str:
    """`G` -> `G_opt` for an optimum; other kinds keep the symbol."""
    if kind not in {"minimum", "maximum"}:
        return symbol
    return f"({symbol})_opt" if "/" in symbol else f"{symbol}_opt"


@dataclass(frozen=True)
class Derivation:
    """The steps from a law to its optima, each checked, and the results they end in.

    `definitions` are named parts of the law (A(G, S) and the like) in the order they build on each other;
    `assumptions` are premises of every step; `tables` hold numbers for figures.
    """

    law: Law
    constants: Mapping[str, float]
    constants_source: str
    steps: tuple[Step, ...]
    results: tuple[Result, ...]
    definitions: tuple[tuple[sympy.Symbol, sympy.Expr], ...] = ()
    assumptions: tuple[Condition, ...] = ()
    tables: tuple[Table, ...] = ()
    minimise: tuple[str, ...] = ()
    subject_to: str = ""
    settings: Mapping[str, float] = field(default_factory=dict)
    level: float | None = None
    simulated: str | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in ("constants", "settings"):
            object.__setattr__(self, key, MappingProxyType(dict(getattr(self, key))))

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(s.check.passed for s in self.steps) and all(r.check.passed for r in self.results)

    @cached_property
    def optima(self) -> Mapping[str, Result]:
        """The optimum of each variable or ratio that has one, by symbol."""
        return {r.symbol: r for r in self.results if r.kind in {"minimum", "maximum"}}

    def __getitem__(self, symbol: str) -> Result:
        for r in self.results:
            if symbol in (r.symbol, r.quantity):
                return r
        known = ", ".join(dict.fromkeys(r.symbol for r in self.results))
        raise KeyError(f"no result for {symbol!r}; there are: {known}")

    def table(self, name: str) -> Table:
        """The table of that name."""
        for t in self.tables:
            if t.name == name:
                return t
        raise KeyError(f"no table {name!r}; there are: {', '.join(t.name for t in self.tables)}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: formula strings that `parse_formula` reads back, LaTeX, numbers, sentences."""
        from formsearch.derive.layout import Order

        order = Order.of(self.law, self.definitions)
        return {
            "law": self.law.name,
            "formula": self.law.formula,
            "constants": {k: _number(v) for k, v in self.constants.items()},
            "constants_source": self.constants_source,
            "minimise": list(self.minimise),
            "subject_to": self.subject_to,
            "settings": {k: _number(v) for k, v in self.settings.items()},
            "level": self.level,
            "simulated": self.simulated,
            "definitions": [
                {"symbol": str(s), "expression": _formula(e), "latex": f"{_latex(s, order)} = {_latex(e, order)}"}
                for s, e in self.definitions
            ],
            "assumptions": [c.to_dict(order) for c in self.assumptions],
            "steps": [s.to_dict(order) for s in self.steps],
            "results": [r.to_dict(order) for r in self.results],
            "tables": [t.to_dict() for t in self.tables],
            "warnings": list(self.warnings),
            "ok": self.ok,
        }

    def text(self, width: int = 110) -> str:
        """For a terminal."""
        from formsearch.derive.render import text

        return text(self, width)

    def markdown(self) -> str:
        """Markdown with LaTeX mathematics between dollar signs."""
        from formsearch.derive.render import markdown

        return markdown(self)

    def latex(self, document: bool = False) -> str:
        """LaTeX (needs amsmath); with `document=True` a file that compiles as it is."""
        from formsearch.derive.render import latex

        return latex(self, document)

    def mathml(self) -> list[str]:
        """Presentation MathML of each step's equation ("" where a step has none), for HTML."""
        from formsearch.derive.draw import mathml

        return [mathml(s.equation) for s in self.steps]

    def __str__(self) -> str:
        return self.text()


def _formula(expression: sympy.Basic | None) -> str | None:
    if expression is None:
        return None
    import sympy

    return str(sympy.sstr(expression))


def _latex(expression: sympy.Basic | None, order: Order | None) -> str | None:
    if expression is None:
        return None
    from formsearch.derive.draw import to_latex
    from formsearch.derive.layout import PLAIN

    return to_latex(expression, order or PLAIN)


def _number(value: Any) -> Any:
    """JSON has no infinities: they become strings; NaN becomes null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value
