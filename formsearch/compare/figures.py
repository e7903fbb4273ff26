"""Data of a comparison's figures, as data frames that a report draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from formsearch.compare.leaderboard import Leaderboard


def parity(board: Leaderboard) -> pd.DataFrame:
    """Observed against predicted.

    Columns: law, part ("train" or "test"), fold, row (number in the table that was read), observed, predicted,
    residual = predicted - observed. Laws stand in the board's order.
    """
    return board.predictions.drop(columns="position").rename(columns={"label": "law"})


def residuals(board: Leaderboard) -> pd.DataFrame:
    """Residual by factor: law, part, fold, row, factor, value, residual; one line a factor of each row."""
    joined = board.predictions.merge(board.factors, left_on="position", right_index=True)
    long = joined.melt(
        id_vars=["label", "part", "fold", "row", "residual"],
        value_vars=list(board.factors.columns),
        var_name="factor",
    )
    return long.rename(columns={"label": "law"})


def by_fold(board: Leaderboard) -> pd.DataFrame:
    """Test error of every law in every fold; one line a law and fold."""
    import pandas as pd

    return pd.DataFrame(
        [
            {"law": s.label, "fold": f.label, "train_rows": f.train_rows}
            | {name: getattr(f.errors, name) for name in ("rows", "mae", "rmse", "r2", "relative", "log")}
            for s in board.scores
            for f in s.folds
        ]
    )


def error_by_distance(board: Leaderboard) -> pd.DataFrame:
    """Test errors against distance from the training range.

    Columns: law, fold, row, error (absolute), relative, overall and nearest (training widths), and `beyond:FACTOR`
    (e-folds, or the factor's own unit).
    """
    tested = board.predictions[board.predictions["part"] == "test"]
    distances = board.distance.frame()
    distances["fold"] = [board.fold_labels[i] for i in distances["fold"]]
    joined = tested.merge(distances, on=["position", "fold"], how="left", validate="many_to_one")
    joined["error"] = joined["residual"].abs()
    joined["relative"] = joined["error"] / joined["observed"].abs()
    columns = ["label", "fold", "row", "error", "relative", "overall", "nearest"]
    columns += [c for c in joined.columns if c.startswith("beyond:")]
    return joined[columns].rename(columns={"label": "law"})
