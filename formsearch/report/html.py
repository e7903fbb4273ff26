"""A report as one HTML file: styles, pictures and mathematics inside, no script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from formsearch.report.blocks import Report
from formsearch.report.figures import Picture
from formsearch.report.templating import environment, template_text


def html(report: Report, pictures: Mapping[str, Picture]) -> str:
    """The page. Every string is escaped; only MathML and SVG made by this package are put in as they are."""
    from formsearch import __version__

    page = environment(autoescape=True).get_template("report.html.j2")
    return page.render(report=report, pictures=pictures, css=template_text("report.css"), version=__version__)
