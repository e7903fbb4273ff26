"""Engines that live outside: each run in a child process of its own, with a time limit, talking JSON.

A child is `python -m MODULE FOLDER`: it reads FOLDER/request.json and appends one JSON object a line to
FOLDER/answers.jsonl (a file, since libraries print to stdout, and since it survives a kill). Nothing is pickled.
A crash of the interpreter, an abort in C++ or a hang becomes the outcome of that run alone; what it and the others
had answered is kept. Children die with their parent: they watch a pipe that closes when the parent ends.

In the parent:   for k, answer in Children("my.module", requests, seconds=30).answers(): ...
In the child:    if __name__ == "__main__": serve(work)      # work(request, send)
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

REQUEST, ANSWERS, LOG = "request.json", "answers.jsonl", "log.txt"
DONE, FAILED = "done", "failed"
POLL = 0.02
GRACE = 2.0
"""Seconds between asking a child to stop and killing it."""
TAIL = 300
"""Characters of a dead child's last words that an error repeats."""

Answer = dict[str, Any]


@dataclass
class Outcome:
    """How one run ended. `status`: done; failed (it raised); died (a crash or an abort); late (over its limit);
    stopped (by us, before its end). `error` is a sentence; empty where it is done or stopped."""

    status: Literal["waiting", "running", "done", "failed", "died", "late", "stopped"] = "waiting"
    error: str = ""
    seconds: float = 0.0
    answers: int = 0


@dataclass(eq=False)
class _Run:
    """A child at work: its folder, how far its answers were read."""

    index: int
    process: subprocess.Popen[bytes]
    folder: Path
    log: IO[bytes]
    begun: float
    read: int = 0
    rest: bytes = b""
    said: str = ""
    error: str = ""
    asked: float | None = None


