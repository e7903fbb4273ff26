"""The pictures of a report. Each function draws one panel from plain arrays; it knows nothing of results or files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.report.figures import (
    BLUE,
    GREEN,
    GRID,
    HEIGHT,
    INK,
    MARKERS,
    MUTED,
    PAPER,
    SERIES,
    VERMILION,
    axis_label,
    finish,
    panel,
    scale,
    unit_of,
    wants_log,
)
from formsearch.typesetting.numbers import sized

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_DOT: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 0.9}


def _fade(count: int) -> float:
    """Opacity of a mark, so that a thousand of them do not become a blot."""
    return float(np.clip(4 / max(count, 1) ** 0.35, 0.35, 0.9))


def _two(axes: Axes, x: Array, y: Array, test: Mask, labels: tuple[str, str]) -> None:
    """Training rows as blue rings, test rows as vermilion squares."""
    for mask, colour, marker, label in ((~test, BLUE, "o", labels[0]), (test, VERMILION, "s", labels[1])):
        if mask.any():
            face = "none" if marker == "o" else colour
            axes.plot(x[mask], y[mask], marker=marker, color=colour, markerfacecolor=face, label=label, markersize=3.6,
                      alpha=_fade(int(mask.sum())), **_DOT)  # fmt: skip
    if test.any() and not test.all():
        _legend(axes)


def _short(name: str, most: int = 26) -> str:
    """A name that leaves room for the picture."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _legend(axes: Axes) -> None:
    """The legend in the line above the axes, where it covers nothing."""
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, handlelength=1.1, columnspacing=1.0)


# -- points ------------------------------------------------------------------------------------------------------


def levels(columns: Mapping[str, Array]) -> Figure:
    """One line a factor: where on its range the runs lie; a dot's area is the number of runs."""
    figure, axes = panel(0.62 + 0.4 * len(columns))
    for i, (name, values) in enumerate(columns.items()):
        log = wants_log(values, name)
        v = np.log(values) if log else values
        low, high = float(v.min()), float(v.max())
        place = np.round((v - low) / (high - low), 2) if high > low else np.full(len(v), 0.5)
        at, count = np.unique(place, return_counts=True)
        y = len(columns) - 1 - i
        axes.plot([0, 1], [y, y], color=GRID, linewidth=1)
        for x, n in zip(at, count, strict=True):
            axes.plot([x], [y], marker="o", color=BLUE, alpha=0.75, markeredgewidth=0,
                      markersize=float(np.clip(2.2 + 13 * np.sqrt(n / len(v)), 2.5, 13)))  # fmt: skip
        unit = unit_of(name)
        ends = [sized(float(values.min()), unit), sized(float(values.max()), unit)]
        axes.text(-0.05, y, ends[0], ha="right", va="center", fontsize=7.5, color=INK)
        axes.text(1.05, y, ends[1] if high > low else "", ha="left", va="center", fontsize=7.5, color=INK)
        axes.text(-0.32, y, f"{name.replace('_', ' ')}{' (log)' if log else ''}", ha="right", va="center", fontsize=8)
    axes.set(xlim=(-0.85, 1.22), ylim=(-0.6, len(columns) - 0.4))
    axes.axis("off")
    return figure


def design(x: Array, y: Array, target: Array, names: tuple[str, str], target_label: str) -> Figure:
    """Two factors against each other, coloured by the target."""
    figure, axes = panel()
    marks = axes.scatter(x, y, c=target, s=17, cmap="cividis", linewidths=0.3, edgecolors=MUTED)
    scale(axes, "x", x, names[0])
    scale(axes, "y", y, names[1])
    bar = figure.colorbar(marks, ax=axes, pad=0.02, aspect=24)
    assert bar.solids is not None
    bar.solids.set_rasterized(True)  # one small image in place of 256 rectangles
    bar.set_label(target_label, color=INK)
    bar.outline.set_visible(False)
    finish(axes, x=axis_label(names[0]), y=axis_label(names[1]))
    return figure


