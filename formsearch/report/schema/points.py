"""Points and laws in `results.json`."""

from __future__ import annotations

from dataclasses import dataclass, field


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
