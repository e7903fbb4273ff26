"""Optima under a constraint (compute, memory, inference cost): substitution, frontier, growth, marginal rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from formsearch.derive.asymptotics import dominant_balance
from formsearch.derive.derivation import Check, Result, Step, Table
from formsearch.derive.joint import Joint, solve_jointly
from formsearch.derive.optimum import Outcome, letter, partial, scaling
from formsearch.derive.problem import DRAWS, Problem, make_problem, resolve
from formsearch.derive.simplify import power_terms, presented, symbols_named, tidy, with_names
from formsearch.derive.solve import solve_for, zero
from formsearch.exceptions import DerivationError, InputError
from formsearch.formula import names_in, parse_formula

if TYPE_CHECKING:
    import sympy

    from formsearch.derive.derivation import Condition
    from formsearch.derive.premises import Premises
    from formsearch.derive.uncertainty import Resampled
    from formsearch.law import Law

_EXPONENT_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Constraint:
    """`left = right`; `variables` are the law's symbols in it, `extra` names are given positive quantities."""

    text: str
    left: str
    right: str
    variables: tuple[str, ...]
    extra: tuple[str, ...]

    def expression(self, problem: Problem) -> Any:
        """left - right in the problem's symbols (quantity names stand for their symbols)."""
        table = dict(problem.symbols)
        for v in problem.law.variables:
            table.setdefault(v.quantity, problem.symbols[v.symbol])
        return parse_formula(self.left, table) - parse_formula(self.right, table)


def read_constraint(law: Law, text: str) -> Constraint:
    """Parse `"C = 6*N*D"`. Raises `InputError` if it is no equation in variables of the law."""
    sides = text.replace("==", "=").split("=")
    if len(sides) != 2 or not all(s.strip() for s in sides):
        raise InputError(f"constraint {text!r} must be one equation, like 'C = 6*N*D'")
    left, right = (s.strip() for s in sides)
    names = [*names_in(left), *(n for n in names_in(right) if n not in names_in(left))]
    known = {v.symbol: v.symbol for v in law.variables}
    for v in law.variables:
        known.setdefault(v.quantity, v.symbol)
    variables = tuple(dict.fromkeys(known[n] for n in names if n in known))
    extra = tuple(n for n in names if n not in known)
    clash = [n for n in extra if n in law.constant_names]
    if clash:
        raise InputError(
            f"constraint {text!r} uses {clash[0]}, a constant of law {law.name}: give that quantity another name"
        )
    if not variables:
        raise InputError(
            f"constraint {text!r} has no variable of law {law.name} ({', '.join(law.variable_names)}): use one"
        )
    return Constraint(text, left, right, variables, extra)


# -- elimination ----------------------------------------------------------------------------------------------------


def eliminate(
    problem: Problem, constraint: Constraint, names: Sequence[str], seconds: float
) -> tuple[Problem, str, Any]:
    """Put the constraint into the law: (problem, variable that was replaced, its formula).

    Tokens are replaced first if they are optimised (they enter costs as a plain factor), then whatever the
    constraint can be solved for. Raises `DerivationError` if it can be solved for none of the variables.
    """
    equation = constraint.expression(problem)
    units = {v.symbol: v.about.unit for v in problem.law.variables}
    candidates = sorted((n for n in names if n in constraint.variables), key=lambda n: units[n] != "tokens")
    for name in candidates:
        formula = solve_for(problem, equation, problem.symbols[name], seconds)
        if formula is None:
            continue
        given: dict[str, Any] = {}
        for extra in constraint.extra:
            value = solve_for(problem, equation, problem.symbols[extra], seconds)
            if value is not None and not {str(s) for s in value.free_symbols} & (set(constraint.extra) - {extra}):
                given[extra] = value
        moved = replace(
            problem, expression=problem.expression.subs(problem.symbols[name], formula),
            eliminated=(*problem.eliminated, name), given_by=given,
            at_least=((name, formula, float(next(v.about.low for v in problem.law.variables if v.symbol == name))),),
        )  # fmt: skip
        return moved, name, formula
    raise DerivationError(
        f"constraint {constraint.text!r} cannot be solved for {' or '.join(candidates) or 'any optimised variable'}: "
        "name the variables that it ties together in minimise, or write it as a product"
    )


