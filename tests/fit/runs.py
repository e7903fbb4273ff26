"""Simulated runs that several test modules share."""

import numpy as np

import formsearch as fs


def chinchilla_runs(rows: int = 120, groups: int = 1, noise: float = 0.01) -> fs.Points:
    """Simulated runs; group g has its own irreducible loss, 1.8 + g/10."""
    rng = np.random.default_rng(7)
    N, D = 10 ** rng.uniform(8, 10, rows), 10 ** rng.uniform(9.5, 11.5, rows)
    g = np.arange(rows) % groups
    loss = 1.8 + 0.1 * g + 480 * N**-0.35 + 2000 * D**-0.37 + rng.normal(0, noise, rows)
    labels = np.asarray([f"g{i}" for i in g], dtype=object)
    return fs.Points(loss, {"N": N, "D": D}, group=labels, other={"family": labels}, simulated="for a test")
