"""Cells of CSV files that a spreadsheet must not run.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and formulas can start programs and
send data away (CWE-1236). Text that begins so gets an apostrophe in front, which spreadsheets do not show; numbers
are left alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_DANGEROUS = re.compile(r"^[\s\x00]*[=+\-@|%\t\r]")
_NUMBER = re.compile(r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$")


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula, and no reader of CSV for the end of a line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if _DANGEROUS.match(text) and not _NUMBER.match(text) else text


def csv_text(frame: pd.DataFrame) -> str:
    """A table as CSV without its index, in which no text is a formula."""
    safe = frame.rename(columns=lambda name: harmless(str(name)))
    for name in safe.columns[[not _numeric(safe[c]) for c in safe.columns]]:
        safe[name] = [harmless(v) if isinstance(v, str) else v for v in safe[name]]
    return str(safe.to_csv(index=False, lineterminator="\n"))


def _numeric(column: pd.Series[Any]) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(column))
