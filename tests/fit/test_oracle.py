"""SciPy as the oracle of every registered law: on simulated data our sum is never higher than where SciPy ends."""

import numpy as np
import pytest
from scipy.optimize import least_squares

import formsearch as fs
from formsearch.fit.problem import Problem
from formsearch.testing.domains import random_points

SIMULATED = {name: law for name, law in fs.laws.items() if law.published}


@pytest.mark.parametrize("name", SIMULATED)
def test_never_worse_than_scipy_from_the_truth(name: str) -> None:
    law = SIMULATED[name]
    constants = next(iter(law.published.values())).constants
    rng = np.random.default_rng(1)
    table = random_points(law, 150, 1, {})
    truth = law.evaluate(table, constants)
    factors = {v.quantity: table[v.symbol] for v in law.variables}
    target = truth + rng.normal(0, 0.003 * np.abs(truth).mean(), len(truth))
    points = fs.Points(target, factors, target_name="y", target_quantity="score", simulated="for a test")
    found = fs.fit(law, points, starts=24)
    problem = Problem.of(law, points)
    start = np.clip(problem.vector(constants), problem.lower, problem.upper)
    inside = np.where(start <= problem.lower, problem.lower + 1e-9 * (1 + np.abs(start)), start)
    oracle = least_squares(
        lambda v: problem.pack.values(v)[0] - target,
        inside,
        lambda v: problem.pack.values(v, jacobian=True)[1],
        bounds=(problem.lower, problem.upper),
        x_scale="jac",
        max_nfev=500,
    )
    assert found.objective <= oracle.cost * (1 + 1e-6)
