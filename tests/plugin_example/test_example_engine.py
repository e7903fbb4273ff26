"""What the tests of a plug-in engine look like: inherit the contract."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "src"))

import example_engine

from formsearch.cli.doctor import _engines
from formsearch.exceptions import EngineMissingError, InputError
from formsearch.search import engine as protocol
from formsearch.testing import EngineContract

sys.path.pop(0)


class TestExample(EngineContract):
    engine = example_engine.Enumerate
    seconds = 2.0
    generations = 1


def test_it_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint("enumerate", "example_engine:Enumerate", protocol.GROUP)]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: entries)
    monkeypatch.setitem(sys.modules, "example_engine", example_engine)
    assert "enumerate" in protocol.engine_names()
    assert isinstance(protocol.get_engine("enumerate"), example_engine.Enumerate)


def test_what_is_no_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint("broken", "example_engine:sums_and_products", protocol.GROUP)]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: entries)
    monkeypatch.setitem(sys.modules, "example_engine", example_engine)
    with pytest.raises(InputError, match="engine broken: its plug-in is no formsearch engine"):
        protocol.get_engine("broken")


def test_what_cannot_be_loaded_is_told_and_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        EntryPoint("absent", "a_package_that_is_not_here:Engine", protocol.GROUP),
        EntryPoint("broken", "example_engine:sums_and_products", protocol.GROUP),
        EntryPoint("enumerate", "example_engine:Enumerate", protocol.GROUP),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: entries)
    monkeypatch.setitem(sys.modules, "example_engine", example_engine)
    said = r"engine absent: the plug-in a_package_that_is_not_here:Engine cannot be loaded \(ModuleNotFoundError: .*\)"
    with pytest.raises(EngineMissingError, match=said):
        protocol.get_engine("absent")
    listed = _engines().split("; ")
    assert {"native", "enumerate"} <= set(listed)
    assert [e.split(":")[0] for e in listed if "absent" in e or "broken" in e] == [
        "not engine absent", "not engine broken",
    ]  # fmt: skip
