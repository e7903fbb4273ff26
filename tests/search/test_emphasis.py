"""Small runs are discounted where that predicts larger ones better, and only there."""

import numpy as np
import pytest

from formsearch.data import load
from formsearch.exceptions import InputError
from formsearch.points import Points
from formsearch.registry import laws
from formsearch.search import search
from formsearch.search.discovery import applicable, default_objective, variables_of
from formsearch.search.emphasis import prepared
from formsearch.search.judge import emphasised, folds_of


def points_of(loss, seed=0, sigma=0.003):
    N, D = np.meshgrid(np.geomspace(5e7, 1e10, 9), np.geomspace(1e9, 2e11, 8))
    N, D = N.ravel(), D.ravel()
    rng = np.random.default_rng(seed)
    return Points(target=loss(N, D) + rng.normal(0, sigma, len(N)), factors={"N": N, "D": D})


def true_to_all_sizes(N, D):
    return 1.8 + 480 * N**-0.35 + 2100 * D**-0.37


def bent_among_the_small(N, D):
    return true_to_all_sizes(N, D) + 1e7 / N + 3e8 / D


def ready(points, rate=None, known=(laws["chinchilla"],)):
    return prepared(points, ("N", "D"), default_objective(points), folds_of(points), 0, known, rate, float("inf"))


def test_weights_grow_with_size_and_end_at_one():
    points = points_of(true_to_all_sizes)
    w = emphasised(points, 3.0)
    assert w.max() == pytest.approx(1.0)
    assert w.min() == pytest.approx(np.exp(-3.0))
    order = np.argsort(points.column("C"))
    assert (np.diff(w[order]) >= -1e-12).all()
    assert (emphasised(points, 0.0) == 1.0).all()


def test_each_group_has_its_largest_run():
    group = np.array(["a"] * 10 + ["b"] * 10, dtype=object)
    x = np.concatenate([np.geomspace(1, 10, 10), np.geomspace(1e3, 1e4, 10)])
    w = emphasised(Points(target=1 + 1 / x, factors={"samples": x}, group=group), 3.0)
    np.testing.assert_allclose(w[:10], w[10:])
    assert w[9] == 1.0


def test_mixtures_have_no_size():
    points = Points(target=np.ones(5), factors={"proportion_1": np.linspace(0, 1, 5)})
    assert (emphasised(points, 3.0) == 1.0).all()


def test_a_law_of_all_sizes_keeps_equal_weights():
    found = ready(points_of(true_to_all_sizes))
    assert found.rate == 0.0
    assert found.note is None
    assert found.reference.name == "chinchilla"


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_a_small_gain_by_chance_is_none(seed):
    # Draws of a law that is true of all sizes, on which discounting gains up to 4 %, "significantly".
    points = load("zhao2025", seed=seed).only("fit")
    found = prepared(
        points, variables_of(points), default_objective(points), folds_of(points), 0, [laws["zhao2025"]], None,
        float("inf"),
    )  # fmt: skip
    assert found.rate == 0.0


def test_a_law_that_fails_among_the_small_is_fitted_to_the_large():
    found = ready(points_of(bent_among_the_small, sigma=0.001))
    assert found.rate == 3.0
    assert "small runs count less" in found.note
    plain = ready(points_of(bent_among_the_small, sigma=0.001), rate=0.0)
    assert found.reference.fitted.error < plain.reference.fitted.error


def test_a_rate_of_ones_own_is_taken():
    points = points_of(true_to_all_sizes)
    front = search(points, seconds=20, generations=0, emphasis=2.0)
    assert front.emphasis == 2.0
    assert front.to_dict()["emphasis"] == 2.0
    with pytest.raises(InputError, match="emphasis must lie between"):
        search(points, seconds=5, emphasis=-1.0)


def test_registry_laws_that_apply_are_of_the_same_target():
    assert "chinchilla" in {law.name for law in applicable(points_of(true_to_all_sizes))}


def test_a_form_of_several_laws_bears_the_name_of_the_oldest():
    same = [laws[name] for name in ("zhao2025_eq4", "krajewski2024_dense", "chinchilla")]
    reference = ready(points_of(true_to_all_sizes), known=same).reference
    assert reference is not None
    assert reference.name == "chinchilla"
