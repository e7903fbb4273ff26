"""SymPy's printers with the layout of `formsearch.derive.layout`. Imported late, as SymPy is."""

from __future__ import annotations

from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.stringpict import prettyForm, stringPict
from sympy.printing.str import StrPrinter

from formsearch.derive.layout import PLAIN, Order, below_the_line, product, terms
from formsearch.derive.letters import latex_name, unicode_name


class Line(StrPrinter):  # type: ignore[misc]
    """One line, as a reader would type it."""

    layout: Order = PLAIN

    def _print_Mul(self, expr: Any) -> str:
        parts = product(expr, self.layout)
        above = "*".join(self._factor(f) for f in parts.above) or "1"
        if parts.below:
            below = "*".join(self._factor(f) for f in parts.below)
            several = len(parts.below) > 1
            above += f"/({below})" if several else f"/{below}"
        return f"-{above}" if parts.negative else above

    def _factor(self, factor: Any) -> str:
        return str(self.parenthesize(factor, PRECEDENCE["Mul"] + 1, strict=False))

    def _print_Add(self, expr: Any, order: Any = None) -> str:
        out = ""
        for i, (negative, term) in enumerate(terms(expr, self.layout)):
            shown = self._print(term).removeprefix("-") if negative else self._print(term)
            out += (" - " if negative else " + ") if i else ("-" if negative else "")
            out += f"({shown})" if term.is_Add else shown
        return out

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        return self._print_Mul(expr) if below_the_line(expr) else str(super()._print_Pow(expr, rational))

    def _print_Equality(self, expr: Any) -> str:
        return f"{self._print(expr.lhs)} = {self._print(expr.rhs)}"


class Drawn(PrettyPrinter):  # type: ignore[misc]
    """Two dimensions, for a terminal."""

    layout: Order = PLAIN

    def _print_Symbol(self, expr: Any, bold_name: bool = False) -> Any:
        return prettyForm(unicode_name(expr.name))

    def _print_Mul(self, expr: Any) -> Any:
        parts = product(expr, self.layout)
        form = self._fraction(parts)
        return _negated(form) if parts.negative else form

    def _fraction(self, parts: Any) -> Any:
        above = self._row(parts.above or (sympy.Integer(1),))
        return above / self._row(parts.below) if parts.below else above

    def _row(self, factors: Any) -> Any:
        drawn = [self._print(f) for f in factors]
        if len(drawn) == 1:
            return drawn[0]
        return prettyForm.__mul__(*(prettyForm(*d.parens()) if f.is_Add else d
                                    for f, d in zip(factors, drawn, strict=True)))  # fmt: skip

    def _print_Min(self, expr: Any) -> Any:
        return self._helper_print_function(expr.func, expr.args, func_name=type(expr).__name__.lower())

    _print_Max = _print_Min

    def _print_Add(self, expr: Any, order: Any = None) -> Any:
        forms = []
        for i, (negative, term) in enumerate(terms(expr, self.layout)):
            form = self._fraction(product(term, self.layout)) if term.is_Mul else self._print(term)
            form = prettyForm(*form.parens()) if term.is_Add else form
            forms.append(_negated(form, i) if negative else form)
        return prettyForm.__add__(*forms)

    def _print_Pow(self, power: Any) -> Any:
        if below_the_line(power):
            return self._print_Mul(power)
        if power.exp == sympy.Rational(1, 2):
            return self._print_nth_root(power.base, sympy.Integer(2))
        return self._print(power.base) ** self._print(power.exp)


def _negated(form: Any, index: int = 0) -> Any:
    sign = " - " if index else "- " if form.height() > 1 else "-"
    inner = stringPict(*form.parens()) if form.binding == prettyForm.ADD else form
    return prettyForm(*stringPict.next(sign, inner), binding=prettyForm.NEG)


class Latex(LatexPrinter):  # type: ignore[misc]
    """LaTeX, with the field's names for symbols."""

    layout: Order = PLAIN

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        return latex_name(expr.name)

    def _print_Mul(self, expr: Any) -> str:
        parts = product(expr, self.layout)
        return f"- {self._fraction(parts)}" if parts.negative else self._fraction(parts)

    def _fraction(self, parts: Any) -> str:
        above = self._row(parts.above) or "1"
        return rf"\frac{{{above}}}{{{self._row(parts.below)}}}" if parts.below else above

    def _row(self, factors: Any) -> str:
        single = len(factors) == 1
        shown = [self._print(f) if single else self.parenthesize(f, PRECEDENCE["Mul"]) for f in factors]
        return r"\,".join(shown)

    def _print_Add(self, expr: Any, order: Any = None) -> str:
        out = ""
        for i, (negative, term) in enumerate(terms(expr, self.layout)):
            shown = self._fraction(product(term, self.layout)) if term.is_Mul else self._print(term)
            out += (" - " if negative else " + ") if i else ("- " if negative else "")
            out += rf"\left({shown}\right)" if term.is_Add else shown
        return out

    def _print_Pow(self, expr: Any) -> str:
        return self._print_Mul(expr) if below_the_line(expr) else str(super()._print_Pow(expr))
