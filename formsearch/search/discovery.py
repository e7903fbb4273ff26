"""From engines to a front: seeds in, proposals out, refitted, judged, accepted or not, and sorted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from formsearch.core.objectives import LeastSquares, Objective
from formsearch.exceptions import InputError, UnknownNameError
from formsearch.law import Law
from formsearch.points import Points
from formsearch.search.accept import MANY
from formsearch.search.checkpoint import Answer, States, read_answer, write_answer
from formsearch.search.emphasis import Prepared, prepared
from formsearch.search.engine import (
    MAX_COMPLEXITY,
    OPERATORS,
    Config,
    Engine,
    Progress,
    Proposal,
    Report,
    Spent,
    sequence_of,
)
from formsearch.search.finish import Finish
from formsearch.search.front import Candidate, Front
from formsearch.search.judge import emphasised, folds_of
from formsearch.search.population import Effort
from formsearch.search.ranking import ROUNDING
from formsearch.search.workbench import Workbench

PREPARING = 0.15
"""Share of the budget that the registry's laws may take before the search."""
FINISH, FINISH_ENOUGH, FINISH_AT_LEAST, FINISH_AT_MOST, FINISH_MANY = 0.1, 15.0, 3.0, 0.3, 0.5
"""Least share of the budget, seconds that are enough for it, least seconds, and greatest share kept for refitting and
accepting what was found; the last for tables of very many rows, where the search itself sees few of them."""
UNKNOWN = 0.15
"""Share kept where no registry law could be fitted, so that nothing is known of the speed."""
PROPOSALS, PER_PROPOSAL = 60, 60
"""Forms expected at the end, and fits a fold, group and form that refitting, judging and resampling them cost."""
MIN_ROWS = 8
TRAINING = ("fit", "train", "training")
WIDE = 2.0
"""A target that spans more than this factor is fitted in its logarithm by default."""
DERIVED_FROM = {"C": ({"N", "D"}, {"N_active", "D"}), "tokens_per_parameter": ({"N", "D"},)}
"""Columns that are products of others: not variables of their own where those are there."""


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


EARLY = 0.7
"""A search that took a smaller share of its time ended by itself."""


@dataclass(frozen=True, eq=False)
class Request:
    """What a user asks of a search; see `formsearch.search.search`."""

    points: Points
    engine: str | Engine | Sequence[str | Engine] = "native"
    seconds: float = 60.0
    seed: int = 0
    seeds: str | Sequence[Law | str] | None = "registry"
    objective: Objective | None = None
    train: str | None = None
    variables: Sequence[str] | None = None
    generations: int | None = None
    max_constants: int | None = None
    emphasis: float | None = None
    progress: Report | None = None
    states: States | None = None
    max_complexity: int = MAX_COMPLEXITY
    operators: tuple[str, ...] = OPERATORS


def discover(request: Request) -> Front:
    """The whole search: prepare, let the engines propose, refit and judge, and sort into a front."""
    begun = time.monotonic()
    prepare()
    engines = sequence_of(request.engine)
    chosen, notes = training_points(request.points, request.train)
    if len(chosen) < MIN_ROWS:
        raise InputError(f"{chosen.name}: a search needs at least {MIN_ROWS} points, there are {len(chosen)}")
    if request.emphasis is not None and not 0 <= request.emphasis <= 50:
        raise InputError(f"emphasis must lie between 0 (none) and 50, not {request.emphasis!r}")
    for name, cap in (("max_constants", request.max_constants), ("max_complexity", request.max_complexity)):
        if cap is not None and cap < 1:
            raise InputError(f"{name} must be at least 1, not {cap!r}")
    config = configured(request, chosen)
    known = applicable(chosen)
    extra = {q for law in (*known, *config.seeds) for q in law.quantities if q not in config.variables}
    names = (*config.variables, *sorted(extra))
    ready = prepared(
        chosen, names, config.objective, config.folds, config.seed, known, request.emphasis,
        begun + PREPARING * config.limit,
    )  # fmt: skip
    if ready.note is not None:
        notes.append(ready.note)
    if "native" in {e.name for e in engines} and len(chosen) > Effort().most_rows:
        notes.append(f"searched on a coreset of {Effort().most_rows} rows; refitted and judged on all {len(chosen)}")
    work = Proposing(request, engines, config, chosen, ready)
    proposals = work.proposals(begun + request.seconds - reserve_of(request.seconds, ready.bench))
    finish = Finish(ready.bench, config, ready.reference, begun + config.limit)
    candidates, near, best = finish.front(proposals)
    return Front(
        candidates=tuple(candidates), best=best, near=tuple(near), points=chosen.describe(),
        objective_name=config.objective.name,
        reference=None if ready.reference is None else (ready.reference.name, ready.reference.fitted.error),
        holds_out=tuple(f"{f.label}: {int(f.train.sum())} -> {int(f.test.sum())} rows" for f in config.folds),
        engines={e.name: e.deterministic for e in engines}, seconds=time.monotonic() - begun, tried=work.tried,
        fits=ready.bench.fits + sum(s.fits for s in work.spent), kernel_share=work.kernel_share, seed=config.seed,
        status=status_of(request, work.stopped or finish.stopped, time.monotonic() - begun, candidates, chosen),
        seeds=tuple(law.name for law in config.seeds),
        emphasis=ready.rate, log=config.objective.log,
        notes=tuple(notes + finish.notes + work.notes),
    )  # fmt: skip


