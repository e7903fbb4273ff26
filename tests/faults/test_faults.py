"""The short version of the faults: one of each kind that costs little, on runs without a search."""

import os
import sys
from pathlib import Path

import pytest

from tests.faults.faults import FAULTS, full_disk, hanging_engine, kills
from tests.faults.harness import SHORT, Bench

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals, mounts and /proc")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("faults"), SHORT)


@pytest.fixture(scope="module")
def whole_bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("faults"))


def test_a_killed_run_loses_nothing(bench: Bench) -> None:
    outcome = kills(bench, 1)
    assert outcome.passed, outcome


def test_a_full_disk_loses_nothing(bench: Bench) -> None:
    outcome = full_disk(bench, 1)
    assert outcome.passed, outcome
    assert outcome.codes == {2: 1}, outcome


def test_an_engine_that_hangs_does_not_hang_the_run(bench: Bench) -> None:
    outcome = hanging_engine(bench, 1)
    assert outcome.passed, outcome


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_every_fault(whole_bench: Bench, name: str) -> None:
    fault, _ = FAULTS[name]
    outcome = fault(whole_bench, 1)
    if outcome.times == 0:
        pytest.skip(outcome.said)
    assert outcome.passed, outcome


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_table_of_the_bench_is_always_the_same(tmp_path: Path) -> None:
    from tests.faults.harness import write_table

    assert write_table(tmp_path / "a").read_bytes() == write_table(tmp_path / "b").read_bytes()
