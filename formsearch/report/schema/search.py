"""Fronts of searches in `results.json`: candidates with their checks, and how the best was reached."""

from __future__ import annotations

from dataclasses import dataclass, field

from formsearch.report.schema.points import PointsRecord


@dataclass(frozen=True, kw_only=True)
class CheckRecord:
    """One check; `kind` says how it is known (proved, numerically, assumed, failed, by definition)."""

    sentence: str = ""
    name: str = ""
    passed: bool | None = True
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class MoveRecord:
    """One step by which an engine reached a form."""

    move: str
    formula: str = ""
    complexity: int | None = None
    error: float | None = None
    train_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class CandidateRecord:
    """`Candidate.to_dict()`: a form that a search found; `variables` maps its symbols to quantities."""

    name: str
    formula: str
    variables: dict[str, str] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    complexity: int = 0
    error: float | None = None
    train_error: float | None = None
    engine: str = ""
    accepted: bool = False
    verdict: str = ""
    checks: list[CheckRecord] = field(default_factory=list)
    steps: list[MoveRecord] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ReferenceRecord:
    """The registered law that extrapolates best on the rows that a search held out."""

    law: str
    error: float | None = None


@dataclass(frozen=True, kw_only=True)
class FrontRecord:
    """`Front.to_dict()`; `trace` is the ladder to the best candidate, errors on the held-out rows."""

    candidates: list[CandidateRecord] = field(default_factory=list)
    best: str | None = None
    near: list[str] = field(default_factory=list)
    points: PointsRecord | None = None
    objective: str = ""
    reference: ReferenceRecord | None = None
    holds_out: list[str] = field(default_factory=list)
    engines: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    tried: int | None = None
    fits: int | None = None
    seed: int = 0
    status: str = ""
    notes: list[str] = field(default_factory=list)
    trace: list[MoveRecord] = field(default_factory=list)
