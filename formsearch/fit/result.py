"""What a fit returns: constants, the sum it reached, and a status in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from formsearch.core.objectives import Objective
from formsearch.exceptions import InputError
from formsearch.law import Law
from formsearch.points import Points
from formsearch.quantities import Rule

if TYPE_CHECKING:
    import pandas as pd

    from formsearch.fit.identifiability import Identifiability
    from formsearch.fit.profile import Profile
    from formsearch.fit.uncertainty import Resamples

Array = NDArray[np.float64]
Code = Literal["converged", "bound", "flat", "disagree", "failed"]


@dataclass(frozen=True, slots=True)
class Status:
    """`code` for programs, `sentence` for people: what happened, and what to do about it."""

    code: Code
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, eq=False)
class Fit:
    """A law fitted to points.

    constants : by symbol; with groups those shared by all (possibly none).
    group_constants : group label -> all constants of that group; empty without groups.
    objective : the weighted sum reached; `objective_name` says of what.
    share : share of starts that ended at the best objective (relative 1e-6). optima : the distinct objectives
        that starts ended at, best first. measure : relative decrease the local model still promises (0 at an optimum).
    points : `Points.describe()` of what it saw. rules : derived quantities it used.
    shared, by : constants common to all groups, and the column of the groups.
    """

    law: Law
    constants: Mapping[str, float]
    objective: float
    objective_name: str
    status: Status
    share: float
    starts: int
    optima: tuple[float, ...]
    measure: float
    iterations: int
    points: Mapping[str, Any]
    rules: tuple[Rule, ...]
    seed: int
    group_constants: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    by: str = "group"
    loss: Objective = field(repr=False, kw_only=True)
    data: Points = field(repr=False, kw_only=True)

    @property
    def ok(self) -> bool:
        """Whether the constants may be used: at an optimum, possibly at a bound or along a flat direction."""
        return self.status.code in ("converged", "bound", "flat")

    @property
    def n_constants(self) -> int:
        """Fitted numbers, each group's own counted."""
        if not self.group_constants:
            return len(self.constants)
        return len(self.shared) + len(self.group_constants) * (len(self.law.constants) - len(self.shared))

    def predict(self, where: Points | pd.DataFrame | Mapping[str, Any]) -> Array:
        """Values of the fitted law, shape (rows,), in the target's unit.

        A frame needs a column for each quantity of the law, and for a grouped fit that of the groups. Raises
        `InputError` for missing columns and for groups that the fit has not seen.
        """
        if not self.group_constants:
            return self.law.evaluate(self.law.bind(where)[0] if isinstance(where, Points) else where, self.constants)
        if isinstance(where, Points):
            from formsearch.fit.groups import labels_of

            columns: Mapping[str, Any] = self.law.bind(where)[0]
            labels = labels_of(where, self.by)
        else:
            if self.by not in where:
                raise InputError(f"this fit has constants per {self.by}: give a column {self.by!r}")
            columns = {v.symbol: where[v.quantity if v.quantity in where else v.symbol] for v in self.law.variables
                       if v.quantity in where or v.symbol in where}  # fmt: skip
            labels = np.asarray(
                [str(label) for label in np.atleast_1d(np.asarray(where[self.by], dtype=object))], object
            )
        if unseen := sorted(set(labels) - set(self.group_constants)):
            raise InputError(f"group {unseen[0]!r} was not fitted; fitted groups: {', '.join(self.group_constants)}")
        # Every group on every row, of which it keeps its own: columns may be single numbers.
        values = {g: self.law.evaluate(columns, self.group_constants[g]) for g in dict.fromkeys(labels)}
        rows = np.broadcast_shapes(labels.shape, *(v.shape for v in values.values()))
        predicted, labels = np.empty(rows), np.broadcast_to(labels, rows)
        for g, value in values.items():
            predicted[labels == g] = np.broadcast_to(value, rows)[labels == g]
        return predicted

    def standard_errors(self) -> dict[str, float]:
        """Standard errors from the Jacobian, s**2 (J^T J)^-1 with s**2 = sum w r**2/(n - p). Least squares only.

        Raises `InputError` for other objectives: the curvature of a Huber loss is off by a factor of 3 to 10.
        """
        from formsearch.fit.uncertainty import standard_errors

        return standard_errors(self)

    def bootstrap(self, n: int = 1000, seed: int = 0, kind: str = "pairs", by: str | None = None) -> Resamples:
        """Refits of `n` resampled tables, started from the optimum. See `formsearch.fit.uncertainty.bootstrap`."""
        from formsearch.fit.uncertainty import bootstrap

        return bootstrap(self, n, seed, kind, by)  # type: ignore[arg-type]

    def profile(self, symbol: str, level: float = 0.9, points: int = 21) -> Profile:
        """Profile of the objective in one constant. See `formsearch.fit.profile.profile`."""
        from formsearch.fit.profile import profile

        return profile(self, symbol, level, points)

    def identifiability(self) -> Identifiability:
        """What the points can and cannot tell about the constants."""
        return self._identifiability

    @cached_property
    def _identifiability(self) -> Identifiability:
        from formsearch.fit.identifiability import identifiability

        return identifiability(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "kind": "fit",
            "law": self.law.name,
            "formula": self.law.formula,
            "constants": dict(self.constants),
            "group_constants": {g: dict(c) for g, c in self.group_constants.items()},
            "shared": list(self.shared),
            "by": self.by if self.group_constants else None,
            "objective": self.objective,
            "objective_name": self.objective_name,
            "status": {"code": self.status.code, "sentence": self.status.sentence},
            "share": self.share,
            "starts": self.starts,
            "optima": list(self.optima),
            "measure": self.measure,
            "points": dict(self.points),
            "rules": [str(r) for r in self.rules],
            "seed": self.seed,
        }
