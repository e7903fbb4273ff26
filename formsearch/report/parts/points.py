"""The points: what was run, which factors were varied and how, what is repeated, what looks odd."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import UnknownNameError
from formsearch.quantities import Quantity, quantity, rule_for
from formsearch.report import plots
from formsearch.report.blocks import Block, Bullets, Column, Facts, Figures, Paragraph, Section, Value
from formsearch.report.context import Builder
from formsearch.report.parts.leaderboard import best_of
from formsearch.report.schema.points import PointsRecord
from formsearch.typesetting.numbers import listed, number, plural, sized

Array = NDArray[np.float64]

LEVELS = 40
"""A factor with more distinct values than this is called continuous."""

SPREAD = 4.5
"""Robust standard deviations from which a residual is called suspicious."""


def sections(b: Builder) -> list[Section]:
    """One section a table of points."""
    many = len(b.document.points) > 1
    return [
        Section(
            "points" if i == 0 else f"points-{i + 1}",
            f"The points: {p.name}" if many else "The points",
            tuple(_blocks(b, p)),
        )
        for i, p in enumerate(b.document.points)
    ]


def _blocks(b: Builder, p: PointsRecord) -> list[Block]:
    blocks: list[Block] = []
    if p.simulated:
        blocks.append(Paragraph(f"The losses were not measured. They are {p.simulated}.", "warning"))
    facts: list[tuple[str, str]] = [
        ("Source", p.name),
        ("Content hash", p.hash),
        ("Rows", f"{p.rows:,}"),
        ("Target", f"{p.target}{' (simulated)' if p.simulated else ''}"),
    ]
    if p.splits:
        facts.append(("Splits", listed([f"{name} {count:,}" for name, count in p.splits.items()], 8)))
    if p.groups:
        facts.append(("Groups", listed(list(p.groups), 8)))
    blocks.append(Facts(tuple(facts)))
    factors = {k: np.asarray(v, dtype=float) for k, v in p.columns.items() if k != p.target}
    blocks.append(_ranges(b, p, factors))
    lines: list[str] = []
    if factors:
        blocks += _design(b, p, factors)
        lines = _oddities(b, p, factors)
    lines += [b.say(note) for note in p.notes]
    return [*blocks, Bullets(tuple(lines))] if lines else blocks


def _about(name: str) -> Quantity | None:
    try:
        return quantity(name)
    except UnknownNameError:
        return None


def _ranges(b: Builder, p: PointsRecord, factors: dict[str, Array]) -> Block:
    """A line a factor: meaning, unit, range, levels, and in how many sets of runs it was varied by itself."""
    codes = {name: _codes(v) for name, v in factors.items()}
    rows = []
    for name, (low, high) in p.ranges.items():
        about = _about(name)
        unit = about.unit if about else ""
        meaning = about.meaning if about and name != p.target else "the target" if name == p.target else ""
        count = len(np.unique(codes[name])) if name in codes else None
        rows.append((
            name.replace("_", " "),
            Value(sized(low, unit), low),
            Value(sized(high, unit), high),
            "" if unit in ("1", "count") else unit,
            Value("" if count is None else "continuous" if count > LEVELS else str(count), count),
            Value(str(alone), alone) if (alone := _varied_alone(codes, name)) is not None else "",
            meaning,
        ))  # fmt: skip
    columns = [Column("Factor"), Column("From", True), Column("To", True), Column("Unit"), Column("Levels", True),
               Column("Sets", True), Column("Meaning", wide=True)]  # fmt: skip
    note = (
        "Sets: groups of runs in which this factor varies while all others are equal. A factor without such a set "
        "is told apart from the others only through the form of a law."
    )
    return b.table("points", f"Ranges of the {p.rows:,} points", columns, rows, p.simulated, note if codes else "")


def _codes(values: Array) -> NDArray[np.int64]:
    """Level of each value; values that agree to nine digits share one."""
    rounded = np.asarray([float(f"{v:.8e}") for v in values])
    return np.unique(rounded, return_inverse=True)[1].astype(np.int64)


def _varied_alone(codes: dict[str, NDArray[np.int64]], name: str) -> int | None:
    """Number of groups of rows, equal in all other factors, in which this one takes several values."""
    if name not in codes:
        return None
    others = [c for n, c in codes.items() if n != name]
    if not others:
        return 1
    group = np.unique(np.column_stack(others), axis=0, return_inverse=True)[1].reshape(-1)
    pairs = np.unique(np.column_stack([group, codes[name]]), axis=0)
    return int((np.bincount(pairs[:, 0]) > 1).sum())


def _design(b: Builder, p: PointsRecord, factors: dict[str, Array]) -> list[Block]:
    """The pictures: levels of each factor, the two widest factors against each other, pairs that were crossed."""
    panels = [
        b.figure(
            "design-levels",
            "Where the runs lie on the range of each factor; a dot's area is the number of runs",
            "Levels of each factor: "
            + "; ".join(
                f"{n} from {sized(v.min(), _unit(n))} to {sized(v.max(), _unit(n))}, {len(np.unique(v))} levels"
                for n, v in factors.items()
            ),
            lambda: plots.levels(factors),
            factors,
        )
    ]
    names = [n for n, v in factors.items() if len(np.unique(v)) > 1]
    target = np.asarray(p.columns.get(p.target, ()), dtype=float)
    if len(names) >= 2 and len(target):
        by_width = sorted(names, key=lambda n: -_width(factors[n]))
        first, second = sorted(by_width[:2], key=names.index)
        panels.append(
            b.figure(
                "design",
                f"The two factors with the widest ranges, coloured by {p.target}",
                f"Scatter of {second} against {first}, coloured by {p.target} from {number(target.min())} to "
                f"{number(target.max())}",
                lambda: plots.design(factors[first], factors[second], target, (first, second), p.target),
                {first: factors[first], second: factors[second], p.target: target},
                p.simulated,
            )
        )
    if len(target) and names:
        x_name, x = _ordering(factors, names)
        panels.append(
            b.figure(
                "overview",
                f"The {p.target} against {x_name.replace('_', ' ')}" + (", by split" if p.labels and p.splits else ""),
                f"{p.target} from {number(target.min())} to {number(target.max())} against {x_name} from "
                f"{sized(x.min(), _unit(x_name))} to {sized(x.max(), _unit(x_name))}",
                lambda: plots.overview(x, target, p.labels, x_name, f"{p.target} ({b.target_unit(p)})"),
                {x_name: x, p.target: target, **({"label": p.labels} if p.labels else {})},
                p.simulated,
            )
        )
    levelled = [n for n in names if len(np.unique(factors[n])) <= LEVELS]
    if len(levelled) >= 3:
        share = _crossed({n: factors[n] for n in levelled})
        panels.append(
            b.figure(
                "design-crossing",
                "Share of the combinations of two factors' levels that was run",
                "Coverage of pairs of factors: "
                + "; ".join(
                    f"{levelled[i]} with {levelled[j]} {100 * share[i, j]:.0f} %"
                    for i in range(len(levelled))
                    for j in range(i)
                ),
                lambda: plots.coverage(levelled, share),
                {"factor": levelled, **{n: share[:, j] for j, n in enumerate(levelled)}},
            )
        )
    # the two scatter plots beside each other, then levels and crossing
    return [Figures((*panels[1:3], panels[0], *panels[3:]))]


def _ordering(factors: dict[str, Array], names: list[str]) -> tuple[str, Array]:
    """Training compute, where it is known or follows from the factors; else the factor with the widest range."""
    rule = rule_for("C", frozenset(factors))
    if "C" in factors:
        return "C", factors["C"]
    if rule is not None:
        return "C", np.asarray(rule.compute(*(factors[n] for n in rule.needs)))
    widest = max(names, key=lambda n: _width(factors[n]))
    return widest, factors[widest]


def _unit(name: str) -> str:
    about = _about(name)
    return about.unit if about else ""


def _width(values: Array) -> float:
    return float(np.log(values.max() / values.min())) if values.min() > 0 else float(np.ptp(values))


def _crossed(factors: dict[str, Array]) -> Array:
    """Share of combinations of levels that occur, for each pair of factors."""
    codes = [_codes(v) for v in factors.values()]
    k = len(codes)
    share = np.ones((k, k))
    for i in range(k):
        for j in range(k):
            if i != j:
                met = len(np.unique(np.column_stack([codes[i], codes[j]]), axis=0))
                share[i, j] = met / ((codes[i].max() + 1) * (codes[j].max() + 1))
    return share


def _oddities(b: Builder, p: PointsRecord, factors: dict[str, Array]) -> list[str]:
    """Repeated configurations and rows far from the best law."""
    lines = []
    codes = np.column_stack([_codes(v) for v in factors.values()])
    if p.labels and p.groups:
        codes = np.column_stack([codes, np.unique(p.labels, return_inverse=True)[1]])
    _, which, count = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    which = which.reshape(-1)
    repeated = np.flatnonzero(count > 1)
    target = np.asarray(p.columns.get(p.target, ()), dtype=float)
    if len(repeated):
        extra = int(count[repeated].sum())
        text = f"{plural(len(repeated), 'configuration')} occurs" if len(repeated) == 1 else (
            f"{plural(len(repeated), 'configuration')} occur"
        )  # fmt: skip
        text += f" more than once ({plural(extra, 'row')}, {len(count):,} distinct configurations in {p.rows:,})"
        if len(target):
            sums = [float(((target[which == g] - target[which == g].mean()) ** 2).sum()) for g in repeated]
            pooled = math.sqrt(sum(sums) / (extra - len(repeated)))
            text += f"; repeats differ by {number(pooled, 2)} in {p.target} (pooled standard deviation)"
            text += ", which bounds what any law can reach" if pooled > 0 else ""
        lines.append(text + ".")
    else:
        lines.append("No configuration occurs twice, so the noise between repeats is not known.")
    lines += _suspicious(b, p)
    return lines


def _suspicious(b: Builder, p: PointsRecord) -> list[str]:
    """Rows that the best law misses by far more than the others."""
    for board in b.document.leaderboards:
        best = best_of(board)
        train = board.rows.train
        if board.points.hash != p.hash or best is None or best.label not in train.predicted:
            continue
        predicted = np.asarray([np.nan if v is None else v for v in train.predicted[best.label]], dtype=float)
        residual = predicted - np.asarray(train.observed)
        centre = float(np.nanmedian(residual))
        size = 1.4826 * float(np.nanmedian(np.abs(residual - centre)))
        if not size > 0:
            return []
        far = np.flatnonzero(np.abs(residual - centre) > SPREAD * size)
        order = far[np.argsort(-np.abs(residual[far] - centre))]
        if not len(order):
            return [f"No fitted row lies more than {SPREAD:g} robust standard deviations from {best.label}."]
        rows = [f"row {train.row[i]} ({number((residual[i] - centre) / size, 2)})" for i in order[:6]]
        more = f" and {len(order) - 6} more" if len(order) > 6 else ""
        return [
            f"{plural(len(order), 'fitted row')} {'lies' if len(order) == 1 else 'lie'} more than {SPREAD:g} robust "
            f"standard deviations from {best.label}: {', '.join(rows)}{more}. Look at these runs before trusting "
            "constants to the last digit."
        ]
    return []
