"""The whole of a derivation: premises, one variable after another, ratios, numbers, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from formsearch.derive.character import scaling
from formsearch.derive.constrained import constrained
from formsearch.derive.derivation import Check, Condition, Derivation, Result, Step, Table
from formsearch.derive.joint import Joint, solve_jointly
from formsearch.derive.naming import with_names
from formsearch.derive.numeric import root_near
from formsearch.derive.optimum import optimum
from formsearch.derive.outcome import Outcome, letter
from formsearch.derive.practical import practical
from formsearch.derive.premises import Premises, premises
from formsearch.derive.problem import Problem, make_problem, resolve
from formsearch.derive.ranges import range_results
from formsearch.derive.ratio import buildable, model_table, pair, ratio_result
from formsearch.derive.simplify import presented, symbols_named
from formsearch.derive.uncertainty import Resampled, outside
from formsearch.exceptions import DerivationError, InputError
from formsearch.pace import Tell, each, part, silent

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
    tell: Tell = silent,
) -> Derivation:
    """The work behind `formsearch.derive.derive`, which documents the arguments."""
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, not {level!r}")
    tell(0.0, "premises")
    given = premises(law, constants, resamples)
    names = _names(law, minimise)
    drawn = None if given.resamples is None else Resampled(given.names, given.resamples, level)
    if subject_to is not None:
        done = constrained(law, given, names, subject_to, settings, sweep, drawn, seconds, tell)
        problem, conditions, names = done.problem, done.conditions, done.names
        steps, results, tables = done.steps, done.results, done.tables
    else:
        problem, conditions = with_names(make_problem(law, given.constants, settings, (), given.ranges))
        run = _together if names is not None and len(names) > 1 else _each
        steps, results, tables, problem = run(problem, names, given, drawn, threshold, seconds, tell)
    if minimise is not None and not any(r.kind in {"minimum", "maximum"} for r in results):
        said = "; ".join(r.remarks[0] for r in results if r.remarks) or "no interior optimum was found"
        raise DerivationError(f"law {law.name} has no optimum in {', '.join(names or ())}: {said}")
    warnings = (*given.warnings, *(_against_authors(law, results) if subject_to is None else ()))
    conditions = (*_signs_taken(law, problem), *conditions)
    return Derivation(
        law=law, constants=given.constants, constants_source=given.source, steps=steps, results=results,
        definitions=problem.definitions, assumptions=conditions, tables=tables, minimise=tuple(names or ()),
        subject_to=subject_to or "", settings=problem.settings, level=level if drawn else None,
        simulated=given.simulated, warnings=warnings,
    )  # fmt: skip


def _signs_taken(law: Law, problem: Problem) -> tuple[Condition, ...]:
    """Signs of constants that the law leaves open and the numbers decide."""
    import sympy

    taken = []
    for name, symbol in law.symbols.items():
        used = problem.symbols[name]
        if used != symbol:
            relation = sympy.Gt(used, 0, evaluate=False) if used.is_positive else sympy.Lt(used, 0, evaluate=False)
            taken.append(Condition(relation, Check("assumed", f"its value is {problem.values[name]:.6g}")))
    return tuple(taken)


def _against_authors(law: Law, results: Sequence[Result]) -> tuple[str, ...]:
    """Where the derivation finds another direction than the law's authors mean."""
    said = []
    for r in results:
        meant = law.monotone.get(r.symbol)
        if meant is None or r.kind not in {"monotone", "minimum", "maximum"}:
            continue
        found = "an interior optimum" if r.kind != "monotone" else r.remarks[0].split(" with ")[0].split()[-1]
        if found != {"decreasing": "falls", "increasing": "rises"}[meant]:
            said.append(f"law {law.name} is meant to be {meant} in {r.symbol}; here it has {found}"
                        if r.kind != "monotone" else
                        f"law {law.name} is meant to be {meant} in {r.symbol}; here it {found}")  # fmt: skip
    return tuple(said)


