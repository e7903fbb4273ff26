"""The native engine: beam and evolution over the grammar, every candidate fitted to convergence.

Islands search apart, so that one early habit does not rule all; then they are merged and go on as one population, and
what was found is tidied up. See `population` for a generation.

Generations of the islands run side by side, in turns: while the kernels fit the forms of one, Python makes and judges
those of the next. Where the clock decides when the islands merge and when to stop, each goes on at its own pace until
then. A search with `generations` set waits for all islands after each of them, and is reproducible to the bit,
whatever the number of threads.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from formsearch.core.batch import BatchResult
from formsearch.core.objectives import LeastSquares, Objective
from formsearch.exceptions import InputError
from formsearch.points import Points
from formsearch.search.checkpoint import EVERY, SHARE, capture, restore
from formsearch.search.emit import to_raw
from formsearch.search.engine import Config, Progress, Proposal, Report, Spent, Step
from formsearch.search.grammar import describe
from formsearch.search.judge import coreset
from formsearch.search.population import Effort, Population, Tools
from formsearch.search.ranking import description, error, sane_error, sane_objective, size
from formsearch.search.workbench import Fitted, Steps, Work, Workbench

ROOTS = {"+", "*"}
"""Operators that every form of this engine may need."""
APART = 0.6
"""Share of the time, or of the generations, that islands search apart."""
TIDYING, TIDIED, AGAIN = 0.08, 4, 1.5
"""Share of the time kept for tidying, and how many forms are tidied first. Islands are tidied as they merge, and
tidying once more is expected to take this many times as long."""
SPARE = 3.0
"""Generations that must fit into what tidying left of its time, for more of them to be bred."""
PATIENCE = 40
"""Generations without a simpler exact form after which an exact one is final. Not few: on a few levels of a variable a
form with as many constants is exact, and the law itself, which is shorter, may come later."""
PATIENCE_FEW = 200
"""The same while the simplest exact form has as many constants as some variable has levels: exact by accident, perhaps.
"""
SHORT = 0.04
"""A generation is short if it takes a smaller share of the time."""
COLLECTED = 200_000, 20, 100
"""Thresholds of Python's collector of cycles during a search: it would look through hundreds of thousands of trees,
which hold no cycle, again and again, and take a third of Python's time."""


class Native:
    """The engine of the house."""

    name = "native"
    deterministic = (
        "the same seed gives the same forms if generations are counted; else the clock decides when to merge"
    )

    def __init__(self, effort: Effort | None = None) -> None:
        self.effort = effort or Effort()
        self.spent: Spent | None = None

    def available(self) -> str | None:
        """Always there."""
        return None

    def propose(self, points: Points, config: Config, report: Report | None = None) -> Iterable[Proposal]:
        """Search until the time or the generations are over; yields the fronts of the population.

        Raises `InputError` for operators without those that all its forms are built from.
        """
        if not set(config.operators) >= ROOTS:
            raise InputError(
                f"the native engine builds sums of products: its operators must hold + and *, not only "
                f"{' '.join(config.operators)}; --engine pysr can do with fewer"
            )
        begun = time.monotonic()
        needed = dict.fromkeys((*config.variables, *(q for law in config.seeds for q in law.quantities)))
        core, folds = coreset(points, config.folds, self.effort.most_rows, config.seed)
        core, objective = relative(core, config.objective)
        bench = Workbench(core, tuple(needed), objective, folds, config.seed)
        search = Archipelago(Tools(bench, config, self.effort), report, begun)
        if config.states is not None and (state := config.states.load(self.name)) is not None:
            restore(search, state)
        stopped = False
        try:
            with seldom_collected():
                search.run()
        except KeyboardInterrupt:
            stopped = True
        seconds = time.monotonic() - search.begun
        self.spent = Spent(seconds, bench.fits, bench.kernel_seconds, search.tools.tried, stopped)
        return search.proposals()


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """Raises the thresholds of Python's collector of cycles, if it is on, and puts them back."""
    before = gc.get_threshold()
    if before[0]:
        gc.set_threshold(*(max(a, b) for a, b in zip(before, COLLECTED, strict=True)))
    try:
        yield
    finally:
        gc.set_threshold(*before)


