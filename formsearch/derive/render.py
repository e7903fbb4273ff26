"""A derivation as readable mathematics: terminal, Markdown, LaTeX, MathML."""

from __future__ import annotations

import re
from typing import Any

from formsearch.derive.derivation import Check, Derivation, Result, Step, Table, optimum_name
from formsearch.derive.draw import abbreviated, line, pretty, to_latex
from formsearch.derive.layout import PLAIN, Order

# -- numbers and sentences ------------------------------------------------------------------------------------------


def number(value: float | int | str | None, digits: int = 5) -> str:
    """A number for a reader: significant digits, no noise; powers of ten for large and small."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, int) and abs(value) < 10**6:
        return str(value)
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{digits}g}"


def result_line(result: Result, order: Order = PLAIN) -> str:
    """One line of a result: name, value, interval."""
    name = optimum_name(result.symbol, result.kind)
    if result.kind in {"monotone", "none", "implicit"} and result.remarks:
        return result.remarks[0].rstrip(".")
    parts = [name]
    if result.expression is not None:
        parts.append(f"= {line(result.expression, order)}")
    elif result.implicit is not None and result.value is None:
        left, right = result.implicit.args
        own = str(left) == result.symbol
        if not own and result.implicit.count_ops() > _QUOTED:
            parts.append("has no closed form: the root of its equation above")
        else:
            parts.append(f"= {line(right, order)}" if own else f"solves {line(result.implicit, order)}")
    elif result.value is None and result.expression is None:
        parts.append(
            "is at an end of its domain" if result.feasibility else "has no closed form; its numbers are in the table"
        )
    if result.value is not None and not (result.expression is not None and result.expression.is_number):
        percent = f" ({100 * result.value:.2f} %)" if result.quantity == "activation_ratio" else ""
        parts.append(f"= {number(result.value)}{percent}")
    if result.interval is not None:
        parts.append(f"[{number(result.interval[0], 4)}, {number(result.interval[1], 4)}]")
    if result.settings and result.value is not None:
        parts.append("at " + ", ".join(f"{k} = {number(v, 4)}" for k, v in result.settings.items()))
    return " ".join(parts)


_QUOTED = 60
"""Operations up to which a result repeats the equation that it solves."""


def result_notes(result: Result, order: Order = PLAIN) -> list[str]:
    """The sentences under a result."""
    notes: list[str] = []
    if (second := result.second_order) is not None:
        notes.append(f"second-order condition: {line(second.relation, order)} ({_kind(second.check)})")
    if result.independence:
        notes.append(result.independence)
    for v, e in result.exponents.items():
        value = result.exponent_values.get(v)
        ends = result.exponent_intervals.get(v)
        interval = f" [{number(ends[0], 4)}, {number(ends[1], 4)}]" if ends else ""
        limit = f", to 0 as {v} grows" if value is not None and value < 0 else ""
        at = "" if value is None else f" = {v}^{number(value, 6)}{interval}{limit}"
        notes.append(f"scales as {v}^({line(e, order)}){at}")
    if result.integer is not None:
        notes.append(
            f"best whole number {result.integer[0]}, which costs {number(result.integer[1], 3)} over the optimum"
        )
    notes += [n for n in (result.feasibility, result.extrapolation) if n]
    notes += [r for r in result.remarks if r.rstrip(".") != result_line(result, order)]
    if result.check.sentence and result.kind not in {"monotone", "none"}:
        notes.append(f"check ({result.check.kind}): {result.check.sentence}")
    return notes


def _heading(d: Derivation) -> list[str]:
    lines = [f"{d.law.name}: {d.law.title or d.law.formula}"]
    if d.law.source:
        lines.append(d.law.source + (f", Eq. {d.law.equation}" if d.law.equation else ""))
    lines.append(f"Constants: {d.constants_source}")
    if d.simulated:
        lines.append(f"The losses behind these constants are SIMULATED: {d.simulated}")
    if d.subject_to:
        lines.append(f"Subject to {d.subject_to}")
    return lines


def _order(d: Derivation) -> Order:
    return Order.of(d.law, d.definitions)


def _law_equation(d: Derivation) -> Any:
    import sympy

    target = "EL" if d.law.target == "efficiency_leverage" else "L"
    expression = d.law.expression
    for symbol, part in d.definitions:
        expression = expression.subs(dict(_same_names(part, expression))).subs(part, symbol)
    return sympy.Eq(sympy.Symbol(target), expression, evaluate=False)


def _same_names(part: Any, expression: Any) -> list[tuple[Any, Any]]:
    """Pairs (symbol of the law, symbol of the derivation) with equal names, so that parts can be found again."""
    by_name = {s.name: s for s in part.free_symbols}
    return [(s, by_name[s.name]) for s in expression.free_symbols if s.name in by_name and s != by_name[s.name]]


def _definition(d: Derivation, symbol: Any, part: Any) -> Any:
    import sympy

    names = [v for v in d.law.variable_names if v in _spelled_names(d, part)]
    name = f"{symbol}({', '.join(names)})" if names else str(symbol)
    return sympy.Eq(sympy.Symbol(name), part, evaluate=False)


def _spelled_names(d: Derivation, part: Any) -> set[str]:
    for symbol, inner in reversed(d.definitions):
        part = part.subs(symbol, inner)
    return {str(s) for s in part.free_symbols}


# -- documents ------------------------------------------------------------------------------------------------------


def text(d: Derivation, width: int = 110) -> str:
    """For a terminal: numbered steps, then results, then tables."""
    import textwrap

    def wrapped(sentence: str, indent: str) -> str:
        return textwrap.fill(sentence, width, initial_indent=indent, subsequent_indent=indent,
                             break_long_words=False, break_on_hyphens=False)  # fmt: skip

    order = _order(d)
    out = [*_heading(d), "", pretty(_law_equation(d), width, "  ", order)]
    for symbol, part in d.definitions:
        out += ["", pretty(_definition(d, symbol, part), width, "  where ", order)]
    if d.assumptions:
        out += ["", "Assumptions"]
        out += [wrapped(f"{line(c.relation, order)} ({_kind(c.check)})", "  ") for c in d.assumptions]
    out.append("")
    for i, step in enumerate(d.steps, 1):
        out.append(f"{i}. {step.title}")
        if step.sentence:
            out.append(wrapped(step.sentence, "   "))
        if step.equation is not None:
            out += ["", pretty(step.equation, width, "     ", order), ""]
        if step.check.sentence != step.sentence.rstrip("."):
            out.append(wrapped(f"[{step.check.kind}] {step.check.sentence}", "   "))
    out += ["", "Results"]
    for r in d.results:
        out.append(wrapped(result_line(r, order), "  "))
        out += [wrapped(n, "      ") for n in result_notes(r, order)]
    for t in d.tables:
        out += ["", t.title, table_text(t)]
    if d.warnings:
        out += ["", "Warnings", *(wrapped(w, "  ") for w in d.warnings)]
    return "\n".join(line.rstrip() for line in "\n".join(out).splitlines()) + "\n"


def table_text(t: Table) -> str:
    """A table for a terminal."""
    from tabulate import tabulate

    rows = [[number(v) for v in row] for row in t.rows]
    body = tabulate(rows, headers=list(t.columns), disable_numparse=True, stralign="right")
    return "\n".join("  " + line for line in body.splitlines())


def markdown(d: Derivation) -> str:
    """Markdown: mathematics between dollar signs, tables as pipes."""
    from tabulate import tabulate

    order = _order(d)
    out = [f"## {_heading(d)[0]}", "", *(f"{row}  " for row in _heading(d)[1:]), "", _display(_law_equation(d), order)]
    if d.definitions:
        out += ["where", "", *(_display(_definition(d, s, p), order) for s, p in d.definitions)]
    if d.assumptions:
        out += [
            "**Assumptions**",
            "",
            *(f"- ${to_latex(c.relation, order)}$ ({_kind(c.check)})" for c in d.assumptions),
            "",
        ]
    for i, step in enumerate(d.steps, 1):
        out += [f"{i}. **{_escaped(step.title)}.** {_escaped(step.sentence)}", ""]
        if step.equation is not None:
            out.append(_display(step.equation, order, "   "))
        out += [f"   *{_kind(step.check)}*", ""]
    out += ["### Results", ""]
    for r in d.results:
        head = f"${to_latex(r.equation, order)}$" if r.equation is not None else ""
        out.append(f"- {head} {_escaped(_value_text(r, order))}".rstrip())
        out += [f"  - {_escaped(n)}" for n in result_notes(r, order)]
    for t in d.tables:
        rows = [[number(v) for v in row] for row in t.rows]
        out += ["", f"**{t.title}**", "",
                tabulate(rows, headers=list(t.columns), tablefmt="pipe", disable_numparse=True)]  # fmt: skip
    if d.warnings:
        out += ["", "### Warnings", "", *(f"- {_escaped(w)}" for w in d.warnings)]
    return "\n".join(out) + "\n"


def _escaped(sentence: str) -> str:
    return re.sub(r"([*_])", r"\\\1", sentence)


def _value_text(r: Result, order: Order) -> str:
    if r.equation is None:
        return result_line(r, order)
    if r.value is None:
        return ""
    interval = "" if r.interval is None else f" [{number(r.interval[0], 4)}, {number(r.interval[1], 4)}]"
    at = f" at {', '.join(f'{k} = {number(v, 4)}' for k, v in r.settings.items())}" if r.settings else ""
    percent = f" ({100 * r.value:.2f} %)" if r.quantity == "activation_ratio" else ""
    return f"= {number(r.value)}{percent}{interval}{at}"


def _kind(check: Check) -> str:
    return f"{check.kind}: {check.sentence}"


def _display(expression: Any, order: Order, indent: str = "") -> str:
    main, parts = abbreviated(expression)
    shown = "".join(rf",\quad {to_latex(name)} = {to_latex(part, order)}" for name, part in parts)
    return f"{indent}$${to_latex(main, order)}{shown}$$\n"


_PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[margin=2.5cm]{geometry}
\usepackage{amsmath,booktabs}
\begin{document}
"""