def overview(x: Array, y: Array, labels: Sequence[str], name: str, y_label: str) -> Figure:
    """The target against one factor, by label of the rows (four labels at most are told apart)."""
    figure, axes = panel()
    names = list(dict.fromkeys(labels)) if labels else [""]
    shown = names[: len(SERIES)]
    for label, colour, marker in zip(shown, SERIES, MARKERS, strict=False):
        mask = (
            np.asarray([(v if v in shown else shown[-1]) == label for v in labels]) if labels else np.ones(len(x), bool)
        )
        face = "none" if marker == "o" else colour
        axes.plot(x[mask], y[mask], marker=marker, color=colour, markerfacecolor=face, alpha=_fade(len(x)),
                  markersize=3.6, label=_short(label, 14), **_DOT)  # fmt: skip
    if 1 < len(names) <= len(SERIES):
        figure.legend(loc="outside upper left", ncols=4, handlelength=0.9, columnspacing=0.9)
    scale(axes, "x", x, name)
    scale(axes, "y", y)
    finish(axes, x=axis_label(name), y=y_label)
    return figure


def coverage(names: Sequence[str], share: Array) -> Figure:
    """For each pair of factors, the share of combinations of their levels that was run."""
    from matplotlib.patches import Rectangle

    k = len(names)
    figure, axes = panel(0.6 + 0.33 * k)
    for i in range(1, k):
        for j in range(i):
            value = float(share[i, j])
            axes.add_patch(Rectangle((j, k - 1 - i), 0.94, 0.9, facecolor=BLUE, alpha=0.08 + 0.62 * value, linewidth=0))
            axes.text(j + 0.47, k - 1 - i + 0.45, f"{100 * value:.0f} %", ha="center", va="center", fontsize=8,
                      color=INK)  # fmt: skip
        axes.text(-0.08, k - 1 - i + 0.45, names[i].replace("_", " "), ha="right", va="center")
    for j in range(k - 1):
        axes.text(
            j + 0.47, -0.12, names[j].replace("_", " "), ha="right", va="top", rotation=28, rotation_mode="anchor"
        )
    axes.set(xlim=(-1.6, k - 1), ylim=(-1.0, k - 1))
    axes.axis("off")
    return figure


# -- judging laws ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """A law's error with its interval; `low`/`high` None where there is none."""

    name: str
    value: float
    low: float | None
    high: float | None
    note: str = ""


def forest(bars: Sequence[Bar], label: str, chosen: str = "") -> Figure:
    """Errors with intervals, best on top; one law is marked."""
    figure, axes = panel(0.75 + 0.27 * len(bars))
    ends: list[float] = []
    for i, bar in enumerate(bars):
        y = len(bars) - 1 - i
        colour = VERMILION if bar.name == chosen else BLUE
        if bar.low is not None and bar.high is not None:
            axes.plot([bar.low, bar.high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
            ends += [bar.low, bar.high]
        axes.plot([bar.value], [y], marker="D" if bar.name == chosen else "o", color=colour, markersize=5)
        ends.append(bar.value)
    values = np.asarray(ends)
    scale(axes, "x", values, log=bool(values.min() > 0 and values.max() / values.min() > 8))
    axes.set_yticks(range(len(bars)), [_short(b.name) for b in reversed(bars)])
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.6, len(bars) - 0.4)
    finish(axes, x=label)
    return figure


def rivals(names: Sequence[str], runs: Mapping[str, Sequence[Bar | None]], label: str) -> Figure:
    """Errors with intervals, a line a law, a colour and a marker a run; None where a run did not judge the law."""
    figure, axes = panel(0.95 + 0.34 * len(names))
    ends: list[float] = []
    shift = np.linspace(0.22, -0.22, len(runs)) if len(runs) > 1 else [0.0]
    for (run, bars), up, colour, marker in zip(runs.items(), shift, SERIES, MARKERS, strict=False):
        found = [(len(names) - 1 - i + up, bar) for i, bar in enumerate(bars) if bar is not None]
        for y, bar in found:
            if bar.low is not None and bar.high is not None:
                axes.plot([bar.low, bar.high], [y, y], color=colour, linewidth=1.3, solid_capstyle="butt")
                ends += [bar.low, bar.high]
            ends.append(bar.value)
        axes.plot([bar.value for _, bar in found], [y for y, _ in found], marker=marker, color=colour, markersize=4.4,
                  linestyle="none", label=_short(run, 18))  # fmt: skip
    values = np.asarray(ends)
    scale(axes, "x", values, log=bool(values.min() > 0 and values.max() / values.min() > 8))
    axes.set_yticks(range(len(names)), [_short(n) for n in reversed(names)])
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.6, len(names) - 0.4)
    figure.legend(loc="outside upper left", ncols=2, handlelength=1.2, columnspacing=1.2)
    finish(axes, x=label)
    return figure


