"""The configuration file on the command line: when it is used, and that options override it."""

import json
from pathlib import Path

import pytest

CONFIG = """
data = "runs.csv"
laws = ["chinchilla", "kaplan2020"]
objective = "huber:1e-3"
split = "kfold:4"
seed = 7
out = "answer"
[columns]
N = "params"
D = "tokens"
[scale]
N = 2
[budget]
seconds = 0
"""


@pytest.fixture
def folder(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(runs.parent)
    (runs.parent / "formsearch.toml").write_text(CONFIG)
    return runs.parent


def test_without_data_it_is_used_and_said(cli, folder) -> None:
    done = cli("compare", "--json")
    assert done.code == 0
    assert done.err.splitlines()[0] == "note: options from formsearch.toml"
    board = done.result
    assert {s["law"] for s in board["scores"]} == {"chinchilla", "kaplan2020"}
    assert board["points"]["ranges"]["N"] == [1e8, 1.6e9]
    assert board["objective"] == "Huber(0.001, log)"
    assert "4 random folds" in board["split"]
    assert board["seed"] == 7
    assert cli("compare", "--quiet").err == ""


def test_options_override_it(cli, folder) -> None:
    done = cli("compare", "--laws", "chinchilla", "--objective", "ls", "--seed", 1, "--scale", "D=2", "--json")
    board = done.result
    assert [s["law"] for s in board["scores"]] == ["chinchilla"]
    assert board["objective"] == "LeastSquares(raw)"
    assert board["seed"] == 1
    assert board["points"]["ranges"]["N"] == [1e8, 1.6e9]
    assert board["points"]["ranges"]["D"] == [2e9, 5.4e10]
    assert cli("compare", "--scale", "N=1", "--json").result["points"]["ranges"]["N"] == [5e7, 8e8]


def test_it_is_used_for_its_own_table_only(cli, folder) -> None:
    assert cli("data", "./runs.csv", "--json").result["points"]["ranges"]["N"] == [1e8, 1.6e9]
    (folder / "other.csv").write_text((folder / "runs.csv").read_text())
    done = cli("data", "other.csv", "--json")
    assert done.result["points"]["ranges"]["N"] == [5e7, 8e8]
    assert done.err == "note: formsearch.toml describes another table and is not used; --config uses it\n"
    asked = cli("data", "other.csv", "--config", "formsearch.toml", "--json")
    assert asked.result["points"]["ranges"]["N"] == [1e8, 1.6e9]
    assert asked.result["points"]["name"] == "other.csv"


def test_paths_in_it_are_beside_it(cli, folder, tmp_path, monkeypatch) -> None:
    (folder / "law.py").write_text('FORMULA = "E + A/N**a + B/D**b"\n')
    (folder / "formsearch.toml").write_text('data = "runs.csv"\nlaws = ["law.py"]\n')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    done = cli("compare", "--config", "../formsearch.toml", "--json")
    assert done.code == 0
    assert [s["law"] for s in done.result["scores"]] == ["law"]


def test_a_run_needs_nothing_else_and_its_report_says_the_whole_command(cli, folder) -> None:
    assert cli("run", "--laws", "chinchilla").code == 0
    document = json.loads((folder / "answer" / "results.json").read_text())
    command = document["provenance"]["command"]
    for part in ("run --laws chinchilla runs.csv", "--columns N=params", "--scale N=2", "--objective huber:1e-3",
                 "--split kfold:4", "--seconds 0", "--seed 7"):  # fmt: skip
        assert part in command
    assert "kaplan2020" not in command
    assert {s["law"] for s in document["leaderboards"][0]["scores"]} == {"chinchilla"}


def test_what_excludes_a_key_goes_before_it(cli, folder) -> None:
    done = cli("run", "--test", "0.3", "--laws", "chinchilla", "--json", "--out", "x")
    assert done.code == 0
    assert done.result["leaderboard"]["split"].startswith("ordered by C")


def test_one_law_serves_fit(cli, folder) -> None:
    assert "which law?" in cli("fit").err
    (folder / "formsearch.toml").write_text(CONFIG.replace('["chinchilla", "kaplan2020"]', '"chinchilla"'))
    assert cli("fit", "--bootstrap", "0", "--json").result["law"] == "chinchilla"


def test_all_laws_are_for_the_verbs_that_take_all(cli, folder) -> None:
    (folder / "formsearch.toml").write_text('data = "runs.csv"\nlaws = "all"\nstarts = 2\n')
    done = cli("advise", "--laws", "chinchilla", "--json")
    assert done.code == 0, done.err
    assert done.result["law"] == "chinchilla"
    assert "unknown law" not in cli("advise", "--runs", "1").err


def test_problems_are_all_told_a_line_each(cli, folder) -> None:
    (folder / "formsearch.toml").write_text('data = "runs.csv"\nlaws = "chinchila"\nstarts = 0\n')
    done = cli("compare")
    assert (done.code, done.out) == (2, "")
    assert [line.split(" = ")[0] for line in done.err.splitlines()] == [
        "error: formsearch.toml: laws[0]",
        "error: formsearch.toml: starts",
    ]
    assert cli("compare", "zhao2025", "--config", "nowhere.toml").err.startswith("error: nowhere.toml: no such file")


def test_data_must_be_named_somewhere(cli, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for verb in ("compare", "search"):
        done = cli(verb)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"error: DATA is missing: give a table or a name, e.g. formsearch {verb} zhao2025")
    (tmp_path / "formsearch.toml").write_text('laws = "chinchilla"\n')
    assert "data is missing" in cli("compare").err
    assert "built in" in cli("data").out  # lists data sets, whatever lies here
