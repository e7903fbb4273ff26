"""What engines outside find, gathered: read, refitted in double precision, pruned, and judged by extrapolation.

Such engines rank by the error in the sample, in their own precision and objective. Here every form is fitted again on
the fitting core and judged on the hold-outs and by its behaviour beyond the data, so that the best can seed the next
round of a search, and all are proposed in the order of what counts. Of every form its simplifications are tried as
well: an exponent that holds a variable becomes a constant, and each term of a sum is left out in turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from formsearch.exceptions import FormsearchError
from formsearch.law import Law
from formsearch.points import Points
from formsearch.search import ranking
from formsearch.search.asymptotics import Surroundings, falling
from formsearch.search.emit import to_raw
from formsearch.search.engine import Config, Proposal, Step
from formsearch.search.expression import from_law
from formsearch.search.grammar import Form, complexity, describe, uses
from formsearch.search.judge import LEVELS_BEYOND, Fold, size_axes
from formsearch.search.mend import (
    constant_exponents,
    explodes,
    logarithms_dissolved,
    without_a_term,
    without_exponentials,
)
from formsearch.search.native import relative
from formsearch.search.normal import Sketch, normalise
from formsearch.search.scaling import Scaling
from formsearch.search.vocabulary import says
from formsearch.search.workbench import Candidate as Draft
from formsearch.search.workbench import Fitted, Workbench

STARTS = 4
NUMBER = re.compile(r"(?<![A-Za-z_0-9.])\d+\.?\d*(?:[eE][-+]?\d+)?")
EXACT = 1e-6
"""Errors below this share of the target's spread are exact, for an engine in single precision."""


@dataclass(frozen=True)
class Origin:
    """Where a form came from: the engine's own text and mean squared error (or a registry law), what was done to it."""

    text: str
    length: int
    error: float
    source: str = "found by the engine"
    move: str = "refitted"


