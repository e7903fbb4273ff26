"""The scripts that measure PySR: with a stand-in, and where something is missing."""

import json

import pandas as pd
import pytest

from benchmarks.pysr_real import divided, main
from benchmarks.search_quality import main as quality
from formsearch.data import load


def test_without_julia_it_says_what_is_missing(fake_pysr, capsys) -> None:
    fake_pysr(julia=None)
    assert main(["zhao2025"]) == 3
    told = capsys.readouterr()
    assert told.out.startswith("pysr 2.7.2, Julia None")
    assert told.err.startswith("missing: Julia is not installed")
    assert 'python -c "import pysr"' in told.err


def test_a_run_prints_what_was_found(fake_pysr, tmp_path, capsys, dense) -> None:
    fake_pysr(equations=["1.0", "0.593 + ((x_N ^ -0.34) * 0.183) + ((x_D ^ -0.28) * 0.165)"])
    table = tmp_path / "runs.csv"
    pd.DataFrame({"params": dense.column("N"), "tokens": dense.column("D"), "loss": dense.target}).to_csv(table)
    given = [
        str(table),
        "--columns",
        "N=params,D=tokens",
        "--seconds",
        "90",
        "--blind",
        "--folder",
        str(tmp_path / "r"),
    ]
    assert main(given) == 0
    told = capsys.readouterr().out
    assert "note: seed0: PySR 2.7.2, SymbolicRegression.jl 2.7.2, Julia 1.10.3" in told
    assert "R2 0.9" in told
    assert "best: " in told


def test_the_largest_runs_are_held_out(dense) -> None:
    train, test = divided(dense)
    assert len(test) == pytest.approx(0.2 * len(dense), abs=2)
    assert (train.column("N") * train.column("D")).max() < (test.column("N") * test.column("D")).min()
    assert [len(p) for p in divided(load("zhao2025"))] == [268, 88]


def test_an_engine_that_is_missing_does_not_end_a_comparison(fake_pysr, capsys, tmp_path) -> None:
    fake_pysr(julia=None)
    out = tmp_path / "results.json"
    assert quality(["recovery", "--engines", "pysr", "--truths", "chinchilla", "--out", str(out)]) == 0
    (result,) = json.loads(out.read_text())
    assert result["engine"] == "pysr"
    assert "Julia is not installed" in result["missing"]
    assert "pysr     missing, not measured: engine pysr: Julia is not installed" in capsys.readouterr().out
