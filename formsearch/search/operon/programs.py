"""SymPy expressions to Operon's trees, as postfix programs that JSON can carry.

A program is a list of ("const", value), ("var", name, weight) and (function,). The operands of a binary function
stand right to left: `x1 ^ 0.3` is const 0.3, var x1, pow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from formsearch.exceptions import FormulaError
from formsearch.search.parse import Read

Program = list[list[Any]]


def program_of(read: Read) -> Program:
    """The postfix program of an expression with its constants put in.

    Raises `FormulaError` for a function that Operon does not have.
    """
    return _Writer(read.values).write(read.expression)


class _Writer:
    def __init__(self, values: Mapping[str, float]) -> None:
        self.values = values

    def write(self, e: Any) -> Program:
        import sympy

        if e.is_Symbol:
            name = str(e)
            return [["const", self.values[name]]] if name in self.values else [["var", name, 1.0]]
        if e.is_number:
            return [["const", float(e)]]
        if e.is_Add:
            return self.chain("add", list(e.args))
        if e.is_Mul:
            return self.product(e)
        if e.is_Pow:
            if e.base == sympy.E:
                return [*self.write(e.exp), ["exp"]]
            return [*self.write(e.exp), *self.write(e.base), ["pow"]]
        if isinstance(e, sympy.exp | sympy.log):
            return [*self.write(e.args[0]), ["exp" if isinstance(e, sympy.exp) else "log"]]
        if isinstance(e, sympy.Abs):
            return [*self.write(e.args[0]), ["abs"]]
        if isinstance(e, sympy.Min | sympy.Max):
            return self.chain("min" if isinstance(e, sympy.Min) else "max", list(e.args))
        raise FormulaError(f"{e.func.__name__} has no counterpart in Operon")

    def chain(self, name: str, parts: list[Any]) -> Program:
        """Binary functions of many operands, from the left."""
        program = self.write(parts[0])
        for part in parts[1:]:
            program = [*self.write(part), *program, [name]]
        return program

    def product(self, e: Any) -> Program:
        """Numbers go into the weight of a variable, where there is one to the first power."""
        weight, rest = 1.0, []
        for part in e.args:
            if part.is_number:
                weight *= float(part)
            elif part.is_Symbol and str(part) in self.values:
                weight *= self.values[str(part)]
            else:
                rest.append(part)
        for k, part in enumerate(rest):
            if part.is_Symbol:
                head: Program = [["var", str(part), weight]]
                others = rest[:k] + rest[k + 1 :]
                break
        else:
            head, others = [["const", weight]], rest
            if weight == 1.0:
                head, others = self.write(rest[0]), rest[1:]
        for part in others:
            head = [*self.write(part), *head, ["mul"]]
        return head
