"""A report as one HTML file: styles, pictures and mathematics inside, no script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from formsearch.report.blocks import Report, Table
from formsearch.report.figures import Picture
from formsearch.report.templating import environment, template_text
from formsearch.typesetting.maths import Formula

DESK, PHONE = 86, 38
"""Characters of a formula that fit beside its number, about."""

SMALLEST = 0.72
"""Size to which a longer one shrinks; what is longer still scrolls."""

MANY = 7
"""Columns from which on a table is wide."""


def shrunk(width: float, room: float) -> float:
    """The size at which a formula of so many characters fits."""
    return round(min(1.0, max(SMALLEST, room / width)), 2) if width else 1.0


def wide(table: Table) -> bool:
    """Whether a table may use the margin: one with formulas in it, or with many columns."""
    return len(table.columns) > MANY or any(isinstance(c, Formula) for row in table.rows for c in row[1:])


def html(report: Report, pictures: Mapping[str, Picture]) -> str:
    """The page. Every string is escaped; only MathML and SVG made by this package are put in as they are."""
    from formsearch import __version__

    room = environment(autoescape=True)
    room.globals |= {"shrunk": shrunk, "wide": wide, "DESK": DESK, "PHONE": PHONE}
    page = room.get_template("report.html.j2")
    return page.render(report=report, pictures=pictures, css=template_text("report.css"), version=__version__)
