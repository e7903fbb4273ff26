"""`formsearch run`: from a table to a report; bad input leaves nothing; a killed run goes on where it was."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.cli.conftest import conversation

QUICK = ["--laws", "chinchilla,kaplan2020", "--starts", "8", "--seconds", "20", "--generations", "1"]


@pytest.fixture
def table(runs: Path) -> Path:
    """The exact runs with noise of .003 nats/token."""
    frame = pd.read_csv(runs)
    frame["loss"] += np.random.default_rng(0).normal(0, 0.003, len(frame))
    frame.to_csv(runs, index=False)
    return runs


def results(folder: Path) -> dict[str, Any]:
    """results.json without what differs between equal runs: when, where, how long."""
    document = json.loads((folder / "results.json").read_text())
    del document["provenance"]
    for front in document["fronts"]:
        del front["seconds"], front["kernel_share"]
    return document


def optima(derivations: list[dict[str, Any]]) -> dict[str, float]:
    """Values of the optima that have one, by law, constraint and symbol."""
    return {
        f"{d['law']} {d['subject_to']} {r['symbol']}": r["value"]
        for d in derivations
        for r in d["results"]
        if r["kind"] in ("minimum", "maximum") and r["value"] is not None
    }


def test_without_data_it_explains_itself_and_offers_some(cli) -> None:
    done = cli("run")
    assert (done.code, done.out) == (2, "")
    assert "formsearch run zhao2025 --out out" in done.err
    assert cli("run", "--json").err == "error: DATA is missing: give a table or a name, e.g. formsearch run zhao2025\n"


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals")
def test_on_a_terminal_the_built_in_data_are_offered(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, text = conversation(["run"], b"\n")
    assert code == 2
    assert "Run it on the built-in data now? [y/N]" in text
    code, text = conversation(["run", "--split", "column:fit:nowhere"], b"y\n")  # goes on, as far as the split
    assert code == 2
    assert "nowhere" in text.split("[y/N]")[1]


def test_a_run_writes_report_results_and_tables(cli, table, tmp_path) -> None:
    out = tmp_path / "out"
    done = cli("run", table, *QUICK, "--out", out)
    assert done.code == 0
    assert {"report.html", "report.md", "results.json", "work.sqlite", "tables"} <= {p.name for p in out.iterdir()}
    assert list((out / "tables").glob("*.csv"))
    assert "chinchilla" in done.out
    assert f"{out}/report.html" in done.out
    document = results(out)
    assert {"chinchilla", "kaplan2020"} <= {s["law"] for s in document["leaderboards"][0]["scores"]}
    assert "chinchilla" in {d["law"] for d in document["derivations"]}
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []

    before = results(out)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "results.json").write_bytes((out / "results.json").read_bytes())
    again = cli("report", tmp_path / "copy", "--json")  # rendered from results.json alone
    assert again.code == 0
    assert again.result["folder"] == str(tmp_path / "copy")
    assert results(tmp_path / "copy") == before
    for name in ("report.html", "report.md", "report.tex"):
        assert (tmp_path / "copy" / name).read_bytes() == (out / name).read_bytes()


def test_a_run_can_be_asked_for_json_alone(cli, table, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("run", table, "--laws", "chinchilla", "--seconds", "0", "--json")
    assert done.code == 0
    assert done.result["best"] == "chinchilla"
    assert [p.name for p in tmp_path.iterdir()] == ["runs.csv"]
    needs = cli("run", table, "--laws", "zhao2025", "--seconds", "0", "--quiet")
    assert needs.code == 2
    assert "zhao2025: " in needs.err
    assert "active_experts" in needs.err


def test_simulated_data_are_called_simulated_in_every_output(cli, tmp_path) -> None:
    out = tmp_path / "out"
    done = cli("run", "zhao2025", "--laws", "zhao2025,zhao2025_eq4", "--seconds", "0", "--out", out)
    assert done.code == 0
    assert "SIMULATED target: simulated from Eq. 11" in done.out
    for name in ("report.html", "report.md", "results.json"):
        assert "simulated from Eq. 11" in (out / name).read_text()
    derived = {r["symbol"]: r for d in results(out)["derivations"] for r in d["results"] if not d["subject_to"]}
    assert derived["G"]["value"] == pytest.approx(6.78, abs=0.5)
    assert derived["S"]["value"] == pytest.approx(0.315, abs=0.05)
    low, high = derived["G"]["interval"]
    assert low < derived["G"]["value"] < high


@pytest.mark.parametrize(
    ("edit", "words", "message"),
    [
        ({"loss": "lost"}, [], "unknown target column"),
        ({}, ["--columns", "N=parms,D=tokens"], "unknown column 'parms': did you mean 'params'?"),
        ({}, ["--columns", "M=params"], "unknown quantity 'M'"),
        ({(3, "loss"): "-2.5"}, [], "loss must be > 0: row 3 has -2.5"),
        ({(4, "loss"): ""}, [], "column 'loss' must hold finite numbers: row 4 has an empty cell"),
        ({(4, "loss"): "nan"}, [], "column 'loss' must hold finite numbers: row 4 has 'nan'"),
        ({(2, "tokens"): "0"}, [], "D must be > 0: row 2 has 0.0"),
        ({(5, "params"): "7B?"}, ["--columns", "N=params,D=tokens"], "column 'params' must hold finite numbers: row 5"),
        ({}, ["--laws", "chinchila"], "unknown law 'chinchila': did you mean 'chinchilla'?"),
        ({}, ["--split", "kfolds:5"], "unknown split 'kfolds': did you mean 'kfold'?"),
        ({}, ["--objective", "hubber"], "unknown objective 'hubber': did you mean 'huber'"),
        ({}, ["--engine", "nativ"], "unknown engine 'nativ': did you mean 'native'?"),
        ({}, ["--split", "kfold:5", "--test", "0.2"], "--split and --test exclude each other"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(cli, runs, edit, words, message) -> None:
    text = runs.read_text().splitlines()
    head = text[0].split(",")
    for where, value in edit.items():
        if isinstance(where, tuple):
            row, column = where
            cells = text[row].split(",")
            cells[head.index(column)] = value
            text[row] = ",".join(cells)
        else:
            text[0] = text[0].replace(where, value)
    runs.write_text("\n".join(text) + "\n")
    done = cli("run", runs, *words, "--seconds", "1", "--out", runs.parent / "out")
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    lines = done.err.splitlines()
    assert [line for line in lines if line.startswith("error: ")] == lines[-1:]
    assert message in lines[-1]
    assert [p.name for p in runs.parent.iterdir()] == ["runs.csv"]


def test_fewer_points_than_constants_are_named(cli, runs) -> None:
    out = runs.parent / "out"
    few = ["--where", "params < 9e7 or params < 1.5e8 and tokens < 2e9", "--laws", "chinchilla", "--seconds", "0"]
    done = cli("run", runs, *few, "--out", out)
    assert done.code == 2
    assert "no law can be judged on these points; chinchilla: 5 constants, but" in done.err
    assert not out.exists()
    done = cli("run", runs, "--where", "params < 6e7", "--seconds", "0", "--out", out)
    assert done.code == 2
    assert not out.exists()


def test_other_peoples_folders_are_refused_before_the_work(cli, table, tmp_path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_text("")
    done = cli("run", table, *QUICK, "--out", tmp_path / "photos")
    assert done.code == 2
    assert "holds other files" in done.err
    assert "name a folder" in cli("run", table, *QUICK, "--out", tmp_path / "run.json").err


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.slow  # `tests/faults` kills a short run in the ordinary suite
@pytest.mark.parametrize("stage", ["searching for new forms", "deriving optima"])
def test_a_killed_run_goes_on_where_it_was(cli, table, tmp_path, stage) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "formsearch", "run", str(table), *QUICK, "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(stage):
                time.sleep(0.3)
                process.send_signal(signal.SIGKILL)
                break
        process.wait(60)
    assert process.returncode == -signal.SIGKILL
    assert not out.exists()
    assert (tmp_path / ".out.unfinished" / "work.sqlite").exists()
    assert cli("run", table, *QUICK, "--out", out).code == 0
    assert not (tmp_path / ".out.unfinished").exists()
    assert cli("run", table, *QUICK, "--out", tmp_path / "undisturbed").code == 0
    resumed, undisturbed = results(out), results(tmp_path / "undisturbed")
    # Symbolic steps have a time limit: how a derivation is written may differ on a busy machine, its numbers may not.
    assert optima(resumed.pop("derivations")) == pytest.approx(optima(undisturbed.pop("derivations")), rel=1e-6)
    assert resumed == undisturbed


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupted_run_says_how_to_go_on(table, tmp_path) -> None:
    out = tmp_path / "out"
    short = ["--laws", "chinchilla", "--starts", "4", "--seconds", "0"]
    command = [sys.executable, "-m", "formsearch", "run", str(table), *short, "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith("deriving optima"):
                process.send_signal(signal.SIGINT)
                break
        said += process.stderr.read()
        process.wait(60)
    assert process.returncode == 130
    assert "the same command goes on from there" in said
    assert said.splitlines()[-1] == "stopped: interrupted"
    assert "Traceback" not in said
    assert not out.exists()


def test_the_digitised_chinchilla_points(cli, shared_table, tmp_path) -> None:
    """Real runs end to end, without the search: the law of the paper is on the board, its frontier derived."""
    words = ["--columns", "N=params,D=tokens", "--target", "loss", "--where", "is_outlier == 0"]
    words += ["--laws", "chinchilla,kaplan2020", "--starts", "8"]
    done = cli("run", shared_table("chinchilla_svg"), *words, "--seconds", "0", "--out", tmp_path / "out")
    assert done.code == 0
    document = results(tmp_path / "out")
    board = document["leaderboards"][0]
    assert board["points"]["rows"] == 240
    assert board["points"]["simulated"] is None
    assert board["split"].startswith("ordered by C")
    assert "chinchilla" in {s["law"] for s in board["scores"]}
    assert any(d["subject_to"] == "C = 6*N*D" for d in document["derivations"])
    assert "SIMULATED" not in done.out
