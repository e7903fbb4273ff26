"""Advice held against what really happens when the advised runs are made (simulated), and against linear theory."""

from __future__ import annotations

import numpy as np
import pytest

import formsearch as fs
from formsearch.advise.grid import BEYOND, feasible_runs
from formsearch.exceptions import InputError
from formsearch.points import Points

SIGMA = 0.01
TRUE = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2100.0, "beta": 0.37}


def _points(seed: int = 0, law: str = "chinchilla") -> Points:
    rng = np.random.default_rng(seed)
    N, D = (v.ravel() for v in np.meshgrid(np.geomspace(1e8, 3e9, 6), np.geomspace(2e9, 6e10, 6)))
    loss = fs.laws[law].evaluate({"N": N, "D": D}, TRUE) + rng.normal(0, SIGMA, len(N))
    return Points(loss, {"N": N, "D": D}, name="simulated", simulated="Chinchilla's form plus noise")


def _added(points: Points, advised: list[dict[str, float]], seed: int) -> Points:
    """The points with the advised runs made, at the true law plus noise."""
    rng = np.random.default_rng(seed)
    factors = {q: np.concatenate([v, [a[q] for a in advised]]) for q, v in points.factors.items()}
    new = fs.laws["chinchilla"].evaluate({q: v[len(points):] for q, v in factors.items()}, TRUE)  # fmt: skip
    return Points(np.concatenate([points.target, new + rng.normal(0, SIGMA, len(new))]), factors, name="with new runs")


def test_advised_runs_narrow_the_quantity_as_far_as_foretold() -> None:
    points = _points()
    fit = fs.fit("chinchilla", points)
    advice = fs.advise(fit, {"beta": "beta"}, budget=1e22, runs=5)
    aim = next(a for a in advice.aims if a.what == "beta")
    made = [dict(r.factors) for r in aim.runs for _ in range(r.times)]
    assert sum((r.cost or 0) * r.times for r in aim.runs) <= 1e22 * (1 + 1e-9)
    before = fit.standard_errors()["beta"]
    after = fs.fit("chinchilla", _added(points, made, 1)).standard_errors()["beta"]
    assert aim.before == pytest.approx(before, rel=0.25)
    assert aim.after == pytest.approx(after, rel=0.35)
    assert aim.after < 0.7 * aim.before
    # Runs within the same budget drawn by chance tell less.
    grid = feasible_runs(points)
    rng = np.random.default_rng(2)
    affordable = np.flatnonzero(grid.cost <= 1e22 / len(made))
    chance = []
    for seed in range(5):
        rows = rng.choice(affordable, len(made))
        drawn = [{q: float(v[i]) for q, v in grid.points.factors.items()} for i in rows]
        chance.append(fs.fit("chinchilla", _added(points, drawn, seed)).standard_errors()["beta"])
    assert after < min(chance)


def test_advised_runs_tell_the_true_law_from_another() -> None:
    points = _points()
    fits = [fs.fit(name, points) for name in ("chinchilla", "kaplan2020")]
    advice = fs.advise(fits, budget=3e22, runs=4)
    aim = advice.aims[0]
    assert (aim.kind, aim.what) == ("separate", "kaplan2020")
    assert aim.after > 3
    assert "enough to decide" in aim.sentence
    made = [dict(r.factors) for r in aim.runs for _ in range(r.times)]
    table = _added(points, made, 3)
    new = np.arange(len(points), len(table))
    errors = [np.abs(f.predict(table)[new] - table.target[new]).mean() for f in fits]
    assert errors[0] < errors[1] / 2


def test_same_seed_same_advice_and_json() -> None:
    import json

    points = _points()
    fit = fs.fit("chinchilla", points)
    first, second = (json.dumps(fs.advise(fit, ["alpha"], seed=4).to_dict(), sort_keys=True) for _ in range(2))
    assert first == second
    assert json.loads(first)["points"]["simulated"]


def test_the_grid_keeps_ratios_and_stays_in_reach() -> None:
    points = fs.load("zhao2025")
    grid = feasible_runs(points)
    ratios = set(np.round(points.factors["N_active"] / points.factors["N"], 9))
    assert set(np.round(grid.points.factors["N_active"] / grid.points.factors["N"], 9)) <= ratios
    for q in ("N", "N_active", "D"):
        assert grid.points.factors[q].max() <= BEYOND * points.factors[q].max()
    assert grid.costed
    np.testing.assert_allclose(grid.cost, 6 * grid.points.factors["N_active"] * grid.points.factors["D"])


def test_without_compute_runs_are_counted() -> None:
    rng = np.random.default_rng(0)
    samples = np.tile(np.geomspace(100, 1e6, 12), 2)
    points = Points(0.9 + 30 / (400 + samples) ** 0.4 + rng.normal(0, 0.01, 24), {"samples": samples})
    advice = fs.advise(fs.fit("lin2024_power", points), {"floor": "E"} if "E" in fs.laws["lin2024_power"].constant_names
                       else [fs.laws["lin2024_power"].constant_names[0]], runs=3)  # fmt: skip
    assert not advice.costed
    assert advice.budget == 3
    for aim in advice.aims:
        for run in aim.runs:
            assert run.cost is None
            assert not run.beyond


def test_what_cannot_be_advised_is_said() -> None:
    points = _points()
    fit = fs.fit("chinchilla", points)
    with pytest.raises(InputError, match="at least one fit"):
        fs.advise([])
    with pytest.raises(InputError, match="fit all to the same points"):
        fs.advise([fit, fs.fit("chinchilla", points.take(np.arange(30)))])
    with pytest.raises(InputError, match="budget must be positive"):
        fs.advise(fit, budget=-1.0)
    with pytest.raises(InputError, match="no run costs less than the budget"):
        fs.advise(fit, budget=1.0)
    with pytest.raises(InputError, match="runs must be at least 1"):
        fs.advise(fit, runs=0)
    with pytest.raises(InputError):
        fs.advise(fit, ["gamma"])
