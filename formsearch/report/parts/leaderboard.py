"""The leaderboard: laws on the same points, with intervals, words, and the pictures of how the best one fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.report import plots
from formsearch.report.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Details,
    Figure,
    Figures,
    Heading,
    Paragraph,
    Section,
    Value,
)
from formsearch.report.context import Builder
from formsearch.report.parts.twins import twins
from formsearch.report.schema.board import LeaderboardRecord, PartRecord, ScoreRecord
from formsearch.report.text import objective, sentence
from formsearch.typesetting.numbers import MISSING, listed, number, percent, plural, with_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

Array = NDArray[np.float64]

METRICS = {
    "mae": "mean absolute error",
    "rmse": "root mean square error",
    "relative": "mean relative error",
    "log": "root mean square error of the logarithm",
}
SIGNIFICANT = 0.05

LEADERS = 5
"""Laws whose errors are shown for each group."""

SHOWN = 5
"""Sentences of the verdict before the rest is folded."""


def sections(b: Builder) -> list[Section]:
    """One section a leaderboard."""
    many = len(b.document.leaderboards) > 1
    out = []
    for i, board in enumerate(b.document.leaderboards):
        suffix = "" if i == 0 else f"-{i + 1}"
        title = f"Leaderboard: {board.points.name}, {board.split}" if many else "Leaderboard"
        out.append(Section(f"leaderboard{suffix}", title, tuple(_blocks(b, board))))
        if fit := _fit_blocks(b, board):
            name = best_of(board)
            assert name is not None
            out.append(Section(f"fit{suffix}", f"How {name.label} fits", tuple(fit)))
    return out


def best_of(board: LeaderboardRecord) -> ScoreRecord | None:
    """The law to use: the one that the board names, else the refitted law of least error."""
    refits = [s for s in board.scores if s.kind == "refit"]
    return next((s for s in refits if s.law == board.best), refits[0] if refits else None)


def error_text(board: LeaderboardRecord, score: ScoreRecord) -> tuple[str, str]:
    """A score's error and its interval, in print."""
    value = getattr(score.test, board.metric)
    low, high = score.intervals.get(board.metric, (None, None))
    if value is None:
        return MISSING, ""
    if low is None or high is None:
        return number(value, 3), ""
    return with_interval(value, low, high)


def _blocks(b: Builder, board: LeaderboardRecord) -> list[Block]:
    measure = METRICS.get(board.metric, board.metric)
    blocks: list[Block] = [
        Paragraph(
            f"{plural(len(board.scores), 'law')} on the same points ({board.points.hash}); {board.split}: "
            f"{board.train_rows:,} rows fitted, {board.test_rows:,} judged. Ranked by {measure} on the judged rows, "
            f"with {percent(board.level, 2)} intervals from resampling them. Objective: {objective(board.objective)}; "
            f"{plural(board.starts, 'start')}, seed {board.seed}."
        )
    ]
    if board.distance.sentences:
        blocks.append(Paragraph(" ".join(f"{s[0].upper()}{s[1:]}." for s in board.distance.sentences)))
    if not board.scores:
        blocks.append(Paragraph("No law could be judged on these points.", "warning"))
    else:
        panels = [p for p in (_forest(b, board), _reach(b, board)) if p is not None]
        blocks += [_table(b, board), *([Figures(tuple(panels))] if panels else [])]
    if board.sentences:
        blocks.append(Bullets(tuple(b.say(s) for s in board.sentences[:SHOWN])))
        if len(board.sentences) > SHOWN:
            rest = tuple(b.say(s) for s in board.sentences[SHOWN:])
            blocks.append(Details(f"{len(rest)} more comparisons", (Bullets(rest),)))
    if board.scores:
        blocks += [_measures(b, board), *_by_group(b, board)]
    if board.notes:
        blocks.append(Details("Notes on the fits", (Bullets(tuple(b.say(n) for n in board.notes)),)))
    blocks += _formulas(b, board)
    if board.not_applicable:
        rows = [(n.law, n.reason) for n in board.not_applicable]
        table = b.table("not-applicable", "Laws that could not be judged on these points, and why",
                        [Column("Law"), Column("Reason", wide=True)], rows)  # fmt: skip
        blocks.append(Details(f"{plural(len(rows), 'law')} not applicable, with reasons", (table,)))
    return blocks