def configured(request: Request, chosen: Points) -> Config:
    """What the engines are told."""
    return Config(
        variables=tuple(request.variables) if request.variables is not None else variables_of(chosen),
        seconds=request.seconds,
        seed=request.seed,
        seeds=tuple(seeds_of(request.seeds, chosen)),
        objective=request.objective if request.objective is not None else default_objective(chosen),
        generations=request.generations,
        max_constants=request.max_constants,
        max_complexity=request.max_complexity,
        operators=request.operators,
        folds=tuple(folds_of(chosen, request.seed)),
        states=request.states,
    )


def status_of(request: Request, stopped: bool, seconds: float, candidates: Sequence[Candidate], points: Points) -> str:
    """How the search ended, in words."""
    if stopped:
        return "stopped by the user; what was found until then is kept"
    if request.generations is None and seconds < EARLY * request.seconds:
        rounding = ROUNDING * float(np.ptp(points.target))
        if any(c.train_error <= rounding for c in candidates):
            return "ended before its time: a form is exact, and no simpler one came after it"
        return "the engines ended before the time did"
    return "the time was used up" if request.generations is None else "all generations were run"


def reserve_of(seconds: float, bench: Workbench) -> float:
    """Seconds to keep for the end, from how long fits have taken on this bench and at this load so far."""
    if not bench.fits:
        return max(UNKNOWN * seconds, min(FINISH_AT_LEAST, FINISH_AT_MOST * seconds))
    each = bench.kernel_seconds / bench.fits
    jobs = PROPOSALS * PER_PROPOSAL * len(bench.ranges)
    most = FINISH_MANY if bench.rows > MANY else FINISH_AT_MOST
    return min(max(each * jobs, min(FINISH * seconds, FINISH_ENOUGH), FINISH_AT_LEAST), most * seconds)


class Proposing:
    """The engines at work, one after the other, each with its share of the time."""

    def __init__(
        self, request: Request, engines: Sequence[Engine], config: Config, points: Points, ready: Prepared
    ) -> None:
        self.request, self.engines, self.config = request, engines, config
        # Engines see discounted rows as rows of less weight.
        weight = np.ones(len(points)) if points.weight is None else points.weight
        plain = ready.rate == 0.0
        self.points = points if plain else replace(points, weight=weight * emphasised(points, ready.rate))
        self.tried = 0
        self.stopped = False
        self.recalled: dict[int, Answer] = {}
        """What engines had answered before an interruption, by their place."""

    def proposals(self, until: float) -> list[Proposal]:
        """What all engines propose, by turns, the most promising of each first."""
        found: list[list[Proposal]] = [[] for _ in self.engines]
        try:
            for k, (engine, own) in enumerate(zip(self.engines, found, strict=True)):
                share = (until - time.monotonic()) / (len(self.engines) - k)
                self._ask(k, engine, replace(self.config, seconds=max(share, 0.1)), own)
        except KeyboardInterrupt:
            self.stopped = True
        self.stopped = self.stopped or any(s.stopped for s in self.spent)
        turns = itertools.zip_longest(*found)
        return [p for turn in turns for p in turn if p is not None]

    def _ask(self, place: int, engine: Engine, config: Config, own: list[Proposal]) -> None:
        """Extend `own` by what an engine proposes, or by what it had proposed before an interruption."""
        states, key = config.states, f"proposals of {place} {engine.name}"
        finished = None if states is None else states.load(key)
        if finished is not None:
            answer = self.recalled[place] = read_answer(finished)
            own += answer.proposals
            self.tried = max(self.tried, answer.tried)
            return
        for proposal in engine.propose(self.points, config, self._watch):
            own.append(proposal)
        spent = _spent(engine)
        if spent is not None:
            self.tried = max(self.tried, spent.tried)
        if any(s.stopped for s in self.spent):
            raise KeyboardInterrupt
        if states is not None:
            states.save(key, write_answer(Answer(tuple(own), self.tried, spent, _notes(engine))))

    def _watch(self, progress: Progress) -> None:
        self.tried = max(self.tried, progress.tried)
        if self.request.progress is not None:
            self.request.progress(progress)

    @property
    def spent(self) -> list[Spent]:
        """What the engines that tell took."""
        told = ((self.recalled[k].spent if k in self.recalled else _spent(e)) for k, e in enumerate(self.engines))
        return [spent for spent in told if spent is not None]

    @property
    def notes(self) -> list[str]:
        """What the engines remarked."""
        told = ((self.recalled[k].notes if k in self.recalled else _notes(e)) for k, e in enumerate(self.engines))
        return [note for notes in told for note in notes]

    @property
    def kernel_share(self) -> float:
        """Share of the engines' time in the kernels."""
        return sum(s.kernel_seconds for s in self.spent) / max(sum(s.seconds for s in self.spent), 1e-9)


def _spent(engine: Engine) -> Spent | None:
    spent = getattr(engine, "spent", None)
    return spent if isinstance(spent, Spent) else None


def _notes(engine: Engine) -> tuple[str, ...]:
    return tuple(getattr(engine, "notes", ()))


def prepare() -> None:
    """Import what the end of the search needs now, so that the time kept for it is not spent on importing."""
    import scipy.stats
    import sympy  # noqa: F401

    assert scipy.stats
