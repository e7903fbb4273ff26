"""Printers of mathematics: one line, two dimensions for a terminal, LaTeX, MathML; long parts get a name of their own.

All but MathML lay expressions out as `formsearch.derive.layout` says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from formsearch.derive.layout import PLAIN, Order

if TYPE_CHECKING:
    import sympy

LONG = 30
"""Operations from which on repeated parts of an equation are named, if it does not fit on a line otherwise."""


def line(expression: Any, order: Order = PLAIN) -> str:
    """The expression on one line, as a reader would type it."""
    from formsearch.derive.printers import Line

    printer = Line()
    printer.layout = order
    return str(printer.doprint(expression))


def _drawn(expression: Any, order: Order) -> str:
    from formsearch.derive.printers import Drawn

    printer = Drawn({"use_unicode": True, "wrap_line": False, "root_notation": False})
    printer.layout = order
    return str(printer.doprint(expression))


def to_latex(expression: sympy.Basic, order: Order = PLAIN) -> str:
    """LaTeX of an expression or relation, with the field's names for symbols."""
    from formsearch.derive.printers import Latex

    printer = Latex()
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
