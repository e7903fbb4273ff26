"""The Operon engine: rounds of runs, each in a child process, seeded by what was judged best so far.

Operon ranks trees by their squared error in the sample, in single precision; that picks forms which break beyond the
data. So a search is not one long run. It is rounds of several, side by side, each from its own seed, short at first
and longer with each round. After a round all fronts are refitted, pruned and judged on the hold-outs (see `harvest`),
and the best forms, with registry laws at first, are planted into half of the next round's populations; the other half
starts from nothing, for variety. For the second half of the time the native engine goes on from the best forms: trees
rarely hold ties and valleys.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import FormsearchError, InputError
from formsearch.points import Points
from formsearch.search.child import Children, processors
from formsearch.search.engine import Config, Progress, Proposal, Report, Spent, warn_failed
from formsearch.search.grammar import describe, variables
from formsearch.search.harvest import Harvest
from formsearch.search.judge import coreset
from formsearch.search.operon.programs import Program, program_of
from formsearch.search.refine import Refinement
from formsearch.search.scaling import Scaling
from formsearch.search.workbench import Fitted

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

MODULE = "formsearch.search.operon.run"
INSTALL = "pip install 'formsearch[operon]'"
STARTING = 15.0
"""Seconds that a child may take beyond its time to start and to end, on a busy machine."""
CUTTING = 0.5
"""Seconds after its end when a search stops the runs that have not ended by themselves."""
OPERATORS = {"+": ("add",), "*": ("mul",), "/": ("div",), "pow": ("pow",), "log": ("log",), "exp": ("exp",)}
MIN_ROWS = 4
REFINE_AT_MOST = 120.0


@dataclass(frozen=True)
class Effort:
    """How much is done; everything that decides a result beside the seed.

    population, generations, iterations : of one run (iterations of Levenberg-Marquardt a tree). rows : `generations`
    is for this many rows; more rows get fewer. lengths, depth : of trees, the lengths by turns. side : runs of the
    first round; later ones have one for each processor. growth : how many times longer the runs of a round are than
    those of the last, and `grown` the lengths of their trees: short runs find short laws, but a law of fifteen
    constants takes a run of 12 CPU seconds to trees of 40 nodes, and any number of short ones do not reach it.
    rounds : at most. copies, elites : how often an elite is planted, and how many. finalists : proposals.
    refine : share of the time (120 s at most) in which the native engine goes on from the best forms; 0 leaves it out.
    Half: on Chinchilla's runs forms chosen after 4 s of it predicted the largest runs worse than those after 10 s.
    most_rows : above, a coreset.
    """

    population: int = 500
    generations: int = 30
    rows: int = 250
    iterations: int = 10
    lengths: tuple[int, ...] = (35, 18, 25)
    depth: int = 10
    side: int = 4
    growth: int = 3
    grown: tuple[int, ...] = (50, 40)
    rounds: int = 100
    elites: int = 16
    copies: int = 3
    finalists: int = 24
    refine: float = 0.5
    most_rows: int = 600


class Operon:
    """Operon, driven in rounds."""

    name = "operon"
    deterministic = (
        "with a number of generations set, the same seed gives the same forms on the same kind of processor; "
        "otherwise the clock decides how many runs are made and cuts the last ones"
    )

    def __init__(self, effort: Effort | None = None) -> None:
        self.effort = effort or Effort()
        self.spent: Spent | None = None
        self.notes: tuple[str, ...] = ()

    def available(self) -> str | None:
        """None, or what to type. Looks for the package without importing it."""
        if find_spec("pyoperon") is None:
            return f"the package pyoperon is not installed (x86-64 Linux and arm64 macOS only): {INSTALL}"
        return None

    def propose(self, points: Points, config: Config, report: Report | None = None) -> Iterable[Proposal]:
        """Search; yields the best forms at the end, or what there is when it is interrupted."""
        kept = min(self.effort.refine * config.seconds, REFINE_AT_MOST)
        if config.generations is not None:
            kept = 0.0  # where work is counted, each stage is given its own
        search = Search(points, replace(config, seconds=config.seconds - kept), self.effort, report)
        try:
            search.run()
        except KeyboardInterrupt:
            search.interrupted = True
        found = list(search.harvest.proposals(self.effort.finalists))
        self.spent, self.notes = search.spent(), search.notes()
        if not self.effort.refine or search.interrupted or search.settled():
            yield from found
            return
        refinement = Refinement(points, config, report, self.name)
        # With what the rounds left over: one that could not be half done was not begun.
        left = search.begun + config.seconds - time.monotonic()
        seconds = left if config.generations is None else kept
        refined = list(refinement.proposals(search.harvest.plain(found, self.effort.elites), seconds))
        self.spent = together(self.spent, refinement.spent)
        # By turns: the end of a search refits in the order of the proposals, as far as its time allows.
        for pair in itertools.zip_longest(refined, found):
            yield from (p for p in pair if p is not None)


def together(a: Spent, b: Spent | None) -> Spent:
    """What two stages took."""
    if b is None:
        return a
    return Spent(
        a.seconds + b.seconds, a.fits + b.fits, a.kernel_seconds + b.kernel_seconds, a.tried + b.tried,
        a.stopped or b.stopped,
    )  # fmt: skip


class Search:
    """One search: its harvest, its clock, its runs."""

    def __init__(self, points: Points, config: Config, effort: Effort, report: Report | None) -> None:
        self.begun = time.monotonic()
        self.config, self.effort, self.report = config, effort, report
        self.interrupted = False
        self.end = self.begun + config.limit
        core, folds = coreset(points, config.folds, effort.most_rows, config.seed)
        self.rows, self.all_rows = len(core), len(points)
        self.scaling = Scaling.of(core, usable(core, config))
        self.harvest = Harvest(core, config, self.scaling, folds, "operon")
        self.columns = list(self.scaling.columns(core).values())
        self.parts = parts(core, self.columns)
        # Which of the groups each part is, in the order of the bench (all rows stand for the first).
        labels = list(core.groups) if core.group is not None else []
        self.group_of = [labels.index(str(core.group[p[0]])) if core.group is not None else 0 for p in self.parts]
        self.target = self.scaling.targets(core)
        self.weight = self.harvest.bench.points.weight
        self.operators = operators(core, self.scaling, config)
        self.runs = self.trees = self.asked = 0
        self.failures: list[str] = []

    def run(self) -> None:
        """Rounds until the time is over, the generations are run, or an exact form is found."""
        self.harvest.add_laws(law for law in self.config.seeds if self.speakable(law.quantities))
        known = len(self.harvest.found)
        fixed = self.config.generations is not None
        rounds = min(self.effort.rounds, 2) if fixed else self.effort.rounds
        last = 0.0
        for turn in range(rounds):
            begun = time.monotonic()
            # A round that cannot be half done is not begun.
            if turn and begun + 0.5 * last > self.end:
                break
            self.round(turn)
            last = time.monotonic() - begun
            self.harvest.prune(self.effort.elites)
            self.tell()
            if self.exact():
                break  # pruned already: no simpler one fits
        if self.runs and len(self.failures) == self.runs and len(self.harvest.found) == known:
            raise FormsearchError(f"engine operon: all {self.runs} runs failed: {self.failures[0]}")

    def speakable(self, quantities: Sequence[str]) -> bool:
        """Whether all quantities of a law are variables of this search."""
        return set(quantities) <= set(self.scaling.names)

    # -- a round -------------------------------------------------------------------------------------------------

    def round(self, turn: int) -> None:
        """Run the children of one round and gather their fronts."""
        side = self.effort.side
        if self.config.generations is None:
            side = processors() if turn else max(side, processors())
        first = self.asked
        self.asked += side
        left = self.end - time.monotonic()
        batches = -(-side // max(1, min(side, processors())))
        seconds = max(left / batches if turn == 0 else left, 0.2)
        requests = [self.request(first + k, seconds, turn) for k in range(side)]
        fronts: dict[int, list[dict[str, Any]]] = {}
        grown: dict[int, int] = {}
        workers = min(side, processors())
        # What a run has told is kept when it is cut, so the end may be a hard one.
        with Children(MODULE, requests, seconds + STARTING, self.end + CUTTING, workers) as children:
            for k, answer in children.answers():
                fronts[k] = answer["forms"]
                grown[k] = int(answer["generations"])
                if self.config.generations is None and answer.get("exact"):
                    # The other runs cannot do better; where work is counted they are waited for, as always.
                    self.gather(fronts.pop(k))
                    if self.exact():
                        break
                self.tell(sum(grown.values()) * self.effort.population)
        for k, outcome in enumerate(children.outcomes):
            self.runs += outcome.status != "waiting"
            if outcome.status in ("failed", "died", "late"):
                said = f"run {first + k} (seed {requests[k]['seed']}): {outcome.error}"
                self.failures.append(said)
                warn_failed("operon", said)
        self.trees += sum(grown.values()) * self.effort.population
        # In the order of the runs, whichever came first.
        for k in sorted(fronts):
            self.gather(fronts[k])

    def gather(self, front: list[dict[str, Any]]) -> None:
        """Take what a run found; where that is exact, its simplifications too."""
        self.harvest.add_texts((f["text"], f["length"], f["error"]) for f in front)
        if self.exact():
            self.harvest.prune(self.effort.elites)

    def request(self, number: int, seconds: float, turn: int = 0) -> dict[str, Any]:
        """What a run of that round is asked."""
        effort = self.effort
        part = self.parts[number % len(self.parts)]
        seed = (self.config.seed * 1_000_003 + number) % 2**31
        rows = drawn(part, self.weight, seed)
        generations = self.config.generations
        if generations is None:
            generations = int(np.clip(round(effort.generations * effort.rows / len(rows)), 8, 2 * effort.generations))
            generations *= effort.growth**turn
        planted = number % 2 == 0 or turn == 0
        lengths = effort.grown if turn else effort.lengths
        length = lengths[number % len(lengths)]
        return {
            "columns": [c[rows].tolist() for c in self.columns],
            "target": self.target[rows].tolist(),
            "operators": self.operators,
            "seeds": self.seeds(self.group_of[number % len(self.parts)], length) if planted else [],
            "population": effort.population, "generations": generations, "iterations": effort.iterations,
            "length": length, "depth": effort.depth, "seconds": seconds,
            "seed": seed,
        }  # fmt: skip

    def seeds(self, group: int, length: int) -> list[Program]:
        """The best forms so far as trees, each planted several times."""
        programs: list[Program] = []
        for form, constants in self.harvest.elites(self.effort.elites):
            if not variables(form.body) <= set(self.scaling.names):
                continue
            try:
                program = program_of(form, constants[group], self.scaling)
            except FormsearchError:
                continue  # a constant of it is beyond single precision
            if len(program) <= length:
                programs.extend([program] * self.effort.copies)
        return programs

    # -- telling -------------------------------------------------------------------------------------------------

    def exact(self) -> bool:
        """Whether a form that behaves leaves nothing to explain."""
        return bool(self.exacts())

    def exacts(self) -> list[Fitted]:
        """Forms that behave and leave nothing to explain."""
        return [f for f in self.harvest.found.values() if f.flaws == 0 and self.harvest.is_exact(f)]

    def settled(self) -> bool:
        """Whether a form is exact by no accident."""
        return any(self.harvest.bench.determines(f) for f in self.exacts())

    def tell(self, more: int = 0) -> None:
        """Report how far the search is."""
        if self.report is None or not self.harvest.found:
            return
        f = min(self.harvest.found.values(), key=self.harvest.rank)
        seconds = time.monotonic() - self.begun
        self.report(Progress(seconds, self.trees + more, describe(f.form), f.error, f.complexity, self.runs))

    def notes(self) -> tuple[str, ...]:
        """What a reader has to know of the search."""
        made = [f"operon: {self.runs} runs in child processes, {len(self.harvest.found)} forms refitted and judged"]
        if self.rows < self.all_rows:
            made.append(f"operon searched on a coreset of {self.rows} of {self.all_rows} rows")
        if len(self.parts) > 1:
            made.append(f"operon knows no groups: each run searched on one of {len(self.parts)}")
        if self.failures:
            made.append(f"operon: {len(self.failures)} of {self.runs} runs failed, e.g. {self.failures[0]}")
        return tuple(made)

    def spent(self) -> Spent:
        """What the search took."""
        bench = self.harvest.bench
        return Spent(time.monotonic() - self.begun, bench.fits, bench.kernel_seconds, self.trees, self.interrupted)


def usable(points: Points, config: Config) -> list[str]:
    """Variables that vary and are finite; others would end Operon's process, or make every error NaN.

    Raises `InputError` if none is left or there are too few rows.
    """
    if len(points) < MIN_ROWS:
        raise InputError(f"{points.name}: Operon needs at least {MIN_ROWS} points, there are {len(points)}")
    if not varies(points.target / np.abs(points.target).max()):
        raise InputError(f"{points.name}: the target is {points.target[0]!r} in every row: there is nothing to explain")
    good = [q for q in config.variables if varies(points.column(q) / (np.abs(points.column(q)).max() or 1.0))]
    if not good:
        raise InputError(f"{points.name}: no variable varies and is finite in single precision")
    return good


def operators(points: Points, scaling: Scaling, config: Config) -> list[str]:
    """Operon's names. Logarithms and exponentials only where powers cannot do: for columns that hold zeros.

    (On positive columns they double the space and lead to bloat: powers find the same laws in half the time.) A search
    that may not use powers gets what it asks for. Raises `InputError` without products, which every tree has.
    """
    if "*" not in config.operators:
        raise InputError("Operon gives every variable a weight: its operators must hold *; --engine pysr does not")
    zeros = any(not (points.column(q) > 0).all() for q in scaling.names)
    wanted = list(config.operators)
    if "pow" in wanted:
        wanted = [o for o in wanted if o not in ("log", "exp") or (zeros and o == "exp")]
    return [name for o in wanted for name in OPERATORS[o]]


def parts(points: Points, columns: Sequence[Array]) -> list[Rows]:
    """Rows of each group: a run searches on one, since Operon knows no groups.

    Groups in which a column or the target stands still are left out; all rows together if no group is left.
    """
    everything = np.arange(len(points))
    if points.group is None:
        return [everything]
    labels = np.asarray([str(g) for g in points.group])
    groups = [np.flatnonzero(labels == g) for g in points.groups]
    varied = [rows for rows in groups if all(varies(c[rows]) for c in (*columns, points.target))]
    return varied or [everything]


def varies(values: Array) -> bool:
    """Whether values are finite and not all equal, in single precision."""
    with np.errstate(over="ignore"):
        v = values.astype(np.float32)
    return bool(np.isfinite(v).all() and v.max() > v.min())


def drawn(rows: Rows, weight: Array | None, seed: int) -> Rows:
    """As many rows, each as often as its weight says on average: how weights are told to an engine that knows none.

    Systematic draws, so that a row of mean weight comes once, whatever the seed; rows of equal weight come once each.
    """
    if weight is None:
        return rows
    w = weight[rows]
    if not w.max() > 1.05 * w.min():
        return rows
    edges = np.cumsum(w) / w.sum()
    marks = (np.arange(len(rows)) + np.random.default_rng(seed).random()) / len(rows)
    return np.asarray(rows[np.minimum(np.searchsorted(edges, marks), len(rows) - 1)])
