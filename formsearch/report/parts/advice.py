"""What to run next: the configurations that would separate the leading laws, or pin down what they say."""

from __future__ import annotations

from formsearch.report.blocks import Block, Bullets, Cell, Column, Heading, Paragraph, Section, Value
from formsearch.report.context import Builder
from formsearch.report.figures import unit_of
from formsearch.report.schema.fits import AdviceRecord, AimRecord
from formsearch.report.text import sentence
from formsearch.typesetting.numbers import number, sized


def sections(b: Builder) -> list[Section]:
    """One section for each advice."""
    return [
        Section("advice" if i == 0 else f"advice-{i + 1}", "What to run next", tuple(_blocks(b, a)))
        for i, a in enumerate(b.document.advice)
    ]


def _blocks(b: Builder, advice: AdviceRecord) -> list[Block]:
    budget = (
        f"{number(advice.budget or 0.0, 3)} FLOPs for each aim" if advice.costed
        else f"at most {number(advice.budget or 0.0, 3)} runs for each aim"
    )  # fmt: skip
    blocks: list[Block] = [
        Paragraph(
            f"Of {advice.feasible:,} feasible configurations, those that tell most at the price: {budget}. "
            f"{advice.law} leads; a run scatters about it by {number(advice.noise or 0.0, 3)}."
        )
    ]
    for i, aim in enumerate(advice.aims):
        title = (
            f"To tell {advice.law} from {aim.what}"
            if aim.kind == "separate"
            else f"To pin down {sentence(aim.what).rstrip('.')}"
        )
        blocks += [Heading(title), Paragraph(b.say(aim.sentence))]
        if aim.runs:
            blocks.append(_table(b, advice, aim, i))
    return [*blocks, Bullets(tuple(b.say(note) for note in advice.notes))]


def _table(b: Builder, advice: AdviceRecord, aim: AimRecord, index: int) -> Block:
    factors = list(aim.runs[0].factors)
    laws = list(aim.runs[0].predictions) if aim.kind == "separate" else []
    columns = [Column("Runs", True), *(Column(q.replace("_", " "), True) for q in factors)]
    columns += [Column("FLOPs each", True)] if advice.costed else []
    columns += [*(Column(name, True) for name in laws), Column("Outside", wide=True)]
    rows: list[list[Cell]] = []
    for run in aim.runs:
        row: list[Cell] = [Value(str(run.times), run.times)]
        row += [Value(sized(run.factors[q], unit_of(q), 4), run.factors[q]) for q in factors]
        row += [Value(number(run.cost or 0.0, 3), run.cost)] if advice.costed else []
        row += [Value(number(run.predictions[name], 4), run.predictions[name]) for name in laws]
        rows.append([*row, run.beyond or "no"])
    simulated = advice.points.simulated if advice.points else b.simulated
    caption = (
        f"Runs that tell {advice.law} from {aim.what}, with what each predicts" if laws else f"Runs for {_what(aim)}"
    )
    return b.table(f"advice-{index + 1}", caption, columns, rows, simulated)


def _what(aim: AimRecord) -> str:
    """What is to be pinned down, in print."""
    return sentence(aim.what).rstrip(".")
