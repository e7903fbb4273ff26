"""`Leaderboard`: the result of a comparison, with everything needed to cite it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from formsearch.compare.confidence_set import ConfidenceSet
from formsearch.compare.distance import Distance
from formsearch.compare.information import Criteria
from formsearch.compare.paired import Pair, same_errors
from formsearch.compare.scores import Errors, finite, metric
from formsearch.compare.words import verdicts
from formsearch.exceptions import UnknownNameError
from formsearch.law import Law
from formsearch.quantities import Rule

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from formsearch.fit.result import Fit


@dataclass(frozen=True, slots=True)
class FoldScore:
    """One fold of one law: rows on both sides, errors on the test rows, constants, share of starts at the optimum."""

    label: str
    train_rows: int
    errors: Errors
    constants: Mapping[str, float]
    share: float
    status: str
    ok: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "fold": self.label,
            "train_rows": self.train_rows,
            "errors": self.errors.to_dict(),
            "constants": dict(self.constants),
            "share": finite(self.share),
            "status": self.status,
        }


@dataclass(frozen=True, eq=False)
class Score:
    """One row of the board.

    label : the law's name, with the objective or the published fit where it needs one. kind : "refit", or
        "published" for constants as printed.
    constants : number of fitted constants (each group's own counted); 0 for published ones.
    test : errors on the test rows, each row once; `intervals` by metric. train : errors on the training rows
        (all rows that any fold trains on). criteria : AICc and BIC there; None for published constants.
    off_scale : test rows that the law misses by more than the range of all observations, in words; empty if none.
    share : least share of starts at the best optimum over all fits. fit : the fit to the training rows (None for
        published constants). by_group : test errors of each group of the points.
    """

    label: str
    law: Law
    kind: Literal["refit", "published"]
    objective: str
    constants: int
    test: Errors
    train: Errors
    intervals: Mapping[str, tuple[float, float]]
    criteria: Criteria | None
    share: float
    off_scale: str
    status: str
    ok: bool
    folds: tuple[FoldScore, ...]
    rules: tuple[Rule, ...]
    values: Mapping[str, float]
    by_group: Mapping[str, Errors] = field(default_factory=dict)
    source: str = ""
    fit: Fit | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        c = self.criteria
        return {
            "label": self.label,
            "law": self.law.name,
            "formula": self.law.formula,
            "kind": self.kind,
            "objective": self.objective,
            "constants": self.constants,
            "values": dict(self.values),
            "group_values": {} if self.fit is None else {g: dict(v) for g, v in self.fit.group_constants.items()},
            "test": self.test.to_dict(),
            "train": self.train.to_dict(),
            "intervals": {name: [finite(low), finite(high)] for name, (low, high) in self.intervals.items()},
            "log_likelihood": None if c is None else finite(c.log_likelihood),
            "aicc": None if c is None else finite(c.aicc),
            "bic": None if c is None else finite(c.bic),
            "share": finite(self.share),
            "off_scale": self.off_scale,
            "status": self.status,
            "ok": self.ok,
            "folds": [f.to_dict() for f in self.folds],
            "by_group": {g: e.to_dict() for g, e in self.by_group.items()},
            "rules": [str(r) for r in self.rules],
            "source": self.source,
        }


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Laws judged on the same points.

    scores : best first, by `metric` on the test rows. not_applicable : (label, reason) of what could not be judged
        on exactly these rows. best : name of the law to use, None if no law was refitted.
    pairs : every pair of refitted laws, tested, and published constants against their law's refit. confidence : model
        confidence set of the refitted laws.
    distance : of the test rows from the training range. predictions : one line a law, part and row.
    """

    scores: tuple[Score, ...]
    not_applicable: tuple[tuple[str, str], ...]
    split: str
    points: Mapping[str, Any]
    objective: str
    metric: str
    level: float
    starts: int
    seed: int
    resamples: int
    fold_labels: tuple[str, ...]
    train_rows: int
    test_rows: int
    pairs: tuple[Pair, ...]
    confidence: ConfidenceSet | None
    distance: Distance = field(repr=False)
    predictions: pd.DataFrame = field(repr=False)
    factors: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()
    searched: Mapping[str, int] = field(default_factory=dict)
    """Law name -> how many forms a search on the training rows chose it from; what that costs it counts in `chosen`."""

    @property
    def best(self) -> str | None:
        """Name of the law to use: of those at an optimum that may be the best, the one of least BIC in training.

        Extrapolation decides first: only laws of the confidence set are eligible (without one, only the law of
        least error). Among laws that the test rows cannot tell apart the training rows do. If no law is at an
        optimum, the law of least error.
        """
        return None if self.chosen is None else self.chosen.law.name

    @property
    def chosen(self) -> Score | None:
        """The row of `best`."""
        refits = [s for s in self.scores if s.kind == "refit"]
        sound = [s for s in refits if s.ok]
        members = () if self.confidence is None else self.confidence.members
        tied = [s for s in sound if s.label in members and s.criteria is not None and math.isfinite(s.criteria.bic)]
        if tied:
            return min(tied, key=lambda s: round(self._description(s), 4))  # of equal ones the first on the board
        return next(iter([*sound, *refits]), None)

    def _description(self, score: Score) -> float:
        """BIC, and for a form that a search chose from T others 2 ln T: twice the nats that it takes to name it."""
        if score.criteria is None:
            return math.inf
        return score.criteria.bic + 2 * math.log(max(self.searched.get(score.law.name, 1), 1))

    def leading(self, most: int = 3) -> tuple[Score, ...]:
        """`chosen`, and the refitted laws that these points cannot tell from the best: at most `most` rows in all.

        A law whose errors are those of one that is there already is left out: it is the same under another name, or
        comes to the same at the best fit, and says the same.
        """
        members = () if self.confidence is None else self.confidence.members
        tied = [s for s in self.scores if s.kind == "refit" and s.ok and s.label in members and s is not self.chosen]
        leading = [] if self.chosen is None else [self.chosen]
        for score in tied:
            if not any(same_errors(_errors(score), _errors(other)) for other in leading):
                leading.append(score)
        return tuple(leading[:most])

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the scored rows, best first."""
        return tuple(s.label for s in self.scores)

    def score(self, label: str) -> Score:
        """The row of that label. Raises `UnknownNameError`, with the reason if it could not be judged."""
        for s in self.scores:
            if s.label == label:
                return s
        reasons = dict(self.not_applicable)
        raise UnknownNameError(
            "row of the board", label, self.labels, f"not judged: {reasons[label]}" if label in reasons else ""
        )

    def pair(self, first: str, second: str) -> Pair:
        """The test of two rows, whichever is the better. Raises `UnknownNameError` for two that were not tested."""
        for p in self.pairs:
            if {p.better, p.worse} == {first, second}:
                return p
        raise UnknownNameError("pair", f"{first}, {second}", [f"{p.better}, {p.worse}" for p in self.pairs])

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict in words: the best refitted law against every other, ties, constants as printed."""
        refits = [s.label for s in self.scores if s.kind == "refit"]
        published = [(s.label, s.law.name) for s in self.scores if s.kind == "published" and s.law.name in refits]
        told = verdicts(refits, published, self.pairs, metric(self.metric), self.level, self.confidence)
        return (*self._choice(), *told)

    def _choice(self) -> tuple[str, ...]:
        """Why the law of least error is not the one to use, where it is not."""
        leader = next((s for s in self.scores if s.kind == "refit"), None)
        chosen = self.chosen
        if leader is None or chosen is None or leader is chosen:
            return ()
        if not leader.ok:
            return (
                f"{chosen.label} is the law to use: {leader.label} errs less here, but its fit is not at an optimum",
            )
        assert leader.criteria is not None
        assert chosen.criteria is not None
        gain = self._description(leader) - self._description(chosen)
        charged = "".join(
            f", {s.label} charged for being chosen among {self.searched[s.law.name]:,} forms"
            for s in (chosen, leader)
            if s.law.name in self.searched
        )
        return (
            f"{chosen.label} is the law to use: the test rows cannot tell it from {leader.label}, which errs least, "
            f"and the training rows favour it (BIC lower by {gain:.3g}{charged})",
        )

    def difference(self, label: str) -> float:
        """A row's mean error minus that of the best refitted law; NaN if no law was refitted."""
        leader = next((s for s in self.scores if s.kind == "refit"), None)
        if leader is None:
            return float("nan")
        return float(getattr(self.score(label).test, self.metric) - getattr(leader.test, self.metric))

    def p(self, label: str) -> float:
        """Corrected p of a refitted row against the best one; NaN for the best itself and for published constants."""
        leader = next((s.label for s in self.scores if s.kind == "refit"), None)
        return next((p.p_holm for p in self.pairs if p.better == leader and p.worse == label
                     and self.score(label).kind == "refit"), float("nan"))  # fmt: skip

    @property
    def table(self) -> pd.DataFrame:
        """One line a row of the board, best first; test errors unless named `train_`; intervals of `metric`.

        `difference` is to the best refitted law, `p` corrected by Holm over all pairs, `confidence` the p value of
        the model confidence set, `starts_at_optimum` the least share over all fits of the row.
        """
        import pandas as pd

        chances = {} if self.confidence is None else self.confidence.p
        lines = []
        for s in self.scores:
            low, high = s.intervals[self.metric]
            lines.append(
                {
                    "law": s.label,
                    "kind": s.kind,
                    "objective": s.objective,
                    "constants": s.constants,
                    **{n: getattr(s.test, n) for n in ("mae", "rmse", "r2", "relative", "log")},
                    f"{self.metric}_low": low,
                    f"{self.metric}_high": high,
                    "difference": self.difference(s.label),
                    "p": self.p(s.label),
                    "confidence": chances.get(s.label, float("nan")),
                    **{f"train_{n}": getattr(s.train, n) for n in ("mae", "rmse", "r2")},
                    "aicc": float("nan") if s.criteria is None else s.criteria.aicc,
                    "bic": float("nan") if s.criteria is None else s.criteria.bic,
                    "starts_at_optimum": s.share,
                }
            )
        return pd.DataFrame(lines)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: everything but the predictions, which are `predictions` (a table)."""
        return {
            "kind": "leaderboard",
            "best": self.best,
            "searched": dict(self.searched),
            "split": self.split,
            "folds": list(self.fold_labels),
            "train_rows": self.train_rows,
            "test_rows": self.test_rows,
            "points": dict(self.points),
            "objective": self.objective,
            "metric": self.metric,
            "level": self.level,
            "starts": self.starts,
            "seed": self.seed,
            "resamples": self.resamples,
            "scores": [s.to_dict() for s in self.scores],
            "not_applicable": [{"law": label, "reason": reason} for label, reason in self.not_applicable],
            "pairs": [p.to_dict() for p in self.pairs],
            "confidence_set": None if self.confidence is None else self.confidence.to_dict(),
            "distance": self.distance.to_dict(),
            "sentences": list(self.sentences),
            "notes": list(self.notes),
        }

    # -- renderings ----------------------------------------------------------------------------------------------

    def caption(self) -> str:
        """One line that makes the table citable: points, split, objective, seed."""
        from formsearch.compare.render import caption

        return caption(self)

    def markdown(self) -> str:
        """The board as Markdown: caption, table, verdict, what was not judged, notes."""
        from formsearch.compare.render import markdown

        return markdown(self)

    def latex(self) -> str:
        """The table as LaTeX (booktabs), with caption."""
        from formsearch.compare.render import latex

        return latex(self)

    def csv(self) -> str:
        """The table as CSV, all digits."""
        from formsearch.cells import csv_text

        return csv_text(self.table)

    def __rich__(self) -> RenderableType:
        from formsearch.compare.render import rich_board

        return rich_board(self)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    # -- data of figures -----------------------------------------------------------------------------------------

    def parity(self) -> pd.DataFrame:
        """Observed against predicted: law, part ("train" or "test"), fold, row, observed, predicted, residual."""
        from formsearch.compare.figures import parity

        return parity(self)

    def residuals(self) -> pd.DataFrame:
        """Residual by factor: one line a law, part, row and factor, with the factor's value."""
        from formsearch.compare.figures import residuals

        return residuals(self)

    def by_fold(self) -> pd.DataFrame:
        """Test error of every law in every fold: law, fold, train_rows, and the measures of error."""
        from formsearch.compare.figures import by_fold

        return by_fold(self)

    def error_by_distance(self) -> pd.DataFrame:
        """Error of every test row against its distance from the training range."""
        from formsearch.compare.figures import error_by_distance

        return error_by_distance(self)


def _errors(score: Score) -> tuple[float, ...]:
    """On the rows that judged a law, and on those that it was fitted to."""
    return score.test.mae, score.test.rmse, score.train.mae, score.train.rmse
