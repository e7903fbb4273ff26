"""One style for all pictures, and their ways out: SVG that follows the page's colours, SVG for itself, PDF for print.

Pictures are drawn in a fixed palette whose colours stand apart for colour-blind readers (after Okabe and Ito) and by
marker. Inside HTML each colour becomes a CSS variable, so that dark mode is the page's business and no picture is made
twice. Text stays text: it can be read aloud, searched and copied. The bytes depend only on the data.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import UnknownNameError
from formsearch.quantities import quantity
from formsearch.typesetting.numbers import SUFFIX_UNITS, power_of_ten, sized

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

INK, MUTED, GRID, PAPER = "#22262b", "#5c6670", "#d9dee3", "#fffffe"
BLUE, VERMILION, GREEN, PURPLE = "#0072b2", "#d55e00", "#00825f", "#a3338b"
SERIES = (BLUE, VERMILION, GREEN, PURPLE)
MARKERS = ("o", "s", "^", "D")

VARIABLES = {
    INK: "--ink", MUTED: "--muted", GRID: "--rule", PAPER: "--paper",
    BLUE: "--blue", VERMILION: "--vermilion", GREEN: "--green", PURPLE: "--purple",
}  # fmt: skip
"""Colours of the palette -> CSS variables of the page."""

WIDTH, HEIGHT = 3.75, 2.75
"""Inches of one panel: 360 CSS pixels wide, two beside each other on a desk, one on a telephone, never scaled down."""

_STYLE: dict[str, Any] = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 8.5,
    "axes.titlesize": 9, "axes.titleweight": "normal", "axes.titlelocation": "left", "axes.labelsize": 8.5,
    "axes.edgecolor": MUTED, "axes.labelcolor": INK, "axes.linewidth": 0.7, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True, "axes.facecolor": "none",
    "grid.color": GRID, "grid.linewidth": 0.6, "text.color": INK, "xtick.color": MUTED, "ytick.color": MUTED,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "xtick.labelsize": 8, "ytick.labelsize": 8,
    "xtick.major.width": 0.7, "ytick.major.width": 0.7, "xtick.minor.width": 0.4, "ytick.minor.width": 0.4,
    "legend.fontsize": 8, "legend.frameon": False, "legend.handletextpad": 0.4, "legend.borderaxespad": 0.2,
    "lines.linewidth": 1.4, "lines.markersize": 4.2, "figure.facecolor": "none", "savefig.facecolor": "none",
    "axes.unicode_minus": True, "svg.fonttype": "none", "text.parse_math": False, "pdf.fonttype": 42,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn panel: `inline` for HTML, `svg` and `pdf` as files."""

    inline: str
    svg: str
    pdf: bytes


def render(draw: Callable[[], Figure], name: str, alt: str) -> Picture:
    """Draw a panel. `name` salts the identifiers inside the SVG, so that two panels on a page never share one."""
    import matplotlib as mpl

    style: Any = {**_STYLE, "svg.hashsalt": name}
    with mpl.rc_context(style), warnings.catch_warnings():
        # Characters that the layout's font lacks: the browser has them, and a PDF shows a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = draw()
        svg, pdf = io.StringIO(), io.BytesIO()
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
        figure.set_layout_engine("none")  # the layout is settled: the PDF keeps it
        figure.savefig(pdf, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    text = _tidy(svg.getvalue(), name)
    return Picture(_inline(text, alt), _standalone(text, alt), pdf.getvalue())


def panel(height: float = HEIGHT, width: float = WIDTH) -> tuple[Figure, Axes]:
    """An empty panel and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


# -- SVG ---------------------------------------------------------------------------------------------------------


_USE = re.compile(r'<use href="#([^"]+)" x="([^"]+)" y="([^"]+)" style="([^"]*)"/>')
_RUN = re.compile(r"(?:<use [^>]*/>\s*){2,}")


def _tidy(svg: str, name: str) -> str:
    """Without prologue, metadata and fonts; identifiers short and unique; coordinates to a hundredth of a point."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = svg.replace("xlink:href", "href").replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    used = dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    short = {old: f"{name}-{i}" for i, old in enumerate(used)}
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{short[m[1]]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(href="#|url\(#)([^")]+)', lambda m: m[1] + short[m[2]], svg)
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r"\d+\.\d{3,}", _shortened, tag[0]), svg)
    svg = re.sub(r"(?:<g clip-path=\"(url\([^)]*\))\">\s*(<use [^>]*/>)\s*</g>\s*)+", _joined_uses, svg)
    svg = _RUN.sub(_hoisted, svg)
    svg = re.sub(r"<g>\s*</g>", "", svg)
    # The layout was made for DejaVu Sans, which is wide: any sans-serif of the page fits in its place.
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    svg = re.sub(r"font: (\w+) ([\d.]+px) [^;\"]*", r"font-weight: \1; font-size: \2", svg)
    svg = re.sub(r"; font-family: [^;\"]*", "", svg)
    return re.sub(r"\n\s*", "\n", svg)


