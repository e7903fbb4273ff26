"""How points are divided to judge a law: scikit-learn splitters that also read `Points`.

Every class has `split(X, y=None, groups=None)` and `get_n_splits(...)`, so it works as `cv=` in scikit-learn, where
X is a data frame with a column of the quantity's name. k-fold and group splits wrap scikit-learn's own; `Ordered`
(train small, test large) and `Column` (the data set's own split) are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import InputError, PointsError, UnknownNameError
from formsearch.points import Points

Index = NDArray[np.int64]
Fold = tuple[Index, Index]

TIE = 1e-9
"""Values that differ by a smaller share than this are one level: 6*N*D has rounding errors, levels have none."""


def levels(values: NDArray[np.float64]) -> Index:
    """Level of each value, counted from 0 in increasing order; values within `TIE` of the one before share a level."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    step = np.diff(ordered) > TIE * np.maximum(np.abs(ordered[1:]), np.abs(ordered[:-1]))
    level = np.empty(len(values), dtype=np.int64)
    level[order] = np.concatenate([[0], np.cumsum(step)])
    return level


def configurations(points: Points) -> Index:
    """Identifier of each row's combination of factors (and group): equal for runs that repeat one configuration."""
    columns = [levels(v) for v in points.factors.values()]
    if points.group is not None:
        columns.append(np.unique([str(g) for g in points.group], return_inverse=True)[1].astype(np.int64))
    if not columns:
        return np.arange(len(points))
    return np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _numbers(X: Any, name: str) -> NDArray[np.float64]:
    """Values of a quantity in points, or of a column in a data frame. Raises `UnknownNameError`."""
    if isinstance(X, Points):
        return X.column(name)
    if not hasattr(X, "columns") or name not in X.columns:
        raise UnknownNameError("column", name, map(str, getattr(X, "columns", [])), "splits by a quantity need it in X")
    return np.asarray(X[name], dtype=np.float64)


def label_codes(X: Any, name: str, groups: Any = None) -> tuple[Index, tuple[str, ...]]:
    """Code of each row's label (counted from 0) and the labels by code: of a column of text, or levels of a quantity.

    `groups`, as scikit-learn passes them, take the column's place. Raises `PointsError` or `UnknownNameError`.
    """
    if groups is None and isinstance(X, Points):
        column: Any = {"group": X.group, "split": X.split}.get(name)
        if column is None and name in X.other:
            column = X.other[name]
        if column is None and X.can(name):
            values = X.column(name)
            code = levels(values)
            return code, tuple(f"{values[np.argmax(code == c)]:g}" for c in range(int(code.max()) + 1))
        if column is None and name in ("group", "split"):
            raise PointsError(f"{X.name}: the points have no {name} column; name one with --{name} COLUMN")
        if column is None:
            raise UnknownNameError("column", name, [*X.factors, *X.other], "name a quantity, a column, group or split")
    elif groups is None:
        if not hasattr(X, "columns") or name not in X.columns:
            raise UnknownNameError(
                "column", name, map(str, getattr(X, "columns", [])), "splits by a label need it in X"
            )
        column = X[name]
    else:
        column = groups
    names, code = np.unique([str(v) for v in column], return_inverse=True)
    return code.astype(np.int64), tuple(str(n) for n in names)


@dataclass(frozen=True)
class Split:
    """Base of the splits.

    `resampled` is true where folds are random parts of the same rows, so that their training sets overlap and
    differences between folds must be corrected for that (Nadeau and Bengio 2003).
    """

    resampled: ClassVar[bool] = False

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """Yield (train, test), arrays of row positions, fold after fold."""
        raise NotImplementedError(f"{type(self).__name__} must define split()")

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return sum(1 for _ in self.split(X, y, groups))

    def describe(self) -> str:
        """The split in words."""
        raise NotImplementedError(f"{type(self).__name__} must define describe()")

    def fold_labels(self, X: Any) -> tuple[str, ...]:
        """A short name of each fold."""
        return tuple(f"fold {i + 1}" for i in range(self.get_n_splits(X)))

    def __str__(self) -> str:
        return self.describe()


def _at_least(owner: str, name: str, value: int, least: int) -> None:
    if value < least:
        raise InputError(f"{owner}: {name} must be {least} or more, not {value}")


def _random_folds(X: Any, folds: int, seed: int, together: bool) -> Iterator[Fold]:
    """Shuffled folds; rows that repeat a configuration stay on one side if `together`."""
    from sklearn import model_selection

    n = len(X)
    identity = configurations(X) if together and isinstance(X, Points) else np.arange(n)
    distinct = len(np.unique(identity))
    if distinct < folds:
        raise PointsError(f"{folds} folds need {folds} distinct configurations, there are {distinct}: use fewer folds")
    if distinct == n:
        yield from model_selection.KFold(folds, shuffle=True, random_state=seed).split(np.zeros(n))
    else:
        splitter = model_selection.GroupKFold(folds, shuffle=True, random_state=seed)
        yield from splitter.split(np.zeros(n), groups=identity)


