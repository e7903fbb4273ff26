"""Behaviour beyond the data: what is sane passes, what bends the wrong way is told in a sentence."""

import numpy as np
import pytest
import sympy

from formsearch import laws
from formsearch.core.objectives import LeastSquares
from formsearch.data import load
from formsearch.law import Law, Variable
from formsearch.points import Points
from formsearch.search.accept import LEVEL, LITTLE, RESAMPLES_LARGE, _bootstrap, groups_needed, paired, support
from formsearch.search.asymptotics import HASTE, Surroundings, examine, falling
from formsearch.search.discovery import variables_of
from formsearch.search.emit import emit, to_centred
from formsearch.search.engine import Config
from formsearch.search.expression import from_law
from formsearch.search.finish import Finish
from formsearch.search.judge import SIZES, folds_of, size_axes
from formsearch.search.normal import normalise
from formsearch.search.workbench import Candidate, Fitted, Workbench


def bench_of(target, N, D):
    points = Points(target=target, factors={"N": N, "D": D})
    return Workbench(points, ("N", "D"), LeastSquares(), folds_of(points), 0)


@pytest.fixture(scope="module")
def bench():
    N, D = np.meshgrid(np.geomspace(5e7, 1e10, 7), np.geomspace(1e9, 2e11, 6))
    N, D = N.ravel(), D.ravel()
    rng = np.random.default_rng(0)
    return bench_of(1.8 + 478 * N**-0.347 + 2143 * D**-0.367 + rng.normal(0, 0.004, len(N)), N, D)


def fitted(bench, formula):
    law = Law("form", formula, tuple(Variable(q, q) for q in ("N", "D") if q in formula))
    form = from_law(law)
    sketch = normalise(form.body, dict(enumerate(form.kinds)), {})
    (f,) = bench.fit([Candidate(sketch)], starts=16, iterations=100)
    assert f is not None
    bench.judge([f])
    return f


def verdict(bench, formula):
    around = Surroundings(bench, size_axes(bench.points), falling(bench))
    (checks,) = examine([fitted(bench, formula)], around)
    return {c.name: c for c in checks}


def test_chinchilla_passes_every_check(bench):
    checks = verdict(bench, "E + A*N**-alpha + B*D**-beta")
    assert all(c.passed for c in checks.values())
    assert {"no pole", "positive", "finite limit", "falls with N", "falls with D"} == set(checks)


@pytest.mark.parametrize(
    ("formula", "odd"),
    [("E + A*N**-alpha + B*D**-beta", 0), ("E + A*N**-alpha + B/(s + D)", 1), ("E + A/(s + N) + B/(t + D)", 2)],
)
def test_axes_along_which_a_form_is_soon_at_its_limit_are_counted(bench, formula, odd):
    f = fitted(bench, formula)
    for quick in (False, True):
        (found,) = Surroundings(bench, size_axes(bench.points), falling(bench), quick).behaviour([f])
        assert found.odd(noise=0.004) == odd
        # Along an axis that has little left to gain nobody can tell how fast it goes.
        assert found.odd(noise=1.0) == 0


def test_gains_that_grow_with_every_tenfold_step_are_odd():
    N, D = np.meshgrid(np.geomspace(5e7, 1e10, 7), np.geomspace(1e9, 2e11, 6))
    N, D = N.ravel(), D.ravel()
    here = bench_of(4.0 + 478 * N**-0.347 - 0.03 * D**0.12, N, D)
    (found,) = Surroundings(here, size_axes(here.points), falling(here)).behaviour(
        [fitted(here, "E + A*N**-alpha + B*D**p")]
    )
    assert found.speeds["D"].late(noise=0.004) == pytest.approx(-0.12, rel=1e-3)
    assert found.odd(noise=0.004) == 1


