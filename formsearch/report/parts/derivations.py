"""What follows from the laws: optima with intervals, the derivation step by step, every step with its check."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import FormulaError
from formsearch.report import plots
from formsearch.report.blocks import (
    Block,
    Bullets,
    Cell,
    Check,
    Checks,
    Column,
    Details,
    Figure,
    Figures,
    Formula,
    Heading,
    Paragraph,
    Section,
    Value,
)
from formsearch.report.context import Builder
from formsearch.report.figures import unit_of as quantity_unit
from formsearch.report.parts import frontier
from formsearch.report.schema.derivation import DerivationRecord, ExponentRecord, ResultRecord, TableRecord
from formsearch.report.schema.points import LawRecord
from formsearch.report.schema.search import CheckRecord
from formsearch.report.text import objective, sentence
from formsearch.typesetting import maths
from formsearch.typesetting.numbers import (
    MISSING,
    SUFFIX_UNITS,
    listed,
    number,
    percent,
    plural,
    sized,
    uniform,
    with_interval,
)

Array = NDArray[np.float64]

OPTIMA = ("minimum", "maximum")
LONG = 200
"""Characters from which the reason in a sentence is left to the derivation's steps."""

SPAN = 4.0
"""A law is drawn from optimum/SPAN to optimum*SPAN."""


def sections(b: Builder) -> list[Section]:
    """One section a law, the law to use first: its optima by themselves, then under each constraint."""
    best = {board.best for board in b.document.leaderboards}
    laws = sorted(dict.fromkeys(d.law for d in b.document.derivations), key=lambda law: law not in best)
    out = []
    for i, law in enumerate(laws):
        anchor = f"derivation-{i + 1}" if i else "derivation"
        blocks: list[Block] = []
        for j, d in enumerate(d for d in b.document.derivations if d.law == law):
            blocks += _blocks(b, d, first=j == 0)
        out.append(Section(anchor, f"What follows from {law}", tuple(blocks)))
    return out


def optimum_name(r: ResultRecord) -> str:
    """`G` -> `G_opt` for an optimum; other kinds keep the symbol."""
    if r.kind not in OPTIMA:
        return r.symbol
    return f"({r.symbol})_opt" if "/" in r.symbol else f"{r.symbol}_opt"


def value_text(r: ResultRecord, unit: str = "") -> tuple[str, str]:
    """A result's number and its interval, in print."""
    if r.value is None:
        return "", ""
    share = r.quantity == "activation_ratio"
    factor, suffix = (100.0, " %") if share else (1.0, "")
    low, high = r.interval or (None, None)
    if unit in ("parameters", "tokens", "FLOPs"):
        span = f"{sized(low, unit)} to {sized(high, unit)}" if low is not None and high is not None else ""
        return sized(r.value, unit), span
    if low is None or high is None:
        return number(factor * r.value, 4) + suffix, ""
    value, span = with_interval(factor * r.value, factor * low, factor * high)
    return value + suffix, span + suffix


def unit_of(r: ResultRecord) -> str:
    """Unit of a result's quantity."""
    return quantity_unit(r.quantity) if r.quantity else ""


def _variables(b: Builder, d: DerivationRecord) -> list[str]:
    return [v.symbol for v in b.law(d.law, d.formula).variables]


def _formula(b: Builder, d: DerivationRecord, text: str, left: str = "") -> Formula:
    return maths.formula(text, left, d.formula, _variables(b, d))


