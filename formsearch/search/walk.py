"""Trees as numbers, node by node, in NumPy: what holds no constants is a column of data, and sums are looked into.

Fits run tapes in the kernels; a walk is for what is made once, or needs every part of a form and not the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from formsearch.search.grammar import Factor, Log, Power, Sum, Term, scalar_value

Array = NDArray[np.float64]

TINY_LOG = -690.0
"""The logarithm of zero: finite, so that a power of zero is zero."""


class Walk:
    """Evaluates sums over the rows `span` of a table, at constants `raw` in the variables' own units.

    `found` keeps every sum met, innermost first, with the values of its terms, shape (terms, rows).
    """

    def __init__(
        self, variables: Mapping[str, Array], logs: Mapping[str, Array], span: tuple[int, int],
        raw: Sequence[float] | Array = (),
    ) -> None:  # fmt: skip
        self.variables, self.logs, self.raw = variables, logs, raw
        self.rows, self.count = slice(*span), span[1] - span[0]
        self.found: list[tuple[Sum, Array]] = []

    def sum(self, body: Sum) -> Array:
        """Values of a sum, shape (rows,)."""
        terms = np.empty((len(body), self.count))
        for k, term in enumerate(body):
            terms[k] = self.term(term)
        self.found.append((body, terms))
        return np.asarray(terms.sum(axis=0))

    def term(self, term: Term) -> Array | float:
        """Values of a term; a number where it has no factors."""
        product: Array | float = scalar_value(term.coefficient, self.raw)
        for factor in term.factors:
            product = product * self.factor(factor)
        return product

    def factor(self, f: Factor) -> Array:
        """Values of a factor, shape (rows,)."""
        if isinstance(f, Log):
            return self.logs[f.variable][self.rows]
        if isinstance(f, Power):
            if not f.exponent.constants:
                return np.asarray(self.variables[f.variable][self.rows] ** float(f.exponent.number))
            return np.asarray(np.exp(scalar_value(f.exponent, self.raw) * self.logs[f.variable][self.rows]))
        parts = [self.sum(a) for a in f.arguments]
        match f.function:
            case "power":
                return np.asarray(parts[0] ** scalar_value(f.exponent, self.raw))
            case "exp":
                return np.asarray(np.exp(parts[0]))
            case "log":
                return np.where(parts[0] == 0.0, TINY_LOG, np.log(parts[0]))
            case "abs":
                return np.abs(parts[0])
            case "min":
                return np.asarray(np.minimum.reduce(parts))
            case _:
                return np.asarray(np.maximum.reduce(parts))
