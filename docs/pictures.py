"""The pictures of the README, from real runs: `python docs/pictures.py [TABLE]`.

TABLE is Chinchilla's digitised runs as a CSV file (columns params, tokens, loss, is_outlier), by default the data set
`chinchilla`, after `formsearch data fetch chinchilla`. The pictures are those of the report: nothing is drawn here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import formsearch as fs
from formsearch.report.collect import document
from formsearch.report.context import build

OUT = Path(__file__).parent / "_static" / "pictures"
LAWS = ["chinchilla", "skaling2026", "kaplan2020"]
BUDGETS = [1e18, 1e20, 1e22, 1e24]
PICTURES = {"extrapolation": "extrapolation", "budgets-chinchilla": "budgets"}
"""Figure of the report -> file."""


def main(table: str) -> None:
    """Compare, derive, and keep two of the report's figures."""
    columns = {"N": "params", "D": "tokens"} if table.endswith(".csv") else {}
    points = fs.load(table, columns=columns, where="is_outlier == 0") if columns else fs.load(table)
    board = fs.compare(points, laws=LAWS, split=fs.Ordered("C", test=0.2))
    fitted = fs.fit("chinchilla", points, objective=fs.Huber(1e-3, log=True))
    frontier = fs.derive("chinchilla", constants=fitted, subject_to="C = 6*N*D", sweep={"C": BUDGETS})
    OUT.mkdir(parents=True, exist_ok=True)
    for figure in build(document([points, board, frontier])).figures():
        if figure.name in PICTURES:
            path = OUT / f"{PICTURES[figure.name]}.png"
            figure.draw().savefig(path, dpi=160, metadata={"Software": None})
            print(f"{path.relative_to(OUT.parents[2])}: {figure.caption}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "chinchilla")
