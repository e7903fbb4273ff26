"""The greedy design against brute force and against what it says of itself."""

from itertools import combinations_with_replacement

import numpy as np
import pytest

from formsearch.advise.design import Task, choose


def _task(rows: int, seed: int) -> Task:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(4, rows))
    deviations = rng.normal(size=(200, 4)) @ mixing
    return Task(rng.normal(size=rows), deviations - deviations.mean(axis=0), np.full(rows, 0.7))


@pytest.mark.parametrize("seed", range(5))
def test_growth_is_the_difference_of_distances(seed: int) -> None:
    task = _task(12, seed)
    chosen: list[int] = []
    for _ in range(4):
        growth = task.growth(chosen)
        expected = [task.distance([*chosen, x]) - task.distance(chosen) for x in range(12)]
        np.testing.assert_allclose(growth, expected, rtol=1e-9, atol=1e-12)
        assert (growth >= -1e-12).all(), "more runs never tell less"
        chosen.append(int(np.argmax(growth)))


def test_the_choice_comes_near_the_best_design() -> None:
    """Against all designs of three runs; differences drawn without regard to the covariance are the hardest case."""
    shares = []
    for seed in range(40):
        task = _task(9, seed)
        best = max(task.distance(list(c)) for c in combinations_with_replacement(range(9), 3))
        shares.append(task.distance(choose(task, np.ones(9), 3.0, 3)) / best)
    assert np.mean(np.array(shares) > 0.999) >= 0.9
    assert min(shares) > 0.6


def test_budget_is_kept_and_cheap_runs_can_win() -> None:
    """Ten cheap runs tell more than one dear one that tells twice as much as each."""
    d = np.array([2.0] + [1.0] * 10)
    task = Task(d, np.zeros((5, 11)), np.ones(11))
    cost = np.array([10.0] + [1.0] * 10)
    chosen = choose(task, cost, 10.0, 10)
    assert cost[chosen].sum() <= 10.0
    assert 0 not in chosen
    assert task.distance(chosen) == pytest.approx(10.0)
    assert choose(task, cost, 0.5, 10) == []


def test_a_repeated_run_averages_the_noise() -> None:
    task = Task(np.array([1.0]), np.zeros((5, 1)), np.array([0.5]))
    assert task.distance([0, 0, 0, 0]) == pytest.approx(16.0)
