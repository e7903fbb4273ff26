"""The main job: the search never sees the rows that judge, what is finished is recalled, failures are notes."""

import sys

import numpy as np
import pandas as pd
import pytest

from formsearch import Points, load, pipeline, read_points
from formsearch.exceptions import InputError, NotApplicableError, UnknownNameError
from formsearch.pipeline import Run, run
from formsearch.store import Store


def exact(noise: float = 0.0, **columns: object) -> Points:
    """loss = 1.8 + 400 N^-.34 + 400 D^-.28 on a grid of 6 x 5."""
    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(5e7, 2e9, 6), np.geomspace(1e9, 8e10, 5)))
    loss = 1.8 + 400 * n**-0.34 + 400 * d**-0.28 + np.random.default_rng(0).normal(0, noise, len(n))
    frame = pd.DataFrame({"N": n, "D": d, "loss": loss, **columns})
    return read_points(frame, name="grid", split="split" if "split" in columns else None)


QUICK = {"laws": ["chinchilla", "kaplan2020"], "seconds": 20.0, "generations": 1, "resamples": 20, "starts": 8}


@pytest.fixture(scope="module")
def noisy() -> Run:
    return run(exact(0.003), **QUICK)


def test_all_parts_are_there_and_belong_to_the_same_points(noisy: Run) -> None:
    assert noisy.ok
    assert noisy.board.best in {s.law.name for s in noisy.board.scores}
    assert noisy.front is not None
    assert noisy.front.points["hash"] == noisy.training.hash
    assert noisy.board.points["hash"] == noisy.points.hash
    assert {f.points["hash"] for f in noisy.fits} == {noisy.training.hash}
    assert noisy.fits[0].law.name == "chinchilla"
    document = noisy.to_dict()
    assert document["best"] == noisy.board.best
    assert len(document["derivations"]) == len(noisy.derivations)


def test_the_search_does_not_see_the_rows_that_judge(noisy: Run) -> None:
    held_out = set(noisy.points.rows) - set(noisy.training.rows)
    assert len(held_out) == noisy.board.test_rows == 6
    compute = noisy.points.column("C")
    judged = np.isin(noisy.points.rows, list(held_out))
    assert compute[judged].min() >= compute[~judged].max()


def test_the_compute_frontier_is_derived(noisy: Run) -> None:
    frontier = [d for d in noisy.derivations if d.law.name == "chinchilla" and d.subject_to]
    assert [d.subject_to for d in frontier] == ["C = 6*N*D"]
    assert frontier[0].ok
    growth = frontier[0].optima["N"].exponent_values["C"]
    constants = noisy.fits[0].constants
    assert growth == pytest.approx(constants["beta"] / (constants["alpha"] + constants["beta"]))


def test_accepted_forms_are_judged_on_the_same_board(noisy: Run) -> None:
    assert noisy.front is not None
    names = {s.law.name for s in noisy.board.scores}
    if noisy.front.best is not None and noisy.front.best.engine != "registry":
        assert noisy.front.best.law.name in names
    assert len(names - {"chinchilla", "kaplan2020"}) <= 2


def test_a_rerun_recalls_fits_and_front_to_the_bit(noisy: Run, tmp_path) -> None:
    with Store(tmp_path / "work.sqlite") as store:
        first = run(exact(0.003), store=store, **QUICK)
        kinds = store.kinds()
    assert kinds["front"] == 1
    assert kinds["fit"] >= 2
    with Store(tmp_path / "work.sqlite") as store:
        again = run(exact(0.003), store=store, **QUICK)
        assert store.kinds() == kinds
    assert again.to_dict() == first.to_dict()
    assert first.board.to_dict() == noisy.board.to_dict()  # and the store changes nothing


def test_other_questions_are_not_recalled(tmp_path) -> None:
    with Store(tmp_path / "work.sqlite") as store:
        run(exact(0.003), store=store, **QUICK)
        before = store.kinds()
        run(exact(0.003), store=store, **(QUICK | {"seed": 1}))
        assert store.kinds()["front"] == before["front"] + 1
        run(exact(0.004), store=store, **(QUICK | {"seconds": 0.0}))
        assert store.kinds()["fit"] > before["fit"]


def test_tokens_take_the_place_of_compute_in_a_search() -> None:
    """A table of sizes and compute: forms use tokens, never two of the three that hang together."""
    points = exact(0.003)
    n, d = points.factors["N"], points.factors["D"]
    table = Points(points.target, {"N": n, "C": 6 * n * d}, name="sizes and compute")
    done = run(table, **QUICK)
    assert done.front is not None
    assert {q for c in done.front.candidates for q in c.law.quantities} <= {"N", "D"}
    assert any(d.subject_to == "C = 6*N*D" for d in done.derivations)