def _against_best(board: LeaderboardRecord) -> dict[str, float | None]:
    """p of the test of each law against the law to use."""
    best = best_of(board)
    pairs = [(p, {p.better, p.worse}) for p in board.pairs]
    if best is None:
        return {}
    return {(names - {best.label}).pop(): p.p_holm for p, names in pairs if best.label in names and len(names) == 2}


def _verdict(board: LeaderboardRecord, score: ScoreRecord, p: float | None) -> str:
    """The line of the board in a few words."""
    if score.off_scale:
        return "fails on some rows"
    best = best_of(board)
    if best is not None and score.label == best.label:
        return "law to use"
    if twin := twins(board).get(score.label):
        return f"the same as {twin}"
    if not score.ok:
        return "not at an optimum"
    members = board.confidence_set.members if board.confidence_set else []
    if score.label in members:
        return "may be the best"
    if p is not None and p >= SIGNIFICANT:
        return "not told apart"
    return "published, not refitted" if score.kind == "published" else "worse"


def _table(b: Builder, board: LeaderboardRecord) -> Block:
    columns = [
        Column("Law"), Column(f"Error ({board.metric.upper()})", True),
        Column(f"{percent(board.level, 2)} interval", True), Column("Verdict"), Column("p", True),
        Column("Constants", True), Column("R²", True),
    ]  # fmt: skip
    best = best_of(board)
    against = _against_best(board)
    rows: list[list[Cell]] = []
    for s in board.scores:
        value, span = error_text(board, s)
        low, high = s.intervals.get(board.metric, (None, None))
        rows.append([
            s.label,
            Value(value, getattr(s.test, board.metric)),
            Value(span, f"{low} {high}" if span else None),
            _verdict(board, s, against.get(s.label)),
            Value(p_text(against.get(s.label)), against.get(s.label)),
            Value(str(s.constants) if s.kind == "refit" else MISSING, s.constants),
            Value(_r2(s.test.r2), s.test.r2),
        ])  # fmt: skip
    strong = next((i for i, s in enumerate(board.scores) if best is not None and s.label == best.label), None)
    measure = METRICS.get(board.metric, board.metric)
    note = (
        f"Error: {measure} on the judged rows. p: chance of a difference to the law to use at least this large if "
        "there were none, by resampling rows, corrected for all pairs (Holm)."
    )
    return b.table("leaderboard", f"Laws by {measure} on {board.test_rows:,} judged rows", columns, rows,
                   board.points.simulated, note, strong)  # fmt: skip


def p_text(p: float | None) -> str:
    """A p value for a table: "< 0.001" at the bottom, a dash where there is none."""
    return MISSING if p is None else "< 0.001" if p < 0.001 else f"{p:.2g}"


def _measures(b: Builder, board: LeaderboardRecord) -> Block:
    """Every measure of every law, on the judged and on the fitted rows."""
    columns = [Column("Law"), Column("MAE", True), Column("RMSE", True), Column("Relative", True), Column("Log", True),
               Column("Fitted MAE", True), Column("Fitted RMSE", True), Column("AICc", True), Column("BIC", True),
               Column("Starts", True)]  # fmt: skip
    rows: list[list[Cell]] = []
    for s in board.scores:
        errors = [s.test.mae, s.test.rmse, s.test.relative, s.test.log, s.train.mae, s.train.rmse]
        whole = [MISSING if v is None else f"{v:.0f}".replace("-", "−") for v in (s.aicc, s.bic)]
        rows.append([
            s.label,
            *(Value(number(v, 3), v) for v in errors),
            Value(whole[0], s.aicc),
            Value(whole[1], s.bic),
            Value(MISSING if s.share is None else percent(s.share, 2), s.share),
        ])  # fmt: skip
    note = (
        "Relative: mean of |error|/observed; log: root mean square error of the logarithm; starts: least share of "
        "starts that reached the best optimum. AICc and BIC are of the fitted rows; they compare fits of one objective."
    )
    table = b.table("measures", "Further measures", columns, rows, board.points.simulated, note)
    return Details("Further measures of every law", (table,))


def _r2(value: float | None) -> str:
    """R2 loses its meaning far below zero: it is then only called negative."""
    return MISSING if value is None else "< −1" if value < -1 else f"{value:.4f}".replace("-", "−")


