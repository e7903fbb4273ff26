"""What the verbs print: numbers, tables, JSON, one-line errors, progress. Results go to stdout, all else to stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table


class Progressing(Protocol):
    """Callback of long work: the stage, how much of it is done (0..1, None if unknown), and a remark."""

    def __call__(self, stage: str, done: float | None = None, remark: str = "") -> None: ...  # noqa: D102


def number(value: object, digits: int = 4) -> str:
    """A number for a table: `digits` significant digits, thousands and tiny values in scientific notation."""
    if value is None:
        return "-"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        return "-" if math.isnan(value) else f"{value:.{digits}g}"
    return str(value)


def plain(value: Any) -> Any:
    """A JSON-ready copy: NumPy scalars and arrays become numbers and lists, NaN and infinities become null."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.bool_ | np.integer):
        return value.item()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


def json_text(document: Mapping[str, Any]) -> str:
    """Strict JSON (no NaN), indented."""
    return json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False)


def complain(message: str, kind: str = "error") -> None:
    """One line on stderr."""
    print(f"{kind}: {' '.join(message.split())}", file=sys.stderr, flush=True)


def ask(question: str) -> str:
    """An answer from the terminal; "" where nobody is there to answer (input or stderr is no terminal)."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return ""
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def console() -> Console:
    """Where results are printed. In a file or a pipe: no colours, tables 120 wide, text unwrapped."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=not terminal, width=None if terminal or os.getenv("COLUMNS") else 120)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "", right: Sequence[str] = ()
) -> Table:
    """A table that wraps inside the terminal; `right` names the columns of numbers. Cells are never read as markup."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold", pad_edge=False)
    for name in columns:
        grid.add_column(name, justify="right" if name in right else "left", no_wrap=name in right, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(number(cell)) for cell in row))
    return grid


@dataclass
class _Live:
    """Progress bars on a terminal: one line a stage."""

    bars: Progress
    tasks: dict[str, Any]

    def __call__(self, stage: str, done: float | None = None, remark: str = "") -> None:
        if stage not in self.tasks:
            for other in self.tasks.values():  # a new stage means that the earlier ones are over
                self.bars.update(other, total=1.0, completed=1.0, remark="")
            self.tasks[stage] = self.bars.add_task(stage, total=None, remark="")
        self.bars.update(
            self.tasks[stage], total=None if done is None else 1.0, completed=done or 0.0, remark=remark[:60]
        )


@dataclass
class _Lines:
    """Without a terminal: one line when a stage begins."""

    begun: set[str]

    def __call__(self, stage: str, done: float | None = None, remark: str = "") -> None:
        if stage not in self.begun:
            self.begun.add(stage)
            print(f"{stage} ...", file=sys.stderr, flush=True)


def _silent(stage: str, done: float | None = None, remark: str = "") -> None:
    del stage, done, remark


@contextmanager
def progress(quiet: bool) -> Iterator[Progressing]:
    """A progress display on stderr for the time of the block."""
    if quiet:
        yield _silent
        return
    from rich.console import Console

    errors = Console(stderr=True)
    if not errors.is_terminal:
        yield _Lines(set())
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}", markup=False),
        console=errors,
        transient=True,
    ) as bars:
        yield _Live(bars, {})
