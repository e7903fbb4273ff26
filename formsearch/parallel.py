"""Pieces of work on this process, on the processors of this machine, or on a cluster: one door, `each`.

The user picks the backend: `loky` (processes of this machine), `dask` or `ray` (a cluster whose scheduler runs
somewhere, or workers started here), all through joblib. Neither dask nor ray is imported unless it is asked for.

What all pieces share is shipped once a worker, results come back as they are made, and the pieces of a worker that is
lost are done again by another. What is computed does not depend on where: a piece carries its own seed.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import tempfile
import uuid
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from formsearch.exceptions import EngineMissingError, InputError, WorkersLostError

Backend = Literal["serial", "loky", "dask", "ray"]
BACKENDS: tuple[Backend, ...] = ("serial", "loky", "dask", "ray")
ATTEMPTS = 3
"""How often in a row workers may be lost before anything is done, until giving up."""
CONNECT_SECONDS = 30
RAY_AT_ONCE = 4
"""Pieces a worker between two times that results come back from ray."""

Shared = TypeVar("Shared")
Piece = TypeVar("Piece")
Done = TypeVar("Done")


@dataclass(frozen=True)
class Workers:
    """Who does the work: `count` workers of a backend; with `scheduler`, those of a running cluster.

    `serial` is this process, `count` its processors for the others by default. Raises `InputError` for a combination
    that means nothing.
    """

    backend: Backend = "serial"
    count: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise InputError(f"unknown backend {self.backend!r}: choose {', '.join(BACKENDS)}")
        if self.count is not None and self.count < 1:
            raise InputError(f"workers must be at least 1, not {self.count}")
        if self.scheduler is not None and self.backend not in ("dask", "ray"):
            raise InputError(f"--scheduler belongs to --backend dask or ray, not to {self.backend}: leave it out")
        if self.backend == "serial" and (self.count or 1) > 1:
            raise InputError(f"{self.count} workers need a backend: add --backend loky, dask or ray")

    @property
    def many(self) -> bool:
        """Whether the work leaves this process."""
        return self.backend != "serial"

    def describe(self) -> str:
        """In words, for a record of the run."""
        if not self.many:
            return "this process"
        where = f" at {self.scheduler}" if self.scheduler else ""
        return f"{self.backend}{where}" + (f", {self.count} workers" if self.count else "")


SERIAL = Workers()


def each(
    work: Callable[[Shared, Piece], Done], shared: Shared, pieces: Sequence[Piece], workers: Workers = SERIAL
) -> Generator[tuple[int, Done], None, None]:
    """(number of the piece, `work(shared, piece)`) for every piece, in the order in which they are finished.

    `work` is a function of a module, and `shared`, the pieces and the results can be pickled (they travel between our
    own processes; nothing is kept so). An exception of a piece ends the whole.

    Raises
    ------
    EngineMissingError : the backend's package is not installed.
    InputError : the scheduler does not answer, or has no workers.
    WorkersLostError : workers died again and again, or their scheduler did; what was yielded stands.
    """
    if not workers.many or not pieces:
        for number, piece in enumerate(pieces):
            yield number, work(shared, piece)
        return
    left = dict(enumerate(pieces))
    losses = 0
    with _backend(workers, shared) as (parallel, box):
        while losses < ATTEMPTS:
            before = len(left)
            try:
                with _closing(parallel(work, box, left)) as stream:
                    for number, done in stream:
                        del left[number]
                        yield number, done
                return
            except _lost() as error:
                reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
                losses = losses + 1 if len(left) == before else 1
                left = _postponed(left, 2 * (workers.count or os.cpu_count() or 1))
            except TimeoutError as error:
                if not re.search("no (valid )?worker", str(error), re.IGNORECASE):
                    raise
                raise _no_workers(workers, len(left), len(pieces)) from None
    raise WorkersLostError(
        f"workers were lost {ATTEMPTS} times in a row, with {len(left)} of {len(pieces)} pieces not done ({reason}); "
        "is there enough memory? What was done is kept: the same command goes on from it"
    )


def _postponed(left: Mapping[int, Any], count: int) -> dict[int, Any]:
    """Those under way when workers were lost come last: if one of them brought it about, the others are done first."""
    items = list(left.items())
    return dict([*items[count:], *items[:count]])


def _no_workers(workers: Workers, left: int, pieces: int) -> InputError | WorkersLostError:
    """The error of a cluster without workers, from the beginning or by now."""
    where = f"the scheduler {workers.scheduler}" if workers.scheduler else workers.backend
    if left == pieces:
        return InputError(f"{where} has no workers: start some and wait until they are there, e.g. dask worker ADDRESS")
    return WorkersLostError(
        f"{where} has no workers left, with {left} of {pieces} pieces not done; what was done is kept: start workers, "
        "and the same command goes on from it"
    )


class _Box:
    """What all pieces share, as it travels: pickled once, and opened once a process."""

    def __init__(self, token: str) -> None:
        self.token = token

    def fetch(self) -> Any:
        """The content, where it is not at hand."""
        raise NotImplementedError

    def open(self) -> Any:
        """The content."""
        if self.token not in _OPENED:
            _OPENED.clear()
            _OPENED[self.token] = self.fetch()
        return _OPENED[self.token]


_OPENED: dict[str, Any] = {}
"""In a worker: the content of the box that it works on."""


class _FileBox(_Box):
    """In a file of this machine."""

    def __init__(self, token: str, path: str) -> None:
        super().__init__(token)
        self.path = path

    def fetch(self) -> Any:
        return pickle.loads(Path(self.path).read_bytes())  # our own file, of a moment ago


class _BytesBox(_Box):
    """The pickled content, which the backend ships once: on its way it is bytes, however often it is passed on."""

    def __init__(self, token: str, content: bytes) -> None:
        super().__init__(token)
        self.content = content

    def fetch(self) -> Any:
        return pickle.loads(self.content)  # our own, of a moment ago


class _RayBox(_Box):
    """In ray's object store."""

    def __init__(self, token: str, reference: Any) -> None:
        super().__init__(token)
        self.reference = reference

    def fetch(self) -> Any:
        import ray

        return ray.get(self.reference)


