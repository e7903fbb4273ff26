"""Shared fixtures. Real tables are read from the folder in FORMSEARCH_DATA; without it their tests skip."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Hear Ctrl-C, which the job that a shell puts in the background ignores, and with it all that tests start."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_table() -> Callable[..., Path]:
    """`shared_table("farseer")` is the path of a real table; the test skips where the tables are not at hand."""

    def path(name: str, file: str = "data.csv") -> Path:
        root = os.environ.get("FORMSEARCH_DATA")
        if not root:
            pytest.skip("needs real tables: set FORMSEARCH_DATA to the folder that holds them")
        found = Path(root) / name / file
        if not found.exists():
            pytest.skip(f"needs {name}/{file} in FORMSEARCH_DATA")
        return found

    return path
