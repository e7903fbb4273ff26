"""Compiles the kernels in a process of their own, so that all others run the same machine code.

A process that compiles goes on with the parts as it made them, one after the other; all later ones load the whole that
it wrote to the cache. With Numba 0.60 the two differ in the last bits of sums, so that a run that was killed in its
first process, and resumed in another, would not end with the result of an undisturbed one. Nobody works in the process
that compiles.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from formsearch.core.cache import source_digest

MARK = "formsearch-ready-"
"""Begins the names of files that say for which sources, Numba and processor the cache holds everything."""

_ready = False


def make_ready() -> None:
    """See to it that the kernels can be loaded; says so once if they have to be compiled, which takes a while.

    Where no other process can be started, or nothing can be kept on disk, this one compiles what it uses.
    """
    global _ready
    if _ready:
        return
    _ready = True
    from formsearch.core.kernels import fit_jobs

    folder = Path(fit_jobs.stats.cache_path) if fit_jobs.stats.cache_path else None
    compiled = folder is not None and any(folder.glob("kernels.fit_jobs-*.nbi"))
    if not compiled:
        print("formsearch: compiling the numerical kernels, once; it takes about a minute", file=sys.stderr)
    if folder is None or not sys.executable or not os.access(folder, os.W_OK):
        return
    mark = folder / f"{MARK}{_environment()}"
    if compiled and mark.exists():
        return
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    with suppress(OSError):
        subprocess.run(
            [sys.executable, "-P", "-c", f"from {__name__} import compile_all; compile_all({str(mark)!r})"],
            env=os.environ | {"PYTHONPATH": path}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip


def compile_all(mark: str | None = None) -> None:
    """Compile, or load, what is called from outside the kernels, and leave the mark behind."""
    global _ready
    _ready = True
    from formsearch.core.batch import Jobs, Pack, run
    from formsearch.core.objectives import LeastSquares
    from formsearch.core.tape import Builder

    builder = Builder(["a", "p"])
    tape = builder.finish(builder.mul(builder.constant(0), builder.column("x")), [True, False])
    x = np.arange(1.0, 5.0)
    pack = Pack.of([tape], lambda key: x, len(x))
    pack.values(np.ones(2), jacobian=True)
    whole = (np.full(2, -np.inf), np.full(2, np.inf))
    run(pack, Jobs.starts_of(np.ones((1, 2)), len(x)), 2 * x, np.ones(len(x)), LeastSquares(), [whole])
    if mark is not None:
        Path(mark).touch()


def _environment() -> str:
    """What the cache depends on: sources, Python, Numba, processor."""
    import llvmlite.binding
    import numba

    parts = (
        source_digest(), sys.implementation.cache_tag, numba.__version__, os.environ.get("NUMBA_CPU_NAME") or "",
        os.environ.get("NUMBA_CPU_FEATURES") or "", llvmlite.binding.get_host_cpu_name(),
    )  # fmt: skip
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]
