"""A leaderboard as a terminal table, Markdown and LaTeX. Every rendering names points, split, objective and seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from formsearch.compare.scores import METRICS, metric
from formsearch.compare.words import significant

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table

    from formsearch.compare.leaderboard import Leaderboard, Score

_HEADINGS = {
    "mae": "MAE", "rmse": "RMSE", "relative": "relative error", "log": "log error", "r2": "R2",
}  # fmt: skip


MANY_GROUPS = 8
"""More groups than this are left to `Score.by_group`."""


def _measure(name: str, value: float) -> str:
    if name in METRICS and METRICS[name].percent and math.isfinite(value):
        return f"{significant(100 * value)} %"
    return significant(value, 4 if name == "r2" else 3)


def _rows(board: Leaderboard) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the printed table: the ranking metric first, with its interval."""
    ranking = board.metric
    others = [n for n in ("mae", "rmse", "r2", "relative", "log") if n != ranking]
    several = len({s.objective for s in board.scores}) > 1
    headings = ["law", "constants", _HEADINGS[ranking], f"{100 * board.level:g} % interval"]
    headings += [_HEADINGS[n] for n in others] + [f"in-sample {_HEADINGS[ranking]}", "AICc", "BIC", "starts"]
    headings += ["difference", "p (Holm)", "confidence set"] + (["objective"] if several else [])
    members = () if board.confidence is None else board.confidence.members

    def line(s: Score) -> list[str]:
        low, high = s.intervals[ranking]
        c = s.criteria
        cells = [
            s.label,
            str(s.constants) if s.kind == "refit" else "as printed",
            _measure(ranking, getattr(s.test, ranking)),
        ]
        cells += [f"{_measure(ranking, low)} to {_measure(ranking, high)}" if math.isfinite(low) else "-"]
        cells += [_measure(n, getattr(s.test, n)) for n in others]
        cells += [_measure(ranking, getattr(s.train, ranking))]
        cells += ["-", "-"] if c is None else [_criterion(c.aicc), _criterion(c.bic)]
        cells += ["-" if math.isnan(s.share) else f"{100 * s.share:.0f} %"]
        cells += [_measure(ranking, board.difference(s.label)), _p(board.p(s.label))]
        cells += ["-" if s.kind != "refit" or not members else "in" if s.label in members else "out"]
        return cells + ([s.objective] if several else [])

    return headings, [line(s) for s in board.scores]


def _criterion(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "-"


def _p(value: float) -> str:
    return "-" if math.isnan(value) else "< .001" if value < 0.001 else f"{value:.2g}"


def caption(board: Leaderboard) -> str:
    """One line that makes the table citable."""
    points = board.points
    kind = "simulated points" if points.get("simulated") else "points"
    return (
        f"{metric(board.metric).title.capitalize()} of {len(board.scores)} entries on {board.test_rows} test rows, "
        f"constants from {board.train_rows} training rows; {points['rows']} {kind} {points['hash']} of "
        f"{points['name']}; {board.split}; {board.objective}; {board.starts} starts, seed {board.seed}"
    )


def _remarks(board: Leaderboard) -> list[tuple[str, list[str]]]:
    """Headed lists under the table."""
    groups = [
        f"{s.label}: " + ", ".join(f"{g} {_measure(board.metric, getattr(e, board.metric))}" for g, e in grouped)
        for s in board.scores
        if 1 < len(grouped := list(s.by_group.items())) <= MANY_GROUPS
    ]
    parts = [
        ("Verdict", list(board.sentences)),
        (f"{_HEADINGS[board.metric]} by group", groups),
        ("Distance from the training range", list(board.distance.sentences())),
        ("Not judged", [f"{label}: {reason}" for label, reason in board.not_applicable]),
        ("Notes", list(board.notes)),
    ]
    return [(title, lines) for title, lines in parts if lines]


def markdown(board: Leaderboard) -> str:
    """Caption, table, verdict, distance, what was not judged, notes."""
    from tabulate import tabulate

    headings, rows = _rows(board)
    table = tabulate(rows, headings, tablefmt="pipe", disable_numparse=True) if rows else "No law could be judged."
    text = [caption(board), "", table]
    for title, lines in _remarks(board):
        text += ["", f"**{title}**", "", *(f"- {line}" for line in lines)]
    return "\n".join(text) + "\n"


_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "±": r"$\pm$",
})  # fmt: skip


def latex(board: Leaderboard) -> str:
    """A `table` environment for booktabs."""
    from tabulate import tabulate

    headings, rows = _rows(board)
    escaped = [[cell.translate(_LATEX) for cell in row] for row in rows]
    body = tabulate(
        escaped, [h.translate(_LATEX) for h in headings], tablefmt="latex_raw", disable_numparse=True,
        colalign=["left", *["right"] * (len(headings) - 1)] if rows else None,
    )  # fmt: skip
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        body = body.replace(r"\hline", rule, 1)
    return "\n".join([
        r"\begin{table}", r"\centering", rf"\caption{{{caption(board).translate(_LATEX)}}}", body, r"\end{table}", "",
    ])  # fmt: skip