def latex(d: Derivation, document: bool = False) -> str:
    """LaTeX for a paper (amsmath, booktabs); `document=True` adds a preamble."""
    head, *rest = _heading(d)
    order = _order(d)
    out = [rf"\subsection*{{{tex(head)}}}", *(tex(row) + r"\\" for row in rest), _equation(_law_equation(d), order)]
    if d.definitions:
        out += ["where", *(_equation(_definition(d, s, p), order) for s, p in d.definitions)]
    if d.assumptions:
        out.append(r"\paragraph{Assumptions} \begin{itemize}")
        out += [rf"\item ${to_latex(c.relation, order)}$ ({tex(_kind(c.check))})" for c in d.assumptions]
        out.append(r"\end{itemize}")
    out += [r"\begin{enumerate}", *(_latex_step(s, order) for s in d.steps), r"\end{enumerate}"]
    if d.results:
        out.append(r"\paragraph{Results} \begin{itemize}")
        for r in d.results:
            shown = f"${to_latex(r.equation, order)}$ " if r.equation is not None else ""
            notes = tex("; ".join(result_notes(r, order)))
            out.append(rf"\item {shown}{tex(_value_text(r, order))}. {notes}")
        out.append(r"\end{itemize}")
    out += [_latex_table(t) for t in d.tables]
    body = "\n".join(out)
    return f"{_PREAMBLE}{body}\n\\end{{document}}\n" if document else body + "\n"


