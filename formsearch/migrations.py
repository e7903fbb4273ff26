"""The schema of a store (`formsearch.store`), version by version.

A file says its version in `user_version`; one of an older version is brought up step by step when it is opened.
"""

from __future__ import annotations

from collections.abc import Mapping

APPLICATION_ID = 0x666F726D
"""Marks a SQLite file as one of ours ("form"): other people's databases are never written to."""

SCHEMA_VERSION = 2

MIGRATIONS: Mapping[int, str] = {
    0: """
        CREATE TABLE work (
            key     TEXT PRIMARY KEY,
            kind    TEXT NOT NULL,
            payload TEXT NOT NULL,
            created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        ) WITHOUT ROWID;
        CREATE INDEX work_by_kind ON work (kind, created);
    """,
    # Numbered rows can be read one by one from a damaged file; runs tell what was done when.
    1: """
        ALTER TABLE work RENAME TO work_1;
        DROP INDEX work_by_kind;
        CREATE TABLE work (
            id       INTEGER PRIMARY KEY,
            key      TEXT NOT NULL UNIQUE,
            kind     TEXT NOT NULL,
            label    TEXT NOT NULL DEFAULT '',
            payload  TEXT NOT NULL,
            checksum TEXT NOT NULL,
            seconds  REAL,
            run      INTEGER,
            used     INTEGER,
            created  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        );
        CREATE INDEX work_by_kind ON work (kind, label);
        INSERT INTO work (key, kind, payload, checksum, created)
            SELECT key, kind, payload, checksum(payload), created FROM work_1 ORDER BY created, key;
        DROP TABLE work_1;
        CREATE TABLE checkpoint (
            key      TEXT PRIMARY KEY,
            payload  TEXT NOT NULL,
            checksum TEXT NOT NULL,
            created  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        );
        CREATE TABLE run (
            id       INTEGER PRIMARY KEY,
            began    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
            ended    TEXT,
            status   TEXT NOT NULL DEFAULT 'running',
            host     TEXT NOT NULL,
            process  INTEGER NOT NULL,
            about    TEXT NOT NULL,
            recalled INTEGER NOT NULL DEFAULT 0,
            summary  TEXT
        );
    """,
}
"""From version -> statements that lead to the next one, divided by semicolons; 0 is an empty file."""
