"""How the target answers to its variables: elasticities, interactions, rates of substitution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Result, Table
from formsearch.derive.naming import with_names
from formsearch.derive.outcome import letter
from formsearch.derive.premises import premises
from formsearch.derive.problem import make_problem, resolve
from formsearch.derive.simplify import presented, symbols_named, tidy
from formsearch.derive.uncertainty import Resampled
from formsearch.exceptions import InputError

if TYPE_CHECKING:
    from formsearch.derive.problem import Problem
    from formsearch.law import Law


def given_problem(
    law: Law, constants: Any, settings: Mapping[str, float] | None, resamples: Any, level: float
) -> tuple[Problem, Resampled | None]:
    """The law with numbers, and the resamples of its fit (None where there are none)."""
    given = premises(law, constants, resamples)
    drawn = None if given.resamples is None else Resampled(given.names, given.resamples, level)
    return make_problem(law, given.constants, settings, (), given.ranges), drawn


def elasticities(
    law: Law, constants: Any, settings: Mapping[str, float], resamples: Any = 200, level: float = 0.9
) -> Table:
    """d ln L / d ln v at the settings for each variable v, and the target's change for 1 % more of it.

    With a fit (or resamples) the elasticity comes with its interval. Raises `InputError` if a variable has no value.
    """
    import sympy

    problem, drawn = given_problem(law, constants, settings, resamples, level)
    target = problem.at(problem.expression)
    if target is None:
        raise InputError(f"elasticities need a value for every variable: {', '.join(law.variable_names)}")
    rows: list[tuple[float | str | None, ...]] = []
    for v in problem.variables:
        form = sympy.diff(problem.expression, problem.symbols[v])
        slope, x = problem.at(form), problem.settings[v]
        assert slope is not None
        interval = None if drawn is None else drawn.of(problem, form * x / problem.expression, {})
        ends = () if drawn is None else (interval or (None, None))
        rows.append((v, x, slope * x / target, *ends, 0.01 * slope * x))
    title = f"Elasticities of {letter(problem)} = {target:.6g}"
    band = () if drawn is None else ("low", "high")
    columns = ("variable", "value", "elasticity", *band, "change for 1 % more")
    return Table("elasticities", title, columns, tuple(rows))


def interactions(
    law: Law, constants: Any = None, settings: Mapping[str, float] | None = None, resamples: Any = 200,
    level: float = 0.9,
) -> list[Result]:  # fmt: skip
    """Mixed derivatives d2L/dv dw of every pair: their closed form and sign over the domain, with how it is known.

    Zero means that the two do not interact (the target is a sum); a negative one that they help each other.
    """
    import sympy

    plain, drawn = given_problem(law, constants, settings, resamples, level)
    problem, _ = with_names(plain)
    results = []
    names = problem.variables
    for i, v in enumerate(names):
        for w in names[i + 1 :]:
            a, b = problem.symbols[v], problem.symbols[w]
            mixed = tidy(sympy.diff(sympy.diff(problem.opened(problem.opened(problem.expression, a), b), a), b))
            sign, check = problem.sign(mixed)
            said = {0: "no interaction" if mixed == 0 else "its sign depends on the settings", 1: "positive: they "
                    "compete", -1: "negative: they help each other", None: "sign not known"}[sign]  # fmt: skip
            results.append(
                Result(f"d2{letter(problem)}/d{v}d{w}", "", "interaction", presented(mixed),
                       presented(problem.spelled(mixed)), problem.at(mixed), check, remarks=(said,),
                       interval=None if drawn is None else drawn.of(problem, mixed, {}))
            )  # fmt: skip
    return results


def rate_of_substitution(
    law: Law, constants: Any, give: str, take: str, settings: Mapping[str, float] | None = None,
    resamples: Any = 200, level: float = 0.9,
) -> Result:  # fmt: skip
    """-d give / d take along a curve of equal target: how much of `give` one unit of `take` replaces."""
    import sympy

    plain, drawn = given_problem(law, constants, settings, resamples, level)
    problem, _ = with_names(plain)
    a, b = resolve(law, give), resolve(law, take)
    expression = problem.opened(problem.opened(problem.expression, problem.symbols[a]), problem.symbols[b])
    rate = tidy(sympy.diff(expression, problem.symbols[b]) / sympy.diff(expression, problem.symbols[a]))
    sign, check = problem.sign(rate)
    remark = {1: f"{take} replaces {give}", -1: f"more {take} needs more {give}"}.get(sign or 0, "")
    return Result(f"-d{a}/d{b}", "", "rate of substitution", presented(rate), presented(problem.spelled(rate)),
                  problem.at(rate), check, depends_on=symbols_named(problem.spelled(rate), problem.variables),
                  interval=None if drawn is None else drawn.of(problem, rate, {}), settings=dict(problem.settings),
                  remarks=(remark,) if remark else ())  # fmt: skip
