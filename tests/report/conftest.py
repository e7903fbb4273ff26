"""A report written once from the hand-made results, with and without simulated losses."""

from pathlib import Path

import pytest

from formsearch.report.writing import write
from tests.report import example


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the report of measured losses."""
    out = tmp_path_factory.mktemp("measured")
    write(example.results(), out)
    return out


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the report of simulated losses."""
    out = tmp_path_factory.mktemp("simulated")
    write(example.results(simulated="drawn from chinchilla with noise of 0.01 (seed 0)"), out)
    return out
