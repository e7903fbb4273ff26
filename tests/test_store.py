"""The store keeps finished work to the bit, is safe for two processes, and explains what it cannot do."""

import gc
import math
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from formsearch.exceptions import StoreError
from formsearch.migrations import SCHEMA_VERSION
from formsearch.store import Store, work_key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work.sqlite"


def test_payloads_come_back_to_the_bit(path: Path) -> None:
    payload = {"constants": {"a": 0.1 + 0.2, "b": 5e-324, "c": -math.inf}, "sentence": "naïve ∂", "ok": True}
    with Store(path) as store:
        assert store.get("k") is None
        store.put("k", "fit", payload | {"ok": np.True_})
        with pytest.raises(TypeError, match="cannot store object"):
            store.put("o", "fit", {"x": object()})
    with Store(path) as store:
        assert store.get("k") == payload
        assert "k" in store
        assert len(store) == 1
        assert store.kinds() == {"fit": 1}


def test_a_finished_piece_never_changes(path: Path) -> None:
    with Store(path) as store:
        store.put("k", "fit", {"x": 1})
        store.put("k", "fit", {"x": 2})
        assert store.get("k") == {"x": 1}


def test_keys_depend_on_every_part_and_not_on_order() -> None:
    key = work_key("fit", law="a", points="b", seed=0, config={"starts": 16, "fix": {"k": 0.0}})
    assert key == work_key("fit", config={"fix": {"k": 0.0}, "starts": 16}, seed=0, points="b", law="a")
    config = {"starts": 16, "fix": {"k": 0.0}}
    other_seed = work_key("fit", law="a", points="b", seed=1, config=config)
    other_kind = work_key("score", law="a", points="b", seed=0, config=config)
    assert len({key, other_seed, other_kind}) == 3
    with pytest.raises(TypeError):
        work_key("fit", law=object())


def test_any_sqlite_client_can_read_it(path: Path) -> None:
    with Store(path) as store:
        store.put("k", "fit", {"constants": {"alpha": 0.34}})
    db = sqlite3.connect(path)
    row = db.execute("SELECT kind, json_extract(payload, '$.constants.alpha'), created FROM work").fetchone()
    db.close()
    assert row[:2] == ("fit", 0.34)
    assert row[2].endswith("Z")


def test_a_store_of_a_newer_version_is_refused_and_untouched(path: Path) -> None:
    with Store(path) as store:
        store.put("k", "fit", {"x": 1})
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    with pytest.raises(StoreError, match="written by a newer formsearch"):
        Store(path)
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*) FROM work").fetchone() == (1,)
    db.close()


def test_other_peoples_databases_are_never_written(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE mine (x)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a formsearch store"):
        Store(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"N,D,loss\n" * 400)
    with pytest.raises(StoreError, match="not a store: choose another path"):
        Store(path)
    assert path.read_bytes() == b"N,D,loss\n" * 400


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="choose another path"):
        Store(tmp_path / "missing" / "work.sqlite")


def test_a_damaged_entry_says_what_to_do(path: Path) -> None:
    with Store(path) as store:
        store.put("k", "fit", {"x": 1})
    db = sqlite3.connect(path)
    db.execute("UPDATE work SET payload = '{\"x\": '")
    db.commit()
    db.close()
    with Store(path) as store, pytest.raises(StoreError, match="entry k is damaged"):
        store.get("k")


def test_a_damaged_page_says_what_to_do(path: Path) -> None:
    with Store(path) as store:
        for i in range(200):
            store.put(work_key("fit", i=i), "fit", {"x": "y" * 400})
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)

    def read_all() -> None:
        with Store(path) as store:
            for i in range(200):
                store.get(work_key("fit", i=i))

    with pytest.raises(StoreError, match="damaged"):
        read_all()


@pytest.mark.parametrize("name", [b"work_by_kind", b"CREATE TABLE work", b"label"])
def test_a_damaged_name_is_explained_whatever_bytes_it_has_now(path: Path, name: bytes) -> None:
    """SQLite repeats the name in its message, which Python cannot decode then."""
    with Store(path) as store:
        store.put("k", "fit", {"x": 1}, label="label")
    content = path.read_bytes()
    told = []
    for at in range(content.index(name), content.index(name) + len(name)):
        path.write_bytes(content[:at] + b"\x80" + content[at + 1 :])
        try:
            with Store(path) as store:
                store.entries()
        except StoreError as error:
            told.append(str(error))
    assert told
    assert all("damaged" in t or "not a formsearch store" in t for t in told)


def test_a_full_disk_keeps_what_was_finished(path: Path) -> None:
    with Store(path) as store:
        store.put("k", "fit", {"x": 1})
        # SQLite's own limit raises the same error as a full disk does.
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="disk is full: free some space; what was finished is kept"):
            store.put("big", "fit", {"x": "y" * 100_000})
        assert store.get("k") == {"x": 1}
        assert store.get("big") is None


def test_a_read_only_file_is_explained(path: Path) -> None:
    with Store(path) as store:
        store._db.execute("PRAGMA query_only = 1")
        with pytest.raises(StoreError, match="read-only: choose a folder that can be written"):
            store.put("k", "fit", {"x": 1})


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes read-only folders")
def test_a_read_only_folder_is_explained(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="cannot be written"):
            Store(folder / "work.sqlite")
    finally:
        folder.chmod(0o700)


def test_a_closed_store_can_be_moved_while_somebody_reads_it(path: Path) -> None:
    """What was put lies in the file itself then, not in the write-ahead log beside it, which would stay behind."""
    with Store(path) as store:
        store.put("a", "fit", {"x": 1})
        reader = Store(path, read_only=True)
        assert reader.get("a") == {"x": 1}
        store.put("b", "fit", {"x": 2})
    moved = path.replace(path.with_name("moved.sqlite"))
    reader.close()
    with Store(moved, read_only=True) as store:
        assert store.kinds() == {"fit": 2}


def _write_many(path: str, first: int) -> None:
    with Store(path) as store:
        for i in range(first, first + 100):
            store.put(f"key-{i}", "fit", {"i": i})


def test_two_processes_on_one_store(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write_many, args=(str(path), first)) for first in (0, 50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [w.exitcode for w in workers] == [0, 0]
    with Store(path) as store:
        assert len(store) == 150
        assert store.get("key-77") == {"i": 77}


def test_what_was_put_survives_a_kill(path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from formsearch.store import Store\n"
        "store = Store(sys.argv[1])\n"
        "for i in range(50): store.put(f'key-{i}', 'fit', {'i': i})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    with Store(path) as store:
        assert len(store) == 50
        assert store.get("key-49") == {"i": 49}


def test_a_store_that_nobody_holds_is_closed() -> None:
    store = Store(":memory:")
    inside = store._db
    del store
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        inside.execute("SELECT 1")
