"""Cells -> numbers: plain ones, with thousands separators, and with units (`6.9B`, `300M`, `20 billion tokens`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

UNITS = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "g": 1e9, "billion": 1e9,
    "t": 1e12, "trillion": 1e12,
}  # fmt: skip
"""Suffix in lower case -> factor. In this field M is a million and B a billion, in any case of letter."""

FLOPS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "z": 1e21, "y": 1e24}

_NUMBER = r"[+-]?(?:\d+(?:_\d{3})*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PLAIN = re.compile(_NUMBER)
_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_WITH_UNIT = re.compile(
    rf"(?P<number>{_NUMBER})\s*(?:(?P<flops>[kmgtpezy]?)flops?|(?P<unit>{_UNIT})?s?"
    r"(?:\s*(?:tokens?|params?|parameters?|flops?))?)",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")


def with_unit(text: str) -> float | None:
    """`"6.9B"` -> 6.9e9, `"20 billion tokens"` -> 2e10, `"1.2 ZFLOPs"` -> 1.2e21; None for what is no number."""
    found = _WITH_UNIT.fullmatch(text.strip())
    if found is None:
        return None
    number = float(found["number"])
    if found["flops"] is not None:
        return number * FLOPS[found["flops"].lower()]
    return number * UNITS[found["unit"].lower()] if found["unit"] else number


def is_text(column: pd.Series[Any]) -> bool:
    """Whether cells are anything but numbers (booleans count as text here: they are labels)."""
    import pandas as pd

    return not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def is_empty(cell: object) -> bool:
    """An empty cell of any kind: no text, None, NaN."""
    return cell is None or (isinstance(cell, float) and cell != cell) or str(cell).strip() in ("", "<NA>", "NaT")


def typed(column: pd.Series[Any], decimal_comma: bool = False) -> pd.Series[Any]:
    """A text column whose cells are plain numbers or empty as a numeric one (empty: NaN), so that --where compares it.

    Text such as `nan` or `N/A` is kept, so that the row can be named. Units are not read here: `7B` may be a name.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column
    texts = [None if is_empty(c) else str(c).strip() for c in column]
    if not any(t is not None for t in texts):
        return column.astype(object)
    for read in (_plain, _decimal_comma if decimal_comma else _thousands, _thousands):
        values = [np.nan if t is None else read(t) for t in texts]
        if all(v is not None for v in values):
            return pd.Series(np.asarray(values, dtype=np.float64), index=column.index, name=column.name)
    return column


def _plain(text: str) -> float | None:
    return float(text) if _PLAIN.fullmatch(text) else None


def _thousands(text: str) -> float | None:
    return float(text.replace(",", "")) if _THOUSANDS.fullmatch(text) else _plain(text)


def _decimal_comma(text: str) -> float | None:
    return float(text.replace(",", ".")) if _DECIMAL_COMMA.fullmatch(text) else _plain(text)


def numbers(column: pd.Series[Any], units: bool) -> tuple[NDArray[np.float64], str | None]:
    """Values of a column, shape (rows,), NaN where a cell is no number; and the first cell that had a unit, if any."""
    if not is_text(column):
        return column.to_numpy(dtype=np.float64), None
    values = np.full(len(column), np.nan)
    example: str | None = None
    for i, cell in enumerate(column):
        if isinstance(cell, bool | np.bool_):
            values[i] = float(cell)
            continue
        text = "" if is_empty(cell) else str(cell).strip()
        number = _thousands(text)
        if number is None and units:
            number = with_unit(text)
            if number is not None and example is None:
                example = text
        if number is not None:
            values[i] = number
    return values, example
