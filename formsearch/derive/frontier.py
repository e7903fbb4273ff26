"""The optima under a constraint as functions of what is given: numbers, closed forms, the target on the frontier."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from formsearch.derive.character import scaling
from formsearch.derive.constraint import Constraint
from formsearch.derive.derivation import Check, Result
from formsearch.derive.joint import Joint
from formsearch.derive.outcome import Outcome, letter
from formsearch.derive.problem import DRAWS, Problem
from formsearch.derive.simplify import presented, symbols_named, tidy
from formsearch.derive.solve import zero
from formsearch.pace import Tell, each, silent

if TYPE_CHECKING:
    import sympy

    from formsearch.derive.derivation import Condition
    from formsearch.derive.premises import Premises
    from formsearch.derive.uncertainty import Resampled


@dataclass(frozen=True)
class Frontier:
    """Optima, target and ratios as functions of what is given."""

    joint: Joint
    gone: str
    formula: Any
    constraint: Constraint
    plain: Problem
    conditions: tuple[Condition, ...] = ()

    # -- numbers -----------------------------------------------------------------------------------------------------

    def at(
        self,
        settings: Mapping[str, float],
        values: Mapping[str, float] | None = None,
        near: Mapping[str, float] | None = None,
    ) -> dict[str, float] | None:
        """All optimised variables and the target (under its letter); None if there is no interior optimum."""
        found = self.joint.at(settings, values, near)
        if found is None or (len(found) > 1 and self.outside(found)):
            return None
        problem = self.joint.problem if values is None else replace(self.joint.problem, values=dict(values))
        found = self._kept_inside(found)
        known = {**settings, **found}
        gone = problem.at(self.formula, known)
        target = problem.at(problem.expression, known)
        if gone is None or target is None:
            return None
        return {**found, self.gone: gone, letter(problem): target}

    def _kept_inside(self, found: Mapping[str, float]) -> dict[str, float]:
        """A single variable beyond the end of its domain stands at that end: the target is convex up to there."""
        if len(found) != 1:
            return dict(found)
        name, value = next(iter(found.items()))
        q = self.plain.quantity_of(name)
        if q is None:
            return dict(found)
        return {name: min(max(value, q.low if math.isfinite(q.low) else value), q.high)}

    def outside(self, found: Mapping[str, float]) -> dict[str, float]:
        """Variables of a joint stationary point that lie beyond their quantity's domain, each with the nearest end."""
        ends: dict[str, float] = {}
        for name, value in found.items():
            q = self.plain.quantity_of(name)
            if q is not None and not q.low <= value <= q.high:
                ends[name] = q.low if value < q.low else q.high
        return ends

    def beyond(self, name: str) -> str:
        """Where the joint stationary point lies, if that is outside the domain, as a sentence; else ""."""
        found = self.joint.at({}) if self.joint.rest.values else None
        ends = {} if found is None or len(found) == 1 else self.outside(found)
        if found is None or not ends:
            return ""
        if name in ends:
            return (
                f"the slopes vanish together at {name} = {found[name]:.4g}, outside its domain: inside it the optimum "
                f"has {name} = {ends[name]:g}; set {name}={ends[name]:g} to get it"
            )
        return f"no number here, because {', '.join(ends)} would lie outside the domain"

    def at_an_end(self, found: Mapping[str, float]) -> bool:
        """Whether a variable stands at the end of its domain instead of at a stationary point."""
        for name in self.joint.names:
            q = self.plain.quantity_of(name)
            if q is not None and found[name] in (q.low, q.high):
                return True
        return False

    def edge(self, name: str) -> str:
        """For a fraction: the given quantity at which its optimum leaves [0, 1], as a sentence; "" if it cannot."""

        q = self.plain.quantity_of(name)
        expression = self.closed(name)
        if q is None or q.high > 1 or q.open_low or expression is None or not self.constraint.extra:
            return ""
        y = self.joint.rest.symbols[self.constraint.extra[0]]
        where = zero(self.joint.rest.spelled(expression), y)
        if where is None:
            return ""
        value = self.joint.rest.at(where)
        number = "" if value is None else f" = {value:.5g}"
        return f"{name} = 0 is best up to {y} = {self.joint.rest.line(presented(where))}{number}"

    @property
    def order(self) -> tuple[str, ...]:
        """Optimised variables in the law's order."""
        names = {*self.joint.names, self.gone}
        return tuple(v for v in self.joint.problem.law.variable_names if v in names)

    @property
    def tokens_and_size(self) -> tuple[str, str] | None:
        """Symbols of tokens and of parameters among the optimised variables."""
        units = {v.symbol: v.about.unit for v in self.joint.problem.law.variables}
        tokens = [v for v in self.order if units[v] == "tokens"]
        sizes = [v for v in self.order if units[v] == "parameters"]
        return (tokens[0], sizes[0]) if tokens and sizes else None

    def closed(self, name: str) -> Any:
        """The closed form of an optimum, or None."""
        if self.joint.left:
            return None
        if name != self.gone:
            own = self.joint.solutions[name]
            return tidy(sympy_power(own)) if own.count_ops() < 60 else own
        expression = self.formula
        for other, value in self.joint.solutions.items():
            expression = expression.subs(self.joint.rest.symbols[other], value)
        return tidy(sympy_power(expression))

    # -- results -----------------------------------------------------------------------------------------------------

    def results(self, given: Premises, drawn: Resampled | None, tell: Tell = silent) -> list[Result]:
        """One result for each variable, for tokens per parameter, and for the target on the frontier."""
        rest = self.joint.rest
        numbers = self.at({}) if rest.values else None
        todo = each(self.order, tell, lambda name: f"numbers of {name}")
        results = [self._result(name, self.closed(name), numbers, given, drawn) for name in todo]
        if any(self.beyond(name) for name in self.order):
            return results  # what would follow from them follows from no optimum
        pair = self.tokens_and_size
        if pair is not None:
            tokens, size = pair
            a, b = self.closed(tokens), self.closed(size)
            ratio = None if a is None else tidy(sympy_power(a / b))
            value = None if numbers is None else numbers[tokens] / numbers[size]
            results.append(self._named(f"{tokens}/{size}", "tokens_per_parameter", "value", ratio, value, drawn,
                                       lambda n: n[tokens] / n[size]))  # fmt: skip
        target = letter(rest)
        value = None if numbers is None else numbers[target]
        results.append(self._named(f"{target}_best", rest.law.target, "frontier", self.best_target(), value, drawn,
                                   lambda n: n[target]))  # fmt: skip
        return results

    def _result(
        self, name: str, expression: Any, numbers: Mapping[str, float] | None, given: Premises, drawn: Resampled | None
    ) -> Result:
        import sympy

        from formsearch.derive.uncertainty import outside

        rest = self.joint.rest
        q = rest.quantity_of(name)
        value = None if numbers is None else numbers[name]
        kind = "maximum" if rest.maximises else "minimum"
        base = self._named(name, q.name if q else "", kind, expression, value, drawn, lambda n: n[name])
        settled = name if name != self.gone else self.joint.names[0]
        outcome = self.joint.last(settled)
        check = self._check(outcome)
        implicit = None
        if expression is None and name == settled:
            implicit = outcome.result.implicit
        elif expression is None:
            implicit = sympy.Eq(self.plain.symbols[name], presented(self.formula), evaluate=False)
        return replace(
            base, check=check, second_order=outcome.result.second_order, conditions=outcome.result.conditions,
            implicit=implicit, feasibility=self.edge(name) or self.beyond(name),
            extrapolation=outside(value, q.name if q else "", given.ranges),
        )  # fmt: skip

    def _check(self, outcome: Outcome) -> Check:
        if len(self.joint.names) > 1 and self.joint.steps:
            return self.joint.steps[-1].check
        return outcome.result.check

    def _named(
        self, symbol: str, quantity: str, kind: str, expression: Any, value: float | None, drawn: Resampled | None,
        pick: Any,
    ) -> Result:  # fmt: skip
        rest = self.joint.rest
        depends: tuple[str, ...] = ()
        exponents: dict[str, Any] = {}
        values: dict[str, float] = {}
        if expression is not None:
            depends = symbols_named(rest.spelled(expression), rest.variables)
            exponents, values = scaling(rest, expression, depends)
        interval = None
        near = self.at({}) if drawn is not None and value is not None and expression is None else None
        if drawn is not None and value is not None:
            interval = (
                drawn.of(rest, expression, {}) if expression is not None
                else drawn.each(lambda constants: _picked(self.at({}, constants, near), pick))
            )  # fmt: skip
        full = None if expression is None else presented(rest.spelled(expression))
        check = Check("by definition", "follows from the optima")
        if expression is not None and rest.values:
            check = self._against_numbers(expression, pick)
        return Result(
            symbol, quantity, kind, None if expression is None else presented(expression), full, value,
            check, interval=interval, depends_on=depends,
            exponents=exponents, exponent_values=values,
            exponent_intervals={} if drawn is None else drawn.each_of(rest, exponents),
            settings={k: v for k, v in rest.settings.items() if k not in self.order},
        )  # fmt: skip

    def _against_numbers(self, expression: Any, pick: Any) -> Check:
        """A closed form on the frontier against its value from the optima at reference settings."""
        rest, worst, compared = self.joint.rest, 0.0, 0
        for i in range(DRAWS):
            given = {k: float(v[i]) for k, v in self.joint.problem.draws.items() if k not in self.order}
            found = self.at(given)
            if found is None or self.at_an_end(found):
                continue
            value, closed = float(pick(found)), rest.at(expression, given)
            if closed is None or not math.isfinite(value):
                continue
            worst = max(worst, abs(closed - value) / max(abs(value), 1e-300))
            compared += 1
            if compared == 6:
                break
        if not compared:
            return Check("numerically", "no reference setting to compare at")
        said = f"at {compared} reference settings it differs by at most {worst:.1e} from the value at the optima"
        return Check("numerically" if worst < 1e-8 else "failed", said, worst)

    def best_target(self) -> Any:
        """The target on the frontier in closed form; None if there is none that is short.

        Where two powers balance, g1 x**p1 + g2 x**p2 = 0, the sum is g1*(1/p1 - 1/p2)*(-g1/g2)**(p1/(p2 - p1)).
        """
        import sympy

        joint = self.joint
        if joint.left:
            return None
        last = joint.outcomes[-1]
        found, reduction = last.stationary, last.reduction
        if found is not None and reduction is not None and len(found.terms) == 2 and not found.exponential:
            low, high = found.terms
            ratio = tidy(-low.coefficient / high.coefficient)
            amplitude = tidy(low.coefficient * (1 / low.exponent - 1 / high.exponent))
            u = amplitude * ratio ** tidy(low.exponent / (high.exponent - low.exponent))
            return tidy(reduction.rebuilt(tidy(sympy_power(u)) + found.constant))
        x = joint.rest.symbols[last.x]
        expression = joint.rest.opened(joint.rest.expression, x).subs(x, last.solution)
        return tidy(expression) if expression.count_ops() < 80 else sympy.S.Zero + expression


def sympy_power(expression: sympy.Expr) -> Any:
    """Powers of products multiplied out and merged, so that each variable occurs once: what frontier formulas need."""
    import sympy

    return sympy.powsimp(sympy.expand_power_base(sympy.powdenest(sympy.expand_power_base(expression))))


def _picked(numbers: Mapping[str, float] | None, pick: Any) -> float | None:
    value = None if numbers is None else float(pick(numbers))
    return value if value is None or math.isfinite(value) else None
