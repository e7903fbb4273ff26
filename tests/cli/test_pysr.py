"""PySR from the command line: what doctor says of it, and the options of the search that are its own."""

import sys
from pathlib import Path

import pytest

from tests.search.fake_pysr.install import Fake
from tests.search.pysr.conftest import VARIABLES


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Puts a stand-in for PySR on the path."""

    def make(julia="1.10.3", backend="", **behaviour) -> Fake:
        fake = Fake(tmp_path / "fake", 2, julia, backend, behaviour).write()
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        monkeypatch.syspath_prepend(str(fake.site))
        return fake

    return make


def parts(cli) -> dict:
    findings = cli("doctor", "--json").result["findings"]
    return {f["name"]: f for f in findings if f["name"] in ("pysr", "Julia", "SymbolicRegression.jl")}


def test_doctor_tells_the_three_parts_and_their_versions(cli, installed) -> None:
    installed()
    found = parts(cli)
    assert [f["state"] for f in found.values()] == ["ok", "ok", "ok"]
    assert found["pysr"]["seen"].startswith("2.7.2")
    assert found["Julia"]["seen"].startswith("1.10.3 (wanted: 1.10.0 or 1.10.3")
    assert found["SymbolicRegression.jl"]["seen"].startswith("2.7.2 in ")
    assert not any(f["remedy"] for f in found.values())


@pytest.mark.parametrize(
    ("julia", "backend", "missing"),
    [(None, None, ["Julia", "SymbolicRegression.jl"]), ("1.10.3", None, ["SymbolicRegression.jl"]),
     ("1.9.4", "", ["Julia", "SymbolicRegression.jl"]), ("1.10.3", "1.11.3", ["SymbolicRegression.jl"])],
)  # fmt: skip
def test_doctor_gives_one_command_for_what_is_missing(cli, installed, julia, backend, missing) -> None:
    installed(julia=julia, backend=backend)
    found = parts(cli)
    assert [n for n, f in found.items() if f["state"] == "missing"] == missing
    assert [bool(found[n]["remedy"]) for n in missing] == [True, *[False] * (len(missing) - 1)]
    # Called by its path: no `python` of a shell is this one.
    assert str(Path(sys.executable).parent) in found[missing[0]]["remedy"]
    assert ' -c "import pysr"' in found[missing[0]]["remedy"]


def test_a_search_around_a_law(cli, runs, installed) -> None:
    installed(equations=["f = 0.001 * #1; c = [0.0, 0.0, 0.0, 0.0, 0.0]"])
    words = ["--engine", "pysr", "--around", "chinchilla", "--seconds", "90", "--generations", "1"]
    done = cli("search", runs, *words, "--json")
    assert done.code in (0, 1)
    assert any("PySR's options and tables are kept in" in n for n in done.result["notes"])
    assert any("chinchilla" not in c["formula"] and c["engine"].startswith("pysr") for c in done.result["candidates"])


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--engine", "pysr"], 3, "Julia is not installed"),
        (["--around", "chinchilla"], 2, "are for PySR: add --engine pysr"),
        (["--engine", "pysr", "--around", "chinchila", "--allow-julia-install"], 2, "did you mean 'chinchilla'"),
        (["--engine", "pysr", "--resume", "nowhere", "--allow-julia-install"], 2, "it has no run.json"),
    ],
)
def test_what_cannot_be_done_is_one_line(cli, runs, installed, words, code, message) -> None:
    installed(julia=None, backend=None)
    done = cli("search", runs, *words)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert "Traceback" not in done.err
