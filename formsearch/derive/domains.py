"""Where a variable is looked for: far beyond anything built, and finite so that numbers can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.quantities import Quantity

Array = NDArray[np.float64]

_WINDOWS: Mapping[str, tuple[float, float]] = {
    "parameters": (1e4, 1e16),
    "tokens": (1e4, 1e20),
    "characters": (1e4, 1e20),
    "samples": (1.0, 1e12),
    "FLOPs": (1e10, 1e34),
    "count": (1e-2, 1e6),
    "bits": (1e-2, 1e3),
    "ratio": (1e-4, 1e6),
    "tokens/parameter": (1e-4, 1e8),
}
"""Ends of the search, by unit."""

_OTHER_WINDOW = (1e-9, 1e15)
EXTRA_WINDOW = (1e-12, 1e40)
"""For a constraint's own quantity of unknown unit, which may be FLOPs, bytes or money."""

_ABOVE_ONE = 1e-6
"""Counts start just above 1, where logarithms of them vanish."""

_EDGE = 1e-9
"""Distance kept from the closed ends of a fraction's domain where a form may be singular."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a variable may lie. `log` says that it is searched on a logarithmic scale."""

    low: float
    high: float
    log: bool

    def inner(self, u: Array) -> Array:
        """Map [0, 1] to the domain."""
        if self.log:
            return np.asarray(np.exp(np.log(self.low) + u * (np.log(self.high) - np.log(self.low))))
        return self.low + u * (self.high - self.low)

    def holds(self, value: float) -> bool:
        """Whether the value lies inside."""
        return self.low <= value <= self.high


def domain_of(q: Quantity) -> Domain:
    """The search domain of a quantity."""
    if q.high <= 1.0:
        return Domain(_EDGE if q.open_low else 0.0, 1.0 - _EDGE, q.open_low)
    if q.low < 0:
        return Domain(-1e6, 1e6, False)
    low, high = _WINDOWS.get(q.unit, _OTHER_WINDOW)
    if q.count:
        low = 1.0 + _ABOVE_ONE
    return Domain(max(low, q.low) if q.low > 0 else low, min(high, q.high), True)


def typical(unit: str) -> tuple[float, float]:
    """Where reference settings of a quantity are drawn that no data bound, by unit."""
    return _TYPICAL.get(unit, (1e-2, 1e2))


_TYPICAL: Mapping[str, tuple[float, float]] = {
    "parameters": (1e8, 1e12), "tokens": (1e9, 1e13), "FLOPs": (1e19, 1e26), "count": (1.5, 64.0),
    "bits": (2.0, 16.0), "ratio": (1.0, 32.0), "fraction": (0.02, 0.98), "tokens/parameter": (1.0, 1e3),
}  # fmt: skip
