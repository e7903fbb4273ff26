"""Feasible runs: shapes that were run before, in sizes and amounts of data scaled by powers of two.

Scaling a run's sizes by one factor and its data by another keeps every ratio that the points have (active to total
parameters, experts, repetition), so a configuration of the grid can be built; free products of levels often cannot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formsearch.points import Points
from formsearch.quantities import quantity

Array = NDArray[np.float64]

STEPS = tuple(range(-6, 7))
"""Powers of two by which sizes and data are scaled, where they stay within `BEYOND` of the points."""

BEYOND = 8.0
"""No size and no amount of data is further above the largest of the points than this."""

MOST = 4000
"""Configurations weighed at most; of a finer grid, every k-th shape is taken."""

SHAPE = ("width", "depth")
"""Where these vary, sizes follow from them and are not scaled."""

DATA = ("D", "unique_tokens", "D_dense", "characters", "samples")


@dataclass(frozen=True, eq=False)
class Grid:
    """Configurations as points without observations (their target is not to be read), and what each costs.

    cost : FLOPs, shape (rows,); ones where `costed` is false: the points give no compute.
    """

    points: Points
    cost: Array
    costed: bool

    def __len__(self) -> int:
        return len(self.cost)

    def take(self, keep: NDArray[np.bool_]) -> Grid:
        """The rows of a mask."""
        return Grid(self.points.take(keep), self.cost[keep], self.costed)


def sizes_of(points: Points) -> list[str]:
    """Factors that are scaled together as sizes."""
    if any(q in points.factors for q in SHAPE):
        return []
    return [q for q in points.factors if quantity(q).unit == "parameters" or q in ("latents", "scale")]


def data_of(points: Points) -> list[str]:
    """Factors that are scaled together as data."""
    return [q for q in points.factors if q in DATA]


def feasible_runs(points: Points) -> Grid:
    """Shapes of the points in scaled sizes and data; within the range of the points where nothing gives compute."""
    sizes, data = sizes_of(points), data_of(points)
    costed = points.can("C")
    beyond = BEYOND if costed else 1.0
    names = list(points.factors)
    shapes = np.unique(np.column_stack([points.factors[q] for q in names]), axis=0)
    # Shapes that differ in scale alone give the same grid: one of each is enough where sizes and data scale freely.
    pairs = [(s, t) for s in (STEPS if sizes else (0,)) for t in (STEPS if data else (0,))]
    shapes = shapes[:: max(1, -(-len(shapes) * len(pairs) // (8 * MOST)))]
    steps = 2.0 ** np.asarray(pairs, dtype=np.float64)
    columns: dict[str, Array] = {}
    for j, q in enumerate(names):
        power = _scaling(q, sizes, data)
        factor = steps[:, 0] ** power[0] * steps[:, 1] ** power[1]
        columns[q] = (shapes[:, j][:, None] * factor[None, :]).ravel()
    keep = np.ones(len(shapes) * len(pairs), dtype=bool)
    for q in (*sizes, *data):
        keep &= (columns[q] >= points.factors[q].min()) & (columns[q] <= beyond * points.factors[q].max())
    whole = {q: np.round(v) if quantity(q).count else v for q, v in columns.items()}
    grid = np.unique(np.column_stack([whole[q] for q in names])[keep], axis=0)
    grid = grid[:: max(1, -(-len(grid) // MOST))]
    made = replace(
        points,
        target=np.ones(len(grid)),
        factors={q: grid[:, j] for j, q in enumerate(names)},
        rows=np.zeros(0, dtype=np.int64),
        group=None, weight=None, split=None, other={},
        target_quantity="score",
        name=f"feasible runs after {points.name}",
    )  # fmt: skip
    return Grid(made, made.column("C") if costed else np.ones(len(grid)), costed)


def _scaling(name: str, sizes: list[str], data: list[str]) -> tuple[float, float]:
    """Powers of the size's factor and of the data's in a quantity."""
    if name in sizes:
        return 1.0, 0.0
    if name in data:
        return 0.0, 1.0
    if name == "C":
        return float(bool(sizes)), float(bool(data))
    if name == "tokens_per_parameter":
        return -float(bool(sizes)), float(bool(data))
    return 0.0, 0.0


def beyond(points: Points, factors: dict[str, float]) -> str:
    """How far a configuration is outside the range of the points, in words; empty if inside."""
    told = []
    for q, value in factors.items():
        low, high = float(points.factors[q].min()), float(points.factors[q].max())
        if value > high * (1 + 1e-9) and high > 0:
            told.append(f"{q} {value / high:.3g} times beyond")
        elif value < low * (1 - 1e-9) and value > 0:
            told.append(f"{q} {low / value:.3g} times below")
    return ", ".join(told)