class Children:
    """Runs of one module, so many at a time, each with a time limit.

    Parameters
    ----------
    module : `python -m` name of what the child runs.
    requests : what each child gets, JSON-ready.
    seconds : time limit of each run, start of its interpreter included. `until` : a moment of `time.monotonic()` at
        which all of them are stopped, and after which none is started.
    workers : runs at a time; by default the processors at hand.
    environment : variables set for the children, beside the parent's own.

    A context manager: leaving it, by whatever way, stops the children and removes their folders.
    """

    def __init__(
        self,
        module: str,
        requests: Sequence[Mapping[str, Any]],
        seconds: float,
        until: float | None = None,
        workers: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.module, self.requests = module, list(requests)
        self.seconds, self.until = seconds, until
        self.workers = max(1, workers if workers is not None else processors())
        self.environment = dict(environment or {})
        self.outcomes = [Outcome() for _ in self.requests]
        self._running: list[_Run] = []
        self._root = tempfile.TemporaryDirectory(prefix="formsearch-", ignore_cleanup_errors=True)

    def __enter__(self) -> Children:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- the parent's side ---------------------------------------------------------------------------------------

    def answers(self, meanwhile: Callable[[], None] | None = None) -> Iterator[tuple[int, Answer]]:
        """(number of the request, answer) as they come, until every run has ended.

        `meanwhile` is called again and again while they run.
        """
        waiting = list(range(len(self.requests)))
        try:
            while waiting or self._running:
                over = self.until is not None and time.monotonic() >= self.until
                if over:
                    waiting.clear()
                while waiting and len(self._running) < self.workers:
                    self._running.append(self._start(waiting.pop(0)))
                for run in list(self._running):
                    ended = run.process.poll() is not None
                    for answer in self._heard(run):
                        self.outcomes[run.index].answers += 1
                        yield run.index, answer
                    if ended:
                        self._finish(run)
                    else:
                        self._limit(run, over)
                if meanwhile is not None:
                    meanwhile()
                if self._running:
                    time.sleep(POLL)
        finally:
            self.close()

    def close(self) -> None:
        """Stop what still runs and remove the folders."""
        for run in list(self._running):
            _end(run.process, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
            run.process.wait()
            run.said = run.said or "stopped"
            self._finish(run)
        self._root.cleanup()

    def _start(self, index: int) -> _Run:
        folder = Path(self._root.name) / str(index)
        folder.mkdir()
        (folder / REQUEST).write_text(json.dumps(self.requests[index]))
        (folder / ANSWERS).touch()
        log = (folder / LOG).open("wb")
        # One thread for each child's linear algebra: the children themselves fill the processors.
        alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        process = subprocess.Popen(
            [sys.executable, "-m", self.module, str(folder)],
            stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **alone, **self.environment},
            start_new_session=True,  # Ctrl-C is the parent's; a kill reaches the child's own children too
        )  # fmt: skip
        self.outcomes[index].status = "running"
        return _Run(index, process, folder, log, time.monotonic())

    def _heard(self, run: _Run) -> list[Answer]:
        """New whole lines of a run's answers; the last two kinds are for us."""
        with (run.folder / ANSWERS).open("rb") as file:
            file.seek(run.read)
            new = file.read()
        run.read += len(new)
        *lines, run.rest = (run.rest + new).split(b"\n")
        heard: list[Answer] = []
        for line in lines:
            try:
                answer = json.loads(line)
            except ValueError:
                continue  # a line cut by a crash
            if not isinstance(answer, dict):
                continue
            if answer.get("kind") in (DONE, FAILED):
                run.said, run.error = str(answer["kind"]), str(answer.get("error", ""))
            else:
                heard.append(answer)
        return heard

    def _limit(self, run: _Run, over: bool) -> None:
        """Ask a run that is over its time to stop; then make it."""
        now = time.monotonic()
        late = now - run.begun > self.seconds
        if not (late or over):
            return
        if run.asked is None:
            run.asked = now
            run.said = run.said or ("late" if late else "stopped")
            _end(run.process, signal.SIGTERM)
        elif now - run.asked > GRACE:
            _end(run.process, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)

    def _finish(self, run: _Run) -> None:
        self._running.remove(run)
        if run.process.stdin is not None:
            run.process.stdin.close()
        run.log.close()
        outcome = self.outcomes[run.index]
        outcome.seconds = time.monotonic() - run.begun
        match run.said:
            case "done":
                outcome.status = "done"
            case "failed":
                outcome.status, outcome.error = "failed", run.error
            case "late":
                outcome.status, outcome.error = "late", f"stopped at its limit of {self.seconds:.3g} s"
            case "stopped":
                outcome.status = "stopped"
            case _:
                outcome.status, outcome.error = "died", self._last_words(run)

    def _last_words(self, run: _Run) -> str:
        code = run.process.returncode
        how = f"exit code {code}"
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                how = f"signal {signal.Signals(-code).name}"
        text = (run.folder / LOG).read_bytes().decode("utf-8", "replace").strip()
        return f"the process died ({how})" + (f": {' '.join(text[-TAIL:].split())}" if text else "")


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Send a signal to a child and all of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, how)
        else:
            process.terminate()


# -- the child's side --------------------------------------------------------------------------------------------

Send = Callable[[Answer], None]


def serve(work: Callable[[dict[str, Any], Send], None], arguments: Sequence[str] | None = None) -> int:
    """Run `work(request, send)` in a child: read the request, send answers, say how it ended."""
    folder = Path((sys.argv[1:] if arguments is None else list(arguments))[0])
    request = json.loads((folder / REQUEST).read_text())
    _die_with_parent()
    with (folder / ANSWERS).open("ab", buffering=0) as file:

        def send(answer: Answer) -> None:
            file.write(json.dumps(answer).encode() + b"\n")

        try:
            work(request, send)
        except Exception as error:
            # Everything: whatever an engine raises is told to the parent, which alone decides.
            send({"kind": FAILED, "error": f"{type(error).__name__}: {' '.join(str(error).split())}"})
            return 1
        send({"kind": DONE})
    return 0


def _die_with_parent() -> None:
    """End this process when the parent's end of its stdin closes; engines see an empty stdin."""
    watched = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(watched, 4096):
                pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
