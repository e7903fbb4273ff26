"""Points are checked on entry, immutable, hashed by content."""

import numpy as np
import pandas as pd
import pytest

from formsearch import Points, read_points
from formsearch.exceptions import InputError, PointsError, UnknownNameError


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"params": [1e8, 2e8, 4e8], "tokens": [1.0, 2.0, 3.0], "loss": [3.1, 2.9, 2.8], "kind": ["a", "b", "b"]}
    )


def test_columns_are_scaled_to_base_units_and_noted(frame: pd.DataFrame) -> None:
    points = read_points(frame, columns={"N": "params", "D": "tokens"}, scale={"D": 1e9})
    assert points.factors["D"].tolist() == [1e9, 2e9, 3e9]
    assert points.column("C")[0] == pytest.approx(6 * 1e8 * 1e9)
    assert points.rule("C") is not None
    assert "columns assumed: N=params, D=tokens (base units)" in read_points(frame).notes


def test_content_decides_the_hash(frame: pd.DataFrame) -> None:
    a, b = read_points(frame), read_points(frame, name="elsewhere")
    assert a.hash == b.hash
    assert a.with_target(a.target + 1e-12).hash != a.hash
    assert a.take(np.array([0, 1])).hash != a.hash


def test_points_cannot_be_changed(frame: pd.DataFrame) -> None:
    points = read_points(frame)
    with pytest.raises(ValueError, match="read-only"):
        points.target[0] = 1.0
    with pytest.raises(TypeError):
        points.factors["N"] = points.target  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": [1.0, 0.0, 3.0]}, r"D must be > 0: row 2 has .*0\.0"),
        ({"loss": [3.1, -2.9, 2.8]}, r"loss must be > 0: row 2 has .*-2\.9"),
        ({"loss": ["3.1", "2.9", "oops"]}, r"column 'loss' must hold finite numbers: row 3 has 'oops'"),
        ({"loss": ["", "2.9", "2.8"]}, r"row 1 has an empty cell"),
        ({"params": [1e8, float("nan"), 4e8]}, r"column 'params' must hold finite numbers: row 2"),
    ],
)
def test_bad_cells_are_named_with_row_value_and_remedy(frame: pd.DataFrame, change: dict, message: str) -> None:
    with pytest.raises(PointsError, match=message) as error:
        read_points(frame.assign(**change))
    assert "\n" not in str(error.value)
    assert "--where" in str(error.value)


def test_row_numbers_survive_the_where_condition(frame: pd.DataFrame) -> None:
    broken = frame.assign(tokens=[1.0, 2.0, -3.0])
    with pytest.raises(PointsError, match="row 3 has"):
        read_points(broken, where="kind == 'b'")
    assert read_points(broken, where="not tokens < 0").rows.tolist() == [1, 2]


@pytest.mark.parametrize("condition", ["__import__('os')", "params.max() > 1", "kind > 3", "params >", "[1 for x in y]"])
def test_where_runs_no_code(frame: pd.DataFrame, condition: str) -> None:
    with pytest.raises(InputError):
        read_points(frame, where=condition)


def test_unknown_names_suggest_the_nearest(frame: pd.DataFrame) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'params'"):
        read_points(frame, columns={"N": "parms"})
    with pytest.raises(UnknownNameError, match="did you mean 'N_active'"):
        read_points(frame, columns={"N_activ": "params"})


def test_several_targets_become_groups(frame: pd.DataFrame) -> None:
    points = read_points(frame.assign(other_loss=[1.0, 1.1, 1.2]), target=["loss", "other_loss"], group="kind")
    assert len(points) == 6
    assert points.groups == ("a|loss", "b|loss", "a|other_loss", "b|other_loss")


def test_negative_scores_are_legal(frame: pd.DataFrame) -> None:
    points = read_points(frame.assign(brier=[-0.4, -0.3, -0.2]), target="brier")
    assert points.target_quantity == "score"


def test_splits_by_label() -> None:
    points = Points(np.array([1.0, 2.0, 3.0]), {"N": np.ones(3)}, split=np.array(["fit", "fit", "test"], dtype=object))
    assert len(points.only("fit")) == 2
    with pytest.raises(UnknownNameError, match="did you mean 'fit'"):
        points.only("fitt")
