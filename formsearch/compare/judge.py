"""The work of a comparison: fit every law to every training part, predict every test row, or say why not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from formsearch.compare.entries import Entry, lacking, other_target
from formsearch.exceptions import FitError, FormsearchError, NotApplicableError
from formsearch.fit.result import Fit
from formsearch.points import Points

if TYPE_CHECKING:
    from formsearch.resume import FitRequest

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Progress = Callable[[int, int, str], None]
"""Called after each fit with (done, total, label)."""
Fitter = Callable[..., Fit]
"""A function with the parameters of `formsearch.fit.fit`."""


@runtime_checkable
class Many(Protocol):
    """A fitter that takes many fits at once, and may spread them over workers (`formsearch.resume.Remembered`)."""

    def many(self, asked: Sequence[FitRequest]) -> Iterator[tuple[int, Fit | FormsearchError]]:
        """(number of the request, fit or error) as they are finished."""


@dataclass(frozen=True, eq=False)
class Folds:
    """The parts of the points: (train, test) positions of each fold, with names.

    `reference` is every row that some fold trains on: the in-sample rows, and the rows of the fit one keeps.
    """

    parts: tuple[tuple[Index, Index], ...]
    labels: tuple[str, ...]

    @cached_property
    def reference(self) -> Index:
        """Rows that some fold trains on."""
        return np.unique(np.concatenate([train for train, _ in self.parts]))

    @cached_property
    def trainings(self) -> tuple[Index, ...]:
        """Distinct training parts; the reference first."""
        distinct = {self.reference.tobytes(): self.reference}
        distinct |= {train.tobytes(): train for train, _ in self.parts}
        return tuple(distinct.values())

    def number_of(self, train: Index) -> int:
        """Number of a training part in `trainings`."""
        return [t.tobytes() for t in self.trainings].index(train.tobytes())

    @cached_property
    def tested(self) -> Index:
        """Positions of all tested rows, fold after fold (a row may be tested more than once)."""
        return np.concatenate([test for _, test in self.parts])

    @cached_property
    def fold_of_tested(self) -> Index:
        """Number of the fold of each tested row."""
        return np.concatenate([np.full(len(test), i) for i, (_, test) in enumerate(self.parts)])


@dataclass(frozen=True, eq=False)
class Judged:
    """An entry with its fits and predictions. `predicted` belongs to `Folds.tested`, `fitted` to `Folds.reference`."""

    entry: Entry
    fits: tuple[Fit, ...]
    predicted: Array
    fitted: Array

    @property
    def reference(self) -> Fit | None:
        """The fit to all training rows; None for published constants."""
        return self.fits[0] if self.fits else None


def with_groups(points: Points, by: str | None) -> Points:
    """The points with their group column set to the column that constants are grouped by."""
    if by is None or by == "group":
        if by is not None and points.group is None:
            raise NotApplicableError(f"{points.name}: the points have no group column; name one with --group COLUMN")
        return points
    if by not in points.other:
        raise NotApplicableError(
            f"{points.name}: cannot group by {by!r}; its other columns are {', '.join(points.other) or 'none'}"
        )
    return replace(points, group=np.asarray([str(v) for v in points.other[by]], dtype=object))


def judge(
    points: Points,
    table: Sequence[Entry],
    folds: Folds,
    starts: int,
    seed: int,
    by: str | None,
    shared: Sequence[str],
    named: frozenset[str],
    n_jobs: int | None,
    progress: Progress | None,
    fitter: Fitter | None,
) -> tuple[tuple[Judged, ...], tuple[tuple[str, str], ...]]:
    """Every entry judged on exactly the same rows, and (label, reason) of those that cannot be.

    `by` is "group" or None here (see `with_groups`). A law in `named` (by the caller) may give another quantity than
    the points' target; one taken with "all" may not.
    """
    refused: dict[str, str] = {}
    ready = []
    for entry in table:
        reason = _refusal(entry, points, folds, by, shared, named)
        if reason:
            refused[entry.label] = reason
        else:
            ready.append(entry)
    work = [(e, t) for e in ready if e.published is None for t in folds.trainings]
    fits = _fit_all(points, work, starts, seed, by, shared, n_jobs, progress, fitter)
    judged = []
    for entry in ready:
        own = [fits[entry.label, i] for i in range(len(folds.trainings))] if entry.published is None else []
        broken = next((f for f in own if isinstance(f, str)), None)
        result = (
            broken if broken is not None else _predict(entry, points, folds, [f for f in own if isinstance(f, Fit)])
        )
        if isinstance(result, str):
            refused[entry.label] = result
        else:
            judged.append(result)
    # Other objectives and published constants of a law that is refused as a whole would repeat its reason.
    told = {e.law.name: refused[e.label] for e in table if e.label == e.law.name and e.label in refused}
    listed = [e for e in table if e.label in refused]
    listed = [e for e in listed if e.label == e.law.name or told.get(e.law.name) != refused[e.label]]
    return tuple(judged), tuple((e.label, refused[e.label]) for e in listed)


def _refusal(
    entry: Entry, points: Points, folds: Folds, by: str | None, shared: Sequence[str], named: frozenset[str]
) -> str | None:
    """Why an entry cannot be fitted here; None if it can."""
    law = entry.law
    if law.name not in named and (reason := other_target(law, points)):
        return reason
    if reason := lacking(law, points):
        return reason
    if entry.published is not None:
        return None
    if foreign := [s for s in shared if s not in law.constant_names]:
        return f"it has no constant {foreign[0]!r} to share between groups"
    for label, (train, test) in zip(folds.labels, folds.parts, strict=True):
        groups = 1
        if by is not None:
            assert points.group is not None
            trained = {str(g) for g in points.group[train]}
            groups = len(trained)
            unseen = sorted({str(g) for g in points.group[test]} - trained)
            if unseen:
                return f"constants per group, but {label} tests group {unseen[0]!r}, which it does not train on"
        count = groups * (len(law.constants) - len(shared)) + len(shared)
        if count > len(train):
            return f"{count} constants, but {label} trains on {len(train)} rows only: add runs, or hold out fewer"
    return None


def _fit_all(
    points: Points,
    work: Sequence[tuple[Entry, Index]],
    starts: int,
    seed: int,
    by: str | None,
    shared: Sequence[str],
    n_jobs: int | None,
    progress: Progress | None,
    fitter: Fitter | None,
) -> dict[tuple[str, int], Fit | str]:
    """Fits by (label, number of the training part); a reason in place of a fit that failed.

    Runs through joblib, so `joblib.parallel_config` decides where (processes, dask, ray); one job by default.
    """
    from joblib import Parallel, delayed

    parts: dict[bytes, Points] = {}
    for _, train in work:
        parts.setdefault(train.tobytes(), points.take(train))
    if isinstance(fitter, Many):
        return _fit_many(fitter, work, parts, starts, seed, by, tuple(shared), progress)
    jobs = (
        delayed(_fit_one)(entry, parts[train.tobytes()], starts, seed, by, tuple(shared), fitter)
        for entry, train in work
    )
    results: dict[tuple[str, int], Fit | str] = {}
    numbers: dict[str, int] = {}
    runner = Parallel(n_jobs=n_jobs, return_as="generator")
    for done, ((entry, _), result) in enumerate(zip(work, runner(jobs), strict=True), start=1):
        number = numbers.get(entry.label, 0)
        numbers[entry.label] = number + 1
        results[entry.label, number] = result
        if progress is not None:
            progress(done, len(work), entry.label)
    return results


def _fit_many(
    fitter: Many,
    work: Sequence[tuple[Entry, Index]],
    parts: Mapping[bytes, Points],
    starts: int,
    seed: int,
    by: str | None,
    shared: tuple[str, ...],
    progress: Progress | None,
) -> dict[tuple[str, int], Fit | str]:
    """All fits by one that takes many, in the order in which they are finished."""
    from formsearch.core.objectives import LeastSquares
    from formsearch.resume import FitRequest

    asked = [
        FitRequest(e.law, parts[train.tobytes()], e.objective or LeastSquares(), starts, seed, by, shared)
        for e, train in work
    ]
    made: dict[int, Fit | str] = {}
    for done, (place, result) in enumerate(fitter.many(asked), start=1):
        rows = len(asked[place].points)
        made[place] = result if isinstance(result, Fit) else f"the fit to {rows} rows failed: {result}"
        if progress is not None:
            progress(done, len(work), work[place][0].label)
    results: dict[tuple[str, int], Fit | str] = {}
    numbers: dict[str, int] = {}
    for place, (entry, _) in enumerate(work):
        number = numbers.get(entry.label, 0)
        numbers[entry.label] = number + 1
        results[entry.label, number] = made[place]
    return results


def _fit_one(
    entry: Entry, points: Points, starts: int, seed: int, by: str | None, shared: tuple[str, ...], fitter: Fitter | None
) -> Fit | str:
    from formsearch.fit import fit

    try:
        return (fitter or fit)(
            entry.law, points, objective=entry.objective, starts=starts, seed=seed, by=by, shared=shared
        )
    except (FitError, NotApplicableError) as error:
        return f"the fit to {len(points)} rows failed: {error}"


def _predict(entry: Entry, points: Points, folds: Folds, fits: Sequence[Fit]) -> Judged | str:
    """Predictions of every tested and every training row, or the reason why a row has none."""

    def values(rows: Index, train: Index) -> Array:
        part = points.take(rows)
        if entry.published is not None:
            return entry.law.evaluate(entry.law.bind(part)[0], entry.published.constants)
        return fits[folds.number_of(train)].predict(part)

    predicted = np.concatenate([values(test, train) for train, test in folds.parts])
    fitted = values(folds.reference, folds.reference)
    for what, rows, result in (("test", folds.tested, predicted), ("training", folds.reference, fitted)):
        bad = ~np.isfinite(result)
        if bad.any():
            first = int(rows[np.argmax(bad)])
            where = ", ".join(f"{q} = {points.column(q)[first]:g}" for q in entry.law.quantities)
            return (
                f"it has no finite value on {int(bad.sum())} of {len(rows)} {what} rows (first: row "
                f"{points.rows[first]}, {where}); a score on the others would not be on the same points"
            )
    return Judged(entry, tuple(fits), predicted, fitted)


def group_masks(points: Points, rows: Index) -> Mapping[str, NDArray[np.bool_]]:
    """Mask over `rows` of each group; empty if the points are not grouped."""
    if points.group is None:
        return {}
    labels = np.asarray([str(g) for g in points.group[rows]])
    return {g: labels == g for g in points.groups if (labels == g).any()}


def least_share(fits: Sequence[Fit]) -> float:
    """Least share of starts at the best optimum over fits; NaN for none."""
    return min((f.share for f in fits), default=math.nan)
