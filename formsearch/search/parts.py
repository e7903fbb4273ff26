"""Parts of a fitted form as numbers: a factor, a term or an inner sum at each row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from formsearch.core.batch import Pack
from formsearch.search.emit import Columns, emit, to_centred, to_raw
from formsearch.search.grammar import Form, Sum
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
