"""What a table seems to mean: target, columns, units, rows to keep. Each guess has its reason; doubts are kept apart.

target    a usual name; else a column that says `loss`
columns   by their names (`names.py`)
units     stated by the name or by cells; else the only ones for which the numbers are sizes of models and data
rows      flags that runs carry (diverged, finished), runs logged step by step, rows without a loss
labels    a column of training and judging rows; a column that says which data or which architecture
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import UnknownNameError
from formsearch.reading.cells import is_empty, is_text, numbers
from formsearch.reading.names import Match, find_step, find_target, matches, normalised

if TYPE_CHECKING:
    import pandas as pd

    from formsearch.reading.read import Opened

TOKENS_PER_PARAMETER = 20.0
"""What units are weighed by: most runs lie within a factor of some hundreds of it (Hoffmann et al. 2022)."""

PLAUSIBLE = {"N": (1e4, 1e14), "N_active": (1e4, 1e14), "D": (1e5, 1e15), "C": (1e10, 1e30)}
SCALES = {"N": (1.0, 1e3, 1e6, 1e9), "N_active": (1.0, 1e3, 1e6, 1e9), "D": (1.0, 1e6, 1e9, 1e12),
          "C": (1.0, 1e15, 1e18, 1e21)}  # fmt: skip
WORDS = {1.0: "base units", 1e3: "thousands", 1e6: "millions", 1e9: "billions", 1e12: "trillions", 1e15: "PFLOPs",
         1e18: "EFLOPs", 1e21: "ZFLOPs"}  # fmt: skip

KEEP_IF = {"is_outlier": 0, "outlier": 0, "diverged": 0, "flagged": 0, "flagged_by_source": 0, "crashed": 0,
           "failed": 0, "finished": 1, "completed": 1}  # fmt: skip
"""Flags that runs carry -> the value of those to keep."""
FINISHED = ("finished", "FINISHED", "Finished", "completed", "COMPLETED")
STATES = ("state", "status")
RUNS = ("run_id", "run", "run_name", "runid", "name", "id", "run_uuid")
GROUPS = ("group", "dataset", "corpus", "subset", "source", "arch", "architecture", "family", "model_family", "router",
          "recipe")  # fmt: skip
OTHER_TARGETS = ("nll", "val_nll", "cross_entropy", "ce", "bpb", "bits_per_byte", "bits_per_character", "mse",
                 "normalized_mse", "perplexity", "brier_score")  # fmt: skip
A_LOG = 20
"""Rows a run from which a table is taken for a log of steps, not for a table of runs."""
LEAST_GROUP = 8
"""Rows that a group needs to have constants of its own."""


@dataclass
class Doubt:
    """A question that the table does not answer: `choices` are (words, value), the first one is taken unasked."""

    key: str
    question: str
    choices: list[tuple[str, Any]]


@dataclass
class Guess:
    """Keys of a configuration, the reason of each ("columns.N": ...), and what is in doubt."""

    values: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)

    def take(self, key: str, value: Any, reason: str) -> None:
        """Set a key, `outer.inner` inside a table."""
        outer, _, inner = key.partition(".")
        if inner:
            self.values.setdefault(outer, {})[inner] = value
        else:
            self.values[outer] = value
        self.reasons[key] = reason


def guess(table: Opened, given: dict[str, Any]) -> Guess:
    """What the table seems to mean; `given` (options of `read_points`) is taken as said.

    Raises `UnknownNameError` if no column can be the target.
    """
    found = Guess()
    for key, value in given.items():
        name = "split_column" if key == "split" else key
        for inner, part in value.items() if isinstance(value, dict) else [("", value)]:
            found.take(f"{name}.{inner}" if inner else name, part, "as given")
    targets = _target(table, found)
    _rows(table, targets, found)
    frame = _kept(table, found)
    _columns(table, frame, targets, found)
    _labels(frame, found)
    return found


def _target(table: Opened, found: Guess) -> list[str]:
    names = table.names
    if "target" in found.values:
        value = found.values["target"]
        targets = [value] if isinstance(value, str) else list(value)
        for t in targets:
            if t not in names:
                raise UnknownNameError("target column", t, names, "choose one with --target")
        return targets
    name = find_target(names)
    if name is not None:
        found.take("target", name, "by its name")
        return [name]
    says = [c for c in names if "loss" in normalised(c).split("_") and not is_text(table.frame[c])]
    says = says or [c for c in names if normalised(c) in OTHER_TARGETS and not is_text(table.frame[c])]
    if not says:
        raise UnknownNameError("target column", "loss", names, f"name it with --target for {table.label}")
    more = f"; {', '.join(says[1:])} could be meant too, or all (constants for each)" if says[1:] else ""
    found.take("target", says[0], f"the first column that may be a loss{more}" if more else "the only one it can be")
    if more:
        choices = [(c, c) for c in says] + [("all of them, with constants for each", says)]
        found.doubts.append(Doubt("target", "Which column is the observed loss?", choices))
    return [says[0]]


# -- rows --------------------------------------------------------------------------------------------------------


def _rows(table: Opened, targets: Sequence[str], found: Guess) -> None:
    """Conditions on rows, and the last step of each run."""
    frame = table.frame
    conditions: list[str] = []
    reasons: list[str] = []
    if "where" not in found.values:
        for c in table.names:
            if (condition := _flag(frame, c)) is not None:
                conditions.append(condition)
                reasons.append(f"{c} marks runs to leave out")
    if "last_by" not in found.values and (log := _log(table, targets)) is not None:
        run, each, step = log
        found.take("last_by", run, f"about {each:.0f} rows for each {run}: a log of steps"
                   + (f", the last by {step} is kept" if step else ""))  # fmt: skip
    elif "where" not in found.values:
        rows = table.where(" and ".join(conditions)).frame if conditions else frame
        for t in targets:
            if 0 < (gaps := int(rows[t].map(is_empty).sum())) < len(rows) and not is_text(rows[t]):
                conditions.append(f"{_quoted(t)} > 0")
                reasons.append(f"{gaps} rows have no {t}")
    if conditions:
        found.take("where", " and ".join(conditions), "; ".join(reasons))


def _flag(frame: pd.DataFrame, column: str) -> str | None:
    """The condition that keeps good runs, if the column marks bad ones."""
    name = normalised(column).rsplit(".", 1)[-1]
    values = frame[column]
    if name in KEEP_IF and not is_text(values) and set(np.unique(values.dropna())) == {0.0, 1.0}:
        return f"{_quoted(column)} == {KEEP_IF[name]}"
    if name in STATES and len(set(values.map(str))) > 1:
        word = next((w for w in FINISHED if (values == w).any()), None)
        return None if word is None else f"{_quoted(column)} == '{word}'"
    return None


def _quoted(column: str) -> str:
    return column if column.isidentifier() else f"`{column}`"


def _log(table: Opened, targets: Sequence[str]) -> tuple[str, float, str | None] | None:
    """Column of runs, rows a run, column of steps; None for a table of runs."""
    frame = table.frame
    run = next((c for usual in RUNS for c in table.names if c.lower().replace(" ", "_") == usual), None)
    if run is None:
        return None
    each = len(frame) / max(frame[run].nunique(dropna=True), 1)
    gaps = any(frame[t].map(is_empty).any() for t in targets if t in frame.columns)
    step = find_step(c for c in table.names if c not in targets)
    return (run, each, step) if each >= A_LOG or (each > 1 and gaps and step is not None) else None


def _kept(table: Opened, found: Guess) -> pd.DataFrame:
    condition = found.values.get("where")
    return table.where(condition).frame if condition else table.frame


# -- columns and units ---------------------------------------------------------------------------------------------


def _columns(table: Opened, frame: pd.DataFrame, targets: Sequence[str], found: Guess) -> None:
    given = found.values.get("columns", {})
    best, others = matches(c for c in table.names if c not in targets)
    best = {q: m for q, m in best.items() if q not in given}
    if not given and not best:
        return
    held: dict[str, Match] = {}
    for q, m in best.items():
        gaps = int(frame[m.column].map(is_empty).sum())
        if gaps and "last_by" not in found.values and q not in PLAUSIBLE:
            found.reasons[f"left out {q}"] = f"column {m.column} is empty in {gaps} rows: left out"
            continue
        held[q] = m
        also = f"; {' or '.join(others[q])} could be meant too" if q in others else ""
        found.take(
            f"columns.{q}", m.column, ("by its name" if q == m.column else f"{m.column} is a usual name of {q}") + also
        )
    _compute(frame, held, found)
    _units(frame, {**given, **{q: m.column for q, m in held.items()}}, held, found)


def _compute(frame: pd.DataFrame, held: dict[str, Match], found: Guess) -> None:
    """Leave compute out where it is 6*N*D: it follows from the others, and a search should not have it twice."""
    n = "N_active" if "N_active" in held else "N"
    if not {n, "D", "C"} <= set(held) or len(found.values["columns"]) <= 2:
        return
    size, data, compute = (numbers(frame[held[q].column], units=True)[0] * held[q].factor for q in (n, "D", "C"))
    with np.errstate(all="ignore"):
        ratio = compute / (6 * size * data)
    if np.isfinite(ratio).all() and np.ptp(ratio) < 0.02 * abs(ratio.mean()):
        column = held.pop("C").column
        del found.values["columns"]["C"], found.reasons["columns.C"]
        found.reasons["left out C"] = f"column {column} is 6*{n}*D, which is derived where it is needed: left out"


def _units(frame: pd.DataFrame, columns: dict[str, str], held: dict[str, Match], found: Guess) -> None:
    """Factors to base units: as given, as names or cells state them, else by what is plausible."""
    known = dict(found.values.get("scale", {}))
    values: dict[str, NDArray[np.float64]] = {}
    for q, column in columns.items():
        if q not in PLAUSIBLE or column not in frame.columns:
            continue
        read, example = numbers(frame[column], units=True)
        read = read[np.isfinite(read)]
        if not len(read) or read.max() <= 0:
            continue
        values[q] = read
        if example is not None:
            known.setdefault(q, 1.0)
            found.reasons[f"columns.{q}"] += f"; units stand in its cells ({example})"
        elif q in held and held[q].factor != 1 and q not in known:
            known[q] = held[q].factor
            found.take(f"scale.{q}", held[q].factor, f"{WORDS[held[q].factor]}, says the name of {held[q].column}")
    for q, (factor, reason) in plausible_units(values, known).items():
        if factor == 1.0:
            continue
        found.take(f"scale.{q}", factor, f"{columns[q]} runs from {values[q].min():g} to {values[q].max():g}: {reason}")
        choices = [(f"{WORDS[factor]} ({factor:g})", factor)]
        choices += [(f"{WORDS[f]} ({f:g})", f) for f in SCALES[q] if f != factor]
        found.doubts.append(Doubt(f"scale.{q}", f"{columns[q]} runs from {values[q].min():g} to {values[q].max():g}. "
                                  f"In which unit is {q}?", choices))  # fmt: skip


def plausible_units(values: dict[str, NDArray[np.float64]], known: dict[str, float]) -> dict[str, tuple[float, str]]:
    """Factor and reason for each of N, N_active, D, C that is not `known`.

    Base units where the numbers can be sizes as they are; else, of the factors that make every number a plausible
    size, those that bring the median of C/(6 N D) nearest to 1 and of D/N nearest to 20.
    """
    open_ = [q for q in values if q not in known]
    choices = {}
    for q in open_:
        low, high = PLAUSIBLE[q]
        fits = [f for f in SCALES[q] if low <= values[q].max() * f <= high]
        choices[q] = fits[:1] if fits[:1] == [1.0] else fits or [1.0]
    medians = {q: float(np.median(v)) for q, v in values.items()}

    def cost(factors: dict[str, float]) -> float:
        size = {q: medians[q] * {**known, **factors}.get(q, 1.0) for q in medians}
        n = size.get("N_active", size.get("N"))
        total = 0.0
        if n is not None and "D" in size:
            total += abs(np.log10(size["D"] / n / TOKENS_PER_PARAMETER))
            if "C" in size:
                total += 3 * abs(np.log10(size["C"] / (6 * n * size["D"])))
        if "N" in size and "N_active" in size and size["N_active"] > 1.001 * size["N"]:
            total += 10
        # Without data to compare with: models have from some millions to some hundred billions of parameters.
        return float(total + 0.1 * sum(abs(np.log10(size[q] / 1e9)) for q in ("N", "N_active") if q in size))

    made = [dict(zip(open_, c, strict=True)) for c in itertools.product(*(choices[q] for q in open_))]
    best = min(made, key=cost)
    found = {}
    for q in open_:
        unit = {"D": "tokens", "C": "FLOPs"}.get(q, "parameters")
        reason = f"too few for {unit}; in {WORDS[best[q]]} they are of the usual size"
        size = {p: medians[p] * {**known, **best}.get(p, 1.0) for p in medians}
        n = size.get("N_active", size.get("N"))
        if n is not None and "D" in size:
            reason = f"too few for {unit}; in {WORDS[best[q]]} there are {size['D'] / n:.3g} tokens a parameter"
        found[q] = (best[q], reason)
    return found


# -- labels ------------------------------------------------------------------------------------------------------


def _labels(frame: pd.DataFrame, found: Guess) -> None:
    from formsearch.compare.splits import TEST_LABELS, TRAIN_LABELS

    used = set(found.values.get("columns", {}).values())
    for c in map(str, frame.columns):
        if c in used or frame[c].map(is_empty).any():
            continue
        levels = [str(v) for v in frame[c].unique()]
        lower = {v.lower() for v in levels}
        if "split_column" not in found.values and normalised(c) in ("split", "fold", "partition") and (
            lower & set(TRAIN_LABELS) and lower & set(TEST_LABELS)
        ):  # fmt: skip
            found.take("split_column", c, f"it says which runs to judge on: {', '.join(levels[:5])}")
        elif "group" not in found.values and normalised(c) in GROUPS and 2 <= len(levels) <= 20:
            if frame[c].value_counts().min() >= LEAST_GROUP:
                reason = f"{len(levels)} kinds of runs, each with constants of its own: {', '.join(levels[:5])}"
                found.take("group", c, reason)
                question = f"{c} has {len(levels)} values ({', '.join(levels[:5])}). Constants for each?"
                found.doubts.append(Doubt("group", question, [("yes", c), ("no, one law for all runs", None)]))
            else:
                found.reasons[f"left out {c}"] = f"{c} could be the group, but some have fewer than {LEAST_GROUP} rows"