def relative(points: Points, objective: Objective) -> tuple[Points, Objective]:
    """Logarithmic least squares as relative least squares, which the kernels solve by projection alone.

    (ln f - ln y)**2 = ((f - y)/y)**2 to first order; what is found is refitted with the objective itself.
    """
    if not (isinstance(objective, LeastSquares) and objective.log):
        return points, objective
    weight = np.ones(len(points)) if points.weight is None else points.weight
    return replace(points, weight=weight / points.target**2), LeastSquares()


def kernel_threads() -> int:
    """How many threads the kernels may use, called from this one."""
    import numba

    return int(numba.get_num_threads())


def together(lanes: Sequence[Steps[None]]) -> None:
    """Run several generations side by side: while the kernels work for one, Python works for the next.

    Turns are taken in a fixed order, whoever is done first, so that the result does not depend on the clock. A process
    that was told to keep to one thread keeps to one core: the kernels then work in turn with Python.
    """
    import numba

    threads = kernel_threads()
    if threads == 1:
        take_turns(lanes, lambda work: work.do)
        return
    # How many threads kernels may use is known to a thread alone; a new one would take all.
    pool = ThreadPoolExecutor(1, initializer=numba.set_num_threads, initargs=(threads,))
    try:
        take_turns(lanes, lambda work: pool.submit(work.do).result)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def take_turns(lanes: Sequence[Steps[None]], begin: Callable[[Work], Callable[[], BatchResult]]) -> None:
    """One step of every lane after the other. `begin` starts its work, or puts it off, until the result is asked for.

    A lane's work reads nothing that other lanes change, so it does not matter when it is done.
    """
    waiting: deque[tuple[Steps[None], Callable[[], BatchResult]]] = deque()
    for lane in lanes:
        with contextlib.suppress(StopIteration):
            waiting.append((lane, begin(next(lane))))
    while waiting:
        lane, result = waiting.popleft()
        with contextlib.suppress(StopIteration):
            waiting.append((lane, begin(lane.send(result()))))


