"""Published fits of real tables: the same objective to all printed digits, and never a higher one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import formsearch as fs

Table = Callable[..., Path]


def chinchilla_points(shared_table: Table, outliers: bool) -> fs.Points:
    frame = pd.read_csv(shared_table("chinchilla_svg"))
    return fs.read_points(
        frame if outliers else frame[frame.is_outlier == 0], columns={"N": "params", "D": "tokens"}, target="loss"
    )


def test_the_240_points_of_hoffmann_2022(shared_table: Table) -> None:
    """Besiroglu et al. 2024, arXiv:2404.10102: grid search of 4,500 starts in the authors' notebook."""
    points = chinchilla_points(shared_table, outliers=False)
    assert len(points) == 240
    fit = fs.fit("chinchilla", points, fs.Huber(1e-3))
    assert fit.objective == pytest.approx(0.00101827404, rel=5e-8)
    assert fit.objective < 0.00101827403895
    assert fit.share == 1.0
    expected = {"E": 1.8172, "alpha": 0.3473, "beta": 0.3672, "A": 477.8, "B": 2143}
    assert fit.constants == pytest.approx(expected, rel=1e-2)
    # The notebook's 4,000 resamples gave .0154 and .0206 for the exponents' standard errors.
    resamples = fit.bootstrap(1000)
    assert resamples.sd("alpha") == pytest.approx(0.0154, rel=0.2)
    assert resamples.sd("beta") == pytest.approx(0.0206, rel=0.2)


def test_all_245_points_of_hoffmann_2022(shared_table: Table) -> None:
    """Five outliers move beta from .367 to .453."""
    fit = fs.fit("chinchilla", chinchilla_points(shared_table, outliers=True), fs.Huber(1e-3))
    assert fit.objective == pytest.approx(0.00182601, abs=5e-9)
    assert fit.constants["alpha"] == pytest.approx(0.349, abs=5e-4)
    assert fit.constants["beta"] == pytest.approx(0.453, abs=5e-4)
    assert fit.constants["E"] == pytest.approx(1.891, abs=5e-4)


def gemstones(shared_table: Table, subset: str) -> fs.Points:
    frame = pd.read_csv(shared_table("gemstones"))
    columns = {"N": "params", "D": "tokens", "width": "width", "depth": "depth"}
    return fs.read_points(frame[frame.subset == subset], columns=columns, target="loss")


@pytest.mark.parametrize(
    ("law", "published", "subset", "objective"),
    [
        ("chinchilla", "gemstones_hot", "hot", 0.0002076018),
        ("chinchilla", "gemstones_cool_end", "cool_end", 0.0002059406),
        ("gemstones2025", "hot", "hot", 0.000111878),
    ],
)
def test_gemstones(shared_table: Table, law: str, published: str, subset: str, objective: float) -> None:
    """McLeish et al. 2025, arXiv:2502.06857: the printed objective at the printed constants; ours is as low."""
    points = gemstones(shared_table, subset)
    loss = fs.Huber(1e-4)
    at_print = loss.value(
        points.target, fs.laws[law].evaluate(points.frame, fs.laws[law].published[published].constants)
    )
    assert at_print == pytest.approx(objective, rel=1e-6)
    fit = fs.fit(law, points, loss, starts=32)
    assert fit.ok, fit.status
    assert fit.objective <= at_print
    # Not lower because it is computed differently:
    assert fit.objective == pytest.approx(loss.value(points.target, fit.predict(points)), rel=1e-9)
    assert np.isfinite(list(fit.constants.values())).all()
