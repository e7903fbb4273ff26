"""`import formsearch` is quick, and takes nothing heavy with it."""

import os
import subprocess
import sys

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
    """Standard output, and processor time of the child (other work on the machine must not decide)."""
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return done.stdout, seconds


def test_import_takes_under_half_a_second() -> None:
    """The least of five, less the interpreter's own start."""
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
