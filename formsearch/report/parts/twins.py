"""Laws that are others under another name, or come to them at the best fit: they say the same, and are told as one."""

from __future__ import annotations

from formsearch.compare.paired import same_errors
from formsearch.report.schema.board import LeaderboardRecord, ScoreRecord


def twins(board: LeaderboardRecord) -> dict[str, str]:
    """Label -> the first on the board with the same errors, fitted and judged."""
    found: dict[str, str] = {}
    firsts: list[ScoreRecord] = []
    for score in board.scores:
        first = next((s for s in firsts if s.kind == score.kind and same_errors(_errors(s), _errors(score))), None)
        if first is None:
            firsts.append(score)
        else:
            found[score.label] = first.label
    return found


def _errors(score: ScoreRecord) -> tuple[float | None, ...]:
    return score.test.mae, score.test.rmse, score.train.mae, score.train.rmse
