"""Formulas for readers: a formula string or SymPy object -> LaTeX, MathML and text, terms in the author's order.

Strings (from `results.json`, perhaps a stranger's) are read through a whitelist over Python's syntax tree, never
evaluated as code; MathML and LaTeX are always printed here, so nothing from a file reaches a page unescaped.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from formsearch.exceptions import FormulaError
from formsearch.formula import FUNCTIONS, MAX_DEPTH, MAX_LENGTH, names_in, parse_formula
from formsearch.typesetting.escape import escape_latex
from formsearch.typesetting.numbers import number

if TYPE_CHECKING:
    import sympy

LINE = 58
"""Characters, about, after which a long sum continues on the next line."""

NARROW = 30
"""The same on a telephone."""

SMALL = 0.7
"""Size of exponents and indices."""

_SPECIAL: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"\(([A-Za-z]\w*)/([A-Za-z]\w*)\)_opt\b"), r"ratio__\1__\2"),
    (re.compile(r"\bdln\(([A-Za-z]\w*)/([A-Za-z]\w*)\)/dln([A-Za-z]\w*)"), r"dln__\3__\1__\2"),
    (re.compile(r"\bdln\(?([A-Za-z]\w*?)\)?/dln([A-Za-z]\w*)"), r"dln__\2__\1"),
    (re.compile(r"\bd([2-9])([A-Za-z]\w*?)/d([A-Za-z]\w*?)\1(?!\w)"), r"slope__\1__\2__\3"),
    (re.compile(r"\bd([A-Z]\w*?)/d([A-Za-z]\w*)"), r"slope__1__\1__\2"),
)
"""Names of derived things, as derivations print them, and the symbols that stand for them (`printers.SPECIAL`)."""

_RELATIONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "Eq", ast.NotEq: "Ne", ast.Lt: "Lt", ast.LtE: "Le", ast.Gt: "Gt", ast.GtE: "Ge",
}  # fmt: skip
_KEPT = tuple(f for f in FUNCTIONS if f not in ("log10", "log2"))
"""Functions that `parse_formula` builds; the two others it would rewrite as quotients of natural logarithms."""


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula in three scripts; `mathml` is the inside of a `<math>` element, printed by this package.

    width : of its longest line, in characters, about (0 if not known). narrow : the MathML with shorter lines, of the
    width `narrow_width`; empty where they would be the same.
    """

    latex: str
    mathml: str
    text: str
    width: float = 0.0
    narrow: str = ""
    narrow_width: float = 0.0


# -- reading -----------------------------------------------------------------------------------------------------


def read(text: str) -> sympy.Basic:
    """A formula, or an equation or inequality as SymPy prints it, as a SymPy object. Raises `FormulaError`.

    Beyond `parse_formula`: `Eq(a, b)`, `a < b`, `Derivative(f, x)`, functions of undeclared name such as `A(G, S)`,
    optima of ratios `(Na/N)_opt`, and the slopes `dL/dG`, `d2L/dNa2`, `dln(Na/N)/dlnN`.
    """
    import sympy

    if len(text) > MAX_LENGTH:
        raise FormulaError(f"formula has {len(text)} characters; at most {MAX_LENGTH} are read")
    text = text.strip().replace("^", "**")
    for pattern, stand_in in _SPECIAL:
        text = pattern.sub(stand_in, text)
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaError(f"cannot read formula {text[:80]!r}") from None
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _RELATIONS:
            name = _RELATIONS[type(op)]
        case ast.Call(func=ast.Name(id=name), args=[left, right], keywords=[]) if name in _RELATIONS.values():
            pass
        case _:
            return _expression(node)
    relation: sympy.Basic = getattr(sympy, name)(_expression(left), _expression(right), evaluate=False)
    return relation


def _expression(node: ast.expr, depth: int = 0) -> sympy.Expr:
    """An expression; calls that `parse_formula` does not know are taken out, and put back as SymPy functions."""
    import sympy

    if depth > MAX_DEPTH:
        raise FormulaError(f"formula is nested deeper than {MAX_DEPTH} levels")
    calls: dict[sympy.Symbol, sympy.Expr] = {}

    class TakeOut(ast.NodeTransformer):
        def visit_Call(self, call: ast.Call) -> ast.expr:
            if (
                not isinstance(call.func, ast.Name)
                or call.keywords
                or any(isinstance(a, ast.Starred) for a in call.args)
            ):
                raise FormulaError(f"formula contains {ast.unparse(call)[:60]!r}, which is not allowed")
            if call.func.id in _KEPT:
                call.args = [self.visit(a) for a in call.args]
                return call
            arguments = [_expression(a, depth + 1) for a in call.args]
            derivative = (
                call.func.id == "Derivative" and len(arguments) >= 2 and all(a.is_Symbol for a in arguments[1:])
            )
            stand_in = sympy.Symbol(f"call__{depth}__{len(calls)}")
            calls[stand_in] = (
                sympy.Derivative(*arguments) if derivative else sympy.Function(call.func.id)(*arguments)
            )  # fmt: skip
            return ast.Name(id=stand_in.name, ctx=ast.Load())

    text = ast.unparse(TakeOut().visit(node))
    # Symbols without assumptions: SymPy then neither splits sqrt(f/e) nor joins what was written apart.
    symbols = {n: sympy.Symbol(n) for n in names_in(text)}
    return parse_formula(text, symbols).xreplace(calls)


