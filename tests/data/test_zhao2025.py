"""The built-in data set: published configurations, simulated losses, and every print says simulated."""

import numpy as np
import pandas as pd
import pytest

from formsearch.data import card, load
from formsearch.exceptions import InputError, UnknownNameError
from formsearch.registry import laws


def test_rows_and_splits_are_those_of_table_6() -> None:
    points = load("zhao2025")
    assert len(points) == 446
    assert points.describe()["splits"] == {"fit": 268, "marginal_g": 90, "validation": 88}
    assert set(points.factors) == {"N", "N_active", "D", "active_experts", "shared_ratio"}
    distinct = np.unique(np.column_stack(list(points.factors.values())), axis=0)
    assert len(distinct) == 418
    validation = points.only("validation")
    assert validation.factors["N"].max() == 9008e6
    assert validation.rows[0] == 359  # 1-based row of the file: printed index 358


def test_oddities_are_kept_as_printed() -> None:
    rows = load("zhao2025").frame.drop(columns="loss").reset_index(drop=True)
    assert rows.iloc[419].equals(rows.iloc[413])
    assert (rows["active_experts"] == 2.5).sum() == 12
    quantities = ["N", "N_active", "D", "active_experts", "shared_ratio"]
    for validation, fit in ((443, 249), (444, 254), (445, 264)):
        assert rows.loc[validation, quantities].equals(rows.loc[fit, quantities])


def test_losses_are_the_law_plus_seeded_noise() -> None:
    law = laws["zhao2025"]
    points = load("zhao2025")
    exact = law.evaluate(points.factors, law.published["zhao2025"].constants)
    noise = np.random.default_rng(0).normal(0.0, 0.0071, size=446)
    assert np.abs(points.target - exact - noise).max() < 1e-9
    assert np.abs(load("zhao2025", sigma=0).target - exact).max() < 1e-9


def test_the_law_without_noise_gives_the_golden_values() -> None:
    """Rows of Table 6 against values computed independently from Table 2's printed constants."""
    points = load("zhao2025", sigma=0.0)
    golden = {(247e6, 10e9, 48e6, 10, 0.2): 3.2419267829, (9008e6, 50e9, 476e6, 10, 0.2): 2.5158385607}
    factors = ("N", "D", "N_active", "active_experts", "shared_ratio")
    table = points.frame.drop_duplicates(list(factors)).set_index(list(factors))
    for configuration, loss in golden.items():
        assert table.loc[configuration, "loss"] == pytest.approx(loss, abs=2e-10)


def test_it_says_simulated_wherever_it_prints_itself() -> None:
    points = load("zhao2025")
    assert points.simulated is not None
    assert points.simulated.startswith("simulated from Eq. 11 of Zhao et al. 2025")
    assert "0.0071 (seed 0)" in points.simulated
    assert "simulated" in repr(points)
    assert points.describe()["simulated"] == points.simulated
    assert points.only("fit").simulated == points.simulated
    assert "sigma" not in (load("zhao2025", sigma=0).simulated or "")
    assert "without noise" in (load("zhao2025", sigma=0).simulated or "")


def test_content_is_pinned_and_follows_seed_and_sigma() -> None:
    hashes = [load("zhao2025", **o).hash for o in ({}, {"seed": 0}, {"seed": 1}, {"sigma": 0.01})]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_reading_options_apply_to_built_in_tables() -> None:
    points = load("zhao2025", where="split == 'fit' and D > 10e9")
    assert set(points.frame["split"]) == {"fit"}
    assert points.factors["D"].min() > 10e9
    assert points.notes == ("rows where split == 'fit' and D > 10e9",)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"sigma": -1}, "sigma must be"), ({"sigma": float("nan")}, "sigma must be"), ({"seed": -1}, "seed must be")],
)
def test_impossible_noise_is_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load("zhao2025", **options)


def test_noise_options_are_refused_for_tables(tmp_path) -> None:
    path = tmp_path / "runs.csv"
    pd.DataFrame({"N": [1e8, 2e8], "loss": [3.0, 2.9]}).to_csv(path, index=False)
    assert len(load(path)) == 2
    with pytest.raises(InputError, match="simulated data sets only"):
        load(path, sigma=0.1)


def test_misspelt_names_are_suggested_and_missing_files_named(tmp_path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'zhao2025'"):
        load("zhao2O25")
    with pytest.raises(InputError, match=r"no such file: runs\.csv"):
        load("runs.csv")
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "runs")


def test_a_file_may_share_the_name_of_a_data_set(tmp_path, monkeypatch) -> None:
    pd.DataFrame({"N": [1e8, 2e8], "loss": [3.0, 2.9]}).to_csv(tmp_path / "zhao2025", index=False)
    monkeypatch.chdir(tmp_path)
    assert len(load("zhao2025")) == 446
    assert len(load("./zhao2025")) == 2


def test_the_card_states_source_licence_and_simulation() -> None:
    about = card("zhao2025").to_dict()
    assert about["built_in"]
    assert "arXiv:2509.23678" in about["source"]
    assert about["simulation"] == {
        "law": "zhao2025",
        "equation": "Eq. 11 of Zhao et al. 2025 (arXiv:2509.23678) at its Table 2 constants",
        "sigma": 0.0071,
        "seed": 0,
    }
    assert sum(int(words.split()[0]) for words in about["splits"].values()) == 446
