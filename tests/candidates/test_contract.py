"""Every law that comes with formsearch keeps the contract."""

import importlib
import math
import pkgutil
from typing import ClassVar

import candidates
from candidates import LAWS
from formsearch.testing import LawContract

MODULES = {
    m.name: importlib.import_module(f"candidates.{m.name}")
    for m in pkgutil.iter_modules(candidates.__path__)
    if not m.name.startswith("_")
}
FAMILIES = {name: m.LAWS for name, m in MODULES.items() if hasattr(m, "LAWS")}


class TestCandidates(LawContract):
    laws = tuple(law for law in LAWS.values() if law.name != "farseer2025")
    docstrings: ClassVar[dict[str, str]] = {m.LAW.name: m.__doc__ for m in MODULES.values() if hasattr(m, "LAW")}


class TestFarseer(LawContract):
    """Its published constants make larger models worse from N = 1.5e11 and D = 1e12 on: monotone only below."""

    laws = (LAWS["farseer2025"],)
    docstrings = TestCandidates.docstrings
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"N": (1e7, 1e11), "D": (1e9, 1e13)}


def test_every_file_is_registered_under_its_own_name() -> None:
    single = {name: m.LAW for name, m in MODULES.items() if hasattr(m, "LAW")}
    assert all(name == law.name for name, law in single.items())
    assert {law.name for law in (*single.values(), *sum(FAMILIES.values(), ()))} == set(LAWS)
    assert len(LAWS) == len(single) + sum(map(len, FAMILIES.values()))


def test_families_state_their_formula_in_the_first_line() -> None:
    for name in FAMILIES:
        first = (MODULES[name].__doc__ or "").splitlines()[0]
        assert " = " in first, name
        assert "  (" in first, name


def test_every_law_names_its_source_and_arxiv_number() -> None:
    assert [law.name for law in LAWS.values() if "arXiv:" not in law.source or not law.title] == []


def test_nesting_points_at_registered_laws_with_more_constants() -> None:
    for law in LAWS.values():
        if law.nested_in:
            assert len(LAWS[law.nested_in].constants) > len(law.constants), law.name


def test_every_law_says_what_happens_as_each_variable_grows() -> None:
    """By a limit, which the contract checks, or in words where it depends on the constants; shares cannot grow."""
    silent = [
        (law.name, v.symbol)
        for law in LAWS.values()
        for v in law.variables
        if math.isinf(v.about.high)
        and v.symbol not in law.limits
        and not any(c.startswith(f"As {v.symbol} grows") for c in law.caveats)
    ]
    assert silent == []
