"""`Store`: finished pieces of work in one SQLite file, keyed by content, so that resuming is skipping what is done.

A key is the hash of everything that decides a result (`work_key`): the law, the points, the split, the objective,
the configuration, the seed and the version of the code that matters. Payloads are JSON text: floats come back to the
bit, any SQLite client can read them, and nothing that is read is ever executed (no pickle).

Write-ahead logging makes a reader and a writer, or two writers, safe on one file; what `put` has returned from
survives the death of the process.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from formsearch.exceptions import StoreError

APPLICATION_ID = 0x666F726D
"""Marks a SQLite file as one of ours ("form"): other people's databases are never written to."""

SCHEMA_VERSION = 1

_MIGRATIONS: Mapping[int, str] = {
    # from version -> statements that lead to the next one; 0 is an empty file
    0: """
        CREATE TABLE work (
            key     TEXT PRIMARY KEY,
            kind    TEXT NOT NULL,
            payload TEXT NOT NULL,
            created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        ) WITHOUT ROWID;
        CREATE INDEX work_by_kind ON work (kind, created);
    """,
}

BUSY_SECONDS = 30.0
"""How long a writer waits for another one before it gives up."""


def work_key(kind: str, **parts: object) -> str:
    """Key of a piece of work: 32 hexadecimal digits of the SHA-256 of its kind and its named parts.

    Parts are written as JSON with sorted names, so the order of the arguments does not matter. Raises `TypeError`
    for a part that JSON cannot write: a key must not depend on how an object prints.
    """
    text = json.dumps([kind, parts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Store:
    """One SQLite file of finished work.

    `path` is created when missing (its folder must exist); `":memory:"` keeps nothing. A context manager: leaving it
    closes the file. Raises `StoreError` for a file that is not a store, is damaged, comes from a newer version, or
    cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._lock = threading.Lock()
        with self._explained("open"):
            self._db = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=32
            )
        try:
            with self._explained("open"):
                self._prepare()
        except StoreError:
            self._db.close()
            raise

    # -- work ----------------------------------------------------------------------------------------------------

    def get(self, key: str) -> dict[str, Any] | None:
        """Payload of a finished piece of work, or None if it has not been done."""
        with self._lock, self._explained("read"):
            row = self._db.execute("SELECT payload FROM work WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            payload = json.loads(row[0])
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            raise StoreError(f"{self.path}: the entry {key} is damaged; delete the file, the work will be done again")
        return payload

    def put(self, key: str, kind: str, payload: Mapping[str, Any]) -> None:
        """Write a finished piece of work; it is on disk when this returns.

        A key that is already there keeps its payload: equal keys mean equal results, and what has been reported
        must not change afterwards.
        """
        text = json.dumps(dict(payload), separators=(",", ":"), default=_scalar)
        with self._lock, self._explained("write"):
            self._db.execute(
                "INSERT INTO work (key, kind, payload) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING", (key, kind, text)
            )

    def __contains__(self, key: object) -> bool:
        with self._lock, self._explained("read"):
            return self._db.execute("SELECT 1 FROM work WHERE key = ?", (key,)).fetchone() is not None

    def __len__(self) -> int:
        with self._lock, self._explained("read"):
            return int(self._db.execute("SELECT count(*) FROM work").fetchone()[0])

    def kinds(self) -> dict[str, int]:
        """How many pieces of each kind are done."""
        with self._lock, self._explained("read"):
            rows = self._db.execute("SELECT kind, count(*) FROM work GROUP BY kind ORDER BY kind").fetchall()
        return {str(kind): int(count) for kind, count in rows}

    # -- file ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the file; the write-ahead log is folded into it."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self.path}>"

    def _prepare(self) -> None:
        """Check whose file it is and bring its schema to this version, all or nothing."""
        db = self._db
        version = self._recognise()
        if version == SCHEMA_VERSION:
            self._tune()
            return
        self._tune()
        db.execute("BEGIN IMMEDIATE")  # another process may be doing the same: look again under the lock
        try:
            for step in range(self._recognise(), SCHEMA_VERSION):
                for statement in filter(str.strip, _MIGRATIONS[step].split(";")):
                    db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _recognise(self) -> int:
        """Schema version of the file: 0 if it is empty. Raises `StoreError` if it is not one of ours."""
        db = self._db
        application = int(db.execute("PRAGMA application_id").fetchone()[0])
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        tables = int(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        if application != APPLICATION_ID and (application or version or tables):
            raise StoreError(f"{self.path} is a SQLite file, but not a formsearch store; choose another path")
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} has schema {version}, written by a newer formsearch; this one reads up to "
                f"{SCHEMA_VERSION}: upgrade formsearch, or choose another path"
            )
        return version

    def _tune(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        # In WAL mode a commit survives the death of the process; only a power cut can lose the last ones.
        self._db.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        """SQLite's errors as `StoreError` with cause and remedy."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"cannot {action} the store {self.path}: {error}; {_remedy(error)}") from error


def _scalar(value: object) -> object:
    """NumPy's numbers and truth values as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"cannot store {type(value).__name__} as JSON")


def _remedy(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", -1) & 0xFF
    remedies = {
        sqlite3.SQLITE_FULL: "the disk is full: free some space; what was finished is kept",
        sqlite3.SQLITE_READONLY: "the file or its folder is read-only: choose a folder that can be written",
        sqlite3.SQLITE_CANTOPEN: "its folder is missing or cannot be written: choose another path",
        sqlite3.SQLITE_BUSY: "another process keeps it locked: wait for it, or choose another path",
        sqlite3.SQLITE_NOTADB: "this file is not a store: choose another path",
        sqlite3.SQLITE_CORRUPT: "the file is damaged: move it away, the work will be done again",
        sqlite3.SQLITE_IOERR: "the disk reports an error: check free space and the file system",
    }
    return remedies.get(code, "check the file and its folder")
