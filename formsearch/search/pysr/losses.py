"""Our objectives as PySR's elementwise losses: Julia text of l(prediction, target[, weight]).

PySR averages the result over the rows, where formsearch sums; that changes no optimum. A factor in front does not
either, but is kept, so that a loss in PySR's table times the rows is our objective (of equal weights).
With r = f - y, or r = ln f - ln y where the objective is logarithmic; a logarithm that does not exist is an infinite
loss, by which PySR rejects the form.
"""

from __future__ import annotations

from formsearch.core.objectives import Asymmetric, Huber, LeastSquares, Objective, SoftL1, StudentT
from formsearch.exceptions import InputError


def elementwise_loss(objective: Objective, weighted: bool = False, unit: float = 1.0) -> str:
    """Julia source of the objective's penalty of one row, for targets in units of `unit`.

    Raises `InputError` for an objective that is not ours.
    """
    residual = "log(p) - log(t)" if objective.log else "p - t" if unit == 1.0 else f"{unit!r} * (p - t)"
    body = f"let r = {residual}; {_rho(objective)} end"
    if objective.log:
        body = f"p > 0 ? ({body}) : oftype(p, Inf)"
    return f"loss(p, t, w) = w * ({body})" if weighted else f"loss(p, t) = {body}"


def _rho(objective: Objective) -> str:
    """The penalty in r. Numbers are written with a point, so that Julia reads Float64."""
    match objective:
        case LeastSquares():
            return "0.5 * r^2"
        case Huber(delta=d):
            return f"abs(r) <= {d!r} ? 0.5 * r^2 : {d!r} * (abs(r) - {0.5 * d!r})"
        case SoftL1(scale=s):
            return f"{s * s!r} * (sqrt(1.0 + (r / {s!r})^2) - 1.0)"
        case StudentT(scale=s, df=df):
            return f"{0.5 * (df + 1.0)!r} * log1p(r^2 / {df * s * s!r})"
        case Asymmetric(penalty=k):
            return f"(r < 0 ? {k!r} : 1.0) * 0.5 * r^2"
    raise InputError(
        f"objective {objective.name} has no counterpart in PySR: use ls, huber, softl1, student, asymmetric"
    )
