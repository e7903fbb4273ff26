"""A leaderboard as a terminal table, Markdown and LaTeX. Every rendering names points, split, objective and seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from formsearch.compare.scores import METRICS, metric
from formsearch.compare.words import significant

if TYPE_CHECKING:
    from rich.console import RenderableType

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
    """Table and remarks for a terminal; the narrow columns only, the rest is in `table`."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    headings, rows = _rows(board)
    hidden = {"AICc", "BIC", "log error", "difference"}
    keep = [i for i, h in enumerate(headings) if h not in hidden]
    table = Table(caption=escape(caption(board)), caption_justify="left", caption_style="dim")
    for i in keep:
        table.add_column(escape(headings[i]), justify="left" if i == 0 else "right", no_wrap=i == 0)
    for row, s in zip(rows, board.scores, strict=True):
        table.add_row(*(escape(row[i]) for i in keep), style="" if s.kind == "refit" else "dim")
    parts: list[RenderableType] = [table]
    for title, lines in _remarks(board):
        parts.append(Text(f"\n{title}", style="bold"))
        parts += [Text(f"  {line}") for line in lines]
    return Group(*parts)
