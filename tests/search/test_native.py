"""The native engine at its limits: any number of threads, many variables, long tables, zeros, bounded memory."""

import gc
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from formsearch.core.objectives import LeastSquares
from formsearch.points import Points
from formsearch.registry import laws
from formsearch.search import search
from formsearch.search.emit import KEPT, Columns
from formsearch.search.engine import Config
from formsearch.search.judge import folds_of
from formsearch.search.native import Archipelago, seldom_collected, take_turns, together
from formsearch.search.population import Effort, Tools
from formsearch.search.ranking import FRONTS, description
from formsearch.search.workbench import Workbench, drive


def noisy(rows=60, seed=0):
    rng = np.random.default_rng(seed)
    N, D = np.exp(rng.uniform(17, 23, rows)), np.exp(rng.uniform(21, 26, rows))
    loss = 1.8 + 480 * N**-0.35 + 2100 * D**-0.37 + rng.normal(0, 0.004, rows)
    return Points(target=loss, factors={"N": N, "D": D})


def found(generations=5):
    front = search(noisy(), seconds=300, seed=3, seeds=None, generations=generations)
    return [[c.law.formula, c.error, c.train_error] for c in front.candidates]


IN_ANOTHER_PROCESS = "import json; from tests.search.test_native import found; print(json.dumps(found()))"


def test_the_collector_of_cycles_is_left_as_it_was():
    before = gc.get_threshold()
    with seldom_collected():
        assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold() == before


