"""A law on points, ready for the kernels: tape, columns, bounds, targets and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from formsearch.core.batch import Pack
from formsearch.core.tape import Tape
from formsearch.exceptions import NotApplicableError
from formsearch.law import Law
from formsearch.points import Points
from formsearch.quantities import Rule

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """What a fit of `law` on `points` hands to the kernels.

    columns : variable symbol -> values, shape (rows,). lower, upper : bounds of the constants, shape (p,).
    """

    law: Law
    points: Points
    columns: Mapping[str, Array]
    rules: tuple[Rule, ...]
    tape: Tape
    pack: Pack
    lower: Array
    upper: Array

    @classmethod
    def of(cls, law: Law, points: Points) -> Problem:
        """Bind and compile. Raises `NotApplicableError` for missing quantities."""
        columns, rules = law.bind(points)
        tape = tape_of(law)
        return cls(law, points, columns, rules, tape, pack_of(law, columns, len(points)), *bounds_of(law))

    @property
    def weights(self) -> Array:
        """Weight a row; ones if the points have none."""
        return row_weights(self.points)

    def vector(self, constants: Mapping[str, float]) -> Array:
        """Constants as an array in the law's order."""
        return np.asarray([constants[n] for n in self.law.constant_names], dtype=np.float64)

    def named(self, values: Array) -> dict[str, float]:
        """Constants by name."""
        return dict(zip(self.law.constant_names, map(float, values), strict=True))


def row_weights(points: Points) -> Array:
    """Weight a row; ones if the points have none. A fresh array, since kernels take no read-only ones."""
    return points.weight.copy() if points.weight is not None else np.ones(len(points))


def require_rows(law: Law, points: Points, constants: int, what: str = "points") -> None:
    """Raise `NotApplicableError` if there are fewer rows (of positive weight) than constants, or none."""
    weightless = 0 if points.weight is None else int((points.weight == 0).sum())
    rows = len(points) - weightless
    if rows < max(constants, 1):
        note = f" with a weight above zero (of {len(points)})" if weightless else ""
        raise NotApplicableError(
            f"law {law.name} has {constants} constants but there are only {rows} {what}{note}: "
            "add runs, fix constants with fix={...}, or choose a smaller law"
        )


class ByKey:
    """A law that hashes by its content, so that a cache holds one entry a form."""

    __slots__ = ("law",)

    def __init__(self, law: Law) -> None:
        self.law = law

    def __hash__(self) -> int:
        return hash(self.law.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByKey) and other.law.key == self.law.key


@lru_cache(maxsize=1024)
def _cached_tape(wrapped: ByKey) -> Tape:
    from formsearch.core.compile import compile_expression
    from formsearch.fit.starts import held_as_logarithm

    law = wrapped.law
    symbols = [law.symbols[n] for n in law.constant_names]
    return compile_expression(law.expression, symbols, held_as_logarithm(law))


def tape_of(law: Law) -> Tape:
    """The law's tape, compiled once."""
    return _cached_tape(ByKey(law))


def bounds_of(law: Law) -> tuple[Array, Array]:
    """Lower and upper bounds of the constants, shape (p,) each."""
    return np.asarray([c.lower for c in law.constants]), np.asarray([c.upper for c in law.constants])


def pack_of(law: Law, columns: Mapping[str, Array], rows: int) -> Pack:
    """The law's tape over given columns."""
    from formsearch.core.compile import evaluate_column

    return Pack.of([tape_of(law)], lambda key: evaluate_column(key, columns, rows), rows)
