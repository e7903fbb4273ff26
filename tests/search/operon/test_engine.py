"""The engine, driven from the parent."""

import sys
import time
import warnings
from typing import Any

import numpy as np
import pytest

from formsearch import Points, laws
from formsearch.cli import main
from formsearch.exceptions import EngineMissingError, FormsearchError
from formsearch.reading import read_points
from formsearch.search import search
from formsearch.search.engine import Config, get_engine
from formsearch.search.grammar import describe, uses
from formsearch.search.judge import folds_of
from formsearch.search.operon import engine as module
from formsearch.search.operon.engine import Effort, Operon, drawn, operators, parts

SMALL = Effort(population=300, generations=15, side=2, refine=0.0)


def config(points: Points, **changes: Any) -> Config:
    return Config(**{"variables": tuple(points.factors), "seconds": 60.0, "folds": tuple(folds_of(points)),
                     "generations": 15, **changes})  # fmt: skip


def test_finds_chinchilla_from_raw_sizes_to_double_precision(clean: Points) -> None:
    """The library alone never gets there on raw sizes, and stops at 1e-7 in its own precision."""
    front = search(clean, engine=Operon(SMALL), seconds=60, seeds=None, generations=20)
    best = min(front.candidates, key=lambda c: (c.train_error > 1e-9, c.complexity))
    assert best.train_error < 1e-12
    assert best.complexity == 11
    assert sorted(round(v, 3) for v in best.constants.values()) == [0.347, 0.367, 1.817, 477.8, 2143.0]
    assert "pyoperon" not in sys.modules, "the parent must never import it"
    assert next(s.move for s in best.steps) == "found by the engine"


@pytest.mark.slow
@pytest.mark.parametrize("clean_target", [False, True])
def test_chinchilla_five_times_of_five_on_the_real_runs(shared_table: Any, clean_target: bool) -> None:
    """The form at its least-squares optimum, from nothing, on 240 real losses and on exact ones of the same runs."""
    points = read_points(
        shared_table("chinchilla_svg"), where="is_outlier == 0", columns={"N": "params", "D": "tokens"}
    )
    if clean_target:
        law = laws["chinchilla"]
        points = points.with_target(law.evaluate(points.frame, law.published["besiroglu2024"].constants))
    expected = 0.0 if clean_target else 0.018619
    for seed in range(5):
        engine = Operon(Effort(population=500, generations=20, side=2, refine=0.0))
        found = list(engine.propose(points, config(points, seed=seed, generations=20)))
        (p,) = [p for p in found if describe(p.form) == "c0 + c1*D^-c2 + c3*N^-c4"]
        assert p.steps[-1].train_error == pytest.approx(expected, abs=1e-6)


def test_kaplan_with_seeds() -> None:
    """((A/N)**p + B/D)**q: without seeds it is not found, planted with rough constants it is."""
    law = laws["kaplan2020"]
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(5e7, 1e10, 9), np.geomspace(2e9, 2e11, 9)))
    constants = next(iter(law.published.values())).constants
    points = Points(law.evaluate({"N": N, "D": D}, constants), {"N": N, "D": D}, name="kaplan")
    for seed in range(3):
        proposals = list(Operon(SMALL).propose(points, config(points, seed=seed, seeds=(law,))))
        front = search(points, engine=Fixed(proposals), seconds=20, seeds=None)
        assert min(c.train_error for c in front.candidates) < 1e-9


class Fixed:
    """An engine that proposes what it was given."""

    name, deterministic = "fixed", "always the same proposals"

    def __init__(self, proposals: Any) -> None:
        self.proposals = proposals

    def available(self) -> None:
        return None

    def propose(self, *_: Any) -> Any:
        return self.proposals


def test_the_native_engine_goes_on_from_what_was_found(clean: Points) -> None:
    noisy = Points(
        clean.target * (1 + 0.003 * np.random.default_rng(0).normal(size=len(clean))), dict(clean.factors), name="noisy"
    )
    engine = Operon(Effort(population=200, generations=5, side=2, refine=0.5))
    found = list(engine.propose(noisy, config(noisy, generations=None, seconds=6.0)))
    assert {p.engine for p in found} == {"operon", "operon, then native"}
    assert engine.spent is not None
    assert engine.spent.tried > 1000
    assert any("child processes" in n for n in engine.notes)


