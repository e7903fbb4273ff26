"""Pieces of work give the same wherever they are done; those of a worker that dies are done again."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from formsearch.exceptions import InputError, WorkersLostError
from formsearch.parallel import Workers, each

LOKY = Workers("loky", 2)


class Table:
    """What all pieces share; counts how often it is shipped."""

    def __init__(self, values: np.ndarray, folder: Path) -> None:
        self.values, self.folder = values, folder

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        (self.folder / f"shipped-{os.getpid()}-{time.monotonic_ns()}").touch()


def total(table: Table, piece: int) -> tuple[float, int]:
    return float(np.sum(table.values * piece)), os.getpid()


def slow_total(table: Table, piece: int) -> tuple[float, int]:
    time.sleep(0.1)
    return total(table, piece)


def dies_once(folder: Path, piece: int) -> int:
    """The worker that gets piece 3 first is killed in the middle of it."""
    mark = folder / "died"
    if piece == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / f"done-{piece}-{time.monotonic_ns()}").touch()
    return piece * piece


def dies_often(folder: Path, piece: int) -> int:
    """The worker that gets every fourth piece first is killed, once another piece has come back."""
    mark = folder / f"died-{piece}"
    if piece % 4 == 3 and not mark.exists():
        before = len(list(folder.glob("seen-*")))
        wait_until(lambda: len(list(folder.glob("seen-*"))) > before, 2.0)
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return piece


def dies(folder: Path, piece: int) -> int:
    """The worker that gets piece 1 is killed, once the others have come back."""
    if piece == 1:
        wait_until(lambda: len(list(folder.glob("seen-*"))) == 2, 20.0)
        os.kill(os.getpid(), signal.SIGKILL)
    return piece


def wait_until(so: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not so() and time.monotonic() < end:
        time.sleep(0.01)


def fails(shared: None, piece: int) -> int:
    raise InputError(f"piece {piece}")


def slow_square(seconds: float, piece: int) -> tuple[int, int]:
    time.sleep(seconds)
    return piece * piece, os.getpid()


def test_this_process_is_the_default(tmp_path: Path) -> None:
    table = Table(np.arange(10.0), tmp_path)
    found = dict(each(total, table, [1, 2, 3]))
    assert {k: v[0] for k, v in found.items()} == {0: 45.0, 1: 90.0, 2: 135.0}
    assert {v[1] for v in found.values()} == {os.getpid()}
    assert list(tmp_path.iterdir()) == []


def test_processes_give_the_same_and_get_the_data_once(tmp_path: Path) -> None:
    table = Table(np.arange(10.0), tmp_path)
    found = dict(each(total, table, list(range(40)), LOKY))
    assert [found[i][0] for i in range(40)] == [45.0 * i for i in range(40)]
    workers = {v[1] for v in found.values()}
    assert os.getpid() not in workers
    assert len(list(tmp_path.glob("shipped-*"))) == len(workers) <= 2


def test_pieces_of_a_worker_that_dies_are_done_again(tmp_path: Path) -> None:
    found = dict(each(dies_once, tmp_path, list(range(8)), LOKY))
    assert found == {i: i * i for i in range(8)}
    assert (tmp_path / "died").exists()


def test_losses_count_only_where_nothing_is_done_between_them(tmp_path: Path) -> None:
    """As on machines that are taken away now and then: more losses in all than are borne in a row."""
    found: dict[int, int] = {}
    for number, done in each(dies_often, tmp_path, list(range(16)), LOKY):
        found[number] = done
        (tmp_path / f"seen-{number}").touch()
    assert found == {i: i for i in range(16)}
    assert len(list(tmp_path.glob("died-*"))) == 4


def test_a_piece_that_kills_every_worker_ends_the_work(tmp_path: Path) -> None:
    found: dict[int, int] = {}

    def collect() -> None:
        for number, done in each(dies, tmp_path, [0, 1, 2], LOKY):
            found[number] = done
            (tmp_path / f"seen-{number}").touch()

    with pytest.raises(WorkersLostError, match=r"lost 3 times in a row, with . of 3 pieces not done"):
        collect()
    assert found == {0: 0, 2: 2}  # what was under way beside it is not given up with it


def test_an_error_of_a_piece_is_that_error() -> None:
    with pytest.raises(InputError, match="piece 7"):
        list(each(fails, None, [7], LOKY))
    with pytest.raises(InputError, match="piece 7"):
        list(each(fails, None, [7]))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"backend": "slurm"}, "unknown backend 'slurm': choose serial, loky, dask, ray"),
        ({"backend": "loky", "count": 0}, "workers must be at least 1"),
        ({"backend": "loky", "scheduler": "tcp://a:1"}, "--scheduler belongs to --backend dask or ray"),
        ({"count": 2}, "2 workers need a backend"),
    ],
)
def test_combinations_that_mean_nothing(options: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Workers(**options)


def test_nothing_is_imported_that_was_not_asked_for() -> None:
    code = (
        "import sys, formsearch, formsearch.parallel as p, formsearch.resume, formsearch.pipeline\n"
        "from tests.test_parallel import slow_square\n"
        "assert dict(p.each(slow_square, 0.0, [1, 2], p.Workers('loky', 1)))[1][0] == 4\n"
        "print([m for m in ('dask', 'distributed', 'ray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- a real cluster ----------------------------------------------------------------------------------------------


class Cluster:
    """A dask scheduler and its workers: processes of their own, connected over loopback."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
        self.file = folder / "scheduler.json"
        self.folder = folder
        self.scheduler = self._start(
            "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
            "--scheduler-file", str(self.file),
        )  # fmt: skip
        end = time.monotonic() + 60
        while not self.file.exists() and time.monotonic() < end:
            time.sleep(0.1)
        self.workers: list[subprocess.Popen[bytes]] = []
        for _ in range(workers):
            self.start_worker()

    def _start(self, module: str, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", module, *words], env=self.environment, cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    @property
    def address(self) -> str:
        import json

        return str(json.loads(self.file.read_text())["address"])

    def start_worker(self) -> None:
        self.workers.append(
            self._start(
                "distributed.cli.dask_worker", "--scheduler-file", str(self.file), "--nthreads", "1", "--no-nanny",
                "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(self.folder),
            )
        )  # fmt: skip

    def complete(self, workers: int) -> None:
        """So many workers again, whatever has become of the last ones."""
        self.workers = [w for w in self.workers if w.poll() is None]
        while len(self.workers) < workers:
            self.start_worker()

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def one_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    made = Cluster(tmp_path_factory.mktemp("cluster"), 2)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def cluster(one_cluster: Cluster) -> Cluster:
    """Two workers, new ones in place of those that a test has killed: their scheduler lives on."""
    one_cluster.complete(2)
    return one_cluster


def _wait_for_workers(cluster: Cluster) -> None:
    from distributed import Client

    with Client(cluster.address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(len(cluster.workers), timeout=60)


def test_a_dask_cluster_loses_a_worker_in_the_middle(cluster: Cluster) -> None:
    _wait_for_workers(cluster)
    workers = Workers("dask", scheduler=cluster.address)
    found: dict[int, tuple[int, int]] = {}
    first, second = cluster.workers
    killed = 0
    for number, done in each(slow_square, 0.1, list(range(60)), workers):
        found[number] = done
        if not killed and {pid for _, pid in found.values()} == {first.pid, second.pid}:
            first.kill()  # in the middle of a piece
            killed = len(found)
    assert 0 < killed < 45
    assert [found[i][0] for i in range(60)] == [i * i for i in range(60)]
    assert {found[i][1] for i in list(found)[-10:]} == {second.pid}


def test_a_dask_cluster_loses_all_workers_that_hold_the_data(cluster: Cluster, tmp_path: Path) -> None:
    """New ones have to be shipped it again; each worker gets it once."""
    _wait_for_workers(cluster)
    first = [p.pid for p in cluster.workers]
    table = Table(np.arange(10.0), tmp_path)
    found: dict[int, tuple[float, int]] = {}
    for number, done in each(slow_total, table, list(range(60)), Workers("dask", scheduler=cluster.address)):
        found[number] = done
        if len(found) == 10:
            for worker in cluster.workers:
                worker.kill()
            cluster.start_worker()
            cluster.start_worker()
    assert [found[i][0] for i in range(60)] == [45.0 * i for i in range(60)]
    workers = {pid for _, pid in found.values()}
    assert workers - set(first)
    for pid in workers:
        assert len(list(tmp_path.glob(f"shipped-{pid}-*"))) == 1


@pytest.mark.slow
def test_a_scheduler_that_dies_is_told_in_a_line(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    cluster = Cluster(tmp_path, 2)
    try:
        _lose_the_scheduler(cluster)
    finally:
        cluster.close()


def _lose_the_scheduler(cluster: Cluster) -> None:
    _wait_for_workers(cluster)
    found = []

    def collect() -> None:
        for number, _ in each(slow_square, 0.05, list(range(200)), Workers("dask", scheduler=cluster.address)):
            found.append(number)
            if len(found) == 10:
                cluster.scheduler.kill()

    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}), pytest.raises(WorkersLostError, match="is gone"):
        collect()
    assert 10 <= len(found) < 200


def test_a_scheduler_without_workers_is_told_in_a_line(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    _wait_for_workers(cluster)
    for worker in cluster.workers:
        worker.terminate()
        worker.wait()
    monkeypatch.setattr("formsearch.parallel.CONNECT_SECONDS", 2)
    with pytest.raises(InputError, match="has no workers: start some"):
        list(each(slow_square, 0.0, [1], Workers("dask", scheduler=cluster.address)))


def test_work_that_is_given_up_leaves_nothing(cluster: Cluster) -> None:
    _wait_for_workers(cluster)
    for workers in (Workers("dask", scheduler=cluster.address), LOKY):
        stream = each(slow_square, 0.01, list(range(50)), workers)
        assert next(stream)[1][0] in {i * i for i in range(50)}
        stream.close()


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("formsearch.parallel.CONNECT_SECONDS", 1)
    with pytest.raises(InputError, match="no dask scheduler answers there"):
        list(each(slow_square, 0.0, [1], Workers("dask", scheduler="tcp://127.0.0.1:9")))


def test_two_clusters_of_one_machine_do_not_get_in_each_others_way() -> None:
    """Each would serve what it measures on port 8787, and warn where that is taken."""
    pytest.importorskip("distributed")
    code = (
        "from formsearch.parallel import Workers, each\nfrom tests.test_parallel import slow_square\n"
        "if __name__ == '__main__':\n"
        "    print(len(list(each(slow_square, 0.0, [1, 2], Workers('dask', 1)))))"
    )
    with socket.socket() as port:
        with contextlib.suppress(OSError):  # taken already: as good
            port.bind(("127.0.0.1", 8787))
            port.listen()
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip
    assert (done.stdout, done.stderr) == ("2\n", "")


def kernel_threads(shared: None, piece: int) -> int:
    import numba

    return int(numba.get_num_threads())


@pytest.mark.parametrize("backend", ["dask", pytest.param("ray", marks=pytest.mark.slow)])
@pytest.mark.parametrize("told", [None, "1"])
def test_workers_started_here_share_the_processors(backend: str, told: str | None) -> None:
    """Unless the environment says how many threads each may use."""
    pytest.importorskip("distributed" if backend == "dask" else "ray")
    code = (
        "from formsearch.parallel import Workers, each\nfrom tests.test_parallel import kernel_threads\n"
        "if __name__ == '__main__':\n"
        f"    found = dict(each(kernel_threads, None, list(range(4)), Workers('{backend}', 2)))\n"
        "    print(sorted(found.values()))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_NUM_THREADS"}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[1])} | (
        {} if told is None else {"NUMBA_NUM_THREADS": told}
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, timeout=300,
        env=environment,
    )  # fmt: skip
    expected = max(1, (os.cpu_count() or 1) // 2) if told is None else int(told)
    assert str([expected] * 4) in done.stdout, done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("work", ["slow_square", "dies_once"])
def test_ray_gives_the_same(tmp_path: Path, work: str) -> None:
    """Also where a worker dies."""
    pytest.importorskip("ray")
    shared = "0.0" if work == "slow_square" else f"pathlib.Path({str(tmp_path)!r})"
    code = (
        f"import pathlib\nfrom formsearch.parallel import Workers, each\nfrom tests.test_parallel import {work}\n"
        f"found = dict(each({work}, {shared}, list(range(20)), Workers('ray', 2)))\n"
        "print([x if isinstance(x, int) else x[0] for _, x in sorted(found.items())])"
    )
    # In a process of its own: ray leaves threads and files open, which are warnings here.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, timeout=300,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert str([i * i for i in range(20)]) in done.stdout, done.stderr[-2000:]
    assert (work == "dies_once") == (tmp_path / "died").exists()
