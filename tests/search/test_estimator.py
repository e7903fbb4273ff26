"""The search as a scikit-learn regressor."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import (
    check_estimators_nan_inf,
    check_get_params_invariance,
    check_n_features_in,
    check_no_attributes_set_in_init,
    check_parameters_default_constructible,
)

from formsearch import FormSearchRegressor


def runs(rows=48, seed=0):
    rng = np.random.default_rng(seed)
    N, D = np.exp(rng.uniform(17, 23, rows)), np.exp(rng.uniform(20, 26, rows))
    X = pd.DataFrame({"N": N, "D": D})
    return X, 1.8 + 480 * N**-0.35 + 2100 * D**-0.37 + rng.normal(0, 0.002, rows)


@pytest.fixture(scope="module")
def fitted():
    X, y = runs()
    return FormSearchRegressor(seconds=30, generations=3, target="loss").fit(X, y)


def test_columns_of_a_frame_are_quantities(fitted):
    X, y = runs(seed=1)
    assert fitted.score(X, y) > 0.999
    assert set(fitted.law_.quantities) <= {"N", "D", "C"}
    assert fitted.front_.best is fitted.candidate_
    assert set(fitted.constants_) == set(fitted.law_.constant_names)


def test_the_interval_covers_new_runs(fitted):
    X, y = runs(rows=200, seed=2)
    low, high = fitted.predict_interval(X, level=0.9)
    assert 0.8 < np.mean((low <= y) & (y <= high)) <= 1.0
    narrow_low, narrow_high = fitted.predict_interval(X, level=0.9, noise=False)
    assert np.median(narrow_high - narrow_low) < np.median(high - low)


def test_it_clones_and_pickles(fitted):
    X, _ = runs(seed=1)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert clone(fitted).get_params() == fitted.get_params()


def test_an_array_without_names_has_variables_of_its_own():
    X, y = runs()
    model = FormSearchRegressor(seconds=20, generations=1, inputs="log").fit(np.log(X.to_numpy()), y)
    assert set(model.law_.quantities) <= {"user_x1", "user_x2"}
    assert model.score(np.log(X.to_numpy()), y) > 0.9
    with pytest.raises(ValueError, match="no logarithm of a float64"):
        model.predict(np.full((1, 2), 1e5))


def test_wrong_requests_are_value_errors():
    X, y = runs()
    with pytest.raises(ValueError, match="1 quantities are named, X has 2 columns"):
        FormSearchRegressor(quantities=["N"]).fit(X, y)
    with pytest.raises(ValueError, match="Negative values"):
        FormSearchRegressor(seconds=5).fit(-X, y)
    with pytest.raises(ValueError, match="at least 8 points"):
        FormSearchRegressor(seconds=5).fit(X[:5], y[:5])


@pytest.mark.parametrize(
    "check",
    [check_no_attributes_set_in_init, check_get_params_invariance, check_n_features_in, check_estimators_nan_inf],
)
def test_scikit_learn_agrees(check):
    check("FormSearchRegressor", FormSearchRegressor(seconds=20, generations=0, inputs="log"))


def test_the_constructor_only_keeps_its_arguments():
    check_parameters_default_constructible("FormSearchRegressor", FormSearchRegressor())