def _one(work: Callable[[Any, Any], Any], box: _Box, number: int, piece: Any) -> tuple[int, Any]:
    """In a worker: do a piece."""
    return number, work(box.open(), piece)


_Parallel = Callable[[Callable[[Any, Any], Any], _Box, dict[int, Any]], Generator[tuple[int, Any], None, None]]


@contextmanager
def _closing(stream: Generator[tuple[int, Any], None, None]) -> Iterator[Iterator[tuple[int, Any]]]:
    """End the stream with the block. Work given up on the way is the caller's wish, not worth joblib's warning."""
    try:
        yield stream
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r".*tasks.*(successfully executed|cancelled)", UserWarning)
            stream.close()


@contextmanager
def _backend(workers: Workers, shared: Any) -> Iterator[tuple[_Parallel, _Box]]:
    """How pieces are run, and the box that was packed for it."""
    from joblib import Parallel, delayed, effective_n_jobs, parallel_config

    token = uuid.uuid4().hex
    with ExitStack() as stack:
        if workers.backend == "loky":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="formsearch-"))
            path = Path(folder) / "shared"
            path.write_bytes(pickle.dumps(shared))
            box: _Box = _FileBox(token, str(path))
            options: dict[str, Any] = {"backend": "loky", "n_jobs": workers.count or -1}
            stack.callback(_end_loky)
        elif workers.backend == "dask":
            client = stack.enter_context(_dask_client(workers))
            box = _BytesBox(token, pickle.dumps(shared))
            options = {"backend": "dask", "client": client, "scatter": [box]}
        else:
            ray = _ray(workers)
            stack.callback(ray.shutdown)
            box = _RayBox(token, ray.put(shared))
            options = {"backend": "ray", "n_jobs": workers.count or -1}

        def parallel(
            work: Callable[[Any, Any], Any], box: _Box, left: dict[int, Any]
        ) -> Generator[tuple[int, Any], None, None]:
            calls = [delayed(_one)(work, box, number, piece) for number, piece in left.items()]
            with parallel_config(**options):
                if workers.backend != "ray":
                    run = Parallel(batch_size=1, pre_dispatch="2 * n_jobs", return_as="generator_unordered")
                    yield from run(calls)
                    return
                # Its backend for joblib has no generators: some pieces a worker at a time, on the same workers.
                at_once = RAY_AT_ONCE * effective_n_jobs()
                with Parallel(batch_size=1, pre_dispatch="all") as several:
                    for begin in range(0, len(calls), at_once):
                        yield from several(calls[begin : begin + at_once])

        yield parallel, box