@pytest.mark.parametrize("gain", [0.0, 5e-324, 1e-300])
def test_a_gain_of_nothing_has_no_speed_to_speak_of(bench, gain):
    around = Surroundings(bench, size_axes(bench.points), falling(bench))
    values = np.full((1, len(around.plan), around.count), -gain)
    values[:, 0] = 0.0
    values[:, around.place[("N",), 100.0]] = -1.0
    assert around._read(values).odd(noise=1e-3) == 0


@pytest.mark.parametrize(("groups", "needed"), [(1, 1), (2, 1), (3, 2), (4, 2), (9, 3), (20, 5), (42, 8)])
def test_groups_support_a_constant_if_more_do_than_by_chance(groups, needed):
    assert groups_needed(groups) == needed
    none_needs_it = np.random.default_rng(0).binomial(groups, 1 - LEVEL, 20_000)
    if groups > 2:
        assert np.mean(none_needs_it >= needed) < 1 - LEVEL < np.mean(none_needs_it >= needed - 1)


@pytest.mark.parametrize(("size", "supported"), [(0.15, True), (0.0, False)])
def test_a_term_too_weak_to_be_seen_in_most_groups_is_supported_by_all_together(size, supported):
    rng = np.random.default_rng(1)
    groups, rows = 20, 16
    N = np.tile(np.geomspace(1e7, 1e10, rows), groups)
    D = np.concatenate([rng.permutation(np.geomspace(1e9, 1e11, rows)) for _ in range(groups)])
    target = 2 + 40 * N**-0.25 + size * 1e4 * D**-0.5 + rng.normal(0, 0.05, len(N))
    points = Points(target=target, factors={"N": N, "D": D}, group=np.repeat(np.arange(groups), rows))
    bench = Workbench(points, ("N", "D"), LeastSquares(), folds_of(points), 0)
    f = fitted(bench, "E + A*N**(-1/4) + B*D**(-1/2)")
    place = [i for i, kind in enumerate(f.form.kinds) if kind.tag != "E"]
    doubtful, draws = support(bench, f, 0)
    seen = [int((np.quantile(draws[:, :, i], 0.05, axis=0) > 0).sum()) for i in place]
    assert min(seen) < groups / 2
    assert any("D^" in text for text in doubtful) != supported
    assert not any("N^" in text for text in doubtful)


def test_two_levels_are_enough_to_ask_how_a_form_goes_on():
    N, P = np.meshgrid(np.geomspace(5e7, 1e10, 9), [1.0, 2.0])
    N, P = N.ravel(), P.ravel()
    points = Points(
        target=1.8 + 478 * N**-0.347 + 0.1 / P, factors={"N": N, "parallel_streams": P}, target_quantity="loss"
    )
    here = Workbench(points, ("N", "parallel_streams"), LeastSquares(), folds_of(points), 0)
    finish = Finish(here, Config(("N", "parallel_streams")), None, 0.0)
    assert finish.around.sizes == ["N", "parallel_streams"]
    # Both go through the two levels; the second rises from the next one on.
    for formula, falls in (("E + A*N**-alpha + B/P", True), ("E + A*N**-alpha + B*(P - 9/4)**2", False)):
        law = Law("form", formula, (Variable("N", "N"), Variable("P", "parallel_streams")))
        form = from_law(law)
        sketch = normalise(form.body, dict(enumerate(form.kinds)), {})
        (f,) = here.fit([Candidate(sketch)], starts=16, iterations=100)
        assert f is not None
        (checks,) = examine([f], finish.around)
        assert {c.name: c.passed for c in checks}["falls with parallel_streams"] == falls


def test_published_exponents_of_sizes_are_less_but_for_those_of_one_table():
    faster = []
    for name, law in laws.items():
        symbols = {law.symbols[v.symbol]: v.quantity for v in law.variables if v.quantity in SIZES}
        powers = [p for p in law.expression.atoms(sympy.Pow) if p.base in symbols and p.exp.free_symbols]
        for fit, published in law.published.items():
            values = {law.symbols[c]: v for c, v in published.constants.items()}
            exponents = [p.exp.subs(values) for p in powers]
            faster += [(name, fit) for e in exponents if e.is_number and abs(e) > HASTE]
    assert faster == [("chinchilla", "gemstones_hot"), ("chinchilla", "gemstones_cool_end")]