def _latex_step(step: Step, order: Order) -> str:
    equation = _equation(step.equation, order) if step.equation is not None else ""
    return rf"\item \textbf{{{tex(step.title)}.}} {tex(step.sentence)}{equation}\emph{{{tex(_kind(step.check))}}}"


def _equation(expression: Any, order: Order) -> str:
    """A displayed equation; one with many operations has its repeated parts named in rows below it."""
    main, parts = abbreviated(expression)
    rows = [to_latex(main, order), *(rf"{to_latex(name)} &= {to_latex(part, order)}" for name, part in parts)]
    if len(rows) == 1:
        return rf"\begin{{equation*}}{rows[0]}\end{{equation*}}"
    rows[0] = rows[0].replace(" = ", " &= ", 1)
    return r"\begin{align*}" + " \\\\\n".join(rows) + r"\end{align*}"


def _latex_table(t: Table) -> str:
    from tabulate import tabulate

    rows = [[number(v) for v in row] for row in t.rows]
    body = tabulate(rows, headers=list(t.columns), tablefmt="latex_booktabs", disable_numparse=True)
    return rf"\paragraph{{{tex(t.title)}}}" + "\n\n" + body


_TEX = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}"}  # fmt: skip


def tex(sentence: str) -> str:
    """Plain text with TeX's special characters escaped."""
    return "".join(_TEX.get(c, c) for c in sentence)
