"""The comparison as a whole: every law on exactly the same rows, or a reason why not."""

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.model_selection import ShuffleSplit

from formsearch import Law, Points, Variable, laws
from formsearch.compare import Column, KFold, LeaveOneLevelOut, Ordered, RepeatedKFold, compare
from formsearch.compare.leaderboard import Leaderboard
from formsearch.compare.words import significant
from formsearch.exceptions import InputError, NotApplicableError, PointsError, UnknownNameError
from formsearch.law import Published
from formsearch.resume import remembering
from formsearch.store import Store

TRUTH = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2100.0, "beta": 0.37}

POWER = Law("only_size", "E + A*N**-alpha", (Variable("N", "N"),))
REAL_N = Variable("N", "N")


def runs(n: int = 60, sigma: float = 0.01, seed: int = 0, **options: object) -> Points:
    rng = np.random.default_rng(seed)
    factors = {"N": 10 ** rng.uniform(8, 10, n), "D": 10 ** rng.uniform(9, 11, n)}
    loss = laws["chinchilla"].evaluate(factors, TRUTH) + sigma * rng.normal(size=n)
    return Points(loss, factors, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    return compare(runs(), ["chinchilla", POWER, "zhao2025"], split=Ordered("C"), published=True)


def test_the_true_form_wins_and_the_verdict_says_by_how_much(board: Leaderboard) -> None:
    assert board.best == "chinchilla"
    pair = board.pair("only_size", "chinchilla")
    assert pair.better == "chinchilla"
    assert pair.distinct()
    assert board.sentences[0] == "the 90 % confidence set of the best law is: chinchilla"
    assert board.sentences[1].startswith("chinchilla beats only_size: mean absolute error")
    assert pair.low < pair.difference < pair.high
    score = board.score("chinchilla")
    assert score.fit is not None
    assert score.fit.points["rows"] == board.train_rows == 48
    assert score.constants == 5
    assert score.intervals["mae"][0] < score.test.mae < score.intervals["mae"][1]


def test_errors_are_those_of_the_fit_on_the_held_out_rows(board: Leaderboard) -> None:
    from formsearch.fit import fit

    p = runs()
    ((train, test),) = Ordered("C").split(p)
    own = fit("chinchilla", p.take(train))
    residual = own.predict(p.take(test)) - p.target[test]
    score = board.score("chinchilla")
    assert score.test.mae == pytest.approx(np.abs(residual).mean(), rel=1e-9)
    assert score.test.rmse == pytest.approx(np.sqrt((residual**2).mean()), rel=1e-9)
    assert score.train.mae == pytest.approx(np.abs(own.predict(p.take(train)) - p.target[train]).mean(), rel=1e-9)
    n, k = 48, 6
    rss = 2 * own.objective
    gauss = -0.5 * n * (math.log(2 * math.pi * rss / n) + 1)
    assert score.criteria is not None
    assert score.criteria.bic == pytest.approx(k * math.log(n) - 2 * gauss)
    assert score.criteria.aicc == pytest.approx(2 * k - 2 * gauss + 2 * k * (k + 1) / (n - k - 1))


def test_published_constants_stand_as_printed(board: Leaderboard) -> None:
    printed = board.score("chinchilla [besiroglu2024]")
    assert printed.kind == "published"
    assert printed.fit is None
    assert printed.constants == 0
    assert dict(printed.values) == dict(laws["chinchilla"].published["besiroglu2024"].constants)
    p = runs()
    ((_, test),) = Ordered("C").split(p)
    values = laws["chinchilla"].evaluate(p.frame.iloc[test], printed.values)
    assert printed.test.mae == pytest.approx(np.abs(values - p.target[test]).mean())
    assert any("published constants stand as printed" in n for n in board.notes)
    with pytest.raises(UnknownNameError):
        board.pair("chinchilla [besiroglu2024]", "only_size")


def test_what_lacks_a_quantity_is_listed_once_with_the_reason(board: Leaderboard) -> None:
    assert board.not_applicable == (("zhao2025", "the points lack N_active, active_experts, shared_ratio"),)
    with pytest.raises(UnknownNameError, match="not judged: the points lack N_active"):
        board.score("zhao2025")


def test_the_board_can_be_cited(board: Leaderboard) -> None:
    p = runs()
    for text in (board.caption(), board.markdown(), board.latex().replace("\\", "")):
        assert p.hash in text
        assert "ordered by C" in text
        assert "LeastSquares(raw)" in text
        assert "seed 0" in text
    data = json.loads(json.dumps(board.to_dict(), allow_nan=False))
    assert data["points"]["hash"] == p.hash
    assert data["scores"][0]["folds"][0]["train_rows"] == 48
    assert data["distance"]["outside"] == 1.0
    assert {"better", "worse", "p_holm"} <= set(data["pairs"][0])


def test_renderings_hold_every_row(board: Leaderboard) -> None:
    table = board.table
    assert list(table["law"]) == list(board.labels)
    assert table["mae"].is_monotonic_increasing
    assert len(board.csv().splitlines()) == len(table) + 1
    console = Console(width=240, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(board)
    console.file.close()
    shown = console.export_text()
    for label in board.labels:
        assert label in shown
        assert f"| {label}" in board.markdown()
        assert label.replace("_", r"\_") in board.latex()
    assert board.latex().count(r"\midrule") == 1
    assert r"\hline" not in board.latex()


def test_figures_have_every_law_and_row(board: Leaderboard) -> None:
    parity = board.parity()
    assert len(parity) == len(board.labels) * 60
    assert (parity["residual"] == parity["predicted"] - parity["observed"]).all()
    residuals = board.residuals()
    assert len(residuals) == 2 * len(parity)
    assert set(residuals["factor"]) == {"N", "D"}
    errors = board.error_by_distance()
    assert len(errors) == len(board.labels) * 12
    assert (errors["overall"] > 0).all()
    assert "beyond:C" in errors
    assert len(board.by_fold()) == len(board.labels)


def test_a_law_that_is_undefined_on_a_row_gets_no_score_and_says_which_row() -> None:
    # ln(D - D0) does not exist below D0, which the fit to the large rows puts above the smallest.
    cut = Law("cut", "E - b*log(D/1e10 - 1)", (Variable("D", "D"),))
    rng = np.random.default_rng(0)
    d = np.concatenate([10 ** rng.uniform(10.2, 11, 20), [5e9, 2e10, 3e10]])
    p = Points(3 - 0.1 * np.log10(d), {"D": d}, split=np.asarray(["fit"] * 20 + ["validation"] * 3, dtype=object))
    board = compare(p, [cut, "kaplan2020_data"], split=Column())
    assert board.labels == ("kaplan2020_data",)
    ((label, reason),) = board.not_applicable
    assert label == "cut"
    assert "no finite value on 1 of 3 test rows (first: row 21, D = 5e+09)" in reason


def test_only_laws_that_were_named_may_give_another_quantity() -> None:
    rng = np.random.default_rng(0)
    factors = {"C": 10 ** rng.uniform(18, 22, 30), "activation_ratio": rng.uniform(0.05, 1, 30)}
    p = Points(rng.uniform(1, 2, 30), factors | {"granularity_width": rng.uniform(2, 16, 30)})
    cheap = Law("cheap", "E + A*C**-a", (Variable("C", "C"),))
    board = compare(p, ["all", cheap], split=KFold(2), starts=1)
    assert "cheap" in board.labels
    assert ("tian2025", "it gives efficiency_leverage, the points' target is loss") in board.not_applicable
    assert "tian2025" in compare(p, ["tian2025", cheap], split=KFold(2), starts=1).labels


def test_the_law_to_use_is_told_first() -> None:
    first = compare(runs(), ["chinchilla", "skaling2026"], split=Ordered("C")).sentences[0]
    assert first.startswith(
        ("the 90 % confidence set", "chinchilla is the law to use", "skaling2026 is the law to use")
    )


def test_a_terminal_shows_whole_columns_only(board: Leaderboard) -> None:
    seen = []
    for width in (30, 60, 80, 100, 120, 200):
        console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
        console.print(board)
        console.file.close()
        text = console.export_text()
        assert "…" not in text
        head = next(line for line in text.splitlines() if " MAE" in line).split()
        seen.append(head)
        for score in board.scores:
            assert significant(score.test.mae) in text
    assert seen[0] == ["law", "k", "MAE"]
    assert all(set(narrow) <= set(wide) for narrow, wide in pairwise(seen))
    assert {"verdict", "train", "p", "starts", "rel.", "R2", "RMSE", "BIC"} <= set(seen[-1])


def test_more_constants_than_training_rows_is_a_reason() -> None:
    board = compare(runs(8), ["chinchilla", POWER], split=Ordered("C", test=0.5))
    assert board.not_applicable[0][0] == "chinchilla"
    assert "5 constants" in board.not_applicable[0][1]
    assert "trains on 4 rows only" in board.not_applicable[0][1]
    assert board.best == "only_size"


def test_nothing_to_judge_is_a_board_without_scores() -> None:
    board = compare(runs(), ["zhao2025"], split=KFold())
    assert board.scores == ()
    assert board.best is None
    assert board.sentences == ()
    assert "No law could be judged." in board.markdown()
    assert json.loads(json.dumps(board.to_dict(), allow_nan=False))["best"] is None
    assert len(board.table) == 0
    assert board.latex()
    assert board.parity().empty


def test_random_folds_test_every_row_and_use_the_corrected_t() -> None:
    p = runs(40)
    board = compare(p, ["chinchilla", POWER], split=RepeatedKFold(4, 3), starts=4)
    assert board.test_rows == 40
    assert len(board.fold_labels) == 12
    assert board.pairs[0].test == "corrected resampled t"
    assert board.pairs[0].distinct()
    score = board.score("chinchilla")
    # Each row weighs once, however often it is tested; in-sample rows are all rows.
    tested = board.parity().query("law == 'chinchilla' and part == 'test'")
    assert len(tested) == 120
    by_row = tested.assign(error=tested["residual"].abs()).groupby("row")["error"].mean()
    assert score.test.mae == pytest.approx(by_row.mean())
    assert score.fit is not None
    assert score.fit.points["rows"] == 40


def test_any_scikit_learn_splitter_will_do() -> None:
    board = compare(runs(30), [POWER], split=ShuffleSplit(2, test_size=0.3, random_state=0))
    assert board.fold_labels == ("fold 1", "fold 2")
    assert "ShuffleSplit" in board.split


def test_published_objectives_stand_beside_the_common_one() -> None:
    board = compare(runs(), ["chinchilla", POWER], split="ordered:C:0.2", objective="published")
    assert set(board.labels) == {"chinchilla", "chinchilla (Huber(0.001, log))", "only_size"}
    assert board.score("chinchilla (Huber(0.001, log))").objective == "Huber(0.001, log)"
    assert any(n.startswith("no objective was published for only_size") for n in board.notes)
    assert "Huber(0.001, log)" in board.markdown()
    alone = compare(runs(), ["chinchilla"], split="ordered:C:0.2", objective=["huber:1e-3", "published"])
    assert alone.labels == ("chinchilla",)


def test_constants_per_group_are_counted_and_scored_by_group() -> None:
    a, b = runs(30, seed=1), runs(30, seed=2)
    p = Points(
        np.concatenate([a.target, b.target + 0.5]),
        {q: np.concatenate([a.factors[q], b.factors[q]]) for q in ("N", "D")},
        group=np.asarray(["a"] * 30 + ["b"] * 30, dtype=object),
        other={"family": np.asarray(["x"] * 30 + ["y"] * 30, dtype=object)},
    )
    split = Ordered("C", within="group")
    pooled = compare(p, ["chinchilla"], split=split)
    grouped = compare(p, ["chinchilla"], split=split, by="group")
    assert grouped.scores[0].constants == 10
    assert set(grouped.scores[0].by_group) == {"a", "b"}
    assert grouped.scores[0].test.mae < 0.2 * pooled.scores[0].test.mae
    assert "constants per group" in grouped.notes
    assert "MAE by group" in grouped.markdown()
    family = compare(p, ["chinchilla"], split=split, by="family")
    assert family.scores[0].test.mae == pytest.approx(grouped.scores[0].test.mae, rel=1e-6)
    held = compare(p, ["chinchilla"], split=LeaveOneLevelOut("group"), by="group")
    assert "tests group 'a', which it does not train on" in held.not_applicable[0][1]
    with pytest.raises(NotApplicableError, match="cannot group by 'kind'; its other columns are family"):
        compare(p, ["chinchilla"], by="kind")


def test_weights_reach_scores() -> None:
    p = runs(40)
    w = np.where(np.arange(40) % 2 == 0, 1.0, 0.0)
    weighted = Points(p.target, p.factors, weight=w)
    board = compare(weighted, [POWER], split=Ordered("C"))
    ((_, test),) = Ordered("C").split(p)
    tested = board.parity().query("part == 'test'")["residual"].abs().to_numpy()
    assert board.scores[0].test.mae == pytest.approx(np.average(tested, weights=w[test]))
    assert any("weighted" in n for n in board.notes)
    none = Points(p.target, p.factors, weight=np.where(np.isin(np.arange(40), test), 0.0, 1.0))
    with pytest.raises(PointsError, match="all test rows have weight 0"):
        compare(none, [POWER], split=Ordered("C"))


def test_simulated_points_are_called_so() -> None:
    p = runs(30, simulated="drawn from a known law")
    board = compare(p, [POWER], split=KFold(3), starts=2)
    assert "the target was not measured: drawn from a known law" in board.notes
    assert "simulated points" in board.caption()


def test_derived_quantities_are_named_with_their_users() -> None:
    p = runs(30)
    board = compare(p, ["kaplan2020_compute"], split=Ordered("C"), starts=4)
    assert any("derived quantity C = 6*N*D" in n and "kaplan2020_compute" in n for n in board.notes)


def test_a_wild_extrapolation_is_named_and_leaves_the_confidence_set() -> None:
    far = Published({"E": 1.8, "A": -500.0, "alpha": 0.1}, "a test", "text")
    wild = Law("wild", "E + A*N**-alpha", (REAL_N,), published={"far": far})
    board = compare(runs(), [wild, "chinchilla"], split=Ordered("C"), published=True)
    assert "misses 12 of 12 test rows by more than the range" in board.score("wild [far]").off_scale
    assert board.score("chinchilla").off_scale == ""


def test_an_interrupted_comparison_skips_the_fits_that_are_done(tmp_path) -> None:
    p = runs(30)

    def stop(done: int, total: int, label: str) -> None:
        if done == 5:
            raise KeyboardInterrupt

    whole = compare(p, [POWER, "chinchilla"], split=KFold(3), starts=4)
    with Store(tmp_path / "work.sqlite") as store:
        fitter = remembering(store)
        with pytest.raises(KeyboardInterrupt):
            compare(p, [POWER, "chinchilla"], split=KFold(3), starts=4, fitter=fitter, progress=stop)
        assert len(store) == 5
        resumed = compare(p, [POWER, "chinchilla"], split=KFold(3), starts=4, fitter=fitter)
        assert len(store) == 8
    assert json.dumps(resumed.to_dict()) == json.dumps(whole.to_dict())


def test_two_processes_give_the_same_board() -> None:
    p = runs(30)
    done: list[tuple[int, int]] = []
    one = compare(p, [POWER, "kaplan2020"], split=KFold(3), starts=2, progress=lambda i, n, _: done.append((i, n)))
    two = compare(p, [POWER, "kaplan2020"], split=KFold(3), starts=2, n_jobs=2)
    assert done == [(i + 1, 8) for i in range(8)]
    pd.testing.assert_frame_equal(one.table, two.table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"laws": "chinchila"}, "unknown law 'chinchila': did you mean 'chinchilla'"),
        ({"laws": []}, "no laws to compare"),
        ({"laws": [POWER, Law("only_size", "E + A/N", (REAL_N,))]}, "two different laws are named 'only_size'"),
        ({"laws": [POWER], "metric": "mea"}, "unknown metric 'mea': did you mean 'mae'"),
        ({"laws": [POWER], "split": "fold:3"}, "unknown split 'fold'"),
        ({"laws": [POWER], "split": 3}, "split must be a split"),
        ({"laws": [POWER], "level": 1.5}, "level must be from 0.5 to below 1"),
        ({"laws": [POWER], "resamples": 10}, "resamples must be at least 100"),
        ({"laws": [POWER], "objective": "hubert"}, "unknown objective 'hubert'"),
        ({"laws": [POWER], "cluster": "run"}, "unknown column 'run'"),
    ],
)
def test_a_wrong_request_is_told_in_one_line(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        compare(runs(20), **{"split": KFold(2), **options})
    assert "\n" not in str(error.value)


# -- real tables -------------------------------------------------------------------------------------------------


def farseer_board(path: Path, starts: int) -> Leaderboard:
    from formsearch import read_points

    p = read_points(path, target="loss", columns={"N": "params_nonemb", "D": "tokens"})
    names = ["skaling2026", "farseer2025", "chinchilla"]
    return compare(p, names, KFold(5), "log-ls", starts, metric="relative", published=True)


def test_farseer_runs_need_a_coupled_form(shared_table) -> None:
    board = farseer_board(shared_table("farseer"), starts=4)
    for name in ("skaling2026", "farseer2025"):
        pair = board.pair(name, "chinchilla")
        assert pair.better == name
        assert pair.ratio > 3
        assert pair.ratio_low > 3
        assert pair.distinct()
        assert any(s.startswith(f"{name} beats chinchilla: mean relative error") for s in board.sentences)
    assert board.score("farseer2025 [farseer2025]").test.relative == pytest.approx(0.00226, abs=5e-6)


@pytest.mark.slow
def test_farseer_runs_give_the_documented_errors(shared_table) -> None:
    board = farseer_board(shared_table("farseer"), starts=16)
    documented = {"farseer2025": 0.00144, "skaling2026": 0.00193, "chinchilla": 0.00682}
    for name, error in documented.items():
        assert board.score(name).test.relative == pytest.approx(error, abs=1.5e-5)
    assert board.best == "farseer2025"
    assert board.score("farseer2025").ok


def test_digitised_chinchilla_points_agree_with_the_replication(shared_table) -> None:
    from formsearch import read_points
    from formsearch.core.objectives import Huber

    p = read_points(shared_table("chinchilla_svg"), target="loss", columns={"N": "params", "D": "tokens"},
                    where="is_outlier == 0")  # fmt: skip
    assert len(p) == 240
    board = compare(p, ["chinchilla"], split=KFold(5), objective="huber:1e-3", published=True)
    ours, objective = board.score("chinchilla").values, Huber(1e-3)
    stated = {"A": 124.58, "B": 1293.23, "E": 0.03, "alpha": 0.02, "beta": 0.02}
    theirs = board.score("chinchilla [besiroglu2024]").values
    for symbol, error in stated.items():
        assert abs(ours[symbol] - theirs[symbol]) < error
    best = board.scores[0].fit or board.score("chinchilla").fit
    assert best is not None
    law = laws["chinchilla"]
    printed = objective.value(p.target, law.evaluate(p.frame, law.published["hoffmann2022_printed"].constants))
    assert best.objective == pytest.approx(0.00101827404, rel=1e-6)
    assert printed > 4 * best.objective
