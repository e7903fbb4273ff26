"""Points: the runs that laws are fitted to and judged on. Immutable, checked on entry, hashed by content.

"The same points" decides a comparison (five outliers move Chinchilla's beta from .367 to .453), so every result
names the hash of the points it was made from. Reading a table is in `formsearch.reading`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import PointsError, UnknownNameError
from formsearch.frozen import ByFields
from formsearch.quantities import Rule, quantity, rule_for

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Labels = NDArray[np.object_]
Scalar = TypeVar("Scalar", bound=np.generic)


def _frozen(values: Array) -> Array:
    copy = np.ascontiguousarray(values, dtype=np.float64).copy()
    copy.setflags(write=False)
    return copy


@dataclass(frozen=True, eq=False)
class Points(ByFields):
    """A table of runs.

    Attributes
    ----------
    target : observed values, shape (rows,), unit of `target_quantity`.
    factors : quantity name -> values, shape (rows,), in the quantity's base unit.
    target_name, target_quantity : the column it came from, and what it means ("loss" or "score").
    rows : 1-based row numbers in the table that was read, so that messages can point at them.
    group : label a row (several targets are groups too), or None. Constants may differ between groups.
    weight : positive weight a row, or None for equal weights.
    split : label a row ("fit", "validation", ...), or None.
    other : further columns, as they were read.
    name : where the points came from. `simulated` says so, and how, if the target was not measured.
    """

    target: Array
    factors: Mapping[str, Array]
    target_name: str = "loss"
    target_quantity: str = "loss"
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    group: Labels | None = None
    weight: Array | None = None
    split: Labels | None = None
    other: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    name: str = "points"
    simulated: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.target)
        if n == 0:
            raise PointsError(f"{self.name}: no rows are left; check the file and the --where condition")
        rows = self.rows if len(self.rows) else np.arange(1, n + 1)
        object.__setattr__(self, "rows", np.asarray(rows, dtype=np.int64))
        object.__setattr__(self, "target", _frozen(self.target))
        object.__setattr__(self, "factors", MappingProxyType({k: _frozen(v) for k, v in self.factors.items()}))
        object.__setattr__(self, "other", MappingProxyType(dict(self.other)))
        if self.weight is not None:
            object.__setattr__(self, "weight", _frozen(self.weight))
        for label, column in (("target", self.target), *self.factors.items(), ("weight", self.weight),
                              ("group", self.group), ("split", self.split), ("rows", self.rows)):  # fmt: skip
            if column is not None and len(column) != n:
                raise PointsError(f"{self.name}: column {label} has {len(column)} rows, the target has {n}")
        self._check()

    def _check(self) -> None:
        """Every value inside its quantity's domain; the first that is not is named with its row and remedy."""
        for label, name, values in (
            (self.target_name, self.target_quantity, self.target),
            *((q, q, v) for q, v in self.factors.items()),
        ):
            q = quantity(name)
            good = q.admits(values)
            if not good.all():
                i = int(np.argmin(good))
                raise PointsError(
                    f"{self.name}: {label} must be {q.domain}: row {self.rows[i]} has {float(values[i])!r} "
                    f"({int((~good).sum())} such row(s)); correct the table, or leave them out with --where"
                )
        if self.weight is not None and not ((self.weight >= 0) & np.isfinite(self.weight)).all():
            i = int(np.argmin((self.weight >= 0) & np.isfinite(self.weight)))
            raise PointsError(
                f"{self.name}: weight must be zero or above: row {self.rows[i]} has {float(self.weight[i])!r}"
            )

    # -- columns -------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.target)

    def __repr__(self) -> str:
        kind = "simulated " if self.simulated else ""
        return f"<{len(self)} {kind}points {self.hash} of {self.name}: {', '.join(self.factors)} -> {self.target_name}>"

    def can(self, name: str) -> bool:
        """Whether the quantity is a column or follows from columns by a rule."""
        return name in self.factors or rule_for(name, frozenset(self.factors)) is not None

    def rule(self, name: str) -> Rule | None:
        """The rule by which the quantity is derived; None if it is a column of its own."""
        return None if name in self.factors else rule_for(name, frozenset(self.factors))

    def column(self, name: str) -> Array:
        """Values of a quantity, shape (rows,): the column, or derived by a rule.

        Raises `UnknownNameError` if neither is there.
        """
        if name in self.factors:
            return self.factors[name]
        rule = self.rule(name)
        if rule is None:
            raise UnknownNameError("column", name, self.factors, "map it with --columns QUANTITY=COLUMN")
        return rule.compute(*(self.factors[n] for n in rule.needs))

    @property
    def frame(self) -> pd.DataFrame:
        """A fresh data frame: factors by quantity, the target under its name, then labels and other columns."""
        import pandas as pd

        table: dict[str, object] = {**self.factors, self.target_name: self.target}
        for label in ("group", "split", "weight"):
            if getattr(self, label) is not None:
                table[label] = getattr(self, label)
        table |= {k: v for k, v in self.other.items() if k not in table}
        return pd.DataFrame(table, index=pd.Index(self.rows, name="row"))

    @property
    def groups(self) -> tuple[str, ...]:
        """Group labels in order of first appearance; empty if the points are not grouped."""
        return () if self.group is None else tuple(dict.fromkeys(str(g) for g in self.group))

    @cached_property
    def hash(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of everything that can change a fit."""
        digest = hashlib.sha256()
        for label in sorted(self.factors):
            digest.update(label.encode())
            digest.update(self.factors[label].tobytes())
        digest.update(self.target_quantity.encode())
        digest.update(self.target.tobytes())
        if self.weight is not None:
            digest.update(b"weight" + self.weight.tobytes())
        for label, column in (("group", self.group), ("split", self.split)):
            if column is not None:
                digest.update("\x1f".join([label, *map(str, column)]).encode())
        return digest.hexdigest()[:12]

    # -- parts ---------------------------------------------------------------------------------------------------

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_], name: str | None = None) -> Points:
        """The rows of a mask or of an index array, as new points."""

        def part(values: NDArray[Scalar] | None) -> NDArray[Scalar] | None:
            return None if values is None else values[index]

        return replace(
            self,
            target=self.target[index],
            factors={k: v[index] for k, v in self.factors.items()},
            rows=self.rows[index],
            group=part(self.group),
            weight=part(self.weight),
            split=part(self.split),
            other={k: v[index] for k, v in self.other.items()},
            name=name or self.name,
        )

    def only(self, split: str) -> Points:
        """The rows of one split label. Raises `UnknownNameError` if there is no such label."""
        labels = [] if self.split is None else sorted({str(s) for s in self.split})
        if split not in labels:
            raise UnknownNameError("split", split, labels or ["(the points have no split column)"])
        assert self.split is not None
        return self.take(np.asarray([str(s) == split for s in self.split]), f"{self.name}[{split}]")

    def with_target(self, values: Array, simulated: str | None = None) -> Points:
        """The same rows with other target values (a resample, a simulation: then say how it was made)."""
        return replace(self, target=np.asarray(values, dtype=np.float64), simulated=simulated or self.simulated)

    def describe(self) -> dict[str, object]:
        """What a result prints about its points: name, hash, rows, ranges; JSON-ready."""
        return {
            "name": self.name,
            "hash": self.hash,
            "rows": len(self),
            "target": self.target_name,
            "target_quantity": self.target_quantity,
            "simulated": self.simulated,
            "ranges": {
                k: [float(v.min()), float(v.max())] for k, v in {**self.factors, self.target_name: self.target}.items()
            },
            "groups": list(self.groups),
            "splits": {} if self.split is None else
            {s: int(sum(str(x) == s for x in self.split)) for s in dict.fromkeys(map(str, self.split))},
            "notes": list(self.notes),
        }  # fmt: skip
