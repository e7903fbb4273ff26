"""`formsearch fit`: constants that are known come back, and bad requests are one line."""

import json

import numpy as np
import pandas as pd
import pytest


def test_exact_runs_give_their_constants_back(cli, runs) -> None:
    done = cli("fit", runs, "--law", "chinchilla", "--json", "--bootstrap", "0")
    assert done.code == 0
    constants = done.result["constants"]
    assert constants["E"] == pytest.approx(1.8, rel=1e-6)
    assert constants["alpha"] == pytest.approx(0.34, rel=1e-5)
    assert constants["B"] == pytest.approx(400, rel=1e-4)
    assert done.result["status"]["code"] == "converged"
    assert done.result["resamples"] is None


def test_resampling_tells_how_far_it_is_and_is_the_bootstrap_of_python(runs) -> None:
    import formsearch as fs
    from formsearch.cli.fit import _resampled

    rng = np.random.default_rng(0)
    exact = fs.read_points(runs, columns={"N": "params", "D": "tokens"}, target="loss")
    points = fs.Points(exact.target + rng.normal(0, 0.01, len(exact)), exact.factors)
    fitted = fs.fit("kaplan2020_size", points)
    told: list[tuple[str, float | None]] = []
    found = _resampled(fitted, 600, 3, lambda stage, done=None, remark="": told.append((stage, done)))
    assert [stage for stage, _ in told] == ["resampling"] * len(told)
    assert [done for _, done in told] == pytest.approx([0, 250 / 600, 500 / 600])
    assert np.array_equal(found.constants, fitted.bootstrap(600, seed=3).constants)


def test_the_digitised_chinchilla_points_give_the_published_optimum(cli, shared_table) -> None:
    """Besiroglu et al. 2024: sum of Huber(1e-3) on log loss over 240 points, .00101827404 at the optimum."""
    table = shared_table("chinchilla_svg")
    words = ["--columns", "N=params,D=tokens", "--target", "loss", "--where", "is_outlier == 0"]
    done = cli("fit", table, *words, "--law", "chinchilla", "--objective", "huber:1e-3:log", "--json")
    assert done.code == 0
    assert done.result["objective"] == pytest.approx(0.00101827404, rel=1e-6)
    published = {"E": 1.8172, "alpha": 0.3473, "beta": 0.3672, "A": 477.8, "B": 2143}
    assert done.result["constants"] == pytest.approx(published, rel=0.01)
    low, high = done.result["resamples"]["intervals"]["alpha"]
    assert low < 0.3473 < high


def test_it_prints_constants_intervals_status_and_what_is_simulated(cli) -> None:
    done = cli("fit", "zhao2025", "--law", "zhao2025_eq4", "--bootstrap", "20", "--where", "split == 'fit'")
    assert done.code == 0
    assert "SIMULATED target: simulated from Eq. 11" in done.out
    assert "on 268 points of zhao2025" in done.out
    assert "90 % interval" in done.out
    assert "status: converged" in done.out
    assert cli("fit", "zhao2025", "--law", "zhao2025_eq4", "--bootstrap", "0", "--quiet").out == ""


@pytest.mark.parametrize("formula", ["1.7 + 6/log(N)", "1.7 + N**-N**-N**-N**-N"])
def test_a_form_without_constants_is_scored_and_said_to_have_none(cli, runs, tmp_path, formula: str) -> None:
    done = cli("fit", runs, "--formula", formula, "--json", "--out", tmp_path / "out")
    assert done.code == 0
    assert done.result["constants"] == {}
    assert done.result["identifiability"]["sentences"] == ["the form has no constants to be identified"]
    assert done.result["objective"] > 0
    assert done.result["resamples"] is None
    assert (tmp_path / "out" / "report.html").exists()
    printed = cli("fit", runs, "--formula", formula).out
    assert "the form has no constants" in printed
    assert "interval" not in printed


def test_constants_can_be_fixed_and_tied(cli, runs) -> None:
    fixed = cli("fit", runs, "--law", "chinchilla", "--fix", "E=1.8,alpha=0.34", "--json", "--bootstrap", "0").result
    assert set(fixed["constants"]) == {"A", "B", "beta"}
    tied = cli("fit", runs, "--law", "chinchilla", "--tie", "alpha=beta", "--json", "--bootstrap", "0").result
    assert set(tied["constants"]) == {"E", "A", "B", "alpha"}


def test_constants_by_group(cli, runs) -> None:
    table = pd.read_csv(runs)
    table["loss"] += np.random.default_rng(0).normal(0, 0.002, len(table))
    table.to_csv(runs, index=False)
    words = ["--law", "chinchilla", "--group", "kind", "--by-group", "--shared", "E,alpha,beta"]
    done = cli("fit", runs, *words, "--json")
    assert done.code == 0
    assert set(done.result["group_constants"]) == {"a", "b"}
    groups = done.result["group_constants"].values()
    assert len({c["E"] for c in groups}) == 1
    shown = cli("fit", runs, *words)
    assert "group" in shown.out


def test_the_document_goes_to_a_file(cli, runs, tmp_path) -> None:
    path = tmp_path / "deep" / "fit.json"
    assert cli("fit", runs, "--law", "chinchilla", "--bootstrap", "0", "--out", path).code == 0
    assert json.loads(path.read_text())["result"]["law"] == "chinchilla"
    assert [p.name for p in path.parent.iterdir()] == ["fit.json"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--law", "chinchila"], "unknown law 'chinchila': did you mean 'chinchilla'?"),
        (["--law", "zhao2025"], "needs"),
        (["--law", "chinchilla", "--objective", "hubber"], "unknown objective 'hubber': did you mean 'huber'"),
        (["--law", "chinchilla", "--objective", "huber:-1"], "delta must be positive"),
        (["--law", "chinchilla", "--fix", "gamma=1"], "unknown constant of law chinchilla 'gamma'"),
        (["--law", "chinchilla", "--fix", "E=big"], "'big' is not a number"),
        (["--law", "chinchilla", "--by-group"], "group"),
        (["--law", "chinchilla", "--where", "params < 6e7 and tokens < 5e9"], "5 constants"),
    ],
)
def test_bad_requests_are_one_line_and_leave_nothing(cli, runs, tmp_path, words, message) -> None:
    out = tmp_path / "out"
    done = cli("fit", runs, *words, "--out", out)
    assert (done.code, done.out) == (2, "")
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in done.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["runs.csv"]