def _shortened(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")


def _joined_uses(found: re.Match[str]) -> str:
    """Markers that matplotlib clips one by one, under one group."""
    uses = re.findall(r"<use [^>]*/>", found[0])
    return f'<g clip-path="{found[1]}">{"".join(uses)}</g>'


def _hoisted(found: re.Match[str]) -> str:
    """Markers of one style in a row: the style once, on a group. (Only properties that children inherit occur.)"""
    out: list[str] = []
    last = ""
    for href, x, y, style in _USE.findall(found[0]):
        if style != last:
            out.append(("</g>" if last else "") + f'<g style="{style}">')
            last = style
        out.append(f'<use href="#{href}" x="{x}" y="{y}"/>')
    return "".join(out) + "</g>" if out and "opacity:" not in re.sub(r"(fill|stroke)-opacity:", "", last) else found[0]


def _opened(svg: str, attributes: str) -> str:
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box is not None
    width, height = (float(v) * 4 / 3 for v in box.groups())
    body = svg[svg.index(">") + 1 :]
    return f'<svg viewBox="{box[0][9:-1]}" width="{width:.0f}" height="{height:.0f}" {attributes}>{body}'


def _inline(svg: str, alt: str) -> str:
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return _opened(svg, f'role="img" aria-label="{escape(alt)}"').strip()


def _standalone(svg: str, alt: str) -> str:
    head = (
        f'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" role="img" aria-label="{escape(alt)}"'
    )
    white = '<rect width="100%" height="100%" fill="#ffffff"/>'
    opened = _opened(svg, head)
    at = opened.index(">") + 1
    return f"{opened[:at]}{white}{opened[at:]}"


# -- axes --------------------------------------------------------------------------------------------------------

_SHORT = {
    "N_active": "active parameters N_active", "N": "total parameters N", "D": "training tokens D", "C": "compute C",
    "active_experts": "active experts", "shared_ratio": "shared ratio", "lr": "learning rate",
}  # fmt: skip
_SAID = frozenset({"parameters", "tokens", "count", "1", "samples", "characters"})
"""Units that the words of a label already say, or that are none."""


def unit_of(name: str) -> str:
    """Unit of a quantity; "" for a column that is none."""
    try:
        return quantity(name).unit
    except UnknownNameError:
        return ""


def axis_label(name: str, unit: str | None = None) -> str:
    """A quantity for an axis: words, and the unit unless the words say it or there is none."""
    unit = unit_of(name) if unit is None else unit
    words = _SHORT.get(name, name.replace("_", " "))
    said = unit in ("", "1", "count") or unit in words
    return words if said else f"{words} ({unit})"


def wants_log(values: Array, name: str = "") -> bool:
    """Whether a logarithmic axis is right: all above zero, over a decade, and not a share of something."""
    finite = values[np.isfinite(values)]
    if unit_of(name) in ("fraction", "log10") or not len(finite) or finite.min() <= 0:
        return False
    return bool(finite.max() / finite.min() >= (5 if unit_of(name) in SUFFIX_UNITS | {"FLOPs"} else 12))


def scale(axes: Axes, which: str, values: Sequence[float] | Array, name: str = "", log: bool | None = None) -> None:
    """Make an axis logarithmic where that is right, with ticks people read: 100M, 10²¹, 0.02."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

    axis = axes.xaxis if which == "x" else axes.yaxis
    values = np.asarray(values, dtype=float)
    log = wants_log(values, name) if log is None else log
    unit = unit_of(name)
    if log:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        finite = values[np.isfinite(values) & (values > 0)]
        decades = float(np.log10(finite.max() / finite.min())) if len(finite) else 1.0
        subs = (1.0,) if decades > 2 else (1.0, 3.0) if decades > 1.2 else (1.0, 2.0, 5.0)
        axis.set_major_locator(LogLocator(subs=subs, numticks=6 if decades > 2 else 12))
        axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(FuncFormatter(lambda value, _: _log_text(value, unit)))
    else:
        axis.set_major_locator(MaxNLocator(5))
        finite = values[np.isfinite(values)]
        if unit in SUFFIX_UNITS or (len(finite) and np.abs(finite).max() >= 1e5):
            axis.set_major_formatter(FuncFormatter(lambda value, _: sized(value, unit, 4)))
        else:  # the same number of decimals on every tick
            axis.set_major_formatter(ScalarFormatter(useOffset=False))
    axes.tick_params(which="minor", length=2)


def _log_text(value: float, unit: str) -> str:
    """A tick of a logarithmic axis: 100M, 0.02, 3·10²¹."""
    if unit in SUFFIX_UNITS or 0.9e-3 <= value < 1e4:
        return sized(float(f"{value:.3g}"), unit, 4)
    exponent = round(np.floor(np.log10(value) + 1e-9))
    mantissa = value / 10.0**exponent
    return power_of_ten(exponent) if abs(mantissa - 1) < 1e-6 else f"{mantissa:.0f}·{power_of_ten(exponent)}"


def finish(axes: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Labels; the label of the vertical axis stands above it, read without turning the head."""
    axes.set_xlabel(x)
    heading = "\n".join(t for t in (title, y) if t)
    axes.set_title(heading, color=INK, fontsize=8.5, pad=6)
