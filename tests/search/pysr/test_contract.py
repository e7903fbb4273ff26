"""The PySR engine keeps the contract of all engines, with a stand-in for PySR."""

import pytest

from formsearch.search.pysr.engine import PySR
from formsearch.testing.engines import EngineContract

FOUND = ["1.0", "0.7 + ((x_N ^ -0.3) * 0.3)", "0.6 + (((x_N ^ -0.34) * 0.2) + ((x_D ^ -0.28) * 0.2))", "0.9 ^ x_N"]


class TestPySR(EngineContract):
    engine = staticmethod(lambda: PySR(refine=0))
    seconds, generations = 30.0, 2

    @pytest.fixture(autouse=True)
    def stand_in(self, fake_pysr, tmp_path, monkeypatch) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        fake_pysr(equations=FOUND)
