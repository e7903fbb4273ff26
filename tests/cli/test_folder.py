"""`--out DIR` holds whole results or nothing; work that was finished survives an interruption."""

import sqlite3
from pathlib import Path

import pytest

from formsearch.cli.folder import alone, staged, unfinished_work
from formsearch.exceptions import InputError
from formsearch.store import Store


def names(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


def test_results_and_store_appear_together(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with staged(out) as stage:
        with Store(stage.store) as store:
            store.put("k", "fit", {"x": 1})
        (stage.files / "results.json").write_text("{}")
        (stage.files / "tables").mkdir()
        (stage.files / "tables" / "a.csv").write_text("a\n")
        assert not out.exists()
    assert names(tmp_path / "deep") == {"out", "out/results.json", "out/tables", "out/tables/a.csv", "out/work.sqlite"}


def test_bad_input_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with staged(tmp_path / "out") as stage, Store(stage.store):
            (stage.files / "report.md").write_text("half")
            raise InputError("bad")

    with pytest.raises(InputError, match="bad"):
        fail()
    assert names(tmp_path) == set()


def test_finished_work_survives_an_interruption_and_is_found_again(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def interrupted() -> None:
        with staged(out) as stage, Store(stage.store) as store:
            store.put("k", "fit", {"x": 1})
            (stage.files / "report.md").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not out.exists()
    left = unfinished_work(out)
    assert left is not None
    assert not (left.parent / "files").exists()
    with staged(out) as stage:
        assert stage.store == left
        with Store(stage.store) as store:
            assert store.get("k") == {"x": 1}
        (stage.files / "results.json").write_text("{}")
    assert unfinished_work(out) is None
    assert names(tmp_path) == {"out", "out/results.json", "out/work.sqlite"}


def test_a_second_run_replaces_results_and_keeps_the_users_own_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with staged(out) as stage:
        (stage.files / "results.json").write_text("1")
        (stage.files / "tables").mkdir()
        (stage.files / "tables" / "old.csv").write_text("old")
        with Store(stage.store) as store:
            store.put("k", "fit", {"x": 1})
    (out / "notes.txt").write_text("mine")
    with staged(out) as stage:
        assert stage.store == out / "work.sqlite"
        (stage.files / "results.json").write_text("2")
        (stage.files / "tables").mkdir()
        (stage.files / "tables" / "new.csv").write_text("new")
    assert (out / "results.json").read_text() == "2"
    assert names(out) == {"notes.txt", "results.json", "tables", "tables/new.csv", "work.sqlite"}
    assert names(tmp_path) - names(out) == {"out", *(f"out/{n}" for n in names(out))}


def test_a_failed_second_run_leaves_the_first_result(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with staged(out) as stage:
        (stage.files / "results.json").write_text("1")

    def fail() -> None:
        with staged(out) as stage:
            (stage.files / "results.json").write_text("2")
            raise InputError("bad")

    with pytest.raises(InputError):
        fail()
    assert (out / "results.json").read_text() == "1"
    assert names(tmp_path) == {"out", "out/results.json"}


def test_other_peoples_folders_and_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_text("")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="holds other files"), staged(tmp_path / "photos"):
        pass
    with pytest.raises(InputError, match="there is a file of that name"), staged(tmp_path / "file"):
        pass
    (tmp_path / "empty").mkdir()
    with staged(tmp_path / "empty") as stage:
        (stage.files / "results.json").write_text("{}")
    assert names(tmp_path) == {"photos", "photos/a.png", "file", "empty", "empty/results.json"}


def test_two_runs_on_one_folder(tmp_path: Path) -> None:
    with staged(tmp_path / "out") as stage:
        with pytest.raises(InputError, match="another run is working on it"), staged(tmp_path / "out"):
            pass
        (stage.files / "results.json").write_text("{}")
    with staged(tmp_path / "out") as stage:
        (stage.files / "results.json").write_text("{}")


def finished(out: Path, value: int, resume: bool = True) -> None:
    with staged(out, resume) as stage:
        with Store(stage.store) as store:
            store.put("k", "fit", {"x": value})
        (stage.files / "results.json").write_text("{}")


def test_a_run_can_begin_anew(tmp_path: Path) -> None:
    finished(tmp_path / "out", 1)
    finished(tmp_path / "out", 2)
    with Store(tmp_path / "out" / "work.sqlite") as store:
        assert store.get("k") == {"x": 1}
    finished(tmp_path / "out", 3, resume=False)
    assert names(tmp_path) == {"out", "out/results.json", "out/work.sqlite"}
    with Store(tmp_path / "out" / "work.sqlite") as store:
        assert store.get("k") == {"x": 3}


def test_a_reader_in_the_middle_of_its_work_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps SQLite from folding the log into the file, which is moved."""
    monkeypatch.setattr("formsearch.store.CLOSING_SECONDS", 0.1)
    with staged(tmp_path / "out") as stage:
        with Store(stage.store) as store:
            reader = sqlite3.connect(stage.store, isolation_level=None)
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM work").fetchall()
            store.put("k", "fit", {"x": 1})
        (stage.files / "results.json").write_text("{}")
    with Store(tmp_path / "out" / "work.sqlite", read_only=True) as store:
        assert store.get("k") == {"x": 1}
    reader.close()


def test_a_folder_that_a_run_works_on_is_left_alone(tmp_path: Path) -> None:
    with (
        staged(tmp_path / "out"),
        pytest.raises(InputError, match="another run is working on it"),
        alone(tmp_path / "out"),
    ):
        pass
    with alone(tmp_path / "out"), pytest.raises(InputError, match="another run is working on it"):
        finished(tmp_path / "out", 1)
    assert not (tmp_path / ".out.unfinished").exists()
