"""The verb `fit`: variants, statuses in words, curved valleys, and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import formsearch as fs
from formsearch.exceptions import FormsearchError
from formsearch.fit import multistart
from formsearch.fit.result import Fit
from formsearch.law import Law, Variable, positive
from tests.fit.runs import chinchilla_runs


def test_variants_are_laws_that_can_be_compared() -> None:
    points, law = chinchilla_runs(), fs.laws["chinchilla"]
    tied, fixed = law.variant(tie=[("alpha", "beta")]), law.variant(fix={"alpha": 0.35})
    assert fs.fit(law, points, tie=[("alpha", "beta")]).constants == fs.fit(tied, points).constants
    assert fs.fit(law, points, fix={"alpha": 0.35}).objective == fs.fit(fixed, points).objective
    free = fs.fit(law, points)
    assert free.objective <= min(fs.fit(tied, points).objective, fs.fit(fixed, points).objective)
    board = fs.compare(points, laws=[law, tied, fixed])
    assert {score.law.name for score in board.scores} == {"chinchilla", tied.name, fixed.name}


def test_a_tie_keeps_to_the_bounds_of_all() -> None:
    law = fs.laws["chinchilla"]
    narrow = replace(law, constants=tuple(replace(c, upper=0.3) if c.symbol == "beta" else c for c in law.constants))
    fit = fs.fit(narrow, chinchilla_runs(), tie=[("alpha", "beta")])
    assert fit.constants["alpha"] == 0.3
    assert fit.status.code == "bound"


def test_a_law_with_nothing_to_fit_is_judged_all_the_same() -> None:
    points = chinchilla_runs()
    constants = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2000.0, "beta": 0.37}
    fit = fs.fit("chinchilla", points, fix=constants)
    assert fit.constants == {}
    assert fit.objective == pytest.approx(
        fs.LeastSquares().value(points.target, fs.laws["chinchilla"].evaluate(points.frame, constants)), rel=1e-12
    )


@pytest.mark.parametrize("objective", ["ls", "log-ls"])
def test_curved_valleys_are_followed_to_their_end(shared_table: Callable[..., Path], objective: str) -> None:
    """Nested exponentials of powers: a valley of a thousand short steps, at whose end most starts meet."""
    runs = pd.read_csv(shared_table("farseer"))
    points = fs.read_points(runs, columns={"N": "params_nonemb", "D": "tokens"}, target="loss")
    fit = fs.fit("farseer2025", points, objective)
    assert fit.ok, fit.status
    assert fit.share >= 0.5
    assert fit.measure < 1e-12
    published = fs.laws["farseer2025"].published["farseer2025"].constants
    assert fit.objective < fit.loss.value(points.target, fs.laws["farseer2025"].evaluate(points.frame, published))


def test_robust_fits_reach_the_valley_by_way_of_least_squares(shared_table: Callable[..., Path]) -> None:
    runs = pd.read_csv(shared_table("farseer"))
    points = fs.read_points(runs, columns={"N": "params_nonemb", "D": "tokens"}, target="loss")
    # No residual is as large as .01, so that this Huber loss is least squares.
    robust, smooth = fs.fit("farseer2025", points, fs.Huber(1e-2)), fs.fit("farseer2025", points, "log-ls")
    assert robust.ok, robust.status
    assert robust.objective == pytest.approx(smooth.objective, rel=1e-9)


def test_on_many_rows_one_hears_how_far_the_starts_are(monkeypatch: pytest.MonkeyPatch) -> None:
    points, heard = chinchilla_runs(), list[float]()
    at_once = fs.fit("chinchilla", points, starts=7)
    monkeypatch.setattr(multistart, "LARGE", 100)
    told = fs.fit("chinchilla", points, starts=7, progress=lambda done, _: heard.append(done))
    assert heard == sorted(set(heard))
    assert heard[0] == 0.0
    assert 0.0 < heard[-1] < 1.0
    assert told.to_dict() == at_once.to_dict()


def test_statuses_say_what_happened_and_what_to_do() -> None:
    points = chinchilla_runs()
    fit = fs.fit("chinchilla", points)
    assert (fit.status.code, fit.share) == ("converged", 1.0)
    assert str(fit.status) == "converged: 16 of 16 starts reached the best optimum"
    flat = fs.Points(points.target, {"N": np.full(len(points), 1e9), "D": points.column("D")}, simulated="for a test")
    assert fs.fit("chinchilla", flat).status.code == "bound"
    assert "sits at its lower bound 0" in fs.fit("chinchilla", flat).status.sentence
    exact = fs.fit("chinchilla", chinchilla_runs(noise=0.0))
    assert "passes through every point" in exact.status.sentence


def test_a_start_range_whose_scale_is_infinite_is_no_obstacle() -> None:
    # At the geometric mean of x, 1e-100, log(1 + x) is zero in float64, and A has no scale there.
    law = Law("tiny", "exp(-A*log(1 + x)) + B", (Variable("x", "user_x"),), (positive("A"),), "score")
    points = fs.Points(np.array([0.9, 0.7, 0.5, 0.4]), {"user_x": 10.0 ** np.array([-290, -112, 0, 2])},
                       target_quantity="score")  # fmt: skip
    assert np.isfinite(fs.fit(law, points).objective)


RUNS = chinchilla_runs()
REFUSED: dict[str, tuple[Callable[[], Fit], str]] = {
    "objective's name": (lambda: fs.fit("chinchilla", RUNS, "nonsense"), "unknown objective 'nonsense'"),
    "objective's class": (lambda: fs.fit("chinchilla", RUNS, fs.Huber), "objective must be one such as"),  # type: ignore[arg-type]
    "law": (lambda: fs.fit(None, RUNS), "law must be a Law"),  # type: ignore[arg-type]
    "law's name": (lambda: fs.fit("chinchila", RUNS), "did you mean 'chinchilla'"),
    "points": (lambda: fs.fit("chinchilla", RUNS.frame), "points must be Points, not DataFrame"),  # type: ignore[arg-type]
    "starts": (lambda: fs.fit("chinchilla", RUNS, starts=0), "starts must be a whole number of at least 1, not 0"),
    "part of a start": (lambda: fs.fit("chinchilla", RUNS, starts=2.5), r"not 2\.5"),  # type: ignore[arg-type]
    "seed": (lambda: fs.fit("chinchilla", RUNS, seed=-1), "seed must be a whole number of at least 0, not -1"),
    "one row": (lambda: fs.fit("chinchilla", RUNS.take(np.arange(1))), "5 constants but there are only 1 points"),
    "no weight": (
        lambda: fs.fit("chinchilla", replace(RUNS, weight=np.zeros(len(RUNS)))),
        "only 0 points with a weight above zero",
    ),
    "weight nan": (
        lambda: fs.fit("chinchilla", replace(RUNS, weight=np.r_[np.nan, np.ones(len(RUNS) - 1)])),
        "weight must be zero or above: row 1 has nan",
    ),
    "too large": (
        lambda: fs.fit("chinchilla", RUNS.with_target(np.r_[1e300, RUNS.target[1:]])),
        "no finite sum of LeastSquares.* rescale the target",
    ),
    "logarithm": (
        lambda: fs.fit("chinchilla", replace(RUNS, target=-RUNS.target, target_quantity="score"), "huber:1e-3"),
        r"needs positive targets: row 1 has -\d",
    ),
    "fixed outside": (lambda: fs.fit("chinchilla", RUNS, fix={"alpha": -1.0}), "alpha is to be fixed to -1.0, which"),
    "fixed to nan": (lambda: fs.fit("chinchilla", RUNS, fix={"alpha": np.nan}), "alpha is to be fixed to nan"),
    "fixed to text": (lambda: fs.fit("chinchilla", RUNS, fix={"alpha": "x"}), "alpha is to be fixed to 'x'"),  # type: ignore[dict-item]
    "fixed list": (lambda: fs.fit("chinchilla", RUNS, fix=["alpha"]), "fix must map constants to numbers"),  # type: ignore[arg-type]
    "fixed unknown": (lambda: fs.fit("chinchilla", RUNS, fix={"alfa": 1.0}), "did you mean 'alpha'"),
    "tie unknown": (lambda: fs.fit("chinchilla", RUNS, tie=[("alpha", "omega")]), "'omega'"),
    "tie flat": (lambda: fs.fit("chinchilla", RUNS, tie=("alpha", "beta")), "write tie="),
    "tie alone": (lambda: fs.fit("chinchilla", RUNS, tie=[("alpha",)]), "must name two constants"),
    "tied and fixed": (
        lambda: fs.fit("chinchilla", RUNS, tie=[("alpha", "beta")], fix={"alpha": 0.3}),
        "alpha can be tied once, or fixed, not both",
    ),
    "start unknown": (lambda: fs.fit("chinchilla", RUNS, initial=[{"gamma": 1}]), "'gamma'"),
    "start nan": (
        lambda: fs.fit("chinchilla", RUNS, initial=[{"alpha": np.nan, "beta": 0.3}]),
        "alpha=nan: give a finite number",
    ),
    "start alone": (
        lambda: fs.fit("chinchilla", RUNS, initial={"alpha": 0.3, "beta": 0.3}),  # type: ignore[arg-type]
        "write initial=",
    ),
    "start lacks": (lambda: fs.fit("chinchilla", RUNS, initial=[{"alpha": 0.3}]), "lacks beta"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_nonsense_is_refused_in_words(case: str) -> None:
    ask, message = REFUSED[case]
    with pytest.raises(FormsearchError, match=message):
        ask()
