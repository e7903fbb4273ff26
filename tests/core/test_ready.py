"""The process that compiles the kernels is not one that works with them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from formsearch.core import kernels, ready

WORK = """
import hashlib, sys
import formsearch as fs
from formsearch.core.kernels import evaluate_tape, fit_jobs
points = fs.load("zhao2025").only("fit")
found = []
for law, objective in (("zhao2025_eq4", None), ("abnar2025", fs.Huber(1e-3, log=True)), ("zhao2025", None)):
    fit = fs.fit(law, points, starts=4, objective=objective)
    found.append((fit.objective, *fit.constants.values()))
found.append(fit.bootstrap(20, seed=1).constants.tolist())
print(hashlib.sha256(repr(found).encode()).hexdigest())
print(sum(fit_jobs.stats.cache_misses.values()) + sum(evaluate_tape.stats.cache_misses.values()), "compiled here")
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What is started, in place of starting it."""
    found: list[list[str]] = []
    monkeypatch.setattr(ready, "_ready", False)
    monkeypatch.setattr(subprocess, "run", lambda command, **_: found.append(command))
    return found


def kept_in(folder: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stats:
        cache_path = None if folder is None else str(folder)

    class Kernel:
        stats = Stats()

    monkeypatch.setattr(kernels, "fit_jobs", Kernel())


def test_another_process_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[list[str]], capsys: Any
) -> None:
    kept_in(tmp_path, monkeypatch)
    ready.make_ready()
    ready.make_ready()
    assert len(started) == 1
    assert "compiling the numerical kernels, once" in capsys.readouterr().err


def test_what_is_compiled_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[list[str]], capsys: Any
) -> None:
    kept_in(tmp_path, monkeypatch)
    (tmp_path / "kernels.fit_jobs-101.py311.nbi").touch()
    (tmp_path / f"{ready.MARK}{ready._environment()}").touch()
    ready.make_ready()
    assert started == []
    assert capsys.readouterr().err == ""


def test_kernels_of_another_processor_are_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[list[str]]
) -> None:
    kept_in(tmp_path, monkeypatch)
    (tmp_path / "kernels.fit_jobs-101.py311.nbi").touch()
    (tmp_path / f"{ready.MARK}{ready._environment()}").touch()
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    ready.make_ready()
    assert len(started) == 1


def test_where_nothing_can_be_kept_no_process_is_started(
    monkeypatch: pytest.MonkeyPatch, started: list[list[str]], capsys: Any
) -> None:
    kept_in(None, monkeypatch)
    ready.make_ready()
    assert started == []
    assert "compiling" in capsys.readouterr().err


@pytest.mark.slow
def test_the_first_process_and_later_ones_agree_to_the_bit(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    said = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", WORK], capture_output=True, text=True, check=True, timeout=900,
            env=environment,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert said[0].stdout == said[1].stdout
    assert said[0].stdout.splitlines()[1] == "0 compiled here"
    assert "compiling" in said[0].stderr
    assert "compiling" not in said[1].stderr
