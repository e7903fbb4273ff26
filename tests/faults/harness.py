"""Runs of the command line as a fault sees them: started, disturbed, resumed, and compared to an undisturbed one."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from formsearch.core.ready import make_ready

LIMIT = 900.0
"""Seconds after which a run is taken to hang: a hundred times what it takes, for machines that do more than this."""

QUICK = ("--laws", "chinchilla,kaplan2020", "--starts", "4", "--seconds", "600", "--generations", "2")
"""Nothing in it depends on the clock: the search ends after its generations."""

SHORT = ("--laws", "chinchilla,kaplan2020", "--starts", "4", "--seconds", "0")
"""The same without a search."""


@dataclass
class Outcome:
    """What a fault did, over its repetitions."""

    fault: str
    times: int = 0
    kept: int = 0
    repeated: int = 0
    equal: int = 0
    codes: dict[int, int] = field(default_factory=dict)
    said: str = ""

    @property
    def passed(self) -> bool:
        """No finished piece was done again, and every result equals the undisturbed one."""
        return self.times > 0 and self.equal == self.times and self.repeated == 0


@dataclass
class Bench:
    """A folder to work in, a table of runs, and the results of an undisturbed run on it."""

    root: Path
    words: Sequence[str] = QUICK
    seconds: float = 0.0
    """An undisturbed run takes so long."""
    work: float = 0.0
    """And so many seconds of the processor: moments are told by these, whatever else the machine does."""

    def __post_init__(self) -> None:
        # A job that a shell put in the background ignores Ctrl-C, and so would every run that is started here.
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        make_ready()  # where kernels have to be compiled first, moments would be drawn over that time too
        self.table = write_table(self.root / "runs.csv")
        begun, used = time.monotonic(), _used_by_children()
        done = self.run(self.root / "undisturbed")
        assert done.returncode == 0, done.stderr
        self.seconds, self.work = time.monotonic() - begun, _used_by_children() - used
        self.expected = results(self.root / "undisturbed")
        self.pieces = keys(self.root / "undisturbed" / "work.sqlite")

    def command(self, out: Path) -> list[str]:
        """The command line of a run."""
        return [sys.executable, "-m", "formsearch", "run", str(self.table), *self.words, "--out", str(out), "--quiet"]

    def start(self, out: Path, **options: Any) -> subprocess.Popen[str]:
        """A run in a process group of its own."""
        return subprocess.Popen(
            self.command(out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True, cwd=self.root, **options,
        )  # fmt: skip

    def run(self, out: Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """A run to its end."""
        return subprocess.run(
            self.command(out), capture_output=True, text=True, cwd=self.root, timeout=LIMIT, check=False, **options
        )

    def judge(
        self, outcome: Outcome, out: Path, before: Mapping[str, str], destroyed: Collection[str] = frozenset()
    ) -> None:
        """Resume the run in `out`, whose store held `before`, and compare with the undisturbed one.

        Of pieces that were `destroyed` those are done again that are needed; resamples behind a derivation that is
        there, for one, are not.
        """
        done = self.run(out)
        outcome.times += 1
        if done.returncode != 0:
            outcome.said = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"code {done.returncode}"
            return
        after = keys(out / "work.sqlite")
        outcome.kept += len(before)
        # A finished piece that was done again would have another run's number, or be gone.
        outcome.repeated += sum(after.get(key) != run for key, run in before.items())
        # A search that was stopped by Ctrl-C has its finds judged and kept: there may be more pieces, never fewer.
        same = results(out) == self.expected and set(after) >= set(self.pieces) - set(destroyed)
        outcome.equal += same
        if not same:
            outcome.said = difference(results(out), self.expected) or "pieces are missing in the store"
        else:
            shutil.rmtree(out)


def write_table(path: Path) -> Path:
    """Twenty runs with a loss of 1.8 + 400 N^-.34 + 400 D^-.28 and noise of .003."""
    rng = np.random.default_rng(0)
    lines = ["params,tokens,loss"]
    for n in (5e7, 1e8, 2e8, 4e8, 8e8):
        for d in (1e9, 3e9, 9e9, 27e9):
            lines.append(f"{n},{d},{1.8 + 400 * n**-0.34 + 400 * d**-0.28 + rng.normal(0, 0.003)!r}")
    path.write_text("\n".join(lines) + "\n")
    return path


def results(folder: Path) -> dict[str, Any]:
    """results.json without what differs between equal runs: when, where, how long."""
    document: dict[str, Any] = json.loads((folder / "results.json").read_text())
    del document["provenance"]
    for front in document["fronts"]:
        del front["seconds"], front["kernel_share"]
    return document


def difference(a: Any, b: Any, at: str = "") -> str:
    """Where two documents differ first; empty where they do not."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in a.keys() | b.keys():
            if said := difference(a.get(key), b.get(key), f"{at}/{key}"):
                return said
        return ""
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return next(
            (said for i, (x, y) in enumerate(zip(a, b, strict=True)) if (said := difference(x, y, f"{at}/{i}"))), ""
        )
    return "" if a == b else f"{at}: {str(a)[:60]} != {str(b)[:60]}"


