"""The ledger of a store: which runs worked on it, when, with what options, and how they ended.

A run that was killed never says so: it is told from one under way by its process, which is looked up.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

from formsearch.exceptions import FormsearchError, StoreError
from formsearch.store import Store, as_text

RUNNING, DONE, FAILED, STOPPED, KILLED = "running", "done", "failed", "stopped", "killed"
UNKNOWN = "unknown"
"""Of a run whose record was lost with a damaged page."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run on a store. `computed` pieces are its own, `recalled` ones it found there."""

    number: int
    began: str
    ended: str | None
    status: str
    about: Mapping[str, Any]
    computed: int
    recalled: int
    summary: Mapping[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@contextmanager
def recorded(store: Store, about: Mapping[str, Any], summary: dict[str, Any]) -> Iterator[None]:
    """Note a run in the store while the block works; `summary` is what the block has put into it by the end.

    The record is worth less than the work: if it cannot be completed (a full disk), the error of the work is the one
    that is raised.
    """
    store.run = store.change(
        "INSERT INTO run (host, process, about) VALUES (?, ?, ?)", (platform.node(), os.getpid(), as_text(about))
    )
    status = DONE
    try:
        yield
    except BaseException as error:
        status = FAILED if isinstance(error, Exception) else STOPPED
        if isinstance(error, FormsearchError):
            summary["error"] = str(error)
        raise
    finally:
        with suppress(StoreError):
            if status == DONE:
                # What the last finished run did not need is what pruning removes.
                store.mark_used(store.run)
            store.change(
                "UPDATE run SET status = ?, recalled = ?, summary = ?, ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') "
                "WHERE id = ?",
                (status, len(store.recalled), as_text(summary), store.run),
            )
        store.run = None


def records(store: Store) -> list[RunRecord]:
    """All runs of a store, oldest first."""
    rows = store.rows(
        "SELECT id, began, ended, status, host, process, about, recalled, summary, "
        "(SELECT count(*) FROM work WHERE work.run = run.id) FROM run ORDER BY id"
    )
    made = []
    for number, began, ended, status, host, process, about, recalled, summary, computed in rows:
        now = KILLED if status == RUNNING and not _alive(host, process) else status
        made.append(RunRecord(number, began, ended, now, _object(about), computed, recalled, _object(summary) or None))
    return made


def _alive(host: str, process: int) -> bool:
    """Whether the process may still be there; of another machine nothing is known."""
    if host != platform.node():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


def _object(text: object) -> dict[str, Any]:
    """A record that cannot be read is an empty one: it decides nothing."""
    with suppress(ValueError, RecursionError, TypeError):
        found = json.loads(text)  # type: ignore[arg-type]
        if isinstance(found, dict):
            return found
    return {}