@dataclass(frozen=True)
class KFold(Split):
    """Random folds (`sklearn.model_selection.KFold`, shuffled). Judges interpolation.

    With `together` (the default) runs that repeat one configuration never stand on both sides
    (`GroupKFold` over configurations): a repeat in the training rows would be a peek at the answer.
    """

    folds: int = 5
    seed: int = 0
    together: bool = True
    resampled: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _at_least("KFold", "folds", self.folds, 2)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """Yield (train, test) of each fold."""
        yield from _random_folds(X, self.folds, self.seed, self.together)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return self.folds

    def describe(self) -> str:
        """The split in words."""
        return f"{self.folds} random folds (seed {self.seed})"


@dataclass(frozen=True)
class RepeatedKFold(Split):
    """`repeats` times random folds, as `sklearn.model_selection.RepeatedKFold`; `together` as in `KFold`."""

    folds: int = 5
    repeats: int = 10
    seed: int = 0
    together: bool = True
    resampled: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _at_least("RepeatedKFold", "folds", self.folds, 2)
        _at_least("RepeatedKFold", "repeats", self.repeats, 1)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """Yield (train, test) of each fold of each repeat."""
        for state in np.random.SeedSequence(self.seed).generate_state(self.repeats):
            yield from _random_folds(X, self.folds, int(state), self.together)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return self.folds * self.repeats

    def describe(self) -> str:
        """The split in words."""
        return f"{self.repeats} times {self.folds} random folds (seed {self.seed})"


@dataclass(frozen=True)
class ByGroup(Split):
    """Whole groups are held out (`sklearn.model_selection.GroupKFold`): a run, a family, a target.

    `by` is `"group"` (the points' own groups), or any column or quantity.
    """

    folds: int = 5
    by: str = "group"

    def __post_init__(self) -> None:
        _at_least("ByGroup", "folds", self.folds, 2)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """Yield (train, test) of each fold; `groups` given here takes the place of `by`."""
        from sklearn.model_selection import GroupKFold

        labels, names = label_codes(X, self.by, groups)
        if (count := len(names)) < self.folds:
            raise PointsError(f"{self.folds} folds need {self.folds} groups, {self.by} has {count}: use fewer folds")
        yield from GroupKFold(self.folds).split(np.zeros(len(labels)), groups=labels)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return self.folds

    def describe(self) -> str:
        """The split in words."""
        return f"{self.folds} folds of whole groups by {self.by}"


@dataclass(frozen=True)
class LeaveOneLevelOut(Split):
    """Each level of a factor is held out once (`sklearn.model_selection.LeaveOneGroupOut`).

    Shows whether a law knows what it was not shown: say S = .8, or the largest width.
    """

    quantity: str

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """Yield (train, test), the levels held out in increasing order."""
        from sklearn.model_selection import LeaveOneGroupOut

        labels, names = label_codes(X, self.quantity, groups)
        if len(names) == 1:
            raise PointsError(f"{self.quantity} has one level only, none can be left out: split by another factor")
        yield from LeaveOneGroupOut().split(np.zeros(len(labels)), groups=labels)

    def fold_labels(self, X: Any) -> tuple[str, ...]:
        """The level that each fold holds out, e.g. `shared_ratio = 0.4`."""
        return tuple(f"{self.quantity} = {name}" for name in label_codes(X, self.quantity)[1])

    def describe(self) -> str:
        """The split in words."""
        return f"each level of {self.quantity} left out once"


