"""`read_points`: a table of runs -> `Points`. Columns are matched to quantities, units scaled, every value checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import InputError, PointsError, UnknownNameError
from formsearch.points import Points
from formsearch.quantities import quantity

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

SCALES = ("N", "N_active", "D", "C")
"""Quantities without which a run is no point: their columns are never left out for an empty cell."""

LEAST = {"N": 1e4, "N_active": 1e4, "N_dense": 1e4, "D": 1e5, "C": 1e9}
"""A column whose largest value is below this is hardly in base units; the points' notes then say so."""


def read_points(
    source: str | Path | pd.DataFrame,
    target: str | Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    scale: Mapping[str, float] | None = None,
    where: str | None = None,
    group: str | Sequence[str] | None = None,
    weight: str | None = None,
    split: str | None = None,
    last_by: str | Sequence[str] | None = None,
    duplicates: str = "keep",
    name: str | None = None,
    simulated: str | None = None,
) -> Points:
    """Read a table (CSV, TSV, JSON lines, Parquet, Excel, compressed or not; or a data frame) as points.

    Parameters
    ----------
    target : column of observed values; by default the first of `TARGETS` that is there. Several columns become
        one long table whose group is the target's name. A target with values <= 0 is read as a "score".
    columns : quantity -> column, e.g. `{"N": "params", "D": "tokens"}`. By default columns named like a
        quantity, or like a usual alias, are taken, and the points' notes say which. Cells may have units (`6.9B`).
    scale : quantity -> factor to base units, e.g. `{"D": 1e9}` for a column in billions of tokens. A unit in the
        name of a column that was matched by its name (`tokens_B`) is used unless a factor is given here.
    where : condition on rows, over the table's own column names, e.g. `"is_outlier == 0"`.
    group, weight, split : columns (several group columns are joined).
    last_by : column(s) that name the run: of each run the last row with a target value is kept, by its step.
    duplicates : rows that agree in all factors, group and split are kept ("keep"), averaged ("mean"), or the one of
        least target is taken ("min").

    Raises `PointsError`/`UnknownNameError` naming the row, the column, the value and the remedy;
    `EngineMissingError` for a format whose package is not installed.
    """
    from formsearch.reading.rows import last_rows, merged

    table = open_table(source, name)
    if where:
        table = table.where(where)
    targets = _targets(table, target)
    if last_by:
        frame, kept, note = last_rows(table.frame, _listed(last_by), targets, table.label)
        table = Opened(frame, table.label, table.rows[kept], [*table.notes, note])
    mapping, factors = _factors(table, columns, dict(scale or {}), targets)
    return merged(_points(table, targets, mapping, factors, _listed(group), weight, split, simulated), duplicates)


@dataclass
class Opened:
    """A data frame under way to points; `rows` are row numbers in the file, `notes` what was assumed."""

    frame: pd.DataFrame
    label: str
    rows: NDArray[np.int64]
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [str(c) for c in self.frame.columns]

    def where(self, condition: str) -> Opened:
        """The rows that meet a condition. Raises `PointsError` if none does."""
        from formsearch.where import rows_where

        mask = rows_where(self.frame, condition)
        if not mask.any():
            raise PointsError(f"{self.label}: no row meets --where {condition!r}")
        frame = self.frame.loc[mask].reset_index(drop=True)
        return Opened(frame, self.label, self.rows[mask], [*self.notes, f"rows where {condition}"])

    def numbers(self, column: str, units: bool = False) -> Array:
        """Finite numbers, shape (rows,). Raises `PointsError` naming the first cell that is none."""
        from formsearch.reading.cells import is_empty, is_text, numbers

        values, example = numbers(self.frame[column], units)
        bad = ~np.isfinite(values)
        if bad.any():
            i = int(np.argmax(bad))
            cell = self.frame[column].iloc[i]
            as_text = is_text(self.frame[column])
            shown = "an empty cell" if is_empty(cell) else repr(str(cell) if as_text else float(cell))
            raise PointsError(
                f"{self.label}: column {column!r} must hold finite numbers: row {self.rows[i]} has {shown} "
                f"({int(bad.sum())} such row(s)); correct them, or leave them out with --where"
            )
        if example is not None:
            self.notes.append(
                f"units read from the cells of {column}, e.g. {example} = {float(values.max()):.4g} at most"
            )
        return values


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or ())


