"""What Operon chooses by itself: its scikit-learn class, in a child process, with its own model selection.

Run by `benchmarks.search_quality` beside our Operon engine, at equal wall time and threads, on the same scaled
columns (on raw ones it does worse). `default` is the class as it comes; `tuned` has powers among its symbols, ten
iterations of Levenberg-Marquardt a tree and (error, length) as objectives, as its users set it for such data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from formsearch.points import Points
from formsearch.search.child import Children, Send, processors, serve
from formsearch.search.discovery import variables_of
from formsearch.search.scaling import Scaling

SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "tuned": {
        "allowed_symbols": "add,mul,div,pow,constant,variable", "optimizer_iterations": 10, "max_length": 30,
        "objectives": ["mse", "length"],
    },
}  # fmt: skip


def work(request: dict[str, Any], send: Send) -> None:
    """Fit the class and predict the columns asked for."""
    import warnings

    from pyoperon.sklearn import SymbolicRegressor

    warnings.simplefilter("ignore")
    model = SymbolicRegressor(
        max_time=max(1, round(request["seconds"])), max_evaluations=2**62, generations=2**31,
        n_threads=request["threads"], random_state=request["seed"], **SETTINGS[request["setting"]],
    )  # fmt: skip
    x = np.asarray(request["columns"], dtype=np.float64).T
    model.fit(x, np.asarray(request["target"]))
    text = model.get_model_string(model.model_, 8)
    send({"text": text, "predicted": [model.predict(np.asarray(p).T).tolist() for p in request["predict"]]})


def choices(
    points: Points, tables: Sequence[Points], seconds: float, seed: int = 0
) -> dict[str, tuple[str, list[np.ndarray[Any, np.dtype[np.float64]]]]]:
    """Setting -> (formula in scaled variables, predictions of each table) after so many seconds on `points`."""
    scaling = Scaling.of(points, variables_of(points))
    requests = [
        {
            "columns": [c.tolist() for c in scaling.columns(points).values()],
            "target": scaling.targets(points).tolist(),
            "predict": [[c.tolist() for c in scaling.columns(t).values()] for t in tables],
            "seconds": seconds, "seed": seed, "setting": setting, "threads": processors(),
        }
        for setting in SETTINGS
    ]  # fmt: skip
    with Children("benchmarks.operon_default", requests, 2 * seconds + 60, workers=1) as children:
        found = {
            str(requests[k]["setting"]): (
                answer["text"], [np.asarray(p, dtype=np.float64) * scaling.target for p in answer["predicted"]]
            )
            for k, answer in children.answers()
        }  # fmt: skip
    for request, outcome in zip(requests, children.outcomes, strict=True):
        if outcome.status != "done":
            print(f"operon's own class, {request['setting']}: {outcome.error or outcome.status}")
    return found


if __name__ == "__main__":
    raise SystemExit(serve(work))