def test_the_speed_of_a_power_is_its_exponent(bench):
    f = fitted(bench, "E + A*N**-alpha + B*D**-beta")
    (found,) = Surroundings(bench, size_axes(bench.points), falling(bench)).behaviour([f])
    alpha, beta = (v for v, kind in zip(f.raw(), f.form.kinds, strict=True) if kind.tag == "p")
    for speed in found.speeds.values():
        assert np.ptp(speed.exponent) < 1e-6
    assert sorted(s.late(noise=1e-6) for s in found.speeds.values()) == pytest.approx(sorted([alpha, beta]), rel=1e-6)


def test_a_form_that_has_come_to_its_limit_within_the_data_is_odd_and_a_weak_power_is_not():
    N, D = np.meshgrid(np.geomspace(5e7, 1e10, 7), np.geomspace(1e9, 2e11, 6))
    N, D = N.ravel(), D.ravel()
    for formula, truth, odd in (
        ("E + A*N**-alpha + B/(s + D**3)", 1.8 + 478 * N**-0.347 + 1e27 / (5e26 + D**3), 1),
        ("E + A*N**-alpha + B*D**-beta", 1.8 + 478 * N**-0.347 + 0.5 * (D / 1e9) ** -0.55, 0),
    ):
        here = bench_of(truth, N, D)
        (found,) = Surroundings(here, size_axes(here.points), falling(here)).behaviour([fitted(here, formula)])
        noise = 0.1
        speed = found.speeds["D"]
        assert speed.gain[speed.size == D.max()].max() < noise < speed.gain.max()
        assert found.odd(noise) == odd


def test_a_logarithm_has_no_limit(bench):
    checks = verdict(bench, "E + A*log(N) + B*D**-beta")
    assert not checks["finite limit"].passed
    assert "logarithm" in checks["finite limit"].sentence


def test_a_logarithm_is_seen_beside_a_power_that_dies_slowly():
    N, D = np.meshgrid(np.geomspace(5e7, 1e10, 7), np.geomspace(1e9, 2e11, 6))
    N, D = N.ravel(), D.ravel()
    checks = verdict(bench_of(1.8 + 40 * N**-0.2 - 0.01 * np.log(D), N, D), "E + A*N**-alpha - B*log(D)")
    assert not checks["finite limit"].passed


@pytest.mark.parametrize("power", [0.02, 0.1])
def test_a_slow_power_settles(power):
    N, D = np.meshgrid(np.geomspace(5e7, 1e10, 7), np.geomspace(1e9, 2e11, 6))
    N, D = N.ravel(), D.ravel()
    checks = verdict(bench_of(1.0 + 3 * N**-power + 900 * D**-0.3, N, D), "E + A*N**-alpha + B*D**-beta")
    assert checks["finite limit"].passed


def test_a_pole_a_little_beside_the_values_that_were_tried_is_found():
    N, G = np.meshgrid(np.geomspace(5e7, 1e10, 8), [2.5, 4.0, 6.0, 8.0, 16.0])
    N, G = N.ravel(), G.ravel()
    points = Points(target=1.8 + 400 * N**-0.3 + 0.1 / np.log(G / 2.1), factors={"N": N, "active_experts": G})
    here = Workbench(points, ("N", "active_experts"), LeastSquares(), folds_of(points), 0)
    variables = Variable("N", "N"), Variable("G", "active_experts")
    form = from_law(Law("form", "E + A*N**-alpha + b/(log(G) - c)**p", variables))
    emitted = emit(form, here.columns.centres)
    values = to_centred(emitted, np.array([1.8, 400.0, 0.3, 0.1, np.log(2.1), 1.0]))
    around = Surroundings(here, size_axes(points), falling(here))
    (checks,) = examine([Fitted(form, values[None, :], 1.0, 10, emitted)], around)
    failed = {c.name for c in checks if not c.passed}
    assert "no pole" in failed
    quick = Surroundings(here, size_axes(points), falling(here), quick=True)
    assert all(q in quick.sizes for names, _ in quick.plan for q in names)