def open_table(source: str | Path | pd.DataFrame, name: str | None = None) -> Opened:
    """A table with its columns as they are called, cells of plain numbers as numbers.

    Raises `PointsError` for a file that cannot be read and for a table without rows or with a name twice.
    """
    import pandas as pd

    from formsearch.reading.cells import typed
    from formsearch.reading.files import Table, read_table

    if isinstance(source, pd.DataFrame):
        label, read = name or "table", Table(source.reset_index(drop=True))
    else:
        path = Path(source)
        label, read = name or path.name, read_table(path)
    frame = read.frame
    if len(frame) == 0 or not len(frame.columns):
        raise PointsError(f"{label}: the table has no rows; give one row a run under one header line")
    frame = frame.rename(columns=lambda c: str(c).strip())
    if frame.columns.has_duplicates:
        twice = sorted({str(c) for c in frame.columns[frame.columns.duplicated()]})
        raise PointsError(f"{label}: column {twice[0]!r} occurs more than once; rename one of them")
    frame = frame.apply(typed, decimal_comma=read.decimal_comma)
    return Opened(frame, label, np.arange(1, len(frame) + 1), list(read.notes))


def _targets(table: Opened, target: str | Sequence[str] | None) -> list[str]:
    from formsearch.reading.names import TARGETS, find_target

    if target is None:
        found = find_target(table.names)
        if found is None:
            raise UnknownNameError("target column", "loss", table.names, f"name it with --target for {table.label}")
        if found not in TARGETS:
            table.notes.append(f"target assumed: {found}")
        return [found]
    targets = _listed(target)
    for t in targets:
        if t not in table.names:
            raise UnknownNameError("target column", t, table.names, "choose one with --target")
    return targets


def _factors(
    table: Opened, columns: Mapping[str, str] | None, scale: Mapping[str, float], targets: Sequence[str]
) -> tuple[dict[str, str], dict[str, Array]]:
    """Quantity -> column, and quantity -> values in base units."""
    mapping, stated = (_given(table, columns), {}) if columns else _matched(table, targets)
    if not columns:
        mapping = _without_gaps(table, mapping)
    if unknown := set(scale) - set(mapping):
        raise UnknownNameError("quantity in --scale", sorted(unknown)[0], mapping, "map it with --columns first")
    factors = {}
    for q, column in mapping.items():
        about = quantity(q)
        values = table.numbers(column, units=about.unit != "1" and about.unit != "fraction")
        factors[q] = values * scale.get(q, stated.get(q, 1.0))
        largest = float(factors[q].max())
        if q in LEAST and 0 < largest < LEAST[q]:
            table.notes.append(
                f"{q} is at most {largest:g} {about.unit}: if {column} is in millions or billions, give "
                f"--scale {q}=1e6 or {q}=1e9"
            )
    return mapping, factors


def _given(table: Opened, columns: Mapping[str, str]) -> dict[str, str]:
    for q, c in columns.items():
        if quantity(q).is_target:
            raise InputError(f"--columns {q}={c}: {q} is what laws predict, not a factor; write --target {c}")
        if c not in table.names:
            raise UnknownNameError("column", c, table.names, f"--columns {q}=... must name a column of {table.label}")
    return dict(columns)


