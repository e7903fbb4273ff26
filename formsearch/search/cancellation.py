"""Forms whose terms cancel each other: another function in disguise, with constants that nothing determines.

c*(x**p - x) with p -> 1 and c -> infinity is x log x; c*(exp(k*x) - 1) with k -> 0 is a line. Such a form fits as well
as what it imitates, with one constant more, and its constants run away as far as rounding lets them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from formsearch.search.asymptotics import Check
from formsearch.search.emit import to_raw
from formsearch.search.grammar import Form, Log, Sum, describe, uses
from formsearch.search.parts import sums_of
from formsearch.search.workbench import Fitted, Workbench

Array = NDArray[np.float64]

LARGER = 100.0
"""Terms this many times larger than their sum cancel each other."""


def cancelling(bench: Workbench, f: Fitted) -> Sum | None:
    """A sum of a form, at any depth, whose terms are `LARGER` times larger than itself; None without one.

    The size of a term is its largest absolute value over the rows. In a sum with a logarithm, a valley
    log x - a - b*log z, it is the standard deviation: far from 1 a logarithm is large by its units alone.
    """
    for values, span in zip(f.values, bench.ranges, strict=True):
        for body, terms in sums_of(f.form.body, to_raw(f.emitted, values), bench.columns, span):
            if len(body) < 2 or not uses(body):
                continue
            logarithmic = any(isinstance(factor, Log) for term in body for factor in term.factors)
            measure = _spread if logarithmic else _largest
            with np.errstate(over="ignore", invalid="ignore"):  # a part may run to infinity where the form does not
                if np.isfinite(terms).all() and measure(terms).max() > LARGER * measure(terms.sum(axis=0)):
                    return body
    return None


def _largest(values: Array) -> Array:
    return np.asarray(np.abs(values).max(axis=-1))


def _spread(values: Array) -> Array:
    return np.asarray(values.std(axis=-1))


def cancellation(bench: Workbench, f: Fitted) -> Check:
    """The check that no sum of a form is a small difference of large terms."""
    body = cancelling(bench, f)
    if body is None:
        return Check("no cancellation", True, "no sum is a small difference of large terms")
    shown = describe(Form(body, f.form.kinds))
    sentence = f"the terms of {shown} cancel to less than 1/{LARGER:.0f} of their size: another function in disguise"
    return Check("no cancellation", False, sentence)
