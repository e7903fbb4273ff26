"""Column names are taken for quantities, the surest first; what was assumed, or could have been, is noted."""

import pandas as pd
import pytest

from formsearch import read_points
from formsearch.exceptions import UnknownNameError
from formsearch.quantities import QUANTITIES
from formsearch.reading.names import ALIASES, find_step, find_target, match, normalised


@pytest.mark.parametrize(
    ("column", "quantity", "factor"),
    [
        ("N", "N", 1), ("n_params", "N", 1), ("Params", "N", 1), ("config.n_params", "N", 1), ("params.N", "N", 1),
        ("params_M", "N", 1e6), ("Params (B)", "N", 1e9), ("params in millions", "N", 1e6),
        ("params [M params]", "N", 1e6), ("tokens_b", "D", 1e9), ("billion tokens", "D", 1e9),
        ("Tokens (T)", "D", 1e12), ("billions of tokens", "D", 1e9),
        ("config/learning_rate", "lr", 1), ("experts", "experts", 1),
        ("loss", None, 1), ("notes", None, 1), ("m", None, 1), ("loss_m", None, 1), ("flops_per_token_M", None, 1),
    ],
)  # fmt: skip
def test_names(column: str, quantity: str | None, factor: float) -> None:
    found = match(column)
    assert (found.quantity if found else None) == quantity
    assert found is None or found.factor == factor


def test_aliases_are_names_of_quantities_in_the_form_that_they_are_looked_up() -> None:
    assert set(ALIASES.values()) <= set(QUANTITIES)
    assert all(normalised(a) == a for a in ALIASES)
    assert not set(ALIASES) & set(QUANTITIES)


def test_the_surest_name_wins_and_the_others_are_told() -> None:
    frame = pd.DataFrame({"params_M": [1.0], "params_nonemb": [9e5], "N": [1e6], "loss": [2.0]})
    points = read_points(frame)
    assert points.factors["N"].tolist() == [1e6]
    assert "N could also be params_M or params_nonemb: choose with --columns" in points.notes


def test_a_unit_in_the_name_gives_way_to_a_scale_that_is_given() -> None:
    frame = pd.DataFrame({"params_M": [10.0, 20.0], "loss": [2.0, 1.9]})
    assert read_points(frame).factors["N"].tolist() == [1e7, 2e7]
    assert "columns assumed: N=params_M x 1e+06 (units by their names)" in read_points(frame).notes
    assert read_points(frame, scale={"N": 1e3}).factors["N"].tolist() == [1e4, 2e4]
    mapped = read_points(frame, columns={"N": "params_M"})
    assert mapped.factors["N"].tolist() == [10.0, 20.0]
    assert any(n.startswith("N is at most 20 parameters: if params_M is in millions") for n in mapped.notes)


def test_targets() -> None:
    assert find_target(["train/loss", "val/loss"]) == "val/loss"
    assert find_target(["summary.eval_loss", "N"]) == "summary.eval_loss"
    assert find_target(["unigram_normalized_loss", "N"]) == "unigram_normalized_loss"
    assert find_target(["loss_c4", "loss_pile"]) is None
    assert find_target(["lossless", "N"]) is None
    with pytest.raises(UnknownNameError, match="--target"):
        read_points(pd.DataFrame({"N": [1e6], "loss_a": [2.0], "loss_b": [2.0]}))


def test_steps() -> None:
    assert find_step(["loss", "Step"]) == "Step"
    assert find_step(["trainer/global_step", "epoch"]) == "trainer/global_step"
    assert find_step(["loss"]) is None
