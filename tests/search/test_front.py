"""What a search returns: intervals that know of other forms, and files that give the same law back."""

from dataclasses import replace

import numpy as np
import pytest

from formsearch.exceptions import InputError
from formsearch.law import Constant, Law, Start, Variable
from formsearch.lawfile import read_law
from formsearch.resume import recall_front, store_front
from formsearch.search.accept import Acceptance
from formsearch.search.asymptotics import Check
from formsearch.search.front import LUCK, Candidate, Front, save
from formsearch.store import Store

D = np.geomspace(1e9, 1e11, 30)


def candidate(name, formula, constants, draws=None, held=None, **more):
    law = Law(name, formula, (Variable("D", "D"),))
    return Candidate(law, constants, 5, 0.01, 0.01, Acceptance.of([]), draws=draws, held=held, **more)


def front_of(*near, log=False):
    return Front(
        candidates=near, best=near[0], points={"name": "a table", "hash": "0" * 12, "rows": 30}, objective_name="",
        reference=None, holds_out=(), engines={}, seconds=0.0, tried=0, fits=0, kernel_share=0.0, seed=0, status="",
        near=near, log=log,
    )  # fmt: skip


def power(draws=None, held=None):
    return candidate("power", "E + B*D**-beta", {"E": 1.7, "B": 2e3, "beta": 0.35}, draws, held)


def logarithmic():
    return candidate("logarithm", "E - B*log(D)", {"E": 4.0, "B": 0.08})


def test_one_form_without_draws_has_no_width():
    low, high = front_of(power()).interval({"D": D})
    np.testing.assert_array_equal(low, high)


def test_forms_that_part_beyond_the_data_widen_the_interval():
    front = front_of(power(), logarithmic())
    far = {"D": np.array([1e10, 1e17])}
    low, high = front.interval(far)
    p, q = power().predict(far), logarithmic().predict(far)
    np.testing.assert_allclose(low, np.minimum(p, q))
    np.testing.assert_allclose(high, np.maximum(p, q))
    assert high[1] - low[1] > 3 * (high[0] - low[0])


def test_resampled_constants_widen_it_too_and_each_form_counts_once():
    rng = np.random.default_rng(0)
    draws = np.array([1.7, 2e3, 0.35]) * (1 + 0.01 * rng.normal(size=(400, 1, 3)))
    low, high = front_of(power(draws)).interval({"D": D}, level=0.8)
    each = power(draws).predictions({"D": D})
    np.testing.assert_allclose(low, np.quantile(each, 0.1, axis=0), rtol=2e-3)
    np.testing.assert_allclose(high, np.quantile(each, 0.9, axis=0), rtol=2e-3)
    # 400 draws of one form do not outvote the other form.
    low, high = front_of(power(draws), logarithmic()).interval({"D": D}, level=0.4)
    q = logarithmic().predict({"D": D})
    assert ((low <= q + 1e-12) & (q <= high + 1e-12)).all()


@pytest.mark.parametrize("log", [False, True])
def test_with_noise_it_covers_new_runs_that_lie_farther_off_than_those_held_out(log):
    rng = np.random.default_rng(1)
    scale = 0.02
    front = front_of(power(held=np.abs(rng.normal(0, scale, 300))), log=log)
    exact = power().predict({"D": D})
    new = rng.normal(0, LUCK * scale, (200, len(D)))
    runs = np.stack([exact * np.exp(e) if log else exact + e for e in new])
    low, high = front.interval({"D": D}, level=0.9, noise=True)
    assert np.mean((low <= runs) & (runs <= high)) == pytest.approx(0.9, abs=0.03)


def test_nothing_accepted_is_said():
    with pytest.raises(InputError, match="no candidate was accepted"):
        replace(front_of(power()), best=None, near=()).interval({"D": D})


def test_a_saved_file_gives_the_same_law_back(tmp_path):
    law = Law(
        "found1",
        "E + B*D**-beta",
        (Variable("D", "D", "tokens"),),
        (
            Constant("E", "irreducible part", 0.0, float("inf")),
            Constant("B", "amplitude", 0.0, start=Start(0.5, 2.0, True, "D**beta")),
            Constant("beta", "exponent", 0.01, 4.0, Start(0.1, 0.5)),
        ),
    )
    found = replace(power(), law=law)
    path = save(found, "mine", {"name": 'odd"\\name', "hash": "0" * 12, "rows": 30}, tmp_path)
    again = read_law(path)
    assert again.formula == law.formula
    assert again.variables == law.variables
    assert again.constants == law.constants
    assert dict(again.published["mine"].constants) == dict(found.constants)


def test_a_saved_file_has_a_fit_a_group(tmp_path):
    groups = {"a": {"E": 1.7, "B": 2e3, "beta": 0.35}, "b": {"E": 1.9, "B": 1e3, "beta": 0.3}}
    found = replace(power(), group_constants=groups)
    path = save(found, "mine", {"name": "a table", "hash": "0" * 12, "rows": 30}, tmp_path)
    assert {g: dict(p.constants) for g, p in read_law(path).published.items()} == groups


def failing(name, error, *checks, held):
    made = candidate(name, "E + D**-1", {"E": 2.0}, held=np.full(20, held))
    return replace(made, error=error, acceptance=Acceptance.of([Check(c, False, "failed") for c in checks]))


def test_the_predictor_is_the_best_unless_a_form_that_failed_little_is_much_better():
    accepted = replace(power(held=np.full(20, 0.1)), error=0.1)
    front = front_of(accepted)
    near = failing("near", 0.09, "supported", held=0.09)
    unsupported = failing("unsupported", 0.05, "supported", held=0.05)
    unsettled = failing("unsettled", 0.02, "finite limit", held=0.02)
    with_pole = failing("pole", 0.001, "no pole", held=0.001)
    assert replace(front, candidates=(accepted, near)).predictor is accepted
    assert replace(front, candidates=(accepted, near, unsupported)).predictor is unsupported
    assert replace(front, candidates=(accepted, unsupported, unsettled)).predictor is unsettled
    assert replace(front, candidates=(accepted, with_pole)).predictor is accepted
    assert replace(front, best=None, candidates=(with_pole,)).predictor is with_pole
    with pytest.raises(InputError, match="found no form at all"):
        _ = replace(front, best=None, candidates=()).predictor


def test_a_stored_front_gives_the_same_intervals(tmp_path):
    rng = np.random.default_rng(0)
    draws = np.array([1.7, 2e3, 0.35]) * (1 + 0.01 * rng.normal(size=(30, 1, 3)))
    draws[3, 0, 1] = np.nan
    best = replace(power(draws, held=np.abs(rng.normal(0, 0.01, 30))), shared=("E",))
    front = replace(front_of(best, logarithmic(), log=True), emphasis=3.0)
    asked = {"points": "0" * 12, "engine": "native"}
    with Store(tmp_path / "store.sqlite") as store:
        store_front(store, asked, front)
        again = recall_front(store, asked)
    assert again is not None
    assert (again.emphasis, again.best.shared) == (3.0, ("E",))
    for noise in (False, True):
        np.testing.assert_array_equal(again.interval({"D": D}, noise=noise), front.interval({"D": D}, noise=noise))