def rich_board(board: Leaderboard) -> RenderableType:
    """Table and remarks for a terminal. See `BoardView`."""
    return BoardView(board)


SENTENCES = 8
"""Of each remark on a terminal; a file has them all."""

LONG_LABEL = 26
"""Longer labels take two lines on a terminal."""


@dataclass(frozen=True)
class BoardView:
    """A board on a terminal: as many columns as its width holds, in the order of `_priority`, never a cut number."""

    board: Leaderboard

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table, its legend and caption, and the remarks."""
        from rich.text import Text

        if not self.board.scores:
            yield Text("No law could be judged.")
        else:
            columns = _columns(self.board)
            kept = list(columns)
            free = options.update(max_width=10_000)
            for column in reversed(_priority(columns)):
                if console.measure(_grid(self.board, kept), options=free).maximum <= options.max_width:
                    break
                kept.remove(column)
            yield _grid(self.board, kept)
            legend = "; ".join(f"{c.heading}: {c.legend}" for c in kept if c.legend)
            yield Text(legend, style="dim")
            yield Text(caption(self.board), style="dim")
        for title, lines in _remarks(self.board):
            yield Text(f"\n{title}", style="bold")
            yield from (Text(f"  {line}") for line in lines[:SENTENCES])
            if len(lines) > SENTENCES:
                yield Text(f"  and {len(lines) - SENTENCES} more: write them with --out or --json", style="dim")


class _Column(NamedTuple):
    """A column on a terminal. `rank` says how late it is dropped: 0 never."""

    heading: str
    legend: str
    rank: int
    cell: Callable[[Score], str]


def _columns(board: Leaderboard) -> list[_Column]:
    """All columns, as they stand from left to right."""
    ranking = board.metric

    def error(name: str, rank: int) -> _Column:
        heading = {"relative": "rel.", "log": "log err."}.get(name, _HEADINGS[name])
        meaning = {
            "relative": METRICS["relative"].title, "log": METRICS["log"].title, "r2": "share of variance explained",
        }.get(name, "")  # fmt: skip
        return _Column(heading, meaning, rank, lambda s: _measure(name, getattr(s.test, name)))

    def interval(s: Score) -> str:
        low, high = s.intervals[ranking]
        return f"{_measure(ranking, low)} to {_measure(ranking, high)}" if math.isfinite(low) else "-"

    others = [n for n in ("relative", "r2", "rmse", "mae", "log") if n != ranking]
    return [
        _Column("law", "", 0, lambda s: _folded(s.label)),
        _Column("k", "fitted constants", 0, lambda s: str(s.constants) if s.kind == "refit" else "-"),
        error(ranking, 0)._replace(legend=f"{metric(ranking).title} on the test rows"),
        _Column(f"{100 * board.level:g} % interval", "", 2, interval),
        _Column("verdict", "", 1, lambda s: _verdict(board, s)),
        _Column("train", f"the same error on the training rows, {board.train_rows} of them", 3,
                lambda s: _measure(ranking, getattr(s.train, ranking))),
        _Column("p", "of the difference to the first, corrected for all pairs", 4, lambda s: _p(board.p(s.label))),
        *(error(name, 6 + i) for i, name in enumerate(others)),
        _Column("BIC", "", 10, lambda s: "-" if s.criteria is None else _criterion(s.criteria.bic)),
        _Column("starts", "least share of starts at the best optimum", 5,
                lambda s: "-" if math.isnan(s.share) else f"{100 * s.share:.0f} %"),
    ]  # fmt: skip


def _priority(columns: Sequence[_Column]) -> list[_Column]:
    """Columns that may go, the most important first."""
    return sorted((c for c in columns if c.rank), key=lambda c: c.rank)


def _verdict(board: Leaderboard, s: Score) -> str:
    """A row's standing in a word or two."""
    if s.kind == "published":
        return "as printed"
    if s.off_scale:
        return "off the scale"
    if not s.ok:
        return "no optimum"
    if board.chosen is not None and s.label == board.chosen.label:
        return "best"
    return "may be best" if board.confidence is not None and s.label in board.confidence.members else "worse"


def _folded(label: str) -> str:
    """A long label on two lines, parted before its objective or its published fit."""
    if len(label) <= LONG_LABEL:
        return label
    name, sign, rest = label.partition(" [") if " [" in label else label.partition(" (")
    return f"{name}\n  {sign.strip()}{rest}" if sign else label


def _grid(board: Leaderboard, columns: Sequence[_Column]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        words = column.heading in ("law", "verdict")
        grid.add_column(Text(column.heading), justify="left" if words else "right", no_wrap=column.heading != "law",
                        overflow="fold")  # fmt: skip
    for s in board.scores:
        grid.add_row(*(Text(c.cell(s)) for c in columns), style="" if s.kind == "refit" else "dim")
    return grid
