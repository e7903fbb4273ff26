"""Parts of fitted forms as numbers: a factor, a term or an inner sum at each row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from formsearch.core.batch import Pack
from formsearch.search.emit import Columns, emit, to_centred, to_raw
from formsearch.search.grammar import Factor, Form, Log, Power, Sum, Term, scalar_value
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
    walk = _Walk(raw, columns, span)
    with np.errstate(all="ignore"):
        walk.sum(body)
    return walk.found


class _Walk:
    """Evaluates a tree node by node and keeps what the terms of each sum were."""

    def __init__(self, raw: Sequence[float] | Array, columns: Columns, span: tuple[int, int]) -> None:
        self.raw, self.columns, self.rows = raw, columns, slice(*span)
        self.count = span[1] - span[0]
        self.found: list[tuple[Sum, Array]] = []

    def sum(self, body: Sum) -> Array:
        terms = np.empty((len(body), self.count))
        for k, term in enumerate(body):
            terms[k] = self.term(term)
        self.found.append((body, terms))
        return np.asarray(terms.sum(axis=0))

    def term(self, term: Term) -> Array | float:
        product: Array | float = scalar_value(term.coefficient, self.raw)
        for factor in term.factors:
            product = product * self.factor(factor)
        return product

    def factor(self, f: Factor) -> Array:
        if isinstance(f, Log):
            return self.columns.logs[f.variable][self.rows]
        if isinstance(f, Power):
            if not f.exponent.constants:
                return np.asarray(self.columns.variables[f.variable][self.rows] ** float(f.exponent.number))
            return np.asarray(np.exp(scalar_value(f.exponent, self.raw) * self.columns.logs[f.variable][self.rows]))
        parts = [self.sum(a) for a in f.arguments]
        match f.function:
            case "power":
                return np.asarray(parts[0] ** scalar_value(f.exponent, self.raw))
            case "exp":
                return np.asarray(np.exp(parts[0]))
            case "log":
                return np.asarray(np.log(parts[0]))
            case "abs":
                return np.abs(parts[0])
            case "min":
                return np.asarray(np.minimum.reduce(parts))
            case _:
                return np.asarray(np.maximum.reduce(parts))
