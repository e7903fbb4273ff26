"""From laws and points to a `Leaderboard`: judge, score, test, describe."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from formsearch.compare.confidence_set import ConfidenceSet, confidence_set
from formsearch.compare.distance import distance
from formsearch.compare.entries import PUBLISHED, Laws, Objectives, choose_laws, choose_objectives, entries
from formsearch.compare.information import criteria
from formsearch.compare.judge import Fitter, Folds, Judged, Progress, group_masks, judge, least_share, with_groups
from formsearch.compare.leaderboard import FoldScore, Leaderboard, Score
from formsearch.compare.paired import SAME, FoldMeans, Pair, compare_pairs
from formsearch.compare.parsing import parse_split
from formsearch.compare.resampling import Means, bootstrap_means, row_means
from formsearch.compare.scores import METRICS, errors
from formsearch.compare.scores import metric as metric_of
from formsearch.compare.splits import ByGroup, LeaveOneLevelOut, Ordered, Split, default_split, label_codes
from formsearch.core.objectives import Objective
from formsearch.exceptions import InputError, PointsError
from formsearch.points import Points

Array = NDArray[np.float64]
Index = NDArray[np.int64]

SET_LEVEL = 0.9
"""Level of the model confidence set; the customary one of Hansen, Lunde and Nason."""

SET_RESAMPLES = 2_000
"""Draws used for the confidence set, which keeps one number a draw and pair of laws."""


def build(
    points: Points,
    laws: Laws,
    split: Any,
    objective: Objectives,
    starts: int,
    seed: int,
    metric: str,
    published: bool,
    by: str | None,
    shared: Sequence[str],
    cluster: str | None,
    level: float,
    resamples: int,
    n_jobs: int | None,
    progress: Progress | None,
    fitter: Fitter | None,
) -> Leaderboard:
    """See `formsearch.compare.compare`."""
    measure = metric_of(metric)
    if not 0.5 <= level < 1:
        raise InputError(f"level must be from 0.5 to below 1, not {level}")
    if resamples < 100:
        raise InputError(f"resamples must be at least 100, not {resamples}: an interval needs its tails")
    chosen, named = choose_laws(laws)
    objectives = choose_objectives(objective)
    common = next(o for o in objectives if isinstance(o, Objective))
    table = entries(chosen, objectives, published)
    grouped = with_groups(points, by)
    division = resolve(points, split)
    folds = make_folds(points, division)
    found, refused = judge(
        grouped, table, folds, starts, seed, None if by is None else "group", shared, named, n_jobs, progress, fitter
    )
    found, unranked = _rankable(found, points, folds, metric)
    order = {e.label: i for i, e in enumerate(table)}
    refused = tuple(sorted((*refused, *unranked), key=lambda item: order[item[0]]))
    labels = [j.entry.label for j in found]
    means: Means | None = None
    ranked: list[Score] = []
    pairs: tuple[Pair, ...] = ()
    confidence: ConfidenceSet | None = None
    if found:
        refits = [i for i, j in enumerate(found) if j.entry.published is None]
        means = _means(points, found, folds, metric, _clusters(points, division, cluster), resamples, seed)
        ranked = [_score(points, found[i], i, folds, means, level) for i in _best_first(means.observed[metric], found)]
        fold_means = _fold_means(points, found, folds, metric, division)
        pairs = compare_pairs(labels, means, level, fold_means, _wanted(found))
        if len(refits) > 1 and means.clusters > 1:
            observed, redrawn = means.penalties()
            confidence = confidence_set(
                [labels[i] for i in refits], observed[refits], redrawn[:SET_RESAMPLES, refits], SET_LEVEL,
                hopeless=[s.label for s in ranked if s.off_scale],
            )  # fmt: skip
    return Leaderboard(
        scores=tuple(ranked),
        not_applicable=refused,
        split=division.describe() if isinstance(division, Split) else repr(division),
        points=points.describe(),
        objective=common.name,
        metric=measure.name,
        level=level,
        starts=starts,
        seed=seed,
        resamples=resamples,
        fold_labels=folds.labels,
        train_rows=len(folds.reference),
        test_rows=len(np.unique(folds.tested)),
        pairs=pairs,
        confidence=confidence,
        distance=distance(points, folds.parts, _split_quantities(division)),
        predictions=_predictions(points, found, folds, [s.label for s in ranked]),
        factors=pd.DataFrame({q: points.column(q) for q in points.factors}),
        notes=_notes(points, objectives, ranked, by, shared, means),
    )


def _wanted(found: Sequence[Judged]) -> Callable[[str, str], bool]:
    """Which pairs are tested: refits with refits, and published constants with the common refit of their law."""
    law = {j.entry.label: j.entry.law.name for j in found}
    printed = {j.entry.label for j in found if j.entry.published is not None}

    def wanted(first: str, second: str) -> bool:
        if first in printed or second in printed:
            return (first in printed) != (second in printed) and (law[first] == second or law[second] == first)
        return True

    return wanted


# -- folds -------------------------------------------------------------------------------------------------------


def resolve(points: Points, split: Any) -> Any:
    """The splitter: the one given, read from its text, or the default for these points."""
    if split is None:
        return default_split(points)
    if isinstance(split, str):
        return parse_split(split)
    if isinstance(split, type) or not hasattr(split, "split"):
        raise InputError(f"split must be a split, its text or a scikit-learn splitter, not {split!r}")
    return split


def make_folds(points: Points, division: Any) -> Folds:
    """Folds of a split of ours, or of any scikit-learn splitter. Raises `PointsError` for a fold without rows."""
    if isinstance(division, Split):
        parts = list(division.split(points))
        labels = division.fold_labels(points)
    else:
        parts = list(division.split(points.frame, points.target, points.group))
        labels = tuple(f"fold {i + 1}" for i in range(len(parts)))
    for label, (train, test) in zip(labels, parts, strict=True):
        if not len(train) or not len(test):
            side = "train" if not len(train) else "test"
            raise PointsError(f"{label} of the split has no {side} rows: choose another split")
    sides = tuple((np.sort(np.asarray(a, np.int64)), np.sort(np.asarray(b, np.int64))) for a, b in parts)
    return Folds(sides, labels)


def _split_quantities(division: Any) -> list[str]:
    """Quantities that the split itself uses, so that the distance is also told in them."""
    return [division.quantity] if isinstance(division, Ordered | LeaveOneLevelOut) else []


def _clusters(points: Points, division: Any, cluster: str | None) -> Index:
    """Cluster of every row: rows of one cluster are redrawn together."""
    if cluster is None and isinstance(division, ByGroup):
        cluster = division.by
    return np.arange(len(points)) if cluster is None else label_codes(points, cluster)[0]


# -- numbers -----------------------------------------------------------------------------------------------------


def _weights(points: Points, rows: Index) -> Array:
    return np.ones(len(rows)) if points.weight is None else points.weight[rows]


def _rankable(
    found: Sequence[Judged], points: Points, folds: Folds, metric: str
) -> tuple[tuple[Judged, ...], tuple[tuple[str, str], ...]]:
    """Leave out what the ranking metric is not defined for, with the reason."""
    penalty = METRICS[metric].penalty
    kept, refused = [], []
    observed = points.target[folds.tested]
    for j in found:
        bad = ~np.isfinite(penalty(observed, j.predicted))
        if not bad.any():
            kept.append(j)
            continue
        i = int(np.argmax(bad))
        row = points.rows[folds.tested[i]]
        refused.append(
            (j.entry.label, f"the metric {metric!r} does not exist on {int(bad.sum())} test rows (first: row {row}, "
             f"observed {observed[i]:g}, predicted {j.predicted[i]:g}); rank by mae or rmse")
        )  # fmt: skip
    return tuple(kept), tuple(refused)


def _means(
    points: Points, found: Sequence[Judged], folds: Folds, ranking: str, cluster: Index, resamples: int, seed: int
) -> Means:
    observed = points.target[folds.tested]
    tables = {}
    rows = np.unique(folds.tested)
    for name, m in METRICS.items():
        penalties = np.column_stack([m.penalty(observed, j.predicted) for j in found])
        tables[name], rows = row_means(penalties, folds.tested)
    return bootstrap_means(tables, ranking, _weights(points, rows), cluster[rows], resamples, seed)


def _best_first(error: Array, found: Sequence[Judged]) -> list[int]:
    """Laws by error; of those whose errors agree to `SAME`, the one of fewest constants first, then the oldest.

    Many laws are others under another name, or come to them at the best fit: rounding must not decide between them.
    """
    order = [int(i) for i in np.argsort(error, kind="stable")]
    ranked: list[int] = []
    while order:
        equal = [i for i in order if error[i] <= error[order[0]] * (1 + SAME)]
        order = order[len(equal) :]
        ranked += sorted(equal, key=lambda i: (_constants(found[i]), found[i].entry.law.year, i))
    return ranked


def _constants(j: Judged) -> int:
    return j.reference.n_constants if j.reference else 0


def _fold_means(points: Points, found: Sequence[Judged], folds: Folds, metric: str, division: Any) -> FoldMeans | None:
    """Mean error by fold and law, for random folds only (see `Split.resampled`); foreign splitters count as random."""
    if not getattr(division, "resampled", True) or len(folds.parts) < 2:
        return None
    observed = points.target[folds.tested]
    table = np.empty((len(folds.parts), len(found)))
    for i in range(len(folds.parts)):
        here = folds.fold_of_tested == i
        for k, j in enumerate(found):
            e = errors(observed[here], j.predicted[here], _weights(points, folds.tested[here]))
            table[i, k] = getattr(e, metric)
    ratio = float(np.mean([len(test) / len(train) for train, test in folds.parts]))
    return FoldMeans(table, ratio)


def _score(points: Points, j: Judged, number: int, folds: Folds, means: Means, level: float) -> Score:
    """One row of the board."""
    observed = points.target[folds.tested]
    # Rows tested several times weigh as one row together.
    _, inverse, times = np.unique(folds.tested, return_inverse=True, return_counts=True)
    weight = _weights(points, folds.tested) / times[inverse]
    reference = folds.reference
    train_weight = _weights(points, reference)
    fold_scores = []
    for i, (label, (train, test)) in enumerate(zip(folds.labels, folds.parts, strict=True)):
        here = folds.fold_of_tested == i
        fit = j.fits[folds.number_of(train)] if j.fits else None
        fold_scores.append(
            FoldScore(
                label,
                len(train),
                errors(observed[here], j.predicted[here], _weights(points, test)),
                fit.constants if fit else (j.entry.published.constants if j.entry.published else {}),
                fit.share if fit else math.nan,
                fit.status.sentence if fit else "constants as printed",
                fit is None or fit.ok,
            )
        )
    fit = j.reference
    observed_train = points.target[reference]
    objective = j.entry.objective
    return Score(
        label=j.entry.label,
        law=j.entry.law,
        kind="refit" if fit else "published",
        objective=objective.name if objective else "as printed",
        constants=fit.n_constants if fit else 0,
        test=errors(observed, j.predicted, weight),
        train=errors(observed_train, j.fitted, train_weight),
        intervals={name: means.interval(name, number, level) for name in METRICS},
        criteria=criteria(
            objective, observed_train, j.fitted, fit.n_constants, None if points.weight is None else train_weight
        )
        if fit and objective
        else None,
        share=least_share(j.fits),
        off_scale=_off_scale(points, folds.tested, j.predicted),
        status=fit.status.sentence if fit else "constants as printed",
        ok=all(f.ok for f in j.fits),
        folds=tuple(fold_scores),
        rules=fit.rules if fit else j.entry.law.bind(points)[1],
        values=fit.constants if fit else (j.entry.published.constants if j.entry.published else {}),
        by_group={
            g: errors(observed[mask], j.predicted[mask], weight[mask])
            for g, mask in group_masks(points, folds.tested).items()
        },
        source=j.entry.published.source if j.entry.published else j.entry.law.source,
        fit=fit,
    )


def _off_scale(points: Points, rows: Index, predicted: Array) -> str:
    """Where a law misses by more than the whole range of the observations, in words; empty if nowhere."""
    miss = np.abs(predicted - points.target[rows])
    off = miss > np.ptp(points.target)
    if not off.any():
        return ""
    i = int(np.argmax(miss))
    return (
        f"misses {int(off.sum())} of {len(rows)} test rows by more than the range of all observations "
        f"(worst: row {points.rows[rows[i]]}, observed {points.target[rows[i]]:.4g}, predicted {predicted[i]:.4g})"
    )


# -- words and tables --------------------------------------------------------------------------------------------


def _predictions(points: Points, found: Sequence[Judged], folds: Folds, order: Sequence[str]) -> pd.DataFrame:
    """One line a law, part and row."""
    by_label = {j.entry.label: j for j in found}
    fold_names = np.asarray(folds.labels, dtype=object)
    frames = []
    for label in order:
        j = by_label[label]
        for part, rows, values, fold in (
            ("train", folds.reference, j.fitted, np.full(len(folds.reference), "", dtype=object)),
            ("test", folds.tested, j.predicted, fold_names[folds.fold_of_tested]),
        ):
            frames.append(
                pd.DataFrame(
                    {"label": label, "part": part, "fold": fold, "position": rows, "row": points.rows[rows],
                     "observed": points.target[rows], "predicted": values,
                     "residual": values - points.target[rows]}
                )
            )  # fmt: skip
    columns = ["label", "part", "fold", "position", "row", "observed", "predicted", "residual"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _notes(
    points: Points,
    objectives: Sequence[Objective | str],
    scores: Sequence[Score],
    by: str | None,
    shared: Sequence[str],
    means: Means | None,
) -> tuple[str, ...]:  # fmt: skip
    """What a reader must know: simulation, derived quantities, weights, groups, fits that are not at an optimum."""
    lines = [f"the target was not measured: {points.simulated}"] if points.simulated else []
    lines += points.notes
    if PUBLISHED in objectives:
        silent = list(dict.fromkeys(s.law.name for s in scores if not s.law.objective))
        if silent:
            lines.append(f"no objective was published for {', '.join(silent)}: refitted with the common one only")
    users: dict[str, list[str]] = {}
    for s in scores:
        for rule in s.rules:
            users.setdefault(str(rule), []).append(s.label)
    lines += [f"derived quantity {rule}, used by {', '.join(names)}" for rule, names in users.items()]
    if points.weight is not None:
        lines.append("errors are weighted with the points' weights, as the fits are")
    if by is not None:
        common = f", {', '.join(shared)} shared" if shared else ""
        lines.append(f"constants per {by}{common}")
    if means is not None and means.clusters < 10:
        lines.append(
            f"intervals and tests rest on {means.clusters} independent test row(s) or cluster(s): they are rough"
        )
    if any(s.kind == "published" for s in scores):
        lines.append(
            "published constants stand as printed: some were fitted to these very points, test rows included, "
            "others to other data; their errors are no test of extrapolation, and `best` is a refitted law"
        )
    lines += [f"{s.label} {s.off_scale}" for s in scores if s.off_scale and s.kind == "refit"]
    for s in scores:
        if s.fit is not None and s.fit.status.code != "converged":
            lines.append(f"{s.label}: {s.status}")
        failed = [f.label for f in s.folds if not f.ok]
        if failed and len(s.folds) > 1:
            lines.append(f"{s.label}: not at an optimum in {len(failed)} of {len(s.folds)} folds ({failed[0]}, ...)")
    return tuple(lines)