# -- the whole ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constrained:
    """What the driver prints: steps, results, tables, and the problem they are about."""

    problem: Problem
    conditions: tuple[Condition, ...]
    steps: tuple[Step, ...]
    results: tuple[Result, ...]
    tables: tuple[Table, ...]
    names: tuple[str, ...]


def frontier(
    law: Law,
    given: Premises,
    minimise: Sequence[str] | None,
    text: str,
    settings: Mapping[str, float] | None,
    seconds: float,
) -> Frontier:
    """Minimise over `minimise` (default: the constraint's variables that have no setting) subject to the constraint."""
    constraint = read_constraint(law, text)
    plain = make_problem(law, given.constants, settings, constraint.extra, given.ranges)
    held = set(plain.settings)
    names = tuple(minimise) if minimise is not None else tuple(v for v in constraint.variables if v not in held)
    if fixed := [n for n in names if n in held]:
        raise InputError(f"{fixed[0]} is both optimised and set to {plain.settings[fixed[0]]:g}: drop one")
    if not set(names) & set(constraint.variables):
        raise InputError(f"constraint {text!r} has none of the optimised variables {', '.join(names)}")
    problem, gone, formula = eliminate(plain, constraint, names, seconds)
    problem, conditions = with_names(problem)
    left = [n for n in names if n != gone]
    if not left:
        raise DerivationError(f"constraint {text!r} fixes {gone}: nothing is left to optimise; name more in minimise")
    return Frontier(solve_jointly(problem, left, seconds), gone, formula, constraint, plain, conditions)


