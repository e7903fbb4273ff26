"""Several runs side by side: on what each was judged, how the laws err in each, what each says to do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from formsearch.report import plots
from formsearch.report.blocks import Block, Cell, Column, Facts, Figure, Figures, Paragraph, Section, Value
from formsearch.report.context import Builder
from formsearch.report.parts import derivations, leaderboard, search
from formsearch.report.schema.board import LeaderboardRecord, ScoreRecord
from formsearch.report.schema.derivation import ResultRecord
from formsearch.report.text import sentence
from formsearch.typesetting import maths
from formsearch.typesetting.maths import Formula
from formsearch.typesetting.numbers import MISSING, listed, number, plural, with_interval

Runs = Sequence[tuple[str, Builder]]
"""Label of each run, and the builder of its own report."""

DRAWN = 4
"""Runs that a figure tells apart."""


def title(runs: Runs) -> str:
    """What the report is about."""
    return f"{plural(len(runs), 'run')} compared: {listed([label for label, _ in runs], 4)}"


def answer(runs: Runs) -> tuple[tuple[str, str], ...]:
    """Five lines at most: the best law of each run, whether their errors can be compared, what they say to do."""
    boards = _boards(runs)
    lines = [("Question", f"Do {len(runs)} runs agree on the law, and on what it says to do?")]
    if boards:
        best = [f"{label}: {_best_text(board)}" for label, board in boards]
        names = {found.law for _, board in boards if (found := leaderboard.best_of(board)) is not None}
        agree = f"All choose {names.pop()}" if len(names) == 1 and len(boards) == len(runs) > 1 else "They differ"
        lines += [("Best law", f"{agree}. {'; '.join(best)}."), ("Same rows", _same_rows(boards))]
    said = [f"{name} {_by_run(values)}" for name, values in _optima(runs) if len(values) > 1]
    if said:
        lines.append(("What they say to do", f"{'; '.join(said[:3])}."))
    simulated = [label for label, b in runs if b.simulated]
    if simulated and len(simulated) < len(runs):
        lines.append(("Beware", f"The losses of {listed(simulated)} are simulated, not measured."))
    return tuple(lines)


def sections(b: Builder, runs: Runs) -> list[Section]:
    """What is put side by side; each run's own sections follow."""
    found = [
        Section("runs", "The runs", tuple(_runs(b, runs))),
        Section("laws", "The laws, run by run", tuple(_laws(b, runs))),
        Section("optima", "What they say to do", tuple(_advised(b, runs))),
        Section("constants", "The constants, run by run", tuple(_constants(b, runs))),
    ]
    return [s for s in found if s.blocks]


def _boards(runs: Iterable[tuple[str, Builder]]) -> list[tuple[str, LeaderboardRecord]]:
    return [(label, b.document.leaderboards[0]) for label, b in runs if b.document.leaderboards]


def _best_text(board: LeaderboardRecord) -> str:
    best = leaderboard.best_of(board)
    if best is None:
        return "no law could be judged"
    value, span = leaderboard.error_text(board, best)
    return f"{best.label}, {leaderboard.METRICS.get(board.metric, board.metric)} {value}{f' ({span})' if span else ''}"


def _same_rows(boards: Sequence[tuple[str, LeaderboardRecord]]) -> str:
    """Whether the errors of the runs were taken on the same rows, after fits to the same rows."""
    rows = {(board.points.hash, board.split, board.train_rows, board.test_rows) for _, board in boards}
    if len(rows) == 1:
        (points, split, _, judged) = rows.pop()
        return f"Yes: all were judged on the same {judged:,} rows of points {points} ({split}), so errors compare."
    hashes = {board.points.hash for _, board in boards}
    what = "points" if len(hashes) > 1 else "rows of the same points"
    return (
        f"No: they were judged on different {what}, so errors do not compare across runs, only the order of laws does."
    )


# -- the runs ----------------------------------------------------------------------------------------------------