def _blocks(b: Builder, d: DerivationRecord, first: bool) -> list[Block]:
    record, units = b.law(d.law, d.formula), _units(b, d)
    blocks: list[Block] = []
    if d.simulated and first:
        blocks.append(Paragraph("The constants come from a fit to simulated losses, not to measurements.", "warning"))
    under = ""
    if d.subject_to:
        under = f" under {sentence(d.subject_to).rstrip('.')}"
        blocks.append(Heading(f"Optima{under}"))
    opening = f"Constants: {objective(d.constants_source)}." if d.constants_source else "Algebra only: no constants."
    if d.settings:
        given = [f"{k} = {MISSING if v is None else sized(v, units.get(k, ''), 4)}" for k, v in d.settings.items()]
        opening += f" Settings: {listed(given, 12)}."
    if d.level is not None:
        opening += f" Intervals are {percent(d.level, 2)}, from refits of resampled points."
    if first or d.settings:
        blocks.append(Paragraph(opening))
    if first:
        if record.title:
            blocks.append(Paragraph(f"{record.title.rstrip('.')}."))
        blocks.append(b.equation(b.formula_of(d.law, d.formula)))
    if d.definitions and first:
        blocks.append(Paragraph("Named parts:"))
        blocks += [b.equation(_formula(b, d, f.expression, f.symbol)) for f in d.definitions]
    blocks += [Paragraph(sentence(w), "warning") for w in d.warnings]
    optima = [r for r in d.results if r.kind not in ("monotone", "none") and _says_something(r)]
    if optima:
        blocks.append(_table(b, d, optima, under))
        notes = [n for r in optima for n in _notes(r)]
        if notes:
            blocks.append(Bullets(tuple(dict.fromkeys(notes))))
        panels = [p for r in optima if (p := _valley(b, d, record, r)) is not None]
        panels += frontier.figures(b, d)
        if panels:
            blocks.append(Figures(tuple(panels)))
    flat = [r for r in d.results if r.kind in ("monotone", "none")]
    if flat:
        blocks.append(Bullets(tuple(dict.fromkeys(sentence(m) for r in flat for m in r.remarks))))
    blocks += [_numbers(b, d, t) for t in d.tables if t.columns]
    if d.steps:
        blocks.append(Details(f"The derivation{under} in {plural(len(d.steps), 'step')}", tuple(_steps(b, d))))
    return blocks


def _says_something(r: ResultRecord) -> bool:
    """Whether there is a number, a formula or a power to print."""
    return r.value is not None or bool(r.expression or r.implicit or r.exponents)


def _table(b: Builder, d: DerivationRecord, optima: list[ResultRecord], under: str) -> Block:
    known = any(r.interval is not None for r in optima)
    columns = [Column("Result"), Column("Closed form"), Column("Value", True)]
    columns += [*([Column("Interval", True)] if known else []), Column("Check")]
    rows: list[list[Cell]] = []
    units = _units(b, d)
    for r in optima:
        value, span = value_text(r, unit_of(r) or (units.get(r.symbol.split()[0], "") if r.kind == "growth" else ""))
        low, high = r.interval or (None, None)
        text = r.expression or r.implicit
        rows.append([
            _named(r),
            _formula(b, d, text) if text else MISSING,
            Value(value, r.value) if value else _dependence(r),
            *([Value(span, f"{low} {high}" if span else None)] if known else []),
            _known(r.check),
        ])  # fmt: skip
    return b.table("derived", f"Optima of {d.law}{under}", columns, rows, d.simulated)


def _named(r: ResultRecord) -> Cell:
    """The result's symbol, or its words where it is none."""
    name = optimum_name(r)
    try:
        maths.read(name)
    except FormulaError:
        return name
    return maths.formula(name)


def _dependence(r: ResultRecord) -> Cell:
    """Where there is no single number: the power it follows, or what it depends on."""
    if r.exponents:
        (variable, e), *_ = r.exponents.items()
        if e.value is not None:
            return maths.proportional(variable, e.value)
    return f"depends on {listed(r.depends_on)}" if r.depends_on else MISSING


def _known(check: CheckRecord) -> str:
    """How a statement is known, in one word."""
    words = {"numerically": "confirmed numerically", "failed": "contradicted", "": "not checked"}
    return words.get(check.kind, check.kind)


