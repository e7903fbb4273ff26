"""The short version of the faults: one of each kind that costs little, on runs without a search."""

import os
import sys
from pathlib import Path

import pytest

from tests.faults.faults import FAULTS, ROOMS, hanging_engine, small_disk
from tests.faults.harness import SHORT, Bench, Outcome, disturbed, keys, kill_all, store_of

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals, mounts and /proc")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("faults"), SHORT)


@pytest.fixture(scope="module")
def whole_bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("faults"))


def test_a_run_that_finds_its_disk_full_and_is_killed_when_it_goes_on_loses_nothing(bench: Bench) -> None:
    """Two faults on one run, since each run costs seconds; apart, and many of each, in `make faults`."""
    outcome = Outcome("full disk, then kill -9")
    with small_disk(bench.root / "disk", ROOMS[0]) as disk:
        out = disk.folder / "out"
        done = disk.run(bench, out)
        assert done.returncode == 2, done
        assert len(done.stderr.strip().splitlines()) == 1, done
        first = keys(store_of(out))
        assert 0 < len(first) < len(bench.pieces)
        disk.enlarge()
        before = disturbed(bench, outcome, out, kill_all, 0.4 * bench.work)
        assert before.items() >= first.items()
        bench.judge(outcome, out, before)
    assert outcome.codes == {-9: 1}, outcome
    assert outcome.passed, outcome


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
