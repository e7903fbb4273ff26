"""Points are checked on entry, immutable, hashed by content."""

from pathlib import Path

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
        ({"tokens": [1.0, 0.0, 3.0]}, r"D must be > 0: row 2 has 0\.0 "),
        ({"loss": [3.1, -2.9, 2.8]}, r"loss must be > 0: row 2 has -2\.9 "),
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


@pytest.mark.parametrize(
    "condition", ["__import__('os')", "params.max() > 1", "kind > 3", "params >", "[1 for x in y]"]
)
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


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("runs.csv", "params,tokens,loss\n1e8,1e9,3.1\n2e8,2e9,2.9\n"),
        ("bom.csv", "\ufeffparams,tokens,loss\r\n1e8,1e9,3.1\r\n2e8,2e9,2.9\r\n"),
        ("spaces.csv", " params , tokens, loss\n 1e8, 1e9, 3.1\n\n 2e8 , 2e9, 2.9\n"),
        ("runs.tsv", "params\ttokens\tloss\n1e8\t1e9\t3.1\n2e8\t2e9\t2.9\n"),
        ("index.csv", ",params,tokens,loss\n0,1e8,1e9,3.1\n1,2e8,2e9,2.9\n"),
    ],
)
def test_the_usual_kinds_of_files_are_read(tmp_path: Path, name: str, text: str) -> None:
    points = read_points(write(tmp_path / name, text))
    assert points.factors["N"].tolist() == [1e8, 2e8]
    assert points.target.tolist() == [3.1, 2.9]


def test_compressed_and_parquet_files_are_read(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(tmp_path / "runs.csv.gz", index=False)
    frame.to_parquet(tmp_path / "runs.parquet")
    assert read_points(tmp_path / "runs.csv.gz").hash == read_points(tmp_path / "runs.parquet").hash


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"cannot read runs\.csv"),
        ("params,loss\n", "has no rows"),
        ("params,params,loss\n1,2,3\n", "column 'params' occurs more than once"),
        ("params,loss\n1,2,3\n", r"cannot read runs\.csv: .*Expected 2 fields in line 2, saw 3"),
        ("params,loss\n1e8,3.1\n2e8\n", r"row 2 has an empty cell"),
        ("params,loss\n1e8,3.1\n2e8,nan\n", r"row 2 has 'nan'"),
        ("params,loss\n1e8,3.1\n1e999,2.9\n", r"row 2 has '?(1e999|inf)"),
        ("a,b,loss\n1,2,3\n", r"no column is named like a quantity \(a, b, loss\); map them"),
        ("params,value\n1,2\n", r"unknown target column .*--target"),
    ],
)
def test_unreadable_tables_are_explained_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_points(write(tmp_path / "runs.csv", text))
    assert "\n" not in str(error.value)
    assert "Traceback" not in str(error.value)


def test_files_that_are_no_text_are_explained(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_bytes(b"params,loss\n\xff\xfe\x00\x01,3\n")
    with pytest.raises(PointsError, match=r"cannot read runs\.csv"):
        read_points(tmp_path / "runs.csv")
    (tmp_path / "runs.parquet").write_bytes(b"params,loss\n1,3\n")
    with pytest.raises(PointsError, match=r"cannot read runs\.parquet"):
        read_points(tmp_path / "runs.parquet")


def test_a_target_is_no_factor(frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="write --target loss"):
        read_points(frame, columns={"N": "params", "loss": "loss"})


def test_columns_with_spaces_stand_in_backticks(frame: pd.DataFrame) -> None:
    spaced = frame.rename(columns={"params": "Model Size"})
    points = read_points(spaced, columns={"N": "Model Size"}, where="`Model Size` > 1e8 and `Model Size` < 4e8")
    assert points.rows.tolist() == [2]
    with pytest.raises(UnknownNameError, match="did you mean 'Model Size'"):
        read_points(spaced, columns={"N": "Model Size"}, where="`Model size` > 1")


def test_negative_scores_are_legal(frame: pd.DataFrame) -> None:
    points = read_points(frame.assign(brier=[-0.4, -0.3, -0.2]), target="brier")
    assert points.target_quantity == "score"


def test_splits_by_label() -> None:
    points = Points(np.array([1.0, 2.0, 3.0]), {"N": np.ones(3)}, split=np.array(["fit", "fit", "test"], dtype=object))
    assert len(points.only("fit")) == 2
    with pytest.raises(UnknownNameError, match="did you mean 'fit'"):
        points.only("fitt")
