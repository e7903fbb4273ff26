"""`read_points`: a table of runs -> `Points`. Columns are matched to quantities, units scaled, every value checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import InputError, PointsError, UnknownNameError
from formsearch.points import Points
from formsearch.quantities import QUANTITIES, quantity

if TYPE_CHECKING:
    import pandas as pd

ALIASES: Mapping[str, str] = {
    "params": "N", "parameters": "N", "n_params": "N", "num_params": "N", "params_nonemb": "N",
    "total_params": "N", "total_params_nonemb": "N", "model_size": "N",
    "active_params": "N_active", "active_params_nonemb": "N_active", "na": "N_active",
    "tokens": "D", "n_tokens": "D", "num_tokens": "D", "train_tokens": "D",
    "flops": "C", "compute": "C", "training_flops": "C",
    "n_experts": "experts", "num_experts": "experts", "learning_rate": "lr", "peak_lr": "lr",
}  # fmt: skip
"""Usual column names, used only where no mapping is given; what was matched is noted on the points."""

TARGETS = ("loss", "val_loss", "validation_loss", "final_loss", "train_loss")


def read_points(
    source: str | Path | pd.DataFrame,
    target: str | Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    scale: Mapping[str, float] | None = None,
    where: str | None = None,
    group: str | Sequence[str] | None = None,
    weight: str | None = None,
    split: str | None = None,
    name: str | None = None,
    simulated: str | None = None,
) -> Points:
    """Read a CSV, TSV or Parquet file, gzipped or not, (or take a data frame) as points.

    Parameters
    ----------
    target : column of observed values; by default the first of `TARGETS` that is there. Several columns become
        one long table whose group is the target's name. A target with values <= 0 is read as a "score".
    columns : quantity -> column, e.g. `{"N": "params", "D": "tokens"}`. By default columns named like a
        quantity, or like a usual alias, are taken, and the points' notes say which.
    scale : quantity -> factor to base units, e.g. `{"D": 1e9}` for a column in billions of tokens.
    where : condition on rows, over the table's own column names, e.g. `"is_outlier == 0"`.
    group, weight, split : columns (several group columns are joined).

    Raises `PointsError`/`UnknownNameError` naming the row, the column, the value and the remedy.
    """
    frame, label = _table(source, name)
    table_rows = np.arange(1, len(frame) + 1)
    if where:
        from formsearch.where import rows_where

        mask = rows_where(frame, where)
        frame, table_rows = frame.loc[mask], table_rows[mask]
        if not len(frame):
            raise PointsError(f"{label}: no row meets --where {where!r}")
    targets = _targets(frame, target, label)
    notes: list[str] = [] if not where else [f"rows where {where}"]
    mapping = _mapping(frame, columns, targets, label, notes)
    scale = dict(scale or {})
    if unknown := set(scale) - set(mapping):
        raise UnknownNameError("quantity in --scale", sorted(unknown)[0], mapping, "map it with --columns first")

    def numbers(column: str) -> NDArray[np.float64]:
        return _numbers(frame, column, table_rows, label)

    factors = {q: numbers(c) * scale.get(q, 1.0) for q, c in mapping.items()}
    groups = [group] if isinstance(group, str) else list(group or ())
    for option, column in (("group", groups), ("weight", [weight]), ("split", [split])):
        for c in column:
            if c is not None and c not in frame.columns:
                raise UnknownNameError(f"{option} column", c, map(str, frame.columns))
    group_labels = None
    if groups:
        parts = [frame[g].astype(str).to_numpy(dtype=object) for g in groups]
        group_labels = np.asarray(["|".join(row) for row in zip(*parts, strict=True)], dtype=object)
    used = {*mapping.values(), *targets, *groups, weight, split}
    other = {str(c): frame[c].to_numpy() for c in frame.columns if c not in used}
    weights = numbers(weight) if weight else None
    splits = frame[split].astype(str).to_numpy(dtype=object) if split else None
    values = {t: numbers(t) for t in targets}

    repeat = len(targets)
    observed = np.concatenate(list(values.values()))
    if repeat > 1:
        names = np.repeat(np.asarray(targets, dtype=object), len(frame))
        old = np.tile(group_labels, repeat) if group_labels is not None else None
        group_labels = (
            names if old is None else np.asarray([f"{g}|{t}" for g, t in zip(old, names, strict=True)], dtype=object)
        )

    def tiled(column: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if column is None else np.tile(column, repeat)

    # A loss cannot be negative; a target that is meant to be negative has to be named as something else.
    looks_like_loss = all("loss" in t.lower() for t in targets) and not all("normalized" in t.lower() for t in targets)
    target_quantity = "loss" if looks_like_loss or bool((observed > 0).all()) else "score"
    return Points(
        target=observed,
        factors={q: np.tile(v, repeat) for q, v in factors.items()},
        target_name=targets[0] if repeat == 1 else "target",
        target_quantity=target_quantity,
        rows=np.tile(table_rows, repeat),
        group=group_labels,
        weight=tiled(weights),
        split=tiled(splits),
        other={k: np.tile(v, repeat) for k, v in other.items()},
        name=label,
        simulated=simulated,
        notes=tuple(notes),
    )


def _table(source: str | Path | pd.DataFrame, name: str | None) -> tuple[pd.DataFrame, str]:
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        frame, label = source, name or "table"
    else:
        path = Path(source)
        label = name or path.name
        if not path.is_file():
            raise PointsError(f"no such file: {source}; give a CSV or Parquet path, or a name from `formsearch data`")
        try:
            frame = pd.read_parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _csv(path)
        except ImportError:
            raise InputError(f"{path.name}: reading Parquet needs pyarrow: pip install 'formsearch[parquet]'") from None
        except Exception as error:
            raise PointsError(
                f"cannot read {path.name}: {str(error).splitlines()[0]}; is it a CSV with one header line?"
            ) from None
    if len(frame) == 0 or not len(frame.columns):
        raise PointsError(f"{label}: the table has no rows; give one row a run under one header line")
    frame = frame.rename(columns=lambda c: str(c).strip())
    if frame.columns.has_duplicates:
        twice = sorted({str(c) for c in frame.columns[frame.columns.duplicated()]})
        raise PointsError(f"{label}: column {twice[0]!r} occurs more than once; rename one of them")
    return frame.apply(_typed), label


def _csv(path: Path) -> pd.DataFrame:
    """All cells as text: numbers are parsed column by column later, so that a bad cell can be named.

    The header is read as a row like the others, since pandas would rename a repeated name, and take the first column
    for row names where rows are longer than the header.
    """
    import pandas as pd

    separator = "\t" if ".tsv" in [s.lower() for s in path.suffixes] else ","
    cells = pd.read_csv(
        path, sep=separator, header=None, dtype=str, keep_default_na=False, skipinitialspace=True, encoding="utf-8-sig"
    )
    header = ["" if pd.isna(c) else str(c).strip() for c in cells.iloc[0]]
    frame = cells.iloc[1:].reset_index(drop=True)
    frame.columns = pd.Index([name or f"column_{i}" for i, name in enumerate(header, start=1)])
    return frame


def _typed(column: pd.Series[Any]) -> pd.Series[Any]:
    """Text columns whose every cell is a number become numeric (so that --where can compare them)."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column
    converted = pd.to_numeric(column.astype(str).str.strip(), errors="coerce")
    return converted if not converted.isna().any() else column


