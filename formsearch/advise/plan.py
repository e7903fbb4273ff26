"""From fits to advice: predictions of all feasible runs with their uncertainty, a design for each aim, words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formsearch.advise.advice import Advice, Aim, Proposed
from formsearch.advise.design import Task, choose
from formsearch.advise.grid import Grid, beyond, feasible_runs
from formsearch.exceptions import InputError
from formsearch.fit.identifiability import noise_size
from formsearch.fit.result import Fit
from formsearch.fit.uncertainty import Resamples
from formsearch.pace import Tell, silent
from formsearch.points import Points

Array = NDArray[np.float64]

REFITS = 0.8
"""Share of the work that goes into refits of resampled points; the rest is choosing runs."""

FAR = 10.0
"""The far prediction: the dearest run so far, with this many times its compute."""

CLIP = 0.02
"""Share of resamples at each end whose predictions and quantities are drawn in: a few refits run away."""

APART = 3.0
"""Standard deviations at which two laws are called told apart."""


@dataclass(frozen=True, eq=False)
class Knowledge:
    """A fit on the grid: predictions, shape (m,), their deviations over resamples, (n, m), and the refits."""

    fit: Fit
    resamples: Resamples
    predictions: Array
    deviations: Array


def plan(
    fits: Sequence[Fit],
    quantities: Mapping[str, str],
    budget: float | None,
    runs: int,
    resamples: int,
    seed: int,
    tell: Tell = silent,
) -> Advice:
    """See `formsearch.advise.advise`."""
    points = _common_points(fits)
    if budget is not None and not (math.isfinite(budget) and budget > 0):
        raise InputError(f"budget must be positive and finite, not {budget!r}")
    if runs < 1:
        raise InputError(f"runs must be at least 1, not {runs!r}")
    grid = feasible_runs(points)
    allowed = budget if budget is not None else float(points.column("C").max()) if grid.costed else float(runs)
    affordable = grid.cost <= allowed
    if not affordable.any():
        raise InputError(f"no run costs less than the budget of {allowed:.3g} FLOPs: the cheapest that the points "
                         f"suggest takes {float(grid.cost.min()):.3g}")  # fmt: skip
    grid = grid.take(affordable)
    known: list[Knowledge] = []
    notes: list[str] = []
    for i, fit in enumerate(fits):
        tell(REFITS * i / len(fits), f"refits of {fit.law.name}")
        try:
            known.append(_knowledge(fit, grid, resamples, seed))
        except InputError as error:
            if not known:  # without the leading law there is nothing to tell others from
                raise
            notes.append(f"{fit.law.name} is left out: {error}")
    usable = np.all([np.isfinite(k.deviations).all(axis=0) & np.isfinite(k.predictions) for k in known], axis=0)
    if not usable.any():
        raise InputError(f"{fits[0].law.name} predicts no finite value at any feasible run: nothing to advise")
    grid = grid.take(usable)
    known = [Knowledge(k.fit, k.resamples, k.predictions[usable], k.deviations[:, usable]) for k in known]
    noise = _noise(known[0])
    aims: list[Aim] = []
    for i, other in enumerate(known[1:]):
        tell(REFITS + (1 - REFITS) * i / len(known), f"runs that would tell {other.fit.law.name} apart")
        aims.append(_separate(known[0], other, grid, noise, allowed, runs))
    tell(1 - (1 - REFITS) / len(known), f"runs that would pin down {fits[0].law.name}")
    aims += _pin_down(known, quantities, grid, noise, allowed, runs)
    notes += [
        "candidates are shapes of the given runs in sizes and data scaled by powers of two",
        "standard deviations from refits of resampled points and the scatter of the leading law; a wrong form is "
        "not in them",
    ]
    if not grid.costed:
        notes.append("the points give no compute (C, or N and D): every run counts as one, inside the range so far")
    sd = float(np.median(noise))
    return Advice(fits[0].law.name, tuple(aims), allowed, grid.costed, sd, len(grid), points.describe(), tuple(notes))


def _common_points(fits: Sequence[Fit]) -> Points:
    if not fits:
        raise InputError("advice needs at least one fit: give fit(law, points), the leading law first")
    points = fits[0].data
    for fit in fits:
        if fit.data.hash != points.hash:
            raise InputError(
                f"{fit.law.name} was fitted to points {fit.data.hash}, {fits[0].law.name} to {points.hash}: fit all "
                "to the same points"
            )
        if fit.group_constants:
            raise InputError(f"{fit.law.name} has constants per group: ask for advice on one group at a time")
    return points


def _knowledge(fit: Fit, grid: Grid, n: int, seed: int) -> Knowledge:
    refits = fit.bootstrap(n, seed=seed)
    columns, _ = fit.law.bind(grid.points)
    values = np.stack([
        fit.law.evaluate(columns, dict(zip(refits.names, row, strict=True))) for row in refits.constants
    ])  # fmt: skip
    return Knowledge(fit, refits, fit.predict(grid.points), _centred(values))


def _centred(values: Array) -> Array:
    """Deviations from the mean over resamples, the outermost drawn in."""
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(values, [CLIP, 1 - CLIP], axis=0)
        clipped = np.clip(values, low, high)
    return np.asarray(clipped - clipped.mean(axis=0))


def _noise(known: Knowledge) -> Array:
    """Standard deviation of a run at each feasible configuration, from the scatter about the leading law."""
    fit = known.fit
    residuals = fit.loss.residuals(fit.data.target, fit.predict(fit.data))
    sd = noise_size(residuals, fit.n_constants, fit.loss)
    size = np.abs(known.predictions) * sd if fit.loss.log else np.full(len(known.predictions), sd)
    floor = 1e-9 * float(np.abs(fit.data.target).max())  # exact points have no noise, and then any run would do
    return np.asarray(np.maximum(size, floor))


# -- aims --------------------------------------------------------------------------------------------------------


def _separate(lead: Knowledge, other: Knowledge, grid: Grid, noise: Array, budget: float, runs: int) -> Aim:
    """Runs that tell another law from the leading one."""
    n = min(len(lead.deviations), len(other.deviations))
    # Stacked, not subtracted: the covariances of the two laws add up, as if they erred independently (cautious).
    task = Task(
        lead.predictions - other.predictions,
        np.concatenate([lead.deviations[:n], other.deviations[:n]]) * math.sqrt((2 * n - 1) / (n - 1)),
        noise,
    )
    chosen = choose(task, grid.cost, budget, runs)
    z = math.sqrt(task.distance(chosen))
    proposed = _proposed(chosen, grid, lead.fit.data, [lead, other])
    what = other.fit.law.name
    if not chosen:
        said = f"no run within the budget tells {what} from {lead.fit.law.name}: they predict the same everywhere"
    else:
        cost = _cost(grid, chosen)
        said = (
            f"{_count(len(chosen))} {cost} would set {lead.fit.law.name} and {what} {z:.2g} standard deviations apart"
        )
        said += ": enough to decide" if z >= APART else f": not enough to decide (which takes {APART:g})"
    return Aim("separate", what, proposed, 0.0, z, None, said)


def _pin_down(
    known: Sequence[Knowledge], quantities: Mapping[str, str], grid: Grid, noise: Array, budget: float, runs: int
) -> list[Aim]:
    """Runs that narrow the far prediction and each quantity of the leading law."""
    lead = known[0]
    samples: dict[str, tuple[Array, float | None]] = {}
    if grid.costed:
        far = _far(lead.fit.data)
        columns, _ = lead.fit.law.bind(far)
        refits = (dict(zip(lead.resamples.names, row, strict=True)) for row in lead.resamples.constants)
        values = np.array([float(lead.fit.law.evaluate(columns, c)[0]) for c in refits])
        label = f"{lead.fit.data.target_name} at {float(far.column('C')[0]):.2g} FLOPs"
        samples[label] = (values, float(lead.fit.predict(far)[0]))
    for name, formula in quantities.items():
        at_fit = Resamples(lead.resamples.names, np.array([[lead.fit.constants[c] for c in lead.resamples.names]]),
                           lead.fit.constants, "", 0, 0)  # fmt: skip
        samples[name] = (lead.resamples.quantity(formula), float(at_fit.quantity(formula)[0]))
    aims = []
    for name, (values, estimate) in samples.items():
        if np.isfinite(values).all() and np.ptp(values) > 0:
            aims.append(_narrow(name, values, estimate, lead, grid, noise, budget, runs))
    return aims


def _narrow(
    name: str, values: Array, estimate: float | None, lead: Knowledge, grid: Grid, noise: Array, budget: float,
    runs: int,
) -> Aim:  # fmt: skip
    own = _centred(values[:, None])[:, 0]
    variance = float(own.var(ddof=1))
    task = Task(own @ lead.deviations / (len(own) - 1), lead.deviations, noise)
    chosen = choose(task, grid.cost, budget, runs)
    before = math.sqrt(variance)
    after = math.sqrt(max(variance - task.distance(chosen), 0.0))
    now = "" if estimate is None else f" (now {estimate:.4g})"
    if not chosen:
        said = f"no run within the budget tells more about {name}{now}"
    else:
        said = (
            f"{_count(len(chosen))} {_cost(grid, chosen)} would bring the standard deviation of {name}{now} from "
            f"{before:.2g} to {after:.2g}"
        )
    return Aim("pin down", name, _proposed(chosen, grid, lead.fit.data, [lead]), before, after, estimate, said)


def _far(points: Points) -> Points:
    """The dearest run so far, its sizes and data scaled alike to `FAR` times its compute."""
    from formsearch.advise.grid import data_of, sizes_of

    dearest = points.take(np.array([int(np.argmax(points.column("C")))]))
    scaled = [*sizes_of(points), *data_of(points)]
    both = bool(sizes_of(points)) and bool(data_of(points))
    factor = math.sqrt(FAR) if both else FAR
    columns = {q: v * factor if q in scaled else v * FAR if q == "C" else v for q, v in dearest.factors.items()}

    return replace(dearest, factors=columns)


def _proposed(chosen: list[int], grid: Grid, points: Points, known: Sequence[Knowledge]) -> tuple[Proposed, ...]:
    made = []
    for i in sorted(set(chosen), key=lambda i: (float(grid.cost[i]), i)):
        factors = {q: float(v[i]) for q, v in grid.points.factors.items()}
        predictions = {k.fit.law.name: float(k.predictions[i]) for k in known}
        cost = float(grid.cost[i]) if grid.costed else None
        made.append(Proposed(factors, chosen.count(i), cost, predictions, beyond(points, factors)))
    return tuple(made)


def _cost(grid: Grid, chosen: list[int]) -> str:
    return f"of {float(grid.cost[chosen].sum()):.2g} FLOPs together" if grid.costed else "inside the range so far"


def _count(n: int) -> str:
    return "1 more run" if n == 1 else f"{n} more runs"
