"""Printers of mathematics: one line, two dimensions for a terminal, LaTeX, MathML; long parts get a name of their own.

All but MathML lay expressions out as `formsearch.derive.layout` says.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from formsearch.derive.layout import PLAIN, Order, below_the_line, product, terms

if TYPE_CHECKING:
    import sympy

LONG = 30
"""Operations from which on repeated parts of an equation are named, if it does not fit on a line otherwise."""

_UNICODE = {"eps": "ε", "lam": "λ"}
_GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "rho",
    "sigma", "tau", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma", "Phi", "Psi",
    "Omega",
})  # fmt: skip
_SPECIAL = {"eps": r"\epsilon", "lam": r"\lambda", "Na": "N_{a}", "Nact": r"N_{\mathrm{act}}", "Eh": r"\hat{E}"}
_DERIVATIVE = re.compile(r"d(\d*)([A-Z]+)/d(\w+?)(\d*)")


# -- names ------------------------------------------------------------------------------------------------------------


def latex_name(name: str) -> str:
    """LaTeX of a symbol's name: `Na` N_{a}, `G_opt` G_{opt}, `dL/dG` a partial derivative, `N_active/N` a ratio."""
    if match := _DERIVATIVE.fullmatch(name):
        order, target, x, power = match.groups()
        if order == power:
            top = rf"\partial^{{{order}}} {target}" if order else rf"\partial {target}"
            bottom = rf"\partial {latex_name(x)}" + (rf"^{{{order}}}" if order else "")
            return rf"\frac{{{top}}}{{{bottom}}}"
    if match := re.fullmatch(r"dln(.+)/dln(\w+)", name):
        return rf"\frac{{\partial \ln {latex_name(match.group(1))}}}{{\partial \ln {latex_name(match.group(2))}}}"
    if match := re.fullmatch(r"\((.+)\)", name):
        return rf"\left({latex_name(match.group(1))}\right)"
    if match := re.fullmatch(r"(\w+)\((.+)\)", name):  # A(G, S)
        inside = ", ".join(latex_name(p.strip()) for p in match.group(2).split(","))
        return rf"{latex_name(match.group(1))}\left({inside}\right)"
    if match := re.fullmatch(r"\((.+)\)_opt", name):
        return rf"\left({latex_name(match.group(1))}\right)_{{\mathrm{{opt}}}}"
    if "/" in name:
        return "/".join(latex_name(p) for p in name.split("/"))
    if name in _SPECIAL:
        return _SPECIAL[name]
    stem, _, tail = name.partition("_")
    if match := re.fullmatch(r"([A-Za-z]+?)(\d+)", stem):
        stem, tail = match.group(1), match.group(2) + (f",{tail}" if tail else "")
    if stem in _SPECIAL and tail:
        return rf"{_SPECIAL[stem][:-1]},\mathrm{{{tail}}}}}" if "_" in _SPECIAL[stem] else _sub(_SPECIAL[stem], tail)
    base = rf"\{stem}" if stem in _GREEK else stem if len(stem) == 1 else rf"\mathrm{{{stem}}}"
    return _sub(base, tail) if tail else base


def _sub(base: str, tail: str) -> str:
    inside = rf"\{tail}" if tail in _GREEK else tail if len(tail) == 1 or tail.isdigit() else rf"\mathrm{{{tail}}}"
    return f"{base}_{{{inside.replace('_', ',')}}}"


def unicode_name(name: str) -> str:
    """A symbol's name for a terminal: Greek letters, subscripts, ∂L/∂G."""
    from sympy.printing.pretty.pretty_symbology import pretty_symbol

    if match := _DERIVATIVE.fullmatch(name):
        order, target, x, power = match.groups()
        if order == power:
            up = {"": "", "2": "²", "3": "³"}.get(order, order)
            return f"∂{up}{target}/∂{unicode_name(x)}{up}"
    if match := re.fullmatch(r"dln(.+)/dln(\w+)", name):
        return f"∂ln {unicode_name(match.group(1))}/∂ln {unicode_name(match.group(2))}"
    if match := re.fullmatch(r"(\w+)\((.+)\)", name):
        return (
            f"{unicode_name(match.group(1))}({', '.join(unicode_name(p.strip()) for p in match.group(2).split(','))})"
        )
    if "/" in name:
        return "/".join(unicode_name(p) for p in name.split("/"))
    stem, _, tail = name.partition("_")
    known = _UNICODE.get(stem, stem)
    return str(pretty_symbol(f"{known}_{tail}" if tail else known))


