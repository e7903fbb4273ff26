"""The last step of each run; rows that repeat others."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from formsearch import read_points
from formsearch.exceptions import InputError, PointsError, UnknownNameError
from formsearch.reading.rows import duplicates


def test_the_last_step_with_a_loss_of_each_run_is_kept() -> None:
    history = pd.DataFrame(
        {
            "run_id": ["a", "b", "a", "b", "a", "c"],
            "_step": [200, 100, 100, 200, 300, 100],
            "params": [1e8, 2e8, 1e8, 2e8, 1e8, 3e8],
            "tokens": [2e9, 1e9, 1e9, 2e9, 3e9, 1e9],
            "loss": [2.9, 3.0, 3.1, 2.8, None, None],
        }
    )
    points = read_points(history, last_by="run_id")
    assert points.rows.tolist() == [1, 4]
    assert points.target.tolist() == [2.9, 2.8]
    assert points.factors["D"].tolist() == [2e9, 2e9]
    assert points.notes[0] == "last step of each run_id by _step: 2 of 6 rows; 1 run(s) have no value of loss"
    with pytest.raises(PointsError, match=r"row 5 has an empty cell"):
        read_points(history)


def test_what_a_run_logs_on_its_first_line_holds_for_its_last(tmp_path: Path) -> None:
    lines = []
    for name, n in (("a", 1e8), ("b", 2e8)):
        lines.append({"run": name, "config": {"params": n}})
        lines += [{"run": name, "tokens": 1e9 * i, "loss": 3.0 - i / 10} for i in (1, 2)]
        lines.append({"run": name, "tokens": 3e9})
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    points = read_points(path, last_by="run")
    assert points.factors["N"].tolist() == [1e8, 2e8]
    assert points.factors["D"].tolist() == [2e9, 2e9]
    assert points.target.tolist() == pytest.approx([2.8, 2.8])
    assert "by the order of rows" in points.notes[0]


def test_runs_may_be_named_by_several_columns_and_rows_chosen_first() -> None:
    frame = pd.DataFrame(
        {"size": ["S", "S", "L", "L"], "seed": [0, 1, 0, 0], "step": [1, 1, 1, 2], "params": [1e6, 1e6, 2e6, 2e6],
         "loss": [3.0, 3.1, 2.5, 2.4]}
    )  # fmt: skip
    assert read_points(frame, last_by=["size", "seed"]).rows.tolist() == [1, 2, 4]
    assert read_points(frame, last_by="size", where="step < 2").rows.tolist() == [2, 3]
    assert read_points(frame, last_by=["size", "seed"], duplicates="mean").rows.tolist() == [1, 4]


def test_wrong_requests_are_explained() -> None:
    frame = pd.DataFrame({"run": ["a"], "params": [1e6], "loss": [None]})
    with pytest.raises(UnknownNameError, match="column in --last-by 'runs': did you mean 'run'"):
        read_points(frame, last_by="runs")
    with pytest.raises(PointsError, match="no row has a value of loss"):
        read_points(frame, last_by="run")
    with pytest.raises(InputError, match="--duplicates median: choose keep, mean or min"):
        read_points(frame.assign(loss=1.0), duplicates="median")


def test_equal_rows_are_kept_averaged_or_the_least_is_taken() -> None:
    frame = pd.DataFrame(
        {"params": [1e8, 2e8, 1e8, 1e8], "loss": [3.0, 2.5, 3.2, 3.1], "kind": ["a", "a", "a", "b"], "w": [1, 1, 3, 1],
         "seed": [0, 0, 1, 0]}
    )  # fmt: skip
    kept = read_points(frame, group="kind", weight="w")
    assert len(kept) == 4
    assert duplicates(kept) == 1
    mean = read_points(frame, group="kind", weight="w", duplicates="mean")
    assert mean.target.tolist() == pytest.approx([3.1, 2.5, 3.1])
    assert mean.rows.tolist() == [1, 2, 4]
    assert mean.groups == ("a", "b")
    assert mean.weight is not None
    assert mean.weight.tolist() == [4.0, 1.0, 1.0]
    assert mean.other["seed"].tolist() == [0, 0, 0]
    assert "4 rows merged into 3 points, the mean of equal ones taken" in mean.notes
    least = read_points(frame, duplicates="min")
    assert least.target.tolist() == [3.0, 2.5]
    assert least.hash != mean.hash


def test_merging_what_has_no_repeats_changes_nothing() -> None:
    frame = pd.DataFrame({"params": np.arange(1.0, 5.0) * 1e6, "loss": np.arange(4.0) + 1})
    assert read_points(frame, duplicates="mean").hash == read_points(frame).hash
    assert read_points(frame, duplicates="mean").notes == read_points(frame).notes
