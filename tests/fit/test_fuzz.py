"""Random forms on rows with extremes: no crash, no constant that is not finite, no success away from an optimum."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import formsearch as fs
from formsearch.core.objectives import Huber, LeastSquares, Objective, StudentT
from formsearch.exceptions import FormsearchError
from formsearch.fit.problem import Problem
from formsearch.law import Constant, Law, Variable, positive

LEAVES = st.sampled_from(["x", "z", "a", "b", "p", "2", "0.5"])


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda t: f"({t[0]} + {t[1]})"),
        pair.map(lambda t: f"({t[0]}*{t[1]})"),
        pair.map(lambda t: f"({t[0]}/(1 + {t[1]}))"),
        inner.map(lambda s: f"x**-p*({s})"),
        inner.map(lambda s: f"log(1 + {s})"),
        inner.map(lambda s: f"exp(-{s})"),
        inner.map(lambda s: f"({s})**p"),
    )


FORMS = st.recursive(LEAVES, _grow, max_leaves=6).map(
    lambda s: f"{s} + a*x**-p + b + 0*z" if "z" not in s else f"{s} + a*x + b"
)
EXTREMES = st.sampled_from([1e-300, 1e-150, 1e-9, 1e-3, 0.5, 1.0, 3.0, 1e3, 1e9, 1e150, 1e300])
ORDINARY = st.floats(0.01, 100.0)
ROWS = st.lists(st.tuples(EXTREMES | ORDINARY, EXTREMES | ORDINARY, EXTREMES | ORDINARY), min_size=1, max_size=12)
OBJECTIVES = st.sampled_from([LeastSquares(), LeastSquares(log=True), Huber(1e-2), StudentT(0.1, log=False)])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(FORMS, ROWS, OBJECTIVES)
def test_nothing_breaks_and_success_is_an_optimum(formula: str, rows: list, objective: Objective) -> None:
    names = [n for n in ("x", "z") if n in formula.replace("exp", "")]
    table = np.asarray(rows)
    try:
        law = Law(
            "random",
            formula,
            tuple(Variable(n, f"user_{n}") for n in names),
            tuple(Constant(c) if c == "b" else positive(c) for c in ("a", "b", "p") if c in formula.replace("exp", "")),
            target="score",
        )
        points = fs.Points(
            table[:, 0],
            {f"user_{n}": table[:, 1 + i] for i, n in enumerate(names)},
            "y",
            "score",
            simulated="for a test",
        )
        fit = fs.fit(law, points, objective, starts=4)
    except FormsearchError:
        return  # refused with a reason: too few rows, undefined everywhere, a formula without its variables
    assert all(np.isfinite(v) for v in fit.constants.values())
    assert np.isfinite(fit.objective)
    with np.errstate(all="ignore"):
        exact = fit.objective <= 1e-20 * float(np.sum(points.target**2))
    if fit.status.code != "converged" or exact:
        return
    # The scale-free test of an optimum: no small step of one constant lowers the sum by a noticeable part of it.
    problem = Problem.of(law, points)
    best = problem.vector(fit.constants)
    for k in range(len(best)):
        for relative in (1e-6, -1e-6):
            trial = best.copy()
            trial[k] = np.clip(best[k] * (1 + relative), problem.lower[k], problem.upper[k])
            with np.errstate(all="ignore"):
                value = objective.value(points.target, problem.pack.values(trial)[0])
            assert value >= fit.objective * (1 - 1e-5) or not np.isfinite(value)
