"""Fits and advice in `results.json`."""

from __future__ import annotations

from dataclasses import dataclass, field

from formsearch.report.schema.points import PointsRecord


@dataclass(frozen=True, kw_only=True)
class StatusRecord:
    """How a fit ended."""

    code: str = ""
    sentence: str = ""


@dataclass(frozen=True, kw_only=True)
class IdentifiabilityRecord:
    """What the points can tell about each constant; `relative_sd` is a guide, not an interval."""

    names: list[str] = field(default_factory=list)
    relative_sd: list[float | None] = field(default_factory=list)
    condition: float | None = None
    unidentified: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ResamplesRecord:
    """Intervals of the constants by resampling."""

    n: int = 0
    kind: str = ""
    level: float = 0.9
    intervals: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FitRecord:
    """`Fit.to_dict()`, with `identifiability` and `resamples` where they were made."""

    law: str
    formula: str
    constants: dict[str, float] = field(default_factory=dict)
    group_constants: dict[str, dict[str, float]] = field(default_factory=dict)
    objective: float | None = None
    objective_name: str = ""
    status: StatusRecord = field(default_factory=StatusRecord)
    share: float | None = None
    starts: int = 0
    points: PointsRecord | None = None
    rules: list[str] = field(default_factory=list)
    seed: int = 0
    identifiability: IdentifiabilityRecord | None = None
    resamples: ResamplesRecord | None = None


@dataclass(frozen=True, kw_only=True)
class ProposedRecord:
    """One configuration to run."""

    factors: dict[str, float] = field(default_factory=dict)
    times: int = 1
    cost: float | None = None
    predictions: dict[str, float] = field(default_factory=dict)
    beyond: str = ""


@dataclass(frozen=True, kw_only=True)
class AimRecord:
    """One thing to learn, and the runs for it."""

    kind: str
    what: str
    runs: list[ProposedRecord] = field(default_factory=list)
    before: float | None = None
    after: float | None = None
    value: float | None = None
    sentence: str = ""


@dataclass(frozen=True, kw_only=True)
class AdviceRecord:
    """`Advice.to_dict()`."""

    law: str
    aims: list[AimRecord] = field(default_factory=list)
    budget: float | None = None
    costed: bool = True
    noise: float | None = None
    feasible: int = 0
    points: PointsRecord | None = None
    notes: list[str] = field(default_factory=list)
