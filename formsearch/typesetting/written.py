"""A law's form as its author wrote it: terms in the written order, long repeated parts named, for display only.

SymPy sorts the arguments of sums and products by its own rules, so that `e*G + f/G` may print as `G*e + f/G`, and a
part that stands four times in a form prints four times. `as_written` undoes both. Its expressions are unevaluated:
print them, do not compute with them.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from formsearch.formula import parse_formula
from formsearch.law import Law
from formsearch.typesetting.maths import LINE, Formula, formula

if TYPE_CHECKING:
    import sympy

UNBROKEN = 10**6
"""A line that no form fills."""

OPERATIONS_WORTH_A_NAME = 5
"""A repeated part with this many operations gets a name; shorter ones read better in full."""


class Written(NamedTuple):
    """The form and what its abbreviations stand for; an abbreviation uses only later ones."""

    form: sympy.Expr
    where: tuple[tuple[sympy.Symbol, sympy.Expr], ...]


def as_written(law: Law) -> Written:
    """The form with terms in the order of the law's formula, repeated long parts named u_1, u_2, ..."""
    import sympy

    with sympy.evaluate(False):
        form = _tidy(parse_formula(law.formula, law.symbols))
        taken = {*law.variable_names, *law.constant_names}
        names = (sympy.Symbol(f"u_{i}") for i in itertools.count(1) if f"u_{i}" not in taken)
        where: list[tuple[sympy.Symbol, sympy.Expr]] = []
        while (part := _longest_repeated([form, *(m for _, m in where)])) is not None:
            name = next(names)
            form = _replace(form, part, name)
            where = [(n, _replace(m, part, name)) for n, m in where] + [(name, part)]
    return Written(form, tuple(where))


def formulas(law: Law, left: str = "", line: int = LINE) -> list[Formula]:
    """The form, `left` = ... where a letter is given, and after it a formula for each abbreviation."""
    form, where = text(law)
    return [
        formula(body, name, order=body, variables=(*law.variable_names, *where), line=line)
        for name, body in ((left, form), *where.items())
    ]


def latex(law: Law, left: str = "") -> str:
    r"""The form in LaTeX: one line, or `aligned` with the abbreviations below it.

    Without a left-hand side the form stands alone, abbreviations follow after \quad.
    """
    first, *others = (f.latex for f in formulas(law, left, UNBROKEN))
    if not left:
        return "".join([first, *(rf",\quad {other}" for other in others)])
    if not others:
        return formulas(law, left)[0].latex
    body = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in (first, *others))
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def text(law: Law) -> tuple[str, dict[str, str]]:
    """The form as a line of text in the written order, and the meaning of its abbreviations by name."""
    import sympy

    form, where = as_written(law)
    return sympy.sstr(form, order="none"), {n.name: sympy.sstr(m, order="none") for n, m in where}


def pretty(law: Law, left: str, width: int) -> str | None:
    """The form drawn in two dimensions with the abbreviations below it; None if it is wider than `width`."""
    import sympy

    form, where = as_written(law)
    blocks = []
    for name, meaning in ((sympy.Symbol(left), form), *where):
        equation = sympy.Eq(name, meaning, evaluate=False)
        drawn = sympy.pretty(equation, order="none", root_notation=False, use_unicode=True, num_columns=10_000)
        blocks.append("\n".join(line.rstrip() for line in drawn.splitlines()))
    if max(len(line) for block in blocks for line in block.splitlines()) > width:
        return None
    return "\n\n".join(blocks)


def _tidy(node: sympy.Basic) -> sympy.Basic:
    """Nested sums and products made flat; quotients of logarithms written with their base."""
    import sympy

    if not node.args:
        return node
    args = [_tidy(a) for a in node.args]
    if isinstance(node, sympy.Add | sympy.Mul):
        args = [b for a in args for b in (a.args if isinstance(a, type(node)) else (a,))]
    if isinstance(node, sympy.Mul):
        for base in (2, 10):
            divisor = sympy.Pow(sympy.log(sympy.Integer(base)), sympy.Integer(-1))
            while divisor in args and any(isinstance(a, sympy.log) for a in args[: args.index(divisor)]):
                i = args.index(divisor)
                j = max(k for k in range(i) if isinstance(args[k], sympy.log))
                args[j] = sympy.Function(f"log{base}")(args[j].args[0])
                del args[i]
        if len(args) == 1:
            return args[0]
    return node.func(*args)


def _subtrees(node: sympy.Basic) -> Iterator[sympy.Basic]:
    yield node
    for a in node.args:
        yield from _subtrees(a)


def _longest_repeated(roots: list[sympy.Basic]) -> sympy.Basic | None:
    import sympy

    counts = Counter(t for root in roots for t in _subtrees(root) if t.args)
    repeated = [
        (_size(t), str(t), t)
        for t, n in counts.items()
        # A function of one argument is named by its argument: log(u_1), not u_2.
        if n > 1 and (len(t.args) > 1 or isinstance(t, sympy.Pow))
    ]
    best = max(repeated, default=None, key=lambda item: item[:2])
    return best[2] if best is not None and best[0] >= OPERATIONS_WORTH_A_NAME else None


def _size(node: sympy.Basic) -> int:
    return sum(1 for t in _subtrees(node) if t.args)


def _replace(node: sympy.Basic, part: sympy.Basic, name: sympy.Symbol) -> sympy.Basic:
    if node == part:
        return name
    return node.func(*(_replace(a, part, name) for a in node.args)) if node.args else node