@dataclass(frozen=True)
class Ordered(Split):
    """Extrapolation: train on the small, test on the large, ordered by a quantity (compute `"C"` as a rule).

    The largest `test` share of the rows is held out; the cut is moved to the nearest change of value, so that
    rows of equal size never stand on both sides. With `above`, rows beyond that value are held out instead. With
    `origins` = k > 1 the origin rolls: cuts at 1 - k*test, ..., 1 - test, and each fold is tested on the next
    `test` share only, so every test row is predicted once. `within` names a label (`"group"`): each group is
    then cut at its own quantile.
    """

    quantity: str = "C"
    test: float = 0.2
    origins: int = 1
    above: float | None = None
    within: str | None = None

    def __post_init__(self) -> None:
        _at_least("Ordered", "origins", self.origins, 1)
        if not 0 < self.test < 1:
            raise InputError(f"Ordered: test must be a share between 0 and 1, not {self.test}")
        if self.origins * self.test >= 1:
            raise InputError(
                f"Ordered: {self.origins} origins of {self.test:g} leave no rows to train on; "
                "lower test or origins so that their product is below 1"
            )
        if self.above is not None and (self.origins > 1 or self.within is not None):
            raise InputError("Ordered: above sets one cut for all rows; leave out origins and within")

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """Yield (train, test), from the earliest origin to the last."""
        values = _numbers(X, self.quantity)
        if self.above is not None:
            folds = [(np.flatnonzero(values <= self.above), np.flatnonzero(values > self.above))]
            if not (len(folds[0][0]) and len(folds[0][1])):
                raise PointsError(
                    f"{self.quantity} runs from {values.min():g} to {values.max():g}: above={self.above:g} "
                    "leaves one side without rows; choose a value in between"
                )
        elif self.within is None:
            folds = self._cut(values, np.arange(len(values)), "the points")
        else:
            labels, names = label_codes(X, self.within, groups)
            parts = []
            for code, name in enumerate(names):
                rows = np.flatnonzero(labels == code)
                parts.append(self._cut(values[rows], rows, f"{self.within} {name}"))
            folds = [
                tuple(np.sort(np.concatenate(side)) for side in zip(*fold, strict=True))  # type: ignore[misc]
                for fold in zip(*parts, strict=True)
            ]
        yield from folds

    def _cut(self, values: NDArray[np.float64], rows: Index, what: str) -> list[Fold]:
        level = levels(values)
        # Rows up to and including each level: the places where a cut does not part equals.
        counts = np.cumsum(np.bincount(level))
        n = len(values)
        wanted = [n * (1 - k * self.test) for k in range(self.origins, 0, -1)]
        cuts = [int(np.argmin(np.abs(counts[:-1] - w))) for w in wanted] if len(counts) > 1 else []
        if len(set(cuts)) < self.origins:
            raise PointsError(
                f"{what}: {self.quantity} has {len(counts)} distinct value(s), too few for {self.origins} cut(s) with "
                f"{self.test:g} of the rows each; order by another quantity or change test"
            )
        ends = [*cuts[1:], len(counts) - 1]
        return [(rows[level <= cut], rows[(level > cut) & (level <= end)]) for cut, end in zip(cuts, ends, strict=True)]

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return self.origins

    def fold_labels(self, X: Any) -> tuple[str, ...]:
        """The cut of each fold, e.g. `C > 3.1e+20`."""
        values = _numbers(X, self.quantity)
        if self.within is not None:
            return super().fold_labels(X)
        return tuple(f"{self.quantity} > {values[train].max():.3g}" for train, _ in self.split(X))

    def describe(self) -> str:
        """The split in words."""
        if self.above is not None:
            return f"ordered by {self.quantity}: trained up to {self.above:g}, tested beyond"
        where = f" within each {self.within}" if self.within else ""
        share = f"{100 * self.test:g} %"
        if self.origins == 1:
            return f"ordered by {self.quantity}{where}: trained on the smallest, tested on the largest {share} of rows"
        return f"ordered by {self.quantity}{where}: {self.origins} rolling origins, each tested on the next {share}"


@dataclass(frozen=True)
class Column(Split):
    """The data set's own split: labels of a column say which rows train and which test."""

    column: str = "split"
    train: tuple[str, ...] = ("fit",)
    test: tuple[str, ...] = ("validation",)

    def __post_init__(self) -> None:
        for side in ("train", "test"):
            value = getattr(self, side)
            object.__setattr__(self, side, (value,) if isinstance(value, str) else tuple(value))
        if both := set(self.train) & set(self.test):
            raise InputError(f"Column: {sorted(both)} cannot be in train and in test")

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """Yield the one (train, test). Raises `UnknownNameError` for a label that no row has."""
        codes, known = label_codes(X, self.column)
        texts = np.asarray(known)[codes]
        for label in (*self.train, *self.test):
            if label not in known:
                raise UnknownNameError(f"label of column {self.column!r}", label, known, "choose the labels to use")
        yield np.flatnonzero(np.isin(texts, self.train)), np.flatnonzero(np.isin(texts, self.test))

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return 1

    def fold_labels(self, X: Any) -> tuple[str, ...]:
        """The labels that are tested."""
        return ("+".join(self.test),)

    def describe(self) -> str:
        """The split in words."""
        return f"column {self.column}: trained on {' + '.join(self.train)}, tested on {' + '.join(self.test)}"


TRAIN_LABELS = ("fit", "train", "training")
TEST_LABELS = ("validation", "test", "val", "valid", "holdout")


def default_split(points: Points) -> Split:
    """The split used when none is named.

    The data set's own, if it has one; else ordered by compute, then by N, D or the one scale (20 % held out); else
    five random folds.
    """
    labels = [] if points.split is None else list(dict.fromkeys(str(s) for s in points.split))
    train = tuple(s for s in labels if s.lower() in TRAIN_LABELS)
    test = tuple(s for s in labels if s.lower() in TEST_LABELS)
    if train and test:
        return Column("split", train, test)
    for name in ("C", "N", "D", "scale"):
        if points.can(name) and len(np.unique(levels(points.column(name)))) > 4:
            return Ordered(name)
    return KFold()
