"""How a fitted form behaves beyond the data: limits, monotonicity, poles, signs, in a box 100 times beyond.

The box: every axis of size runs up to `REACH` times its values in the points, the other factors a quarter beyond theirs
at most. Rows of the points are moved about in it, so that combinations stay plausible. Within the data, rows take the
other levels of one factor at a time: terms that cancel each other where that factor was varied, and only there, are
found out by combinations that no run has. All checks are numeric, on the very tape that was fitted; each becomes a
sentence. The native engine asks like questions of fewer rows while it searches.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.core.batch import Pack
from formsearch.points import Points
from formsearch.quantities import PROPORTION_PREFIX, Rule, quantity, rule_for
from formsearch.search.emit import Columns
from formsearch.search.grammar import Apply, Sum, uses
from formsearch.search.parts import part_of
from formsearch.search.workbench import Fitted, Workbench

Array = NDArray[np.float64]
Table = dict[str, Array]

REACH = 100.0
FAR, QUICK_FAR = (1e8, 1e16, 1e24, 1e32), (1e3, 1e6, 1e9, 1e12)
"""How far all sizes grow together to see a limit; the second in the quick look, where a logarithm beside a power that
dies slowly passes: good forms are reached by way of it, and it is told in the end."""
STEPS = (1.5, 3.0, 10.0, 30.0, REACH)
BESIDE = (0.8, 1.25)
"""By how much factors that are no axes of size are moved, but not more than half the way to a bound: nobody means a law
to end at the least number of experts that was tried."""
SAMPLE = 48
QUICK_SAMPLE = 12
CROSSED, QUICK_CROSSED = 5, 2
"""Levels of a factor that rows take in turn: its least, its greatest, and some between."""
ASTRAY = 0.5
"""By how much a prediction for levels within the data, but not of one run, may leave the range of the target, in units
of this range; of logarithms where residuals are. Laws of the registry leave it by .02 at most (see the tests)."""
NOISY_STEPS = 0.1
FALLS_WITH = frozenset({
    "N", "D", "N_nonvocab", "N_nonzero", "N_dense", "unique_tokens", "characters", "samples", "C", "parallel_streams",
    "D_dense", "latents", "log_flops",
})  # fmt: skip
"""A loss is expected not to rise with these, all else fixed. N_active is not among them: at fixed total size and
construction more active parameters may hurt."""
ADDITIVE = frozenset({"log_flops"})
"""Axes of size that are logarithms already: to reach k times further is to add log10 k."""
RISE = 1e-3
"""Rises and changes below this share of the target's range are not counted: no measurement could show them."""
MOST = 6.0
"""Faster than this power nothing is told apart."""
HASTE = 0.6
"""An excess over the limit that dies along an axis of size faster than this power of it comes to its limit sooner than
published laws do: of the exponents of sizes in the registry's published fits all are less, but for two of one table."""
DYING = 0.97
"""A change over the last eight decades of growth that is above this share of the change over the eight before has not
died out: a power .01 leaves .83, a logarithm 1."""


