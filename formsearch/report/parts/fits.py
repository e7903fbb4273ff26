"""What the points can tell about the constants of the fitted laws."""

from __future__ import annotations

from formsearch.report.blocks import Block, Bullets, Cell, Column, Heading, Paragraph, Section, Value
from formsearch.report.context import Builder
from formsearch.report.schema.fits import FitRecord
from formsearch.report.text import objective, sentence
from formsearch.typesetting.numbers import MISSING, number, percent, with_interval


def sections(b: Builder) -> list[Section]:
    """One section for all fits; none without fits."""
    fits = b.document.fits
    if not fits:
        return []
    blocks: list[Block] = []
    for fit in fits:
        if len(fits) > 1:
            blocks.append(Heading(fit.law))
        blocks += _blocks(b, fit)
    return [Section("constants", "What the points tell about the constants", tuple(blocks))]


def _blocks(b: Builder, fit: FitRecord) -> list[Block]:
    blocks: list[Block] = []
    opening = f"{fit.law} fitted"
    if fit.points is not None:
        opening += f" to {fit.points.rows:,} points ({fit.points.hash})"
    opening += f" by {objective(fit.objective_name)}"
    if fit.objective is not None:
        opening += f", objective {number(fit.objective, 6)}"
    if fit.share is not None and fit.starts:
        opening += f", {percent(fit.share, 2)} of {fit.starts} starts at the best optimum"
    blocks.append(Paragraph(f"{opening}, seed {fit.seed}."))
    if fit.status.sentence:
        text = sentence(fit.status.sentence)
        blocks.append(Paragraph(text, "plain" if fit.status.code in ("converged", "") else "warning"))
    if len(b.document.fits) > 1 or not b.document.leaderboards:
        blocks.append(b.equation(b.formula_of(fit.law, fit.formula)))
    if fit.constants:
        blocks.append(_table(b, fit))
    if fit.group_constants:
        blocks.append(_group_table(b, fit))
    if fit.identifiability and fit.identifiability.sentences:
        blocks.append(Bullets(tuple(b.say(s) for s in fit.identifiability.sentences)))
    return blocks


def _table(b: Builder, fit: FitRecord) -> Block:
    from formsearch.typesetting import maths

    record = b.law(fit.law, fit.formula)
    meaning = {c.symbol: c.meaning for c in record.constants}
    known = fit.identifiability
    spread = dict(zip(known.names, known.relative_sd, strict=False)) if known else {}
    spans = fit.resamples.intervals if fit.resamples else {}
    columns = [Column("Constant"), Column("Value", True)]
    columns += [Column(f"{percent(fit.resamples.level, 2)} interval", True)] if fit.resamples else []
    columns += [Column("Relative sd", True)] if spread else []
    columns += [Column("Meaning", wide=True)]
    rows: list[list[Cell]] = []
    for name, value in fit.constants.items():
        low, high = spans.get(name, (None, None))
        shown, span = (
            with_interval(value, low, high) if low is not None and high is not None else (number(value, 5), "")
        )
        row: list[Cell] = [maths.formula(name), Value(shown, value)]
        row += [Value(span or MISSING, f"{low} {high}")] if fit.resamples else []
        row += [Value(_sd(spread.get(name)), spread.get(name))] if spread else []
        rows.append([*row, meaning.get(name, "")])
    simulated = fit.points.simulated if fit.points else b.simulated
    notes = []
    if fit.resamples:
        notes.append(f"Intervals: {fit.resamples.n} refits of resampled points ({fit.resamples.kind})")
    if spread:
        notes.append("relative sd: from the curvature at the optimum, a guide to what is identified, not an interval")
    return b.table(f"constants-{fit.law}", f"Constants of {fit.law}", columns, rows, simulated, "; ".join(notes))


def _group_table(b: Builder, fit: FitRecord) -> Block:
    """A line a group, a column a constant."""
    names = list(dict.fromkeys(name for values in fit.group_constants.values() for name in values))
    columns = [Column("Group"), *(Column(name, True) for name in names)]
    rows: list[list[Cell]] = [
        [group, *(Value(number(values.get(name), 4), values.get(name)) for name in names)]
        for group, values in fit.group_constants.items()
    ]
    simulated = fit.points.simulated if fit.points else b.simulated
    return b.table(f"group-constants-{fit.law}", f"Constants of {fit.law} by group", columns, rows, simulated)


def _sd(value: float | None) -> str:
    return MISSING if value is None else "over 1,000 %" if value > 10 else percent(value, 2)
