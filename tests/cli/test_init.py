"""`formsearch init`: a configuration from a table, that then serves every verb."""

import os
from pathlib import Path

import pandas as pd
import pytest

from formsearch.config import read_config
from tests.cli.conftest import conversation


@pytest.fixture
def export(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The exact runs as a tracker writes them: sizes in millions, some runs crashed, two corpora."""
    frame = pd.read_csv(runs)
    frame = pd.concat([frame.assign(dataset="c4"), frame.assign(dataset="pile", loss=frame.loss + 0.2)])
    crashed = frame.index == 7
    table = pd.DataFrame(
        {
            "Name": [f"run-{i}" for i in range(len(frame))],
            "State": ["crashed" if c else "finished" for c in crashed],
            "n_params": frame.params / 1e6,
            "tokens_B": frame.tokens / 1e9,
            "val/loss": frame.loss.where(~crashed),
            "dataset": frame.dataset,
        }
    )
    monkeypatch.chdir(runs.parent)
    table.to_csv("export.csv", index=False)
    return runs.parent


def test_what_is_written_serves_every_verb(cli, export) -> None:
    done = cli("init", "export.csv")
    assert done.code == 0
    for part in ("millions", "State marks runs to leave out", "2 kinds of runs", "written: formsearch.toml",
                 "  formsearch run --out out"):  # fmt: skip
        assert part in done.out
    found = read_config(export / "formsearch.toml")
    assert found.data == "export.csv"
    assert found.scale == {"N": 1e6, "D": 1e9}
    assert found.group == ["dataset"]
    described = cli("data", "export.csv", "--json").result["points"]
    assert described["rows"] == 38
    assert described["ranges"]["N"] == [5e7, 8e8]
    assert cli("compare", "--laws", "chinchilla", "--json").result["best"] == "chinchilla"
    text = (export / "formsearch.toml").read_text()
    assert "# n_params runs from 50 to 800: too few for parameters; in millions" in text
    assert "# quantity = column; not used: Name, State" in text
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_what_is_given_is_not_guessed(cli, export) -> None:
    options = ["--scale", "N=1e3", "--where", "State != 'crashed'", "--duplicates", "mean", "--last-by", "Name"]
    done = cli("init", "export.csv", *options, "--out", "sub/runs.toml", "--json")
    assert done.code == 0
    configuration = done.result["configuration"]
    assert configuration["data"] == "../export.csv"
    assert configuration["scale"]["N"] == 1e3
    assert configuration["where"] == "State != 'crashed'"
    assert done.result["reasons"]["duplicates"] == "as given"
    assert read_config(export / "sub" / "runs.toml").last_by == ["Name"]
    assert cli("data", "--config", "sub/runs.toml", "--json").result["points"]["rows"] == 38


def test_files_are_not_overwritten(cli, export) -> None:
    (export / "formsearch.toml").write_text("# mine\n")
    done = cli("init", "export.csv")
    assert done.code == 2
    assert "--force overwrites it" in done.err
    assert (export / "formsearch.toml").read_text() == "# mine\n"
    assert cli("init", "export.csv", "--force", "--quiet").out == ""
    assert (export / "formsearch.toml").read_text() != "# mine\n"
    assert "written as *.toml" in cli("init", "export.csv", "--out", "x.json").err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "unknown file 'nothing'"),
        (["nothing.csv"], "no such file: nothing.csv"),
        (["zhao2025"], "formsearch run zhao2025"),
        (["export.csv", "--target", "los"], "unknown target column 'los'"),
        ([], "DATA is missing"),
    ],
)
def test_bad_input_leaves_nothing(cli, export, words, message) -> None:
    done = cli("init", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert not (export / "formsearch.toml").exists()


def test_a_table_that_cannot_be_read_is_told_before_anything_is_written(cli, export) -> None:
    text = (export / "export.csv").read_text().replace("\nrun-3,finished,", "\nrun-3,finished,?")
    (export / "export.csv").write_text(text)
    done = cli("init", "export.csv")
    assert done.code == 2
    assert "row 4 has '?50.0'" in done.err
    assert not (export / "formsearch.toml").exists()


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals")
@pytest.mark.parametrize(
    ("answers", "scale", "group"), [(b"\n\n", 1e6, ["dataset"]), (b"3\n2\n", 1e3, []), (b"9\n", None, None)]
)
def test_on_a_terminal_it_asks_what_the_table_does_not_say(export, answers, scale, group) -> None:
    code, text = conversation(["init", "export.csv"], answers)
    assert "In which unit is N?" in text
    if scale is None:
        assert code == 2
        assert "'9' is none of 1 to 4" in text
        return
    assert code == 0
    assert "Constants for each?" in text
    found = read_config(export / "formsearch.toml")
    assert found.scale["N"] == scale
    assert found.group == group
