"""What a table seems to mean: target, columns, units, rows, labels; each guess with its reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formsearch.exceptions import UnknownNameError
from formsearch.reading.guess import Guess, guess, plausible_units
from formsearch.reading.read import open_table

N = np.repeat([70.0, 160.0, 410.0, 1000.0], 4)
D = np.tile([1.0, 3.0, 9.0, 27.0], 4)
LOSS = 1.8 + 400 * (N * 1e6) ** -0.34 + 400 * (D * 1e9) ** -0.28


def guessed(given: dict[str, Any] | None = None, **columns: Any) -> Guess:
    return guess(open_table(pd.DataFrame(columns)), given or {})


def test_units_follow_from_what_models_and_data_are_like() -> None:
    found = guessed(params=N, tokens=D, loss=LOSS)
    assert found.values["scale"] == {"N": 1e6, "D": 1e9}
    assert "params runs from 70 to 1000: too few for parameters; in millions" in found.reasons["scale.N"]
    assert {d.key for d in found.doubts} == {"scale.N", "scale.D"}
    assert guessed(params=N / 1e3, tokens=D, loss=LOSS).values["scale"] == {"N": 1e9, "D": 1e9}
    assert "scale" not in guessed(params=N * 1e6, tokens=D * 1e9, loss=LOSS).values


def test_units_that_names_cells_or_the_caller_state_are_not_in_doubt() -> None:
    found = guessed(params_B=N / 1e3, tokens=[f"{d:g}B" for d in D], loss=LOSS)
    assert found.values["scale"] == {"N": 1e9}
    assert "units stand in its cells (1B)" in found.reasons["columns.D"]
    assert found.doubts == []
    found = guessed({"columns": {"N": "size"}, "scale": {"N": 1e3}}, size=N, tokens=D * 1e9, loss=LOSS)
    assert found.values["scale"] == {"N": 1e3}
    assert found.values["columns"] == {"N": "size", "D": "tokens"}
    assert found.reasons["scale.N"] == "as given"


@given(
    st.lists(st.floats(6, 11), min_size=3, max_size=8), st.floats(0, 2.5), st.sampled_from([1.0, 1e6, 1e9]),
    st.sampled_from([1.0, 1e6, 1e9, 1e12]),
)  # fmt: skip
def test_compute_tells_the_units_whatever_they_are(sizes, ratio, n_unit, d_unit) -> None:
    size = 10 ** np.asarray(sizes)
    data = size * 10**ratio
    values = {"N": size / n_unit, "D": data / d_unit, "C": 6 * size * data}
    if (values["N"].max() >= 1e4 and n_unit != 1) or (values["D"].max() >= 1e5 and d_unit != 1):
        return  # such numbers can be sizes as they are
    found = {q: factor for q, (factor, _) in plausible_units(values, {"C": 1.0}).items()}
    assert found == {"N": n_unit, "D": d_unit}


def test_the_target() -> None:
    assert guessed(params=N, nll=LOSS).values["target"] == "nll"
    found = guessed(params=N, loss_c4=LOSS, loss_pile=LOSS)
    assert found.values["target"] == "loss_c4"
    assert found.doubts[0].choices[-1][1] == ["loss_c4", "loss_pile"]
    assert guessed({"target": ["loss_pile"]}, params=N, loss_c4=LOSS, loss_pile=LOSS).values["target"] == ["loss_pile"]
    with pytest.raises(UnknownNameError, match="--target"):
        guessed(params=N, seconds=LOSS)


def test_rows() -> None:
    bad = np.arange(16) == 3
    assert guessed(params=N, loss=LOSS, diverged=bad.astype(int)).values["where"] == "diverged == 0"
    assert guessed(params=N, loss=LOSS, finished=(~bad).astype(int)).values["where"] == "finished == 1"
    states = np.where(bad, "crashed", "finished")
    missing = np.where(bad, np.nan, LOSS)
    assert guessed(params=N, loss=missing, State=states).values["where"] == "State == 'finished'"
    assert guessed(params=N, **{"val/loss": missing}).values["where"] == "`val/loss` > 0"
    assert "where" not in guessed(params=N, loss=LOSS, diverged=0, State="finished").values
    assert guessed({"where": "params > 100"}, params=N, loss=LOSS, State=states).values["where"] == "params > 100"


def test_a_log_of_steps_is_known_by_its_rows_and_its_gaps() -> None:
    runs = np.repeat([f"r{i}" for i in range(16)], 25)
    log = {"params": np.repeat(N, 25), "loss": np.repeat(LOSS, 25), "run_id": runs, "step": np.tile(np.arange(25), 16)}
    found = guessed(**log)
    assert found.values["last_by"] == "run_id"
    assert found.reasons["last_by"] == "about 25 rows for each run_id: a log of steps, the last by step is kept"
    sparse = pd.DataFrame(log).iloc[::5].assign(loss=lambda f: f.loss.where(f.step > 0))
    assert guess(open_table(sparse), {}).values["last_by"] == "run_id"
    assert "last_by" not in guess(open_table(sparse.dropna()), {}).values
    assert "last_by" not in guessed(params=N, loss=LOSS, run=[f"r{i}" for i in range(16)]).values


def test_labels() -> None:
    split = np.where(np.arange(16) < 12, "train", "test")
    assert guessed(params=N, loss=LOSS, split=split).values["split_column"] == "split"
    assert "split_column" not in guessed(params=N, loss=LOSS, split="train").values
    arch = np.where(np.arange(16) % 2, "a", "b")
    found = guessed(params=N, loss=LOSS, arch=arch)
    assert found.values["group"] == "arch"
    assert [value for _, value in found.doubts[-1].choices] == ["arch", None]
    few = guessed(params=N, loss=LOSS, arch=np.where(np.arange(16) < 3, "a", "b"))
    assert "group" not in few.values
    assert "fewer than 8 rows" in few.reasons["left out arch"]


def test_what_is_left_out_is_told() -> None:
    found = guessed(params=N * 1e6, tokens=D * 1e9, flops=6 * N * D * 1e15, loss=LOSS)
    assert found.values["columns"] == {"N": "params", "D": "tokens"}
    assert "6*N*D, which is derived" in found.reasons["left out C"]
    other = guessed(params=N * 1e6, tokens=D * 1e9, flops=6 * N**1.1 * D * 1e15, loss=LOSS)
    assert set(other.values["columns"]) == {"N", "D", "C"}
    gap = guessed(params=N * 1e6, width=np.where(N < 100, np.nan, 64), loss=LOSS)
    assert gap.values["columns"] == {"N": "params"}
    assert gap.reasons["left out width"] == "column width is empty in 4 rows: left out"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chinchilla_svg", {"where": "is_outlier == 0", "columns": {"N": "params", "D": "tokens"}}),
        ("farseer", {"columns": {"N": "params_nonemb", "D": "tokens"}}),
        ("xlstm", {"where": "diverged == 0", "group": "arch"}),
        ("sae_gao", {"target": "normalized_mse", "split_column": "split"}),
        ("misfitting_moe_small", {"where": "finished == 1", "group": "router"}),
    ],
)
def test_public_tables(shared_table: Callable[..., Path], name: str, expected: dict[str, Any]) -> None:
    found = guess(open_table(shared_table(name)), {}).values
    assert {k: found.get(k) for k in expected} == expected
    assert "scale" not in found
