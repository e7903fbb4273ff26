"""Splits speak scikit-learn, read points, and never part what belongs together."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

from formsearch import Points
from formsearch.compare import ByGroup, Column, KFold, LeaveOneLevelOut, Ordered, RepeatedKFold, parse_split
from formsearch.compare.splits import configurations, default_split, levels
from formsearch.exceptions import InputError, PointsError, UnknownNameError


def points(n: int = 40, **options: object) -> Points:
    rng = np.random.default_rng(0)
    factors = {"N": np.exp(rng.normal(18, 1, n)), "D": np.exp(rng.normal(22, 1, n))}
    return Points(rng.normal(3, 0.1, n), factors, **options)  # type: ignore[arg-type]


def labelled(*texts: str) -> np.ndarray:
    return np.asarray(texts, dtype=object)


EVERY = [
    KFold(4),
    RepeatedKFold(4, 3),
    ByGroup(3),
    LeaveOneLevelOut("group"),
    Ordered("C"),
    Ordered("N", test=0.15, origins=4),
    Ordered("C", within="group"),
    Column(),
]


@pytest.mark.parametrize("split", EVERY, ids=repr)
def test_folds_are_disjoint_parts_of_the_rows(split) -> None:
    p = points(
        40, group=labelled(*("abcd"[i % 4] for i in range(40))), split=labelled(*["fit"] * 30, *["validation"] * 10)
    )
    folds = list(split.split(p))
    assert len(folds) == split.get_n_splits(p) == len(split.fold_labels(p)) > 0
    for train, test in folds:
        assert len(train) > 0
        assert len(test) > 0
        assert not set(train) & set(test)
        assert set(train) | set(test) <= set(range(40))
    assert split.describe()


@pytest.mark.parametrize("split", [KFold(5), RepeatedKFold(5, 2), Ordered("N"), LeaveOneLevelOut("level")], ids=repr)
def test_scikit_learn_takes_them_as_cv(split) -> None:
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"N": rng.uniform(1, 2, 30), "level": np.repeat([1.0, 2.0, 3.0], 10)})
    assert len(cross_val_score(LinearRegression(), X, 2 * X["N"], cv=split)) == split.get_n_splits(X)


def test_k_fold_tests_every_row_once_and_repeats_differ() -> None:
    p = points(23)
    tested = np.concatenate([test for _, test in KFold(5).split(p)])
    assert sorted(tested) == list(range(23))
    parts = [tuple(test) for _, test in RepeatedKFold(5, 2, seed=4).split(p)]
    assert parts[:5] != parts[5:]
    assert parts == [tuple(test) for _, test in RepeatedKFold(5, 2, seed=4).split(p)]


def test_repeats_of_a_configuration_stay_on_one_side_unless_told_otherwise() -> None:
    p = points(12)
    doubled = p.take(np.repeat(np.arange(12), 2))
    same = configurations(doubled)
    assert len(np.unique(same)) == 12
    for train, test in KFold(4).split(doubled):
        assert not set(same[train]) & set(same[test])
    assert any(set(same[a]) & set(same[b]) for a, b in KFold(4, together=False).split(doubled))


def test_ordered_trains_on_the_small_and_tests_on_the_large() -> None:
    p = points(40)
    ((train, test),) = Ordered("C", test=0.25).split(p)
    compute = p.column("C")
    assert len(test) == 10
    assert compute[train].max() < compute[test].min()
    assert Ordered("C", test=0.25).fold_labels(p)[0] == f"C > {compute[train].max():.3g}"


@given(st.lists(st.integers(1, 6), min_size=4, max_size=60).filter(lambda v: len(set(v)) > 1), st.floats(0.05, 0.95))
def test_equal_sizes_never_stand_on_both_sides(sizes: list[int], share: float) -> None:
    n = np.asarray(sizes, dtype=float)
    # Rounding errors of a product are not a difference in size.
    n *= 1 + 4e-16 * (np.arange(len(n)) % 3)
    p = Points(np.ones(len(n)), {"N": n})
    ((train, test),) = Ordered("N", test=share).split(p)
    level = levels(n)
    assert level[train].max() < level[test].min()
    # The cut is the nearest one that there is.
    possible = np.cumsum(np.bincount(level))[:-1]
    assert abs(len(train) - len(n) * (1 - share)) == pytest.approx(np.abs(possible - len(n) * (1 - share)).min())


def test_rolling_origin_tests_each_late_row_once_with_growing_training_rows() -> None:
    p = points(50)
    folds = list(Ordered("N", test=0.2, origins=3).split(p))
    assert [len(train) for train, _ in folds] == [20, 30, 40]
    assert [len(test) for _, test in folds] == [10, 10, 10]
    n = p.factors["N"]
    for train, test in folds:
        assert n[train].max() < n[test].min()
    tested = np.concatenate([test for _, test in folds])
    assert len(set(tested)) == 30


def test_each_group_is_cut_at_its_own_quantile() -> None:
    n = np.concatenate([np.arange(1.0, 11.0), np.arange(101.0, 111.0)])
    p = Points(np.ones(20), {"N": n}, group=labelled(*["small"] * 10, *["large"] * 10))
    ((_, test),) = Ordered("N", within="group").split(p)
    assert sorted(n[test]) == [9, 10, 109, 110]


def test_a_stated_value_can_be_the_cut() -> None:
    p = Points(np.ones(5), {"N": np.array([1.0, 2.0, 3.0, 4.0, 5.0])})
    ((train, test),) = Ordered("N", above=3).split(p)
    assert (list(train), list(test)) == ([0, 1, 2], [3, 4])
    with pytest.raises(PointsError, match="N runs from 1 to 5: above=9 leaves one side without rows"):
        list(Ordered("N", above=9).split(p))


def test_each_level_is_left_out_once_by_name() -> None:
    s = np.array([0.0, 0.2, 0.2, 0.4])
    p = Points(np.ones(4), {"shared_ratio": s})
    split = LeaveOneLevelOut("shared_ratio")
    assert split.fold_labels(p) == ("shared_ratio = 0", "shared_ratio = 0.2", "shared_ratio = 0.4")
    assert [list(test) for _, test in split.split(p)] == [[0], [1, 2], [3]]


def test_groups_are_held_out_whole() -> None:
    p = points(12, group=labelled(*"aabbccddeeff"))
    for train, test in ByGroup(3).split(p):
        assert not {p.group[i] for i in train} & {p.group[i] for i in test}


def test_the_own_split_column_and_its_labels() -> None:
    p = points(4, split=labelled("fit", "fit", "marginal", "validation"))
    ((train, test),) = Column(train=("fit", "marginal"), test="validation").split(p)
    assert (list(train), list(test)) == ([0, 1, 2], [3])
    with pytest.raises(UnknownNameError, match=r"label of column 'split' 'validatoin': did you mean 'validation'"):
        list(Column(test=("validatoin",)).split(p))
    with pytest.raises(PointsError, match="the points have no split column"):
        list(Column().split(points(4)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Ordered("C", test=1.2), "test must be a share between 0 and 1, not 1.2"),
        (lambda: Ordered("C", test=0.3, origins=4), "4 origins of 0.3 leave no rows to train on"),
        (lambda: Ordered("C", origins=0), "origins must be 1 or more, not 0"),
        (lambda: Ordered("C", origins=2, above=3.0), "above sets one cut for all rows"),
        (lambda: KFold(1), "folds must be 2 or more, not 1"),
        (lambda: Column(train=("fit",), test=("fit",)), r"\['fit'\] cannot be in train and in test"),
        (lambda: list(Ordered("N", origins=3).split(points(3))), "N has 3 distinct value"),
        (lambda: list(KFold(5).split(points(3))), "5 folds need 5 distinct configurations, there are 3"),
        (lambda: list(Ordered("sparsity").split(points(3))), "unknown column 'sparsity'"),
        (lambda: list(ByGroup(3).split(points(6, group=labelled(*"aabbab")))), "group has 2: use fewer folds"),
    ],
)
def test_what_cannot_be_split_is_told_in_one_line(make, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_splits_from_text() -> None:
    assert parse_split("ordered:C:0.3:2") == Ordered("C", 0.3, 2)
    assert parse_split("ordered:N:>2e9") == Ordered("N", above=2e9)
    assert parse_split("kfold:10:7") == KFold(10, 7)
    assert parse_split("repeated:5:3") == RepeatedKFold(5, 3)
    assert parse_split("group:4:run") == ByGroup(4, "run")
    assert parse_split("level:width") == LeaveOneLevelOut("width")
    assert parse_split("column:fit+marginal_g:validation") == Column("split", ("fit", "marginal_g"), ("validation",))
    with pytest.raises(UnknownNameError, match="did you mean 'ordered'"):
        parse_split("order:C")
    for text in ("kfold:five", "level", "ordered:C:0.2:1:9"):
        with pytest.raises(InputError, match="write it like"):
            parse_split(text)


def test_the_default_is_the_own_split_then_compute_then_folds() -> None:
    own = points(10, split=labelled(*["train"] * 8, *["test"] * 2))
    assert default_split(own) == Column("split", ("train",), ("test",))
    assert default_split(points(10)) == Ordered("C")
    assert default_split(Points(np.ones(10), {"width": np.arange(1.0, 11.0)})) == KFold()