def test_without_search_there_is_no_front() -> None:
    done = run(exact(0.003), **(QUICK | {"seconds": 0.0}))
    assert done.front is None
    assert done.ok


def test_the_own_split_of_the_points_is_used() -> None:
    labels = np.asarray(["fit"] * 24 + ["validation"] * 6)
    done = run(exact(0.003, split=labels), **(QUICK | {"seconds": 0.0}))
    assert done.board.split == "column split: trained on fit, tested on validation"
    assert set(done.training.frame["split"]) == {"fit"}


def test_laws_that_do_not_apply_are_an_error_with_the_reason() -> None:
    with pytest.raises(NotApplicableError, match=r"no law can be judged .* zhao2025: .*active_experts"):
        run(exact(), **(QUICK | {"laws": ["zhao2025"], "seconds": 0.0}))


def test_too_few_points_for_a_search_are_a_note() -> None:
    done = run(exact().take(np.arange(9)), **(QUICK | {"laws": ["kaplan2020_size"]}))
    assert done.front is None
    assert any(note.startswith("no search:") for note in done.notes)


def test_a_derivation_that_fails_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotApplicableError("not today")

    # Through sys.modules: as an attribute of the package, `derive` is the function.
    monkeypatch.setattr(sys.modules["formsearch.derive"], "derive", refuse)
    done = run(exact(0.003), **(QUICK | {"seconds": 0.0}))
    assert done.derivations == ()
    assert "no derivation for chinchilla under C = 6*N*D: not today" in done.notes


def test_a_run_advises_what_to_run_next() -> None:
    done = run(exact(0.003), **(QUICK | {"seconds": 0.0, "laws": ["chinchilla", "kaplan2020"]}))
    assert done.advice is not None
    assert done.advice.law == done.board.best
    assert done.to_dict()["advice"]["aims"][-1]["runs"]
    assert done.advice in done.items


def test_stages_are_told_in_order() -> None:
    told: list[tuple[str, float | None]] = []
    run(exact(0.003), progress=lambda stage, done=None, remark="": told.append((stage, done)), **QUICK)
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages[:2] == ["fitting and judging laws", "searching for new forms"]
    assert stages[-2:] == ["deriving optima", "weighing what to run next"]
    for stage in stages:  # how much is done is told of each, from which follows how long it will take
        shares = [done for name, done in told if name == stage]
        assert shares[0] == 0.0
        assert None not in shares
        # A search that is given little time on a busy machine may end before it tells anything.
        assert len(set(shares)) > 1 or stage in ("searching for new forms", "judging what was found")
    assert all(done is None or 0 <= done <= 1 for _, done in told)


def test_a_search_is_done_when_its_generations_are_or_else_its_time() -> None:
    from formsearch.pipeline import searched
    from formsearch.search.engine import Progress

    def at(seconds: float, generation: int) -> Progress:
        return Progress(seconds, 100, "E", 0.1, 1, generation)

    assert searched(at(15.0, 3), 60.0, None) == 0.25
    assert searched(at(15.0, 3), 60.0, 6) == 0.5
    assert searched(at(600.0, 3), 60.0, 6) == 0.5
    assert searched(at(45.0, 0), 60.0, 6) == 0.75
    assert searched(at(90.0, 7), 60.0, 6) == 1.0


def test_impossible_requests_fail_before_any_work() -> None:
    told: list[str] = []
    for options, error in (
        ({"laws": ["chinchila"]}, UnknownNameError),
        ({"seconds": -1.0}, InputError),
        ({"seconds": float("nan")}, InputError),
        ({"engine": "nativ"}, UnknownNameError),
        ({"split": "odered"}, UnknownNameError),
    ):
        with pytest.raises(error):
            run(exact(), progress=lambda stage, done=None, remark="": told.append(stage), **(QUICK | options))
    assert "searching for new forms" not in told


def test_it_is_the_module_that_the_command_line_uses() -> None:
    assert pipeline.run is run


def test_on_the_frontier_other_factors_are_at_their_own_optimum_or_as_in_the_dearest_run() -> None:
    done = run(load("zhao2025"), ["zhao2025"], starts=4, seconds=0.0, resamples=0)
    free, frontier = done.derivations
    dearest = int(np.argmax(done.training.column("C")))
    assert frontier.settings == {
        "N": done.training.column("N")[dearest],
        "G": 7.0,
        "S": pytest.approx(free["shared_ratio"].value),
    }
    table = next(t for t in frontier.tables if t.name == "frontier")
    assert len(table.rows) == pipeline.FRONTIER
    assert all(value is not None for row in table.rows for value in row)
