"""The engine through its real child process, with a stand-in for PySR in all the states that PySR can be in."""

import json
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from formsearch.core.objectives import Huber
from formsearch.exceptions import EngineMissingError, FormsearchError, InputError
from formsearch.points import Points
from formsearch.registry import laws
from formsearch.search import search
from formsearch.search.engine import Config, get_engine
from formsearch.search.grammar import variables
from formsearch.search.pysr.engine import PySR
from formsearch.search.refine import seeds_of
from tests.search.fake_pysr.install import needs_pysr_2

# In scaled variables: x_N = N / 3.16e8, x_D = D / 3.16e10, y = loss / its geometric mean.
TRUTH = "0.593 + ((x_N ^ -0.34) * 0.183) + ((x_D ^ -0.28) * 0.165)"
ROWS = ["1.0", "x_N ^ -0.05", TRUTH]


def config(points, **more) -> Config:
    return Config(**{"variables": tuple(points.factors), "seconds": 60.0, "seeds": (), **more})


def formulas(proposals):
    return [p.steps[0].formula for p in proposals if len(p.steps) == 1]


def test_a_search_ends_in_a_front_of_laws_in_raw_units(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(equations=ROWS)
    engine = PySR(folder=tmp_path / "runs", refine=0.02)
    front = search(dense, engine=engine, seconds=150, seeds=None)
    assert front.best is not None
    assert front.best.engine in ("pysr", "pysr, then native")
    assert front.best.predict(dense) == pytest.approx(dense.target, abs=5e-3)
    assert any("Julia 1.10.3" in n for n in front.notes)
    assert any("SymbolicRegression.jl 2.7.2" in n for n in front.notes)
    record = json.loads((engine.folder_used / "run.json").read_text())
    assert record["runs"]["seed0"]["status"] == "done"
    assert record["runs"]["seed0"]["best"]["equation"] == TRUTH
    assert record["runs"]["seed0"]["options"]["precision"] == 64
    assert not list(engine.folder_used.rglob("checkpoint.pkl"))


def test_rows_come_back_as_written_and_mended_ones_say_so(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(equations=["0.9 + (0.3 ^ x_N)"])
    plain, *rest = PySR(folder=tmp_path, refine=0).propose(dense, config(dense))
    assert plain.steps[0].formula == "0.9 + (0.3 ^ x_N)"
    assert [p.steps[-1].move for p in rest] == [
        "mended: exponentials as powers", "mended: free exponents", "mended: both",
    ]  # fmt: skip
    assert all(p.steps[:-1] == plain.steps for p in rest)
    assert rest[0].steps[-1].formula == "c0 + c1*N^-c3"


def test_the_native_engine_goes_on_from_the_rows(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(equations=["1.0", "0.6 + (x_N ^ -0.3)"])
    engine = PySR(folder=tmp_path, mend=False, refine=0.25)
    found = list(engine.propose(dense, config(dense, generations=1)))
    assert [p.engine for p in found[:2]] == ["pysr", "pysr"]
    refined = [p for p in found if p.engine == "pysr, then native"]
    assert any("D" in variables(p.form.body) for p in refined)
    assert {law.name for law in seeds_of(found[:2])} == {"pysr-6-2", "pysr-2-1"}
    assert engine.spent.fits > 0
    with pytest.raises(InputError, match="refine is a share"):
        PySR(refine=1.5)


def test_each_seed_has_a_process_and_a_folder_of_its_own(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(equations=ROWS)
    engine = PySR(folder=tmp_path, runs=2, mend=False, refine=0)
    found = list(engine.propose(dense, config(dense, seed=5)))
    assert {p.steps[0].move for p in found} == {"PySR, seed 5", "PySR, seed 6"}
    assert {p.name for p in engine.folder_used.iterdir()} == {"run.json", "seed5", "seed6"}


@pytest.mark.parametrize("generation", [1, pytest.param(2, marks=needs_pysr_2)])
def test_both_generations_get_options_they_have(fake_pysr, dense, tmp_path, generation) -> None:
    log = tmp_path / "options.json"
    fake_pysr(generation=generation, equations=ROWS, log=str(log))
    chinchilla = config(dense, seeds=(laws["chinchilla"],))
    engine = PySR(folder=tmp_path / "runs", refine=0)
    assert formulas(engine.propose(dense, chinchilla))
    told = json.loads(log.read_text())
    if generation == 1:
        assert told["binary_operators"] == ["+", "-", "*", "/", "^"]
        assert "guesses" not in told
        assert any("takes no guesses" in n for n in engine.notes)
    else:
        assert told["operators"] == {"2": ["+", "-", "*", "/", "^"], "1": ["log", "exp"]}
        (guess,) = told["guesses"]
        assert guess.count("^") == 2
    assert told["constraints"] == {"^": [2, 1]}
    assert told["timeout_in_seconds"] < 60


def test_generations_make_a_search_serial_and_deterministic(fake_pysr, dense, tmp_path) -> None:
    log = tmp_path / "options.json"
    fake_pysr(equations=ROWS, log=str(log))
    list(PySR(folder=tmp_path / "runs", refine=0).propose(dense, config(dense, generations=3)))
    told = json.loads(log.read_text())
    assert (told["deterministic"], told["parallelism"], told["niterations"]) == (True, "serial", 3)


def test_weights_and_objectives_reach_pysr(fake_pysr, dense, tmp_path) -> None:
    log = tmp_path / "options.json"
    fake_pysr(equations=ROWS, log=str(log))
    weighted = replace(dense, weight=np.linspace(1, 2, len(dense)))
    list(PySR(folder=tmp_path / "runs", refine=0).propose(weighted, config(dense, objective=Huber(0.01, log=True))))
    assert json.loads(log.read_text())["elementwise_loss"].startswith("loss(p, t, w) = w * (p > 0 ? (let r = log(p)")


# -- ways to fail ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("julia", "backend", "words"),
    [
        (None, "", "Julia is not installed (PySR needs 1.10.0 or 1.10.3"),
        ("1.9.4", "", "Julia 1.9.4 is not a version that PySR takes"),
        ("1.10.3", None, "SymbolicRegression.jl is not installed in"),
        ("1.10.3", "1.11.3", "SymbolicRegression.jl 1.11.3 is installed in"),
    ],
)
def test_what_is_missing_is_named_with_one_command(fake_pysr, julia, backend, words) -> None:
    fake_pysr(julia=julia, backend=backend)
    with pytest.raises(EngineMissingError) as caught:
        get_engine("pysr")
    assert words in str(caught.value)
    assert f'to complete it: {sys.executable} -c "import pysr"' in str(caught.value)
    assert "--allow-julia-install" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bare_exception_at_import_is_told_as_what_it_is(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(mode="no julia", equations=ROWS, log=str(tmp_path / "log"))
    with pytest.raises(
        EngineMissingError, match=r"PySR cannot be imported: could not find Julia 1\.10\.3 - 1\.11; search"
    ):
        list(PySR(folder=tmp_path, refine=0).propose(dense, config(dense)))
    assert not (tmp_path / "log").exists()


def test_julia_is_downloaded_only_with_consent(fake_pysr, dense, tmp_path, monkeypatch) -> None:
    fake_pysr(mode="no julia", julia=None, backend=None, equations=ROWS, log=str(tmp_path / "log"))
    monkeypatch.setenv("FORMSEARCH_ALLOW_JULIA_INSTALL", "1")
    engine = get_engine("pysr")
    assert engine.allow_install
    assert engine.install()
    assert (tmp_path / "log").read_text() == "downloaded Julia"
    engine.folder, engine.refine = tmp_path / "runs", 0
    assert formulas(engine.propose(dense, config(dense)))


def test_a_crash_of_julia_at_import_is_an_error_with_a_signal(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(mode="broken julia", equations=ROWS)
    with pytest.raises(FormsearchError, match="SIGSEGV"):
        list(PySR(folder=tmp_path, refine=0).propose(dense, config(dense)))


@pytest.mark.parametrize("mode", ["abort", "zero bytes", "partial line", "raise"])
def test_what_was_on_disk_before_a_crash_is_kept(fake_pysr, dense, tmp_path, mode) -> None:
    fake_pysr(mode=mode, equations=ROWS)
    engine = PySR(folder=tmp_path, mend=False, refine=0)
    with pytest.warns(RuntimeWarning, match="engine pysr: seed 0: .*what was on disk is kept"):
        found = list(engine.propose(dense, config(dense)))
    assert set(formulas(found)) == set(ROWS[:2])
    assert ("cut line" in " ".join(engine.notes)) == (mode == "partial line")


def test_infinite_losses_are_left_out_and_counted(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(mode="infinities", equations=["log(0.0 - x_N)", "exp(exp(exp(x_D * 9.0 + 9.0)))", TRUTH])
    engine = PySR(folder=tmp_path, mend=False, refine=0)
    assert formulas(engine.propose(dense, config(dense))) == [TRUTH]
    assert any("row(s) with a loss that is not finite left out" in n for n in engine.notes)


def test_a_deaf_search_is_ended_and_its_front_kept(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(mode="deaf", equations=ROWS)
    engine = PySR(folder=tmp_path, mend=False, refine=0)
    begun = time.monotonic()
    found = list(engine.propose(dense, config(dense, seconds=4.0)))
    assert time.monotonic() - begun < 60
    assert set(formulas(found)) == set(ROWS)
    assert any("stopped at its limit" in n and "is kept" in n for n in engine.notes)


def test_a_start_that_takes_all_the_time_says_how_much_it_needs(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(mode="slow import", step=2.8, equations=ROWS)
    with pytest.raises(
        FormsearchError, match=r"starting PySR took \d s, and the search had kept 3 s for it: search 1\d times as long"
    ):
        list(PySR(folder=tmp_path, refine=0).propose(dense, config(dense, seconds=3.0)))


# -- while it runs, and afterwards -----------------------------------------------------------------------------------


def test_a_child_that_never_starts_says_what_to_run_first(fake_pysr, dense, tmp_path, monkeypatch) -> None:
    fake_pysr(mode="slow import", step=120.0, equations=ROWS)
    monkeypatch.setattr(sys.modules[PySR.__module__], "LATER", 0.5)
    with pytest.raises(
        FormsearchError, match=r"before PySR had started: Julia compiles .* run this first: .*import pysr"
    ):
        list(PySR(folder=tmp_path, refine=0).propose(dense, config(dense, seconds=1.0)))


def test_progress_is_read_from_the_files(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(step=0.9, equations=ROWS)
    seen = []
    list(PySR(folder=tmp_path, refine=0).propose(dense, config(dense), seen.append))
    assert seen
    assert seen[-1].tried >= 1
    assert seen[-1].best in ROWS


def test_an_interrupt_keeps_what_is_on_disk(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(step=0.5, equations=[*ROWS, *(f"1.0{k}" for k in range(300))])

    def interrupt(progress):
        if progress.tried >= 2:
            raise KeyboardInterrupt

    engine = PySR(folder=tmp_path, mend=False, refine=0)
    front = search(dense, engine=engine, seconds=150, seeds=None, progress=interrupt)
    assert front.status.startswith("stopped by the user")
    assert front.seconds < 100
    assert {c.steps[0].move for c in front.candidates} == {"PySR, seed 0"}


@needs_pysr_2
def test_resume_feeds_the_saved_front_back_and_keeps_the_old_files(fake_pysr, dense, tmp_path, monkeypatch) -> None:
    log = tmp_path / "options.json"
    fake = fake_pysr(equations=ROWS, log=str(log))
    first = PySR(folder=tmp_path / "runs", mend=False, refine=0)
    list(first.propose(dense, config(dense)))
    before = {p: p.read_bytes() for p in first.folder_used.rglob("*") if p.is_file()}
    monkeypatch.setenv("FAKE_PYSR", json.dumps({**fake.behaviour, "equations": ["1.5"]}))
    second = PySR(folder=tmp_path / "runs", resume=first.folder_used, mend=False, refine=0)
    found = list(second.propose(dense, config(dense)))
    assert set(json.loads(log.read_text())["guesses"]) == set(ROWS)
    # One more search with a poor find of its own still has the whole old front.
    assert {p.steps[0].formula for p in found if p.steps[0].move == "PySR, seed 0"} >= {TRUTH}
    assert {p: p.read_bytes() for p in before} == before
    assert second.folder_used != first.folder_used
    assert f"PySR started from 3 of 3 rows saved in {first.folder_used}" in second.notes


def test_resume_finds_the_last_run_on_the_same_points(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(equations=ROWS)
    runs = [PySR(folder=tmp_path, mend=False, refine=0) for _ in range(2)]
    for engine in runs:
        list(engine.propose(dense, config(dense)))
    again = PySR(folder=tmp_path, resume="last", mend=False, refine=0)
    found = list(again.propose(dense, config(dense)))
    assert {p.steps[0].move for p in found} == {"PySR, seed 0", f"PySR, saved in {runs[1].folder_used}"}
    other = dense.take(np.arange(30))
    with pytest.raises(InputError, match="no earlier run of PySR on these points"):
        list(PySR(folder=tmp_path, resume="last").propose(other, config(other)))


@needs_pysr_2
def test_work_that_was_cut_off_goes_on_from_its_front(fake_pysr, dense, tmp_path) -> None:
    """What keeps the state of a search leads to the folder, whose front is there whatever ended the process."""

    class States(dict):
        load, save = dict.get, dict.__setitem__

    log = tmp_path / "options.json"
    fake_pysr(equations=ROWS, log=str(log))
    states = States()
    for _ in range(2):
        list(PySR(folder=tmp_path / "runs", mend=False, refine=0).propose(dense, config(dense, states=states)))
    assert set(json.loads(log.read_text())["guesses"]) == set(ROWS)


def test_resume_on_1_5_says_what_it_cannot_do(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(generation=1, equations=ROWS)
    first = PySR(folder=tmp_path / "runs", mend=False, refine=0)
    list(first.propose(dense, config(dense)))
    second = PySR(folder=tmp_path / "runs", resume=first.folder_used, mend=False, refine=0)
    found = list(second.propose(dense, config(dense)))
    assert any("PySR 1.5.10 cannot go on from a saved front" in n for n in second.notes)
    assert any(p.steps[0].move.startswith("PySR, saved in") for p in found)


def test_resume_refuses_other_points_and_other_folders(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(equations=ROWS)
    first = PySR(folder=tmp_path / "runs", refine=0)
    list(first.propose(dense, config(dense)))
    other = dense.take(np.arange(30))
    with pytest.raises(InputError, match=r"was searched on other data \(points, rows"):
        list(PySR(folder=tmp_path / "runs", resume=first.folder_used, refine=0).propose(other, config(other)))
    with pytest.raises(InputError, match=r"it has no run\.json"):
        list(PySR(folder=tmp_path / "runs", resume=tmp_path).propose(dense, config(dense)))


def test_resume_refuses_rows_of_another_template(fake_pysr, dense, tmp_path) -> None:
    """`f = #1; c = [...]` around one law is another formula than around the next, and the numbers would not tell."""
    fake_pysr(equations=["f = 0.01 * (#1 / #2); c = [0.0, 0.1, -0.1, 0.0, 0.0]"])
    first = PySR(folder=tmp_path, around="chinchilla", refine=0, mend=False)
    (found,) = first.propose(dense, config(dense))
    again = PySR(folder=tmp_path, around="chinchilla", resume=first.folder_used, refine=0, mend=False)
    assert {p.form for p in again.propose(dense, config(dense, seed=3))} == {found.form}
    for around in ("skaling2026", None):
        with pytest.raises(InputError, match=r"another template \(chinchilla\): resume with the same"):
            list(PySR(folder=tmp_path, around=around, resume=first.folder_used).propose(dense, config(dense)))


# -- templates -------------------------------------------------------------------------------------------------------


def test_around_a_law_its_constants_and_the_correction_are_one_law(fake_pysr, dense, tmp_path) -> None:
    row = "f = 0.01 * (#1 / #2); c = [0.0, 0.1, -0.1, 0.0, 0.0]"
    fake_pysr(equations=[row])
    engine = PySR(around="chinchilla", folder=tmp_path, mend=False, refine=0)
    (found,) = engine.propose(dense, config(dense))
    spec = json.loads((engine.folder_used / "run.json").read_text())["task"]["template"]
    assert spec["combine"].endswith("+ f(x_N, x_D)")
    assert spec["parameters"] == {"c": 5}
    # E, A, alpha, B, beta, and the coefficient of N/D.
    assert len(found.constants) == 6
    assert found.steps[0].formula == row


def test_groups_get_constants_of_their_own(fake_pysr, dense, tmp_path) -> None:
    group = np.asarray(["a", "b"] * len(dense), dtype=object)[: len(dense)]
    points = Points(dense.target, dict(dense.factors), group=group, name="grouped")
    fake_pysr(
        equations=["f = #3 + (#1 ^ -0.3) * #4; p1 = [-1.0, 2.0]; p2 = [0.2, 0.3]; p3 = [1.0, 1.0]; p4 = [1.0, 2.0]"]
    )
    engine = PySR(folder=tmp_path, mend=False, refine=0)
    (found,) = engine.propose(points, config(points))
    scale = np.exp(np.log(points.target).mean())
    for constants, level in zip(found.group_constants, (1.0 - 0.3, 1.0 + 0.6), strict=True):
        assert any(v == pytest.approx(level * scale) for v in constants)
    # Parameters are drawn around zero: what f gets is a level, an amplitude and exponents, alike in all groups.
    record = json.loads((engine.folder_used / "run.json").read_text())
    assert record["task"]["template"]["combine"] == (
        "f(x_N, x_D, (1.0 + 0.3 * p1[category]), (0.3 + 0.1 * p2[category]), (-0.3 + 0.1 * p3[category]), "
        "(-0.3 + 0.1 * p4[category]))"
    )


def test_options_of_pysr_are_checked_before_anything_runs(fake_pysr, dense, tmp_path) -> None:
    fake_pysr(equations=ROWS)
    with pytest.raises(InputError, match="did you mean 'population_size'"):
        list(PySR(folder=tmp_path, more={"population_sizes": 3}).propose(dense, config(dense)))
    with pytest.raises(InputError, match="is set by formsearch"):
        list(PySR(folder=tmp_path, more={"niterations": 3}).propose(dense, config(dense)))
