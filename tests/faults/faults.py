"""The faults: each disturbs runs in its own way, resumes them, and says whether anything was lost."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.harness import (
    LIMIT,
    Bench,
    Outcome,
    at_random,
    descendants,
    disturbed,
    keys,
    kill_all,
    reaches,
    signalled,
    store_of,
)

Fault = Callable[[Bench, int], Outcome]

PAGE = 4096
ROOMS = (150_000, 60_000, 300_000, 1_500_000)
"""Bytes of disks that are too small: for the store, for the report, for neither of them at last."""


def kills(bench: Bench, times: int) -> Outcome:
    """`kill -9` of the main process and its children at random moments."""
    return _at_random(bench, "kill -9", times, kill_all, 1)


def interrupts(bench: Bench, times: int) -> Outcome:
    """Ctrl-C at random moments."""
    return _at_random(bench, "SIGINT", times, signalled("SIGINT"), 2)


def terminations(bench: Bench, times: int) -> Outcome:
    """SIGTERM at random moments, as a scheduler sends it at the time limit."""
    return _at_random(bench, "SIGTERM", times, signalled("SIGTERM"), 3)


def _at_random(
    bench: Bench, name: str, times: int, disturb: Callable[[subprocess.Popen[str]], None], seed: int
) -> Outcome:
    outcome = Outcome(name)
    for k, moment in enumerate(at_random(bench, times, seed)):
        out = bench.root / f"{name.replace(' ', '')}-{k}"
        before = disturbed(bench, outcome, out, disturb, moment)
        bench.judge(outcome, out, before)
    if times > 1 and set(outcome.codes) == {0}:
        outcome.equal, outcome.said = 0, "no run was ended by it"
    return outcome


def worker_deaths(bench: Bench, times: int) -> Outcome:
    """`kill -9` of one worker of two, at random moments of their work; the run has to finish by itself."""
    outcome = Outcome("a worker dies")
    words, draw = bench.words, random.Random(4)
    bench.words = (*words, "--backend", "loky", "--workers", "2")
    killed = 0

    def kill_one(process: subprocess.Popen[str]) -> None:
        nonlocal killed
        end = time.monotonic() + LIMIT
        while not (workers := _workers(process.pid)) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(draw.uniform(0.0, 2.0))  # they start, are shipped what they share, and work
        for number in (_workers(process.pid) or workers)[-1:]:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
                killed += 1

    try:
        for k in range(times):
            out = bench.root / f"worker-{k}"
            before = disturbed(bench, outcome, out, kill_one, 0.1)
            bench.judge(outcome, out, before)
    finally:
        bench.words = words
    outcome.said = outcome.said or f"{killed} of {times} while at work"
    return outcome


def _workers(process: int) -> list[int]:
    return [n for n in descendants(process) if "loky" in _command(n) and "tracker" not in _command(n)]


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def full_disk(bench: Bench, times: int) -> Outcome:
    """A disk with room for a part of the run; then one with room for all of it."""
    outcome = Outcome("full disk")
    for k in range(times):
        room = ROOMS[k % len(ROOMS)]
        with small_disk(bench.root / f"disk-{k}", room) as disk:
            outcome.fault = f"full disk ({disk.how})"
            out = disk.folder / "out"
            done = disk.run(bench, out)
            outcome.codes[done.returncode] = outcome.codes.get(done.returncode, 0) + 1
            said = done.stderr.strip().splitlines()
            if done.returncode not in (0, 2) or not all(_one_of_ours(line) for line in said):
                outcome.said = said[-1] if said else "no word"
            before = keys(store_of(out))
            disk.enlarge()
            bench.judge(outcome, out, before)
    return outcome


def _one_of_ours(line: str) -> bool:
    return not line.startswith("Traceback") and "defect" not in line


class Disk:
    """A small file system, or a limit on the size of files where none can be mounted."""

    def __init__(self, folder: Path, room: int) -> None:
        self.folder, self.room = folder, room
        folder.mkdir()
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(folder)], capture_output=True, check=False
        )
        self.mounted = made.returncode == 0
        self.how = "tmpfs" if self.mounted else "RLIMIT_FSIZE"

    def run(self, bench: Bench, out: Path) -> subprocess.CompletedProcess[str]:
        """A run that may not have room."""
        limit = None if self.mounted else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (self.room, self.room))
        return bench.run(out, preexec_fn=limit)

    def enlarge(self) -> None:
        """Room for all."""
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,size=64m", str(self.folder)], check=True)

    def protect(self) -> None:
        """Nothing can be written any more. Raises `CalledProcessError` where that cannot be had."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.folder)], check=True)

    def unprotect(self) -> None:
        """Take it back."""
        subprocess.run(["mount", "-o", "remount,rw", str(self.folder)], check=True)

    def close(self) -> None:
        """Unmount and remove."""
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)
        shutil.rmtree(self.folder)


@contextmanager
def small_disk(folder: Path, room: int) -> Iterator[Disk]:
    """A disk with so many bytes of room."""
    disk = Disk(folder, room)
    try:
        yield disk
    finally:
        disk.close()