# -- printers ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _printers() -> tuple[Any, Any, Any]:
    """The three printer classes (made at the first need: SymPy is imported late)."""
    import sympy
    from sympy.printing.latex import LatexPrinter
    from sympy.printing.precedence import PRECEDENCE
    from sympy.printing.pretty.pretty import PrettyPrinter
    from sympy.printing.pretty.stringpict import prettyForm, stringPict
    from sympy.printing.str import StrPrinter

    class Line(StrPrinter):  # type: ignore[misc]
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

    return Line, Drawn, Latex


def line(expression: Any, order: Order = PLAIN) -> str:
    """The expression on one line, as a reader would type it."""
    printer = _printers()[0]()
    printer.layout = order
    return str(printer.doprint(expression))


def _drawn(expression: Any, order: Order) -> str:
    printer = _printers()[1]({"use_unicode": True, "wrap_line": False, "root_notation": False})
    printer.layout = order
    return str(printer.doprint(expression))


def to_latex(expression: sympy.Basic, order: Order = PLAIN) -> str:
    """LaTeX of an expression or relation, with the field's names for symbols."""
    printer = _printers()[2]()
    printer.layout = order
    return str(printer.doprint(expression))


def pretty(expression: sympy.Basic, width: int, indent: str, order: Order = PLAIN) -> str:
    """Two-dimensional Unicode mathematics if it fits; else repeated parts are named, and what is too wide wrapped."""
    blocks: list[str] = []
    main: Any = expression
    parts: tuple[tuple[Any, Any], ...] = ()
    if _too_large(_drawn(expression, order), width, indent):
        main, parts = abbreviated(expression)
    for i, (name, part) in enumerate([(None, main), *parts]):
        shown = part if name is None else _equation(name, part)
        before = indent if not i else " " * max(len(indent) - 5, 0) + "with "
        blocks.append(_placed(shown, width, before, order))
    return "\n\n".join(blocks)


def _placed(expression: Any, width: int, indent: str, order: Order) -> str:
    import textwrap

    drawn = _drawn(expression, order)
    if _too_large(drawn, width, indent):
        rest = " " * (len(indent) + 2)
        return textwrap.fill(line(expression, order), width, initial_indent=indent, subsequent_indent=rest,
                             break_long_words=False, break_on_hyphens=False)  # fmt: skip
    lines = drawn.splitlines()
    if not indent.strip():
        return "\n".join(indent + text for text in lines)
    # A word before the mathematics stands on the line of its equals sign.
    middle = next((i for i, text in enumerate(lines) if " = " in text), 0)
    return "\n".join((indent if i == middle else " " * len(indent)) + text for i, text in enumerate(lines))


_TALLEST = 16


def _too_large(drawn: str, width: int, indent: str) -> bool:
    lines = drawn.splitlines()
    return max(map(len, lines)) + len(indent) > width or len(lines) > _TALLEST


def _equation(name: Any, part: Any) -> Any:
    import sympy

    return sympy.Eq(name, part, evaluate=False)


def abbreviated(expression: Any) -> tuple[Any, tuple[tuple[Any, Any], ...]]:
    """The expression with its long repeated parts named u_1, u_2, ...; unchanged if it is short or repeats nothing."""
    import sympy

    if expression.count_ops() < LONG:
        return expression, ()
    sides = list(expression.args) if isinstance(expression, sympy.core.relational.Relational) else [expression]
    repeated, shorter = sympy.cse(sides, symbols=sympy.numbered_symbols("cse_"), list=True)
    inner: dict[Any, Any] = {}
    parts: list[tuple[Any, Any]] = []
    for symbol, part in repeated:
        part = part.xreplace(inner)
        if part.count_ops() < _WORTH_A_NAME:
            inner[symbol] = part
            continue
        name = sympy.Symbol(f"u_{len(parts) + 1}", positive=part.is_positive)
        parts.append((name, part))
        inner[symbol] = name
    done = [s.xreplace(inner) for s in shorter]
    main = done[0] if len(done) == 1 else expression.func(*done, evaluate=False)
    return main, tuple(parts)


_WORTH_A_NAME = 3


def mathml(expression: sympy.Basic | None) -> str:
    """Presentation MathML wrapped in a block `<math>` element; "" for None."""
    if expression is None:
        return ""
    import sympy
    from sympy.printing.mathml import mathml as printed

    renamed = expression.xreplace({s: sympy.Symbol(_plain(s.name)) for s in expression.atoms(sympy.Symbol)})
    markup = printed(renamed, printer="presentation").replace("&InvisibleTimes;", "&#8290;")  # valid XML too
    return f'<math display="block">{markup}</math>'


def _plain(name: str) -> str:
    name = {"eps": "epsilon", "lam": "lambda", "Na": "N_a"}.get(name, name)
    return re.sub(r"^d(\d*)([A-Z]+)/d(\w+?)(\d*)$", lambda m: f"∂{m[1]}{m[2]}/∂{_plain(m[3])}{m[4]}", name)