class Harvest:
    """Forms found so far on one table, each fitted and judged once."""

    def __init__(self, points: Points, config: Config, scaling: Scaling, folds: Sequence[Fold], engine: str) -> None:
        core, objective = relative(points, config.objective)
        needed = dict.fromkeys((*config.variables, *(q for law in config.seeds for q in law.quantities)))
        self.bench = Workbench(core, tuple(needed), objective, folds, config.seed)
        self.around = Surroundings(self.bench, size_axes(core, LEVELS_BEYOND), falling(self.bench), quick=True)
        self.config, self.scaling, self.engine = config, scaling, engine
        self.found: dict[Form, Fitted] = {}
        self.origins: dict[Form, Origin] = {}
        self.seen: set[str] = set()
        self.refused = 0
        self.spread = float(np.std(self.bench.target)) or 1.0
        # With a constant for every other row a form looks exact whatever the rows hold, and cannot be judged: the
        # first hold-out leaves half of them to fit.
        self.most_constants = min(b - a for a, b in self.bench.ranges) // 2

    # -- in ------------------------------------------------------------------------------------------------------

    def add_laws(self, laws: Iterable[Law]) -> None:
        """Fit registry laws from their own starts."""
        drafts: list[tuple[Sketch, Origin]] = []
        for law in laws:
            form = from_law(law)
            sketch = normalise(form.body, dict(enumerate(form.kinds)), {}, self.bench.level)
            drafts.append((sketch, Origin(law.name, complexity(sketch.form), float("nan"), "registry")))
        self._add(drafts, starts=4 * STARTS)

    def add_texts(self, texts: Iterable[tuple[str, int, float]]) -> None:
        """Take formulas (text, length, mean squared error) from an engine; of one shape with other numbers the first.

        Those that the normal form cannot hold are left out, and counted in `refused`.
        """
        drafts: list[tuple[Sketch, Origin]] = []
        for text, length, error in texts:
            shape = NUMBER.sub("#", text)
            if shape in self.seen:
                continue
            self.seen.add(shape)
            try:
                form, values = self.scaling.form(text)
            except FormsearchError:
                self.refused += 1  # a constant under- or overflows, or a root of something negative
                continue
            if not form.body:
                continue
            sketch = self.normal(form, values)
            drafts.append((sketch, Origin(text, length, error)))
            fixed = constant_exponents(*sketch)
            if fixed is not None:
                origin = Origin(text, length, error, move="variable exponent made constant, refitted")
                drafts.append((self.normal(*fixed), origin))
            powers = without_exponentials(*sketch)
            if powers is not None:
                origin = Origin(text, length, error, move="exponentials made powers, refitted")
                drafts.append((self.normal(*powers), origin))
        self._add(drafts)

    def normal(self, form: Form, values: dict[int, float]) -> Sketch:
        """The normal form with its constants."""
        sketch = normalise(form.body, dict(enumerate(form.kinds)), values, self.bench.level)
        # Afterwards, since that is where exp((1 + ...)*(... + s*log x)) without a term becomes exp(s*log x).
        form, values = logarithms_dissolved(sketch.form, dict(enumerate(sketch.values)))
        if form == sketch.form:
            return sketch
        return normalise(form.body, dict(enumerate(form.kinds)), values, self.bench.level)

    def prune(self, most: int) -> None:
        """Try the best forms without each of their terms, again for what that yields, until nothing new comes."""
        done: set[Form] = set()
        for _ in range(4):
            drafts = []
            for f in self.best(most):
                if f.form in done:
                    continue
                done.add(f.form)
                origin = self.origins[f.form]
                for body in without_a_term(f.form.body):
                    sketch = self.normal(Form(body, f.form.kinds), dict(enumerate(f.raw())))
                    drafts.append((sketch, replace(origin, move="pruned, refitted")))
            if not self._add(drafts):
                break

    def _add(self, drafts: Sequence[tuple[Sketch, Origin]], starts: int = STARTS) -> int:
        """Fit and judge what is new; how many there were."""
        fresh: dict[Form, tuple[Sketch, Origin]] = {}
        for sketch, origin in drafts:
            if self._wanted(sketch.form):
                fresh.setdefault(sketch.form, (sketch, origin))
        if not fresh:
            return 0
        fitted = self.bench.fit([Draft(s) for s, _ in fresh.values()], starts=starts)
        good = [f for f in fitted if f is not None]
        self.bench.judge(good)
        if not good:
            return 0
        with np.errstate(invalid="ignore"):  # forms of an engine outside may be infinite beyond the data
            behaviours = self.around.behaviour(good)
        for f, behaviour in zip(good, behaviours, strict=True):
            f.flaws = behaviour.flaws(self.around.positive, self.around.spread)
            f.odd = behaviour.odd(self.bench.rms(f))
            self.found[f.form] = f
            self.origins[f.form] = fresh[f.form][1]
        return len(good)

    def _wanted(self, form: Form) -> bool:
        if form in self.found or not form.body:
            return False
        most = self.most_constants
        if self.config.max_constants is not None:
            most = min(most, self.config.max_constants)
        small = complexity(form) <= self.config.max_complexity and len(uses(form.body)) <= most
        return small and says(form, self.config.operators)

    # -- out -----------------------------------------------------------------------------------------------------

    def rank(self, f: Fitted) -> tuple[bool, float, int]:
        """What counts: sane behaviour, extrapolation (exact is exact), size."""
        error = f.error if np.isfinite(f.error) else float("inf")
        floor = EXACT * self.spread
        return (f.flaws > 0, max(error, floor), f.complexity)

    def is_exact(self, f: Fitted) -> bool:
        """Whether nothing is left to explain, in the sample and beyond."""
        return max(f.error, self.bench.rms(f)) < EXACT * self.spread

    def best(self, most: int) -> list[Fitted]:
        """The front by (size, extrapolation) of sane forms, then of all, then the next best."""
        everyone = list(self.found.values())
        chosen: dict[Form, Fitted] = {}
        sane = [f for f in everyone if f.flaws == 0]
        for members, measure in ((sane, ranking.error), (sane, ranking.objective), (everyone, ranking.error)):
            for f in sorted(ranking.front_of(members, measure), key=self.rank):
                chosen.setdefault(f.form, f)
        for f in sorted(everyone, key=self.rank):
            chosen.setdefault(f.form, f)
        return list(chosen.values())[:most]

    def plain(self, proposals: Sequence[Proposal], most: int) -> list[Proposal]:
        """The first of the proposals, those with c**x of a size after all others: poor places to go on from."""
        sizes = self.around.sizes

        def last(p: Proposal) -> bool:
            known = self.origins[p.form].source == "registry"
            return not known and explodes(p.form.body, p.constants, sizes)

        return sorted(proposals, key=last)[:most]

    def elites(self, most: int) -> list[tuple[Form, list[tuple[float, ...]]]]:
        """The best forms, each with its constants in raw units for every group: seeds of the next round."""
        return [(f.form, [tuple(map(float, to_raw(f.emitted, v))) for v in f.values]) for f in self.best(most)]

    def proposals(self, most: int) -> Iterator[Proposal]:
        """The best forms, most promising first."""
        for f in self.best(most):
            groups = tuple(tuple(map(float, to_raw(f.emitted, v))) for v in f.values)
            yield Proposal(f.form, groups[0], self.engine, self.steps(f), groups)

    def steps(self, f: Fitted) -> tuple[Step, ...]:
        """How a form came about."""
        origin = self.origins[f.form]
        shown = origin.text if len(origin.text) <= 160 else f"{origin.text[:157]}..."
        return (
            Step(origin.source, shown, origin.length, float(np.sqrt(origin.error)), float("nan")),
            Step(origin.move, describe(f.form), f.complexity, self.bench.rms(f), f.error),
        )