def test_a_share_is_moved_towards_its_bound_and_not_beyond():
    N, S = np.meshgrid(np.geomspace(5e7, 1e10, 8), [0.0, 0.5, 0.9])
    points = Points(target=1.8 + 400 * N.ravel() ** -0.3, factors={"N": N.ravel(), "shared_ratio": S.ravel()})
    here = Workbench(points, ("N", "shared_ratio"), LeastSquares(), folds_of(points), 0)
    table = Surroundings(here, size_axes(points), falling(here)).table["shared_ratio"]
    assert table.max() == pytest.approx(0.95)
    assert table.min() == 0.0


def test_a_rise_beyond_the_data_is_found(bench):
    rising = bench.target + 1e-3 * bench.columns.variables["D"] / 2e11
    other = bench_of(rising, bench.columns.variables["N"], bench.columns.variables["D"])
    checks = verdict(other, "E + A*N**-alpha + B*D**-beta + 1e-14*D")
    assert not checks["falls with D"].passed


def test_a_negative_loss_beyond_the_data_is_found(bench):
    falling_fast = 2.9 - 0.1 * np.log(bench.columns.variables["D"])
    other = bench_of(falling_fast, bench.columns.variables["N"], bench.columns.variables["D"])
    checks = verdict(other, "E - B*log(D)")
    assert not checks["positive"].passed


def test_a_superfluous_constant_is_not_supported(bench):
    good, _ = support(bench, fitted(bench, "E + A*N**-alpha + B*D**-beta"), 0)
    assert good == []
    extra, _ = support(bench, fitted(bench, "E + A*N**-alpha + B*D**-beta + a/N"), 0)
    assert len(extra) == 1
    assert "N^-1" in extra[0]


def test_the_paired_test_tells_worse_from_tied(bench):
    good, poor = fitted(bench, "E + A*N**-alpha + B*D**-beta"), fitted(bench, "E + A*N**-alpha")
    difference, p = paired(poor, good)
    assert difference > 0
    assert p < 1e-3
    assert paired(good, good) == (0.0, 1.0)


def test_few_of_many_rows_spread_as_all_of_them_do():
    rng = np.random.default_rng(0)
    N, D = np.exp(rng.uniform(17, 23, 24_000)), np.exp(rng.uniform(20, 26, 24_000))
    many = bench_of(1.8 + 478 * N**-0.347 + 2143 * D**-0.367 + rng.normal(0, 0.1, len(N)), N, D)
    f = fitted(many, "E + A*N**-alpha + B*D**-beta")
    doubtful, few = support(many, f, 0)
    assert doubtful == []
    assert few.shape == (RESAMPLES_LARGE, 1, 5)
    everything = np.concatenate([_bootstrap(many, f, k) for k in range(2)])
    np.testing.assert_allclose(few.std(axis=0), everything.std(axis=0), rtol=0.6)
    np.testing.assert_array_less(np.abs(few.mean(axis=0) - f.values), 1.5 * everything.std(axis=0))
    # Resampled rows of the few alone would spread more than twice as much.
    plain = _bootstrap(many.part(LITTLE), f, 0)
    assert (plain.std(axis=0) > 1.4 * few.std(axis=0)).all()


def checks_of(formula, target, factors, log=False):
    """Failed checks, and how far it goes astray in the quick look, of a form that was fitted to points of itself."""
    points = Points(target=target, factors=factors)
    here = Workbench(points, tuple(factors), LeastSquares(log=log), folds_of(points), 0)
    symbols = {"N": "N", "active_experts": "G", "shared_ratio": "S"}
    form = from_law(Law("form", formula, tuple(Variable(symbols[q], q) for q in factors)))
    (f,) = here.fit([Candidate(normalise(form.body, dict(enumerate(form.kinds)), {}))], starts=16, iterations=100)
    assert f is not None
    assert here.rms(f) < 1e-6
    here.judge([f])
    around = Surroundings(here, size_axes(points), falling(here))
    (checks,) = examine([f], around)
    (quick,) = Surroundings(here, size_axes(points), falling(here), quick=True).behaviour([f])
    assert "combinations" in {c.name for c in checks}
    return {c.name for c in checks if not c.passed}, quick.astray


