"""Templates: a part of the form is given, the rest is searched; and our own reading of what PySR prints of them.

Two kinds are written here.

* *A known law plus a searched correction*: law(x; k1 exp(.3 p[1]), k2 exp(.3 p[2]), ...) + f(x). The law's constants
  are those of its own fit times factors that PySR moves together with f.
* *Constants per group*: f(x, a1 + b1 p1[category], a2 + b2 p2[category], ...), where `category` is a column of group
  numbers from 1. The numbers a and b make the constants start as those of a scaling law do, alike in all groups.

PySR can export neither to SymPy. A row of its table is text like `f = log(#1 ^ #3) + 0.5; p1 = [2.1, -0.4]`, where #k
is the k-th argument of f. It is taken apart here, arguments and parameters are put in, and what comes out is a plain
formula for each group.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

from formsearch.exceptions import FormulaError, InputError
from formsearch.search.parse import Read, read_infix

if TYPE_CHECKING:
    import sympy

CATEGORY = "category"
SPREAD = 0.3
"""PySR draws parameters around zero with variance 1; they act as exp(SPREAD * p) on a law's constants."""
STARTS = ((1.0, 0.3), (0.3, 0.1), (-0.3, 0.1), (-0.3, 0.1))
"""Centre and spread at which the constants of groups start, by turns: a level, an amplitude, two exponents.

Target and variables are near 1. Plain parameters would start as far apart, and of both signs, in every group.
"""
PART = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*", re.DOTALL)
ARGUMENT = re.compile(r"#(\d+)")
PARAMETER = re.compile(r"([A-Za-z_]\w*)\[(\w+)\]")
NUMBER = re.compile(r"(?<![A-Za-z_0-9.])\d+\.?\d*(?:[eE][-+]?\d+)?")
ROUNDING = 1e-3
"""Two fits of a law to the same points may differ by so much, and its constants are refitted anyhow."""
LONGEST_POWER = 4


@dataclass(frozen=True)
class Given:
    """What one row of the table says: the text of each searched function, the values of each parameter vector."""

    functions: Mapping[str, str]
    parameters: Mapping[str, tuple[float, ...]]


def read_row(text: str) -> Given:
    """Take `f = ...; g = ...; p = [...]` apart. Raises `FormulaError` for anything else, and for a NaN parameter."""
    functions: dict[str, str] = {}
    parameters: dict[str, tuple[float, ...]] = {}
    for part in text.split(";"):
        match = PART.fullmatch(part)
        if match is None:
            raise FormulaError(f"template row has the part {part.strip()[:60]!r}, which is not NAME = ...")
        name, value = match[1], match[2]
        if value.startswith("["):
            if not value.endswith("]"):
                raise FormulaError(f"template row ends inside the parameters {name}")
            parameters[name] = _numbers(name, value[1:-1])
        else:
            functions[name] = value
    return Given(functions, parameters)


def _numbers(name: str, text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(v) for v in text.split(",") if v.strip())
    except ValueError:
        raise FormulaError(f"parameters {name} = [{text[:60]}] are not numbers") from None
    if not all(map(math.isfinite, values)):
        raise FormulaError(f"parameters {name} = [{text[:60]}] are not all finite")
    return values


