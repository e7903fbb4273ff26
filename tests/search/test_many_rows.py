"""A table of a hundred thousand rows and ten factors: searched on a coreset, judged on all rows, and said so."""

import numpy as np
import pytest

from formsearch.points import Points
from formsearch.search import search

pytestmark = pytest.mark.slow


def ten_factors(n=100_000):
    rng = np.random.default_rng(0)
    f = {
        "N": np.exp(rng.uniform(18, 23, n)),
        "N_active": np.exp(rng.uniform(16, 20, n)),
        "D": np.exp(rng.uniform(21, 26, n)),
        "active_experts": rng.integers(1, 9, n).astype(float),
        "shared_ratio": rng.choice([0.0, 0.1, 0.2, 0.4], n),
        "lr": np.exp(rng.uniform(-9, -5, n)),
        "batch_size": np.exp(rng.uniform(10, 14, n)),
        "width": rng.choice([512.0, 1024.0, 2048.0, 4096.0], n),
        "depth": rng.choice([8.0, 16.0, 24.0, 32.0], n),
        "vocab_size": rng.choice([32e3, 64e3, 128e3, 256e3], n),
    }
    loss = 1.8 + 400 * f["N"] ** -0.34 + 1800 * f["D"] ** -0.36 + 0.01 * (np.log(f["lr"]) + 7) ** 2
    return Points(target=loss + rng.normal(0, 0.005, n), factors=f, simulated="from a law of N, D and lr")


def test_what_matters_is_found_among_ten_factors():
    front = search(ten_factors(), seconds=90, seed=0)
    assert any("coreset of 600 rows" in note and "all 100000" in note for note in front.notes)
    assert front.best is not None
    assert set(front.best.law.quantities) == {"N", "D", "lr"}
    assert front.best.error < 1.05 * 0.005
    assert front.best.draws is not None
