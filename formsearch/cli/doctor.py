"""`formsearch doctor`: what is installed, what works, what each missing piece would give."""

import importlib.util
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from formsearch.cli.terminal import progress, table
from formsearch.cli.verb import Session, verb
from formsearch.exceptions import EngineMissingError, FormsearchError

CORE = ("numpy", "scipy", "sympy", "pandas", "scikit-learn", "numba", "joblib", "typer", "rich", "pydantic", "jinja2",
        "matplotlib", "pooch", "platformdirs", "tabulate")  # fmt: skip

OPTIONAL = {
    "pyarrow": ("reads Parquet tables", "pip install 'formsearch[parquet]'"),
    "pyoperon": ("the Operon search engine", "pip install 'formsearch[operon]'"),
    "iminuit": ("profile likelihoods", "pip install 'formsearch[profile]'"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ok, missing (optional), or broken; what was seen, and what to do."""

    name: str
    state: str
    seen: str
    remedy: str = ""


@verb("formsearch doctor", out="Write the JSON to this file (*.json).")
def doctor(session: Session) -> int:
    """Check the installation: packages, compiled kernels, engines, data, cache. Exit code 1 if something is broken."""
    findings = _packages()
    with progress(session.quiet) as report:
        for done, (name, check) in enumerate(_CHECKS.items()):
            report("looking", done / len(_CHECKS), name)
            findings.append(_tried(name, check))
    session.say(table(("", "state", "seen", "to do"), [(f.name, f.state, f.seen, f.remedy) for f in findings]))
    session.emit({"findings": [asdict(f) for f in findings]})
    return 1 if any(f.state == "broken" for f in findings) else 0


def _packages() -> list[Finding]:
    findings = [
        Finding("python", "ok", f"{platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores")
    ]
    for name in CORE:
        try:
            findings.append(Finding(name, "ok", version(name)))
        except PackageNotFoundError:
            findings.append(Finding(name, "broken", "not installed", "pip install formsearch"))
    for name, (gives, remedy) in OPTIONAL.items():
        # find_spec does not import: PySR's import would start to look for Julia
        if importlib.util.find_spec(name) is None:
            findings.append(Finding(name, "missing", f"optional: {gives}", remedy))
        else:
            findings.append(Finding(name, "ok", f"{version(name)}: {gives}"))
    return [*findings, *_pysr()]


def _pysr() -> list[Finding]:
    """The three parts of PySR, found without importing it: the package, Julia, SymbolicRegression.jl."""
    from formsearch.search.pysr.probe import SIZE, probe

    found = probe()
    todo = f"{found.remedy()}  ({SIZE})" if found.remedy() else ""
    julia = f"{found.julia_version or 'not found'} (wanted: {found.julia_wanted})"
    backend = f"{found.backend_version or 'not found'} in {found.project} (wanted: {found.backend_wanted or 'any'})"
    # A part that is there but cannot be used is as good as missing; the first such part carries the command.
    states = (
        ("pysr", found.package is not None, f"{found.package_version or 'not installed'}: the PySR search engine"),
        ("Julia", found.julia is not None, f"{julia}{f', {found.julia}' if found.julia else ''}"),
        ("SymbolicRegression.jl", found.julia is not None and not found.trouble, backend),
    )
    first = next((name for name, ok, _ in states if not ok), None)
    return [
        Finding(name, "ok" if ok else "missing", seen if ok else f"optional: {seen}", todo if name == first else "")
        for name, ok, seen in states
    ]


def _kernels() -> str:
    """A fit whose answer is known; the first time, it compiles the kernels."""
    import numpy as np

    from formsearch.fit import fit
    from formsearch.points import Points
    from formsearch.registry import laws

    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(1e8, 1e10, 5), np.geomspace(1e9, 1e11, 5)))
    points = Points(1.7 + 400 * n**-0.34 + 410 * d**-0.28, {"N": n, "D": d}, name="exact points")
    fitted = fit(laws["chinchilla"], points)
    worst = abs(fitted.constants["alpha"] - 0.34)
    if not worst < 1e-6:
        raise RuntimeError(f"a fit that is known to give alpha = 0.34 gave {fitted.constants['alpha']!r}")
    return "a known fit is reproduced"


def _engines() -> str:
    from formsearch.search.engine import engine_names, get_engine

    found = []
    for name in engine_names():
        try:
            get_engine(name)
            found.append(name)
        except FormsearchError as error:  # one that is missing, or the plug-in of another package that is broken
            found.append(f"not {error}")
    return "; ".join(found)


def _laws() -> str:
    from formsearch.registry import laws

    for law in laws.values():
        law.expression  # noqa: B018  (parsing is the check)
    return f"{len(laws)} laws"


def _data() -> str:
    from formsearch.data import load

    points = load("zhao2025")
    return f"zhao2025: {len(points)} simulated points, hash {points.hash}"


def _cache() -> str:
    from formsearch.data import cache_folder

    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder):
        return f"{folder} can be written"


def _store() -> str:
    from formsearch.store import Store

    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "work.sqlite") as store:
        store.put("key", "check", {"x": 0.1})
        if store.get("key") != {"x": 0.1}:
            raise RuntimeError("a payload came back changed")
    import sqlite3

    return f"SQLite {sqlite3.sqlite_version}"


_CHECKS: dict[str, Callable[[], str]] = {
    "kernels": _kernels,
    "engines": _engines,
    "laws": _laws,
    "built-in data": _data,
    "cache folder": _cache,
    "store": _store,
}


def _tried(name: str, check: Callable[[], str]) -> Finding:
    """Run a check; whatever goes wrong is a finding, since finding out is what this verb is for."""
    start = time.perf_counter()
    try:
        seen = check()
    except EngineMissingError as error:
        return Finding(name, "missing", str(error))
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        return Finding(name, "broken", f"{type(error).__name__}: {reason}", "reinstall formsearch, or report it")
    return Finding(name, "ok", f"{seen} ({time.perf_counter() - start:.1f} s)")
