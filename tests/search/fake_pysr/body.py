"""What the stand-in does when it is imported and when it is asked to fit. Runs in the child process.

`FAKE_PYSR` in the environment is JSON: `equations` that the "search" finds one after the other (their losses are
computed on the data), `mode` how it fails, `step` the seconds between two of them, `log` a file to which the options
are written.
"""

import json
import math
import os
import re
import signal
import time
from pathlib import Path

import numpy as np

BEHAVIOUR = json.loads(os.environ.get("FAKE_PYSR", "{}"))
SYMPY_NAMES = {"N", "E", "S", "I", "O", "Q", "beta", "gamma", "zeta"}


def start_julia():
    """As juliapkg does: lines on stdout, and a bare Exception where there is no Julia."""
    print("[juliapkg] Found dependencies: pysr/juliapkg.json")
    if BEHAVIOUR.get("mode") == "slow import":
        time.sleep(BEHAVIOUR["step"])
    if BEHAVIOUR.get("mode") == "no julia":
        if os.environ.get("PYTHON_JULIAPKG_OFFLINE") != "yes":
            Path(BEHAVIOUR["log"]).write_text("downloaded Julia")
            return
        raise Exception("could not find Julia 1.10.3 - 1.11")
    if BEHAVIOUR.get("mode") == "broken julia":
        os.kill(os.getpid(), signal.SIGSEGV)


def search(model, X, y, weights, names):
    """Write the front again and again, one row more each time, as PySR does."""
    _check(model, X, y, weights, names)
    if BEHAVIOUR.get("log"):
        told = {k: v for k, v in vars(model).items() if v is not None and k != "expression_spec"}
        Path(BEHAVIOUR["log"]).write_text(json.dumps(told))
    folder = Path(model.output_directory) / model.run_id
    folder.mkdir(parents=True)
    (folder / "checkpoint.pkl").write_bytes(b"a pickle")
    spec = model.expression_spec
    columns = dict(zip(names or spec.variable_names, X.T, strict=True))
    begun, step, mode = time.monotonic(), BEHAVIOUR.get("step", 0.0), BEHAVIOUR.get("mode", "")
    front = {}
    found = [*(model.guesses or []), *BEHAVIOUR["equations"]] if hasattr(model, "guesses") else BEHAVIOUR["equations"]
    # No search finds a variable that its table lacks.
    found = [e for e in found if isinstance(e, dict) or set(re.findall(r"x_\w+", e)) <= set(columns)]
    for k, equation in enumerate(found):
        text, loss = _judged(equation, columns, y)
        size = len(text.split()) + 1
        if loss < front.get(size, (math.inf,))[0] or mode == "infinities":
            front[size] = (loss, text)
        _write(folder, front)
        _fail(mode, k, folder)
        time.sleep(step)
        if mode != "deaf" and time.monotonic() - begun > model.timeout_in_seconds:
            break
    while mode == "deaf":
        time.sleep(0.1)
    return front


def best(front):
    if not front:
        raise ValueError("no equations")
    size = min(front, key=lambda k: front[k][0])
    return {"complexity": size, "loss": front[size][0], "equation": front[size][1]}


def _check(model, X, y, weights, names):
    """What PySR refuses."""
    for name in names or []:
        if name in SYMPY_NAMES:
            raise ValueError(f"Variable name {name} is already a function name")
    if getattr(model, "operators", None) is not None:
        if model.binary_operators is not None or model.unary_operators is not None:
            raise ValueError("operators and binary_operators exclude each other")
        if not all(isinstance(k, int) for k in model.operators):
            raise ValueError("operators must be by arity")
    head = model.elementwise_loss.split("=")[0]
    if head.count(",") != (2 if weights is not None else 1):
        raise ValueError("elementwise_loss has the wrong number of arguments")
    if weights is not None and weights.shape != y.shape:
        raise ValueError("weights must be of the shape of y")
    if model.maxsize < 7:
        raise ValueError("maxsize must be at least 7")
    if model.deterministic and (model.parallelism != "serial" or model.random_state is None):
        raise ValueError("deterministic needs serial and random_state")
    if model.expression_spec is not None and names is not None:
        raise ValueError("Cannot pass variable_names with a template")
    if not np.isfinite(X).all() or X.ndim != 2:
        raise ValueError("Input X contains NaN or infinity")


def _judged(equation, columns, y):
    """(the equation as it is printed, its mean squared error)."""
    if isinstance(equation, dict):  # a guess of a template
        text = "; ".join(f"{k} = {v}" for k, v in equation.items())
        return text, 1e-3
    if "=" in equation:
        return equation, 1e-3
    scope = {"exp": np.exp, "log": np.log, "__builtins__": {}, **columns}
    with np.errstate(all="ignore"):
        predicted = eval(equation.replace("^", "**"), scope)
    return equation, float(np.mean((predicted - y) ** 2))


def _write(folder, front):
    lines = ["Complexity,Loss,Equation", *(f'{k},{front[k][0]!r},"{front[k][1]}"' for k in sorted(front))]
    text = "\n".join(lines) + "\n"
    for name in ("hall_of_fame.csv", "hall_of_fame.csv.bak"):
        (folder / name).write_text(text.replace("inf", "Inf").replace("nan", "NaN"))


def _fail(mode, k, folder):
    """Ways to end in the middle, after the row `k` was written."""
    csv = folder / "hall_of_fame.csv"
    if k < 1 or mode not in ("abort", "zero bytes", "partial line", "raise"):
        return
    if mode == "raise":
        raise RuntimeError("<Julia exception> DomainError with -1.0:\nlog was called with a negative real argument")
    if mode == "zero bytes":
        csv.write_bytes(b"")
    if mode == "partial line":
        text = csv.read_text()
        csv.write_text(text[: len(text) - 9])
    os.kill(os.getpid(), signal.SIGABRT)