# -- writing -----------------------------------------------------------------------------------------------------


def formula(
    what: str | sympy.Basic,
    left: str = "",
    order: str = "",
    variables: Collection[str] = (),
    constants: Mapping[str, float] | None = None,
    names: Mapping[str, str] | None = None,
    line: int = LINE,
) -> Formula:
    """Formula of a string or of a SymPy object.

    left : name of the left-hand side (`"L"`), none if empty. order : the formula string whose order of symbols sums
    follow (by default `what` itself). variables : symbols that stand last in products. constants : numbers put in
    place of their symbols. names : other names for symbols of a string. line : width at which a sum is broken.
    A string that cannot be read is shown as it is, as text.
    """
    import sympy

    if names and isinstance(what, str):
        what = re.sub(r"[A-Za-z_]\w*", lambda m: names.get(m[0], m[0]), what)
    try:
        tree = read(what) if isinstance(what, str) else what
        head = read(left) if left else None
    except FormulaError:
        return verbatim(f"{left} = {what}" if left else str(what))
    if head is None and isinstance(tree, sympy.Eq):
        head, tree = tree.lhs, tree.rhs
    return _Writer(order or (what if isinstance(what, str) else ""), variables, constants or {}, line).write(head, tree)


def proportional(variable: str, exponent: float) -> Formula:
    """Proportional to a power of a variable."""
    base, digits = formula(variable), number(exponent, 3)
    minus = "<mo>&#x2212;</mo>" if digits.startswith("−") else ""
    power = f"<msup>{base.mathml}<mrow>{minus}<mn>{digits.lstrip('−')}</mn></mrow></msup>"
    return Formula(
        rf"\propto {base.latex}^{{{digits.replace('−', '-')}}}",
        f"<mrow><mo>&#x221D;</mo>{power}</mrow>",
        f"∝ {base.text}^{digits}",
    )


def verbatim(text: str) -> Formula:
    """A formula that is only known as text."""
    return Formula(rf"\text{{{escape_latex(text)}}}", f"<mtext>{escape(text)}</mtext>", text)


