"""Shared fixtures. Real tables are read from the folder in FORMSEARCH_DATA; without it their tests skip."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


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
