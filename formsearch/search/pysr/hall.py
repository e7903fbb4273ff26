"""Reading PySR's hall of fame from disk, whatever state a search, a crash or a kill has left it in.

PySR rewrites `hall_of_fame.csv` and its twin `.csv.bak` again and again while it searches. Either may be empty, cut in
the middle of a line, or older than the other. A hall only ever improves, so the best whole row of every complexity of
both files is what is known; rows that are cut or not finite are counted and left out. With several targets there is a
pair of files for each.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(r"hall_of_fame(?:_output(\d+))?\.csv(?:\.bak)?")
ROW = re.compile(r'\s*(\d+)\s*,\s*([^,"]+?)\s*,\s*"(.*)"\s*')
"""Complexity, loss, and the equation in quotes: a line that was cut lacks the last quote."""
HEADER = "complexity,loss,equation"


@dataclass(frozen=True)
class Row:
    """One row of the front: the best form of a complexity (PySR's count) in the scaled variables, as PySR wrote it."""

    complexity: int
    loss: float
    equation: str


@dataclass(frozen=True)
class Hall:
    """What is on disk for one target. rows : by complexity. cut, infinite : lines that were left out, over both files.

    files : those that were read; empty where nothing was written yet.
    """

    rows: tuple[Row, ...]
    cut: int = 0
    infinite: int = 0
    files: tuple[str, ...] = ()
    output: int | None = None

    @property
    def note(self) -> str:
        """What a reader should know about the state of the files; empty where all is well."""
        parts = []
        if self.cut:
            parts.append(f"{self.cut} cut line(s) left out")
        if self.infinite:
            parts.append(f"{self.infinite} row(s) with a loss that is not finite left out")
        return ", ".join(parts)


def read_halls(folder: Path) -> list[Hall]:
    """The halls of fame in a run's folder: one, or one for each target; none if nothing was written."""
    if not folder.is_dir():
        return []
    found: dict[int | None, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        match = NAME.fullmatch(path.name)
        if match:
            output = int(match[1]) if match[1] else None
            found.setdefault(output, []).append(path)
    return [_merged(paths, output) for output, paths in sorted(found.items(), key=lambda item: item[0] or 0)]


def read_hall(folder: Path) -> Hall:
    """The hall of a run with one target; empty if nothing was written."""
    halls = read_halls(folder)
    return halls[0] if halls else Hall(())


def _merged(paths: Iterable[Path], output: int | None) -> Hall:
    best: dict[int, Row] = {}
    cut = infinite = 0
    read = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:  # it is being replaced at this moment; the twin is there
            continue
        read.append(path.name)
        for line in text.splitlines():
            if not line.strip() or line.strip().lower().replace(" ", "") == HEADER:
                continue
            row = _row(line)
            if row is None:
                cut += 1
            elif not math.isfinite(row.loss):
                infinite += 1
            elif row.complexity not in best or row.loss < best[row.complexity].loss:
                best[row.complexity] = row
    return Hall(tuple(best[k] for k in sorted(best)), cut, infinite, tuple(read), output)


def _row(line: str) -> Row | None:
    match = ROW.fullmatch(line)
    if match is None:
        return None
    try:
        loss = float(match[2])
    except ValueError:
        return None
    return Row(int(match[1]), loss, match[3])


def choice_of_pysr(rows: Iterable[Row]) -> Row | None:
    """The row that PySR's `model_selection="best"` takes: the largest score among losses within 1.5 times the least.

    score = -d ln(loss)/d complexity between neighbours (0 for the first, infinite at zero loss). For comparisons; it
    knows neither the number of points nor what happens beyond them, so formsearch never uses it.
    """
    ordered = list(rows)
    if not ordered:
        return None
    scores = [0.0]
    for before, row in itertools.pairwise(ordered):
        step = row.complexity - before.complexity
        # From a loss of zero nothing can be gained.
        gain = math.log(row.loss / before.loss) if row.loss > 0 and before.loss > 0 else -math.inf
        scores.append(-gain / step)
    least = min(row.loss for row in ordered)
    within = [k for k, row in enumerate(ordered) if row.loss <= 1.5 * least]
    return ordered[max(within, key=lambda k: scores[k])]