def _runs(b: Builder, runs: Runs) -> list[Block]:
    columns = [Column("Run"), Column("Points"), Column("Hash"), Column("Fitted", True), Column("Judged", True),
               Column("Best law"), Column("Error", True), Column("Interval", True)]  # fmt: skip
    rows: list[list[Cell]] = []
    for label, run in runs:
        board = run.document.leaderboards[0] if run.document.leaderboards else None
        points = board.points if board else run.points(None)
        best = leaderboard.best_of(board) if board else None
        value, span = leaderboard.error_text(board, best) if board and best else (MISSING, "")
        rows.append([
            label,
            points.name if points else MISSING,
            points.hash if points else MISSING,
            Value(f"{board.train_rows:,}", board.train_rows) if board else MISSING,
            Value(f"{board.test_rows:,}", board.test_rows) if board else MISSING,
            best.label if best else MISSING,
            Value(value, getattr(best.test, board.metric)) if board and best else MISSING,
            span or MISSING,
        ])  # fmt: skip
    simulated = next((run.simulated for _, run in runs if run.simulated), None)
    blocks: list[Block] = [b.table("runs", "The runs that are compared", columns, rows, simulated)]
    if boards := _boards(runs):
        blocks.append(Paragraph(_same_rows(boards)))
    facts: list[tuple[str, str]] = []
    for label, run in runs:
        p = run.document.provenance
        told = [p.command, f"seed {p.seed}" if p.seed is not None else "", p.created, f"formsearch {p.formsearch}"]
        facts.append((label, " · ".join(t for t in told if t)))
    blocks.append(Facts(tuple(facts)))
    for label, run in runs:
        for front in run.document.fronts:
            if (form := search.best_of(front)) is not None:
                error = f", held-out error {number(form.error, 3)}" if form.error is not None else ""
                blocks.append(Paragraph(f"The best new form of {label}, {form.name}{error}:"))
                blocks.append(b.equation(search.candidate_formula(run, form)))
    return blocks


# -- the laws ----------------------------------------------------------------------------------------------------


def _laws(b: Builder, runs: Runs) -> list[Block]:
    boards = _boards(runs)
    if not boards:
        return []
    metric = boards[0][1].metric
    alike = [(label, board) for label, board in boards if board.metric == metric]
    laws: dict[tuple[str, str], dict[str, ScoreRecord]] = {}
    for label, board in alike:
        for score in board.scores:
            laws.setdefault((score.label, score.formula), {})[label] = score
    laws = dict(sorted(laws.items(), key=lambda item: _least(metric, item[1].values())))
    names = _distinct_names(laws)
    of = dict(alike)
    columns = [Column("Law"), *(Column(label, True) for label, _ in alike)]
    rows: list[list[Cell]] = []
    for key, scores in laws.items():
        cells: list[Cell] = [names[key]]
        for label, _ in alike:
            if label in scores:
                value, span = leaderboard.error_text(of[label], scores[label])
                raw = getattr(scores[label].test, metric)
                cells.append(Value(f"{value} ({span})" if span else value, raw))
            else:
                cells.append(MISSING)
        rows.append(cells)
    measure = leaderboard.METRICS.get(metric, metric)
    simulated = next((board.points.simulated for _, board in alike if board.points.simulated), None)
    caption = f"{measure[0].upper()}{measure[1:]} of each law in each run, with its interval"
    blocks: list[Block] = [b.table("laws-by-run", caption, columns, rows, simulated)]
    bars = {
        label: [_bar(metric, names[key], scores.get(label)) for key, scores in laws.items()]
        for label, _ in alike[:DRAWN]
    }
    some = [any(bar is not None for bar in at) for at in zip(*bars.values(), strict=True)]
    if any(some):
        drawn = {label: [bar for bar, keep in zip(line, some, strict=True) if keep] for label, line in bars.items()}
        order = [name for (name, keep) in zip(names.values(), some, strict=True) if keep]
        blocks.insert(0, Figures((_figure(b, order, drawn, measure, simulated),)))
    return blocks


def _least(metric: str, scores: Iterable[ScoreRecord]) -> float:
    """The least error of a law in any run."""
    return min((e for s in scores if (e := getattr(s.test, metric)) is not None), default=math.inf)


def _distinct_names(laws: dict[tuple[str, str], dict[str, ScoreRecord]]) -> dict[tuple[str, str], str]:
    """A name for each law; where runs call different forms alike (`found3`), with the runs that mean it."""
    called: dict[str, int] = {}
    for label, _ in laws:
        called[label] = called.get(label, 0) + 1
    return {
        key: key[0] if called[key[0]] == 1 else f"{key[0]} of {listed(list(scores))}" for key, scores in laws.items()
    }


def _bar(metric: str, name: str, score: ScoreRecord | None) -> plots.Bar | None:
    value = None if score is None or score.off_scale else getattr(score.test, metric)
    if score is None or value is None:
        return None
    low, high = score.intervals.get(metric, (None, None))
    return plots.Bar(name, value, low, high)


