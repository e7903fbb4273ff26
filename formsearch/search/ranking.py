"""By what forms are ranked in a search, the fronts by each measure, and the share of parents that each front gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from formsearch.search.workbench import Fitted, Workbench

ALIKE = 1e-3
"""Forms of one complexity whose two errors differ by a smaller share take one place."""

ROUNDING = 1e-9
"""Errors below this share of the target's spread are none."""
PRICE = 0.25
"""Of a constant or operator, in units of log(rows), in a description."""
SURPRISE = 4.0
"""Of an axis of size along which a form is odd: odds of 1 in 50."""


def front_of(members: Iterable[Fitted], measure: Callable[[Fitted], float]) -> list[Fitted]:
    """Those that no smaller one beats, by increasing complexity."""
    best, result = float("inf"), []
    for f in sorted(members, key=lambda f: (f.complexity, measure(f))):
        if measure(f) < best:
            best = measure(f)
            result.append(f)
    return result


def alike(a: Fitted, b: Fitted) -> bool:
    """Whether two forms have the same errors, to the share `ALIKE`."""
    return abs(a.objective - b.objective) <= ALIKE * b.objective and abs(a.error - b.error) <= ALIKE * b.error


def size(f: Fitted) -> tuple[int, float]:
    """For sorting: simplest first, then best."""
    return f.complexity, f.error


def error(f: Fitted) -> float:
    """Extrapolation error."""
    return f.error


def objective(f: Fitted) -> float:
    """Sum over all rows."""
    return f.objective


def sane_error(f: Fitted) -> float:
    """Extrapolation error of a form without flaws."""
    return f.error if f.flaws == 0 else float("inf")


def sane_objective(f: Fitted) -> float:
    """Sum over all rows of a form without flaws."""
    return f.objective if f.flaws == 0 else float("inf")


def rise(f: Fitted) -> float:
    """Share of its parent's sum that a form leaves: a large step may lead on, though others are ahead of it still."""
    return 1.0 if f.parent is None else f.objective / max(f.parent.objective, 1e-300)


def description(bench: Workbench, f: Fitted) -> float:
    """Length of a description of the points by a form: n log(rms) + m log(error) + complexity/4 * log(n).

    The first term is for all rows as fitted, the second for the m rows that some fold holds out, as predicted, the
    third is the price of size: half of a constant's customary price for each constant and operator. n is the
    effective number of rows, (sum w)**2 / sum w**2, where small runs are discounted.

    A form that is odd along an axis of size (see `asymptotics.Behaviour.odd`) pays `SURPRISE` for it: the data hardly
    tell 1/(1 + x/s) from a slow power beside a constant, and what the two say of ten times the size differs most.

    An error below the rms counts as the rms: no law predicts rows better than it fits them, but of many thousand forms
    those come out first that chance lets do so.
    """
    n = float(bench.weight.sum() ** 2 / (bench.weight @ bench.weight))
    m = 0 if f.held is None else len(f.held)
    floor = ROUNDING * bench.scale
    rms = max(bench.rms(f), floor)
    held = float(np.log(max(f.error, rms))) if m else 0.0
    return n * float(np.log(rms)) + m * held + PRICE * f.complexity * float(np.log(n)) + SURPRISE * f.odd


FRONTS = ((0.32, sane_error), (0.27, sane_objective), (0.08, error), (0.08, objective), (0.1, rise))
"""Share of the parents that each front gives; the rest come from all members."""
REST = 0.15
