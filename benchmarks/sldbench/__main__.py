"""Run the eight tasks of SLDBench.

    python -m benchmarks.sldbench DIR [--test DIR] [--minutes 40] [--inside] [--tasks moe,sft] [--out results.json]

Reads DIR/TASK.csv (or the original Parquet layout), searches on the train rows of each task with one fixed
configuration, and where test rows are present prints R2 beside the published scores. `--inside` judges on ordered
hold-outs of the train rows instead. Nothing is chosen by hand, and nothing by test rows.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sldbench.tasks import (
    AGENT_MEAN,
    HUMAN_MEAN,
    TASKS,
    Task,
    grouped,
    inside,
    points_of,
    r_squared,
    table_of,
)
from formsearch import Points
from formsearch.exceptions import FormsearchError
from formsearch.search import search
from formsearch.search.front import Front


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sldbench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--test", type=Path, help="folder with the unseen rows, in the same layout")
    parser.add_argument("--minutes", type=float, default=40.0, help="for all tasks together")
    parser.add_argument("--inside", action="store_true", help="judge on ordered hold-outs inside train")
    parser.add_argument("--tasks", default="", help="only these, by commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", type=Path, default=Path("sldbench-results.json"), help="formulas, constants and scores, as JSON"
    )
    options = parser.parse_args(arguments)
    chosen = [t for t in TASKS if not options.tasks or t.name in options.tasks.split(",")]
    end = time.monotonic() + options.minutes * 60
    results = []
    for k, task in enumerate(chosen):
        frame = table_of(task, options.folder)
        if frame is None:
            print(f"{task.name:17s} no table in {options.folder}")
            continue
        # What a task leaves of its time goes to those after it.
        seconds = max((end - time.monotonic()) / (len(chosen) - k), 5.0)
        try:
            results.append(_run(task, *_divided(task, frame, options), seconds, options.seed))
        except FormsearchError as error:
            print(f"{task.name:17s} failed: {error}", flush=True)
            results.append({"task": task.name, "r2": -1.0, "failed": str(error)})
        options.out.write_text(json.dumps(results, indent=1))
    _summary(results)
    return 0


def _divided(task: Task, frame: Any, options: argparse.Namespace) -> tuple[Points, Points | None]:
    """(rows to search on, rows to score on or None)."""
    rows = frame[frame["split"] == "train"]
    train = points_of(task, rows)
    if options.inside:
        held = inside(task, train)
        return train.take(~held), train.take(held)
    unseen = frame[frame["split"] == "test"]
    if options.test is not None:
        other = table_of(task, options.test)
        if other is not None:
            unseen = other[other["split"] == "test"] if (other["split"] == "test").any() else other
    return train, points_of(task, unseen, grouped(rows)) if len(unseen) else None


def _run(task: Task, train: Points, test: Points | None, seconds: float, seed: int) -> dict[str, Any]:
    clock = time.monotonic()
    front = search(train, seconds=seconds, seed=seed, max_constants=task.cap)
    best = front.predictor
    score = r_squared(task, test, best.predict(test)) if test is not None else float("nan")
    fitted = r_squared(task, train, best.predict(train))
    print(
        f"{task.name:17s} R2 {score:6.3f} (train {fitted:6.3f}, human law {task.human:6.3f})  "
        f"{time.monotonic() - clock:4.0f} s  {len(best.law.constants)} constants  {best.law.formula}"
        f"{'' if best.accepted else '  [' + best.acceptance.sentence + ']'}",
        flush=True,
    )
    return {
        "task": task.name,
        "r2": score,
        "train_r2": fitted,
        "human": task.human,
        "tried": front.tried,
        "front": [] if test is None else _scores(task, front, test),
        **best.to_dict(),
    }


def _scores(task: Task, front: Front, test: Points) -> list[dict[str, Any]]:
    """Scores of the whole front, to see what another choice would have given (never used to choose)."""
    return [
        {"formula": c.law.formula, "error": c.error, "train_error": c.train_error, "verdict": c.acceptance.sentence,
         "accepted": c.accepted, "folds": list(c.folds), "complexity": c.complexity,
         "r2": r_squared(task, test, c.predict(test))}
        for c in front.candidates
    ]  # fmt: skip


def _summary(results: list[dict[str, Any]]) -> None:
    scores = [r["r2"] for r in results if np.isfinite(r["r2"])]
    if len(scores) == len(TASKS):
        print(f"mean R2 {np.mean(scores):.3f}   (human laws {HUMAN_MEAN}, LLM-driven agent {AGENT_MEAN})")
    elif scores:
        print(f"mean R2 {np.mean(scores):.3f} over {len(scores)} task(s)")


if __name__ == "__main__":
    raise SystemExit(main())
