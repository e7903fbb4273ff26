"""Row conditions such as `is_outlier == 0 and params > 1e8`, read through a whitelist: nothing is run as code."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

_COMPARE: dict[type[ast.cmpop], Any] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Sides of a comparison; a column whose every cell is a number with a unit (`6.9B`) is numbers beside a number."""
    from formsearch.reading.cells import with_unit

    def numeric(column: Any, other: Any) -> Any:
        if isinstance(column, np.ndarray) and column.dtype == object and isinstance(other, int | float):
            values = [with_unit(str(cell)) for cell in column]
            if all(v is not None for v in values):
                return np.asarray(values, dtype=np.float64)
        return column

    return numeric(a, b), numeric(b, a)


def rows_where(frame: pd.DataFrame, condition: str) -> NDArray[np.bool_]:
    """Mask of the rows of `frame` that meet `condition`.

    Column names, numbers and quoted strings compared by == != < <= > >= or `in [..]`, joined by and, or, not; names
    with spaces stand in backticks (`` `Model Size` > 1e9 ``).

    Raises `InputError` for anything else and for comparisons of text with numbers.
    """

    quoted: dict[str, str] = {}

    def placeholder(match: re.Match[str]) -> str:
        return quoted.setdefault(match[1].strip(), f"quoted_column_{len(quoted)}")

    plain = re.sub(r"`([^`]+)`", placeholder, condition.strip())
    names = {p: column for column, p in quoted.items()}

    def refuse(node: ast.AST) -> InputError:
        return InputError(
            f"--where contains {ast.unparse(node)[:60]!r}: only comparisons of columns with numbers or quoted text, "
            "joined by and, or, not"
        )

    def operand(node: ast.expr) -> Any:
        match node:
            case ast.Name(id=name):
                name = names.get(name, name)
                if name not in frame.columns:
                    raise UnknownNameError("column", name, map(str, frame.columns))
                return frame[name].to_numpy()
            case ast.Constant(value=str() | int() | float() as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
        raise refuse(node)

    def mask(node: ast.expr) -> NDArray[np.bool_]:
        match node:
            case ast.BoolOp(op=op, values=parts):
                combine = np.logical_and if isinstance(op, ast.And) else np.logical_or
                return combine.reduce([mask(p) for p in parts])  # type: ignore[no-any-return]
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return ~mask(part)
            case ast.Compare(
                left=left,
                ops=[ast.In() | ast.NotIn() as op],
                comparators=[ast.List(elts=items) | ast.Tuple(elts=items)],
            ):
                found = np.isin(operand(left), [operand(i) for i in items])
                return found if isinstance(op, ast.In) else ~found
            case ast.Compare(left=left, ops=ops, comparators=rights) if all(type(o) in _COMPARE for o in ops):
                sides = [operand(left), *(operand(r) for r in rights)]
                result = np.ones(len(frame), dtype=np.bool_)
                for a, comparison, b in zip(sides, ops, sides[1:], strict=False):
                    a, b = _alike(a, b)
                    try:
                        result &= np.asarray(_COMPARE[type(comparison)](a, b), dtype=np.bool_)
                    except (TypeError, np.exceptions.DTypePromotionError):
                        raise InputError(
                            f"--where compares text with a number in {ast.unparse(node)!r}: quote the text"
                        ) from None
                return result
        raise refuse(node)

    try:
        tree = ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f'cannot read --where {condition[:80]!r}; write it like "is_outlier == 0"') from None
    return mask(tree)
