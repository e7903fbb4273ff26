"""How much small runs count: decided by hold-outs, before any form is searched for.

Familiar laws (the registry's, and an additive power law in all sizes) are fitted to the same rows with equal weights
and with small runs discounted (`judge.emphasised`). If the best of them predicts held-out larger runs clearly better
from discounted rows, then small runs tell little about large ones in this table, and the whole search discounts
them. A law that is true of all sizes gains nothing from discounting, and its rows keep their weights.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from formsearch.core.objectives import Objective
from formsearch.law import Constant, Law, Start, Variable
from formsearch.points import Points
from formsearch.search.accept import SIGNIFICANCE, Reference, paired
from formsearch.search.expression import from_law
from formsearch.search.grammar import Sum
from formsearch.search.judge import EMPHASES, Fold, emphasised, size_axes
from formsearch.search.normal import Sketch, normalise
from formsearch.search.ranking import ROUNDING
from formsearch.search.workbench import Candidate, Workbench

GAIN = 0.95
"""Discounting has to bring the error below this share: by chance alone, a law that is true of all sizes gains up to
4 % from it. The paired test cannot see that: the held-out rows of a fold share the errors of one fit."""
STARTS, STARTS_LARGE, LARGE = 16, 4, 1000
"""Starts of a familiar law; fewer on more than `LARGE` rows."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """The bench of the search, the best registry law on it, the rate at which small runs are discounted, and why."""

    bench: Workbench
    reference: Reference | None
    rate: float
    note: str | None


def prepared(
    points: Points,
    variables: Sequence[str],
    objective: Objective,
    folds: Sequence[Fold],
    seed: int,
    known: Sequence[Law],
    rate: float | None,
    until: float,
) -> Prepared:
    """The bench at a given `rate`, or at the one the hold-outs support; laws are tried until the clock says `until`."""
    rates = (rate,) if rate is not None else EMPHASES if size_axes(points) else EMPHASES[:1]
    benches = {r: Workbench(points, variables, objective, folds, seed, emphasised(points, r)) for r in rates}
    found: dict[float, list[Reference]] = {r: [] for r in rates}
    met: set[Sum] = set()
    # Many laws are others under another name: each form is fitted once, and bears the name of the oldest.
    for law in (*sorted(known, key=lambda law: law.year), *_additive(points, variables)):
        if any(found.values()) and time.monotonic() > until:
            break
        form = from_law(law)
        sketch = normalise(form.body, dict(enumerate(form.kinds)), {}, benches[rates[0]].level)
        if sketch.form.body in met:
            continue
        met.add(sketch.form.body)
        for r, bench in benches.items():
            if (reference := _reference(bench, law.name, sketch)) is not None:
                found[r].append(reference)
    chosen, note = rates[0], None
    if all(found.values()):
        best = {r: min(found[r], key=lambda x: x.fitted.error) for r in rates}
        for r in rates[1:]:
            difference, p = paired(best[r].fitted, best[chosen].fitted, ROUNDING * benches[r].scale)
            if difference < 0 and p < SIGNIFICANCE and best[r].fitted.error < GAIN * best[chosen].fitted.error:
                note = (
                    f"small runs count less, the smallest exp(-{r:g}) = {np.exp(-r):.2g} of the largest: so "
                    f"{best[r].name} predicts held-out larger runs better than {best[chosen].name} from equal weights "
                    f"({best[r].fitted.error:.4g} against {best[chosen].fitted.error:.4g}, p = {p:.2g})"
                )
                chosen = r
    names = {law.name for law in known}
    registered = [x for x in found[chosen] if x.name in names]
    reference = min(registered, key=lambda x: x.fitted.error) if registered else None
    return Prepared(benches[chosen], reference, chosen, note)


def _reference(bench: Workbench, name: str, sketch: Sketch) -> Reference | None:
    """A law fitted and judged on a bench; None where it cannot be."""
    starts = STARTS if bench.rows <= LARGE else STARTS_LARGE
    (fitted,) = bench.fit([Candidate(sketch, None, name)], starts=starts, iterations=100)
    if fitted is None:
        return None
    bench.judge([fitted])
    return Reference(name, fitted) if np.isfinite(fitted.error) else None


def _additive(points: Points, variables: Sequence[str]) -> list[Law]:
    """E + A1*x1**-p1 + A2*x2**-p2 + ... in the positive axes of size that forms may use."""
    axes = [q for q in size_axes(points) if q in variables and bool((points.column(q) > 0).all())]
    if not axes or 2 * len(axes) + 2 > len(points):
        return []
    formula = " + ".join(["E", *(f"A{i}*x{i}**-p{i}" for i in range(len(axes)))])
    return [
        Law(
            "additive",
            formula,
            tuple(Variable(f"x{i}", q) for i, q in enumerate(axes)),
            constants=tuple(Constant(f"p{i}", "exponent", 0.01, 4.0, Start(0.05, 1.0)) for i in range(len(axes))),
            target=points.target_quantity,
        )
    ]
