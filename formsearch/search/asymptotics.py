"""How a fitted form behaves beyond the data: limits, monotonicity, poles, signs, in a box 100 times beyond.

The box: every axis of size runs from its smallest value to `REACH` times its largest, the other factors keep to their
range. Rows of the points are moved about in it, so that combinations stay plausible (an active size stays below the
total size where both grow together). All checks are numeric, on the very tape that was fitted; each is a sentence.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.core.batch import Pack
from formsearch.search.emit import Columns, Emitted, emit, to_centred, to_raw
from formsearch.search.grammar import Apply, Form, Sum, uses
from formsearch.search.workbench import Fitted, Workbench

Array = NDArray[np.float64]

REACH = 100.0
SAMPLE = 48
FALLS_WITH = frozenset({
    "N", "D", "N_nonvocab", "N_nonzero", "N_dense", "unique_tokens", "characters", "samples", "C", "parallel_streams",
    "D_dense", "latents", "log_flops",
})  # fmt: skip
"""A loss is expected not to rise with these, all else fixed. N_active is not among them: at fixed total size and
construction more active parameters may hurt."""
ADDITIVE = frozenset({"log_flops"})
"""Axes of size that are logarithms already: to reach k times further is to add log10 k."""


@dataclass(frozen=True)
class Check:
    """One examination of a form, in words."""

    name: str
    passed: bool
    sentence: str


def values_at(f: Fitted, table: Mapping[str, Array], group: int = 0, emitted: Emitted | None = None) -> Array:
    """Predictions on any table, with the constants of one group."""
    columns = Columns(table)
    e = emitted or emit(f.form, columns.centres)
    raw = to_raw(f.emitted, f.values[group])
    pack = Pack.of([e.tape], columns, columns.rows)
    with np.errstate(all="ignore"):
        return pack.values(to_centred(e, raw))[0]


class Surroundings:
    """Probe tables around the points of a workbench; made once, used for every form."""

    def __init__(self, bench: Workbench, sizes: Sequence[str], falls_with: Sequence[str]) -> None:
        self.bench = bench
        variables = bench.columns.variables
        self.sizes = [q for q in sizes if q in variables]
        self.falls_with = [q for q in falls_with if q in variables]
        rng = np.random.default_rng(0)
        rows = rng.permutation(bench.rows)[:SAMPLE]
        # The extremes of every variable belong to the sample.
        extremes = [int(np.argmax(v)) for v in variables.values()] + [int(np.argmin(v)) for v in variables.values()]
        rows = np.unique(np.concatenate([rows, extremes]))
        self.base = {q: v[rows] for q, v in variables.items()}

    def grown(self, table: Mapping[str, Array], names: Sequence[str], by: float) -> dict[str, Array]:
        """The table with some axes of size `by` times larger."""
        return {q: (v + np.log10(by) if q in ADDITIVE else v * by) if q in names else v for q, v in table.items()}

    def box(self) -> dict[str, Array]:
        """Rows moved outward by 1 to `REACH` along each size axis alone, and along all together."""
        tables = [dict(self.base)]
        for by in (3.0, 10.0, 30.0, REACH):
            tables.append(self.grown(self.base, self.sizes, by))
            if len(self.sizes) > 1:
                tables.extend(self.grown(self.base, [q], by) for q in self.sizes)
        return {q: np.concatenate([t[q] for t in tables]) for q in self.base}


def _inner_sums(body: Sum) -> Iterator[Sum]:
    """Sums whose sign must not change: those under a negative or fractional power, or a logarithm."""
    for term in body:
        for f in term.factors:
            if not isinstance(f, Apply):
                continue
            for a in f.arguments:
                yield from _inner_sums(a)
            p = f.exponent
            whole = f.function == "power" and not p.constants and p.number.denominator == 1 and p.number > 0
            if f.function == "log" or (f.function == "power" and not whole):
                yield f.arguments[0]


def examine(f: Fitted, around: Surroundings) -> list[Check]:
    """All checks of behaviour beyond the data, over all groups."""
    bench = around.bench
    positive = bool((bench.target > 0).all())
    spread = float(np.ptp(bench.target)) or 1.0
    box = around.box()
    groups = range(len(f.values))
    checks = [_poles(f, box, groups, spread)]
    if positive:
        low = min(float(np.nanmin(values_at(f, box, g))) for g in groups)
        checks.append(
            Check("positive", low > 0, f"the smallest value in the box 100 times beyond the data is {low:.4g}")
        )
    if around.sizes:
        checks.append(_limit(f, around, groups, spread))
    checks.extend(_monotone(f, around, groups, spread))
    return checks


def _poles(f: Fitted, box: Mapping[str, Array], groups: range, spread: float) -> Check:
    name = "no pole"
    for g in groups:
        value = values_at(f, box, g)
        if not np.isfinite(value).all():
            return Check(name, False, "the form is not defined everywhere in the box 100 times beyond the data")
        raw = to_raw(f.emitted, f.values[g])
        for inner in _inner_sums(f.form.body):
            if not uses(inner):
                continue
            part = _part(inner, f.form, raw, box)
            if not (np.isfinite(part).all() and (part > 0).all()):
                return Check(name, False, "a sum under a power or logarithm changes its sign in the box")
    return Check(name, True, "no pole and no change of sign under a power in the box 100 times beyond the data")


def _part(inner: Sum, form: Form, raw: Array, table: Mapping[str, Array]) -> Array:
    columns = Columns(table)
    e = emit(Form(inner, form.kinds), columns.centres)
    pack = Pack.of([e.tape], columns, columns.rows)
    with np.errstate(all="ignore"):
        return pack.values(to_centred(e, raw))[0]


def _limit(f: Fitted, around: Surroundings, groups: range, spread: float) -> Check:
    """All sizes grow together without end: the changes from decade to decade must die out."""
    worst = 0.0
    for g in groups:
        far = [values_at(f, around.grown(around.base, around.sizes, 10.0**k), g) for k in (3, 6, 9, 12)]
        if not all(np.isfinite(v).all() for v in far):
            return Check("finite limit", False, "the form diverges as all sizes grow together")
        steps = [np.abs(b - a) for a, b in itertools.pairwise(far)]
        small = 1e-6 * spread
        # A power dies out by a factor from step to step; a logarithm keeps its step, a rising power grows.
        bad = (steps[-1] > small) & (steps[-1] > 0.97 * steps[0])
        worst = max(worst, float(np.mean(bad)))
    passed = worst == 0.0
    return Check(
        "finite limit", passed,
        "as all sizes grow together the form tends to a finite limit" if passed
        else "as all sizes grow together the form does not settle: a logarithm or a rising power remains",
    )  # fmt: skip


def _monotone(f: Fitted, around: Surroundings, groups: range, spread: float) -> list[Check]:
    checks = []
    for q in around.falls_with:
        worst = 0.0
        for g in groups:
            before = values_at(f, around.base, g)
            for by in (1.5, 3.0, 10.0, 30.0, REACH):
                after = values_at(f, around.grown(around.base, [q], by), g)
                worst = max(worst, float(np.nanmax(after - before)))
                before = after
        # Rises that no measurement could show are not counted.
        passed = worst <= 1e-3 * spread
        sentence = (
            f"falls with {q} everywhere, up to 100 times beyond the data"
            if passed else f"rises with {q}, by up to {worst:.3g}, within 100 times the data"
        )  # fmt: skip
        checks.append(Check(f"falls with {q}", passed, sentence))
    return checks