def parity(observed: Array, predicted: Array, test: Mask, unit: str) -> Figure:
    """Predicted against observed, with the line of perfect prediction."""
    figure, axes = panel(HEIGHT + 0.2)
    both = np.concatenate([observed, predicted[np.isfinite(predicted)]])
    low, high = float(both.min()), float(both.max())
    pad = 0.03 * (high - low)
    axes.plot([low - pad, high + pad], [low - pad, high + pad], color=MUTED, linewidth=0.9)
    _two(axes, observed, predicted, test, ("fitted", "judged"))
    log = bool(low > 0 and high / low > 30)
    scale(axes, "x", both, log=log)
    scale(axes, "y", both, log=log)
    finish(axes, x=f"observed ({unit})", y=f"predicted ({unit})")
    return figure


def residuals(x: Array, residual: Array, test: Mask, name: str, unit: str) -> Figure:
    """Predicted minus observed, against one factor."""
    figure, axes = panel(HEIGHT - 0.35)
    axes.axhline(0, color=MUTED, linewidth=0.9)
    _two(axes, x, residual, test, ("fitted", "judged"))
    scale(axes, "x", x, name)
    scale(axes, "y", residual, log=False)
    finish(axes, x=axis_label(name), y=f"residual ({unit})")
    return figure


def reach(laws: Mapping[str, Array], distance: Array, label: str, unit: str) -> Figure:
    """Error against how far a run lies beyond the fitted ones: medians by band of distance, and the runs themselves."""
    figure, axes = panel()
    for (name, error), colour, marker in zip(laws.items(), SERIES, MARKERS, strict=False):
        axes.plot(distance, error, marker=marker, color=colour, alpha=0.2, markersize=2.8, linestyle="none",
                  markeredgewidth=0)  # fmt: skip
        centres, medians = _medians(distance, error)
        axes.plot(centres, medians, marker=marker, color=colour, label=_short(name, 18), markersize=5,
                  markeredgecolor=PAPER, markeredgewidth=0.6)  # fmt: skip
    errors = np.concatenate([e[np.isfinite(e) & (e > 0)] for e in laws.values()])
    log = bool(len(errors) and errors.max() / np.median(errors) > 8)
    scale(axes, "x", distance, log=False)
    scale(axes, "y", errors, log=log)
    if log:
        axes.set_ylim(bottom=float(np.quantile(errors, 0.04)))
    figure.legend(loc="outside upper left", ncols=2, handlelength=1.4, columnspacing=1.2)
    finish(axes, x=label, y=f"absolute error ({unit})")
    return figure


def _medians(x: Array, y: Array, bands: int = 6) -> tuple[Array, Array]:
    """Median of y in bands of about equal count along x; equal values of x are never parted."""
    keep = np.isfinite(x) & np.isfinite(y)
    x, y = x[keep], y[keep]
    edges = np.unique(np.quantile(x, np.linspace(0, 1, bands + 1)))
    band = np.searchsorted(edges[1:-1], x, side="left") if len(edges) > 2 else np.zeros(len(x), dtype=int)
    parts = [band == i for i in np.unique(band)]
    return np.asarray([np.median(x[p]) for p in parts]), np.asarray([np.median(y[p]) for p in parts])


# -- search ------------------------------------------------------------------------------------------------------


