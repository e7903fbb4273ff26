"""`import formsearch` is quick, and takes nothing heavy with it."""

import subprocess
import sys
import time

HEAVY = (
    "numba",
    "scipy",
    "sympy",
    "pandas",
    "matplotlib",
    "sklearn",
    "pooch",
    "joblib",
    "rich",
    "typer",
    "jinja2",
    "pysr",
)


def run(code: str) -> tuple[str, float]:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout, time.perf_counter() - start


def test_import_takes_under_half_a_second() -> None:
    """The least of five, less the interpreter's own start: other work on the machine must not decide."""
    bare = min(run("pass")[1] for _ in range(3))
    assert min(run("import formsearch")[1] for _ in range(5)) - bare < 0.5


def test_import_takes_nothing_heavy() -> None:
    out, _ = run(f"import sys, formsearch; print(sorted(set({HEAVY!r}) & set(sys.modules)))")
    assert out.strip() == "[]"


def test_listing_laws_does_not_import_sympy() -> None:
    out, _ = run("import sys, formsearch; print(len(formsearch.laws), 'sympy' in sys.modules)")
    count, sympy_imported = out.split()
    assert int(count) >= 8
    assert sympy_imported == "False"
