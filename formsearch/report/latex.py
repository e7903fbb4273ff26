"""A report as a LaTeX article for pdfLaTeX or Tectonic: booktabs tables, numbered equations, figures as PDF."""

from __future__ import annotations

from collections.abc import Sequence

from formsearch.report.blocks import (
    Block,
    Bullets,
    Cell,
    Checks,
    Details,
    Equation,
    Facts,
    Figure,
    Figures,
    Formula,
    Heading,
    Paragraph,
    Report,
    Table,
)
from formsearch.report.templating import environment
from formsearch.typesetting.escape import escape_latex

LINE = 96
"""Characters that a line of a table holds in its small type."""

LONG, LONG_WITH_FORMULAS = 24, 9
"""Rows from which a table may break across pages."""

_MARKS = {True: r"\ensuremath{\checkmark}", False: r"\ensuremath{\times}", None: "--"}


def latex(report: Report) -> str:
    """The document; every string of the report is escaped."""
    env = environment(
        autoescape=False, variable_start_string="<<", variable_end_string=">>", block_start_string="<%",
        block_end_string="%>", comment_start_string="<#", comment_end_string="#>",
    )  # fmt: skip
    env.filters["tex"] = escape_latex
    text: str = env.get_template("report.tex.j2").render(report=report, block=_block)
    return text


def table(t: Table) -> str:
    """A booktabs table: in a float, or over several pages where it is long."""
    widths = [max([len(c.title), *(_width(row[j]) for row in t.rows)]) for j, c in enumerate(t.columns)]
    layout = _layout(t, widths)
    head = " & ".join(escape_latex(c.title) for c in t.columns) + r" \\"
    body = "\n".join(" & ".join(_cell(c) for c in row) + r" \\" for row in t.rows)
    note = f"\n\\par\\smallskip{{\\footnotesize {escape_latex(t.note)}\\par}}" if t.note else ""
    caption = escape_latex(t.caption)
    formulas = any(_has_formula(t, j) for j in range(len(t.columns)))
    if len(t.rows) >= (LONG_WITH_FORMULAS if formulas else LONG):
        return (
            f"{{\\small\\begin{{longtable}}{{{layout}}}\n\\caption{{{caption}}}\\\\\n\\toprule\n{head}\n\\midrule\n"
            f"\\endfirsthead\n\\toprule\n{head}\n\\midrule\n\\endhead\n\\bottomrule\n\\endfoot\n{body}\n"
            f"\\end{{longtable}}{note}}}"
        )
    return (
        f"\\begin{{table}}[htbp]\\small\\centering\n\\caption{{{caption}}}\n"
        f"\\fittedtable{{\\begin{{tabular}}{{{layout}}}\n\\toprule\n{head}\n\\midrule\n{body}\n\\bottomrule\n"
        f"\\end{{tabular}}}}{note}\n\\end{{table}}"
    )


def _layout(t: Table, widths: Sequence[int]) -> str:
    """Column types: where the table is too wide, columns of long text become paragraphs that share what is left."""
    total = sum(widths) + 2 * len(widths)
    long = [j for j, c in enumerate(t.columns) if not c.numeric and widths[j] > 22 and not _has_formula(t, j)]
    if total <= LINE or not long:
        return "@{}" + "".join("r" if c.numeric else "l" for c in t.columns) + "@{}"
    left = max(LINE - sum(w + 2 for j, w in enumerate(widths) if j not in long), 18 * len(long))
    share = {j: left * widths[j] / sum(widths[i] for i in long) / LINE for j in long}
    kinds = [
        rf">{{\raggedright\arraybackslash}}p{{{share[j]:.3f}\linewidth}}" if j in share else "r" if c.numeric else "l"
        for j, c in enumerate(t.columns)
    ]
    return "@{}" + "".join(kinds) + "@{}"


def _has_formula(t: Table, column: int) -> bool:
    return any(isinstance(row[column], Formula) for row in t.rows)


def _width(cell: Cell) -> int:
    if isinstance(cell, Formula):
        return min(len(cell.text), 60)
    return len(cell if isinstance(cell, str) else cell.text)


def _cell(cell: Cell) -> str:
    if isinstance(cell, Formula):
        return f"\\cellformula{{{cell.latex}}}"
    text = escape_latex(cell if isinstance(cell, str) else cell.text)
    return f"{{{text}}}" if text.startswith("[") else text


def _figures(panels: Sequence[Figure]) -> str:
    """Two panels a float."""
    floats = []
    for i in range(0, len(panels), 2):
        pair = "\\hfill\n".join(
            f"\\begin{{minipage}}[t]{{.485\\linewidth}}\n\\centering\n"
            f"\\includegraphics[width=\\linewidth]{{figures/{p.name}.pdf}}\n"
            f"\\caption{{{escape_latex(p.caption)}}}\n\\end{{minipage}}"
            for p in panels[i : i + 2]
        )
        floats.append(f"\\begin{{figure}}[htbp]\n{pair}\n\\end{{figure}}")
    return "\n\n".join(floats)


def _block(block: Block, depth: int = 0) -> str:
    match block:
        case Paragraph(text=text, kind=kind):
            return f"\\emph{{{escape_latex(text)}}}" if kind != "plain" else escape_latex(text)
        case Bullets(items=items):
            return _list(f"\\item {escape_latex(item)}" for item in items)
        case Facts(items=items):
            lines = [f"\\textit{{{escape_latex(label)}}}: {_cell(value)}" for label, value in items]
            return "\\\\\n".join(lines)
        case Equation(formula=formula, number=number):
            return f"\\begin{{equation}}\\tag{{{number}}}\n\\fitted{{{formula.latex}}}\n\\end{{equation}}"
        case Checks(items=items):
            return _list(
                f"\\item[{_MARKS[c.passed]}] {escape_latex(c.name)}"
                f"{': ' if c.name and c.sentence else ''}{escape_latex(c.sentence)}"
                for c in items
            )
        case Table():
            return table(block)
        case Figures(panels=panels):
            return _figures(panels)
        case Heading(text=text):
            return f"\\{'sub' * min(depth + 1, 2)}section*{{{escape_latex(text)}}}"
        case Details(summary=summary, blocks=blocks):
            inner = "\n\n".join(_block(b, depth + 1) for b in blocks)
            return f"\\subsection*{{{escape_latex(summary)}}}\n\n{inner}"


def _list(items: object) -> str:
    body = "\n".join(items)  # type: ignore[arg-type]
    return f"\\begin{{itemize}}\n{body}\n\\end{{itemize}}"