def constrained(
    law: Law,
    given: Premises,
    minimise: Sequence[str] | None,
    text: str,
    settings: Mapping[str, float] | None,
    sweep: Mapping[str, Sequence[float]] | None,
    drawn: Resampled | None,
    seconds: float,
) -> Constrained:
    """The derivation under a constraint: elimination, optima, marginal rates, growth, the frontier's table."""
    import sympy

    found = frontier(law, given, minimise, text, settings, seconds)
    sentence = f"Solve {text} for {found.gone} and replace it in {letter(found.plain)}."
    equation = sympy.Eq(found.plain.symbols[found.gone], presented(found.formula), evaluate=False)
    check = Check("proved", "the constraint holds identically")
    steps = [Step("Put the constraint in", sentence, equation, check), *found.joint.steps, *found.marginal_rates()]
    results = found.results(given, drawn)
    more_steps, more_results = found.growth()
    return Constrained(found.joint.rest, found.conditions, (*steps, *more_steps), (*results, *more_results),
                       found.tables(sweep, drawn), found.order)  # fmt: skip


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
        if found is None:
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

    def _at_an_end(self, found: Mapping[str, float]) -> bool:
        """Whether a variable stands at the end of its domain instead of at a stationary point."""
        for name in self.joint.names:
            q = self.plain.quantity_of(name)
            if q is not None and found[name] in (q.low, q.high):
                return True
        return False

    def edge(self, name: str) -> str:
        """For a fraction: the given quantity at which its optimum leaves [0, 1], as a sentence; "" if it cannot."""
        import sympy

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
        return f"{name} = 0 is best up to {y} = {sympy.sstr(presented(where))}{number}"

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

    def results(self, given: Premises, drawn: Resampled | None) -> list[Result]:
        """One result for each variable, for tokens per parameter, and for the target on the frontier."""
        rest = self.joint.rest
        numbers = self.at({}) if rest.values else None
        results = [self._result(name, self.closed(name), numbers, given, drawn) for name in self.order]
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
            implicit=implicit, feasibility=self.edge(name),
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
            if found is None or self._at_an_end(found):
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

    # -- Lagrange ----------------------------------------------------------------------------------------------------

    def marginal_rates(self) -> list[Step]:
        """Lagrange's condition as a third road: a unit of the constraint buys the same through each variable."""
        import sympy

        plain, target = self.plain, letter(self.plain)
        tied = [n for n in self.order if n in self.constraint.variables]
        if len(tied) < 2 or not plain.values:
            return []
        g = self.constraint.expression(plain)
        rates = [sympy.diff(plain.expression, plain.symbols[n]) / sympy.diff(g, plain.symbols[n]) for n in tied]
        names = sorted({str(s) for r in rates for s in r.free_symbols})
        functions = [plain.function(r, names) for r in rates]
        worst, compared = 0.0, 0
        for i in range(DRAWS):
            given = {k: float(v[i]) for k, v in self.joint.problem.draws.items() if k not in self.order}
            found = self.at(given)
            if found is None or self._at_an_end(found):
                continue  # none, or one that stands at the end of its domain, where the rates need not agree
            known = {**plain.values, **plain.settings, **given, **found}
            values = [float(f(*(known[n] for n in names))) for f in functions]
            worst = max(worst, max(abs(v - values[0]) for v in values[1:]) / max(abs(values[0]), 1e-300))
            compared += 1
            if compared == 6:
                break
        if not compared:
            return []
        shown = sympy.Eq(*(partial(n, target=target) / partial(n, target="C") for n in tied[:2]), evaluate=False)
        said = f"at {compared} reference settings the rates differ by at most {worst:.1e} (relative)"
        check = Check("numerically" if worst < 1e-5 else "failed", said, worst)
        sentence = (
            f"At the optimum the last unit of the constraint buys the same {target} through {' and '.join(tied)}."
        )
        return [Step("Marginal rates (Lagrange)", sentence, shown, check)]

    # -- growth ------------------------------------------------------------------------------------------------------

    def growth(self) -> tuple[list[Step], list[Result]]:
        """Where there is no closed form: the exponents for large values of the given quantity, by dominant balance."""
        import sympy

        joint = self.joint
        if len(joint.left) != 1 or not self.constraint.extra or not joint.rest.values:
            return [], []
        name, given = joint.left[0], self.constraint.extra[0]
        found = joint.last(name).stationary
        x, y = joint.rest.symbols[name], joint.rest.symbols[given]
        if found is None or not found.terms or found.base is not None:
            return [], []
        steps: list[Step] = []
        results: list[Result] = []
        for b in dominant_balance(joint.rest, found.terms, x, y):
            floor, tail = self._floor(name, given, b.coefficient, b.exponent)
            power = f"{given}**({sympy.sstr(b.exponent)}) = {given}**{b.value:.6g}"
            goes = f"goes as {power}" if abs(b.value) > _EXPONENT_TOLERANCE else "tends to a constant"
            sentence = f"For large {given} two terms lead, and {name} {goes}."
            equation = sympy.Eq(sum(b.pair), 0, evaluate=False)
            steps.append(Step(f"Dominant balance in {given}", sentence, equation,
                              Check("proved", "no other term is of larger order at these constants")))  # fmt: skip
            shown = presented(b.coefficient * y**b.exponent)
            results.append(
                Result(f"{name} for large {given}", "", "growth", shown, presented(joint.rest.spelled(shown)),
                       joint.rest.at(shown), Check("proved", "dominant balance"),
                       exponents={given: b.exponent} if abs(b.value) > _EXPONENT_TOLERANCE else {},
                       exponent_values={given: b.value}, settings=dict(joint.rest.settings))
            )  # fmt: skip
            if floor is not None:
                value = joint.rest.at(floor)
                target = letter(joint.rest)
                sentence = f"{target} on the frontier does not fall below this, however large {given}"
                note = () if tail is None else (f"it is approached as {given}**{tail:.6g}",)
                results.append(Result(f"{target}_floor", joint.rest.law.target, "value", presented(floor),
                                      presented(joint.rest.spelled(floor)), value,
                                      Check("proved", sentence), remarks=note,
                                      settings=dict(joint.rest.settings)))  # fmt: skip
        return steps, results

    def _floor(self, name: str, given: str, coefficient: Any, exponent: Any) -> tuple[Any, float | None]:
        """The limit of the target along the balance, and the exponent with which it is approached."""
        import sympy

        rest = self.joint.rest
        x, y = rest.symbols[name], rest.symbols[given]
        expression = rest.opened(rest.expression, x).subs(x, sympy.Dummy("K", positive=True) * y**exponent)
        mark = next(s for s in expression.free_symbols if s.is_Dummy)
        terms = power_terms(rest.opened(expression, y), y)
        if terms is None:
            return None, None
        floor: Any = sympy.Integer(0)
        tail: float | None = None
        for t in terms:
            q = rest.at(t.exponent)
            if q is None or q > _EXPONENT_TOLERANCE:
                return None, None
            if abs(q) <= _EXPONENT_TOLERANCE:
                floor += t.coefficient
            else:
                tail = q if tail is None else max(tail, q)
        return tidy(floor.subs(mark, coefficient)), tail

    # -- tables ------------------------------------------------------------------------------------------------------

    def tables(self, sweep: Mapping[str, Sequence[float]] | None, drawn: Resampled | None = None) -> tuple[Table, ...]:
        """The frontier over the swept quantity, if every other variable has a value.

        With resamples, closed forms come with the ends of their intervals.
        """
        rest = self.joint.rest
        if not rest.values or not self.constraint.extra:
            return ()
        given = self._swept(sweep)
        values = self._values(given, sweep)
        target, pair = letter(rest), self.tokens_and_size
        columns = [given, *self.order, *([f"{pair[0]}/{pair[1]}"] if pair else []), target]
        banded: list[Any] = []
        if drawn is not None and not self.joint.left:
            banded = [self.closed(n) for n in self.order] + [self.best_target()]
            columns += [f"{n} {side}" for n in (*self.order, target) for side in ("low", "high")]
        rows: list[tuple[float | None, ...]] = []
        for v in values:
            found = self.at({given: float(v)})
            if found is None:
                rows.append((float(v), *([None] * (len(columns) - 1))))
                continue
            ratio = [found[pair[0]] / found[pair[1]]] if pair else []
            ends = [e for form in banded for e in (self._band(form, {given: float(v)}, drawn) or (None, None))]
            rows.append((float(v), *(found[n] for n in self.order), *ratio, found[target], *ends))
        if all(r[1] is None for r in rows):
            return ()
        title = f"Frontier under {self.constraint.text}"
        held = ", ".join(f"{k} = {v:g}" for k, v in rest.settings.items() if k != given)
        return (Table("frontier", title + (f" ({held})" if held else ""), tuple(columns), tuple(rows)),)

    def _band(self, form: Any, settings: Mapping[str, float], drawn: Resampled | None) -> tuple[float, float] | None:
        return None if drawn is None or form is None else drawn.of(self.joint.rest, form, settings)

    def _swept(self, sweep: Mapping[str, Sequence[float]] | None) -> str:
        extra = self.constraint.extra
        if sweep:
            name = next(iter(sweep))
            if name not in extra:
                name = resolve(self.joint.problem.law, name, extra)
            return name
        return next((n for n in extra if n not in self.joint.rest.settings), extra[0])

    def _values(self, given: str, sweep: Mapping[str, Sequence[float]] | None) -> list[float]:
        rest = self.joint.rest
        if sweep:
            return [float(v) for v in next(iter(sweep.values()))]
        if given in rest.settings:
            return [rest.settings[given]]
        q = rest.quantity_of(given)
        if q is not None and q.unit == "FLOPs":
            return [10.0**k for k in range(18, 27)]
        low, high = np.nanquantile(rest.draws[given], [0.1, 0.9])
        return [float(v) for v in np.geomspace(low, high, 9)]


def sympy_power(expression: sympy.Expr) -> Any:
    """Powers of products multiplied out and merged, so that each variable occurs once: what frontier formulas need."""
    import sympy

    return sympy.powsimp(sympy.expand_power_base(sympy.powdenest(sympy.expand_power_base(expression))))


def _picked(numbers: Mapping[str, float] | None, pick: Any) -> float | None:
    value = None if numbers is None else float(pick(numbers))
    return value if value is None or math.isfinite(value) else None
