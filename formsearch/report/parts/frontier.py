"""Pictures of a constrained derivation: the best allocation along the budget, and the law at fixed budgets."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from formsearch.report import plots
from formsearch.report.blocks import Figure
from formsearch.report.context import Builder
from formsearch.report.figures import unit_of
from formsearch.report.schema.derivation import DerivationRecord, TableRecord
from formsearch.report.schema.points import LawRecord
from formsearch.typesetting import maths
from formsearch.typesetting.numbers import number, sized

Array = NDArray[np.float64]

BUDGETS = 4
"""Budgets at which the law is drawn."""

SPAN = 12.0
"""It is drawn from the optimum over SPAN to the optimum times SPAN."""


def figures(b: Builder, d: DerivationRecord) -> list[Figure]:
    """The panels of a derivation's frontier; none without a frontier table of three rows."""
    table = next((t for t in d.tables if t.name == "frontier"), None)
    if table is None:
        return []
    columns = _numbers(table)
    given, *rest = columns
    record = b.law(d.law, d.formula)
    quantities = {v.symbol: v.quantity for v in record.variables}
    sizes = [n for n in rest if n in quantities and unit_of(quantities[n]) in ("parameters", "tokens")]
    if len(columns[given]) < 3 or not sizes:
        return []
    panels = [_allocation(b, d, columns, given, sizes)]
    curves = _at_budgets(d, record, columns, given, sizes)
    return [*panels, curves_figure] if curves and (curves_figure := _valleys(b, d, record, columns, curves)) else panels


def _numbers(table: TableRecord) -> dict[str, Array]:
    """The columns as numbers, without the rows that lack one."""
    values = {
        name: np.asarray([v if isinstance(v, int | float) else np.nan for v in column], dtype=float)
        for name, column in table.columns.items()
    }
    keep = np.all([np.isfinite(v) for v in values.values()], axis=0)
    return {name: v[keep] for name, v in values.items()}


def _allocation(b: Builder, d: DerivationRecord, columns: Mapping[str, Array], given: str, sizes: list[str]) -> Figure:
    """Optimal sizes against the budget."""
    x = columns[given]
    slopes = {n: float(np.polyfit(np.log(x), np.log(columns[n]), 1)[0]) for n in sizes}
    alt = "; ".join(
        f"{n} grows from {sized(columns[n][0], 'parameters')} to {sized(columns[n][-1], 'parameters')}, "
        f"on average as {given} to the power {number(slopes[n], 3)}"
        for n in sizes
    )
    return b.figure(
        f"frontier-{d.law}",
        f"Best {' and '.join(sizes)} of {d.law} at given {given}",
        f"Best allocation along {given}: {alt}",
        lambda: plots.allocation(x, {n: columns[n] for n in sizes}, given),
        {given: x, **{n: columns[n] for n in sizes}},
        d.simulated or b.simulated,
    )


def _at_budgets(
    d: DerivationRecord, record: LawRecord, columns: Mapping[str, Array], given: str, sizes: list[str]
) -> dict[float, tuple[Array, Array, float, float]]:
    """Budget -> (size, target along the constraint, best size, best target); empty where that cannot be drawn."""
    import sympy

    from formsearch.exceptions import FormsearchError
    from formsearch.law import Constant, Law, Variable

    if len(sizes) != 2 or d.subject_to.count("=") != 1:
        return {}
    size, other = sizes
    letters = {v.quantity: v.symbol for v in record.variables}
    left, right = re.sub(r"[A-Za-z_]\w*", lambda m: letters.get(m[0], m[0]), d.subject_to).split("=")
    constants = {k: v for k, v in d.constants.items() if v is not None}
    held = {k: v for k, v in d.settings.items() if v is not None}
    try:
        relation = maths.read(left) - maths.read(right)
        solved = sympy.solve(relation, sympy.Symbol(other))
        law = Law(
            record.name,
            d.formula,
            tuple(Variable(v.symbol, v.quantity) for v in record.variables),
            tuple(Constant(c) for c in constants),
            target=record.target,
        )
        symbols = (sympy.Symbol(given), sympy.Symbol(size))
        if len(solved) != 1 or not solved[0].free_symbols <= set(symbols):
            return {}
        along = sympy.lambdify(symbols, solved[0], modules="numpy")
        chosen = np.unique(np.linspace(0, len(columns[given]) - 1, BUDGETS).round().astype(int))
        curves = {}
        for i in chosen:
            budget, best = float(columns[given][i]), float(columns[size][i])
            x = np.geomspace(best / SPAN, best * SPAN, 81)
            here = {**held, **{n: float(v[i]) for n, v in columns.items() if n in law.variable_names}}
            y = law.evaluate({**here, size: x, other: along(budget, x)}, constants)
            at = law.evaluate({**here, size: best, other: along(budget, best)}, constants)
            curves[budget] = (x, y, best, float(at[0]))
    except (FormsearchError, NotImplementedError, KeyError):
        return {}
    return curves if all(np.isfinite(y).all() for _, y, _, _ in curves.values()) else {}


def _valleys(
    b: Builder,
    d: DerivationRecord,
    record: LawRecord,
    columns: Mapping[str, Array],
    curves: Mapping[float, tuple[Array, Array, float, float]],
) -> Figure:
    given, size = list(columns)[:2]
    name = next(v.quantity for v in record.variables if v.symbol == size)
    label = f"{record.target} ({b.target_unit(b.points(None)) or 'nats/token'})"
    data: dict[str, list[float]] = {given: [], size: [], record.target: []}
    for budget, (x, y, _, _) in curves.items():
        data[given] += [budget] * len(x)
        data[size] += list(x)
        data[record.target] += list(y)
    alt = "; ".join(
        f"at {given} {number(budget, 2)} lowest at {sized(best, unit_of(name))}"
        for budget, (_, _, best, _) in curves.items()
    )
    names = {budget: f"{given} = {number(budget, 2)}" for budget in curves}
    return b.figure(
        f"budgets-{d.law}",
        f"{d.law} along {size} at fixed {given}; a diamond marks the best",
        f"{record.target} along {size} at {len(curves)} values of {given}: {alt}; it falls by "
        f"{number(_fall(curves), 2)} from the least to the greatest",
        lambda: plots.valleys({names[k]: v for k, v in curves.items()}, name, label),
        data,
        d.simulated or b.simulated,
    )


def _fall(curves: Mapping[float, tuple[Array, Array, float, float]]) -> float:
    """How much the best target falls over the budgets drawn."""
    best = [at for _, _, _, at in curves.values()]
    return best[0] - best[-1] if best else math.nan
