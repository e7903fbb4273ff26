"""`formsearch runs`: past runs are listed, shown, compared, exported, pruned and repaired."""

import json
from pathlib import Path

import pandas as pd
import pytest

from formsearch.cli.folder import alone
from tests.test_runs import run_on


def test_the_verb(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(tmp_path / "a", {"a": 1, "b": 2})
    run_on(tmp_path / "b", {"b": 2})
    monkeypatch.chdir(tmp_path)
    assert [Path(r["folder"]).name for r in cli("runs", "--json").result["runs"]] == ["a", "b"]
    assert "chinchilla" in cli("runs", "show", "a").out
    compared = cli("runs", "compare", "a", "b")
    assert compared.code == 0
    assert "1 pieces are the same, 1 are in a only, 0 in b only" in compared.out
    for name in ("pieces.csv", "pieces.json", "pieces.parquet"):
        assert cli("runs", "export", "a", "--out", name).code == 0
    frame = pd.read_parquet("pieces.parquet")
    assert list(frame["label"]) == ["=a()", "=b()"]
    assert [json.loads(p) for p in frame["payload"]] == [{"x": 1}, {"x": 2}]
    # No spreadsheet may take a label for a formula.
    assert list(pd.read_csv("pieces.csv")["label"]) == ["'=a()", "'=b()"]
    assert json.loads(Path("pieces.json").read_text())["work"][0]["payload"] == {"x": 1}
    assert cli("runs", "prune", "a", "--dry-run", "--json").result["pieces"] == 0
    assert "nothing is wrong with it" in cli("runs", "repair", "a").out
    with alone(Path("a")):
        for action in ("prune", "repair"):
            done = cli("runs", action, "a")
            assert (done.code, "another run is working on it" in done.err) == (2, True)
    for words, said in (
        (("shwo",), "unknown action 'shwo': did you mean 'show'?"),
        (("a",), "say what to do with it, e.g. formsearch runs show a"),
        (("show",), "takes one folder, not 0"),
        (("export", "a", "--out", "x.txt"), "name the file with --out"),
        (("show", "nowhere"), "there is no work.sqlite in it"),
        (("list", "--dry-run"), "--dry-run is for formsearch runs prune"),
    ):
        done = cli("runs", *words)
        assert done.code == 2
        assert said in done.err