def _names(law: Law, minimise: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Symbols to optimise; a ratio stands for its numerator."""
    if minimise is None:
        return None
    asked = (minimise,) if isinstance(minimise, str) else tuple(minimise)
    return tuple(dict.fromkeys(resolve(law, a.split("/")[0].strip()) for a in asked))


def _each(
    problem: Problem,
    names: tuple[str, ...] | None,
    given: Premises,
    drawn: Resampled | None,
    threshold: float | None,
    seconds: float,
    tell: Tell,
) -> tuple[tuple[Step, ...], tuple[Result, ...], tuple[Table, ...], Problem]:
    """Every variable by itself, the others held; optima first."""
    wanted = names or tuple(v for v in problem.law.variable_names if v not in problem.settings)
    outcomes = [optimum(problem, n, seconds) for n in each(wanted, part(tell, 0.0, _SOLVED), _solving)]
    outcomes.sort(key=_rank)
    chosen = buildable(problem, outcomes)
    steps: list[Step] = []
    results: list[Result] = []
    tables: list[Table] = []
    sizes = pair(problem)
    for o in each(outcomes, part(tell, _SOLVED, 1.0), lambda o: f"numbers of {o.x}"):
        steps += o.steps
        own = _numbers(problem, o.result, chosen, given, drawn)
        if sizes is not None and o.x == sizes[0] and o.kind == "closed":
            more, ratio = ratio_result(problem, o, sizes[1])
            steps += more
            results.append(_numbers(problem, ratio, chosen, given, drawn))
            table = model_table(problem, ratio, sizes[1], chosen, drawn) if problem.values else None
            tables += [table] if table is not None else []
        results.append(own)
        results += [_numbers(problem, m, chosen, given, drawn) for m in o.more]
        if threshold is not None and o.kind == "closed":
            results += range_results(problem, o, threshold, chosen, drawn)
            if sizes is not None and o.x == sizes[0] and problem.values:
                sizing, by_model = practical(problem, o.x, sizes[1], threshold, chosen, given, drawn, seconds)
                results += sizing
                tables += by_model
    return tuple(steps), tuple(results), tuple(tables), problem


_SOLVED = 0.7
"""Share of the work behind optima without a constraint that is algebra; the rest is numbers and intervals."""


def _solving(name: str) -> str:
    return f"optimum in {name}"


def _together(
    problem: Problem, names: tuple[str, ...] | None, given: Premises, drawn: Resampled | None,
    threshold: float | None, seconds: float, tell: Tell,
) -> tuple[tuple[Step, ...], tuple[Result, ...], tuple[Table, ...], Problem]:  # fmt: skip
    """Several variables jointly: closed forms put into each other, the rest solved together by numbers."""
    joint = solve_jointly(problem, names or (), seconds, part(tell, 0.0, _SOLVED))
    numbers = joint.at({}) if problem.values else None
    results: list[Result] = []
    sizes = pair(problem)
    for name in each(joint.names, part(tell, _SOLVED, 1.0), lambda name: f"interval of {name}"):
        own = joint.last(name).result
        expression = joint.solutions.get(name)
        if expression is not None:
            depends = symbols_named(joint.rest.spelled(expression), joint.rest.variables)
            exponents, values = scaling(joint.rest, expression, depends)
            own = replace(
                own, expression=presented(expression), full=presented(joint.rest.spelled(expression)),
                depends_on=depends, exponents=exponents, exponent_values=values,
            )  # fmt: skip
        value = None if numbers is None else numbers[name]
        interval = None
        if drawn is not None and numbers is not None:
            near = numbers if joint.left else None
            interval = drawn.each(lambda c, name=name, near=near: (joint.at({}, c, near) or {}).get(name))  # type: ignore[misc]
        results.append(
            replace(own, value=value, interval=interval,
                    settings={k: v for k, v in problem.settings.items() if expression is None or k in own.depends_on},
                    extrapolation=outside(value, own.quantity, given.ranges), check=joint.steps[-1].check)
        )  # fmt: skip
        if sizes is not None and name == sizes[0] and sizes[1] not in joint.names and expression is not None:
            shown = replace(joint.last(name), solution=expression, result=results[-1])
            results.append(_numbers(joint.rest, ratio_result(joint.rest, shown, sizes[1])[1], {}, given, drawn))
    if numbers is not None:
        best = joint.problem.at(joint.problem.expression, numbers)
        if best is not None:
            target = letter(problem)
            results.append(Result(f"{target}_best", problem.law.target, "value", None, None, best,
                                  Check("by definition", f"{target} where all of them stand at their optimum"),
                                  interval=None if drawn is None else drawn.each(partial(_best_at, joint, numbers)),
                                  settings=dict(problem.settings)))  # fmt: skip
    return joint.steps, tuple(results), (), joint.rest


def _best_at(joint: Joint, near: Mapping[str, float], constants: Mapping[str, float]) -> float | None:
    """The target at the joint optimum of resampled constants."""
    found = joint.at({}, constants, near if joint.left else None)
    if found is None:
        return None
    return replace(joint.problem, values=dict(constants)).at(joint.problem.expression, found)


def _rank(o: Outcome) -> tuple[int, int]:
    order = {"closed": 0, "implicit": 1, "unknown": 2, "monotone": 3}[o.kind]
    return order, len(o.result.depends_on)


def _numbers(
    problem: Problem, result: Result, chosen: Mapping[str, float], given: Premises, drawn: Resampled | None
) -> Result:
    """The result with its value at the settings (completed by buildable optima), interval and extrapolation."""
    if result.full is None:
        return _implicit_numbers(problem, result, given, drawn)
    value, used = result.value, dict(result.settings)
    if value is None and result.depends_on and all(v in problem.settings or v in chosen for v in result.depends_on):
        value = problem.at(result.full, chosen)
        used = {v: problem.settings.get(v, chosen.get(v, 0.0)) for v in result.depends_on}
    interval = None if drawn is None or value is None else drawn.of(problem, result.full, used)
    intervals = {} if drawn is None else drawn.each_of(problem, result.exponents)
    return replace(result, value=value, settings=used, interval=interval, exponent_intervals=intervals,
                   extrapolation=outside(value, result.quantity, given.ranges))  # fmt: skip


def _implicit_numbers(problem: Problem, result: Result, given: Premises, drawn: Resampled | None) -> Result:
    """Interval and extrapolation of an optimum that is a root, solved anew at each resample."""
    if result.value is None or result.implicit is None:
        return result
    interval = None
    if drawn is not None:
        name, start = result.symbol, result.value
        slope = problem.spelled(result.implicit.lhs - result.implicit.rhs)
        names = sorted(str(s) for s in slope.free_symbols)
        function, log = problem.function(slope, names), problem.domains[name].log

        def root(constants: Mapping[str, float]) -> float | None:
            known = {**problem.settings, **constants}
            return root_near(lambda v: float(function(*(v if n == name else known[n] for n in names))), start, log)

        interval = drawn.each(root)
    return replace(result, interval=interval, extrapolation=outside(result.value, result.quantity, given.ranges))
