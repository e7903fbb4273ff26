"""`Advice`: runs to make next, by aim, with what each aim would gain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Proposed:
    """One configuration to run.

    factors : quantity -> value, in base units. times : how often, with different seeds.
    cost : FLOPs of each, or None where the points give no compute.
    predictions : law -> what it predicts there. beyond : how far outside the points, in words; empty if inside.
    """

    factors: Mapping[str, float]
    times: int
    cost: float | None
    predictions: Mapping[str, float]
    beyond: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "factors": dict(self.factors),
            "times": self.times,
            "cost": self.cost,
            "predictions": dict(self.predictions),
            "beyond": self.beyond,
        }


@dataclass(frozen=True)
class Aim:
    """One thing to learn, and the runs for it.

    kind : "separate" (`what` is the other law) or "pin down" (`what` is the quantity).
    before, after : without and with the runs: the distance of the two laws in standard deviations, or the standard
        deviation of the quantity. value : of the quantity now.
    """

    kind: Literal["separate", "pin down"]
    what: str
    runs: tuple[Proposed, ...]
    before: float
    after: float
    value: float | None
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "kind": self.kind,
            "what": self.what,
            "runs": [r.to_dict() for r in self.runs],
            "before": _finite(self.before),
            "after": _finite(self.after),
            "value": self.value,
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class Advice:
    """What to run next.

    law : the leading law. aims : the most useful first. budget : of each aim, in FLOPs (in runs where the points
    give no compute). noise : standard deviation of one run. feasible : number of configurations weighed.
    points : `Points.describe()`. notes : what the advice rests on.
    """

    law: str
    aims: tuple[Aim, ...]
    budget: float
    costed: bool
    noise: float
    feasible: int
    points: Mapping[str, Any]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "kind": "advice",
            "law": self.law,
            "aims": [a.to_dict() for a in self.aims],
            "budget": self.budget,
            "costed": self.costed,
            "noise": _finite(self.noise),
            "feasible": self.feasible,
            "points": dict(self.points),
            "notes": list(self.notes),
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
