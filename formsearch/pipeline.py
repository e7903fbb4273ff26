"""The main job: points -> every applicable law, judged -> a search for new forms -> all judged again -> derivations.

The search sees the training rows of the split only, so what it finds is judged on rows that it never saw, on the same
board as the registered laws. Fits go through a store: what a run has finished, a rerun recalls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from formsearch.exceptions import DerivationError, InputError, NotApplicableError
from formsearch.law import Law
from formsearch.parallel import SERIAL, Workers
from formsearch.points import Points

if TYPE_CHECKING:
    from formsearch.advise.advice import Advice
    from formsearch.compare.entries import Laws
    from formsearch.compare.leaderboard import Leaderboard
    from formsearch.core.objectives import Objective
    from formsearch.derive.derivation import Derivation
    from formsearch.fit.result import Fit
    from formsearch.resume import Remembered
    from formsearch.search.engine import Progress as Searching
    from formsearch.search.front import Front
    from formsearch.store import Store

FRONTIER = 7
"""Budgets of the compute frontier: from the least compute of the points to ten times the most."""


MAY_BE_BEST = 3
"""Registered laws whose optima are derived: the best, and those that these points cannot tell apart from it."""


class Progress(Protocol):
    """Callback of long work."""

    def __call__(self, stage: str, done: float | None = None, remark: str = "") -> None:
        """Called as a stage begins and goes on: how much of it is done (0..1, None if unknown), and a remark."""


@dataclass(frozen=True)
class Again:
    """How often each engine searches, and who does it."""

    restarts: int
    workers: Workers

    def of(self, engine: str | Sequence[str]) -> Any:
        """The engines, each as often as that."""
        if self.restarts == 1:
            return engine
        from formsearch.search.restarts import Restarts

        names = [engine] if isinstance(engine, str) else engine
        return [Restarts(name, self.restarts, self.workers) for name in names]


@dataclass(frozen=True, eq=False)
class Run:
    """What the main job returns.

    points : all of them. training : the rows that the fits and the search saw. board : the registered laws and the
    accepted forms, judged on the same rows. front : what the search found; None without a search. fits : of the laws
    that may be the best and of the accepted forms, to the training rows. derivations : theirs. advice : what to run
    next, from fits to all points; None where there is none. notes : what was left out, and why.
    """

    points: Points
    training: Points
    board: Leaderboard
    front: Front | None
    fits: tuple[Fit, ...]
    derivations: tuple[Derivation, ...]
    advice: Advice | None = None
    notes: tuple[str, ...] = ()

    @property
    def items(self) -> list[Any]:
        """The results, in the order of a report."""
        optional = [item for item in (self.front, self.advice) if item is not None]
        return [self.points, self.board, *optional, *self.derivations, *self.fits]

    @property
    def ok(self) -> bool:
        """Whether there is any law to show for it."""
        return self.board.best is not None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "kind": "run",
            "points": self.points.describe(),
            "training": self.training.describe(),
            "best": self.board.best,
            "leaderboard": self.board.to_dict(),
            "front": None if self.front is None else self.front.to_dict(),
            "fits": [f.to_dict() for f in self.fits],
            "derivations": [d.to_dict() for d in self.derivations],
            "advice": None if self.advice is None else self.advice.to_dict(),
            "notes": list(self.notes),
        }


def run(
    points: Points,
    laws: Laws = "all",
    split: Any = None,
    objective: Objective | None = None,
    starts: int = 16,
    seconds: float = 60.0,
    engine: str | Sequence[str] = "native",
    seed: int = 0,
    *,
    generations: int | None = None,
    resamples: int = 200,
    restarts: int = 1,
    store: Store | None = None,
    workers: Workers = SERIAL,
    progress: Progress | None = None,
) -> Run:
    """Fit and judge every applicable law, search for new forms, judge those too, derive the optima of the best.

    Parameters
    ----------
    laws, split, objective, starts, seed : as in `formsearch.compare`. Grouped points get constants per group.
    seconds : budget of the search; 0 leaves it out.
    engine : of the search, one or several. generations : ends the search after so many, whatever the clock says.
    resamples : refits behind the intervals of derived optima.
    restarts : how often each engine searches, apart and from seeds of its own; `workers` do them at a time.
    workers : who does the fits, the resamples and the restarts (`formsearch.parallel`); results do not depend on it.
    store : recalls finished fits and the finished search of an earlier run, and keeps those of this one.

    Raises `InputError` and its kin for points or options that cannot be used, before any long work;
    `NotApplicableError` if no law can be judged, with the first reason; `EngineMissingError` for an engine that
    cannot run here.
    """
    from formsearch.compare import compare
    from formsearch.compare.board import make_folds, resolve
    from formsearch.search.engine import sequence_of

    tell: Progress = progress or _silent
    if not (np.isfinite(seconds) and seconds >= 0):
        raise InputError(f"seconds must be zero or above, not {seconds!r}")
    if seconds > 0:
        sequence_of(engine)  # an engine that cannot run here must not be found out after the fits
    chosen = resolve(points, split)
    training = points.take(make_folds(points, chosen).reference, f"{points.name}[training rows]")
    fitter = _fitter(store, workers)
    by = "group" if points.groups else None
    notes: list[str] = []

    def judged(entries: Any, stage: str) -> Leaderboard:
        tell(stage, 0.0)
        return compare(
            points, entries, chosen, objective, starts, seed, by=by, fitter=fitter,
            progress=lambda done, total, label: tell(stage, done / total, label),
        )  # fmt: skip

    board = judged(laws, "fitting and judging laws")
    if not board.scores:
        name, reason = board.not_applicable[0]
        others = f" (and {len(board.not_applicable) - 1} more)" if len(board.not_applicable) > 1 else ""
        raise NotApplicableError(f"{points.name}: no law can be judged on these points; {name}: {reason}{others}")
    front: Front | None = None
    found: dict[str, Law] = {}
    if seconds > 0:
        again = Again(restarts, workers)
        front, missing = _search(training, board, objective, seconds, engine, seed, generations, again, store, tell)
        notes += missing
        found = _to_judge(front)
    if found:
        board = judged([*_as_list(laws), *found.values()], "judging what was found")
        board = replace(board, searched=dict.fromkeys(found, 1 if front is None else front.tried))
    fits = _best_fits(board, found)
    derivations, missing = _derivations(fits, training, resamples, fitter, tell)
    notes += missing
    advice, missing = _advice(board, points, derivations, objective, starts, seed, fitter, tell)
    return Run(points, training, board, front, fits, derivations, advice, (*notes, *missing))


def _silent(stage: str, done: float | None = None, remark: str = "") -> None:
    del stage, done, remark


def _fitter(store: Store | None, workers: Workers) -> Remembered:
    """Recalls finished pieces: of earlier runs with a store, of the first board in any case."""
    from formsearch.resume import remembering
    from formsearch.store import Store as Memory

    return remembering(store if store is not None else Memory(":memory:"), workers)


def _as_list(laws: Laws) -> list[Any]:
    if isinstance(laws, str | Law):
        return [laws]
    return list(laws.values()) if isinstance(laws, Mapping) else list(laws)


def _search(
    training: Points,
    board: Leaderboard,
    objective: Objective | None,
    seconds: float,
    engine: str | Sequence[str],
    seed: int,
    generations: int | None,
    again: Again,
    store: Store | None,
    tell: Progress,
) -> tuple[Front | None, list[str]]:
    """The front of a search on the training rows, started from the laws that were judged; and why there is none."""
    from formsearch.resume import StoredStates, recall_front, store_front
    from formsearch.search import search

    stage = "searching for new forms"
    tell(stage, 0.0)
    seeds = [s.law for s in board.scores if s.kind == "refit"]
    asked = {
        "points": training.hash, "objective": repr(objective), "seconds": seconds, "engine": engine, "seed": seed,
        "generations": generations, "seeds": [law.key for law in seeds], "restarts": again.restarts,
    }  # fmt: skip
    if store is not None and (recalled := recall_front(store, asked)) is not None:
        return recalled, []
    states = None if store is None else StoredStates(store, asked)
    try:
        front = search(
            training, engine=again.of(engine), seconds=seconds, seed=seed, seeds=seeds, objective=objective,
            generations=generations, variables=_variables(training), states=states,
            progress=lambda p: tell(stage, searched(p, seconds, generations), f"{p.tried} forms, best {p.best}"),
        )  # fmt: skip
    except InputError as error:
        return None, [f"no search: {error}"]
    if store is not None and states is not None and not front.status.startswith("stopped"):
        store_front(store, asked, front)
        states.done()
    return front, []


def searched(at: Searching, seconds: float, generations: int | None) -> float:
    """How much of a search is done: of its generations where they are counted and told, else of its time."""
    done = at.generation / generations if generations and at.generation else at.seconds / seconds
    return min(done, 1.0)


def _variables(training: Points) -> tuple[str, ...] | None:
    """Tokens in place of compute, where the table gives size and compute; None for the search's own choice.

    A form in N, D and C = 6*N*D at once has no optimum that means anything: its variables cannot move by themselves.
    """
    factors = training.factors
    if "C" not in factors or "D" in factors or not training.can("D"):
        return None
    names = ["D" if q == "C" else q for q in factors]
    return tuple(q for q in names if len(np.unique(training.column(q))) > 1)


def _to_judge(front: Front | None) -> dict[str, Law]:
    """What the search stands behind, by name: its best form, and the simplest that it cannot tell from the best.

    Chosen without the rows that judge, which is why there are not more. A registered law that came back is left out.
    """
    if front is None or front.best is None:
        return {}
    simplest = min(front.near, key=lambda c: (c.complexity, c.error), default=front.best)
    return {c.law.name: c.law for c in (front.best, simplest) if c.engine != "registry"}


def _best_fits(board: Leaderboard, found: Mapping[str, Law]) -> tuple[Fit, ...]:
    """To the training rows: of the laws that may be the best, of what was found, and of one registered law at least."""
    leading = board.leading(MAY_BE_BEST)
    led = {s.label for s in leading}
    scores = [s for s in board.scores if s.fit is not None]
    registered = [s for s in scores if s.law.name not in found]
    # What was found stands beside the best law that was known. A fit that is not at an optimum has constants that mean
    # nothing, so it is that law only if there is no other.
    known = [] if led & {s.label for s in registered} else ([s for s in registered if s.ok] or registered)[:1]
    accepted = [s for s in scores if s.law.name in found and s.label not in led]
    return tuple(s.fit for s in (*leading, *known, *accepted) if s.fit is not None)


def _derivations(
    fits: Sequence[Fit], training: Points, resamples: int, once: Remembered, tell: Progress
) -> tuple[tuple[Derivation, ...], list[str]]:
    """Optima of each fit: of every variable by itself, and at given compute where size and tokens are variables."""
    made: list[Derivation] = []
    notes: list[str] = []
    todo = [(fit, asked) for fit in fits for asked in _questions(fit.law, training)]
    best: dict[str, dict[str, float]] = {}
    for done, (fit, asked) in enumerate(todo):
        if "settings" in asked:  # what the law itself says is best goes before what was run
            known = best.get(fit.law.key, {})
            asked["settings"] = {q: known.get(q, value) for q, value in asked["settings"].items()}
        under = f" under {asked['subject_to']}" if asked else ""
        about = f"{fit.law.name}{under}"

        def how_far(share: float, doing: str, done: int = done, about: str = about) -> None:
            tell("deriving optima", (done + share) / len(todo), f"{about}: {doing}")

        how_far(0.0, "resampling" if resamples else "premises")
        try:
            made.append(once.derive(fit, resamples, how_far, **asked))
            best.setdefault(fit.law.key, _constant_optima(made[-1]))
        except (DerivationError, NotApplicableError, InputError) as error:
            notes.append(f"no derivation for {fit.law.name}{under}: {error}")
    return tuple(made), notes


def _constant_optima(derivation: Derivation) -> dict[str, float]:
    """Quantity -> its optimum, where that depends on no other variable: as one would build it."""
    found = [r for r in derivation.results if r.kind in ("minimum", "maximum") and not r.depends_on]
    return {r.quantity: float(r.integer[0] if r.integer else r.value) for r in found if r.value is not None}


def _questions(law: Law, training: Points) -> list[dict[str, Any]]:
    """What to ask of a law: its unconstrained optima, and the compute frontier of size against tokens.

    On the frontier, other factors that were given are held as in the run of most compute (see `_derivations`).
    """
    questions: list[dict[str, Any]] = [{}]
    size = next((q for q in ("N_active", "N") if q in law.quantities), None)
    if size is not None and "D" in law.quantities and training.can("C"):
        compute = training.column("C")
        budgets = np.geomspace(compute.min(), 10 * compute.max(), FRONTIER)
        question = {"subject_to": f"C = 6*{size}*D", "sweep": {"C": [float(b) for b in budgets]}}
        others = [q for q in law.quantities if q not in (size, "D")]
        if others and all(q in training.factors for q in others):
            # Without values for them the frontier would be a formula only. Those of the dearest run can be built.
            dearest = int(np.argmax(compute))
            question["settings"] = {q: float(training.column(q)[dearest]) for q in others}
        questions.append(question)
    return questions


def _advice(
    board: Leaderboard,
    points: Points,
    derivations: Sequence[Derivation],
    objective: Objective | None,
    starts: int,
    seed: int,
    fitter: Remembered,
    tell: Progress,
) -> tuple[Advice | None, list[str]]:
    """What to run next: to tell the leading laws apart, and to pin down the optima that are numbers of the law."""
    from formsearch.advise import advise

    stage = "weighing what to run next"
    tell(stage, 0.0)
    leading = [score.law for score in board.leading(MAY_BE_BEST)]
    if not leading:
        return None, []
    fits: list[Fit] = []
    try:
        for law in leading:
            fits.append(fitter(law, points, objective, starts, seed))
            # Weighing resamples each fit, which takes about as long as making it.
            tell(stage, len(fits) / (2 * len(leading)), f"{law.name} fitted to all points")
        return advise(
            fits, _optima(leading[0], derivations), seed=seed,
            progress=lambda share, doing: tell(stage, 0.5 + share / 2, doing),
        ), []  # fmt: skip
    except InputError as error:
        return None, [f"no advice on what to run next: {error}"]


def _optima(law: Law, derivations: Sequence[Derivation]) -> dict[str, str]:
    """Optima of the law that depend on no variable, as formulas in its constants."""
    names = set(law.constant_names)
    results = [r for d in derivations if d.law.key == law.key for r in d.results if r.kind in ("minimum", "maximum")]
    found: dict[str, str] = {}
    for result in results:
        symbols = {str(s) for s in result.full.free_symbols} if result.full is not None else set()
        if symbols and symbols <= names:
            found.setdefault(f"{result.symbol}_opt", str(result.full))
    return found
