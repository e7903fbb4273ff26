"""`Store`: finished pieces of work in one SQLite file, keyed by content, so that resuming is skipping what is done.

A key is the hash of everything that decides a result (`work_key`): the law, the points, the split, the objective,
the configuration, the seed and the version of the code that matters. Payloads are JSON text with a checksum: floats
come back to the bit, any SQLite client can read them, and nothing that is read is ever executed (no pickle).

Write-ahead logging makes readers and writers of several processes safe on one file (of one machine: not over NFS);
what `put` has returned from survives the death of the process. A file of an older schema is brought up to date when
it is opened, all or nothing; one of a newer schema is refused and left as it is. `formsearch.salvage` gets what can
still be read out of a damaged file.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from formsearch.exceptions import StoreError
from formsearch.migrations import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION

BUSY_SECONDS = 30.0
"""How long a writer waits for another one before it gives up."""

CLOSING_SECONDS = 3.0
"""How long the one who closes the file waits for readers to let it fold the write-ahead log into it."""


def work_key(kind: str, **parts: object) -> str:
    """Key of a piece of work: 32 hexadecimal digits of the SHA-256 of its kind and its named parts.

    Parts are written as JSON with sorted names, so the order of the arguments does not matter. Raises `TypeError`
    for a part that JSON cannot write: a key must not depend on how an object prints.
    """
    text = json.dumps([kind, parts], sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:32]


def checksum(payload: str) -> str:
    """16 hexadecimal digits of the SHA-256 of a payload: SQLite itself does not notice a flipped bit."""
    return sha256(payload.encode()).hexdigest()[:16]


def as_text(payload: Mapping[str, Any]) -> str:
    """JSON text of a payload; Python's JSON writes every float so that it comes back to the bit."""
    return json.dumps(dict(payload), separators=(",", ":"), default=_scalar)


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished piece of work as the store lists it. `seconds` it took, `run` that did it: None if not known."""

    key: str
    kind: str
    label: str
    size: int
    seconds: float | None
    run: int | None
    created: str


class Store:
    """One SQLite file of finished work.

    `path` is created when missing (its folder must exist); `":memory:"` keeps nothing. With `read_only` nothing is
    created or written. A context manager: leaving it closes the file. Raises `StoreError` for a file that is not a
    store, is damaged, comes from a newer version, or cannot be written.
    """

    def __init__(self, path: str | Path, read_only: bool = False) -> None:
        self.path = str(path)
        self.read_only = read_only
        self.run: int | None = None
        """Number of the run under way (see `formsearch.ledger`): what is put belongs to it."""
        self.recalled: set[str] = set()
        """Keys of the pieces that were found here since the file was opened."""
        self._lock = threading.Lock()
        with self._explained("open"):
            self._db = self._connect()
        try:
            with self._explained("open"):
                self._db.create_function("checksum", 1, checksum, deterministic=True)
                self._patiently(self._prepare)
        except StoreError:
            self._db.close()
            raise
        # Stores in memory are handed about and belong to nobody; from Python 3.13 on an open file left behind is told.
        weakref.finalize(self, self._db.close)

    def _connect(self) -> sqlite3.Connection:
        if not self.read_only:
            return self._opened(self.path)
        if not Path(self.path).is_file():
            raise StoreError(f"there is no store {self.path}: check the path")
        name = Path(self.path).absolute().as_uri()
        db = self._opened(f"{name}?mode=ro", uri=True)
        try:
            db.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError as error:
            db.close()
            if _code(error) != sqlite3.SQLITE_CANTOPEN or _not_empty(Path(f"{self.path}-wal")):
                raise
            # Even a reader keeps a file beside a store with a write-ahead log; where none can be made, nobody writes.
            return self._opened(f"{name}?immutable=1", uri=True)
        except sqlite3.Error:  # a damaged file is told of by the one who prepares it
            pass
        return db

    def _opened(self, name: str, uri: bool = False) -> sqlite3.Connection:
        return sqlite3.connect(
            name, uri=uri, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=32
        )

    # -- work ----------------------------------------------------------------------------------------------------

    def get(self, key: str) -> dict[str, Any] | None:
        """Payload of a finished piece of work, or None if it has not been done."""
        with self._lock, self._explained("read"):
            row = self._db.execute("SELECT payload, checksum FROM work WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        payload = self._checked(key, *row)
        self.recalled.add(key)
        return payload

    def put(
        self, key: str, kind: str, payload: Mapping[str, Any], label: str = "", seconds: float | None = None
    ) -> None:
        """Write a finished piece of work; it is on disk when this returns.

        A key that is already there keeps its payload: equal keys mean equal results, and what has been reported
        must not change afterwards. `label` names the piece for a reader, `seconds` is what it took.
        """
        text = as_text(payload)
        with self._lock, self._explained("write"):
            self._db.execute(
                "INSERT INTO work (key, kind, label, payload, checksum, seconds, run) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (key) DO NOTHING",
                (key, kind, label, text, checksum(text), seconds, self.run),
            )

    def once(self, key: str, kind: str, compute: Callable[[], Mapping[str, Any]], label: str = "") -> Mapping[str, Any]:
        """The payload of the key: recalled, or computed and put."""
        found = self.get(key)
        if found is not None:
            return found
        begun = time.perf_counter()
        made = compute()
        self.put(key, kind, made, label, time.perf_counter() - begun)
        return made

    def __contains__(self, key: object) -> bool:
        return bool(self.rows("SELECT 1 FROM work WHERE key = ?", (key,)))

    def __len__(self) -> int:
        return int(self.rows("SELECT count(*) FROM work")[0][0])

    def kinds(self) -> dict[str, int]:
        """How many pieces of each kind are done."""
        rows = self.rows("SELECT kind, count(*) FROM work GROUP BY kind ORDER BY kind")
        return {str(kind): int(count) for kind, count in rows}

    def entries(self, kind: str | None = None) -> list[Entry]:
        """All finished pieces, or those of a kind, oldest first; payloads stay where they are."""
        where, values = ("", ()) if kind is None else ("WHERE kind = ?", (kind,))
        columns = "key, kind, label, length(payload), seconds, run, created"
        return [Entry(*row) for row in self.rows(f"SELECT {columns} FROM work {where} ORDER BY id", values)]

    def mark_used(self, run: int) -> None:
        """Note that a run needed the pieces that were recalled here."""
        with self._lock, self._explained("write"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                pairs = ((run, key) for key in self.recalled)
                self._db.executemany("UPDATE work SET used = ? WHERE key = ?", pairs)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    # -- work under way ------------------------------------------------------------------------------------------

    def checkpoint(self, key: str) -> dict[str, Any] | None:
        """State of a piece of work that was under way, or None."""
        found = self.rows("SELECT payload, checksum FROM checkpoint WHERE key = ?", (key,))
        return self._checked(key, *found[0]) if found else None

    def keep(self, key: str, payload: Mapping[str, Any]) -> None:
        """Write the state of a piece of work under way, in place of its last one."""
        text = as_text(payload)
        with self._lock, self._explained("write"):
            self._db.execute(
                "INSERT INTO checkpoint (key, payload, checksum) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
                "payload = excluded.payload, checksum = excluded.checksum, created = excluded.created",
                (key, text, checksum(text)),
            )

    def drop(self, key: str) -> None:
        """Forget the state of a piece of work that has been finished."""
        with self._lock, self._explained("write"):
            self._db.execute("DELETE FROM checkpoint WHERE key = ?", (key,))

    # -- file ----------------------------------------------------------------------------------------------------

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query of ours."""
        with self._lock, self._explained("read"):
            return list(self._db.execute(query, values).fetchall())

    def change(self, statement: str, values: tuple[Any, ...] = ()) -> int:
        """Carry out a statement of ours that writes; returns the number of the last row it made."""
        with self._lock, self._explained("write"):
            return int(self._db.execute(statement, values).lastrowid or 0)

    def damage(self) -> list[str]:
        """What is wrong with the file, in sentences; empty if nothing is. Reads all of it."""
        said = [str(row[0]) for row in self.rows("PRAGMA integrity_check(20)")]
        wrong = [] if said == ["ok"] else said
        return wrong + [
            f"the entry {key} is damaged"
            for (key,) in self.rows("SELECT key FROM work WHERE checksum IS NOT checksum(payload) ORDER BY id LIMIT 20")
        ]

    def close(self) -> None:
        """Close the file; the write-ahead log is folded into it, even where somebody else has it open for reading."""
        with self._lock:
            if not self.read_only:
                # SQLite folds the log by itself only when the last one closes; the file may be moved before that.
                with suppress(sqlite3.Error):  # on a full disk the log stays beside the file, and is read from there
                    self._db.execute(f"PRAGMA busy_timeout = {CLOSING_SECONDS * 1000:.0f}")
                    self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self.path}>"

    def _checked(self, key: str, text: object, recorded: object) -> dict[str, Any]:
        payload: object = None
        if isinstance(text, str) and checksum(text) == recorded:
            try:
                payload = json.loads(text)
            except (ValueError, RecursionError):
                payload = None
        if not isinstance(payload, dict):
            raise StoreError(f"{self.path}: the entry {key} is damaged; {REPAIR}")
        return payload

    def _prepare(self) -> None:
        """Check whose file it is and bring its schema to this version, all or nothing."""
        db = self._db
        version = self._recognise()
        if self.read_only:
            if version < SCHEMA_VERSION:
                raise StoreError(
                    f"{self.path} has the older schema {version}: any run on its folder brings it up to date, "
                    "or copy it to where it can be written"
                )
            return
        self._tune()
        if version == SCHEMA_VERSION:
            return
        db.execute("BEGIN IMMEDIATE")  # another process may be doing the same: look again under the lock
        try:
            for step in range(self._recognise(), SCHEMA_VERSION):
                for statement in filter(str.strip, MIGRATIONS[step].split(";")):
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

    def _patiently(self, action: Callable[[], None]) -> None:
        """Again while another process holds the file: SQLite does not wait by itself for a change of journal."""
        end = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                if _code(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        """SQLite's errors as `StoreError` with cause and remedy."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"cannot {action} the store {self.path}: {error}; {_remedy(error)}") from error
        except UnicodeDecodeError as error:  # of a text, or of SQLite's own message about a damaged name
            raise StoreError(f"cannot {action} the store {self.path}: the file is damaged; {REPAIR}") from error


REPAIR = "`formsearch runs repair` on its folder keeps all that can be read, the rest will be done again"


def _scalar(value: object) -> object:
    """NumPy's numbers and truth values as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"cannot store {type(value).__name__} as JSON")


def _not_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", -1)) & 0xFF


def _remedy(error: sqlite3.Error) -> str:
    remedies = {
        sqlite3.SQLITE_FULL: "the disk is full: free some space; what was finished is kept",
        sqlite3.SQLITE_READONLY: "the file or its folder is read-only: choose a folder that can be written",
        sqlite3.SQLITE_CANTOPEN: "its folder is missing or cannot be written: choose another path, or copy it with its "
        "-wal file to where it can be",
        sqlite3.SQLITE_BUSY: "another process keeps it locked: wait for it, or choose another path",
        sqlite3.SQLITE_NOTADB: "this file is not a store: choose another path",
        sqlite3.SQLITE_CORRUPT: f"the file is damaged: {REPAIR}",
        sqlite3.SQLITE_IOERR: "the disk reports an error: check free space and the file system; "
        "what was finished is kept",
        sqlite3.SQLITE_ERROR: f"the file may be damaged: {REPAIR}",
    }
    return remedies.get(_code(error), "check the file and its folder")
