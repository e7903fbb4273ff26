"""From engines to a front: seeds in, proposals out, refitted, judged, accepted or not, and sorted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formsearch.core.objectives import LeastSquares, Objective
from formsearch.exceptions import InputError, UnknownNameError
from formsearch.law import Law
from formsearch.points import Points
from formsearch.search.accept import ROUNDING, Acceptance, Reference, judge_acceptance, paired
from formsearch.search.asymptotics import Check, Surroundings, falling
from formsearch.search.checkpoint import States, read_proposals, write_proposals
from formsearch.search.emit import to_raw
from formsearch.search.engine import Config, Engine, Proposal, Report, Spent, sequence_of
from formsearch.search.expression import constant_names, from_law, to_law, variable_symbols
from formsearch.search.front import Candidate, Front, pareto
from formsearch.search.grammar import variables
from formsearch.search.judge import folds_of, size_axes
from formsearch.search.normal import Sketch, normalise
from formsearch.search.population import Effort
from formsearch.search.workbench import Candidate as Draft
from formsearch.search.workbench import Fitted, Workbench

FINISH, FINISH_AT_LEAST = 0.1, 2.5
"""Share of the budget, and seconds, kept for refitting and accepting what the engines found."""
REFITTING = 0.7
"""Share of that which refitting may take."""
PORTION = 12
MIN_ROWS = 8
LARGE = 1000
"""Rows above which a table is large: fewer starts, more of the time for the end."""
POLISHING, POLISHING_LARGE = 8, 2
FINISH_LARGE = 0.25
TRAINING = ("fit", "train", "training")
TIED = 0.05
WIDE = 2.0
"""A target that spans more than this factor is fitted in its logarithm by default."""
DERIVED_FROM = {"C": ({"N", "D"}, {"N_active", "D"}), "tokens_per_parameter": ({"N", "D"},)}
"""Columns that are products of others: not variables of their own where those are there."""


@dataclass(eq=False)
class Finalist:
    """A refitted and judged proposal on its way to a candidate."""

    fitted: Fitted
    share: float
    proposal: Proposal | None


def training_points(points: Points, train: str | None) -> tuple[Points, list[str]]:
    """The rows to search on, and a note that says which."""
    if train is not None:
        return points.only(train), [f"searched on the rows of split {train!r} only"]
    if points.split is not None:
        for label in TRAINING:
            if label in {str(s) for s in points.split}:
                return points.only(label), [f"searched on the rows of split {label!r} only"]
    return points, []


def variables_of(points: Points) -> tuple[str, ...]:
    """Factors that vary and are no product of others."""
    names = [q for q, v in points.factors.items() if len(np.unique(v)) > 1]
    present = set(names)
    return tuple(q for q in names if not any(needs <= present for needs in DERIVED_FROM.get(q, ())))


def applicable(points: Points) -> list[Law]:
    """Registry laws that the points can feed and that speak of the same kind of target."""
    from formsearch.registry import laws

    alike = {"loss", "score", "error"}
    return [
        law
        for law in laws.values()
        if (law.target == points.target_quantity or {law.target, points.target_quantity} <= alike)
        and all(points.can(q) for q in law.quantities)
        and len(law.constants) + 1 < len(points)
    ]


def seeds_of(seeds: str | Sequence[Law | str] | None, points: Points) -> list[Law]:
    """The laws that start the search."""
    from formsearch.registry import laws

    if seeds is None:
        return []
    if isinstance(seeds, str):
        if seeds != "registry":
            raise UnknownNameError("kind of seeds", seeds, ["registry"], "or give a list of laws, or None")
        return applicable(points)
    return [laws[s] if isinstance(s, str) else s for s in seeds]


def default_objective(points: Points) -> Objective:
    """Least squares; of logarithms where a positive target spans more than a factor of `WIDE`."""
    low, high = float(points.target.min()), float(points.target.max())
    return LeastSquares(log=low > 0 and high > WIDE * low)


def discover(
    points: Points,
    engine: str | Engine | Sequence[str | Engine],
    seconds: float,
    seed: int,
    seeds: str | Sequence[Law | str] | None,
    objective: Objective | None,
    train: str | None,
    use: Sequence[str] | None,
    generations: int | None,
    max_constants: int | None,
    progress: Report | None,
    states: States | None = None,
) -> Front:
    """The whole search; see `formsearch.search.search`."""
    begun = time.monotonic()
    prepare()
    engines = sequence_of(engine)
    chosen, notes = training_points(points, train)
    if len(chosen) < MIN_ROWS:
        raise InputError(f"{chosen.name}: a search needs at least {MIN_ROWS} points, there are {len(chosen)}")
    names = tuple(use) if use is not None else variables_of(chosen)
    laws = seeds_of(seeds, chosen)
    loss = objective if objective is not None else default_objective(chosen)
    folds = tuple(folds_of(chosen, seed))
    known = applicable(chosen)
    config = Config(
        variables=names, seconds=seconds, seed=seed, seeds=tuple(laws),
        objective=loss, generations=generations, max_constants=max_constants, folds=folds,
        states=states,
    )  # fmt: skip
    extra = {q for law in (*known, *laws) for q in law.quantities if q not in names}
    bench = Workbench(chosen, (*names, *sorted(extra)), loss, folds, seed)
    reference = best_reference(bench, known)
    proposals: list[Proposal] = []
    status = "the time was used up" if generations is None else "all generations were run"
    if "native" in {e.name for e in engines} and len(chosen) > Effort().most_rows:
        notes.append(f"searched on a coreset of {Effort().most_rows} rows; refitted and judged on all {len(chosen)}")
    tried = 0

    def watch(p: object) -> None:
        nonlocal tried
        tried = max(tried, getattr(p, "tried", 0))
        if progress is not None:
            progress(p)  # type: ignore[arg-type]

    kept = FINISH if len(chosen) <= LARGE else FINISH_LARGE
    reserve = min(max(kept * seconds, FINISH_AT_LEAST), 0.5 * seconds)
    for k, e in enumerate(engines):
        left = begun + seconds - reserve - time.monotonic()
        part = replace(config, seconds=max(left / (len(engines) - k), 0.1))
        finished = None if states is None else states.load(f"proposals of {k} {e.name}")
        if finished is not None:
            proposals += read_proposals(finished)
            continue
        own: list[Proposal] = []
        try:
            for proposal in e.propose(chosen, part, watch):
                own.append(proposal)
                proposals.append(proposal)
            if states is not None:
                states.save(f"proposals of {k} {e.name}", write_proposals(own))
        except KeyboardInterrupt:
            status = "stopped by the user; what was found until then is kept"
            break
    work = [spent for e in engines if isinstance(spent := getattr(e, "spent", None), Spent)]
    share = sum(s.kernel_seconds for s in work) / max(sum(s.seconds for s in work), 1e-9)
    finish = Finish(bench, config, reference, begun + seconds)
    candidates, near, best = finish.front(proposals)
    return Front(
        candidates=tuple(candidates), best=best, near=tuple(near), points=chosen.describe(),
        objective_name=loss.name,
        reference=None if reference is None else (reference.name, reference.fitted.error),
        holds_out=tuple(f"{f.label}: {int(f.train.sum())} -> {int(f.test.sum())} rows" for f in folds),
        engines={e.name: e.deterministic for e in engines}, seconds=time.monotonic() - begun, tried=tried,
        fits=bench.fits + sum(spent.fits for spent in work), kernel_share=share, seed=seed, status=status,
        seeds=tuple(law.name for law in laws),
        notes=tuple(notes + finish.notes + [n for e in engines for n in getattr(e, "notes", ())]),
    )  # fmt: skip


def prepare() -> None:
    """Import what the end of the search needs now, so that the time kept for it is not spent on importing."""
    import scipy.stats
    import sympy  # noqa: F401

    assert scipy.stats


def best_reference(bench: Workbench, known: Sequence[Law]) -> Reference | None:
    """The registry law that extrapolates best on the hold-outs."""
    found: list[Reference] = []
    for law in known:
        form = from_law(law)
        sketch = normalise(form.body, dict(enumerate(form.kinds)), {}, bench.level)
        (fitted,) = bench.fit([Draft(sketch, None, law.name)], starts=16, iterations=100)
        if fitted is None:
            continue
        bench.judge([fitted])
        if np.isfinite(fitted.error):
            found.append(Reference(law.name, fitted))
    return min(found, key=lambda r: r.fitted.error) if found else None


class Finish:
    """Refit, judge, accept and sort what the engines proposed, within the deadline."""

    def __init__(self, bench: Workbench, config: Config, reference: Reference | None, deadline: float) -> None:
        self.bench, self.config, self.reference, self.deadline = bench, config, reference, deadline
        sizes = size_axes(bench.points)
        self.around = Surroundings(bench, sizes, falling(bench))
        self.notes: list[str] = []
        # Constants from a coreset are near the optimum already, and a fit to many rows takes its time.
        self.starts = POLISHING if bench.rows <= LARGE else POLISHING_LARGE

    def front(self, proposals: Sequence[Proposal]) -> tuple[list[Candidate], list[Candidate], Candidate | None]:
        """(candidates of the front, accepted ones tied with the best, the best)."""
        finalists = self.distinct(self.refitted(proposals))
        candidates = [self.candidate(f, k) for k, f in enumerate(sorted(finalists, key=lambda f: f.fitted.error))]
        accepted = [c for c in candidates if c.accepted]
        near, best = self.choice(accepted)
        shown = {id(c): c for c in (*pareto(candidates), *pareto(accepted), *([best] if best else []))}
        return sorted(shown.values(), key=lambda c: (c.complexity, c.error)), near, best

    def choice(self, accepted: Sequence[Candidate]) -> tuple[list[Candidate], Candidate | None]:
        """(those tied with the one that extrapolates best, the one of them with the shortest description)."""
        if not accepted:
            return [], None
        first = min(accepted, key=lambda c: c.error)
        near = [c for c in accepted if c is first or not self.worse(c, first)]
        return near, min(near, key=self.description)

    def description(self, c: Candidate) -> float:
        """Length of a description of the points by a form: n log(rms) + complexity/2 * log(n)/2.

        Extrapolation has the first word; among forms it cannot tell apart, all rows decide, at a price for size
        (half a constant's customary price for each constant and operator).
        """
        n = self.bench.rows
        floor = ROUNDING * self.bench.scale
        return n * float(np.log(max(c.train_error, floor))) + 0.25 * c.complexity * float(np.log(n))

    def refitted(self, proposals: Sequence[Proposal]) -> list[Finalist]:
        """Proposals refitted and judged in the order of the engine, a few at a time, as far as the time allows."""
        begun = time.monotonic()
        # What is left has to pass for acceptance too.
        until = begun + REFITTING * max(self.deadline - begun, 0.0)
        found: dict[object, Finalist] = {}
        for low in range(0, len(proposals), PORTION):
            clock = time.monotonic()
            for f in self.refit(proposals[low : low + PORTION], with_reference=low == 0):
                found.setdefault(f.fitted.form, f)
            now = time.monotonic()
            left = len(proposals) - low - PORTION
            if now + (now - clock) > until and left > 0:
                self.notes.append(f"{left} of {len(proposals)} proposals were not refitted: the time was over")
                break
        return list(found.values())

    def worse(self, a: Candidate, b: Candidate) -> bool:
        """Whether `a` is significantly worse than `b` on the held-out rows."""
        fitted = [Fitted(None, None, 0.0, 0, None, held=c.held) for c in (a, b)]  # type: ignore[arg-type]
        difference, p = paired(fitted[0], fitted[1], ROUNDING * self.bench.scale)
        return difference > 0 and p < TIED

    def refit(self, proposals: Sequence[Proposal], with_reference: bool = False) -> list[Finalist]:
        """Proposals refitted from many starts and judged; after a seeded search the best registry law with them."""
        table: dict[object, Finalist] = {}
        sketches: list[tuple[Sketch, Proposal]] = []
        for p in proposals:
            form = p.form
            if not variables(form.body) <= set(self.bench.variables):
                continue
            values = dict(enumerate(p.constants))
            sketches.append((normalise(form.body, dict(enumerate(form.kinds)), values, self.bench.level), p))
        first = self.bench.fit([Draft(s) for s, _ in sketches], starts=2)
        for found, (_, p) in zip(first, sketches, strict=True):
            if found is not None:
                table.setdefault(found.form, Finalist(found, 0.0, p))
        if with_reference and self.reference is not None and self.config.seeds:
            table.setdefault(self.reference.fitted.form, Finalist(self.reference.fitted, 0.0, None))
        items = list(table.values())
        for f, (polished, share) in zip(items, self.bench.polish([f.fitted for f in items], self.starts), strict=True):
            f.fitted, f.share = polished, share
        self.bench.judge([f.fitted for f in items], iterations=100, tolerance=1e-10)
        return [f for f in items if np.isfinite(f.fitted.error)]

    def distinct(self, finalists: Sequence[Finalist]) -> list[Finalist]:
        """Of forms that predict the same rows the same way, the simplest."""
        kept: list[Finalist] = []
        predictions: list[NDArray[np.float64]] = []
        for f in sorted(finalists, key=lambda f: (f.fitted.complexity, f.fitted.error)):
            p = self.bench.predict(f.fitted)
            noise = max(self.bench.rms(f.fitted), 1e-9 * self.bench.scale)
            if any(np.nanmax(np.abs(p - q)) < 0.01 * noise for q in predictions):
                continue
            kept.append(f)
            predictions.append(p)
        return kept

    def candidate(self, f: Finalist, rank: int) -> Candidate:
        """The candidate of a finalist: its law, its constants by name, its verdict."""
        from formsearch.search.canonical import complexity

        fitted = f.fitted
        raw = np.stack([to_raw(fitted.emitted, v) for v in fitted.values])
        law = to_law(fitted.form, raw[0], f"found{rank + 1}", self.bench.points.target_quantity)
        symbols = set(variable_symbols(sorted(variables(fitted.form.body))).values())
        names = constant_names(fitted.form, symbols)
        groups = self.bench.points.groups
        return Candidate(
            law=law,
            constants=dict(zip(names, map(float, raw[0]), strict=True)),
            complexity=complexity(law.expression, [law.symbols[c] for c in law.constant_names]),
            error=fitted.error,
            train_error=self.bench.rms(fitted),
            acceptance=self.acceptance(f),
            steps=f.proposal.steps if f.proposal is not None else (),
            engine=f.proposal.engine if f.proposal is not None else "registry",
            folds=fitted.folds,
            group_constants={
                g: dict(zip(names, map(float, v), strict=True)) for g, v in zip(groups, raw, strict=False)
            },
            held=fitted.held,
        )

    def acceptance(self, f: Finalist) -> Acceptance:
        """The verdict, unless the time is over."""
        if time.monotonic() > self.deadline:
            return Acceptance(False, (Check("examined", False, ""),), "not examined: the time was over")
        return judge_acceptance(self.bench, f.fitted, self.around, self.reference, f.share, self.config.seed)
