"""Objectives: sums, their derivatives, their names; kernels and classes say the same."""

import numpy as np
import pytest

from formsearch.core.objectives import (
    OBJECTIVES,
    Asymmetric,
    Huber,
    LeastSquares,
    Objective,
    SoftL1,
    StudentT,
    parse_objective,
)
from formsearch.core.passes import penalty
from formsearch.exceptions import InputError

EVERY = [
    LeastSquares(),
    LeastSquares(log=True),
    Huber(0.1, log=False),
    Huber(1e-3),
    SoftL1(0.05),
    StudentT(0.02, 3.0),
    Asymmetric(7.0, log=False),
]
RESIDUALS = np.array([-2.0, -0.3, -1e-2, -1e-4, 2e-4, 3e-2, 0.4, 1.7])


@pytest.mark.parametrize("objective", EVERY, ids=lambda o: o.name)
def test_psi_is_the_derivative_of_rho(objective: Objective) -> None:
    h = 1e-7
    slope = (objective.rho(RESIDUALS + h) - objective.rho(RESIDUALS - h)) / (2 * h)
    np.testing.assert_allclose(objective.psi(RESIDUALS), slope, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("objective", EVERY, ids=lambda o: o.name)
def test_the_kernel_has_the_same_penalty(objective: Objective) -> None:
    for r in RESIDUALS:
        value, weight = penalty(objective.kind, objective.first, objective.second, r)
        assert value == pytest.approx(float(objective.rho(np.array(r))), rel=1e-12)
        assert weight * r == pytest.approx(float(objective.psi(np.array(r))), rel=1e-12)


def test_values_are_weighted_sums() -> None:
    y, f, w = np.array([1.0, 2.0, 4.0]), np.array([1.1, 2.0, 3.0]), np.array([1.0, 5.0, 2.0])
    assert LeastSquares().value(y, f) == pytest.approx(0.5 * (0.01 + 1.0))
    assert LeastSquares().value(y, f, w) == pytest.approx(0.5 * (0.01 + 2.0))
    assert LeastSquares(log=True).value(y, f) == pytest.approx(0.5 * (np.log(1.1) ** 2 + np.log(0.75) ** 2))
    assert LeastSquares(log=True).value(y, -f) == np.inf
    # A row of weight zero has no say, whatever its value.
    assert LeastSquares().value(y, np.array([1.1, np.nan, 3.0]), np.array([1.0, 0.0, 2.0])) == pytest.approx(1.005)


def test_huber_is_quadratic_inside_and_linear_outside() -> None:
    assert Huber(0.5).rho(np.array([0.5])) == pytest.approx(0.125)
    assert Huber(0.5).rho(np.array([2.0])) == pytest.approx(0.5 * (2.0 - 0.25))


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("ls", LeastSquares()),
        ("log-ls", LeastSquares(log=True)),
        ("huber:1e-3", Huber(1e-3)),
        ("huber:0.1:raw", Huber(0.1, log=False)),
        ("student:0.01:4", StudentT(0.01, 4.0)),
        ("softl1:0.2:log", SoftL1(0.2)),
        ("asymmetric:5", Asymmetric(5.0)),
    ],
)
def test_objectives_are_read_from_text(text: str, objective: Objective) -> None:
    assert parse_objective(text) == objective
    assert parse_objective(text).name == objective.name


@pytest.mark.parametrize("text", ["hubr:1", "huber:x", "huber:-1", "huber:1:2:3", "student:nan", ""])
def test_bad_objectives_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_objective(text)


def test_every_objective_has_a_name_of_its_own() -> None:
    assert len({o.name for o in EVERY}) == len(EVERY)
    assert set(OBJECTIVES) == {"ls", "huber", "softl1", "student", "asymmetric"}
