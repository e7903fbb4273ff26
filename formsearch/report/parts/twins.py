"""Laws that are others under another name, or come to them at the best fit: they say the same, and are told as one."""

from __future__ import annotations

from formsearch.report.schema.board import LeaderboardRecord, ScoreRecord

SAME = 1e-6
"""Errors that differ by a smaller share than this are equal."""


def twins(board: LeaderboardRecord) -> dict[str, str]:
    """Label -> the first on the board with the same errors, fitted and judged."""
    found: dict[str, str] = {}
    firsts: list[ScoreRecord] = []
    for score in board.scores:
        first = next((s for s in firsts if s.kind == score.kind and _alike(s, score)), None)
        if first is None:
            firsts.append(score)
        else:
            found[score.label] = first.label
    return found


def _alike(one: ScoreRecord, other: ScoreRecord) -> bool:
    pairs = [(getattr(a, m), getattr(b, m)) for a, b in ((one.test, other.test), (one.train, other.train))
             for m in ("mae", "rmse")]  # fmt: skip
    return all(a is not None and b is not None and abs(a - b) <= SAME * max(abs(a), abs(b)) for a, b in pairs)
