"""The whole of a derivation: premises, one variable after another, ratios, numbers, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Condition, Derivation, Result, Step, Table
from formsearch.derive.optimum import Outcome, optimum
from formsearch.derive.premises import Premises, premises
from formsearch.derive.problem import Problem, make_problem, resolve
from formsearch.derive.ratio import buildable, model_table, pair, ratio_result, with_settings
from formsearch.derive.simplify import with_names
from formsearch.derive.uncertainty import Resampled, outside
from formsearch.exceptions import DerivationError, InputError

if TYPE_CHECKING:
    from formsearch.law import Law


def prove(
    law: Law,
    constants: Any,
    minimise: str | Sequence[str] | None,
    subject_to: str | None,
    settings: Mapping[str, float] | None,
    sweep: Mapping[str, Sequence[float]] | None,
    threshold: float | None,
    resamples: Any,
    level: float,
    seconds: float,
) -> Derivation:
    """The work behind `formsearch.derive.derive`, which documents the arguments."""
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, not {level!r}")
    given = premises(law, constants, resamples)
    names = _names(law, minimise)
    drawn = None if given.resamples is None else Resampled(given.names, given.resamples, level)
    plain = make_problem(law, given.constants, settings, (), given.ranges)
    problem, conditions = with_names(plain)
    steps, results, tables = _each(problem, names, given, drawn, seconds)
    if minimise is not None and not any(r.kind in {"minimum", "maximum"} for r in results):
        said = "; ".join(r.remarks[0] for r in results if r.remarks) or "no interior optimum was found"
        raise DerivationError(f"law {law.name} has no optimum in {', '.join(names or ())}: {said}")
    return Derivation(
        law=law, constants=given.constants, constants_source=given.source, steps=steps, results=results,
        definitions=problem.definitions, assumptions=conditions, tables=tables, minimise=tuple(names or ()),
        settings=problem.settings, level=level if drawn else None, simulated=given.simulated,
        warnings=given.warnings,
    )  # fmt: skip


def _names(law: Law, minimise: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Symbols to optimise; a ratio stands for its numerator."""
    if minimise is None:
        return None
    asked = (minimise,) if isinstance(minimise, str) else tuple(minimise)
    return tuple(dict.fromkeys(resolve(law, a.split("/")[0].strip()) for a in asked))


def _each(
    problem: Problem, names: tuple[str, ...] | None, given: Premises, drawn: Resampled | None, seconds: float
) -> tuple[tuple[Step, ...], tuple[Result, ...], tuple[Table, ...]]:
    """Every variable by itself, the others held; optima first."""
    wanted = names or tuple(v for v in problem.law.variable_names if v not in problem.settings)
    outcomes = [optimum(problem, n, seconds) for n in wanted]
    outcomes.sort(key=_rank)
    chosen = buildable(problem, outcomes)
    steps: list[Step] = []
    results: list[Result] = []
    tables: list[Table] = []
    sizes = pair(problem)
    for o in outcomes:
        steps += o.steps
        own = _numbers(problem, o.result, chosen, given, drawn)
        if sizes is not None and o.x == sizes[0] and o.kind == "closed":
            more, ratio = ratio_result(problem, o, sizes[1])
            steps += more
            results.append(_numbers(problem, ratio, chosen, given, drawn))
            table = model_table(problem, ratio, sizes[1], chosen) if problem.values else None
            tables += [table] if table is not None else []
        results.append(own)
    return tuple(steps), tuple(results), tuple(tables)


def _rank(o: Outcome) -> tuple[int, int]:
    order = {"closed": 0, "implicit": 1, "unknown": 2, "monotone": 3}[o.kind]
    return order, len(o.result.depends_on)


def _numbers(
    problem: Problem, result: Result, chosen: Mapping[str, float], given: Premises, drawn: Resampled | None
) -> Result:
    """The result with its value at the settings (completed by buildable optima), interval and extrapolation."""
    if result.full is None:
        return result
    value, used = result.value, dict(result.settings)
    if value is None and result.depends_on and all(v in problem.settings or v in chosen for v in result.depends_on):
        value = problem.at(result.full, chosen)
        used = {v: problem.settings.get(v, chosen.get(v, 0.0)) for v in result.depends_on}
    interval = None if drawn is None or value is None else drawn.of(problem, result.full, used)
    return replace(result, value=value, settings=used, interval=interval,
                   extrapolation=outside(value, result.quantity, given.ranges))  # fmt: skip


__all__ = ["Condition", "prove", "with_settings"]
