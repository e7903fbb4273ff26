"""Acceptance: what a form must show before it is called a law, whichever engine found it.

It was refitted in float64 from many starts; on the held-out rows it is better than the best registry law, or not
significantly worse by a paired test; it behaves beyond the data (see `asymptotics`); every constant is supported,
or a simpler form should be preferred. Each check is a sentence, and so is the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.search.asymptotics import Check
from formsearch.search.cancellation import cancellation
from formsearch.search.grammar import describe, uses
from formsearch.search.ranking import ROUNDING
from formsearch.search.workbench import Fitted, Workbench

Array = NDArray[np.float64]

RESAMPLES, RESAMPLES_LARGE, LARGE = 60, 24, 1000
MANY, LITTLE = 20_000, 5_000
"""Of more than so many rows, so many are resampled, to the size of the whole."""
LEVEL = 0.9
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Acceptance:
    """The verdict on a form: all checks, and one sentence."""

    accepted: bool
    checks: tuple[Check, ...]
    sentence: str

    @classmethod
    def of(cls, checks: Sequence[Check]) -> Acceptance:
        """The verdict that follows from the checks."""
        failed = [c for c in checks if not c.passed]
        if not failed:
            return cls(True, tuple(checks), "accepted: all checks passed")
        return cls(False, tuple(checks), "not accepted: " + "; ".join(c.sentence for c in failed))


@dataclass(frozen=True, eq=False)
class Reference:
    """The registry law that extrapolates best on the same folds; without a name, a found form in its place."""

    name: str
    fitted: Fitted


def paired(a: Fitted, b: Fitted, floor: float = 0.0) -> tuple[float, float]:
    """(mean difference of absolute residuals a - b on the held-out rows, p of a Wilcoxon signed-rank test).

    A row that several folds hold out counts once, with its mean absolute residual. Differences of at most `floor` are
    rounding, not a difference.
    """
    from scipy.stats import wilcoxon

    x, y = _held_out(a), _held_out(b)
    difference = x - y
    if not np.isfinite(difference).all():
        return float("inf") if not np.isfinite(x).all() else -float("inf"), 0.0
    if np.abs(difference).max() <= max(floor, 1e-12 * float(np.abs(y).max())) or len(difference) < 6:
        return float(difference.mean()), 1.0
    return float(difference.mean()), float(wilcoxon(difference).pvalue)


def _held_out(f: Fitted) -> Array:
    assert f.held is not None
    return f.held


def support(bench: Workbench, f: Fitted, seed: int) -> tuple[list[str], Array]:
    """Constants whose interval over resampled rows includes what would remove them, and the resampled constants.

    Removal is zero for an amplitude, a level, a slope and an exponent alike (an exponent at zero makes its power a
    constant). Of grouped points the intervals of some groups have to exclude it (see
    `groups_needed`). Rows are resampled with replacement within groups; shape (resamples, groups, constants).
    """
    values = _little_bootstrap(bench, f, seed) if bench.rows > MANY else _bootstrap(bench, f, seed)
    tail = (1.0 - LEVEL) / 2
    with np.errstate(invalid="ignore"):  # a resample may run to infinity, and two of them differ by NaN
        low, high = np.nanquantile(values, tail, axis=0), np.nanquantile(values, 1 - tail, axis=0)
    doubtful = []
    needed = groups_needed(len(bench.ranges))
    for i, kind in enumerate(f.form.kinds):
        # A level of zero is a statement, not a superfluous constant.
        if kind.tag == "E" or kind.low > 0.1:
            continue
        floor = kind.low + 1e-6 if kind.low >= 0 else 0.0
        includes = (low[:, i] <= floor) & (high[:, i] >= 0)
        if kind.tag == "p" and kind.low >= 0:
            includes = low[:, i] <= max(kind.low * 1.5, 0.015)
        at_bound = kind.tag == "k" and kind.low == 0.0
        if at_bound:
            # Held as a logarithm: unsupported if it runs over orders of magnitude.
            includes = high[:, i] > 1e4 * np.maximum(low[:, i], 1e-300)
        if np.count_nonzero(~includes) < needed:
            doubtful.append(_place(f, i))
    return doubtful, values


def groups_needed(groups: int) -> int:
    """In how many groups intervals must exclude the removal of a constant that the form needs; at most in half of them.

    Of a constant that no group needs, `LEVEL` of the intervals include its removal: so many exclude it by chance in
    less than 1 - `LEVEL` of all cases. The few rows of a group seldom support a constant by themselves.
    """
    from scipy.stats import binom

    by_chance = int(binom.isf(1 - LEVEL, groups, 1 - LEVEL))
    return min(by_chance + 1, -(-groups // 2))


def _bootstrap(bench: Workbench, f: Fitted, seed: int) -> Array:
    """Constants of resampled rows, shape (resamples, groups, constants)."""
    rng = np.random.default_rng(seed)
    count = RESAMPLES if bench.rows <= LARGE else RESAMPLES_LARGE
    weights = np.zeros((count, bench.rows))
    for a, b in bench.ranges:
        picks = rng.integers(a, b, size=(count, b - a))
        for k in range(count):
            weights[k] += np.bincount(picks[k], minlength=bench.rows)
    return bench.refit(f, weights * bench.weight)


def _little_bootstrap(bench: Workbench, f: Fitted, seed: int) -> Array:
    """As `_bootstrap`, from few of many rows: each is drawn so often that there are as many as in the whole table.

    Spreads as the resamples of the whole do, at the cost of the few (the bag of little bootstraps of Kleiner et al.
    2014, with one bag); then moved to where the whole table's constants are.
    """
    rng = np.random.default_rng(seed)
    part = bench.part(LITTLE)
    weights = np.zeros((RESAMPLES_LARGE, part.rows))
    for (a, b), (first, last) in zip(part.ranges, bench.ranges, strict=True):
        weights[:, a:b] = rng.multinomial(last - first, np.full(b - a, 1 / (b - a)), size=RESAMPLES_LARGE)
    (own,) = part.refit(f, part.weight[None, :])
    return np.asarray(part.refit(f, weights * part.weight) - own + f.values)


def _place(f: Fitted, index: int) -> str:
    """A constant, told by the term it stands in."""
    from formsearch.search.grammar import Form

    for term in f.form.body:
        if index in uses((term,)):
            return describe(Form((term,), f.form.kinds)).replace(f"c{index}", f"[c{index}]")
    return f"c{index}"


def screen(
    bench: Workbench, f: Fitted, beyond: Sequence[Check], reference: Reference | None, share: float
) -> list[Check]:
    """The checks that cost little: the refit, the paired test, behaviour `beyond` the data, and cancelling terms.

    `share` is the share of float64 starts that reached the optimum.
    """
    sentence = f"refitted in float64; {share:.0%} of the starts reached the best optimum"
    checks = [Check("refit", bool(np.isfinite(f.objective)), sentence)]
    if reference is not None:
        checks.append(against(bench, f, reference))
    return [*checks, *beyond, cancellation(bench, f)]


def against(bench: Workbench, f: Fitted, reference: Reference) -> Check:
    """Whether a form is better than, or tied with, the best registry law on the held-out rows."""
    other = f"the best registry law {reference.name}" if reference.name else "the sane form that extrapolates best"
    if f.form == reference.fitted.form:
        return Check("extrapolation", True, f"is {other}")
    difference, p = paired(f, reference.fitted, ROUNDING * bench.scale)
    worse = difference > 0 and p < SIGNIFICANCE
    relation = "worse than" if worse else "better than" if difference < 0 and p < SIGNIFICANCE else "tied with"
    sentence = (
        f"on the held-out rows {relation} {other} (mean difference of absolute errors {difference:+.3g}, p = {p:.2g})"
    )
    return Check("extrapolation", not worse, sentence)


def supported(doubtful: Sequence[str]) -> Check:
    """The check that every constant is supported, from what `support` found."""
    if not doubtful:
        return Check("supported", True, "every constant is supported by resampling")
    names = ", ".join(doubtful)
    return Check("supported", False, f"resampling does not support {names}: prefer the simpler form")
