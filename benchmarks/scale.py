"""How the work grows, and what more workers bring.

    python -m benchmarks.scale [workers] [islands] [overhead] [rows] [candidates] [resamples] [search] [--repeat 3]

workers     speed-up of 48,000 resamples of a 1,784-row table from 1 to 2 worker processes (starting them not counted)
islands     speed-up of native searches that never meet (`--restarts`) from 1 to 2 worker processes of one thread, each
            of which keeps to one core; a few seconds a search
overhead    seconds a piece costs beside its work: this process, two processes, a dask cluster of this machine
rows        a fit of 16 starts on 1e3 ... 1e6 rows: seconds, and seconds a million rows
candidates  a comparison of 1, 2, 4, ... laws: seconds, and seconds a law
resamples   250 ... 16,000 resamples: seconds, and seconds a thousand
search      generations a second of one native search: with one thread, which keeps to one core, and with two

Wall-clock seconds, medians over the repeats, on a machine that does nothing else: the load average is printed, and
numbers above half a processor's load are marked. `--small` goes through everything with little work, to see that it
works; its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import formsearch as fs
from formsearch.fit.result import Fit
from formsearch.fit.uncertainty import batches, refit_batch
from formsearch.parallel import SERIAL, Workers, each
from formsearch.points import Points
from formsearch.typesetting.numbers import plural

LAW = "zhao2025_eq4"


def seconds(run: Callable[[], Any], repeat: int) -> float:
    """Median wall-clock seconds."""
    taken = []
    for _ in range(repeat):
        begun = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


@contextmanager
def one_thread() -> Iterator[None]:
    """What a worker does keeps to one thread. One worker is this process, which goes on with other parts."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def batch_of(fit: Fit, piece: tuple[int, int]) -> int:
    """A batch of resamples: what a worker does."""
    with one_thread():
        return len(refit_batch(fit, *piece, 0, "pairs", None)[0])


def nothing(shared: None, piece: int) -> int:
    """The least work."""
    return piece


def table_of(rows: int) -> Points:
    """The built-in table repeated to so many rows, with noise of its own on each."""
    points = fs.load("zhao2025")
    made = points.take(np.resize(np.arange(len(points)), rows))
    noise = np.random.default_rng(0).normal(0, 0.003, rows)
    return replace(made, target=made.target + noise)


def stream_seconds(work: Any, shared: Any, pieces: list[Any], workers: Workers, warm: int) -> float:
    """Seconds from the end of the first `warm` pieces (workers have started then) to the last."""
    begun = 0.0
    for done, _ in enumerate(each(work, shared, pieces, workers), start=1):
        if done == warm:
            begun = time.perf_counter()
    return time.perf_counter() - begun


def met(work: Any, folder: str, count: int, shared: Any, piece: tuple[bool, Any]) -> Any:
    """Do a piece; after the one that warms a worker up, wait until all `count` workers are warm."""
    warms, inner = piece
    done = work(shared, inner)
    if warms:
        Path(folder, uuid.uuid4().hex).touch()
        while len(os.listdir(folder)) < count:
            time.sleep(0.01)
    return done


def speed_up(what: str, work: Any, shared: Any, pieces: list[Any], warming: Any, repeat: int) -> None:
    """From one worker process to two, each of which has done the piece `warming` before the clock starts."""
    taken: dict[int, float] = {}
    for count in (1, 2):
        found = []
        for _ in range(repeat):
            with tempfile.TemporaryDirectory() as folder:
                every = [(True, warming)] * count + [(False, piece) for piece in pieces]
                meeting = partial(met, work, folder, count)
                found.append(stream_seconds(meeting, shared, every, Workers("loky", count), warm=count))
        taken[count] = statistics.median(found)
    print(f"{what}: 1 worker {taken[1]:.2f} s, 2 workers {taken[2]:.2f} s, speed-up {taken[1] / taken[2]:.2f}")


def workers_(repeat: int, small: bool) -> None:
    """Bootstraps."""
    fit = fs.fit("zhao2025", table_of(446 if small else 1784), starts=8)
    pieces = batches(250 * (4 if small else 192), len(fit.data))
    speed_up(f"{250 * len(pieces)} resamples of {len(fit.data)} rows", batch_of, fit, pieces, pieces[0], repeat)


def island(shared: tuple[Points, Any], piece: tuple[int, int]) -> int:
    """A search by itself: seed and generations -> how many forms it proposes."""
    from formsearch.search.native import Native

    points, config = shared
    seed, generations = piece
    with one_thread():
        return len(list(Native().propose(points, replace(config, seed=seed, generations=generations))))


