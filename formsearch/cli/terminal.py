"""What the verbs print: numbers, tables, JSON, one-line errors, progress. Results go to stdout, all else to stderr."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table


WIDTH = 120
"""Of tables in files and pipes."""

TELLING = 0.1
"""Share of a stage from which its pace tells what is left: the first steps may be those of compiling, once."""
EVERY = 10.0
"""Seconds between lines of progress where there is no terminal to draw a bar on."""


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


_PLAIN = {
    "⎛": "/", "⎜": "|", "⎝": "\\", "⎞": "\\", "⎟": "|", "⎠": "/", "⎡": "[", "⎢": "|", "⎣": "[", "⎤": "]", "⎥": "|",
    "⎦": "]", "⋅": "*", "·": "*", "×": "x", "±": "+-", "−": "-", "–": "-", "→": "->", "≤": "<=", "≥": ">=", "≈": "~",
    "∞": "oo", "√": "sqrt", "…": "...", "─": "-", "━": "-", "│": "|", "ℯ": "e", "∂": "d", "∈": "in",
}  # fmt: skip


def plain_letters(error: UnicodeError) -> tuple[str, int]:
    """Handler for `codecs`: what a terminal cannot show as something that it can, Greek letters by their names."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = []
    for letter in error.object[error.start : error.end]:
        name = unicodedata.name(letter, "")
        if letter in _PLAIN:
            found.append(_PLAIN[letter])
        elif name.startswith("GREEK"):
            word = name.rsplit(" LETTER ", 1)[-1].split(" ")[0]
            found.append(word.capitalize() if "CAPITAL" in name else word.lower())
        else:
            ascii_letters = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode("ascii")
            found.append(ascii_letters or "?")
    return "".join(found), error.end


def show_anything() -> None:
    """Make stdout and stderr print whatever the encoding of the terminal lacks in plain letters."""
    import codecs
    import io

    codecs.register_error("formsearch", plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="formsearch")


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
    # Asked here, height included, since rich takes every terminal that calls itself dumb for one of 80 columns.
    width = shutil.get_terminal_size((WIDTH, 24)).columns if terminal or os.getenv("COLUMNS") else WIDTH
    return Console(highlight=False, soft_wrap=not terminal, width=width, height=24)


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
    """Without a terminal: one line when a stage begins, and every `EVERY` seconds how far it is."""

    clock: Callable[[], float] = time.monotonic
    begun: dict[str, float] = field(default_factory=dict)
    told: float = 0.0

    def __call__(self, stage: str, done: float | None = None, remark: str = "") -> None:
        now = self.clock()
        if stage not in self.begun:
            self.begun[stage] = self.told = now
            print(f"{stage} ...", file=sys.stderr, flush=True)
        elif done and now - self.told >= EVERY:
            self.told = now
            left = (now - self.begun[stage]) * (1 - done) / done
            known = f", {duration(left)} left" if done >= TELLING else ""
            more = f": {remark[:60]}" if remark else ""
            print(f"{stage} ... {100 * done:.0f} %{known}{more}", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """`"42 s"`, `"3 min"`, `"1 h 20 min"`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


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
    if not errors.is_terminal or errors.is_dumb_terminal:
        yield _Lines()
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
