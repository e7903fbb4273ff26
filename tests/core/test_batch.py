"""Batches of fits: rows without weight have no part in a fit."""

import numpy as np
import pytest
import sympy

from formsearch.core.batch import BatchResult, Jobs, Pack, run
from formsearch.core.compile import compile_expression, evaluate_column
from formsearch.core.objectives import Huber, LeastSquares, Objective

ROWS = 700
"""More than a block of the kernels."""


def fitted(x: np.ndarray, y: np.ndarray, weight: np.ndarray, objective: Objective) -> BatchResult:
    E, A, p, c = sympy.symbols("E A p x", positive=True)
    tape = compile_expression(E + A * c**-p, [E, A, p])
    pack = Pack.of([tape], lambda key: evaluate_column(key, {"x": x}, len(x)), len(x))
    jobs = Jobs.starts_of(np.array([[1.0, 1.0, 0.5]]), len(x))
    return run(pack, jobs, y, weight, objective, [(np.zeros(3), np.full(3, np.inf))])


@pytest.fixture(scope="module")
def table() -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(0)
    x = rng.uniform(1.0, 50.0, ROWS)
    return x, (0.3 + 2.0 * x**-0.4) * np.exp(rng.normal(0.0, 0.01, ROWS)), rng


@pytest.mark.parametrize("objective", [LeastSquares(), LeastSquares(log=True), Huber(1e-3)], ids=lambda o: o.name)
@pytest.mark.parametrize("share", [0.03, 0.2, 0.8])
def test_rows_without_weight_are_not_there(
    objective: Objective, share: float, table: tuple[np.ndarray, np.ndarray, np.random.Generator]
) -> None:
    x, y, rng = table
    kept = rng.random(ROWS) >= share
    weight = np.where(kept, rng.choice([1.0, 2.0], ROWS), 0.0)
    # What stands in rows of no weight does not matter, even where the form has no value.
    spoilt, wrong = np.where(kept, x, 0.0), np.where(kept, y, 1e6)
    left_out = fitted(spoilt, wrong, weight, objective)
    alone = fitted(x[kept], y[kept], weight[kept], objective)
    assert left_out.objective == pytest.approx(alone.objective, rel=1e-9)
    np.testing.assert_allclose(left_out.constants[0], alone.constants[0], rtol=1e-6)


def test_leaving_out_many_rows_is_fitting_the_others(
    table: tuple[np.ndarray, np.ndarray, np.random.Generator],
) -> None:
    x, y, rng = table
    kept = rng.random(ROWS) < 0.6
    left_out = fitted(x, y, kept.astype(float), LeastSquares())
    alone = fitted(x[kept], y[kept], np.ones(int(kept.sum())), LeastSquares())
    np.testing.assert_array_equal(left_out.constants[0], alone.constants[0])
    np.testing.assert_array_equal(left_out.objective, alone.objective)


def test_no_row_with_weight_gives_a_sum_of_zero(
    table: tuple[np.ndarray, np.ndarray, np.random.Generator],
) -> None:
    x, y, _ = table
    assert fitted(x, y, np.zeros(ROWS), LeastSquares()).objective == 0.0
