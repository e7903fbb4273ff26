"""Parts of fitted forms as numbers: a factor, a term or an inner sum at each row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from formsearch.core.batch import Pack
from formsearch.search.emit import Columns, emit, to_centred, to_raw
from formsearch.search.grammar import Form, Sum
from formsearch.search.walk import Walk
from formsearch.search.workbench import Fitted, Workbench

Array = NDArray[np.float64]


def part_of(f: Fitted, body: Sum, columns: Columns) -> list[Array]:
    """A part of a form over a table, an array of shape (rows,) for the constants of each group."""
    emitted = emit(Form(body, f.form.kinds), columns.centres)
    pack = Pack.of([emitted.tape], columns, columns.rows)
    with np.errstate(all="ignore"):
        return [pack.values(to_centred(emitted, to_raw(f.emitted, v)))[0] for v in f.values]


def part_on(bench: Workbench, f: Fitted, body: Sum) -> Array:
    """A part of a form at the rows of a bench, at the constants of each row's own group, shape (rows,)."""
    by_group = part_of(f, body, bench.columns)
    return np.concatenate([values[a:b] for values, (a, b) in zip(by_group, bench.ranges, strict=True)])


def sums_of(
    body: Sum, raw: Sequence[float] | Array, columns: Columns, span: tuple[int, int]
) -> list[tuple[Sum, Array]]:
    """A sum and all sums inside it, innermost first, each with the values of its terms, shape (terms, rows in `span`).

    `raw` holds the constants in the variables' own units. All parts in one walk over the tree: to make a tape for each
    of them takes ten times as long.
    """
    walk = Walk(columns.variables, columns.logs, span, raw)
    with np.errstate(all="ignore"):
        walk.sum(body)
    return walk.found