def _end_loky() -> None:
    """Workers end with the work; after a failure joblib would leave some of them behind."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=False, kill_workers=True)


@contextmanager
def _dask_client(workers: Workers) -> Iterator[Any]:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise EngineMissingError("--backend dask needs dask: pip install 'formsearch[dask]'") from None
    with ExitStack() as stack:
        if workers.scheduler is not None:
            address: Any = workers.scheduler
        else:
            count = workers.count or os.cpu_count() or 1
            address = stack.enter_context(
                LocalCluster(  # type: ignore[no-untyped-call,unused-ignore]
                    n_workers=count,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                    scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                    env=_share_of_threads(count),
                )
            )
        try:
            client = Client(  # type: ignore[no-untyped-call,unused-ignore]
                address, timeout=CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, ValueError, TimeoutError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise InputError(
                f"--scheduler {workers.scheduler}: no dask scheduler answers there ({reason}); check the address, "
                "e.g. tcp://host:8786, and that it runs"
            ) from None
        stack.enter_context(_quiet("distributed", "distributed.client", "distributed.comm"))
        stack.enter_context(client)
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError:
            raise _no_workers(workers, 1, 1) from None
        try:
            yield client
        except OSError:
            if client.status == "running":
                raise
            raise WorkersLostError(
                f"the dask scheduler {workers.scheduler or ''} is gone; what was done is kept: start it again, and the "
                "same command goes on from it"
            ) from None


def _share_of_threads(count: int) -> dict[str, str]:
    """The environment of one of `count` workers of this machine: its share of the processors, where it would take all.

    joblib does the same for its own processes; who sets the variable is obeyed.
    """
    share = max(1, (os.cpu_count() or 1) // count)
    return {"NUMBA_NUM_THREADS": os.environ.get("NUMBA_NUM_THREADS", str(share))}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables of the environment, for processes that are started inside."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _quiet(*loggers: str) -> Iterator[None]:
    """Keep a library from logging what we tell in a line of our own."""
    found = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in found]
    for logger in found:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(found, levels, strict=True):
            logger.setLevel(level)


def _ray(workers: Workers) -> Any:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError:
        raise EngineMissingError("--backend ray needs ray: pip install 'formsearch[ray]'") from None
    try:
        if workers.scheduler is not None:
            ray.init(address=workers.scheduler, log_to_driver=False, logging_level=logging.ERROR)
        else:
            with _environment(_share_of_threads(workers.count or os.cpu_count() or 1)):  # its workers inherit it
                ray.init(
                    num_cpus=workers.count, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
                )
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InputError(
            f"--scheduler {workers.scheduler}: ray cannot be reached ({reason}); check the address"
        ) from None
    register_ray()  # type: ignore[no-untyped-call,unused-ignore]
    return ray


def _lost() -> tuple[type[BaseException], ...]:
    """What the backends raise when a worker dies, or all that held a result or what the pieces share."""
    import sys
    from concurrent.futures import CancelledError

    from joblib.externals.loky.process_executor import BrokenProcessPool

    found: list[type[BaseException]] = [BrokenProcessPool, CancelledError]
    # Only where the backend was imported: importing it here would be an import nobody asked for.
    if (distributed := sys.modules.get("distributed")) is not None:
        found += [distributed.KilledWorker]
    if (ray := sys.modules.get("ray")) is not None and hasattr(ray, "exceptions"):
        found += [ray.exceptions.RayActorError, ray.exceptions.WorkerCrashedError]
    return tuple(found)
