"""The end of a search: what the engines proposed is refitted, judged, examined, and sorted into a front.

In the order of what they cost: refitting and judging a portion at a time; dropping what predicts the same as something
simpler; all checks of behaviour beyond the data at once; and resampling, best forms first, until the time is over.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from formsearch.search.accept import (
    MANY,
    RESAMPLES,
    Acceptance,
    Reference,
    paired,
    screen,
    support,
    supported,
)
from formsearch.search.asymptotics import Check, Surroundings, examine, falling
from formsearch.search.emit import to_raw
from formsearch.search.engine import Config, Proposal
from formsearch.search.expression import constant_names, to_law, variable_symbols
from formsearch.search.front import FORGIVEN, Candidate
from formsearch.search.grammar import variables
from formsearch.search.judge import LEVELS_BEYOND, size_axes
from formsearch.search.normal import Sketch, normalise
from formsearch.search.ranking import ROUNDING, description
from formsearch.search.workbench import Candidate as Draft
from formsearch.search.workbench import Fitted, Workbench

Array = NDArray[np.float64]

REFITTING = 0.6
"""Share of the time left that refitting may take."""
WRITING, WRITING_LEAST = 0.01, 0.2
"""Share of the budget, and seconds, kept for writing the laws down."""
LEFT, MOST_LEFT = 0.03, 0.3
"""Shares of the budget: left free at the end, and the most that more resamples may take."""
MOST_RESAMPLES, STRIDE = 1000, 7919
PORTION, PORTION_AT_MOST = 4, 20
"""Proposals refitted at once: at first, and at most; never more than at first on a table of which a part is resampled,
since one slow form there takes the time of many others."""
LARGE = 1000
POLISHING, POLISHING_LARGE = 8, 2
MANY_GROUPS = 10
"""Starts of a refit; fewer on more than `LARGE` rows, or of more groups than these."""
TIED = 0.05
SAME = 0.01
"""Forms whose predictions differ by a smaller share of the residuals are one."""
UNEXAMINED = Acceptance(False, (Check("examined", False, "not examined"),), "not examined: the time was over")


@dataclass(eq=False)
class Finalist:
    """A proposal on its way to a candidate: refitted, judged, examined. `draws`: resampled constants, centred."""

    fitted: Fitted
    share: float
    proposal: Proposal | None
    acceptance: Acceptance = UNEXAMINED
    draws: Array | None = field(default=None, repr=False)

    @property
    def sane(self) -> bool:
        """Whether all checks but those of resampling were passed."""
        return {c.name for c in self.acceptance.checks if not c.passed} <= FORGIVEN[0]

    @property
    def key(self) -> tuple[int, float]:
        """For sorting: simplest first, then what extrapolates best."""
        return self.fitted.complexity, self.fitted.error


class Finish:
    """Turns proposals into a front before the deadline, and says in `notes` what there was no time for."""

    def __init__(self, bench: Workbench, config: Config, reference: Reference | None, deadline: float) -> None:
        self.bench, self.config, self.reference, self.deadline = bench, config, reference, deadline
        self.around = Surroundings(bench, size_axes(bench.points, LEVELS_BEYOND), falling(bench))
        self.notes: list[str] = []
        self.stopped = False
        # Constants from a coreset are near the optimum already, and a fit to many rows takes its time.
        large = bench.rows > LARGE or len(bench.ranges) > MANY_GROUPS
        self.starts = POLISHING_LARGE if large else POLISHING

    def front(self, proposals: Sequence[Proposal]) -> tuple[list[Candidate], list[Candidate], Candidate | None]:
        """(candidates of the front, accepted ones tied with the best, the best)."""
        finalists = self.distinct(self.refitted(proposals))
        finalists.sort(key=lambda f: f.fitted.error)
        self.examine(finalists)
        accepted = [f for f in finalists if f.acceptance.accepted]
        near, best = self.choice(accepted)
        self.thicken(near)
        sane = [f for f in finalists if f.sane]
        fronts = (*pareto(finalists), *pareto(sane), *pareto(accepted))
        shown = {id(f): f for f in (*fronts, *near)}
        rank = {id(f): k for k, f in enumerate(finalists)}
        made = {i: self.candidate(f, rank[i]) for i, f in shown.items()}
        if best is not None and self.bench.points.groups and not self.stopped:
            made[id(best)] = self.shared(made[id(best)])
        front = {id(f) for f in (*fronts, *([best] if best else []))}
        candidates = sorted((made[i] for i in front), key=lambda c: (c.complexity, c.error))
        return candidates, [made[id(f)] for f in near], None if best is None else made[id(best)]

    # -- refitting -----------------------------------------------------------------------------------------------

    def refitted(self, proposals: Sequence[Proposal]) -> list[Finalist]:
        """Proposals refitted and judged in the order of the engine, a few at a time, as far as the time allows."""
        begun = time.monotonic()
        until = begun + REFITTING * max(self.deadline - begun, 0.0)
        found: dict[object, Finalist] = {}
        low, portion = 0, PORTION
        while low < max(len(proposals), 1):
            clock = time.monotonic()
            try:
                for f in self.refit(proposals[low : low + portion], with_reference=low == 0):
                    found.setdefault(f.fitted.form, f)
            except KeyboardInterrupt:
                self.stopped = True
                break
            low += portion
            now = time.monotonic()
            # The next portion is as large as would take half of what is left, at the pace of this one.
            most = PORTION if self.bench.rows > MANY else PORTION_AT_MOST
            portion = min(int(0.5 * portion * max(until - now, 0.0) / max(now - clock, 1e-6)), most)
            left = len(proposals) - low
            if portion < 1 and left > 0:
                self.notes.append(f"{left} of {len(proposals)} proposals were not refitted: the time was over")
                break
        return list(found.values())

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
        predictions: list[Array] = []
        for f in sorted(finalists, key=lambda f: f.key):
            p = self.bench.predict(f.fitted)
            noise = max(self.bench.rms(f.fitted), 1e-9 * self.bench.scale)
            if any(np.nanmax(np.abs(p - q)) < SAME * noise for q in predictions):
                continue
            kept.append(f)
            predictions.append(p)
        return kept

    # -- judging -------------------------------------------------------------------------------------------------

    def examine(self, finalists: Sequence[Finalist]) -> None:
        """Set the verdict of each: cheap checks of all, then resampling of those that passed, best first."""
        last = self.deadline - max(WRITING * self.config.seconds, WRITING_LEAST)
        beyond = examine([f.fitted for f in finalists], self.around)
        if self.reference is None:
            self.reference = self.stand_in(finalists, beyond)
        hopeful = []
        for f, checks in zip(finalists, beyond, strict=True):
            found = screen(self.bench, f.fitted, checks, self.reference, f.share)
            f.acceptance = Acceptance.of(found)
            if f.acceptance.accepted:
                hopeful.append((f, found))
                f.acceptance = Acceptance(False, (*found, *UNEXAMINED.checks), UNEXAMINED.sentence)
        taken = 0.0
        for k, (f, found) in enumerate(hopeful):
            clock = time.monotonic()
            if self.stopped or clock + taken > last:
                self.notes.append(f"{len(hopeful) - k} forms that passed all other checks were not resampled")
                break
            try:
                doubtful, f.draws = support(self.bench, f.fitted, self.config.seed)
            except KeyboardInterrupt:
                self.stopped = True
                continue
            f.acceptance = Acceptance.of([*found, supported(doubtful)])
            taken = time.monotonic() - clock

    def stand_in(self, finalists: Sequence[Finalist], beyond: Sequence[Sequence[Check]]) -> Reference | None:
        """Where no registry law speaks of these points: the sane form that extrapolates best."""
        sane = [f for f, checks in zip(finalists, beyond, strict=True) if all(c.passed for c in checks)]
        best = min(sane, key=lambda f: f.fitted.error, default=None)
        return None if best is None else Reference("", best.fitted)

    def choice(self, accepted: Sequence[Finalist]) -> tuple[list[Finalist], Finalist | None]:
        """(the best and those tied with it on the held-out rows, the best).

        The best has the shortest description. The least error on the hold-outs alone would not do: of a hundred forms
        that are nearly as good, chance rules which one has it.
        """
        best = min(accepted, key=self.description, default=None)
        return [f for f in accepted if best is not None and (f is best or not self.worse(f, best))], best

    def thicken(self, near: Sequence[Finalist]) -> None:
        """More resamples of the forms tied with the best, from which intervals are made, in the time that is left over.

        Not where the engines ended early, nor where the result is to depend on the seed alone.
        """
        last = self.deadline - LEFT * self.config.seconds - WRITING_LEAST
        begun = time.monotonic()
        if self.config.generations is not None or last - begun > MOST_LEFT * self.config.seconds:
            return
        taken = 0.0
        for k in range(1, MOST_RESAMPLES // RESAMPLES):
            for f in near:
                clock = time.monotonic()
                if self.stopped or f.draws is None or clock + taken > last:
                    return
                try:
                    _, more = support(self.bench, f.fitted, self.config.seed + k * STRIDE)
                except KeyboardInterrupt:
                    self.stopped = True
                    return
                f.draws = np.concatenate([f.draws, more])
                taken = max(taken, time.monotonic() - clock)

    def worse(self, a: Finalist, b: Finalist) -> bool:
        """Whether `a` is significantly worse than `b` on the held-out rows."""
        difference, p = paired(a.fitted, b.fitted, ROUNDING * self.bench.scale)
        return difference > 0 and p < TIED

    def description(self, f: Finalist) -> float:
        """Length of a description of the points by a form (see `ranking`)."""
        return description(self.bench, f.fitted)

    # -- writing down --------------------------------------------------------------------------------------------

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
            train_error=self.bench.rms(fitted, emphasised=False),
            acceptance=f.acceptance,
            steps=f.proposal.steps if f.proposal is not None else (),
            engine=f.proposal.engine if f.proposal is not None else "registry",
            folds=fitted.folds,
            group_constants={
                g: dict(zip(names, map(float, v), strict=True)) for g, v in zip(groups, raw, strict=False)
            },
            held=fitted.held,
            draws=None if f.draws is None else self.raw_draws(f),
        )

    def shared(self, c: Candidate) -> Candidate:
        """The candidate with whatever constants its groups can share, if there is time to find out."""
        from formsearch.search.sharing import Sharing

        bench = self.bench
        points = bench.points.take(bench.order)
        weighted = replace(points, weight=bench.weight)
        last = self.deadline - max(WRITING * self.config.seconds, WRITING_LEAST)
        sharing = Sharing(points, weighted, bench.objective, bench.folds, self.config.seed, last)
        order = sorted(c.law.constant_names, key=lambda s: c.law.constant(s).meaning != "exponent")
        assert c.held is not None
        found = sharing.of(c.law, order, c.held)
        if found is None:
            return c
        names = ", ".join(found.names)
        sentence = f"all groups share {names}: held-out rows are predicted no worse than with constants of their own"
        residuals = bench.residuals(found.fit.predict(points))
        first = found.fit.group_constants[bench.points.groups[0]]
        return replace(
            c,
            constants=dict(first),
            group_constants={g: dict(v) for g, v in found.fit.group_constants.items()},
            shared=found.names,
            error=found.error,
            folds=found.folds,
            held=found.held,
            train_error=float(np.sqrt(np.average(residuals**2, weights=bench.own))),
            acceptance=Acceptance.of([*c.acceptance.checks, Check("shared", True, sentence)]),
        )

    def raw_draws(self, f: Finalist) -> Array:
        """Resampled constants in raw units, shape (resamples, groups, constants)."""
        assert f.draws is not None
        raw = [[to_raw(f.fitted.emitted, v) for v in groups] for groups in f.draws]
        return np.asarray(raw, dtype=np.float64)


def pareto(items: Sequence[Finalist]) -> list[Finalist]:
    """Those that no one as simple beats, by increasing complexity."""
    best, result = float("inf"), []
    for f in sorted(items, key=lambda f: f.key):
        if f.fitted.error < best:
            best = f.fitted.error
            result.append(f)
    return result
