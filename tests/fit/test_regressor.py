"""`LawRegressor` keeps scikit-learn's contract, and is the same fit as `fit`."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

import formsearch as fs
from formsearch.fit.regressor import LawRegressor, additive_law
from formsearch.law import Law
from formsearch.points import Points

# With raw inputs scikit-learn's checks feed zeros, which power laws do not admit (its tag `positive_only` means
# "not negative"). Everything that can be checked without zeros passes, and inputs="log" passes all of it.
NEEDS_ZEROS = """
    check_dict_unchanged
    check_dont_overwrite_parameters
    check_dtype_object
    check_estimators_dtypes
    check_estimators_fit_returns_self
    check_estimators_nan_inf
    check_estimators_overwrite_params
    check_estimators_pickle
    check_f_contiguous_array_estimator
    check_fit2d_1feature
    check_fit2d_predict1d
    check_fit_check_is_fitted
    check_fit_idempotent
    check_fit_score_takes_y
    check_methods_sample_order_invariance
    check_methods_subset_invariance
    check_n_features_in
    check_n_features_in_after_fitting
    check_pipeline_consistency
    check_readonly_memmap_input
    check_regressor_data_not_an_array
    check_regressors_int
    check_regressors_no_decision_function
    check_regressors_train
    check_sample_weights_list
    check_sample_weights_not_an_array
    check_sample_weights_pandas_series
    check_supervised_y_2d
"""


@parametrize_with_checks([LawRegressor(inputs="log")])
def test_scikit_learn_contract(estimator: LawRegressor, check: Any) -> None:
    check(estimator)


def test_scikit_learn_contract_with_raw_inputs_but_for_zeros() -> None:
    expected = dict.fromkeys(NEEDS_ZEROS.split(), "the check's X holds zeros, where a power law is not defined")
    results = check_estimator(LawRegressor(), expected_failed_checks=expected, on_skip=None, on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []
    assert sum(r["status"] == "passed" for r in results) >= 20


@pytest.fixture(scope="module")
def points() -> Points:
    return fs.load("zhao2025").only("fit")


def table(points: Points) -> pd.DataFrame:
    return pd.DataFrame(dict(points.factors))


def test_it_is_the_fit_of_the_law(points: Points) -> None:
    law = fs.laws["chinchilla"]
    X = np.column_stack([points.column("N"), points.column("D")])
    weight = np.linspace(0.5, 2, len(points))
    model = LawRegressor("chinchilla", objective="huber:1e-2:log", starts=8, seed=3).fit(X, points.target, weight)
    weighted = Points(points.target, dict(points.factors), weight=weight)
    fit = fs.fit(law, weighted, fs.Huber(1e-2), starts=8, seed=3)
    assert model.constants_ == pytest.approx(fit.constants, rel=1e-6)
    assert model.fit_.objective == pytest.approx(fit.objective, rel=1e-12)
    assert model.law_ is law
    np.testing.assert_allclose(model.predict(X), fit.predict(points), rtol=1e-9)


def test_columns_are_found_by_quantity_by_symbol_or_by_order(points: Points) -> None:
    law = fs.laws["zhao2025"]
    by_quantity = table(points)[["D", "shared_ratio", "N", "active_experts", "N_active"]].assign(lr=1.0)
    by_symbol = table(points).rename(columns={v.quantity: v.symbol for v in law.variables})
    in_order = np.column_stack([points.column(q) for q in law.quantities])
    fitted = [LawRegressor(law).fit(X, points.target) for X in (by_quantity, by_symbol, in_order)]
    assert list(fitted[0].feature_names_in_) == list(by_quantity.columns)
    assert fitted[0].n_features_in_ == 6
    reference = fs.fit(law, points).predict(points)
    for model, X in zip(fitted, (by_quantity, by_symbol, in_order), strict=True):
        np.testing.assert_allclose(model.predict(X), reference, rtol=1e-7)


def test_derived_quantities_come_from_named_columns(points: Points) -> None:
    model = LawRegressor("abnar2025").fit(table(points)[["N", "N_active", "D"]], points.target)
    assert [r.quantity for r in model.fit_.rules] == ["sparsity"]
    np.testing.assert_allclose(
        model.predict(table(points)[["N", "N_active", "D"]]), fs.fit("abnar2025", points).predict(points), rtol=1e-7
    )


def test_logarithms_give_the_same_fit(points: Points) -> None:
    X = table(points)[["N", "D"]]
    raw = LawRegressor("chinchilla").fit(X, points.target)
    log = LawRegressor("chinchilla", inputs="log").fit(np.log(X), points.target)
    assert log.constants_ == pytest.approx(raw.constants_, rel=1e-6)
    np.testing.assert_allclose(log.predict(np.log(X)), raw.predict(X), rtol=1e-9)


def test_without_a_law_it_finds_additive_power_laws() -> None:
    rng = np.random.default_rng(0)
    X = 10 ** rng.uniform(0, 4, (200, 2))
    y = 2 + 5 * X[:, 0] ** -0.4 - 3 * X[:, 1] ** -0.7
    model = LawRegressor().fit(X, y)
    expected = {"E": 2, "A1": 5, "p1": 0.4, "A2": -3, "p2": 0.7}
    assert model.constants_ == pytest.approx(expected, rel=1e-6)
    assert model.score(X, y) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(("rows", "constants"), [(40, 9), (12, 6), (5, 3)])
def test_the_additive_law_is_as_rich_as_the_rows_support(rows: int, constants: int) -> None:
    assert len(additive_law(4, rows).constants) == constants


def test_it_works_in_pipelines_and_searches(points: Points) -> None:
    X = table(points)[["N", "D"]]
    pipeline = make_pipeline(FunctionTransformer(np.log), LawRegressor("chinchilla", inputs="log", starts=4))
    search = GridSearchCV(
        pipeline, {"lawregressor__objective": ["ls", "huber:1e-3"]}, cv=KFold(3, shuffle=True, random_state=0)
    ).fit(X, points.target)
    assert search.best_score_ > 0.8
    copied = clone(LawRegressor(fs.laws["chinchilla"]))
    assert isinstance(copied.law, Law)
    assert copied.law.key == fs.laws["chinchilla"].key


@pytest.mark.parametrize(
    ("estimator", "X", "message"),
    [
        (LawRegressor("chinchilla"), np.ones((9, 3)), "needs the columns N .*; X has 3"),
        (LawRegressor("chinchilla"), -np.ones((9, 2)), r"N must be > 0: row 1 has -1\.0"),
        (LawRegressor("chinchilla"), np.ones((4, 2)), "5 constants but there are only 4"),
        (LawRegressor("chinchila"), np.ones((9, 2)), "did you mean 'chinchilla'"),
        (
            LawRegressor("chinchilla", inputs="log"),
            np.full((9, 2), 1e4),
            "row 1 has .*10000.*, which is no log",
        ),
        (LawRegressor(inputs="ln"), np.ones((9, 2)), "inputs must be 'raw' or 'log'"),
        (LawRegressor(objective="hubble"), np.ones((9, 2)) * np.arange(1, 10)[:, None], "unknown objective"),
        (LawRegressor(), np.ones((9, 2)), "only 1 distinct rows"),
    ],
)
def test_refusals_are_value_errors_with_a_remedy(estimator: LawRegressor, X: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, np.linspace(1, 2, len(X)))


def test_it_is_exported_lazily() -> None:
    assert fs.LawRegressor is LawRegressor