def _notes(r: ResultRecord) -> list[str]:
    """The sentences that belong to a result."""
    independence = r.independence if len(r.independence) < LONG else r.independence.split(" because ")[0]
    notes = [independence, r.feasibility, r.extrapolation]
    for variable, e in r.exponents.items():
        if e.expression:
            notes.append(f"{optimum_name(r)} is a power of {variable} with exponent {e.expression}{_equals(e)}")
    if r.integer is not None and r.integer.cost is not None:
        cost = number(r.integer.cost, 2)
        notes.append(f"The best whole number for {r.symbol} is {r.integer.value}; it costs {cost} over the optimum")
    notes += [f"{optimum_name(r)}: {m}" if m[:1].islower() else m for m in r.remarks]
    return [sentence(n) for n in notes if n]


def _equals(e: ExponentRecord) -> str:
    """The number of an exponent and its interval."""
    if e.value is None:
        return ""
    low, high = e.interval or (None, None)
    if low is None or high is None:
        return f" = {number(e.value, 4)}"
    value, span = with_interval(e.value, low, high)
    return f" = {value} ({span})"


# -- pictures ----------------------------------------------------------------------------------------------------


def _valley(b: Builder, d: DerivationRecord, record: LawRecord, r: ResultRecord) -> Figure | None:
    """The law along one variable around its optimum, all others at the middle of the points."""
    if r.kind != "minimum" or r.value is None or r.symbol not in {v.symbol for v in record.variables} or d.subject_to:
        return None
    curve = _curve(b, d, record, r)
    if curve is None:
        return None
    x, y, at = curve
    name = next(v.quantity for v in record.variables if v.symbol == r.symbol)
    value, span = value_text(r, unit_of(r))
    low, high = r.interval or (None, None)
    interval = (low, high) if low is not None and high is not None else None
    units = {v.symbol: quantity_unit(v.quantity) for v in record.variables}
    settings = listed([f"{k} = {sized(v, units.get(k, ''))}" for k, v in at.items()], 9)
    optimum = r.value
    return b.figure(
        f"optimum-{r.symbol}",
        f"{d.law} along {name.replace('_', ' ')}, optimum {value}{f' ({span})' if span else ''}; at {settings}",
        f"Loss along {name} has its minimum at {value}{f', interval {span}' if span else ''}",
        lambda: plots.valley(x, y, name, f"{record.target} ({b.target_unit(None) or 'nats/token'})", optimum, interval),
        {name: x, record.target: y},
        d.simulated or b.simulated,
    )


def _curve(
    b: Builder, d: DerivationRecord, record: LawRecord, r: ResultRecord
) -> tuple[Array, Array, dict[str, float]] | None:
    """Values of the law around an optimum, and where the other variables were held; None if that cannot be known."""
    from formsearch.exceptions import InputError
    from formsearch.law import Constant, Law, Variable

    assert r.value is not None
    points = b.points(None)
    held: dict[str, float] = {}
    for v in record.variables:
        if v.symbol == r.symbol:
            continue
        given = d.settings.get(v.symbol, d.settings.get(v.quantity))
        if given is None and points is not None and v.quantity in points.ranges:
            low, high = points.ranges[v.quantity]
            given = math.sqrt(low * high) if low > 0 else (low + high) / 2
        if given is None:
            return None
        held[v.symbol] = given
    constants = {k: v for k, v in d.constants.items() if v is not None}
    try:
        law = Law(
            record.name, d.formula, tuple(Variable(v.symbol, v.quantity) for v in record.variables),
            tuple(Constant(c) for c in constants), target=record.target,
        )  # fmt: skip
        about = law.variables[[v.symbol for v in law.variables].index(r.symbol)].about
        low, high = r.value / SPAN, r.value * SPAN
        if about.high <= 1:
            low, high = max(about.low, 1e-6), min(1.0, 2.5 * r.value)
        x = np.geomspace(low, high, 161) if high / max(low, 1e-12) < 50 and low > 0 else np.linspace(low, high, 161)
        y = law.evaluate({**held, r.symbol: x}, constants)
    except InputError:
        return None
    return (x, y, held) if np.isfinite(y).all() else None