def _forest(b: Builder, board: LeaderboardRecord) -> Figure | None:
    """Errors of the laws that stay on the scale; None if none does."""
    unit = "" if board.metric in ("relative", "log") else b.target_unit(b.points(board.points))
    measure = METRICS.get(board.metric, board.metric)
    bars = []
    for s in board.scores[:24]:
        value = getattr(s.test, board.metric)
        if value is not None and not s.off_scale:
            low, high = s.intervals.get(board.metric, (None, None))
            bars.append(plots.Bar(s.label, value, low, high))
    if not bars:
        return None
    left_out = [s.label for s in board.scores[:24] if s.label not in {x.name for x in bars}]
    caption = f"{measure.capitalize()} on the judged rows with {percent(board.level, 2)} intervals"
    caption += f"; off the scale: {listed(left_out)}" if left_out else ""
    alt = f"{measure.capitalize()} of each law, best first: " + "; ".join(
        f"{x.name} {number(x.value, 3)}" for x in bars[:8]
    )
    data: dict[str, Any] = {"law": [x.name for x in bars], board.metric: [x.value for x in bars],
            "low": [x.low for x in bars], "high": [x.high for x in bars]}  # fmt: skip
    label = f"{measure} ({unit})" if unit else measure
    best = best_of(board)
    chosen = best.label if best else ""
    caption += f"; the diamond is {chosen}, the law to use" if chosen else ""
    return b.figure(
        "leaderboard-errors", caption, alt, lambda: plots.forest(bars, label, chosen), data, board.points.simulated
    )


def _formulas(b: Builder, board: LeaderboardRecord) -> list[Block]:
    """Formula of every judged law, each law once, with its meaning and source."""
    blocks: list[Block] = []
    seen: set[str] = set()
    for s in board.scores:
        if s.law in seen:
            continue
        seen.add(s.law)
        record = b.law(s.law, s.formula)
        blocks.append(Heading(s.law))
        words = [w for w in (record.title, record.source and f"{record.source}{_numbered(record.equation)}") if w]
        if words:
            blocks.append(Paragraph(". ".join(w.rstrip(".") for w in words) + "."))
        blocks.append(b.equation(b.formula_of(s.law, s.formula)))
        if s.values and s.kind == "refit":
            values = ", ".join(f"{k} = {number(v, 5)}" for k, v in s.values.items())
            blocks.append(Paragraph(sentence(f"Fitted: {values}")))
    return [Details(f"Formulas and constants of the {plural(len(seen), 'judged law')}", tuple(blocks))] if seen else []


def _numbered(equation: str) -> str:
    return f", Eq. {equation}" if equation else ""


def _by_group(b: Builder, board: LeaderboardRecord) -> list[Block]:
    """Errors on the judged rows of each group, for the laws that lead; nothing without groups."""
    leaders = [s for s in board.scores if s.by_group][:LEADERS]
    groups = list(dict.fromkeys(g for s in leaders for g in s.by_group))
    if len(groups) < 2:
        return []
    rows: list[list[Cell]] = []
    for group in groups:
        values = [getattr(s.by_group.get(group), board.metric, None) for s in leaders]
        rows.append([group, *(Value(number(v, 3), v) for v in values)])
    measure = METRICS.get(board.metric, board.metric)
    columns = [Column("Group"), *(Column(s.label, True) for s in leaders)]
    caption = f"{measure.capitalize()} on the judged rows of each group"
    table = b.table("groups", caption, columns, rows, board.points.simulated)
    return [Details(f"Errors by group ({len(groups)})", (table,))]


# -- how the best law fits ---------------------------------------------------------------------------------------


def _fit_blocks(b: Builder, board: LeaderboardRecord) -> list[Block]:
    best = best_of(board)
    if best is None or best.label not in board.rows.test.predicted:
        return []
    blocks: list[Block] = [b.equation(b.formula_of(best.law, best.formula, best.values))]
    if best.status:
        blocks.append(Paragraph(f"State of the fit: {sentence(best.status)}"))
    panels = [_parity(b, board, best), *_residuals(b, board, best)]
    return [*blocks, Figures(tuple(panels))]


def _values(values: list[float | None]) -> Array:
    return np.asarray([np.nan if v is None else v for v in values], dtype=float)