def test_the_result_does_not_depend_on_the_number_of_threads():
    results = []
    for threads in ("1", "3"):
        done = subprocess.run(
            [sys.executable, "-c", IN_ANOTHER_PROCESS], capture_output=True, text=True, timeout=300, check=True,
            env=os.environ | {"NUMBA_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
        )  # fmt: skip
        results.append(json.loads(done.stdout))
    assert results[0] == results[1]
    assert len(results[0]) > 3


def archipelago(points, generations, seconds=300, **effort):
    config = Config(
        variables=tuple(points.factors), generations=generations, folds=tuple(folds_of(points)), seconds=seconds
    )
    bench = Workbench(points, config.variables, LeastSquares(), config.folds, 0)
    return Archipelago(Tools(bench, config, Effort(**effort)), None, time.monotonic())


def test_forms_of_the_shortest_descriptions_are_proposed():
    search = archipelago(noisy(), 8, islands=1, finalists=1)
    search.run()
    fronts = {p.form for p in search.proposals()}
    sane = [f for f in search.main.members.values() if f.flaws == 0]
    shortest = sorted(sane, key=lambda f: description(search.tools.bench, f))
    others = [f.form for f in shortest if f.form not in fronts][:4]
    search.tools.effort = Effort(islands=1, finalists=len(fronts) + 4)
    assert {p.form for p in search.proposals()} == fronts | set(others)


@pytest.fixture
def threads():
    """Tells kernels how many threads to use, for the test; never more than there are."""
    before = numba.get_num_threads()
    yield lambda count: numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    numba.set_num_threads(before)


def bred(breed):
    """Members of three islands after a generation, to the bit."""
    search = archipelago(noisy(), 3)
    search.main.start()
    islands = [search.main, *(search.main.island(r) for r in search.rng.spawn(2))]
    breed([island.breeding() for island in islands])
    return [[(f.form, f.objective, f.error, f.values) for f in island.members.values()] for island in islands]


def test_generations_side_by_side_are_those_one_after_the_other(threads):
    """On islands apart, taking turns changes nothing: each breeds from its own members and its own random numbers.

    Nor does it matter whether the kernels work beside Python, at once, or when their result is asked for.
    """
    expected = bred(lambda lanes: [drive(lane) for lane in lanes])
    assert sum(map(len, expected)) > 30
    assert not same(expected[:1], expected[1:2])
    for count in (1, 2):
        threads(count)
        assert same(bred(together), expected)
    assert same(bred(lambda lanes: take_turns(lanes, at_once)), expected)
    with ThreadPoolExecutor(1) as pool:
        assert same(bred(lambda lanes: take_turns(lanes, lambda work: pool.submit(work.do).result)), expected)


def at_once(work):
    result = work.do()
    return lambda: result


def same(one, other):
    """Forms, objectives, errors and constants to the bit, in the same order."""

    def plain(islands):
        return [[(str(form), objective.hex(), error.hex(), [[float(x).hex() for x in v] for v in values])
                 for form, objective, error, values in island] for island in islands]  # fmt: skip

    return plain(one) == plain(other)


def test_a_process_that_was_told_to_use_one_thread_keeps_to_one_core(threads):
    """Its kernels work where Python does; else beside it, with as many threads as the caller may use."""

    class Work:
        def do(self):
            seen.append((threading.get_ident(), numba.get_num_threads()))

    def lane():
        yield Work()
        yield Work()

    for count in (1, 2):
        seen = []
        threads(count)
        together([lane(), lane()])
        here = (threading.get_ident(), 1)
        assert len(seen) == 4
        if numba.get_num_threads() == 1:
            assert set(seen) == {here}
        else:
            assert {n for _, n in seen} == {2}
            assert threading.get_ident() not in {ident for ident, _ in seen}


@pytest.mark.parametrize("count", [1, 2])
def test_by_the_clock_islands_breed_on_without_waiting_for_each_other(monkeypatch, threads, count):
    """Until they merge, for which the first generation shows how long one takes, and then to the end.

    Where kernels have threads of their own, two generations of each are under way. The clock ticks when it is asked.
    """
    threads(count)
    engine = sys.modules[Archipelago.__module__]
    ticks = itertools.count()
    monkeypatch.setattr(engine, "time", SimpleNamespace(monotonic=lambda: 0.03 * next(ticks)))
    search = archipelago(noisy(24), None, seconds=10, parents=1, children=4, guided=2)
    search.begun = 0.0
    told = []

    def watched(lanes):
        before = search.generation
        together(lanes)
        if search.generation > before:
            told.append((len(search.islands), len(lanes), search.generation - before))

    monkeypatch.setattr(engine, "together", watched)
    search.run()
    lanes = 6 if numba.get_num_threads() > 1 else 3
    assert told[0] == (3, lanes, lanes)
    apart, merged = ([t for t in told[1:] if t[0] == islands] for islands in (3, 1))
    for stretch in (apart, merged):
        assert {n for _, n, _ in stretch} == {lanes}
        assert stretch[0][2] > 5 * lanes
    assert len(told) < 12 < search.generation
    assert 0.03 * next(ticks) == pytest.approx(10, abs=0.5)


def test_an_error_in_a_lane_comes_out():
    def lane():
        raise ValueError("a lane failed")
        yield

    with pytest.raises(ValueError, match="a lane failed"):
        together([lane()])


def test_ten_variables():
    rng = np.random.default_rng(0)
    factors = {"N": np.exp(rng.uniform(17, 23, 150)), "D": np.exp(rng.uniform(21, 26, 150))}
    for name in ("depth", "width", "batch_size", "lr", "granularity", "experts", "context_length"):
        factors[name] = np.exp(rng.uniform(0, 4, 150))
    factors["shared_ratio"] = rng.uniform(0, 0.6, 150)
    loss = 1.8 + 480 * factors["N"] ** -0.35 + 2100 * factors["D"] ** -0.37
    front = search(
        Points(target=loss + rng.normal(0, 0.005, 150), factors=factors), seconds=300, seeds=None, generations=3
    )
    best = min(front.candidates, key=lambda c: c.error)
    assert best.error < 0.02 < float(np.std(loss))
    assert {"N", "D"} <= {v.quantity for v in best.law.variables}


@pytest.mark.parametrize("rows", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_long_table_is_searched_on_a_coreset_and_says_so(rows):
    front = search(noisy(rows), seconds=120, seed=0, seeds=None, generations=3)
    assert any("coreset of 600 rows" in note and str(rows) in note for note in front.notes)
    assert front.points["rows"] == rows
    best = min(front.candidates, key=lambda c: c.error)
    assert best.error < 0.006


def test_zeros_in_a_mixture_are_legal():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(3, 0.7), 50)
    shares[:15, 0] = 0.0
    shares /= shares.sum(axis=1, keepdims=True)
    factors = {f"proportion_{k + 1}": shares[:, k] for k in range(3)}
    loss = 1.9 + 1.2 * np.exp(-1.6 * shares[:, 0] + 0.3 * shares[:, 1])
    front = search(Points(target=loss, factors=factors), seconds=300, seed=0, seeds=None, generations=4)
    for c in front.candidates:
        assert np.isfinite(c.predict(factors)).all()
    best = min(front.candidates, key=lambda c: c.error)
    assert np.abs(best.predict(factors) - loss).max() < 1e-6


def test_memory_is_bounded(monkeypatch):
    columns = Columns({"N": np.geomspace(1e6, 1e9, 2000)})
    for k in range(3 * KEPT // (8 * 2000)):
        columns(("log", "N", float(k), True))
        if k % 500 == 0:
            assert len(columns._made) * 8 * 2000 <= KEPT
    monkeypatch.setattr(sys.modules["formsearch.search.population"], "MET", 300)
    search = archipelago(noisy(), 6)
    search.run()
    assert search.tools.tried > 600
    assert len(search.main.seen) <= 300 + 2 * len(search.main.members) + 24 * 8 * 3
    effort = search.tools.effort
    assert len(search.main.members) <= len(FRONTS) * effort.niche * search.config.max_complexity


@pytest.mark.slow  # `benchmarks/search_quality.py recovery` searches for this law and for 15 others
def test_blind_search_finds_an_effective_size():
    """ParScale: parallel streams multiply parameters by 1 + k log P, inside the power."""
    law = laws["parscale2025"]
    N, P = np.meshgrid(np.geomspace(5e8, 4.4e9, 6), [1.0, 2.0, 4.0, 8.0])
    table = {"N": N.ravel(), "parallel_streams": P.ravel()}
    constants = next(iter(law.published.values())).constants
    points = Points(target=law.evaluate(table, constants), factors=table, simulated="from parscale2025")
    front = search(points, seconds=300, seed=0, seeds=None, generations=36)
    assert front.best is not None
    far = {"N": 10 * table["N"], "parallel_streams": 4 * table["parallel_streams"]}
    np.testing.assert_allclose(front.best.predict(far), law.evaluate(far, constants), rtol=1e-9)
    assert front.best.complexity <= 13