@dataclass(frozen=True)
class Check:
    """One examination of a form, in words."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True, eq=False)
class Speed:
    """How fast a form comes to its limit along one axis of size, shape (rows,) each.

    size : of the runs. gain : what ten times the size brings. exponent : p of the power x**-p that would leave what the
    next tenfold growth brings; 0 without a gain.
    """

    size: Array
    gain: Array
    exponent: Array

    def late(self, noise: float) -> float:
        """The exponent by the largest runs that still gain more than `noise`; 0 where none does.

        The largest of all may tell nothing: along an axis that has done all it ever does, or does little.
        """
        telling = self.gain > noise
        if not telling.any():
            return 0.0
        return float(np.median(self.exponent[telling & (self.size == self.size[telling].max())]))


@dataclass(frozen=True, eq=False)
class Behaviour:
    """Numbers behind the checks: is the form finite in the box, its least value there, does it settle as all sizes
    grow, by how much it rises with each axis it should fall with, how fast it comes to its limit along each, and how
    far it leaves the range of the target where levels within the data are combined anew, in units of this range.
    """

    finite: bool
    least: float
    settles: bool
    rises: dict[str, float]
    speeds: dict[str, Speed]
    astray: float

    def odd(self, noise: float) -> int:
        """Axes of size along which gains above `noise` end sooner than in known laws, or grow from step to step."""
        return sum(not 0.0 <= speed.late(noise) <= HASTE for speed in self.speeds.values())

    def flaws(self, positive: bool, spread: float) -> int:
        """How many checks fail."""
        rising = sum(r > RISE * spread for r in self.rises.values())
        unlikely = int(self.astray > ASTRAY)
        return int(not self.finite) + int(positive and not self.least > 0) + int(not self.settles) + rising + unlikely


class Surroundings:
    """Probe rows around the points of a workbench; made once, used for every form."""

    def __init__(self, bench: Workbench, sizes: Sequence[str], falls_with: Sequence[str], quick: bool = False) -> None:
        variables = bench.columns.variables
        self.far = QUICK_FAR if quick else FAR
        # A change that has not died out is as large as one before: the first of all in the quick look.
        self.earlier = 0 if quick else -2
        self.bench = bench
        factors = bench.points.factors
        self.sizes = [q for q in sizes if q in variables]
        self.falls_with = [q for q in falls_with if q in self.sizes]
        self.positive = bool((bench.target > 0).all())
        self.spread = float(np.ptp(bench.target)) or 1.0
        rules = {q: rule_for(q, frozenset(factors) - {q}) for q in variables if q not in self.sizes}
        free = [q for q, rule in rules.items() if rule is None and not q.startswith(PROPORTION_PREFIX)]
        # What has any sign has no scale to be moved by.
        beside = [] if quick else [q for q in free if bool((variables[q] >= 0).all())]
        rows = np.random.default_rng(0).permutation(bench.rows)[: QUICK_SAMPLE if quick else SAMPLE]
        # The extremes of every factor that is moved belong to the sample.
        extremes = [int(pick(variables[q])) for q in (*self.sizes, *free) for pick in (np.argmax, np.argmin)]
        rows = np.unique(np.concatenate([rows, np.asarray(extremes, dtype=np.int64)]))
        base = {q: v[rows] for q, v in variables.items()}
        self.count = len(rows)
        self.base = base
        self.plan: list[tuple[tuple[str, ...], float]] = [((), 1.0)]
        everything = tuple(self.sizes)
        if everything:
            self.plan += [(everything, by) for by in (3.0, 10.0, 30.0, REACH, *self.far)]
        self.plan += [((q,), by) for q in self.sizes for by in STEPS]
        self.plan += [((q,), by) for q in beside for by in BESIDE]
        self.crossed = [(q, x) for q in free for x in _levels(variables[q], QUICK_CROSSED if quick else CROSSED)]
        tables = [_grown(base, names, by, rules) for names, by in self.plan]
        tables += [_followed(base, {q: _possible(base, variables, q, x)}, rules) for q, x in self.crossed]
        self.table = {q: np.concatenate([t[q] for t in tables]) for q in base}
        self.columns = Columns(self.table, bench.columns.centres)
        self.place = {key: k for k, key in enumerate(self.plan)}
        self.inside = np.array([by <= REACH for _, by in self.plan] + [True] * len(self.crossed))
        target = np.log(bench.target) if bench.objective.log else bench.target
        self.range = float(target.min()), float(target.max())

    def behaviour(self, fitted: Sequence[Fitted]) -> list[Behaviour]:
        """Of each form, the worst over all groups."""
        pack = Pack.of([f.emitted.tape for f in fitted], self.columns, self.columns.rows)
        result = []
        for k, f in enumerate(fitted):
            with np.errstate(all="ignore"):
                values = np.stack([pack.values(v, k)[0] for v in f.values])
            result.append(self._read(values.reshape(len(f.values), -1, self.count)))
        return result

    def _read(self, values: Array) -> Behaviour:
        box = values[:, self.inside]
        finite = bool(np.isfinite(box).all())
        settles = True
        if self.sizes:
            everything = tuple(self.sizes)
            far = [values[:, self.place[everything, by]] for by in self.far]
            settles = bool(np.isfinite(far).all())
            if settles:
                steps = [np.abs(b - a) for a, b in itertools.pairwise(far)]
                settles = not bool(((steps[-1] > RISE * self.spread) & (steps[-1] > DYING * steps[self.earlier])).any())
        rises = {}
        for q in self.falls_with:
            line = values[:, [0, *(self.place[(q,), by] for by in STEPS)]]
            with np.errstate(invalid="ignore"):  # from infinity to infinity: not finite, and told below
                change = np.diff(line, axis=1)
            rises[q] = float(np.max(change)) if np.isfinite(change).all() else float("inf")
        speeds = {q: self._speed(values, q) for q in self.falls_with} if finite else {}
        least = float(np.min(box)) if finite else float("nan")
        return Behaviour(finite, least, settles, rises, speeds, self._astray(values) if finite else 0.0)

    def _astray(self, values: Array) -> float:
        """How far predictions for levels combined anew leave the range of the target, in units of it."""
        low, high = self.range
        if not self.crossed or low == high:
            return 0.0
        anew = values[:, len(self.plan) :]
        if self.bench.objective.log:
            anew = np.log(np.maximum(anew, 1e-300))
        return float(max(low - np.min(anew), np.max(anew) - high, 0.0)) / (high - low)

    def _speed(self, values: Array, q: str) -> Speed:
        """Of the points as they are, and with ten and a hundred times as much of `q`; the median over groups."""
        here, there, beyond = (values[:, k] for k in (0, self.place[(q,), 10.0], self.place[(q,), REACH]))
        gain = here - there
        with np.errstate(all="ignore"):  # a gain may be nothing, or the last bit of a number
            exponent = -np.log10(np.maximum((there - beyond) / gain, 10.0**-MOST))
        exponent = np.where(gain > 0, exponent, 0.0)
        return Speed(self.base[q], np.median(gain, axis=0), np.median(exponent, axis=0))


def falling(bench: Workbench) -> list[str]:
    """Axes of size with which a loss is expected to fall: those of `FALLS_WITH`, unless the points contradict it."""
    if bench.points.target_quantity != "loss":
        return []
    return [q for q in bench.variables if q in FALLS_WITH and q in bench.points.factors and _falls(bench.points, q)]


def _falls(points: Points, q: str) -> bool:
    """Whether the target falls from level to level of `q` wherever everything else is equal, but for a few noisy steps.

    Points in which `q` never varies alone do not contradict the expectation.
    """
    from formsearch.search.design import steps_along

    rise = steps_along(points, q)
    return len(rise) == 0 or float(np.mean(rise > 0)) <= NOISY_STEPS


def _grown(table: Table, names: Sequence[str], by: float, rules: Mapping[str, Rule | None]) -> Table:
    """The table with some axes of size `by` times larger; quantities derived from them follow by their rules."""
    return _followed(table, {q: _moved(q, table[q], by) for q in names}, rules)


def _followed(table: Table, changes: Table, rules: Mapping[str, Rule | None]) -> Table:
    """The table with some columns changed; quantities derived from them follow by their rules."""
    changed = {**table, **changes}
    for q, rule in rules.items():
        if rule is not None and set(rule.needs) <= set(table) and set(rule.needs) & set(changes):
            changed[q] = rule.compute(*(changed[n] for n in rule.needs))
    return changed


def _levels(values: Array, count: int) -> list[float]:
    """Some levels of a factor, evenly spaced in their order, the least and the greatest among them."""
    levels = np.unique(values)
    picked = np.linspace(0, len(levels) - 1, min(count, len(levels))).round().astype(int)
    return [float(x) for x in levels[np.unique(picked)]]


def _possible(table: Table, variables: Table, q: str, level: float) -> Array:
    """A column of one level, but for an order that all rows keep: no more experts are active than there are."""
    column = np.full(len(table[q]), level)
    for other, values in variables.items():
        if other == q or quantity(other).unit != quantity(q).unit:
            continue
        if (variables[q] <= values).all():
            column = np.minimum(column, table[other])
        elif (variables[q] >= values).all():
            column = np.maximum(column, table[other])
    return column


def _moved(q: str, v: Array, by: float) -> Array:
    """Values `by` times larger, half the way to the upper bound of the quantity at most."""
    if q in ADDITIVE:
        return np.asarray(v + np.log10(by))
    return np.minimum(v * by, 0.5 * (v + quantity(q).high)) if by > 1 else v * by


def examine(fitted: Sequence[Fitted], around: Surroundings) -> list[list[Check]]:
    """Of each form all checks of behaviour beyond the data, over all groups; notes in each how odd it is."""
    behaviours = around.behaviour(fitted) if fitted else []
    for f, b in zip(fitted, behaviours, strict=True):
        f.odd = b.odd(around.bench.rms(f))
    return [_checks(f, around, b) for f, b in zip(fitted, behaviours, strict=True)]


def _checks(f: Fitted, around: Surroundings, b: Behaviour) -> list[Check]:
    checks = [_poles(f, around, b)]
    if around.positive:
        sentence = f"the smallest value in the box 100 times beyond the data is {b.least:.4g}"
        checks.append(Check("positive", b.least > 0, sentence))
    if around.sizes:
        sentence = (
            "as all sizes grow together the form tends to a finite limit"
            if b.settles
            else "as all sizes grow together the form does not settle: a logarithm or a rising power remains"
        )
        checks.append(Check("finite limit", b.settles, sentence))
    for q, rise in b.rises.items():
        passed = rise <= RISE * around.spread
        sentence = (
            f"falls with {q} everywhere, up to 100 times beyond the data"
            if passed
            else f"rises with {q}, by up to {rise:.3g}, within 100 times the data"
        )
        checks.append(Check(f"falls with {q}", passed, sentence))
    if around.crossed:
        passed = b.astray <= ASTRAY
        sentence = (
            "where runs take other levels of one factor, it stays near the range of the target"
            if passed
            else "for levels within the data, combined as in no run, it leaves the range of the target by "
            f"{b.astray:.3g} times this range"
        )
        checks.append(Check("combinations", passed, sentence))
    return checks


def _poles(f: Fitted, around: Surroundings, b: Behaviour) -> Check:
    """Finite in the box, and no sum under a negative or fractional power, or a logarithm, that changes its sign."""
    name = "no pole"
    if not b.finite:
        return Check(name, False, "the form is not defined everywhere in the box 100 times beyond the data")
    inside = np.repeat(around.inside, around.count)
    for inner in _inner_sums(f.form.body):
        if not uses(inner):
            continue
        for values in part_of(f, inner, around.columns):
            part = values[inside]
            if not (np.isfinite(part).all() and (part > 0).all()):
                return Check(name, False, "a sum under a power or logarithm changes its sign in the box")
    return Check(name, True, "no pole and no change of sign under a power in the box 100 times beyond the data")


def _inner_sums(body: Sum) -> Iterator[Sum]:
    for term in body:
        for f in term.factors:
            if not isinstance(f, Apply):
                continue
            for a in f.arguments:
                yield from _inner_sums(a)
            p = f.exponent
            whole = f.function == "power" and not p.constants and float(p.number).is_integer() and p.number > 0
            if f.function == "log" or (f.function == "power" and not whole):
                yield f.arguments[0]