@dataclass(frozen=True)
class Template:
    """What is searched and what is given, in the scaled variables.

    function : arguments of the searched f: variables, or parameters such as `p1[category]`.
    parameters : how many values each vector has. groups : how many groups; 1 without groups.
    starts : vector -> (a, b), where f gets a + b * p instead of p itself.
    law : the given part in positive constants, with their values; None where all is searched. Its constants are
        moved by the vector `c`, or in groups by the vectors c1, c2, ... over the category.
    """

    variables: tuple[str, ...]
    function: tuple[str, ...]
    parameters: Mapping[str, int]
    groups: int = 1
    law: Read | None = None
    starts: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    # -- into PySR -----------------------------------------------------------------------------------------------

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of X, in order."""
        return (*self.variables, CATEGORY) if self.groups > 1 else self.variables

    @property
    def combine(self) -> str:
        """The body of the Julia function."""
        searched = f"f({', '.join(map(self._given, self.function))})"
        if self.law is None:
            return searched
        return f"{julia(self.law.expression, self._moved())} + {searched}"

    def spec(self) -> dict[str, Any]:
        """Keyword arguments of `TemplateExpressionSpec`, JSON-ready."""
        found: dict[str, Any] = {
            "combine": self.combine, "expressions": ["f"], "variable_names": list(self.columns),
        }  # fmt: skip
        return found | ({"parameters": dict(self.parameters)} if self.parameters else {})

    def _given(self, name: str) -> str:
        """An argument of f in Julia text."""
        parameter = PARAMETER.fullmatch(name)
        if parameter is None or parameter[1] not in self.starts:
            return name
        centre, spread = self.starts[parameter[1]]
        return f"({centre!r} + {spread!r} * {name})"

    def _moved(self) -> dict[str, str]:
        """The law's constants in Julia text."""
        assert self.law is not None
        return {
            name: f"({value!r} * exp({SPREAD!r} * {self._mover(k)}))"
            for k, (name, value) in enumerate(self.law.values.items(), start=1)
        }

    def _mover(self, k: int) -> str:
        return f"c{k}[{CATEGORY}]" if self.groups > 1 else f"c[{k}]"

    # -- out of PySR ---------------------------------------------------------------------------------------------

    def reads(self, text: str) -> list[Read]:
        """The formula that a row says, for each group. Raises `FormulaError` for a row that does not fit."""
        given = read_row(text)
        if "f" not in given.functions:
            raise FormulaError(f"template row has no function f: {text[:60]!r}")
        for name, count in self.parameters.items():
            if len(given.parameters.get(name, ())) != count:
                raise FormulaError(
                    f"template row has {len(given.parameters.get(name, ()))} values of {name} instead of {count}"
                )
        return [self._group(given, g) for g in range(self.groups)]

    def _group(self, given: Given, group: int) -> Read:
        searched = read_infix(self._body(given, group), self.variables)
        if self.law is None:
            return searched
        import sympy

        # Numbers of f are c0, c1, ... and the law's constants k0, k1, ...: nothing clashes once they are renamed.
        swap = {sympy.Symbol(c, positive=True): sympy.Symbol(f"f_{c}", positive=True) for c in searched.values}
        values = {f"f_{c}": v for c, v in searched.values.items()}
        for k, (name, value) in enumerate(self.law.values.items()):
            vector, place = (f"c{k + 1}", group) if self.groups > 1 else ("c", k)
            # Beyond this double precision ends, and so does sense.
            moved = min(max(SPREAD * given.parameters[vector][place], -300.0), 300.0)
            values[name] = value * math.exp(moved)
        return Read(self.law.expression + searched.expression.subs(swap, simultaneous=True), values)

    def _body(self, given: Given, group: int) -> str:
        """The text of f with its arguments put in."""

        def argument(match: re.Match[str]) -> str:
            k = int(match[1])
            if not 1 <= k <= len(self.function):
                raise FormulaError(f"template row uses #{k}, but f has {len(self.function)} arguments")
            return self._argument(self.function[k - 1], given, group)

        return ARGUMENT.sub(argument, given.functions["f"])

    def _argument(self, name: str, given: Given, group: int) -> str:
        parameter = PARAMETER.fullmatch(name)
        if parameter is None:
            return name
        vector = given.parameters[parameter[1]]
        # A column's name stands for the row's group; a number is a place, counted from 1.
        place = int(parameter[2]) - 1 if parameter[2].isdigit() else group
        centre, spread = self.starts.get(parameter[1], (0.0, 1.0))
        return f"({centre + spread * vector[place]!r})"


