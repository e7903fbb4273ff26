"""Errors against scikit-learn's; criteria against SciPy's densities; distances against hand counts."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn import metrics

from formsearch import Points
from formsearch.compare.distance import distance
from formsearch.compare.information import criteria, log_likelihood, normaliser
from formsearch.compare.scores import errors, metric
from formsearch.core.objectives import Asymmetric, Huber, LeastSquares, SoftL1, StudentT
from formsearch.exceptions import UnknownNameError


@pytest.mark.parametrize("weighted", [False, True])
def test_errors_agree_with_scikit_learn(weighted: bool) -> None:
    rng = np.random.default_rng(0)
    y = rng.uniform(2, 4, 50)
    f = y + rng.normal(0, 0.1, 50)
    w = rng.uniform(0.5, 2, 50) if weighted else None
    e = errors(y, f, w)
    assert e.mae == pytest.approx(metrics.mean_absolute_error(y, f, sample_weight=w))
    assert e.rmse == pytest.approx(metrics.root_mean_squared_error(y, f, sample_weight=w))
    assert e.r2 == pytest.approx(metrics.r2_score(y, f, sample_weight=w))
    assert e.relative == pytest.approx(metrics.mean_absolute_percentage_error(y, f, sample_weight=w))
    assert e.log == pytest.approx(math.sqrt(metrics.mean_squared_log_error(y - 1, f - 1, sample_weight=w)))


def test_what_does_not_exist_is_nan_and_none_in_json() -> None:
    e = errors(np.array([2.0, 2.0]), np.array([2.1, -1.0]))
    assert math.isnan(e.r2)
    assert math.isnan(e.log)
    assert e.to_dict()["r2"] is None
    assert e.to_dict()["mae"] == pytest.approx(1.55)
    assert math.isnan(errors(np.full(3, 0.1), np.full(3, 0.2)).r2)
    with pytest.raises(UnknownNameError, match="did you mean 'mae'"):
        metric("mea")


def test_least_squares_likelihood_is_the_gaussian_one() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(3, 0.1, 30)
    f = np.full(30, 3.0)
    sigma = math.sqrt(np.mean((y - f) ** 2))
    expected = stats.norm.logpdf(y, f, sigma).sum()
    assert log_likelihood(LeastSquares(), y, f) == pytest.approx(expected)
    sigma = math.sqrt(np.mean(np.log(y / f) ** 2))
    expected = stats.lognorm.logpdf(y, sigma, scale=f).sum()
    assert log_likelihood(LeastSquares(log=True), y, f) == pytest.approx(expected)
    c = criteria(LeastSquares(log=True), y, f, constants=2)
    assert c.aicc == pytest.approx(2 * 3 - 2 * expected + 2 * 3 * 4 / (30 - 4))
    assert c.bic == pytest.approx(3 * math.log(30) - 2 * expected)


def test_weights_of_a_likelihood_are_inverse_variances() -> None:
    rng = np.random.default_rng(2)
    w = rng.uniform(0.2, 5, 40)
    y = 3 + rng.normal(0, 0.1, 40) / np.sqrt(w)
    f = np.full(40, 3.0)
    sigma = math.sqrt(np.mean(w * (y - f) ** 2))
    expected = stats.norm.logpdf(y, f, sigma / np.sqrt(w)).sum()
    assert log_likelihood(LeastSquares(), y, f, w) == pytest.approx(expected)
    # The general road (a scale found numerically) must meet the closed form: Huber with no residual beyond delta.
    assert log_likelihood(Huber(10.0, log=False), y, f, w) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "objective", [Huber(1e-3), Huber(0.1, log=False), SoftL1(1e-2), Asymmetric(10.0), StudentT(1e-2, 4.0)], ids=str
)
@pytest.mark.parametrize("scale", [1e-6, 1e-3, 0.3])
def test_normaliser_agrees_with_adaptive_quadrature(objective, scale: float) -> None:
    width = math.sqrt(scale)

    def density(x: float) -> float:
        return width * math.exp(-float(objective.rho(np.array([width * x]))[0]) / scale)

    breaks = [0, 1e-3, 1e-1, 1, 10, 1e2, 1e4, 1e8, 1e12]
    total = sum(
        integrate.quad(lambda x, s=s: density(s * x), a, b, limit=400)[0] for s in (-1, 1) for a, b in pairwise(breaks)
    )
    assert normaliser(objective, np.array([scale]))[0] == pytest.approx(math.log(total), abs=1e-5)


def test_huber_likelihood_is_at_its_maximum_and_normalised() -> None:
    rng = np.random.default_rng(3)
    r = rng.laplace(0, 0.01, 200)
    y = np.exp(1 + r)
    f = np.full(200, math.e)
    value = log_likelihood(Huber(1e-3), y, f)
    # Far beyond delta Huber's density is nearly Laplace's, whose maximum is known.
    laplace = stats.laplace.logpdf(r, 0, np.abs(r).mean()).sum() - np.log(y).sum()
    assert value == pytest.approx(laplace, abs=1.0)
    assert math.isnan(log_likelihood(Huber(1e-3), y, y))


def test_distance_counts_how_far_outside_and_how_near() -> None:
    n = np.array([1.0, 10.0, 10.0, 100.0, 5.0])
    s = np.array([0.0, 0.2, 0.0, 0.5, 0.2])
    points = Points(np.ones(5), {"N": n, "shared_ratio": s})
    d = distance(points, [(np.array([0, 1, 2]), np.array([3, 4]))])
    assert d.logarithmic == (True, False)
    assert d.furthest("N") == pytest.approx(10)
    assert d.furthest("shared_ratio") == pytest.approx(0.3)
    assert d.overall == pytest.approx([math.hypot(1.0, 1.5), 0.0])
    # Row 5 (N 5, S .2) against row 2 (N 10, S .2): ln 2 of a training width ln 10.
    assert d.nearest[1] == pytest.approx(math.log(2) / math.log(10))
    assert d.outside == 0.5
    assert "N 10 times" in d.sentences()[0]
    assert list(d.frame()["position"]) == [3, 4]


def test_a_repeated_configuration_is_called_not_held_out() -> None:
    points = Points(np.ones(4), {"N": np.array([1.0, 2.0, 3.0, 2.0]), "lr": np.full(4, 1e-3)})
    d = distance(points, [(np.array([0, 1, 2]), np.array([3]))])
    assert d.repeated == 1
    assert d.sentences()[0].startswith("all 1 test rows lie inside")
    assert "not held out" in d.sentences()[1]


def test_a_factor_that_does_not_vary_in_training_is_measured_in_e_folds() -> None:
    points = Points(np.ones(3), {"N": np.array([1.0, 1.0, math.e**2])})
    assert distance(points, [(np.array([0, 1]), np.array([2]))]).overall == pytest.approx([2.0])


def test_the_ordering_quantity_is_measured_even_if_it_is_derived() -> None:
    points = Points(np.ones(3), {"N": np.array([1.0, 2.0, 3.0]), "D": np.array([3.0, 2.0, 3.0])})
    d = distance(points, [(np.array([0, 1]), np.array([2]))], also=["C"])
    assert d.factors == ("N", "D", "C")
    assert d.furthest("C") == pytest.approx(9 / 4)