# -- tables and steps --------------------------------------------------------------------------------------------


def _units(b: Builder, d: DerivationRecord) -> dict[str, str]:
    """Symbol of the law -> unit."""
    return {v.symbol: quantity_unit(v.quantity) for v in b.law(d.law, d.formula).variables}


def _numbers(b: Builder, d: DerivationRecord, t: TableRecord) -> Block:
    units = {"optimal active": "parameters", **_units(b, d)}

    def numeric(values: list[float | int | str | None]) -> bool:
        return all(v is None or not isinstance(v, str) for v in values)

    columns: list[Column] = []
    shown: list[list[Cell]] = []
    for name, values in t.columns.items():
        if any(name == f"{n} {end}" for n in t.columns for end in ("low", "high")):
            continue
        columns.append(Column(name, numeric(values)))
        unit = units.get(name) or quantity_unit(name)
        shown.append(_shown(values, unit))
        if (low := t.columns.get(f"{name} low")) is not None and (high := t.columns.get(f"{name} high")) is not None:
            columns.append(Column(f"{name} interval", True))
            shown.append(_spans(low, high, unit))
    rows = list(zip(*shown, strict=True))
    title = t.title.split(" (")[0] if t.name == "frontier" and d.settings else t.title  # they are told above it
    return b.table(t.name, sentence(title or t.name), columns, rows, d.simulated)


def _shown(values: list[float | int | str | None], unit: str) -> list[Cell]:
    """The cells of a column: sizes with a suffix, other numbers with equally many decimals."""
    numbers = [float(v) for v in values if v is not None and not isinstance(v, str)]
    text = uniform(numbers)
    return [
        v if isinstance(v, str) else MISSING if v is None else Value(
            sized(v, unit, 4) if unit in SUFFIX_UNITS | {"FLOPs"} else text(float(v)), v
        )
        for v in values
    ]  # fmt: skip


def _spans(low: Sequence[object], high: Sequence[object], unit: str) -> list[Cell]:
    """The cells of two columns, the ends of an interval, as one."""
    cells: list[Cell] = []
    for ends in zip(low, high, strict=True):
        if any(v is None or isinstance(v, str) for v in ends):
            cells.append(MISSING)
            continue
        a, z = (float(v) for v in ends)  # type: ignore[arg-type]
        text = f"{sized(a, unit)} to {sized(z, unit)}" if unit in SUFFIX_UNITS else with_interval(a, a, z)[1]
        cells.append(Value(text, f"{a} {z}"))
    return cells


def _steps(b: Builder, d: DerivationRecord) -> list[Block]:
    blocks: list[Block] = []
    if d.assumptions:
        checks = [
            Check(c.relation or "", _passed(c.check), sentence(f"{_known(c.check)}: {c.check.sentence}"))
            for c in d.assumptions
        ]
        blocks += [Paragraph("Premises of every step:"), Checks(tuple(checks))]
    for i, step in enumerate(d.steps, 1):
        blocks.append(Heading(f"{i}. {step.title}"))
        if step.sentence:
            blocks.append(Paragraph(sentence(step.sentence)))
        if step.equation:
            blocks.append(b.equation(_formula(b, d, step.equation)))
        if step.check.sentence and step.check.sentence != step.sentence:
            blocks.append(Checks((Check(_known(step.check), _passed(step.check), sentence(step.check.sentence)),)))
        elif step.check.sentence:
            blocks.append(Checks((Check(_known(step.check), _passed(step.check), ""),)))
    return blocks


def _passed(check: CheckRecord) -> bool | None:
    """Assumed statements are neither passed nor failed."""
    return None if check.kind == "assumed" else check.passed
