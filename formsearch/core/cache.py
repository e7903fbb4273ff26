"""Keeps the compiled kernels on disk honest.

Numba recompiles a function when *its own* file changes. The kernels inline functions and constants of each other's
files, so a change in one of them would leave the others running on old code, silently. Here one digest of all
those files is kept beside the cache; when it differs, the cache's indices go and everything is compiled afresh.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

SOURCES = ("tape", "objectives", "sweep", "dense", "passes", "projection", "newton", "kernels")
"""Modules of `formsearch.core` whose code or constants end up inside compiled functions."""

STAMP = "formsearch-kernels.sha256"


def source_digest() -> str:
    """SHA-256 of all kernel sources."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()


def drop_stale(folder: str | Path | None) -> bool:
    """Remove the indices of kernels that were compiled from other sources; whether there was anything to remove.

    `folder` is where Numba keeps them (None: nowhere). A folder that cannot be written is left alone: Numba would
    not have written there either.
    """
    if folder is None or not Path(folder).is_dir():
        return False
    stamp, digest = Path(folder) / STAMP, source_digest()
    try:
        if stamp.exists() and stamp.read_text() == digest:
            return False
        stale = [path for name in SOURCES for path in Path(folder).glob(f"{name}.*.nbi")]
        for path in stale:
            path.unlink(missing_ok=True)
        stamp.write_text(digest)
    except OSError:
        return False
    return bool(stale)
