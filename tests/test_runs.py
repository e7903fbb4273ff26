"""What the ledger says of runs, and what can be done with them: compare, prune, export, repair."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from formsearch.exceptions import InputError, StoreError
from formsearch.ledger import recorded, records
from formsearch.runs import STORE, compare, describe, find, one, prune
from formsearch.salvage import repair
from formsearch.store import Store, work_key
from tests.faults.faults import small_disk


def run_on(folder: Path, pieces: dict[str, int], best: str = "chinchilla") -> Path:
    folder.mkdir(exist_ok=True)
    summary: dict[str, object] = {}
    about = {"command": "formsearch run runs.csv", "seed": 0, "points": {"name": "runs", "hash": "ab", "rows": 20}}
    with Store(folder / STORE) as store, recorded(store, about, summary):
        for key, value in pieces.items():
            store.once(key, "fit", lambda value=value: {"x": value}, f"={key}()")
        summary |= {"best": best, "error": 0.01}
    return folder


def test_the_ledger_says_what_each_run_did(tmp_path: Path) -> None:
    folder = run_on(tmp_path / "out", {"a": 1, "b": 2})
    run_on(folder, {"a": 1, "b": 2, "c": 3})

    def fails() -> None:
        with Store(folder / STORE) as store, recorded(store, {}, {}):
            store.put("d", "fit", {})
            raise InputError("no such column")

    with pytest.raises(InputError):
        fails()
    run = describe(folder / STORE)
    assert [(r.status, r.computed, r.recalled) for r in run.runs] == [("done", 2, 0), ("done", 1, 2), ("failed", 1, 0)]
    assert run.runs[2].summary == {"error": "no such column"}
    assert run.kinds == {"fit": 4}
    assert all(r.ended is not None for r in run.runs)


def test_a_killed_run_is_told_from_one_under_way(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom formsearch.store import Store\nfrom formsearch.ledger import recorded\n"
        "store = Store(sys.argv[1])\n"
        "with recorded(store, {}, {}): store.put('a', 'fit', {}); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / STORE)], check=False)
    with Store(tmp_path / STORE) as store:
        assert [(r.status, r.computed, r.ended) for r in records(store)] == [("killed", 1, None)]
        with recorded(store, {}, {}):
            assert records(store)[-1].status == "running"


def test_folders_are_found_and_named(tmp_path: Path) -> None:
    run_on(tmp_path / "a", {"a": 1})
    run_on(tmp_path / ".b.unfinished", {"a": 1})
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / STORE).write_bytes(b"not a database, but long enough to be taken for one" * 20)
    found = {f.folder.name: f for f in find(tmp_path)}
    assert set(found) == {"a", "b", "c"}
    assert "not a store" in found["c"].problem
    assert one(tmp_path / "b").store == tmp_path / ".b.unfinished" / STORE
    with pytest.raises(InputError, match=r"there is no work\.sqlite"):
        one(tmp_path / "missing")
    with pytest.raises(InputError, match="there is no folder"):
        find(tmp_path / "missing")


def test_two_runs_are_compared_by_their_pieces(tmp_path: Path) -> None:
    first = run_on(tmp_path / "a", {"a": 1, "b": 2, "c": 3})
    second = run_on(tmp_path / "b", {"b": 2, "c": 4, "d": 5}, best="kaplan2020")
    found = compare(one(first), one(second))
    assert (found.same, found.only_first, found.only_second, found.differing) == (1, 1, 1, ("c",))
    assert ("best", "chinchilla", "kaplan2020") in found.rows


def test_pruning_keeps_what_the_last_finished_run_used(tmp_path: Path) -> None:
    folder = run_on(tmp_path / "out", {"a": 1, "b": 2})
    run_on(folder, {"b": 2, "c": 3})
    assert prune(one(folder), dry=True)[0] == 1
    assert one(folder).kinds == {"fit": 3}
    assert prune(one(folder))[0] == 1
    with Store(folder / STORE) as store:
        assert "a" not in store
        assert store.get("b") == {"x": 2}
    with Store(tmp_path / "new.sqlite") as store:
        store.put("a", "fit", {})
    with pytest.raises(InputError, match="no run has finished there"):
        prune(describe(tmp_path / "new.sqlite"))


def test_a_damaged_page_costs_its_own_pieces_only(tmp_path: Path) -> None:
    path = tmp_path / STORE
    with Store(path) as store:
        for i in range(300):
            store.put(work_key("fit", i=i), "fit", {"i": i, "x": "y" * 300})
    assert repair(path).damaged is None
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = os.urandom(4096)
    path.write_bytes(content)
    done = repair(path)
    assert done.damaged == tmp_path / f"{STORE}.damaged-1"
    assert 270 <= done.kept < 300
    with Store(path) as store:
        assert store.damage() == []
        kept = [store.get(work_key("fit", i=i)) for i in range(300)]
    assert sum(k is not None for k in kept) == done.kept
    assert all(k is None or k["i"] == i for i, k in enumerate(kept))


def test_a_repair_keeps_the_numbers_of_runs_and_what_lies_behind_a_gap(tmp_path: Path) -> None:
    """Numbers that were given twice would make pieces of one run those of another."""
    folder = run_on(tmp_path, {"a": 1, "b": 2})
    run_on(folder, {"a": 1, "c": 3})
    with Store(tmp_path / STORE) as store:
        store.change("UPDATE work SET id = 10000000 WHERE key = 'c'")  # as pruning may leave it
        store.change("INSERT INTO work (key, kind, payload, checksum, run) VALUES ('d', 'fit', '{}', 'wrong', 1)")
        store.change("DELETE FROM run WHERE id = 2")
    assert repair(tmp_path / STORE).kept == 3
    with Store(tmp_path / STORE) as store:
        assert [(r.number, r.status, r.computed) for r in records(store)] == [(1, "done", 2), (2, "unknown", 1)]
        with recorded(store, {}, {}):
            assert store.run == 3
        assert store.get("c") == {"x": 3}


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / STORE
    with Store(path) as store:
        store.put("a", "fit", {"constants": {"alpha": 0.34}})
        store.put("b", "fit", {"constants": {"alpha": 0.35}})
    path.write_bytes(path.read_bytes().replace(b'"alpha":0.34', b'"alpha":0.74'))
    with Store(path) as store, pytest.raises(StoreError, match="entry a is damaged; `formsearch runs repair`"):
        store.get("a")
    assert (repair(path).kept, repair(path).damaged) == (1, None)


def test_what_is_no_store_is_not_repaired(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "mine.sqlite")
    db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(StoreError, match="not a formsearch store"):
        repair(tmp_path / "mine.sqlite")
    (tmp_path / "noise").write_bytes(os.urandom(9000))
    with pytest.raises(StoreError, match="nothing in it can be read"):
        repair(tmp_path / "noise")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.sqlite", "noise"]


def test_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    from formsearch.migrations import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION

    path = tmp_path / STORE
    db = sqlite3.connect(path)
    db.executescript(MIGRATIONS[0])
    db.execute("INSERT INTO work (key, kind, payload) VALUES ('a', 'fit', '{\"x\":0.1}')")
    db.commit()
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("PRAGMA user_version = 1")
    db.close()
    assert "older schema 1" in describe(path).problem
    with Store(path) as store:
        assert store.get("a") == {"x": 0.1}
        store.put("b", "fit", {"x": 2})
        assert [e.kind for e in store.entries()] == ["fit", "fit"]
        assert store.rows("PRAGMA user_version") == [(SCHEMA_VERSION,)]


def test_checkpoints_are_replaced_and_dropped(tmp_path: Path) -> None:
    with Store(tmp_path / STORE) as store:
        store.keep("s", {"generation": 1})
        store.keep("s", {"generation": 2})
        assert store.checkpoint("s") == {"generation": 2}
        store.drop("s")
        assert store.checkpoint("s") is None


def test_a_store_can_be_read_where_nothing_may_be_written(tmp_path: Path) -> None:
    run_on(tmp_path / "out", {"a": 1})
    with Store(tmp_path / "out" / STORE, read_only=True) as store:
        assert store.get("a") == {"x": 1}
        with pytest.raises(StoreError, match="read-only"):
            store.put("b", "fit", {})
    with pytest.raises(StoreError, match="there is no store"):
        Store(tmp_path / "missing.sqlite", read_only=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts")
def test_a_store_can_be_read_on_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1 << 20) as disk:
        if not disk.mounted:
            pytest.skip("no file system can be mounted here")
        run_on(disk.folder / "out", {"a": 1})
        run_on(disk.folder / "cut", {"a": 1})
        log = disk.folder / "cut" / f"{STORE}-wal"
        log.write_bytes(b"not folded into its store")
        disk.protect()
        try:
            assert [f.problem for f in find(disk.folder / "out")] == [""]
            with Store(disk.folder / "out" / STORE, read_only=True) as store:
                assert store.get("a") == {"x": 1}
            # What only the log holds would be missing without a word.
            with pytest.raises(StoreError, match="copy it with its -wal file to where it can be"):
                Store(disk.folder / "cut" / STORE, read_only=True)
        finally:
            disk.unprotect()
