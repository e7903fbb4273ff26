"""PySR's own Python code, as it is installed, takes what we pass and writes where we read: only Julia is a stand-in.

Other versions beside the installed one: FORMSEARCH_PYSR_SOURCES, folders that hold an unpacked `pysr` each.
"""

import importlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from formsearch.core.objectives import Huber
from formsearch.points import Points
from formsearch.registry import laws
from formsearch.search.engine import Config
from formsearch.search.pysr.engine import PySR
from formsearch.search.pysr.signature import read_signature
from tests.search.fake_pysr.install import REAL, Fake
from tests.search.pysr.conftest import VARIABLES

STAND_IN = Path(__file__).parents[1] / "fake_julia" / "juliacall.py"
PACKAGES = [REAL, *(Path(p) / "pysr" for p in os.environ.get("FORMSEARCH_PYSR_SOURCES", "").split(os.pathsep) if p)]
TRUTH = "0.593 + ((x_N ^ -0.34) * 0.183) + ((x_D ^ -0.28) * 0.165)"


@pytest.fixture(params=PACKAGES, ids=[p.parent.name for p in PACKAGES])
def search(request, tmp_path, monkeypatch):
    """`search(points, equations, engine, **config)`: (proposals, what Julia was asked, the run's record)."""
    package = request.param
    needs = json.loads((package / "juliapkg.json").read_text())["packages"]["SymbolicRegression"]
    fake = Fake(tmp_path / "fake")
    fake.write_julia(needs.get("version", needs.get("rev", "")).lstrip("~v"))
    site = tmp_path / "site"
    site.mkdir()
    shutil.copy(STAND_IN, site / "juliacall.py")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in fake.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()

    def searched(points, equations, around=None, **config):
        log = tmp_path / "asked.json"
        monkeypatch.setenv("FAKE_JULIA", json.dumps({"log": str(log), "equations": equations}))
        engine = PySR(folder=tmp_path / "runs", refine=0, mend=False, around=around)
        found = list(engine.propose(points, Config(("N", "D"), **{"seconds": 120.0, **config})))
        runs = json.loads((engine.folder_used / "run.json").read_text())["runs"]
        (record,) = runs.values()
        return found, json.loads(log.read_text()), record

    searched.signature = read_signature(package)
    return searched


def test_a_search_with_the_registry(search, dense) -> None:
    found, asked, record = search(dense, ["1.0", TRUTH], seeds=(laws["chinchilla"], laws["kaplan2020"]), seed=3)
    assert (record["status"], record["error"]) == ("done", "")
    assert record["best"]["equation"] == TRUTH
    assert [p.steps[0].formula for p in found] == [TRUTH, "1.0"]
    options, given = asked["options"], asked["search"]
    assert given["X"] == {"shape": [2, 49], "dtype": "float64"}
    assert (given["variable_names"], given["run_id"], given["parallelism"]) == (
        ["x_N", "x_D"],
        "seed3",
        "multithreading",
    )
    assert (options["complexity_of_variables"], options["maxsize"], options["optimizer_iterations"]) == (2, 36, 50)
    if search.signature.guesses:
        # Kaplan's law has a power of a sum, which the search rejects.
        ((guess,),) = given["guesses"]
        assert guess.count("^") == 2
    else:
        assert options["bin_constraints"] == [[-1, -1]] * 4 + [[2, 1]]


def test_weights_and_a_robust_objective(search, dense) -> None:
    points = Points(dense.target, dense.factors, weight=np.linspace(0.5, 2.0, len(dense)))
    _, asked, record = search(
        points, [TRUTH], objective=Huber(1e-3, log=True), generations=2, operators=("+", "*", "pow")
    )
    assert (record["status"], record["error"]) == ("done", "")
    (loss,) = [text for text in asked["evaluated"] if text.startswith("loss(")]
    assert loss.startswith("loss(p, t, w) = w * (p > 0 ? (let r = log(p) - log(t);")
    given = asked["search"]
    assert (given["weights"]["shape"], given["parallelism"], given["niterations"]) == ([49], "serial", 2)
    assert asked["options"]["deterministic"] is True


def test_a_law_with_a_correction_in_every_group(search, dense) -> None:
    factors = {q: np.tile(v, 2) for q, v in dense.factors.items()}
    points = Points(np.r_[dense.target, 1.1 * dense.target], factors, group=np.repeat(["a", "b"], 49))
    vectors = "; ".join(f"c{k} = [0.1, 0.2]" for k in range(1, 6))
    found, asked, record = search(points, [f"f = (#3 * 0.1); {vectors}; q = [0.3, 0.1]"], around="chinchilla")
    assert (record["status"], record["error"]) == ("done", "")
    assert [len(p.group_constants) for p in found] == [2]
    (template,) = [text for text in asked["evaluated"] if "@template_spec" in text]
    assert "parameters=(c1=2, c2=2, c3=2, c4=2, c5=2, q=2,),) do x_N, x_D, category" in template
    assert "f(x_N, x_D, (0.3 + 0.1 * q[category]))" in template
    assert asked["search"]["X"]["shape"] == [3, 98]
