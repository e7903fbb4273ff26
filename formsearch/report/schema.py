"""`results.json`: the document a report is made of, and the checks it passes when it is read from a file.

    {"schema_version": 1, "title": ..., "provenance": {...}, "points": [...], "laws": {...},
     "leaderboards": [...], "fronts": [...], "derivations": [...], "fits": [...], "advice": [...]}

A report that compares runs holds their documents instead: {..., "runs": [{"label": ..., "results": {...}}, ...]}.
Each entry of the last five lists above is what `to_dict()` of the result gives, with the rows that figures need added
under `rows`. The dataclasses below name the fields a report reads; further ones are kept in the file and ignored here.
Longer than other modules because it is one vocabulary, which readers of the file want in one place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from formsearch.exceptions import InputError

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class PointsRecord:
    """`Points.describe()`, and the table itself where it is known: `columns` by name, `row_numbers`, `labels`."""

    name: str
    hash: str
    rows: int
    target: str = "loss"
    target_quantity: str = "loss"
    simulated: str | None = None
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    columns: dict[str, list[float]] = field(default_factory=dict)
    row_numbers: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class VariableRecord:
    """A symbol bound to a quantity."""

    symbol: str
    quantity: str
    meaning: str = ""


@dataclass(frozen=True, kw_only=True)
class ConstantRecord:
    """A constant of a law."""

    symbol: str
    meaning: str = ""


@dataclass(frozen=True, kw_only=True)
class LawRecord:
    """What a report tells about a law."""

    name: str
    formula: str
    title: str = ""
    target: str = "loss"
    source: str = ""
    equation: str = ""
    variables: list[VariableRecord] = field(default_factory=list)
    constants: list[ConstantRecord] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)


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


@dataclass(frozen=True, kw_only=True)
class ConditionRecord:
    """A relation that a statement needs."""

    relation: str | None = None
    check: CheckRecord = field(default_factory=CheckRecord)


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """One step of a derivation."""

    title: str
    sentence: str = ""
    equation: str | None = None
    latex: str | None = None
    check: CheckRecord = field(default_factory=CheckRecord)


@dataclass(frozen=True, kw_only=True)
class ExponentRecord:
    """How a result grows with a variable."""

    expression: str | None = None
    value: float | None = None
    interval: tuple[float | None, float | None] | None = None


@dataclass(frozen=True, kw_only=True)
class IntegerRecord:
    """The best whole number, and what it costs over the optimum."""

    value: int
    cost: float | None = None


@dataclass(frozen=True, kw_only=True)
class ResultRecord:
    """One thing derived."""

    symbol: str
    kind: str = "value"
    quantity: str = ""
    expression: str | None = None
    implicit: str | None = None
    value: float | None = None
    interval: tuple[float | None, float | None] | None = None
    settings: dict[str, float | None] = field(default_factory=dict)
    second_order: ConditionRecord | None = None
    conditions: list[ConditionRecord] = field(default_factory=list)
    depends_on: list[str] = field(default_factory=list)
    independence: str = ""
    exponents: dict[str, ExponentRecord] = field(default_factory=dict)
    integer: IntegerRecord | None = None
    extrapolation: str = ""
    feasibility: str = ""
    remarks: list[str] = field(default_factory=list)
    check: CheckRecord = field(default_factory=CheckRecord)


@dataclass(frozen=True, kw_only=True)
class DefinitionRecord:
    """A named part of a law."""

    symbol: str
    expression: str


@dataclass(frozen=True, kw_only=True)
class TableRecord:
    """Numbers that belong to a derivation: columns by name."""

    name: str
    title: str = ""
    columns: dict[str, list[float | int | str | None]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DerivationRecord:
    """`Derivation.to_dict()`."""

    law: str
    formula: str
    constants: dict[str, float | None] = field(default_factory=dict)
    constants_source: str = ""
    minimise: list[str] = field(default_factory=list)
    subject_to: str = ""
    settings: dict[str, float | None] = field(default_factory=dict)
    level: float | None = None
    simulated: str | None = None
    definitions: list[DefinitionRecord] = field(default_factory=list)
    assumptions: list[ConditionRecord] = field(default_factory=list)
    steps: list[StepRecord] = field(default_factory=list)
    results: list[ResultRecord] = field(default_factory=list)
    tables: list[TableRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    ok: bool = True


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


@dataclass(frozen=True, kw_only=True)
class ProvenanceRecord:
    """How to get the same numbers again."""

    formsearch: str = ""
    python: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    created: str = ""
    command: str = ""
    seed: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class ComparedRunRecord:
    """One of several runs that a report compares: what it is called, and its results document."""

    label: str
    results: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Document:
    """The whole of `results.json`; of a comparison it holds `runs`, and no results of its own."""

    schema_version: int
    title: str = ""
    provenance: ProvenanceRecord = field(default_factory=ProvenanceRecord)
    points: list[PointsRecord] = field(default_factory=list)
    laws: dict[str, LawRecord] = field(default_factory=dict)
    leaderboards: list[LeaderboardRecord] = field(default_factory=list)
    fronts: list[FrontRecord] = field(default_factory=list)
    derivations: list[DerivationRecord] = field(default_factory=list)
    fits: list[FitRecord] = field(default_factory=list)
    advice: list[AdviceRecord] = field(default_factory=list)
    runs: list[ComparedRunRecord] = field(default_factory=list)


def parse(document: Mapping[str, Any], origin: str = "results") -> Document:
    """The document as records. Raises `InputError` that names the first fields which are not as they should be."""
    from pydantic import TypeAdapter, ValidationError

    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{origin}: schema_version is {version!r}, this formsearch reads {SCHEMA_VERSION}; "
            "make the results again, or use the formsearch that wrote them"
        )
    try:
        return TypeAdapter(Document).validate_python(document)
    except ValidationError as error:
        wrong = error.errors()
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in wrong[:3])
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        raise InputError(f"{origin}: {told}{more}; correct the file or make the results again") from None


def load_results(path: str | Path) -> dict[str, Any]:
    """The document in a file, or in the `results.json` of a folder. Raises `InputError` where there is none."""
    path = Path(path)
    path = path / "results.json" if path.is_dir() else path
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; give a folder that `formsearch run` has written") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}); make the results again") from None
    if not isinstance(document, dict):
        raise InputError(f"{path} holds no results document; give the results.json of a run")
    return document


def json_schema() -> dict[str, Any]:
    """JSON Schema of `results.json`, for other programs that read or write it."""
    from pydantic import TypeAdapter

    return TypeAdapter(Document).json_schema()