def _matched(table: Opened, targets: Sequence[str]) -> tuple[dict[str, str], dict[str, float]]:
    """Columns by their names, and the units that the names state; what was assumed is noted."""
    from formsearch.reading.names import matches

    found, others = matches(c for c in table.names if c not in targets)
    if not found:
        raise PointsError(
            f"{table.label}: no column is named like a quantity ({', '.join(table.names)}); "
            "map them, e.g. --columns N=params,D=tokens"
        )
    assumed = [
        f"{q}={m.column}" + (f" x {m.factor:g}" if m.factor != 1 else "") for q, m in found.items() if q != m.column
    ]
    if assumed:
        units = "units by their names" if any(m.factor != 1 for m in found.values()) else "base units"
        table.notes.append(f"columns assumed: {', '.join(assumed)} ({units})")
    table.notes += [f"{q} could also be {' or '.join(o)}: choose with --columns" for q, o in others.items()]
    return {q: m.column for q, m in found.items()}, {q: m.factor for q, m in found.items()}


def _without_gaps(table: Opened, mapping: Mapping[str, str]) -> dict[str, str]:
    """Columns that were matched by their names only, without those that have empty cells, where others remain.

    Sizes, data and compute stay: a run without them is no point, and the empty cell has to be told.
    """
    from formsearch.reading.cells import is_empty

    empty = {q: int(table.frame[c].map(is_empty).sum()) for q, c in mapping.items() if q not in SCALES}
    left = {q: n for q, n in empty.items() if n}
    if len(left) == len(mapping):
        return dict(mapping)
    table.notes += [
        f"{mapping[q]} left out: {n} row(s) have an empty cell; map it with --columns" for q, n in left.items()
    ]
    return {q: c for q, c in mapping.items() if q not in left}


def _points(
    table: Opened,
    targets: Sequence[str],
    mapping: Mapping[str, str],
    factors: Mapping[str, Array],
    groups: Sequence[str],
    weight: str | None,
    split: str | None,
    simulated: str | None,
) -> Points:
    """One long table: rows times targets."""
    frame = table.frame
    for option, column in (("group", groups), ("weight", [weight]), ("split", [split])):
        for c in column:
            if c is not None and c not in frame.columns:
                raise UnknownNameError(f"{option} column", c, table.names)
    repeat = len(targets)
    used = {*mapping.values(), *targets, *groups, weight, split}

    def tiled(column: NDArray[Any]) -> NDArray[Any]:
        return np.tile(column, repeat)

    values = {t: table.numbers(t) for t in targets}
    observed = np.concatenate(list(values.values()))
    labels = _labels(frame, groups)
    if repeat > 1:
        names = np.repeat(np.asarray(targets, dtype=object), len(frame))
        labels = names if labels is None else _joined([tiled(labels), names])
    # A loss cannot be negative; a target that is meant to be negative has to be named as something else.
    looks_like_loss = all("loss" in t.lower() for t in targets) and not all("normalized" in t.lower() for t in targets)
    target_quantity = "loss" if looks_like_loss or bool((observed > 0).all()) else "score"
    return Points(
        target=observed,
        factors={q: tiled(v) for q, v in factors.items()},
        target_name=targets[0] if repeat == 1 else "target",
        target_quantity=target_quantity,
        rows=tiled(table.rows),
        group=labels,
        weight=tiled(table.numbers(weight)) if weight else None,
        split=tiled(frame[split].astype(str).to_numpy(dtype=object)) if split else None,
        other={str(c): tiled(frame[c].to_numpy()) for c in frame.columns if c not in used},
        name=table.label,
        simulated=simulated,
        notes=tuple(table.notes),
    )


def _labels(frame: pd.DataFrame, groups: Sequence[str]) -> NDArray[np.object_] | None:
    return _joined([frame[g].astype(str).to_numpy(dtype=object) for g in groups]) if groups else None


def _joined(parts: Sequence[NDArray[np.object_]]) -> NDArray[np.object_]:
    return np.asarray(["|".join(map(str, row)) for row in zip(*parts, strict=True)], dtype=object)
