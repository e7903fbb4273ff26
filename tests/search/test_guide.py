"""The guide tells what a form lacks, and the design tells what varies alone."""

import numpy as np
import pytest

from formsearch.core.objectives import LeastSquares
from formsearch.data import load
from formsearch.points import Points
from formsearch.registry import laws
from formsearch.search.alphabet import Alphabet
from formsearch.search.asymptotics import falling
from formsearch.search.bends import measured
from formsearch.search.design import controlled_groups, steps_along
from formsearch.search.expression import from_law
from formsearch.search.grammar import Power, constant
from formsearch.search.guide import Guide
from formsearch.search.judge import folds_of
from formsearch.search.normal import normalise
from formsearch.search.places import Draft
from formsearch.search.workbench import Candidate, Workbench


def ready(points):
    names = tuple(points.factors)
    bench = Workbench(points, names, LeastSquares(), folds_of(points), 0)
    zeros = {q: bool((points.factors[q] == 0).any()) for q in names}
    return bench, Guide(bench, Alphabet.of(names, zeros, bench.level, bench.columns.centres))


def fitted(bench, name):
    form = from_law(laws[name])
    sketch = normalise(form.body, dict(enumerate(form.kinds)), {})
    (f,) = bench.fit([Candidate(sketch)], starts=16, iterations=200, tolerance=1e-12)
    return f


def labels(hints, count):
    return [h.move.label for h in hints[:count]]


@pytest.fixture(scope="module")
def zhao():
    return ready(load("zhao2025", sigma=0.002).only("fit"))


def test_what_equation_7_lacks_is_the_number_of_active_experts(zhao):
    bench, guide = zhao
    hints = guide.hints(fitted(bench, "zhao2025_eq7"))
    assert all("active_experts" in label for label in labels(hints, 5))
    assert any("hook" in label for label in labels(hints, 15))


def test_what_equation_9_lacks_is_the_shared_ratio(zhao):
    bench, guide = zhao
    hints = guide.hints(fitted(bench, "zhao2025_eq9"))
    assert all("shared_ratio" in label for label in labels(hints, 5))
    assert any("quadratic shared_ratio" in label for label in labels(hints, 10))


def test_gains_are_shares_and_come_true(zhao):
    bench, guide = zhao
    parent = fitted(bench, "zhao2025_eq7")
    hint = guide.hints(parent)[0]
    assert 0 < hint.gain <= 1
    draft = Draft(parent.sketch())
    child = normalise(hint.move.rewrite(draft), draft.kinds, draft.values)
    (f,) = bench.fit([Candidate(child, parent)], starts=4, iterations=100)
    assert f.objective <= (1 - 0.9 * hint.gain) * parent.objective


def test_a_true_form_lacks_nothing_but_noise():
    rng = np.random.default_rng(0)
    N, D = np.exp(rng.uniform(17, 23, 200)), np.exp(rng.uniform(21, 26, 200))
    points = Points(target=1.8 + 480 * N**-0.35 + 2100 * D**-0.37 + rng.normal(0, 0.01, 200), factors={"N": N, "D": D})
    bench, guide = ready(points)
    assert guide.hints(fitted(bench, "chinchilla"))[0].gain < 0.08


def test_controlled_groups_vary_one_factor():
    N, D = np.meshgrid(np.geomspace(1e7, 1e9, 4), np.geomspace(1e9, 1e11, 5))
    points = Points(target=1 + N.ravel() ** -0.3 + D.ravel() ** -0.3, factors={"N": N.ravel(), "D": D.ravel()})
    groups = controlled_groups(points, "D")
    assert len(groups) == 4
    for g in groups:
        assert len(g.rows) == 5
        assert np.ptp(points.factors["N"][g.rows]) == 0
        assert (np.diff(points.factors["D"][g.rows]) > 0).all()
    assert (steps_along(points, "D") < 0).all()


def test_points_that_rise_with_data_are_not_held_to_fall():
    U = np.repeat(1e8, 12)
    D = np.geomspace(1e8, 1e12, 12)
    target = 4 + 0.3 * (np.log(D / 1e10)) ** 2 / 10
    points = Points(target=target, factors={"unique_tokens": U, "D": D})
    bench = Workbench(points, ("unique_tokens", "D"), LeastSquares(), folds_of(points), 0)
    assert "D" not in falling(bench)
    assert "unique_tokens" in falling(bench)


def test_a_bend_is_told_before_it_is_fitted():
    """Where repeated data count less and less, the cap at the unique tokens is among the first hints."""
    law = laws["muennighoff2023"]
    rng = np.random.default_rng(0)
    unique = np.exp(rng.uniform(np.log(1e8), np.log(1e10), 150))
    table = {
        "N": np.exp(rng.uniform(np.log(7e6), np.log(4e9), 150)),
        "unique_tokens": unique,
        "D": unique * np.exp(rng.uniform(0, np.log(60.0), 150)),
    }
    target = law.evaluate(table, law.published["muennighoff2023"].constants)
    bench, guide = ready(Points(target=target, factors=table))
    first = [h for h in guide.hints(fitted(bench, "chinchilla")) if h.move.group == "wrap"][:3]
    assert any(label.startswith("returns that diminish beyond") for label in labels(first, 3))
    draft = Draft(fitted(bench, "chinchilla").sketch())
    child = normalise(first[0].move.rewrite(draft), draft.kinds, draft.values)
    # Its constants start from the numbers that promised most.
    assert np.isfinite(child.values).all()


def test_bends_of_a_steep_power_overflow_in_silence():
    bench, guide = ready(Points(target=np.linspace(3, 2, 30), factors={"N": np.geomspace(1, 1e80, 30)}))
    steep = Power("N", constant(0, -1))
    bends = list(measured(steep, -6.0, bench.columns, guide.alphabet))
    assert {label for label, _, _ in bends} == {"shifted power", "rectified power", "broken power"}
    assert all(np.isfinite(ratio[-1]) for _, _, ratio in bends)
