"""Objectives: sums, their derivatives, their names; kernels and classes say the same."""

import numpy as np
import pytest
import sympy

from formsearch.core.batch import Pack
from formsearch.core.compile import compile_expression, evaluate_column
from formsearch.core.kernels import _tape_of as tape_of
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
from formsearch.core.passes import gradient_pass, penalty, workspace
from formsearch.exceptions import InputError

EVERY = [
    made
    for log in (False, True)
    for made in (LeastSquares(log), Huber(0.1, log), SoftL1(0.05, log), StudentT(0.02, 3.0, log), Asymmetric(7.0, log))
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


@pytest.mark.parametrize("objective", EVERY, ids=lambda o: o.name)
def test_the_kernel_has_the_gradient_of_the_weighted_sum(objective: Objective) -> None:
    rng = np.random.default_rng(0)
    E, A, p, x = sympy.symbols("E A p x", positive=True)
    data = {"x": rng.uniform(1, 9, 40)}
    pack = Pack.of([compile_expression(E + A * x**-p, [E, A, p])], lambda key: evaluate_column(key, data, 40), 40)
    at = np.array([0.3, 2.0, 0.4])
    y, w = pack.values(at)[0] * np.exp(rng.normal(0, 0.2, 40)), rng.choice([0.0, 1.0, 3.0], 40)
    tape = pack.tapes[0]
    work = workspace(3, tape.n_scalars, len(tape.columns), len(tape.row_code), 40)
    loss = (objective.kind, objective.log, objective.first, objective.second)
    gradient = np.zeros(3)
    total = gradient_pass(tape_of(pack.flat, 0), pack.columns, 0, 40, at, y, np.log(y), w, loss, work, gradient)
    assert total == pytest.approx(objective.value(y, pack.values(at)[0], w), rel=1e-12)
    for k in range(3):
        h = np.zeros(3)
        h[k] = 1e-6
        above, below = (objective.value(y, pack.values(at + side * h)[0], w) for side in (1, -1))
        assert gradient[k] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-7)


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
