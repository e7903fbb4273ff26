"""`--out DIR`: results appear there whole, or not at all.

Files are written into the sibling folder `.DIR.unfinished` and moved into place when all are done. The store of
finished work (`work.sqlite`) lies beside them while the first run is under way, and in DIR afterwards: the same
command goes on from either. Bad input leaves neither.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from formsearch.exceptions import InputError

STORE = "work.sqlite"
RESULTS = "results.json"
"""Written last into an existing folder: where it is, everything that belongs to it is there too."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a run works: `files` is the folder to write results into, `store` the path of its store."""

    files: Path
    store: Path


@contextmanager
def staged(out: Path, resume: bool = True) -> Iterator[Stage]:
    """Work on the results of `out`; they are moved there when the block ends without an error.

    Without `resume` the store is a new one: what an unfinished run has left is thrown away, and that of a finished
    run is replaced with the results.

    Raises `InputError` before anything is written if `out` is a file, or a folder of something else, or if another
    run is working on it.
    """
    out = Path(os.path.abspath(out))
    _check(out)
    unfinished = out.with_name(f".{out.name}.unfinished")
    out.parent.mkdir(parents=True, exist_ok=True)
    with _locked(unfinished, out):
        files = unfinished / "files"
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        store = out / STORE if resume and (out / STORE).exists() else unfinished / STORE
        if not resume:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{store}{suffix}").unlink(missing_ok=True)
        try:
            yield Stage(files, store)
            _publish(files, unfinished / STORE, out)
        finally:
            shutil.rmtree(files, ignore_errors=True)


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Keep runs away from `out` while its store is changed. Raises `InputError` if one is at work there."""
    out = Path(os.path.abspath(out))
    with _locked(out.with_name(f".{out.name}.unfinished"), out):
        yield


def unfinished_work(out: Path) -> Path | None:
    """The store that an interrupted run on `out` has left behind, or None."""
    store = Path(os.path.abspath(out)).with_name(f".{Path(os.path.abspath(out)).name}.unfinished") / STORE
    return store if store.exists() else None


def _check(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: there is a file of that name; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / RESULTS).exists():
        raise InputError(f"--out {out}: the folder holds other files and no {RESULTS}; name a new folder")


@contextmanager
def _locked(unfinished: Path, out: Path) -> Iterator[None]:
    """Keep a second run away from the same folder. The lock dies with the process, whatever kills it."""
    handle = _acquire(unfinished, out)
    try:
        yield
    finally:
        # An empty store, or none, is worth nothing: leave no trace of a run that never began.
        if not _holds_work(unfinished / STORE):
            shutil.rmtree(unfinished, ignore_errors=True)
        handle.close()


def _acquire(unfinished: Path, out: Path) -> IO[str]:
    try:
        import fcntl
    except ImportError:  # pragma: no cover  (Windows: two runs on one folder are the user's to avoid)
        unfinished.mkdir(exist_ok=True)
        return (unfinished / "lock").open("w")
    while True:
        unfinished.mkdir(exist_ok=True)
        try:
            handle = (unfinished / "lock").open("a")
        except FileNotFoundError:  # the other run has just finished and removed it
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise InputError(
                f"--out {out}: another run is working on it; wait for it, or name another folder"
            ) from None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle.fileno()), (unfinished / "lock").stat()):
                return handle
        handle.close()


def _holds_work(store: Path) -> bool:
    if not store.exists():
        return False
    from formsearch.exceptions import StoreError
    from formsearch.store import Store

    try:
        with Store(store) as opened:
            return len(opened) > 0
    except StoreError:
        return True  # not ours to throw away


def _publish(files: Path, store: Path, out: Path) -> None:
    """Move everything into place: at once where `out` is new, else file by file with `RESULTS` last."""
    if not out.exists():
        files.rename(out)
    else:
        parts = sorted(files.iterdir(), key=lambda p: (p.name == RESULTS, p.name))
        for part in parts:
            target = out / part.name
            if target.is_dir():
                shutil.rmtree(target)
            part.replace(target)
    if store.exists():
        log = Path(f"{store}-wal")
        if log.exists() and log.stat().st_size > 0:  # somebody reads, so that the log could not be folded in
            shutil.copyfile(log, f"{out / STORE}-wal")
        store.replace(out / STORE)
