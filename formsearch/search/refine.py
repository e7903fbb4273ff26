"""Going on from another engine's front with the native engine's moves, for a small share of the time.

Engines outside judge a form by its error in the sample and the size of its tree. Their fronts hold the right parts,
in forms that lack a weak factor or end in the wrong power. The native engine takes those forms (not their constants)
as seeds: it adds, drops, ties and bends their terms, and every child is fitted to convergence and judged by
extrapolation.
What comes out is marked as found by both; the steps of a form that descends from such a row begin there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from formsearch.search.engine import Config, Proposal, Report, Spent
from formsearch.search.expression import to_law
from formsearch.search.judge import folds_of

if TYPE_CHECKING:
    from formsearch.law import Law
    from formsearch.points import Points

BOTH = "{}, then native"
GENERATIONS = 12
"""Of the native engine, where the clock must not decide: about 5 s on two cores for some hundred rows."""


class Refinement:
    """The native engine at work on the forms of another (`by`). `spent` and `stopped` tell about it afterwards.

    generations : stop after so many, whatever the clock says; by default only in a search that has a number of them.
    """

    def __init__(
        self,
        points: Points,
        config: Config,
        report: Report | None = None,
        by: str = "pysr",
        generations: int | None = None,
    ) -> None:
        self.points, self.config, self.report, self.by = points, config, report, by
        self.generations = generations or (None if config.generations is None else GENERATIONS)
        self.spent: Spent | None = None
        self.stopped = False

    def proposals(self, found: Sequence[Proposal], seconds: float) -> Iterator[Proposal]:
        """What the native engine makes of the forms in so many seconds, or generations where they are counted."""
        from formsearch.search.native import ROOTS, Native

        if not found or not set(self.config.operators) >= ROOTS:
            return
        engine = Native()
        config = replace(
            self.config, seeds=tuple(seeds_of(found, self.by)), seconds=max(seconds, 0.1), states=None,
            folds=self.config.folds or tuple(folds_of(self.points, self.config.seed)),
            generations=self.generations,
        )  # fmt: skip
        for proposal in engine.propose(self.points, config, self.report):
            yield replace(proposal, engine=BOTH.format(self.by))
        self.spent = engine.spent
        self.stopped = bool(getattr(engine.spent, "stopped", False))


def seeds_of(found: Sequence[Proposal], by: str = "pysr") -> Iterator[Law]:
    """The forms as laws, each once, named by the size that the engine gave them."""
    seen = set()
    for proposal in found:
        if proposal.form in seen:
            continue
        seen.add(proposal.form)
        row = proposal.steps[0].complexity if proposal.steps else len(seen)
        law = to_law(proposal.form, proposal.constants, f"{by}-{row}-{len(seen)}")
        # Only the form is a seed: its constants are drawn as those of any other, in the natural range of their kind.
        yield replace(law, constants=tuple(replace(c, start=None) for c in law.constants))