def islands(repeat: int, small: bool) -> None:
    """Searches that never meet, long enough that it does not matter much which worker is left with the last one."""
    from formsearch.search.discovery import variables_of
    from formsearch.search.engine import Config
    from formsearch.search.judge import folds_of

    points = fs.load("zhao2025").only("fit")
    config = Config(variables_of(points), seconds=600.0, folds=tuple(folds_of(points, 0)))
    count, generations = (2, 1) if small else (12, 8)
    pieces = [(seed, generations) for seed in range(1, 1 + count)]
    speed_up(f"{count} searches of {generations} generations", island, (points, config), pieces, (0, 1), min(repeat, 2))


def overhead(repeat: int, small: bool) -> None:
    """What a piece costs beside its work."""
    pieces = list(range(40 if small else 200))
    kinds = [("this process", SERIAL), ("loky, 2 workers", Workers("loky", 2))]
    try:
        import distributed  # noqa: F401

        kinds.append(("dask, 2 workers", Workers("dask", 2)))
    except ImportError:
        pass
    for name, workers in kinds:
        taken = statistics.median(stream_seconds(nothing, None, pieces, workers, warm=20) for _ in range(repeat))
        print(f"overhead a piece, {name}: {1e3 * taken / (len(pieces) - 20):.3f} ms")


def rows(repeat: int, small: bool) -> None:
    """Growth with the rows of a table."""
    for count in (500, 1_000) if small else (1_000, 10_000, 100_000, 1_000_000):
        points = table_of(count)
        taken = seconds(lambda points=points: fs.fit(LAW, points), repeat if count < 10**6 else 1)
        print(f"fit of {LAW}, 16 starts, {count} rows: {taken:.3f} s, {1e6 * taken / count:.2f} s a million rows")


def candidates(repeat: int, small: bool) -> None:
    """Growth with the laws under comparison."""
    points = fs.load("zhao2025")
    names = ["zhao2025_eq4", "abnar2025"]
    if not small:
        names = [s.law.name for s in fs.compare(points, laws="all", starts=4).scores]
    count = 1
    while count <= len(names):
        taken = seconds(lambda n=count: fs.compare(points, laws=names[:n], starts=16), repeat)
        print(f"comparison of {plural(count, 'law')}: {taken:.3f} s, {taken / count:.3f} s a law")
        count *= 2


def resamples(repeat: int, small: bool) -> None:
    """Growth with the resamples."""
    fit = fs.fit(LAW, table_of(446), starts=8)
    for count in (20, 40) if small else (250, 1_000, 4_000, 16_000):
        taken = seconds(lambda n=count: fit.bootstrap(n), repeat if count < 16_000 else 1)
        print(f"{count} resamples: {taken:.3f} s, {1e3 * taken / count:.3f} s a thousand")


SEARCH = """
import sys, time
import formsearch as fs
from dataclasses import replace
from formsearch.search.discovery import variables_of
from formsearch.search.engine import Config
from formsearch.search.judge import folds_of
from formsearch.search.native import Native
points = fs.load("zhao2025").only("fit")
config = Config(variables_of(points), seconds=600.0, folds=tuple(folds_of(points, 0)), generations=1)
list(Native().propose(points, config))
generations = int(sys.argv[1])
begun = time.perf_counter()
list(Native().propose(points, replace(config, generations=generations)))
print(generations / (time.perf_counter() - begun))
"""


def search(repeat: int, small: bool) -> None:
    """Generations a second, by threads."""
    rates = {}
    for threads in (1, 2):
        found = [
            float(subprocess.run([sys.executable, "-c", SEARCH, "1" if small else "8"], capture_output=True, text=True,
                                 env=os.environ | {"NUMBA_NUM_THREADS": str(threads)}, check=True).stdout)
            for _ in range(1 if small else min(repeat, 2))
        ]  # fmt: skip
        rates[threads] = statistics.median(found)
        print(f"native search, {threads} thread(s): {rates[threads]:.3f} generations a second")
    print(f"native search, speed-up from 1 to 2 threads: {rates[2] / rates[1]:.2f}")


PARTS = {
    "workers": workers_, "islands": islands, "overhead": overhead, "rows": rows, "candidates": candidates,
    "resamples": resamples, "search": search,
}  # fmt: skip


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="little work: to see that it works")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no part {sorted(unknown)[0]!r}")
    fs.fit(LAW, table_of(446), starts=1)  # loads the kernels, which is no part of what grows
    for name in asked.parts or PARTS:
        load = os.getloadavg()[0]
        print(
            f"-- {name}; {os.cpu_count()} processors, load {load:.1f}" + (" (BUSY: do not quote)" if load > 0.5 else "")
        )
        PARTS[name](asked.repeat, asked.small)
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
