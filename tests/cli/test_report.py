"""`formsearch report` on several runs."""

import json
from pathlib import Path

import pytest

from tests.report import example


@pytest.fixture
def finished(tmp_path: Path) -> list[Path]:
    """Folders of two runs."""
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
        (folder / "results.json").write_text(json.dumps(example.results()), encoding="utf-8")
    return folders


def test_several_runs_need_a_folder_and_give_one_report(cli, finished: list[Path], tmp_path: Path) -> None:
    missing = cli("report", *finished)
    assert missing.code == 2
    assert missing.err.startswith("error: --out is missing")
    out = tmp_path / "both"
    done = cli("report", *finished, "--out", out, "--json")
    assert done.code == 0, done.err
    assert done.result["folder"] == str(out)
    assert all((out / name).exists() for name in done.result["files"])
    assert "tables/laws-by-run.csv" in done.result["files"]
    for folder in finished:  # the runs are left as they were
        assert [p.name for p in folder.iterdir()] == ["results.json"]


def test_a_run_that_is_not_there_is_named_before_anything_is_written(cli, finished: list[Path], tmp_path: Path) -> None:
    done = cli("report", finished[0], tmp_path / "nothing", "--out", tmp_path / "both")
    assert done.code == 2
    assert "nothing" in done.err
    assert not (tmp_path / "both").exists()
