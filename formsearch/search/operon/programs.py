"""Forms to Operon's trees, as postfix programs that JSON can carry.

A program is a list of ("const", value), ("var", name, weight) and (function,). The operands of a binary function
stand right to left: `x1 ^ 0.3` is const 0.3, var x1, pow. Variables are the scaled ones: x = X/scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from formsearch.exceptions import FormulaError
from formsearch.search.grammar import Apply, Factor, Form, Log, Power, Sum, Term, scalar_value
from formsearch.search.scaling import Scaling

Program = list[list[Any]]
LARGEST, SMALLEST = 1e30, 1e-30
"""Constants beyond are not held well in single precision."""


def program_of(form: Form, values: Sequence[float] | Mapping[int, float], scaling: Scaling) -> Program:
    """The postfix program of a form at these constants (in raw units), in the engine's variables and units.

    Raises `FormulaError` if a constant of it is beyond single precision.
    """
    return _Writer(values, scaling).sum(form.body, 1.0 / scaling.target)


class _Writer:
    def __init__(self, values: Sequence[float] | Mapping[int, float], scaling: Scaling) -> None:
        self.values = dict(values) if isinstance(values, Mapping) else dict(enumerate(values))
        self.names, self.scales = scaling.names, scaling.scales

    def constant(self, value: float) -> list[Any]:
        if not math.isfinite(value) or (value != 0.0 and not SMALLEST < abs(value) < LARGEST):
            raise FormulaError(f"a constant of the form is {value!r}, beyond single precision")
        return ["const", value]

    def sum(self, body: Sum, by: float = 1.0) -> Program:
        """A sum, times a number."""
        return self.chain("add", [self.term(t, by) for t in body])

    def chain(self, name: str, parts: Sequence[Program]) -> Program:
        """Binary functions of many operands, from the left."""
        program = list(parts[0])
        for part in parts[1:]:
            program = [*part, *program, [name]]
        return program

    def term(self, term: Term, by: float) -> Program:
        """Scales and numbers go into one weight: that of a variable to the first power, where there is one."""
        weight = by * scalar_value(term.coefficient, self.values)
        lone: str | None = None
        parts: list[Program] = []
        for f in term.factors:
            if isinstance(f, Power):
                p = scalar_value(f.exponent, self.values)
                weight *= self.scales[f.variable] ** p
                if p == 1.0 and lone is None:
                    lone = self.names[f.variable]
                else:
                    parts.append([self.constant(p), ["var", self.names[f.variable], 1.0], ["pow"]])
            else:
                parts.append(self.factor(f))
        head = self.constant(weight)
        if lone is not None:
            return self.chain("mul", [[["var", lone, weight]], *parts])
        if parts and weight == 1.0:
            return self.chain("mul", parts)
        return self.chain("mul", [[head], *parts])

    def factor(self, f: Factor) -> Program:
        if isinstance(f, Log):
            return [["var", self.names[f.variable], self.scales[f.variable]], ["log"]]
        assert isinstance(f, Apply)
        if f.function == "power":
            p = scalar_value(f.exponent, self.values)
            inner = self.sum(f.arguments[0])
            return inner if p == 1.0 else [self.constant(p), *inner, ["pow"]]
        if f.function in ("min", "max"):
            return self.chain(f.function, [self.sum(a) for a in f.arguments])
        return [*self.sum(f.arguments[0]), [f.function]]