@pytest.mark.parametrize(("strength", "likely"), [(0.3, True), (3.0, False)])
def test_terms_that_cancel_where_a_factor_was_varied_are_found_out_by_combinations_that_no_run_has(strength, likely):
    # The ratio was varied at ten active experts only, where nothing depends on it, and their number at a ratio of .1.
    N, G = (v.ravel() for v in np.meshgrid(np.geomspace(5e7, 1e10, 8), [2.0, 5.0, 10.0, 20.0]))
    n, S = (v.ravel() for v in np.meshgrid(np.geomspace(5e7, 1e10, 8), [0.0, 0.3, 0.6, 0.9]))
    N, G, S = np.r_[N, n], np.r_[G, np.full(n.size, 10.0)], np.r_[np.full(N.size, 0.1), S]
    target = 1.8 + 400 * N**-0.3 + strength * S * (0.1 * G - 1)
    failed, astray = checks_of(
        "E + A*N**-alpha + b*G*S - c*S", target, {"N": N, "active_experts": G, "shared_ratio": S}
    )
    assert ("combinations" not in failed) == likely
    assert (astray < 0.5) == likely


def test_a_target_of_several_decades_may_go_on_by_a_share_of_them():
    # Small models were run with few active experts only: with many their target would be twice its greatest value.
    N, G = (v.ravel() for v in np.meshgrid(np.geomspace(1e7, 1e9, 6), [1.0, 1.6, 2.7]))
    run = 1.0 + 1.7 * np.log(N / 1e7) / np.log(100) >= G
    failed, astray = checks_of(
        "A*N**-alpha*G**b", 1e7 * N[run] ** -0.8 * G[run], {"N": N[run], "active_experts": G[run]}, log=True
    )
    assert "combinations" not in failed
    assert 0.2 < astray < 0.35


@pytest.mark.parametrize("name", ["zhao2025", "zhao2025_eq9", "zhao2025_eq7"])
def test_published_laws_stay_near_the_range_of_the_target_for_combinations_of_no_run(name):
    points = load("zhao2025", seed=0)
    here = Workbench(points, variables_of(points), LeastSquares(), folds_of(points), 0)
    form = from_law(laws[name])
    (f,) = here.fit([Candidate(normalise(form.body, dict(enumerate(form.kinds)), {}))], starts=8, iterations=60)
    for quick in (False, True):
        around = Surroundings(here, size_axes(points), falling(here), quick)
        assert {q for q, _ in around.crossed} == {"active_experts", "shared_ratio"}
        (found,) = around.behaviour([f])
        assert found.astray < 0.05


def test_no_more_experts_are_active_than_there_are():
    N, E, k = (v.ravel() for v in np.meshgrid(np.geomspace(5e7, 1e10, 6), [4.0, 8.0, 64.0], [2.0, 4.0, 32.0]))
    run = k <= E
    points = Points(
        target=1.8 + 400 * N[run] ** -0.3, factors={"N": N[run], "experts": E[run], "active_experts": k[run]}
    )
    here = Workbench(points, tuple(points.factors), LeastSquares(), folds_of(points), 0)
    around = Surroundings(here, ["N"], [])
    experts, active = (around.table[q].reshape(-1, around.count) for q in ("experts", "active_experts"))
    anew = range(len(around.plan), len(experts))
    assert len(anew) == len(around.crossed) == 6
    assert all((active[i] <= experts[i]).all() for i in anew)
    assert {(4.0, 4.0), (64.0, 2.0)} <= {(e, a) for i in anew for e, a in zip(experts[i], active[i], strict=True)}
