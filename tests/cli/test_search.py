"""`formsearch search` and `formsearch report` on what it wrote."""

import numpy as np
import pandas as pd
import pytest

QUICK = ["--seconds", "20", "--generations", "1", "--seeds", "chinchilla"]


@pytest.fixture
def table(runs):
    frame = pd.read_csv(runs)
    frame["loss"] += np.random.default_rng(0).normal(0, 0.003, len(frame))
    frame.to_csv(runs, index=False)
    return runs


def test_a_front_as_text_json_report_and_candidate_file(cli, table, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("search", table, *QUICK, "--out", tmp_path / "out", "--save", "my_law")
    assert "forms tried" in done.out
    assert "Front of the search" in done.out
    assert "of equal seeds native promises: the same seed gives the same forms" in " ".join(done.out.split())
    assert "Of equal seeds native promises: the same seed" in (tmp_path / "out" / "report.md").read_text()
    assert (tmp_path / "out" / "report.html").exists()
    found = cli("search", table, *QUICK, "--json")
    assert found.code == done.code
    front = found.result
    assert front["candidates"]
    assert front["points"]["rows"] == 20
    if front["best"] is None:
        assert done.code == 1
        assert "my_law.py is not written" in done.out
    else:
        assert done.code == 0
        assert (tmp_path / "my_law.py").exists()


def test_forms_stay_below_the_caps(cli, table) -> None:
    found = cli("search", table, "--seconds", "20", "--generations", "2", "--seeds", "none", "--max-constants", "3",
                "--max-complexity", "9", "--json").result  # fmt: skip
    assert found["candidates"]
    assert all(len(c["constants"]) <= 3 for c in found["candidates"])
    assert all(c["complexity"] <= 9 for c in found["candidates"])
    wide = cli("search", table, "--seconds", "20", "--generations", "2", "--no-seeds", "--json").result
    assert wide["seeds"] == []
    assert max(c["complexity"] for c in wide["candidates"]) > 9


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--engine", "nativ"], 2, "unknown engine 'nativ': did you mean 'native'?"),
        (["--seconds", "-1"], 2, "seconds must be positive"),
        (["--seeds", "chinchila"], 2, "did you mean 'chinchilla'"),
        (["--seeds", "none,chinchilla"], 2, "`none` stands alone"),
        (["--seeds", "chinchilla", "--no-seeds"], 2, "exclude each other"),
        (["--train", "fit"], 2, "split"),
        (["--where", "params < 6e7"], 2, "a search needs at least 8 points"),
    ],
)
def test_bad_requests_are_one_line(cli, table, words, code, message) -> None:
    done = cli("search", table, *words)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert "Traceback" not in done.err


def test_report_wants_a_run(cli, tmp_path) -> None:
    done = cli("report", tmp_path / "nothing")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    (tmp_path / "results.json").write_text("{}")
    assert cli("report", tmp_path).code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]
