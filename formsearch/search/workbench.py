"""The workbench: one table of points on which forms are fitted in large batches and judged by extrapolation.

Rows are sorted by group, so that a group is a range of rows and "one form, constants per group" is more jobs of the
same tape. A fit on part of the rows is a row of weights with zeros. All jobs of all candidates go to the kernels in
one call, which spreads them over the cores; results do not depend on the number of threads.

What takes the kernels is written as steps: a generator that yields `Work` and is sent its result. `drive` does it at
once; a search lets the kernels work for one population while it thinks about another.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from formsearch.core.batch import BatchResult, Jobs, Pack, run
from formsearch.core.objectives import Objective
from formsearch.points import Points
from formsearch.search.emit import Columns, Emitted, emit, to_centred, to_raw
from formsearch.search.grammar import AMPLITUDE, LEVEL, Form, Kind, complexity, variables
from formsearch.search.judge import HUGE, MIN_PART, Fold, fold_errors
from formsearch.search.normal import Sketch
from formsearch.search.starting import digest, start_ranges, uniform

Array = NDArray[np.float64]

T = TypeVar("T")
Family = tuple[tuple[str, ...], ...]
SPREAD = 16
CHUNK = 256
"""Candidates per call of the kernels; bounds memory, and changes no result."""


@dataclass(eq=False)
class Fitted:
    """A form with its constants. `values` has a row a group, centred as the tape holds them (see `emit`).

    objective : the sum over all rows. error : extrapolation error, NaN until judged. folds : error a fold.
    held : mean absolute residual of every row that some fold holds out, for paired tests.
    flaws : how many checks of behaviour beyond the data failed in the quick look. odd : see `Behaviour.odd`.
    """

    form: Form
    values: Array
    objective: float
    complexity: int
    emitted: Emitted
    error: float = float("nan")
    folds: tuple[float, ...] = ()
    held: Array | None = None
    flaws: int = 0
    odd: int = 0
    parent: Fitted | None = None
    move: str = ""
    family: Family | None = field(default=None, repr=False)

    def raw(self) -> tuple[float, ...]:
        """Constants in raw units, of the first group."""
        return tuple(to_raw(self.emitted, self.values[0]))

    def sketch(self) -> Sketch:
        """The form with its constants, to start moves from."""
        return Sketch(self.form, self.raw())


@dataclass(eq=False)
class Candidate:
    """What is to be fitted: a form, where to start, and where it came from.

    `emitted` and `size` are the form's program and complexity, made at first need and handed on from fit to fit.
    """

    sketch: Sketch
    parent: Fitted | None = None
    move: str = ""
    emitted: Emitted | None = field(default=None, repr=False)
    size: int = -1

    def measured(self) -> int:
        """The form's complexity."""
        if self.size < 0:
            self.size = complexity(self.sketch.form)
        return self.size


@dataclass(eq=False)
class Work:
    """One call of the kernels."""

    bench: Workbench
    pack: Pack
    jobs: Jobs
    bounds: list[tuple[Array, Array]]
    iterations: int
    tolerance: float

    def do(self) -> BatchResult:
        """Call the kernels."""
        bench = self.bench
        clock = time.perf_counter()
        found = run(
            self.pack, self.jobs, bench.target, bench.weights, bench.objective, self.bounds, self.tolerance,
            self.iterations,
        )  # fmt: skip
        bench.kernel_seconds += time.perf_counter() - clock
        bench.fits += len(self.jobs.tape)
        return found


Steps = Generator[Work, BatchResult, T]


def drive(steps: Steps[T]) -> T:
    """Do the work of some steps as it comes; their result."""
    try:
        work = next(steps)
        while True:
            work = steps.send(work.do())
    except StopIteration as done:
        return cast("T", done.value)


