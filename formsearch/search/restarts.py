"""An engine run several times apart, from seeds of its own each time, on one worker or many: islands that never meet.

What is proposed depends on the seed and the number of restarts, never on who ran them: their proposals are merged in
the order of their seeds. With `generations` set, a search of several restarts is as reproducible as one.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from formsearch.exceptions import InputError
from formsearch.parallel import SERIAL, Workers, each
from formsearch.points import Points
from formsearch.search.checkpoint import read_proposals, write_proposals
from formsearch.search.engine import Config, Engine, Progress, Proposal, Report, Spent, get_engine

STRIDE = 1_000_003
"""Seeds of restarts lie so far apart: those of searches that a user starts with seeds 0, 1, 2, ... stay different."""


class Restarts:
    """`count` runs of an engine, through `workers`; an engine itself."""

    def __init__(self, engine: str | Engine, count: int, workers: Workers = SERIAL) -> None:
        if count < 1:
            raise InputError(f"restarts must be at least 1, not {count}")
        self.engine = get_engine(engine)
        self.count, self.workers = count, workers
        self.spent: Spent | None = None

    @property
    def name(self) -> str:
        """That of the engine."""
        return self.engine.name

    @property
    def deterministic(self) -> str:
        """What the engine promises, for each restart."""
        return f"{self.count} restarts: {self.engine.deterministic}"

    def available(self) -> str | None:
        """Whether the engine can run here."""
        return self.engine.available()

    def seconds_each(self, seconds: float) -> float:
        """Budget of one restart: all of it where each has a worker of its own."""
        at_a_time = (self.workers.count or os.cpu_count() or 1) if self.workers.many else 1
        return seconds / math.ceil(self.count / at_a_time)

    def propose(self, points: Points, config: Config, report: Report | None = None) -> Iterable[Proposal]:
        """The proposals of all restarts, by turns, the most promising of each first."""
        begun = time.monotonic()
        states = config.states
        plain = replace(config, seconds=self.seconds_each(config.seconds), states=None)
        done: dict[int, Mapping[str, Any]] = {}
        for k in range(self.count):
            if states is not None and (kept := states.load(f"restart {k} of {self.name}")) is not None:
                done[k] = kept
        waiting = [k for k in range(self.count) if k not in done]
        seeds = [config.seed + STRIDE * k for k in waiting]
        for place, found in each(_apart, (self.engine, points, plain), seeds, self.workers):
            done[waiting[place]] = found
            if found["stopped"]:
                break
            if states is not None:
                states.save(f"restart {waiting[place]} of {self.name}", found)
            if report is not None:
                tried = sum(int(d["tried"]) for d in done.values())
                seconds = time.monotonic() - begun
                report(Progress(seconds, tried, f"of {len(done)} of {self.count} restarts", math.nan, 0))
        ordered = [done[k] for k in sorted(done)]
        self.spent = Spent(
            sum(d["seconds"] for d in ordered), sum(d["fits"] for d in ordered),
            sum(d["kernel_seconds"] for d in ordered), sum(d["tried"] for d in ordered),
            any(d["stopped"] for d in ordered),
        )  # fmt: skip
        turns = zip_longest(*(read_proposals(d) for d in ordered))
        return [p for turn in turns for p in turn if p is not None]


def _apart(shared: tuple[Engine, Points, Config], seed: int) -> dict[str, Any]:
    """In a worker: one restart, as JSON."""
    engine, points, config = shared
    proposals = list(engine.propose(points, replace(config, seed=seed)))
    spent = getattr(engine, "spent", None) or Spent(0.0, 0, 0.0, 0)
    told = {"seconds": spent.seconds, "fits": spent.fits, "kernel_seconds": spent.kernel_seconds, "tried": spent.tried}
    return write_proposals(proposals) | told | {"stopped": spent.stopped}
