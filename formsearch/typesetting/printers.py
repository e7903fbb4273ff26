"""SymPy's LaTeX, MathML and text printers with the house rules for scaling laws. Imported at first use (SymPy).

Rules: sums in a given order; products as number, constants, variables, brackets; negative powers as fractions;
decimals rounded; `log` is the natural logarithm and printed ln; long names upright.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter, greek_letters_set, translate
from sympy.printing.mathml import MathMLPresentationPrinter, greek_unicode
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from formsearch.typesetting.numbers import number

DIGITS = 5
SPECIAL = re.compile(r"(ratio|slope|dln)__(\w+)")
"""Symbols that stand for more than a letter: `ratio__Na__N` is (Na/N)_opt, `slope__2__L__Na` the second derivative of L
by Na, `dln__N__Na__N` the derivative of ln(Na/N) by ln N (variable first)."""

_RENAMED = {"eps": "epsilon", "lam": "lambda"}
_WORDS = re.compile(r"[a-z]{4,}(_[a-z]+)+")
_COMPOUND = re.compile(r"([A-Z])([a-z]{1,3}|[A-Z])|([a-z])([A-Z])")
_LOGARITHMS = {"log": "", "ln": "", "log10": "10", "log2": "2"}
_PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_ENTITIES = {"InvisibleTimes": "&#x2062;", "ExponentialE": "e", "ImaginaryI": "i", "dd": "d", "Exists": "&#x2203;"}


def shown(value: float) -> tuple[str, str]:
    """Mantissa and power of ten ("" if none) of a decimal: at most `DIGITS` digits, no trailing zeros."""
    mantissa, times, power = number(float(value), DIGITS).replace("−", "-").partition("×10")
    if not times and (found := re.fullmatch(r"(-?)10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", mantissa)):
        return f"{found[1]}1", found[2].translate(_PLAIN)
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return mantissa, power.translate(_PLAIN)


def _is_quotient(power: sympy.Expr) -> bool:
    """Whether a power of a symbol or bracket is written below a fraction bar."""
    return not power.base.is_number and power.base is not sympy.E and sympy.fraction(power)[1] is not sympy.S.One


def _is_fraction(exponent: sympy.Expr) -> bool:
    """Whether an exponent is printed with a slash, N^(1/4), D^(1/(1 + a)): readable at its size. Square roots stay."""
    if exponent.is_Rational:
        return bool(exponent.q > 2 or (exponent.q == 2 and abs(exponent.p) > 1))
    return bool(not exponent.is_Add and sympy.fraction(exponent)[1] is not sympy.S.One)


def spelled(name: str) -> tuple[str, tuple[str, ...]]:
    """Letter and subscripts of a symbol: N_active -> N, (active); Na_opt -> N, (a, opt); aN -> a, (N); C1 -> C, (1).

    A name made of words stays one name: shared_ratio -> "shared ratio".
    """
    if _WORDS.fullmatch(name):
        return name.replace("_", " "), ()
    base, *rest = [p for p in name.split("_") if p] or [name]
    base = _RENAMED.get(base, base)
    if base in greek_letters_set or base.lower() in greek_letters_set:
        return base, tuple(rest)
    if found := _COMPOUND.fullmatch(base):
        return found[1] or found[3], (found[2] or found[4], *rest)
    if found := re.fullmatch(r"([A-Za-z]+)(\d+)", base):
        return found[1], (found[2], *rest)
    return base, tuple(rest)


def special(name: str) -> tuple[str, list[str]] | None:
    """Kind and arguments of a special symbol, None for an ordinary one."""
    found = SPECIAL.fullmatch(name)
    return (found[1], found[2].split("__")) if found else None


class House:
    """What the three printers share. `sums` maps a sum to its terms in order; `variables` go last in products."""

    sums: Mapping[sympy.Expr, Sequence[sympy.Expr]]
    variables: Collection[str]
    positions: Mapping[str, int]

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Any]:
        return list(self.sums.get(expr, expr.as_ordered_terms()))

    def _factors(self, product: sympy.Expr) -> tuple[bool, list[sympy.Expr], list[sympy.Expr]]:
        """Sign, factors above the fraction bar and factors below it, in reading order."""
        minus = bool(product.could_extract_minus_sign())
        above, below = sympy.fraction(-product if minus else product)
        decays = [sympy.exp(-f.args[0]) for f in sympy.Mul.make_args(below) if isinstance(f, sympy.exp)]
        if decays:  # exp(-x) stays what it is, above the bar
            below = sympy.Mul(*(f for f in sympy.Mul.make_args(below) if not isinstance(f, sympy.exp)))
        return minus, [*self._in_order(above), *decays], self._in_order(below)

    def _in_order(self, product: sympy.Expr) -> list[sympy.Expr]:
        factors = [f for f in sympy.Mul.make_args(product) if f is not sympy.S.One]

        def place(factor: sympy.Expr) -> tuple[int, int, str]:
            names = {s.name for s in factor.free_symbols}
            at = min((self.positions.get(n, 999) for n in names), default=0)
            if factor.is_number:
                return (0 if factor.is_Number else 1, 0, str(factor))
            base = factor.base if factor.is_Pow else factor
            bracket = base.is_Add or base.is_Function
            return (4 if bracket else 3 if names & set(self.variables) else 2, at, str(factor))

        return sorted(factors, key=place)


class Text(House, StrPrinter):  # type: ignore[misc]
    """Plain text that Python reads back."""

    def __init__(self, sums: Any, variables: Collection[str], positions: Mapping[str, int]) -> None:
        super().__init__()
        self.sums, self.variables, self.positions = sums, variables, positions

    def _print_Float(self, expr: Any) -> str:
        return f"{float(expr):.{DIGITS}g}"

    def _print_Symbol(self, expr: Any) -> str:
        match special(expr.name):
            case "ratio", [above, below]:
                return f"({above}/{below})_opt"
            case "slope", [times, of, by]:
                return f"d{of}/d{by}" if times == "1" else f"d{times}{of}/d{by}{times}"
            case "dln", [by, *of]:
                return f"dln({'/'.join(of)})/dln{by}"
        return str(expr.name)

    def _print_Mul(self, expr: Any) -> str:
        minus, above, below = self._factors(expr)

        def joined(factors: list[sympy.Expr]) -> str:
            return "*".join(self.parenthesize(f, PRECEDENCE["Mul"]) for f in factors)

        text = joined(above) or "1"
        if below:
            under = joined(below)
            simple = len(below) == 1 and not below[0].is_Add
            text += f"/{under}" if simple or (len(below) == 1 and under.startswith("(")) else f"/({under})"
        return f"-{text}" if minus else text

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        if _is_quotient(expr):
            return self._print_Mul(expr)
        return str(super()._print_Pow(expr, rational))


class Latex(House, LatexPrinter):  # type: ignore[misc]
    """LaTeX that needs amsmath."""

    def __init__(self, sums: Any, variables: Collection[str], positions: Mapping[str, int]) -> None:
        super().__init__({"ln_notation": True})
        self.sums, self.variables, self.positions = sums, variables, positions

    def _print_Float(self, expr: Any) -> str:
        mantissa, power = shown(expr)
        return mantissa if not power else f"10^{{{power}}}" if mantissa == "1" else (
            rf"{mantissa} \cdot 10^{{{power}}}"
        )  # fmt: skip

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        match special(expr.name):
            case "ratio", [above, below]:
                return rf"\left({_latex_name(above)}/{_latex_name(below)}\right)_{{\mathrm{{opt}}}}"
            case "slope", [times, of, by]:
                power = "" if times == "1" else f"^{{{times}}}"
                return rf"\frac{{\partial{power} {_latex_name(of)}}}{{\partial {_latex_name(by)}{power}}}"
            case "dln", [by, *of]:
                inner = "/".join(_latex_name(n) for n in of)
                inner = rf"\left({inner}\right)" if len(of) > 1 else inner
                return rf"\frac{{\mathrm{{d}} \ln {inner}}}{{\mathrm{{d}} \ln {_latex_name(by)}}}"
        return _latex_name(expr.name)

    def _print_Mul(self, expr: Any) -> str:
        minus, above, below = self._factors(expr)

        def joined(factors: list[sympy.Expr]) -> str:
            alone = len(factors) == 1
            parts = [self._print(f) if alone else self.parenthesize(f, PRECEDENCE["Mul"]) for f in factors]
            text = parts[0] if parts else "1"
            for before, part in pairwise(parts):
                digits = before[-1:].isdigit() or before[-1:] == "}"
                text += rf" \cdot {part}" if part[:1].isdigit() and digits else rf" {part}"
            return text

        if below:
            text = rf"\frac{{{joined(above)}}}{{{joined(below)}}}"
        else:
            brackets = [self.parenthesize(f, PRECEDENCE["Mul"]) for f in above]
            text = joined(above) if len(above) == 1 else r" \cdot ".join(brackets) if all(
                f.is_number for f in above) else joined(above)  # fmt: skip
        return f"- {text}" if minus else text

    def _print_Pow(self, expr: Any) -> str:
        if _is_quotient(expr):
            return self._print_Mul(expr)
        if _is_fraction(expr.exp):
            return rf"{self.parenthesize(expr.base, PRECEDENCE['Pow'])}^{{{self._slashed(expr.exp)}}}"
        return str(super()._print_Pow(expr))

    def _slashed(self, quotient: Any) -> str:
        minus, above, below = self._factors(quotient)
        parts = []
        for factors in (above, below):
            text = " ".join(self.parenthesize(f, PRECEDENCE["Mul"]) for f in factors) or "1"
            parts.append(text if len(factors) < 2 else f"({text})" if factors is below else text)
        return f"{'-' if minus else ''}{parts[0]}/{parts[1]}"

    def _print_Function(self, expr: Any, exp: Any = None) -> str:
        name = expr.func.__name__
        arguments = ", ".join(self._print(a) for a in expr.args)
        head = rf"\log_{{{base}}}" if (base := _LOGARITHMS.get(name)) else _latex_name(name)
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"{head}{power}\left({arguments}\right)"


def _latex_name(name: str) -> str:
    base, lower = spelled(name)

    def part(text: str) -> str:
        if " " in text:
            return rf"\text{{{text}}}"
        said = str(translate(text))
        return rf"\mathrm{{{text}}}" if said == text and len(text) > 1 and not text.isdigit() else said

    return part(base) + (f"_{{{','.join(part(s) for s in lower)}}}" if lower else "")


class MathML(House, MathMLPresentationPrinter):  # type: ignore[misc]
    """Presentation MathML within MathML Core; XML entities only, so that any parser reads it."""

    def __init__(self, sums: Any, variables: Collection[str], positions: Mapping[str, int]) -> None:
        super().__init__()
        self.sums, self.variables, self.positions = sums, variables, positions

    def doprint(self, expr: Any) -> str:
        """The inside of a `<math>` element."""
        return re.sub(r"&([A-Za-z]+);", lambda m: _ENTITIES.get(m[1], m[0]), str(super().doprint(expr)))

    # Elements -------------------------------------------------------------------------------------------------

    def _leaf(self, tag: str, text: str) -> Any:
        leaf = self.dom.createElement(tag)
        leaf.appendChild(self.dom.createTextNode(text))
        return leaf

    def _element(self, tag: str, *children: Any) -> Any:
        element = self.dom.createElement(tag)
        for child in children:
            element.appendChild(child)
        return element

    # Expressions ----------------------------------------------------------------------------------------------

    def _print_Float(self, expr: Any) -> Any:
        mantissa, power = shown(expr)
        row = [self._leaf("mo", "&#x2212;")] if mantissa.startswith("-") else []
        one = power and mantissa.lstrip("-") == "1"
        if not one:
            row.append(self._leaf("mn", mantissa.lstrip("-")))
        if power:
            row += [] if one else [self._leaf("mo", "&#xD7;")]
            row.append(self._element("msup", self._leaf("mn", "10"), self._signed(power)))
        return self._element("mrow", *row)

    def _signed(self, digits: str) -> Any:
        if not digits.startswith("-"):
            return self._leaf("mn", digits)
        return self._element("mrow", self._leaf("mo", "&#x2212;"), self._leaf("mn", digits[1:]))

    def _print_Integer(self, expr: Any) -> Any:
        return self._signed(str(expr))

    def _print_Mul(self, expr: Any) -> Any:
        minus, above, below = self._factors(expr)

        def joined(factors: list[sympy.Expr]) -> Any:
            if len(factors) < 2:
                return self._print(factors[0]) if factors else self._leaf("mn", "1")
            row = []
            for before, factor in zip([None, *factors], factors, strict=False):
                if before is not None:
                    numbers = before.is_number and factor.is_number
                    times = self._leaf("mo", "&#xB7;" if numbers else "&#x2062;")
                    if before.is_Float and not numbers:  # 0.05 N, not 0.05N
                        times.setAttribute("rspace", "0.14em")
                    row.append(times)
                row.append(self.parenthesize(factor, PRECEDENCE["Mul"]))
            return self._element("mrow", *row)

        body = self._element("mfrac", joined(above), joined(below)) if below else joined(above)
        return self._element("mrow", self._leaf("mo", "&#x2212;"), body) if minus else body

    def _print_Pow(self, expr: Any) -> Any:
        if _is_quotient(expr):
            return self._print_Mul(expr)
        if _is_fraction(expr.exp):
            return self._element("msup", self.parenthesize(expr.base, PRECEDENCE["Pow"]), self._slashed(expr.exp))
        return super()._print_Pow(expr)

    def _slashed(self, quotient: Any) -> Any:
        minus, above, below = self._factors(quotient)
        row = [self._leaf("mo", "&#x2212;")] if minus else []
        for factors in (above, below):
            inner = [self.parenthesize(f, PRECEDENCE["Mul"]) for f in factors] or [self._leaf("mn", "1")]
            fenced = factors is below and len(factors) > 1
            row += [self._leaf("mo", "/")] if factors is below else []
            row += [self._leaf("mo", "("), *inner, self._leaf("mo", ")")] if fenced else inner
        return self._element("mrow", *row)

    def _print_Add(self, expr: Any, order: Any = None) -> Any:
        row = []
        for i, term in enumerate(self._as_ordered_terms(expr)):
            minus = term.could_extract_minus_sign()
            if i or minus:
                row.append(self._leaf("mo", "&#x2212;" if minus else "+"))
            row.append(self._print(-term if minus else term))
        return self._element("mrow", *row)

    def _print_Function(self, expr: Any) -> Any:
        name = expr.func.__name__
        arguments = self._paren_comma_separated(*expr.args)
        if name in _LOGARITHMS:
            base = _LOGARITHMS[name]
            head = self._element("msub", self._leaf("mi", "log"), self._leaf("mn", base)) if base else (
                self._leaf("mi", "ln")
            )  # fmt: skip
        else:  # SymPy would print A(G, S) as a(G, S)
            head = self._print_Symbol(sympy.Symbol(name))
        return self._element("mrow", head, self._leaf("mo", "&#x2061;"), arguments)

    _print_log = _print_Function

    def _print_exp(self, expr: Any) -> Any:
        return self._element("msup", self._leaf("mi", "e"), self._print(expr.args[0]))

    def _print_Relational(self, expr: Any) -> Any:
        signs = {"==": "=", "!=": "&#x2260;", "<": "&lt;", "<=": "&#x2264;", ">": "&gt;", ">=": "&#x2265;"}
        return self._element("mrow", self._print(expr.lhs), self._leaf("mo", signs[expr.rel_op]), self._print(expr.rhs))

    def _print_Symbol(self, expr: Any, style: str = "plain") -> Any:
        match special(expr.name):
            case "ratio", names:
                return self._element("msub", self._fenced(names), self._leaf("mi", "opt"))
            case "slope", [times, of, by]:
                return self._element("mfrac", self._partial(times, of, False), self._partial(times, by, True))
            case "dln", [by, *of]:
                inner = self._name(of[0]) if len(of) == 1 else self._fenced(of)
                return self._element("mfrac", self._dln(inner), self._dln(self._name(by)))
        return self._name(expr.name)

    def _name(self, name: str) -> Any:
        base, lower = spelled(name)
        letter = self._leaf("mi", greek_unicode.get(base, base))
        if not lower:
            return letter
        row = []
        for i, part in enumerate(lower):
            row += [self._leaf("mo", ",")] if i else []
            row.append(self._leaf("mn" if part.isdigit() else "mi", greek_unicode.get(part, part)))
        return self._element("msub", letter, row[0] if len(row) == 1 else self._element("mrow", *row))

    def _fenced(self, names: Sequence[str]) -> Any:
        above, below = (self._name(n) for n in names)
        return self._element("mrow", self._leaf("mo", "("), above, self._leaf("mo", "/"), below, self._leaf("mo", ")"))

    def _partial(self, times: str, name: str, below: bool) -> Any:
        d, letter = self._leaf("mi", "&#x2202;"), self._name(name)
        if times == "1":
            return self._element("mrow", d, letter)
        if below:
            return self._element("mrow", d, self._element("msup", letter, self._leaf("mn", times)))
        return self._element("mrow", self._element("msup", d, self._leaf("mn", times)), letter)

    def _dln(self, inner: Any) -> Any:
        return self._element("mrow", self._leaf("mi", "d"), self._leaf("mi", "ln"), self._leaf("mo", "&#x2061;"), inner)
