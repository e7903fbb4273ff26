"""The SLDBench harness: reads every layout, chooses on train rows only, scores as the benchmark does."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.sldbench.__main__ import main
from benchmarks.sldbench.tasks import HUMAN_MEAN, TASKS, inside, points_of, r_squared, table_of

PARALLEL = next(t for t in TASKS if t.name == "parallel")


def table(streams=(1, 2, 4, 8)):
    rows = [
        {"group": g, "num_params": n, "parallel_size": p, "loss": E + 500 * n**-0.3 * (1 + 0.4 * np.log(p)) ** -0.3}
        for g, E in (("pile", 1.3), ("stack", 0.9))
        for n in np.geomspace(5e8, 4.5e9, 6)
        for p in streams
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(split=np.where(frame["parallel_size"] == 8, "test", "train"))


def run(capsys, *arguments):
    assert main([*map(str, arguments), "--tasks", "parallel", "--minutes", "0.12"]) == 0
    return capsys.readouterr().out


def test_test_rows_in_the_table_are_scored(tmp_path, capsys):
    table().to_csv(tmp_path / "parallel.csv", index=False)
    said = run(capsys, tmp_path, "--out", tmp_path / "found.json")
    (result,) = json.loads((tmp_path / "found.json").read_text())
    assert result["r2"] > 0.99
    assert f"{result['r2']:6.3f}" in said
    assert "human law  1.000" in said
    assert result["formula"]
    assert len(result["constants"]) <= PARALLEL.cap
    assert set(result["group_constants"]) == {"pile", "stack"}


def test_parquet_and_test_rows_of_one_group_elsewhere(tmp_path, capsys):
    pytest.importorskip("pyarrow")
    frame = table()
    train, test = (frame[frame["split"] == s].drop(columns="split") for s in ("train", "test"))
    train.to_parquet(tmp_path / "parallel-train.parquet")
    (tmp_path / "unseen").mkdir()
    test[test["group"] == "stack"].to_csv(tmp_path / "unseen" / "parallel.csv", index=False)
    run(capsys, tmp_path, "--test", tmp_path / "unseen", "--out", tmp_path / "found.json")
    (result,) = json.loads((tmp_path / "found.json").read_text())
    assert result["r2"] > 0.98


def test_test_rows_are_never_searched_on(tmp_path, capsys):
    frame = table()
    frame.loc[frame["split"] == "test", "loss"] = 99.0
    frame.to_csv(tmp_path / "parallel.csv", index=False)
    run(capsys, tmp_path, "--out", tmp_path / "found.json")
    (result,) = json.loads((tmp_path / "found.json").read_text())
    assert result["r2"] == -1.0
    assert result["train_r2"] > 0.99


def test_what_is_missing_is_said(tmp_path, capsys):
    assert "no table in" in run(capsys, tmp_path, "--out", tmp_path / "found.json")
    table().drop(columns="num_params").to_csv(tmp_path / "parallel.csv", index=False)
    assert "column 'num_params' is missing" in run(capsys, tmp_path, "--out", tmp_path / "found.json")


def test_hold_outs_inside_train_are_the_largest(tmp_path):
    table().to_csv(tmp_path / "parallel.csv", index=False)
    frame = table_of(PARALLEL, tmp_path)
    points = points_of(PARALLEL, frame[frame["split"] == "train"])
    held = inside(PARALLEL, points)
    assert (points.factors["parallel_streams"][held] == 4).all()
    assert (points.factors["parallel_streams"][~held] < 4).all()


def test_scores_are_clipped_and_averaged_over_outputs(tmp_path):
    table().to_csv(tmp_path / "parallel.csv", index=False)
    points = points_of(PARALLEL, table_of(PARALLEL, tmp_path))
    assert r_squared(PARALLEL, points, points.target) == 1.0
    assert r_squared(PARALLEL, points, points.target + 100) == -1.0
    assert r_squared(PARALLEL, points, np.full(len(points), np.nan)) == -1.0
    assert np.mean([t.human for t in TASKS]) == pytest.approx(HUMAN_MEAN, abs=1e-3)