class _Writer:
    """Prints trees in the order of one formula string, with numbers in place of constants."""

    def __init__(self, order: str, variables: Collection[str], constants: Mapping[str, float], line: int) -> None:
        self.line = line
        try:
            self.positions = {n: i for i, n in enumerate(names_in(order))} if order else {}
        except FormulaError:
            self.positions = {}
        self.variables = variables
        self.constants = constants
        self.sums: dict[sympy.Expr, list[sympy.Expr]] = {}

    def write(self, head: sympy.Basic | None, tree: sympy.Basic) -> Formula:
        from formsearch.typesetting.printers import Latex, MathML, Text

        tree = self.settled(tree)
        text, latex, mathml = (P(self.sums, self.variables, self.positions) for P in (Text, Latex, MathML))
        lines = self.lines(tree, text, self.line)
        said = text.doprint(tree) if head is None else f"{text.doprint(head)} = {text.doprint(tree)}"
        left = ("", "") if head is None else (latex.doprint(head), mathml.doprint(head))

        def set_in(parts: Sequence[sympy.Basic]) -> tuple[str, float]:
            """MathML on these lines, and its width."""
            width = max(self.span(part, text) for part in parts) + (0 if head is None else self.span(head, text) + 3)
            if len(parts) > 1:
                return _mathml_lines(left[1], [mathml.doprint(part) for part in parts]), width
            equals = "" if head is None else "<mo>=</mo>"
            return f"<mrow>{left[1]}{equals}{mathml.doprint(tree)}</mrow>", width

        if len(lines) > 1:
            printed = _latex_lines(left[0], [latex.doprint(part) for part in lines])
        else:
            printed = left[0] + ("" if head is None else " = ") + latex.doprint(tree)
        short = self.lines(tree, text, NARROW) if self.line == LINE else lines
        narrow = set_in(short) if short != lines else ("", 0.0)
        mathml_text, width = set_in(lines)
        return Formula(printed, mathml_text, said, width, *narrow)

    def settled(self, tree: sympy.Basic) -> sympy.Basic:
        """The tree with numbers put in, decimals as decimals, and the order of each sum noted in `sums`."""
        import sympy

        if tree.is_Symbol and tree.name in self.constants:
            return sympy.Float(float(f"{self.constants[tree.name]:.10e}"))
        if tree.is_Rational and not tree.is_Integer and tree.q > 12:
            return sympy.Float(tree)
        if not tree.args or isinstance(tree, sympy.Derivative):
            return tree
        if not tree.is_Add:
            return tree.func(*(self.settled(a) for a in tree.args))
        terms = [self.settled(t) for t in self.in_order(tree)]
        total = sympy.Add(*terms)
        if total.is_Add and set(total.args) == set(terms):
            self.sums[total] = terms
        return total

    def in_order(self, total: sympy.Expr) -> list[sympy.Expr]:
        """Terms of a sum by the first appearance of the latest of their symbols in the formula as written."""
        terms = list(total.as_ordered_terms())
        last = len(self.positions)

        def place(term: sympy.Expr) -> tuple[int, int]:
            known = [self.positions.get(s.name, last) for s in term.free_symbols]
            return (max(known), min(known)) if known else (last + 1 if term.is_negative else -1, 0)

        if not self.positions:
            return terms
        terms.sort(key=place)
        if len(terms) > 1 and terms[0].could_extract_minus_sign() and place(terms[0]) > (0, 0):
            ahead = next((t for t in terms if not t.could_extract_minus_sign()), terms[0])
            terms.remove(ahead)
            terms.insert(0, ahead)
        return terms

    def lines(self, tree: sympy.Basic, text: Any, line: int) -> list[sympy.Basic]:
        """A long sum cut into parts of about one line each; anything else in one piece."""
        import sympy

        if not tree.is_Add or self.span(tree, text) <= line:
            return [tree]
        groups: list[list[sympy.Expr]] = [[]]
        width = 0.0
        for term in self.sums.get(tree, tree.as_ordered_terms()):
            size = self.span(term, text)
            if groups[-1] and width + size > line:
                groups.append([])
                width = 0.0
            groups[-1].append(term)
            width += size + 3
        if len(groups) > 1 and sum(self.span(t, text) for t in groups[0]) < line / 5:
            groups[:2] = [groups[0] + groups[1]]
        if len(groups) > 1 and len(groups[-1]) == 1 and self.span(groups[-1][0], text) < line / 5:
            groups[-2:] = [groups[-2] + groups[-1]]  # no line for a lonely constant
        parts: list[sympy.Basic] = []
        for group in groups:
            part = sympy.Add(*group)
            if len(group) > 1:
                self.sums[part] = group
            parts.append(part)
        return parts

    def span(self, tree: sympy.Basic, text: Any) -> float:
        """About how wide a formula is set, in characters: a fraction as its wider half, an exponent at its size."""
        if tree.is_Add:
            return sum(self.span(t, text) + 3 for t in tree.args) - 3
        if tree.is_Mul or tree.is_Pow:
            _, above, below = text._factors(tree)
            if below:
                return max(self._row(above, text), self._row(below, text))
            if tree.is_Mul:
                return self._row(above, text)
            return self._row([tree.base], text) + SMALL * self.span(tree.exp, text)
        if not tree.args:
            return SMALL * len(text.doprint(tree)) if tree.is_Symbol and len(tree.name) > 2 else len(text.doprint(tree))
        return len(type(tree).__name__) + 2 + sum(self.span(a, text) for a in tree.args)

    def _row(self, factors: Sequence[sympy.Expr], text: Any) -> float:
        """Factors beside each other, sums in brackets."""
        return sum(self.span(f, text) + (2 if f.is_Add else 0) + 0.5 for f in factors)


def _latex_lines(head: str, lines: Sequence[str]) -> str:
    rows = [lines[0], *(line if line.startswith("-") else f"+ {line}" for line in lines[1:])]
    joined = " \\\\\n&\\quad ".join(rows)
    return f"\\begin{{aligned}}\n{f'{head} &= ' if head else '&'}{joined}\n\\end{{aligned}}"


def _mathml_lines(head: str, lines: Sequence[str]) -> str:
    """The sum as rows of a table: the first after "=", the others after their sign."""
    rows = []
    for i, line in enumerate(lines):
        signed = re.match(r"(<mrow>)*<mo>&#x2212;</mo>", line)
        sign = ("<mo>=</mo>" if head else "") if i == 0 else "" if signed else '<mo form="infix">+</mo>'
        rows.append(
            f'<mtr><mtd class="head">{head if i == 0 else ""}</mtd>'
            f'<mtd class="line"><mrow>{sign}{line}</mrow></mtd></mtr>'
        )
    return f'<mtable class="lines" displaystyle="true">{"".join(rows)}</mtable>'
