"""A law: a parametric form with its meaning, source and published constants. A law is data.

The formula string is the only mathematics a law carries; evaluation, gradients, fits, derivations and typesetting
all come from its SymPy expression, which is parsed at first use (so that listing laws does not import SymPy).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import FormulaError, InputError, NotApplicableError, UnknownNameError
from formsearch.formula import LARGEST_WHOLE, names_in, parse_formula, with_plain_numbers, without_huge_numbers
from formsearch.frozen import ByFields
from formsearch.quantities import Quantity, Rule, quantity

if TYPE_CHECKING:
    import pandas as pd
    import sympy

    from formsearch.points import Points

Array = NDArray[np.float64]
Evidence = Literal["text", "code", "two secondary", "one secondary", "computed"]
"""Where published numbers were read: the paper's text, the authors' code or data, secondary texts, or our refit."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A symbol of the formula bound to a quantity, in the quantity's base unit."""

    symbol: str
    quantity: str
    meaning: str = ""

    @property
    def about(self) -> Quantity:
        """The bound quantity."""
        return quantity(self.quantity)


@dataclass(frozen=True, slots=True)
class Start:
    """Where multi-start draws a nonlinear constant from: `scale` x uniform (or log-uniform) in [low, high].

    `scale` is a formula in the law's variables (taken at their geometric means over the points) and in other
    constants, which are then drawn before this one, e.g. `"N**alpha"` for the A of A*N**-alpha.
    """

    low: float
    high: float
    log: bool = False
    scale: str = "1"


@dataclass(frozen=True, slots=True)
class Constant:
    """A fitted number of a law. `start=None` lets the fitting core infer a range from the form and the points."""

    symbol: str
    meaning: str = ""
    lower: float = -math.inf
    upper: float = math.inf
    start: Start | None = None

    def __post_init__(self) -> None:
        if not self.lower <= self.upper:
            raise InputError(f"constant {self.symbol}: lower {self.lower} must not exceed upper {self.upper}")


def positive(symbol: str, meaning: str = "", start: Start | None = None) -> Constant:
    """A constant that is zero or above, such as an amplitude or an exponent."""
    return Constant(symbol, meaning, 0.0, math.inf, start)


@dataclass(frozen=True)
class Published(ByFields):
    """One published (or independently recomputed) fit of a law."""

    constants: Mapping[str, float]
    source: str
    evidence: Evidence
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "constants", MappingProxyType(dict(self.constants)))