class Archipelago:
    """The islands and their clock."""

    def __init__(self, tools: Tools, report: Report | None, begun: float) -> None:
        self.tools, self.report, self.begun = tools, report, begun
        self.config = tools.config
        self.threads = kernel_threads()
        self.rng = np.random.default_rng(self.config.seed)
        self.main = Population(tools, self.rng)
        self.islands: list[Population] = [self.main]
        self.generation = 0
        self.simplest: float = float("inf")
        self.patience = PATIENCE
        self.due = begun + EVERY
        self.tidying = TIDYING * self.config.seconds
        self.pace = 0.0
        """Seconds from the beginning to the end of the last generation, others beside it."""

    def run(self) -> None:
        """Start, breed until the time or the generations are over, and tidy up what was found."""
        end = self.begun + self.config.limit
        if not self.main.members:
            self.main.start()
            self.islands = [self.main, *(self.main.island(r) for r in self.rng.spawn(self.tools.effort.islands - 1))]
            self.pace = time.monotonic() - self.begun
        self.breed(end)
        self.merge()
        self.tidy(end)
        # What tidying left of its time goes to more generations, as long as those pay.
        while self.config.generations is None and self.patience > 0 and self.left(end) > SPARE * self.pace:
            self.breed(end)
            self.tidy(end)

    def breed(self, end: float) -> None:
        """Generations until only the time for tidying is left, or all that were asked for."""
        while self.config.generations is None or self.generation < self.config.generations:
            if self.left(end) < 0.5 * self.pace:
                break
            now = time.monotonic()
            if len(self.islands) > 1 and self.apart_for_long(now):
                self.merge()
                self.tidy(end if self.config.generations is not None else now + self.tidying)
            before, homes, pause = self.generation, self.homes(), self.pause(end)
            together([self.generations(home, pause) for home in homes])
            self.simplify(list(dict.fromkeys(homes)), self.generation - before, end)
            if self.patience <= 0:
                break
            self.keep()

    def left(self, end: float) -> float:
        """Seconds that are left for breeding."""
        return end - self.tidying - time.monotonic()

    def generations(self, home: Population, pause: float) -> Steps[None]:
        """One generation of an island after the other until the clock says `pause`, or some form is exact."""
        while True:
            begun = time.monotonic()
            yield from home.breeding()
            self.generation += 1
            self.tell()
            now = time.monotonic()
            self.pace = now - begun
            if now + 0.5 * self.pace > pause or any(island.exact() for island in self.islands):
                break

    def pause(self, end: float) -> float:
        """When the islands have to be between two generations: to merge, to be noted down, or to be tidied up.

        After each of them, where the number of generations decides and not the clock; and after the first, which
        shows how long one takes.
        """
        if self.config.generations is not None or self.generation == 0:
            return -np.inf
        times = [end - self.tidying]
        if len(self.islands) > 1:
            times.append(self.begun + APART * self.config.seconds)
        if self.config.states is not None:
            times.append(self.due)
        return min(times)

    def tidy(self, end: float) -> None:
        """Tidy the largest forms of the front, and note how long that took."""
        begun = time.monotonic()
        together([self.main.tidying([f], end) for f in self.main.front(sane_error)[-TIDIED:][::-1]])
        self.tidying = min(AGAIN * (time.monotonic() - begun), self.tidying)

    def homes(self) -> list[Population]:
        """Who breeds next: every island, or the one population as often.

        Twice where a generation is short in comparison with the search and kernels have threads of their own: Python
        then always has another generation to think about, at the price that it knows nothing of the last one.
        """
        count = self.tools.effort.islands
        if self.config.generations is not None:
            count = min(count, self.config.generations - self.generation)
        elif self.threads > 1 and self.pace < SHORT * self.config.seconds:
            count *= 2
        return [self.islands[(self.generation + k) % len(self.islands)] for k in range(count)]

    def simplify(self, homes: Sequence[Population], generations: int, end: float) -> None:
        """Where a form is exact, nothing fits better; a simpler form may fit as well. After so many `generations`."""
        done = [home for home in homes if home.exact()]
        if not done:
            return
        together([home.tidying(home.exact()[:1], end) for home in done])
        simplest = min((home.exact()[0] for home in done), key=size)
        if simplest.complexity < self.simplest:
            self.simplest = simplest.complexity
            self.patience = PATIENCE if self.tools.bench.determines(simplest) else PATIENCE_FEW
        else:
            self.patience -= generations

    def apart_for_long(self, now: float) -> bool:
        """Whether it is time to merge."""
        if self.config.generations is not None:
            return self.generation >= APART * self.config.generations
        return now + 0.5 * self.pace - self.begun > APART * self.config.seconds

    def merge(self) -> None:
        """All islands become one population."""
        self.main.merge(self.islands[1:])
        self.islands = [self.main]

    def keep(self) -> None:
        """Note how far the search is, now and then, to go on from there if it is cut off."""
        now = time.monotonic()
        if self.config.states is not None and now + 0.5 * self.pace >= self.due:
            self.config.states.save(Native.name, capture(self, now - self.begun))
            taken = time.monotonic() - now
            self.due = now + max(EVERY, taken / SHARE)

    def tell(self) -> None:
        """Report how far the search is."""
        members = [f for island in self.islands for f in island.members.values()]
        if self.report is not None and members:
            best = min(members, key=lambda f: (f.flaws > 0, f.error))
            seconds = time.monotonic() - self.begun
            self.report(
                Progress(seconds, self.tools.tried, describe(best.form), best.error, best.complexity, self.generation)
            )

    # -- results -------------------------------------------------------------------------------------------------

    def proposals(self) -> list[Proposal]:
        """The fronts and the best of the rest, most promising first, with the way each was reached."""
        if len(self.islands) > 1:
            self.merge()
        chosen: dict[object, Fitted] = {}
        for front in (self.main.exact()[:3], *(self.main.front(m) for m in (sane_error, sane_objective, error))):
            for f in sorted(front, key=size, reverse=True):
                chosen.setdefault(f.form, f)
        # By what the choice will be made: fronts by one of its two parts pass over forms that are good by both.
        for f in sorted(self.main.members.values(), key=lambda f: (f.flaws > 0, description(self.tools.bench, f))):
            if len(chosen) >= self.tools.effort.finalists:
                break
            chosen.setdefault(f.form, f)
        return [self.proposal(f) for f in chosen.values()]

    def proposal(self, f: Fitted) -> Proposal:
        """A member as a proposal."""
        groups = tuple(tuple(map(float, to_raw(f.emitted, v))) for v in f.values)
        return Proposal(f.form, groups[0], "native", tuple(self.steps(f)), groups)

    def steps(self, f: Fitted) -> list[Step]:
        """The line of ancestors, oldest first."""
        line: list[Fitted] = []
        at: Fitted | None = f
        while at is not None:
            line.append(at)
            at = at.parent
        rms = self.tools.bench.rms
        return [Step(a.move, describe(a.form), a.complexity, rms(a), a.error) for a in reversed(line)]