def front(
    complexity: Array, train: Array, error: Array, accepted: Mask, best: int | None, unit: str, reference: float | None,
    rest: str = "refused",
) -> Figure:  # fmt: skip
    """Error against complexity of the candidates on the front; a line marks the best registered law."""
    figure, axes = panel()
    axes.plot(complexity, train, color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
    axes.plot(complexity, error, color=BLUE, linewidth=0.8, alpha=0.5)
    if reference is not None:
        axes.axhline(reference, color=GREEN, linewidth=1.1)
    for mask, face, label in ((~accepted, "none", rest), (accepted, BLUE, "accepted")):
        if mask.any():
            axes.plot(complexity[mask], error[mask], marker="o", color=BLUE, markerfacecolor=face, label=label,
                      markersize=5, **_DOT)  # fmt: skip
    if best is not None:
        axes.plot([complexity[best]], [error[best]], marker="D", color=VERMILION, markersize=7, label="best",
                  linestyle="none")  # fmt: skip
    both = np.concatenate([train, error, [] if reference is None else [reference]])
    positive = both[np.isfinite(both) & (both > 0)]
    scale(axes, "x", complexity, log=False)
    scale(axes, "y", positive, log=bool(len(positive) and positive.max() / positive.min() > 5))
    _legend(axes)
    finish(axes, x="complexity (constants + operators)", y=f"error ({unit})" if unit else "error")
    return figure


def ladder(error: Array, unit: str) -> Figure:
    """Held-out error at each step that improved on all before."""
    figure, axes = panel()
    steps = np.arange(1, len(error) + 1, dtype=np.float64)
    axes.step(steps, error, where="post", color=BLUE)
    axes.plot(steps, error, marker="o", color=BLUE, markersize=4.5, linestyle="none")
    axes.plot(steps[-1:], error[-1:], marker="D", color=VERMILION, markersize=7, linestyle="none")
    scale(axes, "x", steps, log=False)
    axes.set_xticks(steps if len(steps) < 12 else steps[:: len(steps) // 8])
    scale(axes, "y", error, log=bool(error.min() > 0 and error.max() / error.min() > 5))
    finish(axes, x="step", y=f"held-out error ({unit})" if unit else "held-out error")
    return figure


# -- derivations -------------------------------------------------------------------------------------------------


def valley(x: Array, y: Array, name: str, target: str, at: float, interval: tuple[float, float] | None) -> Figure:
    """The law along one factor, with the derived optimum and its interval."""
    figure, axes = panel()
    axes.plot(x, y, color=BLUE)
    if interval is not None:
        axes.axvspan(*interval, color=GREEN, alpha=0.18, linewidth=0)
    axes.axvline(at, color=GREEN, linewidth=1.1)
    axes.plot([at], [float(np.interp(at, x, y))], marker="D", color=GREEN, markersize=5.5)
    scale(axes, "x", x, name)
    scale(axes, "y", y, log=False)
    finish(axes, x=axis_label(name), y=target)
    return figure


def allocation(x: Array, columns: Mapping[str, Array], given: str) -> Figure:
    """Best sizes against a budget, both logarithmic."""
    figure, axes = panel()
    for (name, y), colour, marker in zip(columns.items(), SERIES, MARKERS, strict=False):
        axes.plot(x, y, color=colour, marker=marker, markersize=3.8, label=name)
    both = np.concatenate(list(columns.values()))
    scale(axes, "x", x, given, log=True)
    scale(axes, "y", both, "N", log=True)
    _legend(axes)
    finish(axes, x=axis_label(given), y="best value")
    return figure


def valleys(curves: Mapping[str, tuple[Array, Array, float, float]], name: str, target: str) -> Figure:
    """The law along one size at several budgets, each with its lowest point."""
    figure, axes = panel()
    for (label, (x, y, at, lowest)), colour in zip(curves.items(), SERIES, strict=False):
        axes.plot(x, y, color=colour, label=label)
        axes.plot([at], [lowest], marker="D", color=colour, markersize=5)
    low = min(lowest for *_, lowest in curves.values())
    high = max(float(y[0]) for _, y, _, _ in curves.values())
    scale(axes, "x", np.concatenate([x for x, *_ in curves.values()]), name, log=True)
    scale(axes, "y", np.asarray([low, high]), log=False)
    figure.legend(loc="outside upper left", ncols=2, handlelength=1.2, columnspacing=1.0)
    finish(axes, x=axis_label(name), y=target)
    return figure