@dataclass(frozen=True)
class Law(ByFields):
    """A parametric form L(variables; constants).

    Parameters
    ----------
    name : identifier in the registry, e.g. `"chinchilla"`.
    formula : the form as a string in the symbols of `variables` and `constants`, base units, natural logs.
    variables : symbols bound to quantities.
    constants : fitted numbers, with bounds; omitted ones are added as unbounded constants.
    target : quantity of the left-hand side; `target_transform` is `"log"` if the formula gives its logarithm
        (never used by built-in laws, which are written for the target itself).
    source : citation, with arXiv number; `equation` is the number printed there.
    published : fits by name (the first is what `constants="published"` means).
    limits : variable symbol -> the printed limit of the form as that variable goes to infinity (a formula, or
        `"oo"`), checked by SymPy in `formsearch.testing.LawContract`.
    monotone : variable symbol -> "decreasing" or "increasing" where the authors mean it to hold on the domain.
    objective : the authors' objective as `formsearch.core.objectives.parse_objective` reads it, e.g.
        `"huber:1e-3:log"`; empty where it is not stated. `fitted_with` tells the rest in words.
    """

    name: str
    formula: str
    variables: tuple[Variable, ...]
    constants: tuple[Constant, ...] = ()
    target: str = "loss"
    title: str = ""
    source: str = ""
    equation: str = ""
    published: Mapping[str, Published] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    monotone: Mapping[str, Literal["decreasing", "increasing"]] = field(default_factory=dict)
    fitted_range: str = ""
    fitted_with: str = ""
    derived: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    nested_in: str = ""
    objective: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.\-]*", self.name):
            raise InputError(f"law name {self.name!r} must start with a letter and hold letters, digits, _ . -")
        used = names_in(self.formula)
        variables = {v.symbol for v in self.variables}
        if missing := variables - set(used):
            raise FormulaError(f"law {self.name}: variables {sorted(missing)} do not occur in {self.formula!r}")
        declared = {c.symbol: c for c in self.constants}
        if missing := set(declared) - set(used):
            raise FormulaError(f"law {self.name}: constants {sorted(missing)} do not occur in {self.formula!r}")
        if clash := variables & set(declared):
            raise FormulaError(f"law {self.name}: {sorted(clash)} are both variables and constants")
        for v in self.variables:
            quantity(v.quantity)
        constants = tuple(declared.get(n, Constant(n)) for n in used if n not in variables)
        object.__setattr__(self, "constants", constants)
        for key in ("published", "limits", "monotone"):
            object.__setattr__(self, key, MappingProxyType(dict(getattr(self, key))))
        for label, fit in self.published.items():
            if set(fit.constants) != set(self.constant_names):
                wrong = set(fit.constants) ^ set(self.constant_names)
                raise InputError(f"law {self.name}: published fit {label!r} disagrees on constants {sorted(wrong)}")

    # -- names ---------------------------------------------------------------------------------------------------

    @property
    def constant_names(self) -> tuple[str, ...]:
        """Symbols of the constants, in order of appearance in the formula."""
        return tuple(c.symbol for c in self.constants)

    @property
    def variable_names(self) -> tuple[str, ...]:
        """Symbols of the variables."""
        return tuple(v.symbol for v in self.variables)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Quantities the law needs, in the order of `variables`."""
        return tuple(v.quantity for v in self.variables)

    @property
    def year(self) -> int:
        """The year in the source; one beyond all, 9999, for a law without."""
        stated = re.search(r"\b(?:19|20)\d\d\b", self.source)
        return int(stated[0]) if stated else 9999

    def constant(self, symbol: str) -> Constant:
        """The constant of that symbol."""
        for c in self.constants:
            if c.symbol == symbol:
                return c
        raise UnknownNameError(f"constant of law {self.name}", symbol, self.constant_names)

    @cached_property
    def key(self) -> str:
        """Hash of what decides a fit: formula, bindings and bounds (not of titles or sources)."""
        parts = [str(self.expression), self.target]
        parts += [f"{v.symbol}:{v.quantity}" for v in self.variables]
        parts += [f"{c.symbol}:{c.lower!r}:{c.upper!r}:{c.start!r}" for c in self.constants]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    # -- mathematics ---------------------------------------------------------------------------------------------

    @cached_property
    def symbols(self) -> Mapping[str, sympy.Symbol]:
        """SymPy symbols by name: positive where the quantity or the bounds say so, real otherwise."""
        import sympy

        table: dict[str, sympy.Symbol] = {}
        for v in self.variables:
            q = v.about
            sign = {"positive": True} if q.low >= 0 and q.open_low else {"nonnegative": True} if q.low >= 0 else {}
            table[v.symbol] = sympy.Symbol(v.symbol, real=True, **sign)
        for c in self.constants:
            # Zero is a boundary case of "not there": derivations treat a bounded constant as strictly positive.
            sign = {"positive": True} if c.lower >= 0 else {"negative": True} if c.upper <= 0 else {}
            table[c.symbol] = sympy.Symbol(c.symbol, real=True, **sign)
        return MappingProxyType(table)

    @cached_property
    def expression(self) -> sympy.Expr:
        """The form as a SymPy expression in `symbols`."""
        return parse_formula(self.formula, self.symbols)

    def latex(self) -> str:
        """The form in LaTeX, as its author wrote it, without the left-hand side."""
        from formsearch.typesetting.written import latex

        return latex(self)

    def evaluate(self, frame: pd.DataFrame | Mapping[str, Any], constants: Mapping[str, float]) -> Array:
        """Values of the law, shape (rows,), in the target's unit.

        `frame` has a column for each quantity (or each symbol) of the law. Raises `InputError` for a missing
        column or constant; where the form is not defined the value is NaN.
        """
        columns = []
        for v in self.variables:
            name = v.quantity if v.quantity in frame else v.symbol
            if name not in frame:
                raise InputError(f"law {self.name} needs column {v.quantity!r} (its {v.symbol}): add it to the table")
            try:
                columns.append(np.atleast_1d(np.asarray(frame[name], dtype=np.float64)))
            except (TypeError, ValueError) as error:
                raise InputError(f"law {self.name}: column {name!r} must hold numbers: {error}") from None
        try:
            shape = np.broadcast_shapes(*(c.shape for c in columns)) if columns else (1,)
        except ValueError:
            lengths = ", ".join(f"{v.quantity} {len(c)}" for v, c in zip(self.variables, columns, strict=True))
            raise InputError(f"law {self.name}: columns must be of one length, not {lengths}") from None
        values = map(np.float64, self._ordered(constants))  # 0**-1 is infinite then, where Python raises
        with np.errstate(all="ignore"):
            result = _compiled(self.expression, self._argument_symbols)(*columns, *values)
        return np.broadcast_to(np.asarray(result, dtype=np.float64), shape).copy()

    @cached_property
    def _argument_symbols(self) -> tuple[sympy.Symbol, ...]:
        return tuple(self.symbols[n] for n in (*self.variable_names, *self.constant_names))

    def _ordered(self, constants: Mapping[str, float]) -> list[float]:
        missing = [n for n in self.constant_names if n not in constants]
        if missing:
            raise InputError(f"law {self.name} needs constants {', '.join(missing)}: give them, or fit the law first")
        return [float(constants[n]) for n in self.constant_names]

    # -- use on points -------------------------------------------------------------------------------------------

    def bind(self, points: Points) -> tuple[dict[str, Array], tuple[Rule, ...]]:
        """Columns of `points` for each variable symbol, and the rules used for derived quantities.

        Raises `NotApplicableError` that names what is missing.
        """
        columns: dict[str, Array] = {}
        rules: list[Rule] = []
        missing: list[str] = []
        for v in self.variables:
            if not points.can(v.quantity):
                missing.append(f"{v.quantity} ({v.symbol}: {v.meaning or v.about.meaning})")
                continue
            columns[v.symbol] = points.column(v.quantity)
            rule = points.rule(v.quantity)
            if rule is not None:
                rules.append(rule)
        if missing:
            raise NotApplicableError(f"law {self.name} needs {'; '.join(missing)}, which the points lack")
        return columns, tuple(rules)

    def variant(
        self,
        name: str | None = None,
        fix: Mapping[str, float] | None = None,
        tie: Sequence[Sequence[str]] = (),
    ) -> Law:
        """The law with constants fixed to numbers and others tied to be equal; a law like any other.

        `fix={"k": 0}`, `tie=[("alpha", "gamma")]`: the first of a tie stays, within the bounds of all. Published fits
        are dropped. Raises `InputError` for values that are not within a constant's bounds.
        """
        import sympy

        fix, tie = dict(fix or {}), [_tied(group) for group in tie]
        for symbol in (*fix, *(s for group in tie for s in group)):
            self.constant(symbol)
        tied = [s for group in tie for s in group]
        if clash := [s for s in tied if s in fix or tied.count(s) > 1]:
            raise InputError(
                f"law {self.name}: {clash[0]} can be tied once, or fixed, not both; fix all of a tie alike"
            )
        for symbol, value in fix.items():
            self._within(symbol, value)
        merged = {group[0]: self._common(group) for group in tie}
        replaced: dict[Any, Any] = {self.symbols[s]: sympy.Rational(repr(float(v))) for s, v in fix.items()}
        for first, *others in tie:
            replaced |= {self.symbols[o]: self.symbols[first] for o in others}
        expression = self.expression.subs(replaced, simultaneous=True)
        gone = {str(s) for s in replaced}
        present = {str(s) for s in expression.free_symbols}
        label = [f"{k}={v:g}" for k, v in fix.items()] + ["=".join(group) for group in tie]
        return replace(
            self,
            name=name or re.sub(r"[^A-Za-z0-9_.\-]", "-", f"{self.name}-{'-'.join(label)}"),
            formula=formula_text(expression),
            variables=tuple(v for v in self.variables if v.symbol in present),
            constants=tuple(
                merged.get(c.symbol, c) for c in self.constants if c.symbol not in gone and c.symbol in present
            ),
            title=f"{self.title or self.name} with {', '.join(label)}",
            published={},
            limits={},
            nested_in=self.name,
        )

    def _within(self, symbol: str, value: object) -> None:
        """Raise `InputError` if a constant cannot be fixed to `value`."""
        c = self.constant(symbol)
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            number = math.nan
        if not (math.isfinite(number) and c.lower <= number <= c.upper):
            raise InputError(
                f"law {self.name}: {symbol} is to be fixed to {value!r}, which is no number from {c.lower:g} to "
                f"{c.upper:g}; choose one, or give the law other bounds"
            )

    def _common(self, group: Sequence[str]) -> Constant:
        """The first constant of a tie, within the bounds of all."""
        tied = [self.constant(s) for s in group]
        return replace(tied[0], lower=max(c.lower for c in tied), upper=min(c.upper for c in tied))


def _tied(group: Sequence[str]) -> tuple[str, ...]:
    if isinstance(group, str) or len(group) < 2 or len(set(group)) < len(group):
        raise InputError(f"tie {group!r} must name two constants or more: write tie=[('alpha', 'beta')]")
    return tuple(group)


def formula_text(expression: sympy.Expr) -> str:
    """A formula string that `parse_formula` reads back to the same function.

    Nearly always to the same expression; SymPy itself takes 3/(2*(N + D)) for 3/(2*N + 2*D).
    """
    from sympy.printing.str import StrPrinter

    class FormulaPrinter(StrPrinter):  # type: ignore[misc]
        # SymPy writes E and pi, which a law may use as names of its own.
        def _print_Exp1(self, _: object) -> str:
            return "exp(1)"

        def _print_Pi(self, _: object) -> str:
            return "(4*atan(1))"

        # Roots that SymPy takes out of powers of decimals may hold whole numbers larger than a formula may contain.
        def _print_Integer(self, number: sympy.Integer) -> str:
            return _whole(int(number))

        def _print_Rational(self, number: sympy.Rational) -> str:
            return f"{_whole(int(number.p))}/{_whole(int(number.q))}"

    return str(FormulaPrinter({"full_prec": True}).doprint(without_huge_numbers(expression)))


def _whole(number: int) -> str:
    """A whole number in pieces that a formula may contain: its digits are halved until they are short enough."""
    if abs(number) <= LARGEST_WHOLE:
        return str(number)
    thirties = (len(str(abs(number))) + 29) // 60 or 1
    high, low = divmod(abs(number), LARGEST_WHOLE**thirties)
    return f"({'-' if number < 0 else ''}({_whole(high)}*{LARGEST_WHOLE}**{thirties} + {_whole(low)}))"


@lru_cache(maxsize=512)
def _compiled(expression: sympy.Expr, arguments: tuple[sympy.Symbol, ...]) -> Callable[..., Any]:
    import sympy

    return sympy.lambdify(arguments, with_plain_numbers(expression), modules="numpy", cse=True)  # type: ignore[no-any-return]
