"""Past runs: the stores under a folder, what was done in each, what two of them share, and getting rid of the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from formsearch.exceptions import InputError, StoreError
from formsearch.ledger import DONE, RunRecord, records
from formsearch.store import Entry, Store

if TYPE_CHECKING:
    import pandas as pd

STORE = "work.sqlite"
DEPTH = 4
"""Folders below the given one that are looked into."""


@dataclass(frozen=True)
class RunFolder:
    """A folder that runs worked on: its store, the runs in order, and the pieces. `problem` if it cannot be read."""

    folder: Path
    store: Path
    runs: tuple[RunRecord, ...]
    kinds: Mapping[str, int]
    size: int
    under_way: int
    problem: str = ""

    @property
    def last(self) -> RunRecord | None:
        """The latest run."""
        return self.runs[-1] if self.runs else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "folder": str(self.folder),
            "store": str(self.store),
            "bytes": self.size,
            "pieces": dict(self.kinds),
            "checkpoints": self.under_way,
            "problem": self.problem,
            "runs": [r.to_dict() for r in self.runs],
        }


def find(where: Path) -> list[RunFolder]:
    """Run folders at or below a folder, those of unfinished runs included, latest last.

    Raises `InputError` if there is no such folder.
    """
    if not where.exists():
        raise InputError(f"there is no folder {where}: name one that `formsearch run --out` wrote, or one above it")
    found = [describe(store) for store in sorted(_stores(where, DEPTH))]
    return sorted(found, key=lambda f: (f.last.began if f.last else "", str(f.folder)))


def _stores(where: Path, depth: int) -> Iterable[Path]:
    if where.is_file():
        yield where
        return
    if (where / STORE).is_file():
        yield where / STORE
    if depth > 0:
        try:
            below = [p for p in where.iterdir() if p.is_dir() and not p.is_symlink()]
        except OSError:
            return
        for folder in below:
            yield from _stores(folder, depth - 1)


def one(where: Path) -> RunFolder:
    """The run of a folder, of the work an interrupted run left beside it, or of a store's file.

    Raises `InputError` if there is none.
    """
    beside = where.with_name(f".{where.name}.unfinished") / STORE
    for store in (where if where.is_file() else where / STORE, beside):
        if store.is_file():
            return describe(store)
    raise InputError(f"{where}: there is no {STORE} in it; `formsearch runs list` names the folders that have one")


def describe(store: Path) -> RunFolder:
    """What a store tells; of one that cannot be read, why."""
    folder = store.parent
    if folder.name.startswith(".") and folder.name.endswith(".unfinished"):
        folder = folder.with_name(folder.name.removeprefix(".").removesuffix(".unfinished"))
    size = sum(p.stat().st_size for p in (store, Path(f"{store}-wal")) if p.exists())
    try:
        with Store(store, read_only=True) as opened:
            under_way = int(opened.rows("SELECT count(*) FROM checkpoint")[0][0])
            return RunFolder(folder, store, tuple(records(opened)), opened.kinds(), size, under_way)
    except StoreError as error:
        return RunFolder(folder, store, (), {}, size, 0, str(error))


def entries(run: RunFolder, kind: str | None = None) -> list[Entry]:
    """The finished pieces of a run."""
    with Store(run.store, read_only=True) as opened:
        return opened.entries(kind)


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side: how many pieces are the same, in one only, or (never, if all is well) differ."""

    same: int
    only_first: int
    only_second: int
    differing: tuple[str, ...]
    rows: tuple[tuple[str, Any, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "same": self.same,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "differing": list(self.differing),
            "rows": [{"what": what, "first": a, "second": b} for what, a, b in self.rows],
        }


def compare(first: RunFolder, second: RunFolder) -> Comparison:
    """What two runs have in common: options, outcome, and their pieces by key."""
    sums = []
    for run in (first, second):
        with Store(run.store, read_only=True) as opened:
            sums.append(dict(opened.rows("SELECT key, checksum FROM work WHERE kind <> 'front'")))
    a, b = sums
    differing = tuple(sorted(k for k in a.keys() & b.keys() if a[k] != b[k]))
    told = [_told(run) for run in (first, second)]
    rows = tuple((what, told[0].get(what), told[1].get(what)) for what in dict.fromkeys([*told[0], *told[1]]))
    return Comparison(len(a.keys() & b.keys()) - len(differing), len(a.keys() - b.keys()), len(b.keys() - a.keys()),
                      differing, rows)  # fmt: skip


def _told(run: RunFolder) -> dict[str, Any]:
    last = run.last
    if last is None:
        return {}
    points = last.about.get("points") or {}
    said = {"status": last.status, "command": last.about.get("command"), "version": last.about.get("version")}
    said |= {"points": f"{points.get('name')} ({points.get('hash')}, {points.get('rows')} rows)"}
    return said | {"seed": last.about.get("seed")} | dict(last.summary or {})


def prune(run: RunFolder, dry: bool = False) -> tuple[int, int]:
    """Remove pieces that the last finished run neither made nor used, and checkpoints of searches that are over.

    Returns how many, and the bytes that the file became smaller by (their size, if `dry`). A piece that is needed
    after all is computed again. Raises `InputError` if no run has finished: what there is may be resumed.
    """
    done = [r for r in run.runs if r.status == DONE]
    if not done:
        raise InputError(f"{run.folder}: no run has finished there, so all of its pieces may be needed to resume one")
    last = done[-1].number
    unused = "WHERE run IS NOT ? AND used IS NOT ?"
    with Store(run.store, read_only=dry) as opened:
        count, size = opened.rows(
            f"SELECT count(*), coalesce(sum(length(payload)), 0) FROM work {unused}", (last, last)
        )[0]
        if dry:
            return int(count), int(size)
        before = run.store.stat().st_size
        opened.change(f"DELETE FROM work {unused}", (last, last))
        opened.change("DELETE FROM checkpoint")
        opened.change("VACUUM")
    return int(count), max(before - run.store.stat().st_size, 0)


def table(run: RunFolder) -> pd.DataFrame:
    """All pieces, one a row: key, kind, label, run, seconds, created, and the payload as JSON text."""
    import pandas as pd

    columns = ["key", "kind", "label", "run", "seconds", "created", "payload"]
    with Store(run.store, read_only=True) as opened:
        rows = opened.rows(f"SELECT {', '.join(columns)} FROM work ORDER BY id")
    return pd.DataFrame(rows, columns=columns)


def document(run: RunFolder) -> dict[str, Any]:
    """All runs and pieces as one JSON document."""
    with Store(run.store, read_only=True) as opened:
        rows = opened.rows("SELECT key, kind, label, run, seconds, created, payload FROM work ORDER BY id")
    names = ("key", "kind", "label", "run", "seconds", "created")
    pieces = [dict(zip(names, row[:6], strict=True)) | {"payload": json.loads(row[6])} for row in rows]
    return run.to_dict() | {"work": pieces}
