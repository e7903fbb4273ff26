"""Every file of a report, from one results document."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from formsearch.cells import harmless
from formsearch.exceptions import InputError
from formsearch.report.blocks import Cell, Figure, Formula, Table


class Progress(Protocol):
    """Callback of long work."""

    def __call__(self, stage: str, done: float | None = None, remark: str = "") -> None:
        """Called as the work goes on: how much of it is done (0..1), and what comes next."""


def write(
    results: Mapping[str, Any], out: str | Path, origin: str = "results", progress: Progress | None = None
) -> list[Path]:
    """Write report.html, report.md, report.tex, results.json, tables/ and figures/ into `out`; returns their paths."""
    from formsearch.report.context import build
    from formsearch.report.figures import render
    from formsearch.report.html import html
    from formsearch.report.latex import latex
    from formsearch.report.markdown import markdown

    report = build(results, origin)
    pictures = {}
    figures = report.figures()
    for done, f in enumerate(figures):  # the drawing takes nearly all of the time
        if progress is not None:
            progress("writing the report", done / len(figures), f.name)
        pictures[f.name] = render(f.draw, f.name, f.alt)
    files: dict[str, str | bytes] = {
        "report.html": html(report, pictures),
        "report.md": markdown(report),
        "report.tex": latex(report),
        "results.json": json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for table in report.tables():
        files[f"tables/{table.name}.csv"] = table_csv(table)
    for figure in report.figures():
        picture = pictures[figure.name]
        files[f"figures/{figure.name}.svg"] = picture.svg
        files[f"figures/{figure.name}.pdf"] = picture.pdf
        files[f"figures/{figure.name}.csv"] = figure_csv(figure)
    out = Path(out)
    try:
        for name, content in files.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    except OSError as error:
        raise InputError(f"cannot write the report to {out}: {error.strerror or error}; name another folder") from error
    return [out / name for name in files]


def table_csv(table: Table) -> str:
    """A table as CSV: numbers in full, formulas as text."""
    return _csv([c.title for c in table.columns], ([_raw(c) for c in row] for row in table.rows))


def figure_csv(figure: Figure) -> str:
    """What a figure shows, as CSV; columns of unequal length are filled with empty cells."""
    columns = [list(v) for v in figure.data.values()]
    longest = max((len(c) for c in columns), default=0)
    rows = ([_number(c[i]) if i < len(c) else "" for c in columns] for i in range(longest))
    return _csv(list(figure.data), rows)


def _raw(cell: Cell) -> object:
    if isinstance(cell, Formula):
        return cell.text
    return cell if isinstance(cell, str) else _number(cell.raw)


def _number(value: object) -> object:
    """As Python writes it; empty for what is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value.item() if hasattr(value, "item") else value


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_safe(h) for h in head])
    writer.writerows([_safe(v) for v in row] for row in rows)
    return text.getvalue()


def _safe(value: object) -> object:
    """Text that a spreadsheet would run as a formula is made plain text."""
    return harmless(value) if isinstance(value, str) else value
