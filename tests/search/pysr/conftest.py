"""A stand-in for PySR on the path of a test, and points for it to be searched on."""

import importlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from formsearch.points import Points
from tests.search.fake_pysr.install import Fake

VARIABLES = ("JULIA_DEPOT_PATH", "PYTHON_JULIACALL_EXE", "PYTHON_JULIACALL_PROJECT", "PYTHON_JULIAPKG_EXE",
             "PYTHON_JULIAPKG_OFFLINE", "CONDA_PREFIX", "FORMSEARCH_ALLOW_JULIA_INSTALL")  # fmt: skip


@pytest.fixture
def fake_pysr(tmp_path, monkeypatch):
    """`fake_pysr(mode=..., equations=[...])` puts a stand-in on the path, with Julia and its packages beside it."""

    def make(generation=2, julia="1.10.3", backend="", **behaviour) -> Fake:
        fake = Fake(tmp_path / "fake", generation, julia, backend, behaviour).write()
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)  # PATH too: no other Julia of this machine shall be found
        monkeypatch.syspath_prepend(str(fake.site))
        importlib.invalidate_caches()
        return fake

    return make


@pytest.fixture
def dense() -> Points:
    """A Chinchilla law on a grid, with a little noise."""
    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 1e12, 7)))
    noise = np.random.default_rng(0).normal(0, 1e-3, n.size)
    return Points(1.69 + 406.4 * n**-0.34 + 410.7 * d**-0.28 + noise, {"N": n, "D": d}, name="dense")


@pytest.fixture
def recorded():
    """`recorded("pysr1-zhao-300s")`: the folder of a recorded run and what its driver noted."""

    def run(name: str) -> tuple[Path, dict]:
        root = os.environ.get("FORMSEARCH_DATA")
        if not root:
            pytest.skip("needs recorded runs of PySR: set FORMSEARCH_DATA to the folder of tables beside them")
        folder = Path(root).parent / "fixtures" / "pysr" / name
        if not folder.is_dir():
            pytest.skip(f"needs the recorded run {name} in fixtures/pysr beside FORMSEARCH_DATA")
        return folder, json.loads((folder / "run.json").read_text())

    return run
