"""`LawContract`: what every law must satisfy, as a class of pytest tests to inherit from.

Each claim of a law is checked by a road of its own: the formula by 30-digit arithmetic, limits by SymPy and by
numbers far out, monotone claims on a grid, published constants against the bounds.
"""

from __future__ import annotations

import ast
import cmath
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np

from formsearch.formula import names_in, parse_formula
from formsearch.law import Evidence, Law, Start, formula_text
from formsearch.testing.domains import random_constants, random_points
from formsearch.testing.limits import numeric_limit_gap, symbolic_limit_gap

if TYPE_CHECKING:
    import pytest
    import sympy

ROWS = 40


class LawContract:
    """Inherit, name the class `Test...`, and set `laws`.

    Attributes
    ----------
    laws : the laws to check.
    docstrings : law name -> docstring of the module that defines it. Its first line must read
        `L = FORMULA  (citation)` and lines `where X = ...`, `and Y = ...` may define abbreviations; together they
        must be the law's formula. Laws without an entry are not checked for this.
    ranges : quantity -> (low, high) on which the law must be finite and its monotone claims hold, where the
        plausible range in `formsearch.testing.domains` is not right.
    seed : of the random points and constants.
    """

    laws: ClassVar[Sequence[Law]] = ()
    docstrings: ClassVar[Mapping[str, str]] = {}
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {}
    seed: ClassVar[int] = 0

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each law."""
        if "law" in metafunc.fixturenames:
            metafunc.parametrize("law", self.laws, ids=[law.name for law in self.laws])

    # -- the formula ---------------------------------------------------------------------------------------------

    def test_every_symbol_is_declared_and_used(self, law: Law) -> None:
        """The parsed form has exactly the declared variables and constants."""
        declared = {*law.variable_names, *law.constant_names}
        assert {str(s) for s in law.expression.free_symbols} == declared
        for v in law.variables:
            assert v.meaning or v.about.meaning, f"variable {v.symbol} of {law.name} has no meaning"
        for c in law.constants:
            assert c.meaning, f"constant {c.symbol} of {law.name} has no meaning"

    def test_formula_survives_a_round_trip(self, law: Law) -> None:
        """The text of the expression reads back to the same function."""
        again = parse_formula(formula_text(law.expression), law.symbols)
        assert self._same_function(law, again), f"the text of {law.name} reads back to {again}"

    def test_docstring_states_the_formula(self, law: Law) -> None:
        """The first line of the docstring, abbreviations put in, is the law."""
        if law.name not in self.docstrings:
            return
        stated = formula_of_docstring(self.docstrings[law.name])
        assert set(names_in(stated)) == {*law.variable_names, *law.constant_names}
        assert self._same_function(law, parse_formula(stated, law.symbols)), (
            f"the docstring of {law.name} states another form: {stated}"
        )

    def test_latex(self, law: Law) -> None:
        """The form typesets, with balanced braces."""
        text = law.latex()
        assert text
        assert text.count("{") == text.count("}")

    # -- values --------------------------------------------------------------------------------------------------

    def test_values_are_finite_on_the_domain(self, law: Law) -> None:
        """At published constants, and at constants drawn from the starts."""
        points = random_points(law, ROWS, self.seed, self.ranges)
        for constants in self._constants(law, points):
            values = law.evaluate(points, constants)
            assert values.shape == (ROWS,)
            bad = np.flatnonzero(~np.isfinite(values))
            assert not len(bad), (
                f"{law.name} is {values[bad[0]]} at { {k: v[bad[0]] for k, v in points.items()} } with {constants}"
            )

    def test_values_agree_with_plain_arithmetic(self, law: Law) -> None:
        """`evaluate` against the formula computed in 30 digits, by code that shares none with the parser."""
        points = random_points(law, 6, self.seed + 1, self.ranges)
        for constants in self._constants(law, points):
            values = law.evaluate(points, constants)
            for i, value in enumerate(values):
                table = {**{k: v[i] for k, v in points.items()}, **constants}
                expected = _plain_value(law.formula, table)
                assert math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-12), (law.name, table, value, expected)

    def test_evaluate_accepts_quantities(self, law: Law) -> None:
        """Columns may be named by quantity as well as by symbol."""
        points = random_points(law, 3, self.seed, self.ranges)
        constants = next(self._constants(law, points))
        by_quantity = {v.quantity: points[v.symbol] for v in law.variables}
        np.testing.assert_array_equal(law.evaluate(by_quantity, constants), law.evaluate(points, constants))

    # -- claims --------------------------------------------------------------------------------------------------

    def test_starts_lie_inside_the_bounds(self, law: Law) -> None:
        """Every start can be drawn, and some of its range is admissible."""
        points = random_points(law, ROWS, self.seed, self.ranges)
        random_constants(law, points, self.seed)  # raises for a scale that cannot be used
        for c in law.constants:
            if isinstance(c.start, Start):
                assert c.start.low <= c.start.high
                assert not c.start.log or c.start.low > 0
                if c.start.scale == "1":
                    assert c.lower <= c.start.low, f"{law.name}: start of {c.symbol} begins below its bound"
                    assert c.start.high <= c.upper, f"{law.name}: start of {c.symbol} ends above its bound"

    def test_limits(self, law: Law) -> None:
        """Printed limits hold by numbers far out and, where SymPy finds the limit, by SymPy."""
        points = random_points(law, 4, self.seed + 2, self.ranges)
        for symbol, claim in law.limits.items():
            assert symbol in law.variable_names
            assert claim == "oo" or symbol not in names_in(claim)
            for constants in self._constants(law, points, draws=1):
                table = {**{k: float(v[2]) for k, v in points.items()}, **constants}
                gap = numeric_limit_gap(law, symbol, claim, table)
                assert gap < 1e-6, f"{law.name}: as {symbol} grows the form is {gap:.2g} away from {claim}"
                by_sympy = symbolic_limit_gap(law, symbol, claim, table)
                assert by_sympy is None or by_sympy < 1e-9, f"{law.name}: SymPy disagrees that {symbol} gives {claim}"

    def test_monotone_claims(self, law: Law) -> None:
        """On a grid of each claimed variable, at published constants (drawn ones where none are published)."""
        points = random_points(law, ROWS, self.seed + 3, self.ranges)
        for symbol, claim in law.monotone.items():
            assert symbol in law.variable_names
            grid = np.sort(points[symbol])
            constant_sets = (
                [dict(f.constants) for f in law.published.values()]
                if law.published
                else list(self._constants(law, points))
            )
            for constants in constant_sets:
                for i in range(2, 12):
                    row = {k: grid if k == symbol else np.full(ROWS, v[i]) for k, v in points.items()}
                    steps = np.diff(law.evaluate(row, constants)) * (1 if claim == "increasing" else -1)
                    assert (steps >= -1e-12).all(), f"{law.name} is not {claim} in {symbol} at {constants}"

    def test_published_fits_are_complete(self, law: Law) -> None:
        """Source, evidence, and finite constants inside the bounds."""
        for label, fit in law.published.items():
            assert fit.source, f"{law.name}: published fit {label} has no source"
            assert fit.evidence in get_args(Evidence), f"{law.name}: unknown evidence {fit.evidence!r}"
            for symbol, value in fit.constants.items():
                c = law.constant(symbol)
                assert math.isfinite(value)
                assert c.lower <= value <= c.upper, f"{law.name}: {label} has {symbol} = {value}, outside the bounds"
        if law.published:
            assert law.source, f"{law.name} has published constants, but no source"

    def test_objective_can_be_parsed(self, law: Law) -> None:
        """The authors' objective, where it is stated, is one that a fit can use."""
        from formsearch.core.objectives import parse_objective

        if law.objective:
            assert parse_objective(law.objective).value(np.ones(2), np.ones(2)) == 0.0

    # -- helpers -------------------------------------------------------------------------------------------------

    def _same_function(self, law: Law, other: sympy.Expr) -> bool:
        """Whether the law and another expression in its symbols are equal, or agree in 30 digits at random points."""
        if other == law.expression:
            return True
        points = random_points(law, 5, self.seed, self.ranges)
        for constants in self._constants(law, points):
            table = {law.symbols[k]: v for k, v in ({k: v[2] for k, v in points.items()} | constants).items()}
            first, second = (complex(e.evalf(30, subs=table)) for e in (law.expression, other))
            if not cmath.isclose(first, second, rel_tol=1e-12):
                return False
        return True

    def _constants(self, law: Law, points: Mapping[str, Any], draws: int = 3) -> Iterator[dict[str, float]]:
        """Every published fit, then `draws` random ones."""
        for fit in law.published.values():
            yield dict(fit.constants)
        for k in range(draws):
            yield random_constants(law, points, self.seed + 100 + k)


