"""A report as Markdown: tables with pipes, formulas in LaTeX between dollars, pictures from figures/."""

from __future__ import annotations

import re

from formsearch.report.blocks import (
    Block,
    Bullets,
    Cell,
    Checks,
    Details,
    Equation,
    Facts,
    Figures,
    Formula,
    Heading,
    Paragraph,
    Report,
    Table,
)
from formsearch.report.templating import environment
from formsearch.typesetting.escape import escape_markdown

_MARKS = {True: "✓", False: "✗", None: "–"}


def markdown(report: Report) -> str:
    """The document; every string of the report is escaped."""
    from formsearch import __version__

    env = environment(autoescape=False)
    env.filters["md"] = escape_markdown
    text = env.get_template("report.md.j2").render(report=report, block=_block, version=__version__)
    return re.sub(r"\n{3,}", "\n\n", text)


def table(t: Table) -> str:
    """The table with pipes, caption above and note below."""
    from tabulate import tabulate

    rows = [[_strong(_cell(c), i == t.strong and j == 0) for j, c in enumerate(row)] for i, row in enumerate(t.rows)]
    body = tabulate(
        rows,
        headers=[escape_markdown(c.title) for c in t.columns],
        tablefmt="pipe",
        colalign=["right" if c.numeric else "left" for c in t.columns] if rows else None,
        disable_numparse=True,
    )
    note = f"\n\n_{escape_markdown(t.note)}_" if t.note else ""
    return f"**{escape_markdown(t.caption)}**\n\n{body}{note}"


def _cell(cell: Cell) -> str:
    if isinstance(cell, Formula):
        return f"${' '.join(cell.latex.split())}$".replace("|", r"\vert ")
    return escape_markdown(cell if isinstance(cell, str) else cell.text)


def _strong(text: str, strong: bool) -> str:
    return f"**{text}**" if strong else text


def _block(block: Block, depth: int = 3) -> str:
    match block:
        case Paragraph(text=text, kind=kind):
            return f"> {escape_markdown(text)}" if kind != "plain" else escape_markdown(text)
        case Bullets(items=items):
            return "\n".join(f"- {escape_markdown(item)}" for item in items)
        case Facts(items=items):
            return "\n".join(f"- {escape_markdown(label)}: {_cell(value)}" for label, value in items)
        case Equation(formula=formula, number=number):
            return f"$$\n{formula.latex} \\tag{{{number}}}\n$$"
        case Checks(items=items):
            lines = []
            for c in items:
                colon = ": " if c.name and c.sentence else ""
                name = f"**{escape_markdown(c.name)}**" if c.name else ""
                lines.append(f"- {_MARKS[c.passed]} {name}{colon}{escape_markdown(c.sentence)}")
            return "\n".join(lines)
        case Table():
            return table(block)
        case Figures(panels=panels):
            return "\n\n".join(
                f"![{escape_markdown(p.alt)}](figures/{p.name}.svg)\n\n_{escape_markdown(p.caption)}_" for p in panels
            )
        case Heading(text=text):
            return f"{'#' * depth} {escape_markdown(text)}"
        case Details(summary=summary, blocks=blocks):
            inner = "\n\n".join(_block(b, depth + 1) for b in blocks)
            return f"{'#' * depth} {escape_markdown(summary)}\n\n{inner}"
