"""Requests to runs of Operon, and tables to search on."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from formsearch import Points, laws
from formsearch.search.child import Children, Outcome

CHINCHILLA = {"E": 1.8172, "A": 477.8, "B": 2143.0, "alpha": 0.3473, "beta": 0.3672}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_spec("pyoperon") is None:
        skip = pytest.mark.skip(reason="pyoperon is not installed: pip install 'formsearch[operon]'")
        for item in items:
            if Path(__file__).parent in item.path.parents and not {"missing", "refused"} & set(item.name.split("_")):
                item.add_marker(skip)


@pytest.fixture
def request_for() -> Callable[..., dict[str, Any]]:
    """`request_for(columns, target, seeds=...)`: a small run."""

    def make(columns: Any, target: Any, **changes: Any) -> dict[str, Any]:
        return {
            "columns": [list(map(float, c)) for c in columns], "target": list(map(float, target)),
            "operators": ["add", "mul", "div", "pow"], "seeds": [], "population": 100, "generations": 5,
            "iterations": 5, "length": 30, "depth": 10, "seconds": 30.0, "seed": 0, **changes,
        }  # fmt: skip

    return make


@pytest.fixture
def run_all() -> Callable[..., tuple[list[tuple[int, Any]], list[Outcome]]]:
    """`run_all(*requests)`: (answers, outcomes) of children, troubled ones where a request says so."""

    def run(*requests: dict[str, Any], seconds: float = 60.0) -> tuple[list[tuple[int, Any]], list[Outcome]]:
        children = Children("tests.search.operon.child_troubled", requests, seconds, workers=1)
        return list(children.answers()), children.outcomes

    return run


@pytest.fixture
def columns() -> tuple[np.ndarray, np.ndarray]:
    """Two scaled columns on a grid."""
    a, b = np.meshgrid(np.geomspace(0.1, 10, 6), np.geomspace(0.2, 8, 6))
    return a.ravel(), b.ravel()


@pytest.fixture
def clean() -> Points:
    """Chinchilla's form without noise on a grid of raw sizes."""
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(5e7, 1e10, 9), np.geomspace(2e9, 2e11, 9)))
    return Points(laws["chinchilla"].evaluate({"N": N, "D": D}, CHINCHILLA), {"N": N, "D": D}, name="clean")