def formula_of_docstring(text: str) -> str:
    """`L = FORMULA  (citation)` with its `where X = ...` lines put in."""
    head = re.match(r"\s*\w+ = (.+?)(?:\s{2,}\(.*)?$", text.split("\n", 1)[0])
    assert head, f"the docstring's first line is not 'L = FORMULA  (citation)': {text.splitlines()[0]!r}"
    formula = head.group(1)
    for symbol, meaning in re.findall(r"^(?:where|and) (\w+) = (.+?)[.,;]?$", text, flags=re.MULTILINE):
        formula = re.sub(rf"\b{symbol}\b", f"({meaning})", formula)
    return formula


def _plain_value(formula: str, table: Mapping[str, float]) -> float:
    """The formula's value in 30 digits, by arithmetic over Python's syntax tree."""
    import mpmath

    functions: dict[str, Callable[..., Any]] = {
        "exp": mpmath.exp, "log": mpmath.log, "ln": mpmath.log, "log10": mpmath.log10,
        "log2": lambda x: mpmath.log(x, 2), "sqrt": mpmath.sqrt, "sin": mpmath.sin, "cos": mpmath.cos,
        "atan": mpmath.atan, "Abs": abs, "Min": min, "Max": max,
    }  # fmt: skip
    operations: dict[type, Callable[[Any, Any], Any]] = {
        ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
        ast.Pow: operator.pow,
    }  # fmt: skip

    def value(node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=int() | float() as number):
                return mpmath.mpf(number)
            case ast.Name(id=name):
                return mpmath.mpf(float(table[name]))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.BinOp(left=left, op=op, right=right):
                return operations[type(op)](value(left), value(right))
            case ast.Call(func=ast.Name(id=name), args=args):
                return functions[name](*(value(a) for a in args))
        raise AssertionError(f"{ast.unparse(node)} in {formula} is no arithmetic")

    with mpmath.workdps(30):
        return float(value(ast.parse(formula.replace("^", "**"), mode="eval").body))
