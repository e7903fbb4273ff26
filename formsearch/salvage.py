"""Repair of a damaged store: every finished piece that can still be read goes into a new file.

SQLite reads a table row by row from its pages: a damaged page costs the rows on it, and those only. Each row carries
a checksum, so what comes back is what was put. The damaged file is kept beside the new one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from formsearch.exceptions import StoreError
from formsearch.store import SCHEMA_VERSION, Store, checksum

GAP = 10_000
"""Numbers of rows in a row that may be missing before the end of the table is taken to be reached."""


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
        for row in _readable(path):
            if row is None or checksum(row[3]) != row[4]:
                unreadable += 1
                continue
            lost += unreadable  # behind the last row there is nothing that could be lost
            unreadable = 0
            store.change(
                "INSERT OR IGNORE INTO work (key, kind, label, payload, checksum, seconds, run, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            kept += 1
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


def _readable(path: Path) -> Iterator[tuple[str, ...] | None]:
    """Rows of the table of work, one by one; None for one that is there and cannot be read."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            known = bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = 'work'").fetchall())
        except sqlite3.Error:
            return
        if version != SCHEMA_VERSION or not known:
            return
        number = missing = 0
        while missing < GAP:
            number += 1
            try:
                row = db.execute(
                    "SELECT key, kind, label, payload, checksum, seconds, run, created FROM work WHERE id = ?",
                    (number,),
                ).fetchone()
            except sqlite3.Error:
                missing += 1
                yield None
                continue
            if row is None or not all(isinstance(part, str) for part in row[:5]):
                missing += 1
                continue
            missing = 0
            yield row
    finally:
        db.close()


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _free_name(path: Path) -> Path:
    number = 1
    while (found := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return found