def _numbers(frame: pd.DataFrame, column: str, rows: NDArray[np.int64], label: str) -> NDArray[np.float64]:
    import pandas as pd

    raw = frame[column]
    column_is_text = not pd.api.types.is_numeric_dtype(raw)  # a row cut short has no cell there
    values = pd.to_numeric(raw, errors="coerce").to_numpy(dtype=np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        i = int(np.argmax(bad))
        cell = raw.iloc[i]
        empty = str(cell).strip() == "" or (column_is_text and pd.isna(cell))
        shown = "an empty cell" if empty else repr(str(cell) if column_is_text else float(cell))
        raise PointsError(
            f"{label}: column {column!r} must hold finite numbers: row {rows[i]} has {shown} "
            f"({int(bad.sum())} such row(s)); correct them, or leave them out with --where"
        )
    return values


def _targets(frame: pd.DataFrame, target: str | Sequence[str] | None, label: str) -> list[str]:
    if target is None:
        found = next((c for c in TARGETS if c in frame.columns), None)
        if found is None:
            raise UnknownNameError(
                "target column", "loss", map(str, frame.columns), f"name it with --target for {label}"
            )
        return [found]
    targets = [target] if isinstance(target, str) else list(target)
    for t in targets:
        if t not in frame.columns:
            raise UnknownNameError("target column", t, map(str, frame.columns), "choose one with --target")
    return targets


def _mapping(
    frame: pd.DataFrame,
    columns: Mapping[str, str] | None,
    targets: Sequence[str],
    label: str,
    notes: list[str],
) -> dict[str, str]:
    if columns:
        for q, c in columns.items():
            if quantity(q).is_target:
                raise InputError(f"--columns {q}={c}: {q} is what laws predict, not a factor; write --target {c}")
            if c not in frame.columns:
                raise UnknownNameError(
                    "column", c, map(str, frame.columns), f"--columns {q}=... must name a column of {label}"
                )
        return dict(columns)
    mapping: dict[str, str] = {}
    for c in map(str, frame.columns):
        if c in targets:
            continue
        known = c in QUANTITIES and not QUANTITIES[c].is_target
        match = c if known else ALIASES.get(c.lower())
        if match is not None and match not in mapping:
            mapping[match] = c
    if not mapping:
        raise PointsError(
            f"{label}: no column is named like a quantity ({', '.join(map(str, frame.columns))}); "
            "map them, e.g. --columns N=params,D=tokens"
        )
    assumed = [f"{q}={c}" for q, c in mapping.items() if q != c]
    if assumed:
        notes.append(f"columns assumed: {', '.join(assumed)} (base units)")
    return mapping