def _figure(
    b: Builder, names: list[str], bars: dict[str, list[plots.Bar | None]], measure: str, simulated: str | None
) -> Figure:
    data: dict[str, list[object]] = {"law": list(names)}
    for label, line in bars.items():
        for end in ("value", "low", "high"):
            data[f"{label} {end}"] = [None if bar is None else getattr(bar, end) for bar in line]
    least = {
        label: min((bar for bar in line if bar is not None), key=lambda bar: bar.value, default=None)
        for label, line in bars.items()
    }
    alt = "; ".join(f"{label}: least {bar.value:.3g} of {bar.name}" for label, bar in least.items() if bar is not None)
    return b.figure(
        "laws-by-run",
        f"{measure[0].upper()}{measure[1:]} on the judged rows with intervals, by run",
        f"{measure} of {plural(len(names), 'law')} in {plural(len(bars), 'run')}; {alt}",
        lambda: plots.rivals(names, bars, measure),
        data,
        simulated,
    )


# -- what they say -----------------------------------------------------------------------------------------------


def _optima(runs: Runs) -> list[tuple[str, dict[str, tuple[ResultRecord, str]]]]:
    """Numbers derived in several runs, by law, symbol and constraint: run -> (result, unit)."""
    found: dict[str, dict[str, tuple[ResultRecord, str]]] = {}
    for label, run in runs:
        for d in run.document.derivations:
            under = f" under {sentence(d.subject_to).rstrip('.')}" if d.subject_to else ""
            for r in d.results:
                exponent = next((e for e in r.exponents.values() if e.value is not None), None)
                if r.kind in ("monotone", "none") or (r.value is None and exponent is None):
                    continue
                name = f"{derivations.optimum_name(r)} of {d.law}{under}"
                found.setdefault(name, {}).setdefault(label, (r, derivations.unit_of(r)))
    return list(found.items())


def _said(r: ResultRecord, unit: str) -> str:
    """A result's number with its interval, or the power that it follows."""
    value, span = derivations.value_text(r, unit)
    if value:
        return f"{value} ({span})" if span else value
    variable, e = next((v, e) for v, e in r.exponents.items() if e.value is not None)
    assert e.value is not None
    low, high = e.interval or (None, None)
    if low is None or high is None:
        return f"∝ {variable}^{number(e.value, 3)}"
    power, span = with_interval(e.value, low, high)
    return f"∝ {variable}^{power} ({span})"


def _by_run(values: dict[str, tuple[ResultRecord, str]]) -> str:
    texts = {label: _said(r, unit) for label, (r, unit) in values.items()}
    if len(set(texts.values())) == 1:
        return f"{next(iter(texts.values()))} in {'both' if len(texts) == 2 else f'all {len(texts)}'}"
    return listed([f"{text} in {label}" for label, text in texts.items()], 4)


def _advised(b: Builder, runs: Runs) -> list[Block]:
    optima = _optima(runs)
    if not optima:
        return []
    labels = [label for label, run in runs if run.document.derivations]
    return [_matrix(b, "optima-by-run", "Optima derived in each run, with intervals", "Result", labels, [
        (name, {label: Value(_said(r, unit), r.value) for label, (r, unit) in values.items()})
        for name, values in optima
    ], next((run.simulated for _, run in runs if run.simulated), None))]  # fmt: skip


def _constants(b: Builder, runs: Runs) -> list[Block]:
    """Constants of laws that several runs fitted by the same formula."""
    found: dict[tuple[str, str], dict[str, dict[str, Cell]]] = {}
    for label, run in runs:
        for fit in run.document.fits:
            spans = fit.resamples.intervals if fit.resamples else {}
            cells = found.setdefault((fit.law, fit.formula), {})
            for name, value in fit.constants.items():
                low, high = spans.get(name, (None, None))
                text = number(value, 4)
                if low is not None and high is not None:
                    text = "{} ({})".format(*with_interval(value, low, high))
                cells.setdefault(name, {}).setdefault(label, Value(text, value))
    shared = {k: v for k, v in found.items() if max((len(c) for c in v.values()), default=0) > 1}
    simulated = next((run.simulated for _, run in runs if run.simulated), None)
    labels = [label for label, run in runs if run.document.fits]
    blocks: list[Block] = []
    for (law, formula), constants in shared.items():
        rows = [(maths.formula(name), cells) for name, cells in constants.items()]
        blocks.append(b.equation(b.formula_of(law, formula)))
        blocks.append(_matrix(b, f"constants-by-run-{law}", f"Constants of {law} in each run", "Constant", labels,
                              rows, simulated))  # fmt: skip
    return blocks


def _matrix(
    b: Builder, name: str, caption: str, head: str, labels: Sequence[str],
    rows: Sequence[tuple[str | Formula, dict[str, Cell]]], simulated: str | None,
) -> Block:  # fmt: skip
    """A line a thing, a column a run."""
    columns = [Column(head), *(Column(label, True) for label in labels)]
    lines = [[what, *(cells.get(label, MISSING) for label in labels)] for what, cells in rows]
    return b.table(name, caption, columns, lines, simulated)
