"""The page of a law: everything known of it, as plain data, as text for a terminal, and as Markdown.

`law_page` gives the data, `page_text` and `page_markdown` lay it out; `law_list`, `list_text` and `list_markdown`
do the same for the list of laws.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from formsearch.law import Law
from formsearch.quantities import PROPORTION_PREFIX, quantity
from formsearch.typesetting import written

EVIDENCE: Mapping[str, str] = {
    "text": "read in the paper",
    "code": "read in, or run from, the authors' code or data",
    "two secondary": "two independent secondary texts agree",
    "one secondary": "one secondary text",
    "computed": "refitted on public runs for formsearch",
}
"""What the evidence tags of published constants mean."""


NARROW = 100
"""Columns below which the list of laws has short titles."""


def law_page(law: Law) -> dict[str, Any]:
    """Everything known of a law, JSON-ready; an unbounded side of a constant is None."""
    form, where = written.text(law)
    return {
        **law_list([law])[0],
        "equation": law.equation,
        "key": law.key,
        "unit": quantity(law.target).unit,
        "latex": written.latex(law),
        "written": form,
        "where": where,
        "variables": [
            {"symbol": v.symbol, "quantity": v.quantity, "unit": v.about.unit, "domain": v.about.domain,
             "meaning": v.meaning or v.about.meaning}
            for v in law.variables
        ],
        "constants": [
            {"symbol": c.symbol, "meaning": c.meaning, "lower": _finite(c.lower), "upper": _finite(c.upper)}
            for c in law.constants
        ],
        "published": {
            label: {"constants": dict(fit.constants), "source": fit.source, "evidence": fit.evidence, "note": fit.note}
            for label, fit in law.published.items()
        },
        "limits": dict(law.limits),
        "monotone": dict(law.monotone),
        "fitted_range": law.fitted_range,
        "fitted_with": law.fitted_with,
        "objective": law.objective,
        "derived": list(law.derived),
        "caveats": list(law.caveats),
        "conflicts": list(law.conflicts),
    }  # fmt: skip


def law_list(laws: Iterable[Law]) -> list[dict[str, Any]]:
    """One record a law, JSON-ready, without parsing any formula."""
    return [
        {
            "name": law.name,
            "title": law.title,
            "target": law.target,
            "formula": law.formula,
            "quantities": list(law.quantities),
            "number_of_constants": len(law.constants),
            "published_fits": list(law.published),
            "source": law.source,
            "nested_in": law.nested_in,
        }
        for law in laws
    ]


# -- text --------------------------------------------------------------------------------------------------------------


def page_text(law: Law, width: int = 100) -> str:
    """The page as plain text, at most `width` columns wide where words allow it."""
    page = law_page(law)
    parts = [textwrap.fill(f"{law.name}: {law.title}" if law.title else law.name, width), _equations(law, width)]
    parts.append(_table(*_variables(page), "simple", width))
    parts += [_table(*t, "simple", width) for t in _constants(page)] if page["constants"] else []
    parts += [_paragraph(heading, lines, width) for heading, lines in _sections(page) if lines]
    return "\n\n".join(parts)


def page_markdown(law: Law) -> str:
    """The page as Markdown, the form in LaTeX."""
    page = law_page(law)
    parts = [
        f"## {law.name}",
        _escaped(law.title),
        f"$$\n{written.latex(law, _letter(law))}\n$$",
        f"`{law.target} = {law.formula}`",
        _pipe(_variables(page)),
        *(map(_pipe, _constants(page)) if page["constants"] else []),
    ]
    for heading, items in _sections(page):
        if len(items) == 1:
            parts.append(f"**{heading}.** {_escaped(items[0])}")
        elif items:
            parts.append(f"**{heading}**\n\n" + "\n".join(f"- {_escaped(item)}" for item in items))
    return "\n\n".join(p for p in parts if p) + "\n"


def list_text(laws: Iterable[Law], width: int = 120) -> str:
    """The list of laws as a plain table; the target is named where it is not the loss.

    Where the table is narrow, titles are without author and year, which the names say.
    """
    narrow = width < NARROW
    rows = [
        [r["name"], ", ".join(_shortened(r["quantities"])) + ("" if r["target"] == "loss" else f" -> {r['target']}"),
         str(r["number_of_constants"]), r["title"].partition(": ")[2] or r["title"] if narrow else r["title"]]
        for r in law_list(laws)
    ]  # fmt: skip
    return _table(["law", "needs", "constants", "title"], rows, "simple", width)


def list_markdown(laws: Iterable[Law]) -> str:
    """The list of laws as a Markdown table."""
    return _pipe(_listed(laws))


# -- parts of the page -------------------------------------------------------------------------------------------------

_Table = tuple[list[str], list[list[str]]]


def _listed(laws: Iterable[Law]) -> _Table:
    rows = [
        [r["name"], r["target"], ", ".join(_shortened(r["quantities"])), str(r["number_of_constants"]),
         str(len(r["published_fits"])), r["title"]]
        for r in law_list(laws)
    ]  # fmt: skip
    return ["law", "target", "needs", "constants", "fits", "title"], rows


def _shortened(quantities: Sequence[str]) -> list[str]:
    """The shares of a mixture as their first and last."""
    shares = [q for q in quantities if q.startswith(PROPORTION_PREFIX)]
    others = [q for q in quantities if q not in shares]
    return others + ([f"{shares[0]} to {shares[-1].removeprefix(PROPORTION_PREFIX)}"] if len(shares) > 2 else shares)


def _variables(page: Mapping[str, Any]) -> _Table:
    rows = [[v["symbol"], v["quantity"], v["unit"], v["domain"], v["meaning"]] for v in page["variables"]]
    return ["symbol", "quantity", "unit", "domain", "meaning"], rows


def _constants(page: Mapping[str, Any]) -> list[_Table]:
    """The constants with the fits beside them where these are few, else in a table of their own, one a row."""
    fits: Mapping[str, Any] = page["published"]
    beside = fits if sum(len(label) + 4 for label in fits) <= _ROOM_FOR_FITS else {}
    rows = [
        [
            c["symbol"],
            *(_number(fit["constants"][c["symbol"]]) for fit in beside.values()),
            _bounds(c["lower"], c["upper"]),
            c["meaning"],
        ]
        for c in page["constants"]
    ]
    tables: list[_Table] = [(["constant", *beside, "bounds", "meaning"], rows)]
    if fits and not beside:
        symbols = [c["symbol"] for c in page["constants"]]
        each = [[label, *(_number(fit["constants"][c]) for c in symbols)] for label, fit in fits.items()]
        tables.append((["published fit", *symbols], each))
    return tables


_ROOM_FOR_FITS = 40


def _escaped(text: str) -> str:
    """Plain text in Markdown: a product or a power is no emphasis."""
    return re.sub(r"([*<|$`\\])", r"\\\1", text)


def _pipe(table: _Table) -> str:
    header, rows = table
    return _table(header, [[_escaped(cell) for cell in row] for row in rows], "pipe")


def _number(value: float) -> str:
    return f"{value:.10g}"


def _sections(page: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    published = [
        f"{label}: {fit['source']}; {EVIDENCE[fit['evidence']]}" + (f"; {fit['note']}" if fit["note"] else "")
        for label, fit in page["published"].items()
    ]
    source = page["source"] + (f", Eq. {page['equation']}" if page["equation"] else "")
    fitted = page["fitted_with"] or (f"objective {page['objective']}" if page["objective"] else "")
    return [
        ("Source", [source] if page["source"] else []),
        ("Published fits", published or ["none: the constants have to be fitted"]),
        ("Fitted on", [page["fitted_range"]] if page["fitted_range"] else []),
        ("Fitted with", [fitted] if fitted else []),
        ("Nested in", [page["nested_in"]] if page["nested_in"] else []),
        ("Limits", [f"{s} -> oo: {_infinity(claim)}" for s, claim in page["limits"].items()]),
        ("Monotone", [f"{claim} in {symbol}" for symbol, claim in page["monotone"].items()]),
        ("Consequences", page["derived"]),
        ("Caveats", page["caveats"]),
        ("Conflicts with other laws", page["conflicts"]),
    ]


def _equations(law: Law, width: int) -> str:
    """The form in two dimensions where it fits the width, else in lines of text."""
    drawn = written.pretty(law, _letter(law), width - 2)
    if drawn is None:
        form, where = written.text(law)
        lines = [f"{_letter(law)} = {form}", *(f"where {name} = {meaning}" for name, meaning in where.items())]
        drawn = "\n".join(textwrap.fill(x, width - 2, subsequent_indent="    ", break_long_words=False) for x in lines)
    return textwrap.indent(drawn, "  ")


def _letter(law: Law) -> str:
    """Left-hand side: the field's letter for a loss, else the target's name; never a symbol of the law itself."""
    letter = {"loss": "L", "efficiency_leverage": "EL", "error": "Err"}.get(law.target, "y")
    return letter if letter not in {*law.variable_names, *law.constant_names} else law.target


def _infinity(claim: str) -> str:
    return "grows without bound" if claim == "oo" else claim


def _bounds(lower: float | None, upper: float | None) -> str:
    if lower is None and upper is None:
        return "free"
    if upper is None:
        return f">= {lower:g}"
    return f"<= {upper:g}" if lower is None else f"{lower:g} to {upper:g}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _paragraph(heading: str, lines: Sequence[str], width: int) -> str:
    if len(lines) == 1:
        return textwrap.fill(f"{heading}: {lines[0]}", width, subsequent_indent="  ", break_on_hyphens=False)
    wrapped = [
        textwrap.fill(x, width, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False) for x in lines
    ]
    return "\n".join([f"{heading}:", *wrapped])


def _table(header: list[str], rows: list[list[str]], style: str, width: int | None = None) -> str:
    """A table in a tabulate style; with a width, columns of words are wrapped to keep it."""
    from tabulate import tabulate

    if width is not None:
        rows = _wrapped(header, rows, width)
    numbers = [h not in ("unit", "symbol") and all(_is_number(r[i]) for r in rows) for i, h in enumerate(header)]
    align = ["right" if number else "left" for number in numbers]
    return str(tabulate(rows, header, tablefmt=style, disable_numparse=True, colalign=align if rows else None))


def _wrapped(header: list[str], rows: list[list[str]], width: int) -> list[list[str]]:
    """Cells of several words broken into lines, the widest column first, until the table fits the width."""
    # tabulate keeps two columns of padding beside a header, so a column is never narrower than that
    widths = [max(len(header[i]) + 2, *(len(r[i]) for r in rows)) for i in range(len(header))] if rows else []
    words = [i for i in range(len(header)) if any(" " in r[i] for r in rows)]
    longest_word = [max(len(w) for r in (header, *rows) for w in r[i].split() or [""]) for i in range(len(header))]
    while sum(widths) + 2 * (len(widths) - 1) > width:
        open_columns = [i for i in words if widths[i] > max(longest_word[i], len(header[i]) + 2, 12)]
        if not open_columns:
            break
        widths[max(open_columns, key=lambda i: widths[i])] -= 1
    return [
        [textwrap.fill(c, widths[i], break_long_words=False, break_on_hyphens=False) if i in words else c
         for i, c in enumerate(r)]
        for r in rows
    ]  # fmt: skip


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
