"""Hold-outs are the largest runs, groups are divided each by itself, outliers do not rule."""

import numpy as np
import pytest

from formsearch.points import Points
from formsearch.search.judge import fold_error, folds_of, size_axes


def grid(n=6, m=5, **options):
    N, D = np.meshgrid(np.geomspace(1e7, 1e9, n), np.geomspace(1e9, 1e11, m))
    N, D = N.ravel(), D.ravel()
    return Points(target=1.7 + 400 * N**-0.34 + 410 * D**-0.28, factors={"N": N, "D": D}, **options)


def test_every_fold_holds_out_the_largest():
    points = grid()
    folds = folds_of(points)
    assert [f.label for f in folds][-2:] == ["largest N", "largest D"]
    C = points.column("C")
    for f in folds[:-2]:
        assert C[f.test].min() > C[f.train].max()
    for f, q in zip(folds[-2:], ("N", "D"), strict=True):
        assert points.factors[q][f.test].min() > points.factors[q][f.train].max()
    for f in folds:
        assert not (f.train & f.test).any()


def test_groups_are_divided_each_by_itself():
    group = np.array(["a"] * 12 + ["b"] * 12, dtype=object)
    x = np.concatenate([np.geomspace(1, 10, 12), np.geomspace(100, 1000, 12)])
    points = Points(target=1 + 1 / x, factors={"samples": x}, group=group)
    for f in folds_of(points):
        for label in ("a", "b"):
            mask = group == label
            assert f.test[mask].any()
            assert f.train[mask].any()
            assert x[mask & f.test].min() > x[mask & f.train].max()


def test_mixtures_hold_out_whole_configurations():
    rng = np.random.default_rng(0)
    shares = np.repeat(rng.dirichlet(np.ones(3), 10), 2, axis=0)
    points = Points(target=2 + rng.random(20), factors={f"proportion_{k + 1}": shares[:, k] for k in range(3)})
    assert size_axes(points) == []
    folds = folds_of(points)
    assert len(folds) == 5
    assert (np.sum([f.test for f in folds], axis=0) == 1).all()
    for f in folds:
        assert (f.test[0::2] == f.test[1::2]).all()


def test_one_outlier_counts_no_more_than_the_cap():
    r = np.full(100, 0.01)
    r[0] = 5.0
    assert fold_error(r) == pytest.approx(np.sqrt((99 * 1e-4 + 36e-4) / 100))
    assert fold_error(np.array([0.1, np.nan])) == np.inf
