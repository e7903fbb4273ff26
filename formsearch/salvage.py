"""Repair of a damaged store: every finished piece that can still be read goes into a new file.

SQLite reads a table row by row from its pages: a damaged page costs the rows on it, and those only. Each row carries
a checksum, so what comes back is what was put. The numbers of past runs come along, so that none is given twice. The
damaged file is kept beside the new one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formsearch.exceptions import StoreError
from formsearch.ledger import UNKNOWN
from formsearch.migrations import SCHEMA_VERSION
from formsearch.store import Store, checksum

GAP = 10_000
"""Numbers of rows in a row that may be missing before SQLite is asked for the next one."""

_WORK = ("key", "kind", "label", "payload", "checksum", "seconds", "run", "created")
_RUN = ("id", "began", "ended", "status", "host", "process", "about", "recalled", "summary")
_LARGEST = 2**63 - 1
_TEXTS = {"work": 5, "run": 0}
"""How many of the first columns have to be text for a row to be taken for a whole one."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of a store: pieces `kept`, at least how many `lost`, and where the damaged file is now."""

    kept: int
    lost: int
    damaged: Path | None


def repair(path: Path) -> Repair:
    """Bring a store back into order; one without damage is left alone.

    Raises `StoreError` for a file that is no store, that a newer version wrote, or of which nothing can be read.
    """
    if not path.is_file():
        raise StoreError(f"there is no store {path}: check the path")
    try:
        with Store(path) as store:
            if not store.damage():
                return Repair(len(store), 0, None)
    except StoreError as error:
        if "newer formsearch" in str(error) or "not a formsearch store" in str(error):
            raise
    fresh = path.with_name(f"{path.name}.repaired")
    _remove(fresh)
    kept = lost = unreadable = 0
    with Store(fresh) as store:
        for row in _readable(path, "work", _WORK):
            if row is None or checksum(row[3]) != row[4]:
                unreadable += 1
                continue
            lost += unreadable  # behind the last row there is nothing that could be lost
            unreadable = 0
            _insert(store, "work", _WORK, row)
            kept += 1
        for row in _readable(path, "run", _RUN):
            if row is not None:
                with suppress(StoreError):  # a row that breaks the table's own rules
                    _insert(store, "run", _RUN, row)
        store.change(
            "INSERT INTO run (id, status, host, process, about) SELECT DISTINCT run, ?, '', 0, '{}' FROM work "
            "WHERE run IS NOT NULL AND run NOT IN (SELECT id FROM run)",
            (UNKNOWN,),
        )
    if not kept:
        _remove(fresh)
        raise StoreError(f"{path}: nothing in it can be read; move it away, the work will be done again")
    aside = _free_name(path)
    for suffix in ("-wal", "-shm"):  # they belong to the damaged file, and would be taken for the new one's
        with suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    path.replace(aside)
    fresh.replace(path)
    return Repair(kept, lost, aside)


def _insert(store: Store, table: str, columns: tuple[str, ...], row: tuple[Any, ...]) -> None:
    places = ", ".join("?" * len(columns))
    store.change(f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({places})", row)


def _readable(path: Path, table: str, columns: tuple[str, ...]) -> Iterator[tuple[Any, ...] | None]:
    """Rows of a table, one by one; None for one that is there and cannot be read."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            known = bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchall())
        except (sqlite3.Error, UnicodeDecodeError):
            return
        if version != SCHEMA_VERSION or not known:
            return
        number = missing = 0
        while True:
            number += 1
            if missing >= GAP:  # pruning leaves gaps of any size
                following = _next(db, table, number)
                if following is None:
                    return
                number, missing = following, 0
            if number > _LARGEST:
                return
            try:
                row = db.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE id = ?", (number,)).fetchone()
            except (sqlite3.Error, UnicodeDecodeError):
                missing += 1
                yield None
                continue
            if row is None or not all(isinstance(part, str) for part in row[: _TEXTS[table]]):
                missing += 1
                continue
            missing = 0
            yield row
    finally:
        db.close()


def _next(db: sqlite3.Connection, table: str, number: int) -> int | None:
    """The first number of a row from `number` on, as far as SQLite can find it."""
    try:
        found = db.execute(f"SELECT min(id) FROM {table} WHERE id >= ?", (number,)).fetchone()[0]
    except (sqlite3.Error, UnicodeDecodeError, OverflowError):
        return None
    return found if isinstance(found, int) and found >= number else None


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _free_name(path: Path) -> Path:
    number = 1
    while (found := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return found
