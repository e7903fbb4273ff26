"""Simulated truths: laws at constants on realistic designs, and the boxes beyond them in which searches are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch import laws

Array = NDArray[np.float64]
Table = dict[str, Array]


def grid(**axes: Sequence[float]) -> Table:
    """The full factorial of the axes."""
    mesh = np.meshgrid(*(np.asarray(v, dtype=np.float64) for v in axes.values()), indexing="ij")
    return {q: m.ravel() for q, m in zip(axes, mesh, strict=True)}


def geometric(low: float, high: float, count: int) -> list[float]:
    return [float(x) for x in np.geomspace(low, high, count)]


@dataclass(frozen=True)
class Truth:
    """A law at constants on a design. `beyond`: axes that the test box stretches by 10."""

    law: str
    constants: Mapping[str, float] | None
    design: Callable[[], Table]
    beyond: tuple[str, ...]

    def values(self) -> Mapping[str, float]:
        """The constants, published ones by default."""
        return self.constants if self.constants is not None else next(iter(laws[self.law].published.values())).constants


ND = ("N", "D")


def dense() -> Table:
    return grid(N=geometric(5e7, 1e10, 9), D=geometric(2e9, 2e11, 9))


def experts() -> Table:
    return grid(N_dense=geometric(1.5e7, 1.3e9, 7), experts=[1, 2, 4, 8, 16, 32, 64, 128, 256, 512])


def routed() -> Table:
    return grid(N_active=geometric(5e7, 3e9, 6), D=geometric(5e9, 2e11, 6), experts=[1, 2, 4, 8, 16, 32])


def fine_grained() -> Table:
    return grid(N=geometric(1.3e8, 3.7e9, 6), D=geometric(1.6e10, 1.3e11, 6), granularity=[1, 2, 4, 8, 16])


def sparse() -> Table:
    return grid(N=geometric(2e8, 2e10, 6), D=geometric(5e9, 2e11, 6), sparsity=[0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98])


def streams() -> Table:
    return grid(N=geometric(5e8, 4.4e9, 6), parallel_streams=[1, 2, 4, 8])


def repeated() -> Table:
    table = grid(
        N=geometric(7e6, 4e9, 8), D=geometric(1e8, 1.7e11, 8), unique_tokens=[1e8, 4e8, 1.5e9, 5e9, 2e10, 6e10]
    )
    keep = table["D"] >= table["unique_tokens"]
    return {q: v[keep] for q, v in table.items()}


def mixtures() -> Table:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(5, 0.7), 60)
    shares[:20, 0] = 0.0
    shares /= shares.sum(axis=1, keepdims=True)
    return {f"proportion_{k + 1}": shares[:, k] for k in range(5)}


def zhao() -> Table:
    from formsearch.data import load

    points = load("zhao2025", sigma=0.0).only("fit")
    return {q: np.asarray(v) for q, v in points.factors.items()}


ZHAO = {
    "e": 0.1577, "f": 7.2446, "m": 5.1395, "n": -3.2363, "k": 0.0013, "h": 0.045, "a": 38.051, "alpha": 0.2383,
    "b": 27129.0488, "beta": 0.4694, "c": 31.0958, "eps": 1.8182,
}  # fmt: skip

TRUTHS: dict[str, Truth] = {
    t.law: t
    for t in (
        Truth("chinchilla", None, dense, ND),
        Truth("kaplan2020", None, dense, ND),
        Truth("skaling2026", None, dense, ND),
        Truth("clark2022_bilinear", {"a": -0.082, "b": -0.108, "c": 0.009, "d": 1.104}, experts, ("N_dense",)),
        Truth("wang2024", {"A": 150.0, "alpha": 0.28, "gamma": 0.13, "B": 900.0, "beta": 0.32, "sigma": 1.6}, routed,
              ("N_active", "D")),
        Truth("krajewski2024", None, fine_grained, ND),
        Truth("abnar2025", None, sparse, ND),
        Truth("lin2024", {"B": 60.0, "Dl": 30.0, "beta": 0.45, "E": 1.2},
              lambda: {"samples": np.asarray(geometric(200, 4e5, 24))}, ("samples",)),
        Truth("parscale2025", None, streams, ("N", "parallel_streams")),
        Truth("muennighoff2023", None, repeated, ("N", "D", "unique_tokens")),
        Truth("zhao2025_eq7", {"a": 50.0, "alpha": 0.2383, "b": 27129.0, "beta": 0.4694, "c": 33.0, "h": 0.14,
                               "eps": 1.8182}, zhao, ("N", "N_active", "D")),
        Truth("zhao2025_eq9", {k: v for k, v in ZHAO.items() if k not in "mn"}, zhao, ("N", "N_active", "D")),
        Truth("zhao2025", ZHAO, zhao, ("N", "N_active", "D")),
        Truth("bnsl1", {"a": 0.4, "b": 30.0, "c0": 0.12, "d1": 3e4, "c1": 0.35, "f1": 0.4},
              lambda: {"scale": np.asarray(geometric(100, 1e7, 40))}, ("scale",)),
        Truth("ye2024_mix5", None, mixtures, ()),
        Truth("ludziejewski2025", None, routed, ("N_active", "D")),
    )
}  # fmt: skip


def constants_of(truth: Truth) -> Mapping[str, float]:
    """Constants of a truth; a mixture law without published ones gets plausible ones."""
    if truth.law == "ye2024_mix5":
        names = laws[truth.law].constant_names
        numbers = dict(zip(names, (1.9, 1.2, -1.6, 0.3, -0.5, 0.8, 0.4, -0.2), strict=False))
        return {n: numbers[n] for n in names}
    return truth.values()


def box(truth: Truth, table: Table, rows: int = 400) -> Table:
    """Random rows in the box that reaches 10 times beyond the data along `truth.beyond`."""
    rng = np.random.default_rng(1)
    count = len(next(iter(table.values())))
    picks = rng.integers(0, count, rows)
    stretch = np.exp(rng.uniform(0, np.log(10.0), rows))
    result = {}
    for q, v in table.items():
        result[q] = v[picks] * stretch if q in truth.beyond else v[picks]
    return result
