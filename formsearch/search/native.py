"""The native engine: beam and evolution over the grammar, every candidate fitted to convergence.

The population keeps, for every complexity, the forms that extrapolate best and those that fit best. A generation takes
parents from both fronts and from the rest, samples their children (see `moves`), fits all of them in one batch, and
judges by extrapolation the ones that fit at least as well as their parent.

What is evaluated depends on the seed alone, never on the clock or the number of threads; the clock only decides after
which generation to stop. A search with `generations` set is reproducible to the bit.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from formsearch.points import Points
from formsearch.search.alphabet import Alphabet
from formsearch.search.asymptotics import QUICK_SAMPLE, Surroundings, falling
from formsearch.search.emit import to_raw
from formsearch.search.engine import Config, Progress, Proposal, Report, Spent, Step
from formsearch.search.expression import from_law
from formsearch.search.grammar import Form, Term, complexity, constant, describe, uses
from formsearch.search.judge import coreset, size_axes
from formsearch.search.moves import children
from formsearch.search.normal import Sketch, normalise
from formsearch.search.workbench import Candidate, Fitted, Workbench


@dataclass(frozen=True)
class Effort:
    """Sizes of the search; one setting for every table.

    Of more than `most_rows` rows a coreset is searched on; what is found is refitted and judged on all rows.
    """

    parents: int = 8
    children: int = 24
    niche: int = 4
    starts: int = 4
    finalists: int = 60
    most_rows: int = 600


class Native:
    """The engine of the house."""

    name = "native"
    deterministic = "the same seed gives the same forms in the same order; the clock only decides when to stop"

    def __init__(self, effort: Effort | None = None) -> None:
        self.effort = effort or Effort()
        self.spent: Spent | None = None

    def available(self) -> str | None:
        """Always there."""
        return None

    def propose(self, points: Points, config: Config, report: Report | None = None) -> Iterable[Proposal]:
        """Search until the time or the generations are over; yields the fronts of the population."""
        needed = dict.fromkeys((*config.variables, *(q for law in config.seeds for q in law.quantities)))
        core, folds = coreset(points, config.folds, self.effort.most_rows, config.seed)
        bench = Workbench(core, tuple(needed), config.objective, folds, config.seed)
        population = Population(bench, config, self.effort)
        begun = time.monotonic()
        with contextlib.suppress(KeyboardInterrupt):
            population.run(report)
        self.spent = Spent(time.monotonic() - begun, bench.fits, bench.kernel_seconds, population.tried)
        return population.proposals()


class Population:
    """The forms in play."""

    def __init__(self, bench: Workbench, config: Config, effort: Effort) -> None:
        self.bench, self.config, self.effort = bench, config, effort
        zeros = {q: bool((bench.columns.variables[q] == 0).any()) for q in config.variables}
        self.alphabet = Alphabet.of(config.variables, zeros, bench.level, bench.columns.centres)
        self.rng = np.random.default_rng(config.seed)
        self.quick = Surroundings(bench, size_axes(bench.points), falling(bench), QUICK_SAMPLE)
        self.seen: set[Form] = set()
        self.members: dict[Form, Fitted] = {}
        self.tried = 0
        self.generation = 0

    # -- the loop ------------------------------------------------------------------------------------------------

    def run(self, report: Report | None = None) -> None:
        """Start, breed until the time or the generations are over, and tidy up what was found."""
        begun = time.monotonic()
        end = begun + self.config.seconds
        self.start()
        longest = time.monotonic() - begun
        simplest, patience = np.inf, PATIENCE
        while self.config.generations is None or self.generation < self.config.generations:
            now = time.monotonic()
            if now + 0.5 * longest > end - TIDYING * self.config.seconds:
                break
            self.breed()
            self.generation += 1
            longest = 0.7 * longest + 0.3 * (time.monotonic() - now) if self.generation > 1 else time.monotonic() - now
            if report is not None and self.members:
                report(self.progress(time.monotonic() - begun))
            exact = self.exact()
            if exact:
                # Nothing fits better; a simpler form may fit as well.
                self.tidy(exact[:1], end)
                size = min(f.complexity for f in self.exact())
                patience = PATIENCE if size < simplest else patience - 1
                simplest = min(simplest, size)
                if patience <= 0:
                    break
        self.tidy(self.front(_sane_error)[-TIDIED:][::-1], end)

    def progress(self, seconds: float) -> Progress:
        """How far the search is."""
        best = min(self.members.values(), key=lambda f: (f.flaws > 0, f.error))
        return Progress(seconds, self.tried, describe(best.form), best.error, best.complexity, self.generation)

    def tidy(self, chosen: Sequence[Fitted], end: float) -> None:
        """Drop, tie and snap whatever the points do not miss, again and again, while the time lasts."""
        waiting = list(chosen)
        while waiting and time.monotonic() < end:
            f = waiting.pop(0)
            smaller = children(f.sketch(), self.alphabet, 10**6, self.rng, groups=("drop", "tie", "snap"))
            before = set(self.members)
            self.consider([Candidate(s, f, label) for s, label in smaller])
            slack = 1.02 * f.error + ROUNDING * self.bench.scale
            better = [
                m for form, m in self.members.items()
                if form not in before and m.complexity < f.complexity and m.error <= slack and m.flaws <= f.flaws
            ]  # fmt: skip
            waiting[:0] = sorted(better, key=_size)[:2]

    def start(self) -> None:
        """The constant, everything one move away from it, and the seeds."""
        level = self.alphabet.level
        root = normalise((Term(constant(0)),), {0: level}, {}, level)
        self.consider([Candidate(root, None, "a constant")])
        self.consider([Candidate(s, None, f"seed {name}") for name, s in self.seeds()])
        first = self.members.get(root.form)
        if first is not None:
            every = children(first.sketch(), self.alphabet, 10**6, self.rng)
            self.consider([Candidate(s, first, label) for s, label in every])

    def seeds(self) -> Iterator[tuple[str, Sketch]]:
        """Registry forms in normal form, those that the points can feed."""
        for law in self.config.seeds:
            form = from_law(law)
            yield law.name, normalise(form.body, dict(enumerate(form.kinds)), {}, self.alphabet.level)

    def breed(self) -> None:
        """One generation."""
        parents = self.select(self.effort.parents)
        others = [f.sketch() for f in self.select(3)]
        each = self.effort.children
        found: list[Candidate] = []
        for parent in parents:
            for sketch, label in children(parent.sketch(), self.alphabet, each, self.rng, others):
                found.append(Candidate(sketch, parent, label))
        self.consider(found)

    def consider(self, candidates: Sequence[Candidate]) -> None:
        """Fit what is new and small enough, judge what fits well, keep the best of every complexity."""
        new = []
        for c in candidates:
            form = c.sketch.form
            if form in self.seen or not self.admissible(form):
                continue
            self.seen.add(form)
            new.append(c)
        self.tried += len(new)
        rough = self.bench.fit(new, starts=2, iterations=12, tolerance=1e-4)
        promising = [
            Candidate(Sketch(f.form, f.raw()), c.parent, c.move)
            for f, c in zip(rough, new, strict=True)
            if f is not None and self.promises(f, ROUGH)
        ]
        fitted = [f for f in self.bench.fit(promising, self.effort.starts) if f is not None and not self.degenerate(f)]
        self.sharpen(fitted)
        kept = [f for f in fitted if self.promises(f, FINE)]
        self.bench.judge(kept)
        for f, b in zip(kept, self.quick.behaviour(kept) if kept else [], strict=True):
            f.flaws = b.flaws(self.quick.positive, self.quick.spread)
        for f in kept:
            if np.isfinite(f.error):
                self.members[f.form] = f
        self.prune()

    def sharpen(self, fitted: list[Fitted]) -> None:
        """Forms that look exact are fitted to the last digits, in place."""
        floor = NEARLY * self.bench.weight.sum() * self.bench.scale**2
        near = [k for k, f in enumerate(fitted) if f.objective < floor]
        for k, (sharp, _) in zip(near, self.bench.polish([fitted[k] for k in near], starts=1), strict=True):
            fitted[k] = sharp

    def promises(self, f: Fitted, slack: float) -> bool:
        """Whether a form fits better than its parent, or nearly as well as members of its size."""
        if f.parent is None or f.objective < f.parent.objective:
            return True
        best = min((m.objective for m in self.members.values() if m.complexity <= f.complexity), default=np.inf)
        return f.objective <= slack * best

    def exact(self) -> list[Fitted]:
        """Members that fit to the last digits, simplest first."""
        floor = EXACT * self.bench.weight.sum() * self.bench.scale**2
        return sorted((f for f in self.members.values() if f.objective <= floor), key=_size)

    def admissible(self, form: Form) -> bool:
        """Within the caps on size."""
        if len(form.kinds) > (self.config.max_constants or len(form.kinds)):
            return False
        return complexity(form) <= self.config.max_complexity and bool(uses(form.body))

    def degenerate(self, f: Fitted) -> bool:
        """Terms far larger than the target cancel each other: x**.01 minus a constant instead of log x."""
        limit = CANCELLATION * float(np.abs(self.bench.target).max())
        for term in f.form.body:
            own = term.coefficient.constants
            if len(own) == 1 and (np.abs(f.values[:, own[0][0]]) > limit).any() and plain_term(term):
                return True
        return False

    def prune(self) -> None:
        """Keep the best few of every complexity, by either measure."""
        niches: dict[int, list[Fitted]] = {}
        for f in self.members.values():
            niches.setdefault(f.complexity, []).append(f)
        kept: dict[Form, Fitted] = {}
        for niche in niches.values():
            for measure in (_sane_error, _error, _objective):
                for f in sorted(niche, key=measure)[: self.effort.niche]:
                    kept[f.form] = f
        self.members = kept

    def front(self, measure: Callable[[Fitted], float]) -> list[Fitted]:
        """Members that no smaller one beats, by increasing complexity."""
        best, result = float("inf"), []
        for f in sorted(self.members.values(), key=lambda f: (f.complexity, measure(f))):
            if measure(f) < best:
                best = measure(f)
                result.append(f)
        return result

    def select(self, count: int) -> list[Fitted]:
        """Parents from the fronts of sane extrapolation, of extrapolation, and of fit, and from all members."""
        fronts = (
            self.front(_sane_error),
            self.front(_error),
            self.front(_objective),
            list(self.members.values()),
        )
        chosen = []
        for _ in range(count):
            source = fronts[int(self.rng.choice(4, p=MIX))]
            if not source:
                continue
            # Later members of a front are larger and better: they are where the search goes on.
            chosen.append(source[min(int(len(source) * np.sqrt(self.rng.random())), len(source) - 1)])
        return chosen

    # -- results -------------------------------------------------------------------------------------------------

    def proposals(self) -> list[Proposal]:
        """Both fronts and the best of the rest, with the way each was reached."""
        chosen = {f.form: f for f in (*self.front(_sane_error), *self.front(_error))}
        for f in sorted(self.members.values(), key=_sane_error):
            if len(chosen) >= self.effort.finalists:
                break
            chosen.setdefault(f.form, f)
        return [
            Proposal(
                f.form,
                tuple(map(float, to_raw(f.emitted, f.values[0]))),
                "native",
                tuple(self.steps(f)),
                tuple(tuple(map(float, to_raw(f.emitted, v))) for v in f.values),
            )
            for f in chosen.values()
        ]

    def steps(self, f: Fitted) -> list[Step]:
        """The line of ancestors, oldest first."""
        line: list[Fitted] = []
        at: Fitted | None = f
        while at is not None:
            line.append(at)
            at = at.parent
        return [Step(a.move, describe(a.form), a.complexity, self.bench.rms(a), a.error) for a in reversed(line)]


CANCELLATION = 20.0
ROUGH, FINE = 2.0, 1.2
PATIENCE = 8
"""Generations without a simpler exact form after which an exact one is final."""
TIDYING, TIDIED = 0.08, 4
ROUNDING = 1e-9
NEARLY, EXACT = 1e-9, 1e-22
"""Mean squared residual, as a share of the variance of the target, at which a form may be exact, and is."""
MIX = (0.45, 0.2, 0.2, 0.15)


def plain_term(term: Term) -> bool:
    """A term whose centred amplitude is its size at the centre of the points: no groups in it."""
    from formsearch.search.grammar import Apply

    return not any(isinstance(f, Apply) for f in term.factors)


def _size(f: Fitted) -> tuple[int, float]:
    return f.complexity, f.error


def _error(f: Fitted) -> float:
    return f.error


def _sane_error(f: Fitted) -> float:
    return f.error if f.flaws == 0 else float("inf")


def _objective(f: Fitted) -> float:
    return f.objective
