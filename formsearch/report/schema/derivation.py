"""Derivations in `results.json`."""

from __future__ import annotations

from dataclasses import dataclass, field

from formsearch.report.schema.search import CheckRecord


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
