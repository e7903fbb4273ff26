"""Optima in several variables: one after another in closed form where possible, the rest together by numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Check, Step
from formsearch.derive.implicit import implicit_optima
from formsearch.derive.numeric import SeveralVariables, root_near, without_derivatives
from formsearch.derive.optimum import optimum
from formsearch.derive.outcome import Outcome, letter
from formsearch.derive.problem import DRAWS
from formsearch.derive.roads import TOLERANCE
from formsearch.derive.simplify import presented, symbols_named, tidy
from formsearch.exceptions import DerivationError
from formsearch.pace import Tell, each, part, silent

if TYPE_CHECKING:
    from formsearch.derive.problem import Problem


@dataclass(frozen=True)
class Joint:
    """The solution of a problem in several variables.

    `solutions` are closed forms (in given variables and in `left`), in the order found; `left` are variables without
    one, solved numerically from `rest`, the problem with the solutions put in; `outcomes` are the single steps.
    """

    problem: Problem
    rest: Problem
    names: tuple[str, ...]
    solutions: Mapping[str, Any]
    left: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    steps: tuple[Step, ...]

    def last(self, name: str) -> Outcome:
        """The outcome in which a variable was settled."""
        return next(o for o in reversed(self.outcomes) if o.x == name)

    def at(
        self,
        settings: Mapping[str, float],
        values: Mapping[str, float] | None = None,
        near: Mapping[str, float] | None = None,
    ) -> dict[str, float] | None:
        """All optima as numbers at the settings; None if there is no interior optimum (or a setting is missing).

        `values` are other constants (a resample); `near` is an answer at similar ones, next to which to look.
        """
        rest = self.rest if values is None else replace(self.rest, values=dict(values))
        given = {**rest.settings, **settings}
        known = {*given, *rest.values, *self.left}
        if self.left and any(str(s) not in known for s in rest.spelled(rest.expression).free_symbols):
            return None
        found: dict[str, float] = {}
        if len(self.left) == 1:
            where = self._single(rest, given, near)
            if where is None:
                return None
            found[self.left[0]] = where
        elif self.left:
            answer = self._several.minimum(given, rest.values, near=near)
            if answer is None or not answer.is_minimum:
                return None
            found.update(answer.x)
        for name in reversed(tuple(self.solutions)):
            value = rest.at(self.solutions[name], {**given, **found})
            if value is None or not math.isfinite(value):
                return None
            found[name] = value
        return found

    def _single(self, rest: Problem, given: Mapping[str, float], near: Mapping[str, float] | None) -> float | None:
        name = self.left[0]
        if near is not None:
            names, function = self._slope
            known = {**rest.values, **given}
            return root_near(
                lambda v: float(function(*(v if n == name else known[n] for n in names))),
                near[name], rest.domains[name].log,
            )  # fmt: skip
        expression = rest.opened(rest.expression, rest.symbols[name])
        optima, _ = implicit_optima(rest, name, expression, self.last(name).slope, given)
        return _lowest(rest, name, expression, optima, given) if optima else None

    @cached_property
    def _slope(self) -> tuple[list[str], Any]:
        slope = self.rest.spelled(self.last(self.left[0]).slope)
        names = sorted(str(s) for s in slope.free_symbols)
        return names, self.rest.function(slope, names)

    @cached_property
    def _several(self) -> SeveralVariables:
        return SeveralVariables(self.rest, self.rest.expression, self.left)


def _lowest(problem: Problem, name: str, expression: Any, optima: Sequence[float], given: Mapping[str, float]) -> float:
    sign = -1.0 if problem.maximises else 1.0
    return min(optima, key=lambda v: sign * (problem.at(expression, {**given, name: v}) or math.inf))


def solve_jointly(problem: Problem, names: Sequence[str], seconds: float, tell: Tell = silent) -> Joint:
    """Optimise all the variables together, the others held.

    The joint minimum is the minimum over some variables of the minimum over the others, so a closed form found for
    one may be put in before the next is sought. Raises `DerivationError` if the target is monotone in one of them.
    """
    current, remaining = problem, list(names)
    solutions: dict[str, Any] = {}
    outcomes: list[Outcome] = []
    steps: list[Step] = []
    while remaining:
        # Each turn settles one variable and tries all that are left: n of them take at most n*(n + 1)/2.
        ahead, whole = (k * (k + 1) / 2 for k in (len(remaining), len(names)))
        turn = part(tell, 1 - ahead / whole, 1 - (ahead - len(remaining)) / whole)
        tried = [optimum(current, n, seconds) for n in each(remaining, turn, lambda n: f"optimum in {n}")]
        for o in tried:
            if o.kind == "monotone":
                raise DerivationError(_runaway(problem, o, names))
        closed = [o for o in tried if o.kind == "closed"]
        if not closed:
            outcomes += tried
            if len(remaining) == 1:
                steps += tried[0].steps
            else:
                steps += [o.steps[0] for o in tried]
            break
        # First those that do not need the others: they can be put in without making anything longer.
        pick = min(closed, key=lambda o: (len(symbols_named(current.spelled(o.solution), remaining)),
                                          current.spelled(o.solution).count_ops()))  # fmt: skip
        outcomes.append(pick)
        steps += pick.steps
        solutions[pick.x] = pick.solution
        remaining.remove(pick.x)
        if remaining:
            current, step = substituted(current, pick.x, pick.solution)
            steps.append(step)
    joint = Joint(problem, current, tuple(names), _resolved(current, solutions), tuple(remaining), tuple(outcomes), ())
    if len(names) > 1 and problem.values:
        steps.append(_cross_check(joint))
    return replace(joint, steps=tuple(steps))


def _runaway(problem: Problem, o: Outcome, names: Sequence[str]) -> str:
    said = o.result.remarks[0].rstrip(".")
    remedy = f"leave {o.x} out of minimise, or add a constraint that charges for it"
    return f"law {problem.law.name} has no joint optimum in {', '.join(names)}: {said}; {remedy}"


def _resolved(problem: Problem, solutions: Mapping[str, Any]) -> dict[str, Any]:
    """Each solution with the later ones put in, so that only given and left variables remain."""
    resolved: dict[str, Any] = {}
    for name in reversed(tuple(solutions)):
        expression = solutions[name]
        for other, value in resolved.items():
            symbol = problem.symbols[other]
            if problem.spelled(expression).has(symbol):
                expression = problem.opened(expression, symbol).subs(symbol, value)
        resolved[name] = expression if expression is solutions[name] else tidy(expression)
    return {n: resolved[n] for n in solutions}


def substituted(problem: Problem, name: str, solution: Any) -> tuple[Problem, Step]:
    """The problem with a variable put at its optimum. Named parts that contained it get a name of their own."""
    import sympy

    x = problem.symbols[name]
    if problem.spelled(solution).free_symbols & {problem.symbols[v] for v in problem.variables}:
        expression = problem.opened(problem.expression, x).subs(x, solution)
        moved = replace(problem, expression=expression, eliminated=(*problem.eliminated, name))
        equation = None
    else:
        expression, definitions = problem.expression, []
        equation = None
        renamed: dict[Any, Any] = {}
        for symbol, part in problem.definitions:
            new = part.subs(renamed)
            if new.has(x) or part.subs(renamed) != part:
                sign = {"positive": True} if symbol.is_positive else {"real": True}
                fresh = sympy.Symbol(f"{symbol}_opt" if not str(symbol).endswith("_opt") else f"{symbol}2", **sign)
                new = _tidy_sum(new.subs(x, solution), problem)
                renamed[symbol] = fresh
                equation = sympy.Eq(fresh, presented(new), evaluate=False)
                symbol = fresh
            definitions.append((symbol, new))
        # The old names stay defined: earlier steps and solutions use them.
        old = [(s, p) for s, p in problem.definitions if s in renamed]
        expression = expression.subs(renamed).subs(x, solution)
        moved = replace(problem, expression=expression, definitions=(*old, *definitions),
                        eliminated=(*problem.eliminated, name))  # fmt: skip
    sentence = f"{name} stands at its optimum from here on."
    return moved, Step(f"Put in {name}_opt", sentence, equation, Check("by definition", "substitution"))


def _tidy_sum(expression: Any, problem: Problem) -> Any:
    """Terms without variables gathered: 2*sqrt(e*f) rather than e*sqrt(f/e) + f/sqrt(f/e)."""
    import sympy

    variables = [problem.symbols[v] for v in problem.variables]
    free, bound = expression.as_independent(*variables, as_Add=True) if expression.is_Add else (expression, 0)
    return tidy(sympy.powsimp(free)) + bound if bound != 0 else tidy(free)


def _cross_check(joint: Joint) -> Step:
    """All variables at once, numerically, at reference settings, against the joint solution."""
    problem = joint.problem
    worst, value_worst, compared, lowest = 0.0, 0.0, 0, math.inf
    numeric = len(joint.left) > 1
    together = SeveralVariables(problem, problem.expression, joint.names)
    for i in range(DRAWS):
        given = {k: float(v[i]) for k, v in problem.draws.items() if k not in joint.names}
        ours = joint.at(given)
        if ours is None or not all(problem.domains[n].holds(v) for n, v in ours.items()):
            continue
        seen = together.minimum(given, starts=6)
        if seen is None or not seen.is_minimum:  # lost at the edge of where the form is defined: look longer
            seen = together.minimum(given)
        if seen is None or not seen.is_minimum:
            continue
        if numeric:  # our own answer came from derivatives, so the second road must do without
            other, value = without_derivatives(problem, problem.expression, joint.names, given, ours)
            value_worst = max(value_worst, abs(value - seen.value) / abs(seen.value))
        else:
            other = dict(seen.x)
        worst = max(worst, *(abs(other[n] - ours[n]) / abs(ours[n]) for n in joint.names))
        lowest = min(lowest, together.curvature_at(ours, given))
        compared += 1
        if compared == 4:
            break
    names, target = ", ".join(joint.names), letter(problem)
    if not compared:
        said = f"no reference setting has an interior joint optimum in {names} to compare with"
        return Step("Several variables at once", said, None, Check("numerically", said))
    good = worst <= (_SIMPLEX if numeric else TOLERANCE) and value_worst < 1e-10 and lowest > 0
    how = "minimisation without derivatives" if numeric else "joint numeric minimisation"
    hessian = "positive definite" if lowest > 0 else "not positive definite (a saddle)"
    said = (
        f"{how} in {names} at {compared} settings differs by at most {worst:.1e} (relative); the Hessian of {target} "
        f"in their logarithms is {hessian} there (smallest eigenvalue {lowest:.2e})"
    )
    check = Check("numerically" if good else "failed", said, worst)
    return Step("Several variables at once", said, None, check)


_SIMPLEX = 1e-4
"""What a simplex on a flat minimum can place: the square root of the rounding error over the curvature."""
