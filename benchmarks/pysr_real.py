"""One real run of PySR, end to end, for a machine that has Julia: what was found, or exactly what is missing.

    python -m benchmarks.pysr_real DATA [--seconds 120] [--around LAW] [--allow-julia-install] [--target loss]
                                        [--columns N=params,D=tokens] [--where "is_outlier == 0"] [--folder runs]

DATA is a table or the name of a data set. The rows below the 80 % quantile of compute are searched on, the others are
predicted at the end (a data set with its own split keeps it). Exit code 0: searched; 3: something is missing, and one
command completes it; 1: the search failed.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from formsearch.exceptions import EngineMissingError, FormsearchError
from formsearch.points import Points
from formsearch.search.pysr.engine import PySR
from formsearch.search.pysr.probe import probe

HELD_OUT = 0.2


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="One real run of PySR, end to end.")
    parser.add_argument("data")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--around", metavar="LAW")
    parser.add_argument("--target")
    parser.add_argument("--columns", default="", metavar="QUANTITY=COLUMN,...")
    parser.add_argument("--where")
    parser.add_argument("--folder")
    parser.add_argument("--blind", action="store_true", help="no guesses from the registry")
    parser.add_argument("--allow-julia-install", action="store_true")
    return parser.parse_args(given)


def points_of(asked: argparse.Namespace) -> Points:
    from formsearch.data import load

    columns = dict(pair.split("=", 1) for pair in asked.columns.split(",") if pair)
    wanted = {"target": asked.target, "columns": columns or None, "where": asked.where}
    return load(asked.data, **{k: v for k, v in wanted.items() if v})


def divided(points: Points) -> tuple[Points, Points | None]:
    """(rows to search on, rows to predict)."""
    if points.split is not None:
        labels = {str(s) for s in points.split}
        if {"fit", "validation"} <= labels:
            return points.only("fit"), points.only("validation")
    from formsearch.search.judge import overall_size, size_axes

    axes = size_axes(points)
    if not axes:
        return points, None
    size = overall_size(points, axes)
    large = size >= np.quantile(size, 1 - HELD_OUT)
    return points.take(~large), points.take(large)


def main(given: list[str] | None = None) -> int:
    asked = arguments(given)
    found = probe()
    print(f"pysr {found.package_version}, Julia {found.julia_version} ({found.julia}; wanted {found.julia_wanted})")
    print(f"SymbolicRegression.jl {found.backend_version} (wanted {found.backend_wanted}) in {found.project}")
    engine = PySR(around=asked.around, folder=asked.folder)
    engine.allow_install = asked.allow_julia_install or engine.allow_install
    if missing := engine.available():
        print(f"missing: {missing}", file=sys.stderr)
        return EngineMissingError.exit_code
    try:
        return searched(asked, engine)
    except FormsearchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def searched(asked: argparse.Namespace, engine: PySR) -> int:
    from formsearch.search import search

    train, test = divided(points_of(asked))
    print(f"{train!r}: searching for {asked.seconds:.0f} s")
    begun = time.monotonic()
    front = search(
        train, engine=engine, seconds=asked.seconds, seed=asked.seed, seeds=None if asked.blind else "registry",
        progress=lambda p: print(f"{p.seconds:6.0f} s  {p.error:.3g}  {p.best[:90]}", flush=True),
    )  # fmt: skip
    print(f"{time.monotonic() - begun:.0f} s: {front.status}")
    for c in front.candidates:
        told = "" if test is None else f"  {told_on(test, c.predict(test))}"
        print(f"{c.complexity:4d}  {c.error:.4g}  {'accepted' if c.accepted else '        '}{told}  {c.law.formula}")
    for note in front.notes:
        print(f"note: {note}")
    best = front.best
    print("nothing was accepted" if best is None else f"best: {best.law.formula} with {dict(best.constants)}")
    return 0


def told_on(test: Points, predicted: np.ndarray) -> str:
    """Root-mean-square error and R2 on rows that the search never saw."""
    residual = predicted - test.target
    spread = float(np.sum((test.target - test.target.mean()) ** 2)) or 1.0
    return f"rms {float(np.sqrt(np.mean(residual**2))):.4f} R2 {1 - float(np.sum(residual**2)) / spread:.3f}"


if __name__ == "__main__":
    sys.exit(main())
