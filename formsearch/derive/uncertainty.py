"""Intervals of derived numbers from resampled constants, and how far a number lies outside the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from formsearch.derive.problem import Problem

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Resampled:
    """Constants drawn from a fit, shape (draws, constants), and the level of the intervals."""

    names: tuple[str, ...]
    constants: Array
    level: float

    @property
    def rows(self) -> Iterator[dict[str, float]]:
        """The draws one by one, as constants by name."""
        for row in self.constants:
            yield dict(zip(self.names, map(float, row), strict=True))

    def thinned(self, count: int) -> Resampled:
        """At most so many of the draws."""
        return replace(self, constants=self.constants[:: max(1, -(-len(self.constants) // count))])

    def interval(self, values: Array) -> tuple[float, float] | None:
        """Central interval of the finite values; None if fewer than half are finite."""
        finite = values[np.isfinite(values)]
        if len(finite) < max(2, len(values) // 2):
            return None
        tail = (1 - self.level) / 2
        low, high = np.quantile(finite, [tail, 1 - tail])
        return float(low), float(high)

    def of(self, problem: Problem, expression: Any, settings: Mapping[str, float]) -> tuple[float, float] | None:
        """Interval of a closed form at the settings; None if a variable in it has no value."""
        full = problem.spelled(expression)
        names = sorted(str(s) for s in full.free_symbols)
        known = {**problem.settings, **settings}
        if any(n not in self.names and n not in known for n in names) or not set(names) & set(self.names):
            return None
        function = problem.function(full, names)
        columns = [
            self.constants[:, self.names.index(n)] if n in self.names else np.full(len(self.constants), known[n])
            for n in names
        ]
        return self.interval(np.broadcast_to(function(*columns), (len(self.constants),)))

    def each_of(self, problem: Problem, expressions: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
        """Intervals of several closed forms that need no settings, by name."""
        found = {name: self.of(problem, e, {}) for name, e in expressions.items()}
        return {name: interval for name, interval in found.items() if interval is not None}

    def each(self, compute: Callable[[Mapping[str, float]], float | None]) -> tuple[float, float] | None:
        """Interval of a quantity that has to be solved for anew at each draw."""
        values = []
        for row in self.rows:
            value = compute(row)
            values.append(np.nan if value is None else value)
        return self.interval(np.asarray(values))


def outside(value: float | None, name: str, ranges: Mapping[str, tuple[float, float]]) -> str:
    """A sentence if the value lies outside the points' range of the quantity, with the distance; else ""."""
    if value is None or name not in ranges:
        return ""
    low, high = ranges[name]
    if low <= value <= high:
        return ""
    edge, side = (low, "below") if value < low else (high, "above")
    if low > 0 and value > 0:
        return f"extrapolation: {value / edge if value > edge else edge / value:.3g} times {side} the data's {edge:.4g}"
    return f"extrapolation: {abs(value - edge):.3g} {side} the data's {edge:.4g}"
