"""Leaderboards in `results.json`."""

from __future__ import annotations

from dataclasses import dataclass, field

from formsearch.report.schema.points import PointsRecord


@dataclass(frozen=True, kw_only=True)
class ErrorsRecord:
    """Errors over `rows` predictions; None where a measure does not exist."""

    rows: int = 0
    mae: float | None = None
    rmse: float | None = None
    r2: float | None = None
    relative: float | None = None
    log: float | None = None


@dataclass(frozen=True, kw_only=True)
class ScoreRecord:
    """One line of a leaderboard."""

    label: str
    law: str
    formula: str
    kind: str = "refit"
    objective: str = ""
    constants: int = 0
    values: dict[str, float] = field(default_factory=dict)
    group_values: dict[str, dict[str, float]] = field(default_factory=dict)
    test: ErrorsRecord = field(default_factory=ErrorsRecord)
    train: ErrorsRecord = field(default_factory=ErrorsRecord)
    intervals: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    aicc: float | None = None
    bic: float | None = None
    share: float | None = None
    off_scale: str = ""
    status: str = ""
    ok: bool = True
    by_group: dict[str, ErrorsRecord] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class NotApplicableRecord:
    """A law that could not be judged, and why."""

    law: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PairRecord:
    """A test of two lines of the board: difference of errors, worse minus better."""

    better: str
    worse: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_holm: float | None = None


@dataclass(frozen=True, kw_only=True)
class ConfidenceSetRecord:
    """Laws that may be the best at `level`."""

    level: float
    members: list[str]
    p: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DistanceRecord:
    """How far the judged rows lie from the fitted ones, in words."""

    outside: float | None = None
    sentences: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class PartRecord:
    """Fitted or judged rows: row numbers, observed values, predictions by label, factors by quantity.

    `overall` is the distance from the fitted range, in widths of it (judged rows only).
    """

    row: list[int] = field(default_factory=list)
    observed: list[float] = field(default_factory=list)
    predicted: dict[str, list[float | None]] = field(default_factory=dict)
    factors: dict[str, list[float]] = field(default_factory=dict)
    overall: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class RowsRecord:
    """Rows behind the figures of a leaderboard."""

    train: PartRecord = field(default_factory=PartRecord)
    test: PartRecord = field(default_factory=PartRecord)


@dataclass(frozen=True, kw_only=True)
class LeaderboardRecord:
    """`Leaderboard.to_dict()`, with `rows`."""

    points: PointsRecord
    split: str
    metric: str = "mae"
    scores: list[ScoreRecord] = field(default_factory=list)
    best: str | None = None
    level: float = 0.9
    objective: str = ""
    starts: int = 0
    seed: int = 0
    train_rows: int = 0
    test_rows: int = 0
    not_applicable: list[NotApplicableRecord] = field(default_factory=list)
    pairs: list[PairRecord] = field(default_factory=list)
    confidence_set: ConfidenceSetRecord | None = None
    distance: DistanceRecord = field(default_factory=DistanceRecord)
    sentences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rows: RowsRecord = field(default_factory=RowsRecord)
