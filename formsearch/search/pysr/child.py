"""The child process: the only place that imports PySR, and with it Julia.

Request: `options` of the constructor, `fit` (X, y, weights, variable_names), `template` (keyword arguments of
TemplateExpressionSpec, or null), `seconds` until the search must have ended, the import included. With `import_only`
nothing is searched: where it may, PySR installs what it lacks.
Answers: {"kind": "ready", versions, import_seconds}, then {"kind": "result", "best": PySR's own choice}.
What was found is not sent: PySR writes it to `output_directory/run_id`, where it survives whatever happens here.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import signal
import sys
import time
import warnings
from typing import Any

from formsearch.search.child import Send, serve

ENDING, ENDING_SHARE = 1.0, 0.1
"""Seconds kept for PySR to come back after its time limit, and the share of the time that they take at most."""
LEAST, SEARCHING = 0.5, 30.0
"""Seconds below which a search is not begun, and that it should have."""
PR_SET_PDEATHSIG = 1


def work(request: dict[str, Any], send: Send) -> None:
    """Import PySR, search, tell PySR's own choice. Raises `RuntimeError` with one sentence for what fails."""
    begun = time.monotonic()
    _die_with_the_parent()
    warnings.simplefilter("ignore")  # they go to a log that nobody reads; options are checked before
    pysr = _imported()
    took = time.monotonic() - begun
    send({"kind": "ready", "versions": _versions(pysr), "import_seconds": took})
    if request.get("import_only"):
        return
    left = request["seconds"] - took - min(ENDING, ENDING_SHARE * request["seconds"])
    if left < LEAST:
        times = math.ceil((took + SEARCHING) / request["seconds"])
        raise RuntimeError(
            f"starting PySR took {took:.0f} s, and the search had kept {request['seconds']:.0f} s for it: search "
            f"{times} times as long"
        )
    model = pysr.PySRRegressor(**_arguments(pysr, request, left))
    given = request["fit"]
    optional = {k: given[k] for k in ("weights", "variable_names") if given.get(k) is not None}
    import numpy as np

    if "weights" in optional:
        optional["weights"] = np.asarray(optional["weights"], dtype=np.float64)
    model.fit(np.asarray(given["X"], dtype=np.float64), np.asarray(given["y"], dtype=np.float64), **optional)
    send({"kind": "result", "best": _choice(model)})


def _imported() -> Any:
    """The package. Without Julia it raises a bare Exception, which is told as what it is."""
    try:
        import pysr
    except Exception as error:
        raise RuntimeError(f"PySR cannot be imported: {' '.join(str(error).split())}") from None
    return pysr


def _arguments(pysr: Any, request: dict[str, Any], left: float) -> dict[str, Any]:
    """The constructor's arguments, with what JSON cannot say put right."""
    options = dict(request["options"])
    if "operators" in options:
        options["operators"] = {int(k): v for k, v in options["operators"].items()}
    if "constraints" in options:
        options["constraints"] = {k: tuple(v) for k, v in options["constraints"].items()}
    if request.get("template"):
        options["expression_spec"] = pysr.TemplateExpressionSpec(**request["template"])
    options["timeout_in_seconds"] = left
    return options


def _versions(pysr: Any) -> dict[str, str]:
    found = {"pysr": str(getattr(pysr, "__version__", "unknown"))}
    for name, code in (
        ("julia", "string(VERSION)"),
        ("SymbolicRegression", "string(pkgversion(SymbolicRegression))"),
        ("julia_threads", "string(Threads.nthreads())"),
    ):
        with contextlib.suppress(Exception):  # a version that cannot be told is no reason not to search
            found[name] = str(pysr.jl.seval(code))
    return found


def _choice(model: Any) -> dict[str, Any] | None:
    """The row that PySR's own `model_selection` takes."""
    try:
        row = model.get_best()
        loss = float(row["loss"])
        return {
            "complexity": int(row["complexity"]),
            "loss": loss if math.isfinite(loss) else None,
            "equation": str(row["equation"]),
        }
    except Exception:  # an empty front, or several targets: the files tell what there is
        return None


def _die_with_the_parent() -> None:
    """On Linux the kernel ends this process with its parent: Julia may keep Python's own watcher from running."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(serve(work))
