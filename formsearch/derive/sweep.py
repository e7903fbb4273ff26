"""The frontier over a swept quantity as a table, with the ends of intervals where there are closed forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from formsearch.derive.derivation import Table
from formsearch.derive.frontier import Frontier
from formsearch.derive.outcome import letter
from formsearch.derive.problem import resolve

if TYPE_CHECKING:
    from formsearch.derive.uncertainty import Resampled


def frontier_tables(
    frontier: Frontier, sweep: Mapping[str, Sequence[float]] | None, drawn: Resampled | None = None
) -> tuple[Table, ...]:
    """The frontier over the swept quantity, if every other variable has a value.

    With resamples, closed forms come with the ends of their intervals.
    """
    rest = frontier.joint.rest
    if not rest.values or not frontier.constraint.extra:
        return ()
    given = _swept(frontier, sweep)
    values = _values(frontier, given, sweep)
    target, pair = letter(rest), frontier.tokens_and_size
    columns = [given, *frontier.order, *([f"{pair[0]}/{pair[1]}"] if pair else []), target]
    banded: list[Any] = []
    if drawn is not None and not frontier.joint.left:
        banded = [frontier.closed(n) for n in frontier.order] + [frontier.best_target()]
        columns += [f"{n} {side}" for n in (*frontier.order, target) for side in ("low", "high")]
    rows: list[tuple[float | None, ...]] = []
    for v in values:
        found = frontier.at({given: float(v)})
        if found is None:
            rows.append((float(v), *([None] * (len(columns) - 1))))
            continue
        ratio = [found[pair[0]] / found[pair[1]]] if pair else []
        ends = [e for form in banded for e in (_band(frontier, form, {given: float(v)}, drawn) or (None, None))]
        rows.append((float(v), *(found[n] for n in frontier.order), *ratio, found[target], *ends))
    if all(r[1] is None for r in rows):
        return ()
    title = f"Frontier under {frontier.constraint.text}"
    held = ", ".join(f"{k} = {v:g}" for k, v in rest.settings.items() if k != given)
    return (Table("frontier", title + (f" ({held})" if held else ""), tuple(columns), tuple(rows)),)


def _band(
    frontier: Frontier, form: Any, settings: Mapping[str, float], drawn: Resampled | None
) -> tuple[float, float] | None:
    return None if drawn is None or form is None else drawn.of(frontier.joint.rest, form, settings)


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
    if given in rest.settings:
        return [rest.settings[given]]
    q = rest.quantity_of(given)
    if q is not None and q.unit == "FLOPs":
        return [10.0**k for k in range(18, 27)]
    low, high = np.nanquantile(rest.draws[given], [0.1, 0.9])
    return [float(v) for v in np.geomspace(low, high, 9)]
