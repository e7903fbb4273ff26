"""Restarts give the same wherever they are run, and those that were done are not run again."""

import json
from typing import Any

import pytest

from formsearch.exceptions import InputError
from formsearch.parallel import Workers
from formsearch.search import search
from formsearch.search.engine import Engine
from formsearch.search.restarts import Restarts
from tests.search.test_checkpoint import Noted, found, noisy


def run(workers: Workers, states: Noted | None = None) -> dict[str, Any]:
    engine = Restarts("native", 2, workers)
    assert isinstance(engine, Engine)
    return found(search(noisy(), engine, seconds=300, seeds=["chinchilla"], generations=1, states=states))


def test_workers_give_the_same_and_what_is_done_is_not_done_again() -> None:
    states = Noted()
    here = run(Workers(), states)
    assert {"restart 0 of native", "restart 1 of native"} <= set(states.kept)
    assert run(Workers("loky", 2)) == here
    one = Noted({"restart 1 of native": states.kept["restart 1 of native"]})
    assert run(Workers(), one) == here
    assert here["engines"]["native"].startswith("2 restarts: ")
    seeds = [json.loads(states.kept[f"restart {k} of native"])["proposals"] for k in (0, 1)]
    assert seeds[0] != seeds[1]


def test_the_budget_is_shared_by_restarts_that_wait_for_each_other() -> None:
    assert Restarts("native", 4).seconds_each(60) == 15
    assert Restarts("native", 4, Workers("loky", 2)).seconds_each(60) == 30
    assert Restarts("native", 4, Workers("loky", 8)).seconds_each(60) == 60
    with pytest.raises(InputError, match="restarts must be at least 1"):
        Restarts("native", 0)