def test_what_the_rounds_leave_over_is_not_lost(clean: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that could not be half done is not begun; the native engine has its time."""
    given: list[float] = []

    class Idle(module.Refinement):
        def proposals(self, found: Any, seconds: float) -> Any:
            given.append(seconds)
            return ()

    monkeypatch.setattr(module, "Refinement", Idle)
    noisy = clean.with_target(clean.target * (1 + 0.003 * np.random.default_rng(0).normal(size=len(clean))))
    begun = time.monotonic()
    effort = Effort(population=200, generations=5, side=2, rounds=1, refine=0.5)
    assert list(Operon(effort).propose(noisy, config(noisy, generations=None, seconds=200.0)))
    assert given[0] > 100.0, "more than its half"
    assert given[0] == pytest.approx(200.0 - (time.monotonic() - begun), abs=5.0)


def test_order_does_not_depend_on_which_run_ends_first(clean: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(workers: int) -> list[Any]:
        monkeypatch.setattr(module, "processors", lambda: workers)
        return [(p.form, p.constants) for p in Operon(SMALL).propose(clean, config(clean, generations=4, seed=5))]

    assert found(1) == found(2)


def test_seeds_differ(clean: Points) -> None:
    a, b = (
        [(p.form, p.constants) for p in Operon(SMALL).propose(clean, config(clean, generations=2, seed=s))]
        for s in (0, 1)
    )
    assert a != b


def test_exact_through_few_levels_is_not_settled() -> None:
    """N**-a (A + B/P**c) goes through any three values at three levels of P: the law may be a shorter one."""
    N, P = (a.ravel() for a in np.meshgrid(np.geomspace(5e8, 4e9, 9), [1.0, 2.0, 4.0]))
    target = 1.2 + 40.0 * N**-0.2 / (1 + 0.3 * np.log(P))
    points = Points(target, {"N": N, "parallel_streams": P}, name="streams")
    search = module.Search(points, config(points), SMALL, None)
    assert not search.exact()
    search.harvest.add_texts([("0.5 + 0.5*x1^(-0.2)*(0.5 + 0.5*x2^(-0.5))", 13, 1e-9)])
    assert search.exact()
    assert not search.settled()
    narrow = points.take(P == 1.0)
    alone = module.Search(narrow, config(narrow, variables=("N",)), SMALL, None)
    alone.harvest.add_texts([("0.5 + 0.5*x1^(-0.2)", 7, 1e-9)])
    assert alone.settled()


def test_one_dead_run_is_a_warning_and_the_others_count(clean: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MODULE", "tests.search.operon.child_troubled")
    original = module.Search.request

    def request(self: Any, number: int, *more: Any) -> dict[str, Any]:
        return {**original(self, number, *more), **({"trouble": "abort"} if number == 0 else {})}

    monkeypatch.setattr(module.Search, "request", request)
    with pytest.warns(RuntimeWarning, match=r"engine operon: run 0 \(seed 0\): the process died \(signal SIGABRT\)"):
        found = list(Operon(SMALL).propose(clean, config(clean, generations=3)))
    assert found


def test_if_every_run_dies_it_is_an_error(clean: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MODULE", "tests.search.operon.child_troubled")
    original = module.Search.request
    monkeypatch.setattr(module.Search, "request", lambda *a: {**original(*a), "trouble": "abort"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(FormsearchError, match=r"all 4 runs failed: run 0 .*SIGABRT"):
            list(Operon(SMALL).propose(clean, config(clean, generations=3)))


def test_runs_grow_from_round_to_round(clean: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "processors", lambda: 2)
    asked: list[dict[str, Any]] = []

    class Still:
        """Children that find nothing."""

        outcomes: tuple[()] = ()

        def __init__(self, module: str, requests: list[dict[str, Any]], *_: Any) -> None:
            asked.append({k: [r[k] for r in requests] for k in ("generations", "length", "seed", "seeds")})

        def __enter__(self) -> "Still":
            return self

        def __exit__(self, *_: Any) -> None:
            pass

        def answers(self) -> tuple[()]:
            return ()

    monkeypatch.setattr(module, "Children", Still)
    points = clean.with_target(clean.target + np.random.default_rng(0).normal(0, 0.01, len(clean)))
    effort = Effort(generations=10, rows=len(points), side=3, rounds=3)
    search = module.Search(points, config(points, generations=None, seeds=(laws["chinchilla"],)), effort, None)
    search.run()
    assert [r["generations"] for r in asked] == [[10] * 3, [30] * 2, [90] * 2]
    assert [r["length"] for r in asked] == [[35, 18, 25], [40, 50], [40, 50]]
    assert len({s for r in asked for s in r["seed"]}) == 7
    # What is known is planted everywhere at first, then into every other run.
    assert [[bool(s) for s in r["seeds"]] for r in asked] == [[True] * 3, [False, True], [False, True]]


def test_limits_on_constants_and_size(clean: Points) -> None:
    for p in Operon(SMALL).propose(clean, config(clean, generations=4, max_constants=3)):
        assert len(uses(p.form.body)) <= 3


def test_weights_are_how_often_a_row_is_drawn() -> None:
    rows = np.arange(8)
    assert drawn(rows, None, 0).tolist() == rows.tolist()
    assert drawn(rows, np.full(8, 3.0), 0).tolist() == rows.tolist()
    weight = np.array([1.0, 1, 1, 1, 1, 1, 1, 9])
    assert np.bincount(drawn(rows, weight, 0), minlength=8)[7] in (4, 5)
    counts = sum(np.bincount(drawn(rows, weight, s), minlength=8) for s in range(400))
    np.testing.assert_allclose(counts / 400, 8 * weight / 16, atol=0.1)


def test_each_run_sees_one_group(clean: Points) -> None:
    group = np.array(["a", "b", "b"])[np.arange(len(clean)) % 3]
    points = Points(clean.target, dict(clean.factors), name="grouped", group=group)
    assert [len(p) for p in parts(points, list(points.factors.values()))] == [27, 54]
    still = np.where(group == "a", 3.0, points.factors["D"])
    assert [len(p) for p in parts(points, [points.factors["N"], still])] == [54]
    assert [len(p) for p in parts(points, [np.where(group == "b", 1.0, still)])] == [81]
    found = list(Operon(SMALL).propose(points, config(points, generations=3)))
    assert found
    assert all(len(p.group_constants) == 2 for p in found)


def test_exponentials_are_for_columns_with_zeros(clean: Points) -> None:
    from formsearch.search.scaling import Scaling

    scaling = Scaling.of(clean, ("N", "D"))
    assert operators(clean, scaling, config(clean)) == ["add", "mul", "div", "pow"]
    share = np.linspace(0, 1, len(clean))
    points = Points(clean.target, {"sparsity": share}, name="zeros")
    assert operators(points, Scaling.of(points, ("sparsity",)), config(points)) == ["add", "mul", "div", "pow", "exp"]


def test_ctrl_c_keeps_what_was_found(clean: Points) -> None:
    engine = Operon(SMALL)
    told = 0

    def interrupt(_: Any) -> None:
        nonlocal told
        told += 1
        raise KeyboardInterrupt

    begun = time.monotonic()
    found = list(engine.propose(clean, config(clean, generations=10**6, seeds=(laws["chinchilla"],)), interrupt))
    assert told == 1
    assert found
    assert time.monotonic() - begun < 40


def test_missing_is_exit_code_3_with_one_command(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(EngineMissingError, match=r"pip install 'formsearch\[operon\]'$") as error:
        get_engine("operon")
    assert error.value.exit_code == 3
    monkeypatch.setattr("sys.argv", ["formsearch", "search", "zhao2025", "--engine", "operon", "--seconds", "5"])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert leaving.value.code == 3
    assert "pip install 'formsearch[operon]'" in capsys.readouterr().err