class Workbench:
    """Points made ready for fitting forms over `variables` (quantities, derived ones included)."""

    def __init__(
        self,
        points: Points,
        variables: Sequence[str],
        objective: Objective,
        folds: Sequence[Fold],
        seed: int,
        emphasis: Array | None = None,
    ) -> None:
        """`emphasis`, shape (rows,), multiplies the weights of fits, not those of errors on held-out rows."""
        order = np.arange(len(points))
        if points.group is not None:
            labels = points.groups
            rank = {g: i for i, g in enumerate(labels)}
            code = np.asarray([rank[str(g)] for g in points.group])
            order = np.argsort(code, kind="stable")
            edges = np.searchsorted(code[order], np.arange(len(labels) + 1))
            self.ranges = [(int(a), int(b)) for a, b in itertools.pairwise(edges)]
        else:
            self.ranges = [(0, len(points))]
        self.order = order
        self.points, self.objective, self.seed = points, objective, seed
        self.target = points.target[order]
        own = np.ones(len(points)) if points.weight is None else points.weight[order]
        weight = own if emphasis is None else own * emphasis[order]
        self.own, self.weight = own, weight
        self.folds = [Fold(f.train[order], f.test[order], f.label) for f in folds]
        self.weights = np.stack([weight, *(weight * f.train for f in self.folds)])
        self.columns = Columns({q: points.column(q)[order] for q in variables})
        self.variables = tuple(variables)
        self.level: Kind = LEVEL if bool((points.target > 0).all()) else AMPLITUDE
        # Residuals are compared in units in which a row of mean weight counts as it is.
        self.root = np.sqrt(own / own[own > 0].mean())
        self.scale = float(np.std(self.target)) or 1.0
        self.fits = 0
        self.kernel_seconds = 0.0
        self._parts: dict[int, Workbench] = {}

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return len(self.target)

    def part(self, most: int) -> Workbench:
        """A bench on about `most` rows drawn evenly from the groups, for the same constants; without hold-outs."""
        if most in self._parts:
            return self._parts[most]
        rng = np.random.default_rng(self.seed)
        share = most / self.rows
        drawn = [
            a + rng.choice(b - a, size=min(b - a, max(MIN_PART, round(share * (b - a)))), replace=False)
            for a, b in self.ranges
        ]
        rows = np.sort(np.concatenate(drawn))
        part = Workbench(self.points.take(self.order[rows]), self.variables, self.objective, (), self.seed)
        part.weight = self.weight[rows]
        part.columns = Columns(part.columns.variables, self.columns.centres)
        return self._parts.setdefault(most, part)

    # -- fitting -------------------------------------------------------------------------------------------------

    def fit(
        self, candidates: Sequence[Candidate], starts: int = 4, iterations: int = 40, tolerance: float = 1e-8
    ) -> list[Fitted | None]:
        """Fit each candidate on all rows from several starts; None where no start gives a finite sum."""
        return drive(self.fitting(candidates, starts, iterations, tolerance))

    def fitting(
        self, candidates: Sequence[Candidate], starts: int = 4, iterations: int = 40, tolerance: float = 1e-8
    ) -> Steps[list[Fitted | None]]:
        """`fit` in steps."""
        results: list[Fitted | None] = []
        for low in range(0, len(candidates), CHUNK):
            results += yield from self._fit_chunk(candidates[low : low + CHUNK], starts, iterations, tolerance)
        return results

    def _fit_chunk(
        self, candidates: Sequence[Candidate], starts: int, iterations: int, tolerance: float
    ) -> Steps[list[Fitted | None]]:
        emitted = [c.emitted or emit(c.sketch.form, self.columns.centres) for c in candidates]
        pack = Pack.of([e.tape for e in emitted], self.columns, self.rows)
        jobs: list[tuple[int, int, int, int, int]] = []
        begin: list[Array] = []
        owner: list[tuple[int, int]] = []
        for k, (c, e) in enumerate(zip(candidates, emitted, strict=True)):
            nonlinear = not e.tape.linear.all()
            for start in self.starts(c, e, starts if nonlinear else 1):
                for g, (a, b) in enumerate(self.ranges):
                    jobs.append((k, 0, 0, a, b))
                    begin.append(start if start.ndim == 1 else start[g])
                    owner.append((k, g))
        found = yield from self._run(pack, jobs, begin, emitted, iterations, tolerance)
        groups = len(self.ranges)
        best = np.full((len(candidates), groups), np.inf)
        values = [np.zeros((groups, len(e.tape.constants))) for e in emitted]
        for j, (k, g) in enumerate(owner):
            objective = found.objective[j]
            if objective < best[k, g]:
                best[k, g] = objective
                values[k][g] = found.constants[j]
        results: list[Fitted | None] = []
        for k, c in enumerate(candidates):
            total = float(best[k].sum())
            if not np.isfinite(total):
                results.append(None)
                continue
            results.append(
                Fitted(c.sketch.form, values[k], total, c.measured(), emitted[k], parent=c.parent, move=c.move)
            )
        return results

    def _run(
        self,
        pack: Pack,
        jobs: Sequence[tuple[int, int, int, int, int]],
        begin: Sequence[Array],
        emitted: Sequence[Emitted],
        iterations: int,
        tolerance: float,
    ) -> Steps[BatchResult]:
        table = np.asarray(jobs, dtype=np.int64).reshape(-1, 5)
        # Cores get contiguous runs of jobs: spread each form's jobs, or one core waits for the other.
        order = np.argsort(np.arange(len(table)) % SPREAD, kind="stable")
        table = table[order]
        arranged = Jobs(
            table[:, 0], table[:, 1], table[:, 2], table[:, 3], table[:, 4], tuple(begin[j] for j in order)
        )  # fmt: skip
        found = yield Work(self, pack, arranged, [(e.low, e.high) for e in emitted], iterations, tolerance)
        back = np.argsort(order)
        return BatchResult(
            tuple(found.constants[j] for j in back),
            found.objective[back],
            found.measure[back],
            found.iterations[back],
            found.status[back],
        )

    def starts(self, candidate: Candidate, emitted: Emitted, count: int) -> list[Array]:
        """Starts of a candidate: known values are kept, unknown ones drawn; then everything is drawn.

        Drawn from the form itself and the seed, so that a form starts the same wherever and whenever it is met.
        """
        form, values = candidate.sketch
        raw = np.asarray(values)
        have = np.isfinite(raw)
        known = to_centred(emitted, np.where(have, raw, 1.0))
        low, width, log = start_ranges(form.kinds)
        draws = low + width * uniform(digest(emitted.tape) + (self.seed << 32), (count, len(low)))
        # A draw that is no logarithm may be too large to be taken for one.
        x = np.exp(draws, out=draws.copy(), where=log)
        # Half of the starts trust the parent's constants, the others draw all of them anew.
        x[::2] = np.where(have, known, x[::2])
        return list(np.minimum(np.maximum(x, emitted.low), emitted.high))

    # -- judging -------------------------------------------------------------------------------------------------

    def judge(self, fitted: Sequence[Fitted], iterations: int = 40, tolerance: float = 1e-8) -> None:
        """Set `error`, `folds` and `held` of each: refit without the held-out rows, predict them."""
        drive(self.judging(fitted, iterations, tolerance))

    def judging(self, fitted: Sequence[Fitted], iterations: int = 40, tolerance: float = 1e-8) -> Steps[None]:
        """`judge` in steps."""
        for low in range(0, len(fitted), CHUNK):
            yield from self._judge_chunk(fitted[low : low + CHUNK], iterations, tolerance)

    def _judge_chunk(self, fitted: Sequence[Fitted], iterations: int, tolerance: float) -> Steps[None]:
        emitted = [f.emitted for f in fitted]
        pack = Pack.of([e.tape for e in emitted], self.columns, self.rows)
        jobs: list[tuple[int, int, int, int, int]] = []
        begin: list[Array] = []
        for k, f in enumerate(fitted):
            for m in range(len(self.folds)):
                for g, (a, b) in enumerate(self.ranges):
                    jobs.append((k, 0, m + 1, a, b))
                    begin.append(f.values[g])
        found = yield from self._run(pack, jobs, begin, emitted, iterations, tolerance)
        predicted = np.full((len(fitted), len(self.folds), self.rows), np.nan)
        for j, (k, _, m, a, b) in enumerate(jobs):
            if np.isfinite(found.objective[j]):
                predicted[k, m - 1, a:b] = pack.values(found.constants[j], k)[0][a:b]
        with np.errstate(over="ignore"):  # a form may run to infinity beyond its rows
            residuals = self.residuals(predicted) * self.root
        errors = np.empty((len(fitted), len(self.folds)))
        total, count = np.zeros((len(fitted), self.rows)), np.zeros(self.rows)
        for m, fold in enumerate(self.folds):
            here = residuals[:, m, fold.test]
            errors[:, m] = fold_errors(here)
            total[:, fold.test] += np.minimum(np.abs(here), HUGE)
            count += fold.test
            # A fit needs more rows than constants, in every group that the fold tests.
            tested = [(a, b) for a, b in self.ranges if fold.test[a:b].any()]
            fewest = min((int(fold.train[a:b].sum()) for a, b in tested), default=0)
            errors[[fewest <= len(f.form.kinds) for f in fitted], m] = np.inf
        held = total[:, count > 0] / count[count > 0]
        for k, f in enumerate(fitted):
            f.folds = tuple(map(float, errors[k]))
            f.error = float(np.mean(errors[k])) if self.folds else float("nan")
            f.held = held[k].copy()

    def polish(self, fitted: Sequence[Fitted], starts: int = 8) -> list[tuple[Fitted, float]]:
        """Refit to the last digit from many starts; with the share of starts that reach the best optimum.

        With groups, the share is the mean over groups.
        """
        return drive(self.polishing(fitted, starts))

    def polishing(self, fitted: Sequence[Fitted], starts: int = 8) -> Steps[list[tuple[Fitted, float]]]:
        """`polish` in steps."""
        jobs: list[tuple[int, int, int, int, int]] = []
        start: list[Array] = []
        for k, f in enumerate(fitted):
            candidate = Candidate(f.sketch(), f.parent, f.move)
            for s in [f.values, *self.starts(candidate, f.emitted, starts)]:
                for g, (a, b) in enumerate(self.ranges):
                    jobs.append((k, 0, 0, a, b))
                    start.append(s[g] if s.ndim == 2 else s)
        emitted = [f.emitted for f in fitted]
        pack = Pack.of([e.tape for e in emitted], self.columns, self.rows)
        found = yield from self._run(pack, jobs, start, emitted, 200, 1e-12)
        groups = len(self.ranges)
        each = (starts + 1) * groups
        result = []
        for k, f in enumerate(fitted):
            objective = found.objective[k * each : (k + 1) * each]
            table = np.where(np.isfinite(objective), objective, np.inf).reshape(starts + 1, groups)
            best = table.argmin(axis=0)
            values = np.stack([found.constants[k * each + int(best[g]) * groups + g] for g in range(groups)])
            floor = table.min(axis=0)
            share = float(np.mean(table[1:] <= floor * (1 + 1e-6) + 1e-300))
            polished = Fitted(f.form, values, float(floor.sum()), f.complexity, f.emitted, parent=f.parent, move=f.move)
            result.append((polished, share))
        return result

    def refit(self, f: Fitted, weights: Array) -> Array:
        """Constants for each row of weights, warm-started, shape (weights, groups, constants)."""
        jobs = [(0, 0, k, a, b) for k in range(len(weights)) for a, b in self.ranges]
        start = [f.values[g] for _ in range(len(weights)) for g in range(len(self.ranges))]
        pack = Pack.of([f.emitted.tape], self.columns, self.rows)
        kept, self.weights = self.weights, weights
        try:
            found = drive(self._run(pack, jobs, start, [f.emitted], 60, 1e-9))
        finally:
            self.weights = kept
        return np.stack(found.constants).reshape(len(weights), len(self.ranges), -1)

    def determines(self, f: Fitted) -> bool:
        """Whether a form that is exact is so by no accident: every variable has more levels than it has constants.

        Through four levels of a variable many forms go exactly, and the law may be a shorter one.
        """
        columns = [self.columns.variables[q] for q in variables(f.form.body)]
        return all(len(np.unique(x[a:b])) > len(f.form.kinds) for x in columns for a, b in self.ranges)

    def residuals(self, predicted: Array) -> Array:
        """Residuals in the objective's space, shape (rows,)."""
        return self.objective.residuals(self.target, predicted)

    def predict(self, f: Fitted) -> Array:
        """Predictions of all rows (in the workbench's order)."""
        pack = Pack.of([f.emitted.tape], self.columns, self.rows)
        result = np.empty(self.rows)
        for g, (a, b) in enumerate(self.ranges):
            result[a:b] = pack.values(f.values[g])[0][a:b]
        return result

    def rms(self, f: Fitted, emphasised: bool = True) -> float:
        """Root-mean-square residual over all rows; weighted as in the fit, or by the rows' own weights only."""
        r = self.residuals(self.predict(f))
        return float(np.sqrt(np.average(r * r, weights=self.weight if emphasised else self.own)))
