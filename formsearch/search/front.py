"""What a search returns: candidates by complexity and extrapolation error, each with its verdict and its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import InputError
from formsearch.law import Law
from formsearch.search.accept import Acceptance
from formsearch.search.engine import Step

if TYPE_CHECKING:
    import pandas as pd

    from formsearch.points import Points

Array = NDArray[np.float64]

MUCH, SIGNIFICANT = 0.8, 0.05
"""A form that failed checks predicts in place of an accepted one if its error is below this share, significantly."""
FORGIVEN = (frozenset({"supported", "examined"}), frozenset({"supported", "examined", "finite limit", "extrapolation"}))
"""Checks that a form may fail and still predict, from the least grave on; no pole is never forgiven."""
NOISES = 400
"""Draws of noise a form, at least."""
LUCK = 1.25
"""New runs lie farther off than the held-out ones by which a form was chosen out of many thousands: so much farther, by
twelve searches on eight tables, whose intervals then covered 90 % of the runs beyond (84 % without)."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A found form.

    law : the form as a law like any other; its starts lie around the found constants.
    constants : by symbol, of the fit to all training points (of the first group, where they are grouped).
    group_constants : group -> constants; empty without groups. shared : constants that are the same in all groups.
    complexity : constants + operators of the canonical expression.
    error : mean root-mean-square residual over the hold-outs, in the objective's space. train_error : over all rows
        that were searched on. folds : the error of every hold-out. held : mean absolute residual of every row that some
        hold-out holds out. draws : constants of resampled rows, shape (resamples, groups, constants), None where the
        form was not resampled; every group resampled by itself, also where constants are shared.
    acceptance : the verdict. steps : how the engine reached the form, oldest first.
    """

    law: Law
    constants: Mapping[str, float]
    complexity: int
    error: float
    train_error: float
    acceptance: Acceptance
    steps: tuple[Step, ...] = ()
    engine: str = "native"
    folds: tuple[float, ...] = ()
    group_constants: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    held: Array | None = field(default=None, repr=False)
    draws: Array | None = field(default=None, repr=False)
    shared: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether all checks were passed."""
        return self.acceptance.accepted

    def predict(self, data: Points | pd.DataFrame | Mapping[str, Any]) -> Array:
        """Values at the constants found, shape (rows,); of each row's own group, where there are groups.

        `data` is points, or a frame with a column a quantity. A group that was not seen gives NaN.
        """
        from formsearch.points import Points

        group: Any
        table: Any
        if isinstance(data, Points):
            table, group = {q: data.column(q) for q in self.law.quantities}, data.group
        else:
            table, group = data, data["group"] if self.group_constants else None
        if not self.group_constants:
            rows = len(data) if isinstance(data, Points) else _rows(table)
            return np.broadcast_to(self.law.evaluate(table, self.constants), (rows,)).copy()
        if group is None:
            raise InputError(f"{self.law.name} has constants per group: the points need their group column")
        labels = np.asarray([str(g) for g in group])
        result = np.full(len(labels), np.nan)
        for group, constants in self.group_constants.items():
            mask = labels == group
            if mask.any():
                part = {q: np.asarray(table[q], dtype=np.float64)[mask] for q in self.law.quantities}
                result[mask] = self.law.evaluate(part, constants)
        return result

    def predictions(self, data: Points | pd.DataFrame | Mapping[str, Any]) -> Array:
        """Predictions from resampled constants, shape (resamples, rows); one row at the constants found without any."""
        if self.draws is None:
            return self.predict(data)[None, :]
        names, groups = list(self.constants), list(self.group_constants)
        made = []
        for draw in self.draws:
            constants = [dict(zip(names, map(float, row), strict=True)) for row in draw]
            by_group = dict(zip(groups, constants, strict=True)) if groups else {}
            made.append(replace(self, constants=constants[0], group_constants=by_group).predict(data))
        return np.stack(made)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.law.name,
            "formula": self.law.formula,
            "variables": {v.symbol: v.quantity for v in self.law.variables},
            "constants": dict(self.constants),
            "group_constants": {g: dict(c) for g, c in self.group_constants.items()},
            "shared": list(self.shared),
            "complexity": self.complexity,
            "error": self.error,
            "folds": list(self.folds),
            "train_error": self.train_error,
            "engine": self.engine,
            "accepted": self.accepted,
            "verdict": self.acceptance.sentence,
            "checks": [
                {"name": c.name, "passed": c.passed, "sentence": c.sentence} for c in self.acceptance.checks
            ],
            "steps": [
                {
                    "move": s.move, "formula": s.formula, "complexity": s.complexity,
                    "train_error": s.train_error, "error": s.error,
                }
                for s in self.steps
            ],
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Front:
    """The result of a search.

    candidates : by increasing complexity: those that no simpler one beats in extrapolation, among all, among those
        that are sane beyond the data, and among the accepted ones.
    best : the accepted candidate that describes all points as fitted, and those held out as predicted, shortest (see
        `finish.Finish.description`), or None.
    reference : name and error of the registry law that extrapolates best on the same hold-outs, or None.
    holds_out : what the hold-outs were. engines : name -> what it promises of equal seeds.
    seconds, tried, fits, kernel_share : time taken, forms tried, fits made, share of the engine's time in the kernels.
    near : accepted candidates not significantly worse than the best on the held-out rows. emphasis : rate at which
        small runs were discounted (0: not at all). log : whether residuals are those of logarithms.
    status : how the search ended, in words. notes : what a reader has to know (a coreset, skipped seeds, ...).
    """

    candidates: tuple[Candidate, ...]
    best: Candidate | None
    points: Mapping[str, Any]
    objective_name: str
    reference: tuple[str, float] | None
    holds_out: tuple[str, ...]
    engines: Mapping[str, str]
    seconds: float
    tried: int
    fits: int
    kernel_share: float
    seed: int
    status: str
    seeds: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    near: tuple[Candidate, ...] = ()
    emphasis: float = 0.0
    log: bool = False

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a candidate, best extrapolation last."""
        import pandas as pd

        return pd.DataFrame(
            {
                "name": [c.law.name for c in self.candidates],
                "complexity": [c.complexity for c in self.candidates],
                "constants": [len(c.law.constants) for c in self.candidates],
                "error": [c.error for c in self.candidates],
                "train_error": [c.train_error for c in self.candidates],
                "accepted": [c.accepted for c in self.candidates],
                "formula": [c.law.formula for c in self.candidates],
                "verdict": [c.acceptance.sentence for c in self.candidates],
            }
        )

    @property
    def trace(self) -> tuple[Step, ...]:
        """The ladder to the best candidate: the steps at which its line of forms extrapolated better than before."""
        if self.best is None:
            return ()
        ladder: list[Step] = []
        for step in self.best.steps:
            if not ladder or step.error < min(s.error for s in ladder):
                ladder.append(step)
        return tuple(ladder)

    @property
    def predictor(self) -> Candidate:
        """The candidate to predict with when there has to be one: the best, if any was accepted.

        An accepted form gives way to one that failed checks only if that one is much better on the held-out rows: where
        every form with a finite limit is a poor one, say. Raises `InputError` for an empty front.
        """
        if not self.candidates:
            raise InputError("the search found no form at all: search longer, or give more points")
        chosen = self.best
        for forgiven in FORGIVEN:
            fit = [c for c in self.candidates if {x.name for x in c.acceptance.checks if not x.passed} <= forgiven]
            rival = min(fit, key=lambda c: c.error, default=None)
            if rival is not None and (chosen is None or _much_better(rival, chosen)):
                chosen = rival
        return chosen if chosen is not None else min(self.candidates, key=lambda c: c.error)

    def interval(
        self, data: Points | Any, level: float = 0.9, noise: bool = False, seed: int = 0
    ) -> tuple[Array, Array]:
        """Lower and upper limits of predictions that include the uncertainty of the form, shape (rows,) each.

        The central share `level` of what the forms in `near` predict from their resampled constants, each form
        counting once however many resamples it has. With `noise`, the interval is one for new runs: to every prediction
        a residual of that form on held-out larger runs is added, of either sign and `LUCK` times as large.

        Raises `InputError` if no candidate was accepted.
        """
        ensemble = self.near or ((self.best,) if self.best is not None else ())
        if not ensemble:
            raise InputError("no candidate was accepted, so there is nothing to predict with: search longer")
        rng = np.random.default_rng(seed)
        values, weights = [], []
        for c in ensemble:
            drawn = c.predictions(data)
            if noise and c.held is not None and len(c.held):
                drawn = np.repeat(drawn, -(-NOISES // len(drawn)), axis=0)
                off = rng.choice(c.held, drawn.shape) * rng.choice([-LUCK, LUCK], drawn.shape)
                drawn = drawn * np.exp(off) if self.log else drawn + off
            values.append(drawn)
            weights.append(np.full(len(drawn), 1.0 / len(drawn)))
        tail = (1.0 - level) / 2
        return _quantiles(np.concatenate(values), np.concatenate(weights), (tail, 1.0 - tail))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "candidates": [c.to_dict() for c in self.candidates],
            "best": None if self.best is None else self.best.law.name,
            "near": [c.law.name for c in self.near],
            "points": dict(self.points),
            "objective": self.objective_name,
            "reference": None if self.reference is None else {"law": self.reference[0], "error": self.reference[1]},
            "holds_out": list(self.holds_out),
            "engines": dict(self.engines),
            "seconds": self.seconds,
            "tried": self.tried,
            "fits": self.fits,
            "kernel_share": self.kernel_share,
            "seed": self.seed,
            "seeds": list(self.seeds),
            "status": self.status,
            "emphasis": self.emphasis,
            "notes": list(self.notes),
            "trace": [
                {"move": s.move, "formula": s.formula, "complexity": s.complexity, "error": s.error}
                for s in self.trace
            ],
        }  # fmt: skip

    def __repr__(self) -> str:
        found = "none accepted" if self.best is None else f"best {self.best.law.formula}"
        return f"<front of {len(self.candidates)} candidates, {found}>"


def _much_better(a: Candidate, b: Candidate) -> bool:
    """Whether `a` predicts held-out rows much, and significantly, better than `b`."""
    from scipy.stats import wilcoxon

    if a.error >= MUCH * b.error or a.held is None or b.held is None or len(a.held) != len(b.held):
        return False
    difference = a.held - b.held
    return bool(difference.mean() < 0 and (len(difference) < 6 or wilcoxon(difference).pvalue < SIGNIFICANT))


def _quantiles(values: Array, weights: Array, levels: tuple[float, float]) -> tuple[Array, Array]:
    """Weighted quantiles of `values`, shape (draws, rows), over the draws; draws that are not finite are left out."""
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    share = np.where(np.isfinite(ordered), weights[order], 0.0)
    total = np.cumsum(share, axis=0)
    found = []
    for level in levels:
        place = (total < level * total[-1] - 1e-12).sum(axis=0)
        found.append(np.take_along_axis(ordered, np.minimum(place, len(values) - 1)[None, :], axis=0)[0])
    return found[0], found[1]


def _rows(table: Any) -> int:
    """Rows of a frame or of a mapping of columns."""
    return len(table) if hasattr(table, "columns") else max((np.size(v) for v in table.values()), default=1)


def candidate_source(candidate: Candidate, name: str, points: Mapping[str, Any]) -> str:
    """Python source of a candidate file: the found law, with the constants found as its published fit.

    Grouped points give a published fit a group, named by the group.
    """
    law = candidate.law
    # A file name may hold what would end a string.
    where = str(points.get("name")).replace("\\", "/").replace('"', "'")
    key_of_points, rows = points.get("hash"), points.get("rows")
    title = f"Found by the {candidate.engine} engine on {where}"
    source = f"formsearch, {candidate.engine} engine, points {key_of_points}"
    fitted_to = f"fit to the {rows} points of the search"
    fits: Mapping[str, Mapping[str, float]] = candidate.group_constants or {name: candidate.constants}
    published = [
        line
        for key, constants in fits.items()
        for line in (
            f"        {key!r}: Published(",
            f"            {dict(zip(constants, map(float, constants.values()), strict=True))!r},",
            f"            source={fitted_to + (f', group {key}' if candidate.group_constants else '')!r},",
            '            evidence="computed",',
            "        ),",
        )
    ]
    lines = [
        f'"""{law.formula}: found by search on {where} (points {key_of_points})."""',
        "",
        "from formsearch.law import Constant, Law, Published, Start, Variable",
        "",
        "LAW = Law(",
        f"    name={name!r},",
        f"    title={title!r},",
        f"    formula={law.formula!r},",
        "    variables=(",
        *(f"        Variable({v.symbol!r}, {v.quantity!r}, {v.meaning!r})," for v in law.variables),
        "    ),",
        "    constants=(",
        *(f"        {_constant_source(c)}," for c in law.constants),
        "    ),",
        f"    target={law.target!r},",
        f"    source={source!r},",
        "    published={",
        *published,
        "    },",
        f"    caveats=({candidate.acceptance.sentence!r},),",
        ")",
        "",
    ]
    return "\n".join(lines)


def _constant_source(c: Any) -> str:
    def number(x: float) -> str:
        return f'float("{x}")' if np.isinf(x) else repr(float(x))

    start = "None" if c.start is None else repr(c.start)
    return f"Constant({c.symbol!r}, {c.meaning!r}, {number(c.lower)}, {number(c.upper)}, {start})"


def save(candidate: Candidate, name: str, points: Mapping[str, Any], folder: str | Path = ".") -> Path:
    """Write a candidate file `folder/name.py`; it can be registered like any other law. Never overwrites.

    Raises `InputError` for a name that is not an identifier or a file that is there already.
    """
    if not name.isidentifier():
        raise InputError(f"cannot save as {name!r}: a candidate's name is a Python identifier, e.g. my_law")
    path = Path(folder) / f"{name}.py"
    if path.exists():
        raise InputError(f"{path} is there already: choose another name, or remove it first")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(candidate_source(candidate, name, points), encoding="utf-8")
    return path
