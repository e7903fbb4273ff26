"""The kernels' linear algebra against NumPy and SciPy."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from formsearch.core.dense import (
    back_substitute,
    bounded_least_squares,
    damped_step,
    first_dependent,
    qr_update,
    symmetric_eigen,
)


def factor(A: np.ndarray, block: int) -> np.ndarray:
    k = A.shape[1]
    R = np.zeros((k, k))
    for first in range(0, len(A), block):
        part = np.ascontiguousarray(A[first : first + block].T)
        qr_update(R, part, k, part.shape[1])
    return R


@pytest.mark.parametrize("block", [7, 64, 1000])
def test_streaming_factor_is_the_factor_of_the_whole(block: int) -> None:
    A = np.random.default_rng(0).normal(size=(200, 6)) * 10.0 ** np.arange(-3, 3)
    R = factor(A, block)
    np.testing.assert_allclose(np.abs(R), np.abs(np.linalg.qr(A, mode="r")), rtol=1e-10, atol=1e-12)
    assert np.allclose(np.tril(R, -1), 0.0)


def test_ill_conditioned_least_squares_keep_their_digits() -> None:
    # Condition 1e8: normal equations would lose everything.
    t = np.linspace(0, 1, 100)
    A = np.stack([np.ones_like(t), t, t + 1e-8 * t**2], axis=1)
    x = np.array([1.0, 2.0, 3.0])
    R = factor(np.column_stack([A, A @ x]), 32)
    found = np.zeros(3)
    back_substitute(R, R[:3, 3].copy(), 3, found)
    np.testing.assert_allclose(A @ found, A @ x, rtol=1e-13)


@pytest.mark.parametrize("seed", range(30))
def test_bounded_least_squares_agree_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 7))
    A, b = rng.normal(size=(20, k)), rng.normal(size=20)
    A[:, -1] += 0.99 * A[:, 0]
    lower = np.where(rng.random(k) < 0.7, rng.normal(size=k) * 0.2, -np.inf)
    upper = np.where(rng.random(k) < 0.5, np.maximum(lower, -1) + rng.random(k), np.inf)
    R = factor(np.column_stack([A, b]), 8)
    x, held = np.zeros(k), np.zeros(k, dtype=np.int64)
    bounded_least_squares(R, R[:k, k].copy(), k, lower, upper, x, held)
    assert (x >= lower).all()
    assert (x <= upper).all()
    best = lsq_linear(A, b, (lower, upper), method="bvls", tol=1e-14).cost
    assert 0.5 * np.sum((A @ x - b) ** 2) <= best * (1 + 1e-9) + 1e-14


def test_damped_step_solves_the_damped_problem() -> None:
    rng = np.random.default_rng(3)
    A, b, damping = rng.normal(size=(30, 4)), rng.normal(size=30), 0.3
    R = factor(np.column_stack([A, b]), 30)
    columns, scale = np.array([0, 2, 3]), np.array([1.0, 2.0, 3.0])
    step, M = np.zeros(4), np.zeros((9, 5))
    promised = damped_step(R[:4, :4], R[:4, 4], columns, 3, 4, damping, scale, M, step)
    B = A[:, columns]
    expected = np.linalg.solve(B.T @ B + damping * np.diag(scale**2), B.T @ b)
    np.testing.assert_allclose(step[:3], expected, rtol=1e-10)
    assert promised == pytest.approx(0.5 * (b @ b - np.sum((b - B @ expected) ** 2)))


@pytest.mark.parametrize("seed", range(10))
def test_symmetric_eigen_agrees_with_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 13))
    A = rng.normal(size=(k, k)) * 10.0 ** rng.integers(-4, 4, size=k)
    H = A + A.T
    values, Q = np.zeros(k), np.zeros((k, k))
    symmetric_eigen(H.copy(), k, values, Q)
    np.testing.assert_allclose(np.sort(values), np.linalg.eigvalsh(H), atol=1e-13 * np.abs(H).max())
    np.testing.assert_allclose(Q @ np.diag(values) @ Q.T, H, atol=1e-12 * np.abs(H).max())
    np.testing.assert_allclose(Q.T @ Q, np.eye(k), atol=1e-13)


def test_dependent_columns_are_found_and_left_at_zero() -> None:
    rng = np.random.default_rng(0)
    A = rng.normal(size=(40, 4))
    A[:, 2] = A[:, 0] - 2 * A[:, 1]
    b = rng.normal(size=40)
    R = factor(np.column_stack([A, b]), 16)
    assert first_dependent(R, 4) == 2
    assert first_dependent(R, 2) == -1
    x, held = np.zeros(4), np.zeros(4, dtype=np.int64)
    bounded_least_squares(R, R[:4, 4].copy(), 4, np.full(4, -np.inf), np.full(4, np.inf), x, held)
    assert list(held) == [0, 0, 2, 0]
    expected = np.linalg.lstsq(A[:, [0, 1, 3]], b, rcond=None)[0]
    np.testing.assert_allclose(x, [expected[0], expected[1], 0.0, expected[2]], rtol=1e-10)