def read_only(bench: Bench, times: int) -> Outcome:
    """A folder that turns read-only while a run is stopped; then can be written again."""
    outcome = Outcome("read-only disk")
    for k in range(times):
        with small_disk(bench.root / f"protected-{k}", 64 << 20) as disk:
            if not disk.mounted:
                outcome.said = "no file system can be mounted here"
                return outcome
            out = disk.folder / "out"
            before = disturbed(bench, outcome, out, kill_all, 0.7 * bench.work)
            disk.protect()
            done = bench.run(out)
            disk.unprotect()
            said = done.stderr.strip().splitlines()
            if done.returncode != 2 or len(said) != 1 or "read-only" not in said[0].lower():
                outcome.said = said[-1] if said else f"code {done.returncode}"
            bench.judge(outcome, out, before)
    return outcome


def clock_jumps(bench: Bench, times: int) -> Outcome:
    """The calendar jumps by days, back and forth, while a run is at work; half of the runs are killed as well."""
    outcome = Outcome("clock jumps")
    library = bench.root / "clock.so"
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        outcome.said = "no C compiler: not tried"
        return outcome
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    for k in range(times):
        out = bench.root / f"clock-{k}"
        with bench.start(out, env=os.environ | {"LD_PRELOAD": str(library)}) as process:
            if k % 2 and reaches(process, 0.6 * bench.work):
                kill_all(process)
            try:
                code = process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                kill_all(process)
                code, outcome.said = process.wait(), "it hung"
            outcome.codes[code] = 1 + outcome.codes.get(code, 0)
        bench.judge(outcome, out, keys(store_of(out)))
    return outcome


def two_runs(bench: Bench, times: int) -> Outcome:
    """A second run on the folder of one under way: it is turned away, and the first is not disturbed."""
    outcome = Outcome("two runs on a folder")
    for k in range(times):
        out = bench.root / f"two-{k}"
        with bench.start(out) as first:
            lock = out.with_name(f".{out.name}.unfinished") / "lock"
            while not lock.exists() and first.poll() is None:
                time.sleep(0.02)
            time.sleep(0.2)
            second = bench.run(out)
            outcome.codes[second.returncode] = outcome.codes.get(second.returncode, 0) + 1
            first.wait(LIMIT)
        if second.returncode != 2 or "another run is working on it" not in second.stderr:
            outcome.said = second.stderr.strip()
        bench.judge(outcome, out, keys(store_of(out)))
    return outcome


def damaged_pages(bench: Bench, times: int) -> Outcome:
    """A page of the store is overwritten: the run says so, `runs repair` keeps the rest, and the run completes."""
    outcome = Outcome("damaged page")
    for k in range(times):
        out = bench.root / f"page-{k}"
        bench.run(out)
        store = out / "work.sqlite"
        content = bytearray(store.read_bytes())
        number = 3 + (5 * k) % (len(content) // PAGE - 3)
        content[number * PAGE : (number + 1) * PAGE] = os.urandom(PAGE)
        store.write_bytes(content)
        done = bench.run(out)
        outcome.codes[done.returncode] = outcome.codes.get(done.returncode, 0) + 1
        if done.returncode not in (0, 2) or "Traceback" in done.stderr:
            outcome.said = done.stderr.strip()[-200:]
        fixed = subprocess.run(
            [sys.executable, "-m", "formsearch", "runs", "repair", str(out)],
            capture_output=True, text=True, check=False, cwd=bench.root,
        )  # fmt: skip
        if fixed.returncode != 0 and "nothing in it can be read" not in fixed.stderr:
            outcome.said = fixed.stderr.strip()[-200:]
            outcome.times += 1
            continue
        if fixed.returncode != 0:
            store.unlink()
        left = keys(store)
        bench.judge(outcome, out, left, set(bench.pieces) - set(left))
    return outcome


def hanging_engine(bench: Bench, times: int) -> Outcome:
    """A child engine that hangs and one that aborts, beside one that answers."""
    from formsearch.search.child import Children

    del bench
    outcome = Outcome("a child engine hangs")
    for _ in range(times):
        requests = [{"do": "hang"}, {"do": "answer"}, {"do": "abort"}]
        begun = time.monotonic()
        with Children("tests.faults.engine", requests, seconds=5.0, workers=3) as children:
            answers = list(children.answers())
        states = [o.status for o in children.outcomes]
        outcome.times += 1
        outcome.equal += answers == [(1, {"form": "E + A/N**a"})] and states == ["late", "done", "died"]
        outcome.said = f"{', '.join(states)} after {time.monotonic() - begun:.0f} s"
    return outcome


FAULTS: dict[str, tuple[Fault, int]] = {
    "kill": (kills, 30),
    "worker": (worker_deaths, 4),
    "sigint": (interrupts, 6),
    "sigterm": (terminations, 6),
    "disk": (full_disk, 4),
    "readonly": (read_only, 2),
    "engine": (hanging_engine, 1),
    "clock": (clock_jumps, 2),
    "two": (two_runs, 2),
    "page": (damaged_pages, 6),
}
"""Name -> the fault, and how often the whole suite carries it out."""
