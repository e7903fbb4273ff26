"""The frontier over a swept quantity as a table, with the ends of intervals where there are closed forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from formsearch.derive.derivation import Table
from formsearch.derive.frontier import Frontier
from formsearch.derive.outcome import letter
from formsearch.derive.problem import resolve
from formsearch.pace import Tell, each, silent

if TYPE_CHECKING:
    from formsearch.derive.uncertainty import Resampled


def frontier_tables(
    frontier: Frontier,
    sweep: Mapping[str, Sequence[float]] | None,
    drawn: Resampled | None = None,
    tell: Tell = silent,
) -> tuple[Table, ...]:
    """The frontier over the swept quantity, if every other variable has a value.

    With resamples, every optimum and the target come with the ends of their intervals: from closed forms, or solved
    anew at each resample next to the optimum.
    """
    rest = frontier.joint.rest
    if not rest.values or not frontier.constraint.extra:
        return ()
    given = _swept(frontier, sweep)
    values = _values(frontier, given, sweep)
    target, pair = letter(rest), frontier.tokens_and_size
    columns = [given, *frontier.order, *([f"{pair[0]}/{pair[1]}"] if pair else []), target]
    banded = [*frontier.order, target]
    if drawn is not None:
        columns += [f"{n} {side}" for n in banded for side in ("low", "high")]
        drawn = drawn.thinned(_SEVERAL_DRAWS) if len(frontier.joint.left) > 1 else drawn
    rows: list[tuple[float | None, ...]] = []
    for v in each(values, tell, lambda v: f"frontier at {given} = {v:.3g}"):
        found = frontier.at({given: float(v)})
        if found is None:
            rows.append((float(v), *([None] * (len(columns) - 1))))
            continue
        ratio = [found[pair[0]] / found[pair[1]]] if pair else []
        bands = {} if drawn is None else _bands(frontier, {given: float(v)}, found, drawn)
        ends = [] if drawn is None else [e for n in banded for e in (bands.get(n) or (None, None))]
        rows.append((float(v), *(found[n] for n in frontier.order), *ratio, found[target], *ends))
    if all(r[1] is None for r in rows):
        return ()
    title = f"Frontier under {frontier.constraint.text}"
    held = ", ".join(f"{k} = {v:g}" for k, v in rest.settings.items() if k != given)
    return (Table("frontier", title + (f" ({held})" if held else ""), tuple(columns), tuple(rows)),)


_SEVERAL_DRAWS = 40
"""Resamples of a frontier that is solved in several variables at once, which takes long for each."""


def _bands(
    frontier: Frontier, settings: Mapping[str, float], found: Mapping[str, float], drawn: Resampled
) -> dict[str, tuple[float, float] | None]:
    """The interval of every optimum and of the target at the settings, by name."""
    rest, target = frontier.joint.rest, letter(frontier.joint.rest)
    if not frontier.joint.left:
        forms = {**{n: frontier.closed(n) for n in frontier.order}, target: frontier.best_target()}
        return {n: drawn.of(rest, form, settings) for n, form in forms.items() if form is not None}
    solved = [frontier.at(settings, constants, found) or {} for constants in drawn.rows]
    names = (*frontier.order, target)
    return {n: drawn.interval(np.asarray([s.get(n, np.nan) for s in solved])) for n in names}


def _swept(frontier: Frontier, sweep: Mapping[str, Sequence[float]] | None) -> str:
    extra = frontier.constraint.extra
    if sweep:
        name = next(iter(sweep))
        if name not in extra:
            name = resolve(frontier.joint.problem.law, name, extra)
        return name
    return next((n for n in extra if n not in frontier.joint.rest.settings), extra[0])


def _values(frontier: Frontier, given: str, sweep: Mapping[str, Sequence[float]] | None) -> list[float]:
    rest = frontier.joint.rest
    if sweep:
        return [float(v) for v in next(iter(sweep.values()))]
    if given in rest.settings:  # two decades around it
        return [rest.settings[given] * 10.0**k for k in range(-2, 3)]
    q = rest.quantity_of(given)
    if q is not None and q.unit == "FLOPs":
        return [10.0**k for k in range(18, 27)]
    low, high = np.nanquantile(rest.draws[given], [0.1, 0.9])
    return [float(v) for v in np.geomspace(low, high, 9)]