def around(law: Read, variables: Sequence[str], groups: int = 1) -> Template:
    """The template of a known law plus a correction, which sees all variables (and one constant per group)."""
    count = len(law.values)
    if not count:
        raise InputError("a template around a law needs a law with constants")
    if groups == 1:
        return Template(tuple(variables), tuple(variables), {"c": count}, 1, law)
    vectors = {f"c{k + 1}": groups for k in range(count)} | {"q": groups}
    # The correction's own constant starts as an amplitude, not as a second level.
    return Template(tuple(variables), (*variables, f"q[{CATEGORY}]"), vectors, groups, law, {"q": STARTS[1]})


def per_group(variables: Sequence[str], groups: int, constants: int) -> Template:
    """The template in which so many constants of the searched form differ between groups."""
    vectors = {f"p{k + 1}": groups for k in range(constants)}
    arguments = (*variables, *(f"{name}[{CATEGORY}]" for name in vectors))
    starts = dict(zip(vectors, itertools.cycle(STARTS), strict=False))
    return Template(tuple(variables), arguments, vectors, groups, starts=starts)


def same(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> bool:
    """Whether rows of one template can be read with another: the same text, numbers equal to rounding of a fit."""
    if a is None or b is None:
        return a is b
    if {k: v for k, v in a.items() if k != "combine"} != {k: v for k, v in b.items() if k != "combine"}:
        return False
    one, other = str(a.get("combine")), str(b.get("combine"))
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(math.isclose(float(x), float(y), rel_tol=ROUNDING) for x, y in pairs)


# -- SymPy to Julia ----------------------------------------------------------------------------------------------


def julia(expression: sympy.Expr, constants: Mapping[str, str] | None = None, caret: bool = False) -> str:
    """An expression as Julia text, with text put in for some of its symbols.

    Free powers are written exp(p*log(x)), which templates broadcast over the rows without help; their bases are
    positive in scaled laws. With `caret` they are written x^p, as searched expressions have them.
    Raises `FormulaError` for a function that is not exp or log.
    """
    import sympy

    table = dict(constants or {})

    def power(base: Any, exponent: Any) -> str:
        if caret:
            return f"(1.0 / {write(base)})" if exponent == -1 else f"({write(base)} ^ {write(exponent)})"
        if exponent.is_Integer and abs(int(exponent)) <= LONGEST_POWER:
            product = " * ".join([write(base)] * abs(int(exponent)))
            return f"({product})" if exponent > 0 else f"(1.0 / ({product}))"
        return f"exp({write(exponent)} * log({write(base)}))"

    def write(e: Any) -> str:
        if e.is_Symbol:
            return table.get(str(e), str(e))
        if e.is_number:
            value = float(e)
            return repr(value) if value >= 0 else f"({value!r})"
        if e.is_Add or e.is_Mul:
            # In pairs: Julia reads a + b + c as one call with three arguments, which trees do not have.
            return reduce(lambda a, b: f"({a} {'+' if e.is_Add else '*'} {b})", map(write, e.args))
        if isinstance(e, sympy.exp):
            return f"exp({write(e.args[0])})"
        if isinstance(e, sympy.log):
            return f"log({write(e.args[0])})"
        if e.is_Pow:
            return power(e.base, e.exp)
        raise FormulaError(f"{e.func.__name__} has no place in a template: choose a law of powers, exp and log")

    return write(expression)


def guess(found: Read) -> str:
    """A formula as PySR takes guesses: its constants as numbers, each exponent one number."""
    import sympy

    values = {sympy.Symbol(c, positive=True): sympy.Float(v, 17) for c, v in found.values.items()}
    return julia(found.expression.subs(values, simultaneous=True), caret=True)


def nodes(found: Read, variable: int = 1) -> int:
    """PySR's count of nodes of a formula, a variable counting `variable`: operators have one or two arguments."""

    def count(e: Any) -> int:
        if e.is_number or str(e) in found.values:
            return 1
        if e.is_Symbol:
            return variable
        parts = [a for a in e.args if not (e.is_Mul and a == -1)]
        if e.is_Pow and not e.exp.free_symbols - {s for s in e.free_symbols if str(s) in found.values}:
            return count(e.base) + 2  # a constant exponent is one node, its sign included
        joints = max(len(parts) - 1, 1)
        return sum(map(count, parts)) + joints

    return count(found.expression)
