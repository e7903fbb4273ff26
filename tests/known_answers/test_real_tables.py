"""Published constants against the runs they were fitted to (the tables are read from FORMSEARCH_DATA)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from formsearch import laws
from formsearch.core.objectives import Huber

Table = Callable[..., Path]


def _relative_errors(law: str, fit: str, loss: pd.Series, **columns: pd.Series) -> np.ndarray:
    predicted = laws[law].evaluate(columns, laws[law].published[fit].constants)
    return np.abs(predicted / loss.to_numpy() - 1)


def test_farseer_constants_on_farseer_runs(shared_table: Table) -> None:
    runs = pd.read_csv(shared_table("farseer"))
    assert len(runs) == 404
    columns = {"N": runs.params_nonemb, "D": runs.tokens}
    errors = _relative_errors("farseer2025", "farseer2025", runs.loss, **columns)
    assert errors.mean() == pytest.approx(0.00226, abs=5e-6)
    assert errors.max() == pytest.approx(0.0144, abs=5e-5)
    assert _relative_errors("skaling2026", "farseer_404", runs.loss, **columns).mean() == pytest.approx(
        0.00191, abs=5e-6
    )


@pytest.mark.parametrize(
    ("subset", "law", "fit", "published"),
    [
        ("hot", "chinchilla", "gemstones_hot", 0.0002076018),
        ("cool_end", "chinchilla", "gemstones_cool_end", 0.0002059406),
        ("hot", "gemstones2025", "hot", 0.000111878),
    ],
)
def test_gemstones_objectives(shared_table: Table, subset: str, law: str, fit: str, published: float) -> None:
    """Huber(1e-4) on ln L, summed; the constants carry eight or nine digits."""
    runs = pd.read_csv(shared_table("gemstones")).query("subset == @subset")
    columns = {"N": runs.params, "D": runs.tokens, "width": runs.width, "depth": runs.depth}
    predicted = laws[law].evaluate(columns, laws[law].published[fit].constants)
    objective = Huber(1e-4, log=True).value(runs.loss.to_numpy(), predicted)
    assert objective == pytest.approx(published, rel=2e-6)
    residual = np.abs(np.log(predicted / runs.loss))  # and by its definition
    by_hand = np.where(residual <= 1e-4, residual**2 / 2, 1e-4 * (residual - 5e-5)).sum()
    assert objective == pytest.approx(by_hand, rel=1e-12)


def test_chinchilla_constants_on_the_digitised_points(shared_table: Table) -> None:
    """Huber(1e-3) on ln L at the optimum is .00101827404; the printed constants of Hoffmann are far from it."""
    runs = pd.read_csv(shared_table("chinchilla_svg")).query("is_outlier == 0")
    assert len(runs) == 240

    def objective(law: str, fit: str) -> float:
        predicted = laws[law].evaluate({"N": runs.params, "D": runs.tokens}, laws[law].published[fit].constants)
        return Huber(1e-3, log=True).value(runs.loss.to_numpy(), predicted)

    optimum = 0.00101827404
    assert optimum < objective("chinchilla", "besiroglu2024") < 1.01 * optimum
    assert objective("skaling2026", "chinchilla_240") == pytest.approx(9.54e-4, abs=5e-7)
    assert objective("chinchilla", "hoffmann2022") == pytest.approx(1.213 * optimum, rel=1e-3)
    assert objective("chinchilla", "hoffmann2022_printed") == pytest.approx(4.047 * optimum, rel=1e-3)


def test_sparse_autoencoders(shared_table: Table) -> None:
    runs = pd.read_csv(shared_table("sae_gao"))
    law = laws["gao2024"]
    predicted = law.evaluate(
        {"latents": runs.latents, "active_latents": runs.active_latents}, law.published["gao2024"].constants
    )
    assert _r2(runs.normalized_mse, predicted) == pytest.approx(0.9964, abs=5e-5)


@pytest.mark.parametrize("group", ["stack", "pile"])
def test_parallel_streams(shared_table: Table, group: str) -> None:
    runs = pd.read_csv(shared_table("sldbench", "parallel.csv")).query("group == @group")
    law = laws["parscale2025"]
    predicted = law.evaluate({"N": runs.num_params, "P": runs.parallel_size}, law.published[group].constants)
    assert _r2(runs.loss, predicted) > 0.997


def test_routed_models_lie_within_three_percent_of_every_router(shared_table: Table) -> None:
    runs = pd.read_csv(shared_table("sldbench", "moe.csv"))  # routers, frequencies and seeds are pooled here
    law = laws["clark2022"]
    for label, fit in law.published.items():
        predicted = law.evaluate({"N": runs.dense_parameter_count, "E": runs.num_experts}, fit.constants)
        assert np.sqrt(np.mean(np.log10(predicted / runs.loss_validation) ** 2)) < 0.0125, label


def _r2(observed: pd.Series, predicted: np.ndarray) -> float:
    return float(1 - ((observed - predicted) ** 2).sum() / ((observed - observed.mean()) ** 2).sum())