def store_of(out: Path) -> Path:
    """The store of a run, wherever it is now."""
    beside = out.with_name(f".{out.name}.unfinished") / "work.sqlite"
    return beside if beside.exists() else out / "work.sqlite"


def keys(store: Path) -> dict[str, str]:
    """Finished pieces: key -> checksum and the number of the run that did it. Read with a plain SQLite client."""
    if not store.exists():
        return {}
    db = sqlite3.connect(store)
    try:
        return {key: f"{checksum} {run}" for key, checksum, run in db.execute("SELECT key, checksum, run FROM work")}
    except sqlite3.OperationalError:  # killed before the tables were made
        return {}
    finally:
        db.close()


def descendants(process: int) -> list[int]:
    """Process numbers of all children and their children."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(parts[1]) == process:
            child = int(entry.parent.name)
            found += [child, *descendants(child)]
    return found


def disturbed(
    bench: Bench, outcome: Outcome, out: Path, disturb: Callable[[subprocess.Popen[str]], None], moment: float
) -> dict[str, str]:
    """Start a run, disturb it at a moment, wait for its end; what its store holds then."""
    with bench.start(out) as process:
        if reaches(process, moment):
            disturb(process)
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            outcome.said = "it hung"
        code = process.wait()
        last = (process.stderr.read() if process.stderr is not None else "").strip().splitlines()[-1:]
    outcome.codes[code] = outcome.codes.get(code, 0) + 1
    # Ctrl-C after the end of the work, while the interpreter shuts down, is -SIGINT and silent.
    if code not in (0, 130, 143, -signal.SIGKILL) and (code != -signal.SIGINT or "Interrupt" in "".join(last)):
        outcome.said = f"code {code}: {' '.join(last)}"
    return keys(store_of(out))


def at_random(bench: Bench, times: int, seed: int) -> list[float]:
    """Moments, evenly drawn over the work of an undisturbed run."""
    draw = random.Random(seed)
    return [draw.uniform(0.2, bench.work) for _ in range(times)]


def reaches(process: subprocess.Popen[str], moment: float) -> bool:
    """Wait until a run has used so many seconds of the processor; False if it ended before."""
    end = time.monotonic() + LIMIT
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError):
            words = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            if sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK") >= moment:  # its own, and that of children
                return True
        time.sleep(0.01)
    return False


def _used_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def signalled(name: str) -> Callable[[subprocess.Popen[str]], None]:
    """Send a signal to the main process."""
    return lambda process: process.send_signal(getattr(signal, name))


def kill_all(process: subprocess.Popen[str]) -> None:
    """Kill -9 the main process and all its children."""
    for number in [process.pid, *descendants(process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