def _joined(board: LeaderboardRecord, label: str) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Observed, predicted, and which rows are judged, over fitted and judged rows."""
    train, test = board.rows.train, board.rows.test
    observed = np.asarray([*train.observed, *test.observed], dtype=float)
    predicted = _values([*train.predicted.get(label, []), *test.predicted[label]])
    return observed, predicted, np.arange(len(observed)) >= len(train.observed)


def _parity(b: Builder, board: LeaderboardRecord, best: ScoreRecord) -> Figure:
    observed, predicted, judged = _joined(board, best.label)
    unit = b.target_unit(b.points(board.points))
    value, _ = error_text(board, best)
    return b.figure(
        "parity",
        f"Predicted against observed {board.points.target} of {best.label}",
        f"Predicted against observed values of {best.label} for {len(observed)} rows; they lie along the diagonal with "
        f"{METRICS.get(board.metric, board.metric)} {value} on the judged rows",
        lambda: plots.parity(observed, predicted, judged, unit),
        {"row": [*board.rows.train.row, *board.rows.test.row], "observed": observed, "predicted": predicted,
         "judged": judged},
        board.points.simulated,
    )  # fmt: skip


def _residuals(b: Builder, board: LeaderboardRecord, best: ScoreRecord) -> list[Figure]:
    observed, predicted, judged = _joined(board, best.label)
    unit = b.target_unit(b.points(board.points))
    residual = predicted - observed
    rows = [*board.rows.train.row, *board.rows.test.row]
    panels = []
    described = b.points(board.points)
    own = set(described.ranges) if described else set()
    for name, test in board.rows.test.factors.items():
        x = np.asarray([*board.rows.train.factors.get(name, []), *test], dtype=float)
        if (own and name not in own) or len(np.unique(x)) < 2 or len(x) != len(residual):
            continue
        panels.append(
            b.figure(
                f"residuals-{name}",
                f"Residuals (predicted − observed) of {best.label} against {name.replace('_', ' ')}",
                f"Predicted minus observed of {best.label} against {name}, {_trend(x, residual)}",
                _residual_plot(x, residual, judged, name, unit),
                {"row": rows, name: x, "residual": residual, "judged": judged},
                board.points.simulated,
            )
        )
    return panels


def _residual_plot(x: Array, residual: Array, judged: NDArray[np.bool_], name: str, unit: str) -> Callable[[], Drawing]:
    return lambda: plots.residuals(x, residual, judged, name, unit)


def _trend(x: Array, residual: Array) -> str:
    """Rank correlation in words, for those who cannot see the picture."""
    keep = np.isfinite(residual)
    first, second = (np.argsort(np.argsort(v[keep], kind="stable")).astype(np.float64) for v in (x, residual))
    r = float(np.corrcoef(first, second)[0, 1]) if keep.sum() > 2 else 0.0
    if abs(r) < 0.2:
        return f"without trend (rank correlation {r:.2f})"
    return f"{'rising' if r > 0 else 'falling'} (rank correlation {r:.2f})"


def _reach(b: Builder, board: LeaderboardRecord) -> Figure | None:
    """Error against distance from the fitted range: the law to use, one that may be as good, and two that are worse."""
    test: PartRecord = board.rows.test
    distance = np.asarray(test.overall, dtype=float)
    if len(distance) != len(test.observed) or not len(distance) or not (distance > 0).any():
        return None
    observed = np.asarray(test.observed, dtype=float)
    against = _against_best(board)
    best = best_of(board)
    ordered = [s for s in board.scores if s.kind == "refit" and not s.off_scale and s.label in test.predicted]
    ordered.sort(key=lambda s: best is None or s.label != best.label)
    laws: dict[str, Array] = {}
    tied = 0
    for s in ordered:
        error = np.abs(_values(test.predicted[s.label]) - observed)
        same = any(np.allclose(error, e, rtol=1e-3, atol=0, equal_nan=True) for e in laws.values())
        p = against.get(s.label)
        close = len(laws) > 0 and p is not None and p >= SIGNIFICANT
        if same or not np.isfinite(error).any() or (close and tied):
            continue
        tied += close
        laws[s.label] = error
        if len(laws) == 4:
            break
    if not laws:
        return None
    unit = b.target_unit(b.points(board.points))
    return b.figure(
        "extrapolation",
        "Error against how far a judged row lies outside the fitted ranges, in widths of the range (0 is inside); "
        "marks joined by lines are medians",
        "Absolute error against distance beyond the fitted range: "
        + "; ".join(f"{n} median {number(float(np.nanmedian(e)), 2)}" for n, e in laws.items()),
        lambda: plots.reach(laws, distance, "distance beyond the fitted range (widths)", unit),
        {"row": test.row, "distance": distance, **laws},
        board.points.simulated,
    )
