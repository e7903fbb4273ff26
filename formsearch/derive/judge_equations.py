"""Judging printed equations: identities, first-order conditions, optima, frontiers, solutions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from formsearch.derive.case import Case, Printed
from formsearch.derive.claims import Verdict
from formsearch.derive.constrained import frontier
from formsearch.derive.derivation import Derivation, Result
from formsearch.derive.equal import equivalent
from formsearch.derive.judge_numbers import compare_rows
from formsearch.derive.problem import resolve
from formsearch.derive.proof import prove
from formsearch.derive.repair import Repair, equal, only_if, proved, repaired
from formsearch.derive.simplify import power_terms, tidy
from formsearch.derive.solve import solve_for
from formsearch.exceptions import DerivationError, InputError

if TYPE_CHECKING:
    import sympy


def _constants(case: Case) -> list[sympy.Symbol]:
    return [case.symbols[n] for n in case.law.constant_names]


def _variables(case: Case) -> list[sympy.Symbol]:
    return [case.symbols[n] for n in case.law.variable_names]


def _verdict(
    case: Case, true: Any, printed: Any, holds: Callable[[Any], bool], difference: Any, said: str, shown: str
) -> Verdict:
    """holds; else holds only if; else fails, with the change that mends it or with the true expression."""

    if holds(printed):
        how = "by algebra" if proved(true, printed) else "at random values in 40 digits"
        return Verdict(case.claim, "holds", f"{said}: the residual is zero {how}")
    unknown = list(case.unknown.values())
    condition = only_if(difference, printed, _constants(case), unknown, _variables(case))
    if condition:
        return Verdict(case.claim, "holds only if", f"{said}: the residual vanishes only if {condition}",
                       f"{condition}; in general {shown}")  # fmt: skip
    mended = repaired(printed, holds, _constants(case))
    for u in unknown if mended is None and len(unknown) == 1 else ():
        for c in (c for c in _constants(case) if not printed.has(c)):
            again = repaired(printed.subs(u, c), holds)
            if again is not None:
                mended = Repair(f"{u} should read {c}, and {again.sentence}", again.expression)
                break
    if mended is not None:
        return Verdict(case.claim, "fails", f"{said}: it holds if {mended.sentence}", case.shown(mended.expression))
    return Verdict(case.claim, "fails", f"{said}: the residual is not zero", shown)


def judge_identity(case: Case) -> Verdict:
    """`of` (default the law), after the substitutions `where`, differentiated, against `equals`."""
    import sympy

    claim = case.claim
    true = _put(case, case.parse(str(claim.get("of", "L"))), claim.get("where", {}))
    for name in claim.get("derivative", []):
        true = sympy.diff(true, case.symbols.get(name) or case.unknown[name])
    printed = case.parse(str(claim.get("equals")))
    shown = case.shown(true)
    said = "derived anew" if claim.get("derivative") else "compared with the law"
    return _verdict(case, true, printed, lambda e: equal(e, true), true - printed, said, shown)


def _put(case: Case, expression: Any, where: Mapping[str, str]) -> Any:
    for name, formula in where.items():
        new = case.parse(str(formula))
        expression = expression.subs(case.symbols[name], new)
    return expression


def judge_condition(case: Case) -> Verdict:
    """`equation` must be dL/d(stationary_in) = 0, up to its sign, after the substitutions `where`."""
    import sympy

    claim = case.claim
    x = case.symbols[str(claim.get("stationary_in"))]
    slope = sympy.diff(_put(case, case.problem.expression, claim.get("where", {})), x)
    left, right = case.sides(str(claim.get("equation")))
    printed = left - right
    sign = 1 if _nearer(printed, slope) else -1
    true = sign * slope

    def holds(expression: Any) -> bool:
        return equal(expression, slope) or equal(expression, -slope)

    shown = f"{case.shown(slope)} = 0"
    return _verdict(case, true, printed, holds, true - printed, "first-order condition", shown)


def _nearer(printed: Any, slope: Any) -> bool:
    """Whether more terms of the printed condition appear in the slope than in its negative."""
    import sympy

    def terms(e: Any) -> set[Any]:
        return set(sympy.Add.make_args(sympy.powsimp(sympy.expand(sympy.expand_power_base(e)))))

    own = terms(printed)
    return len(own & terms(slope)) >= len(own & terms(-slope))


# -- optima ---------------------------------------------------------------------------------------------------------


def _derived(case: Case, settings: Mapping[str, float], constants: Any = None) -> Derivation:
    claim = case.claim
    minimise = claim.get("minimise")
    subject = claim.get("subject_to")
    given = dict(case.given.constants) if constants is None else constants
    return prove(case.law, given or None, minimise, subject, settings, claim.get("sweep"), None, 0, 0.9, case.seconds)


def _result(case: Case, derivation: Derivation) -> Result:
    wanted = case.claim.get("result")
    if wanted is None:
        asked = case.claim.get("minimise")
        wanted = asked if isinstance(asked, str) else asked[0]
    for r in derivation.results:
        if wanted in (r.symbol, r.quantity):
            return r
    raise DerivationError(f"the derivation has no result {wanted!r}")


def judge_optimum(case: Case) -> Verdict:
    """A derived optimum: its closed form against `equals`, its value (or exponent) against `printed`."""
    claim = case.claim
    rows = claim.rows
    extra = {k: float(v) for k, v in claim.settings.items()}
    by_formula = claim.get("subject_to") is None or claim.get("exponent_in") is not None
    result: Result | None = None
    if by_formula or claim.get("equals") is not None:
        result = _result(case, _derived(case, extra))
    verdict: Verdict | None = None
    if result is not None and (equals := claim.get("equals")) is not None:
        verdict = _closed_form(case, result, str(equals))
        if verdict.verdict != "holds" or claim.get("printed") is None:
            return verdict
    if claim.get("printed") is None:
        raise InputError(f"claim {claim.id!r} needs equals or printed")
    scale = float(claim.get("scale", 1.0))
    if result is None:
        values = _on_frontier(case, extra, rows)
    elif result.full is not None and claim.get("exponent_in") is None:
        values = [case.number(result.full, row) for row in rows]
    else:
        values = [_value(case, _result(case, _derived(case, {**extra, **_numbers(row)}))) for row in rows]
    values = [scale * v for v in values]
    printed = claim.get("printed")
    numbers = compare_rows(case, values, printed if isinstance(printed, list) else [printed],
                           [case.label(r) for r in rows])  # fmt: skip
    said = f"{verdict.sentence}; {numbers.sentence}" if verdict is not None else f"derived: {numbers.sentence}"
    return Verdict(claim, numbers.verdict, said, numbers.corrected, numbers.numbers)


def _on_frontier(case: Case, settings: Mapping[str, float], rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """The constrained optimum as numbers at each row: solved once, evaluated at each."""
    claim = case.claim
    minimise = tuple(resolve(case.law, str(n)) for n in claim.get("minimise"))
    found = frontier(case.law, case.given, minimise, str(claim.get("subject_to")), settings, case.seconds)
    wanted = str(claim.get("result", minimise[0]))
    values = []
    for row in rows:
        at = {str(case.symbols.get(k, k)): v for k, v in _numbers(row).items()}
        numbers = found.at(at)
        if numbers is None:
            raise DerivationError(f"no optimum at {case.label(row)}")
        parts = [numbers[str(case.symbols.get(part, part))] for part in wanted.split("/")]
        values.append(parts[0] / parts[1] if len(parts) == 2 else parts[0])
    return values


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    return {k: float(v) for k, v in row.items() if not isinstance(v, str)}


def _value(case: Case, result: Result) -> float:
    name = case.claim.get("exponent_in")
    value = result.exponent_values.get(str(name)) if name is not None else result.value
    if value is None:
        raise InputError(f"claim {case.claim.id!r}: {result.symbol} has no number at these settings: add what it needs")
    return value


def _closed_form(case: Case, result: Result, text: str) -> Verdict:

    printed = case.parse(text)
    name = case.claim.get("exponent_in")
    true = result.exponents.get(str(name)) if name is not None else result.full
    if true is None:
        return Verdict(case.claim, "undecided", f"{result.symbol} has no closed form to compare with")
    by_name = {str(s): s for s in printed.free_symbols}
    true = true.subs({s: by_name[str(s)] for s in true.free_symbols if str(s) in by_name and s != by_name[str(s)]})
    return _verdict(case, true, printed, lambda e: equal(e, true), true - printed, "derived anew",
                    case.shown(true))  # fmt: skip


# -- frontiers --------------------------------------------------------------------------------------------------------


def judge_frontier(case: Case) -> Verdict:
    """The best target under a constraint as floor + coefficient * given**exponent, against the printed numbers.

    If the true frontier is no such power law, each constant is dropped in turn; the floor it really tends to and a
    table of the printed form against the true minimum are shown.
    """
    claim = case.claim
    given = str(claim.get("given"))
    printed = [Printed.of(claim.get(k)) for k in ("floor", "coefficient", "exponent")]
    true = _derived(case, case.settings)
    form = _power_law(case, true, given)
    if form is not None and all(p.agrees(v) for p, v in zip(printed, form, strict=True)):
        return Verdict(claim, "holds", _power_text(given, form), "", (3, 3))
    table = _frontier_rows(true, given, printed)
    floor = next((r.value for r in true.results if r.symbol.endswith("_floor")), None)
    tends = "" if floor is None else f"the true minimum is no power law and tends to {floor:.6f}"
    for name in case.law.constant_names:
        if not case.given.constants.get(name):
            continue
        try:
            other = _derived(case, case.settings, {**case.given.constants, name: 0.0})
        except (DerivationError, InputError):
            continue
        reduced = _power_law(case, other, given)
        if reduced is not None and all(p.agrees(v) for p, v in zip(printed, reduced, strict=True)):
            said = f"holds only if {name} = 0: then {_power_text(given, reduced)}"
            return Verdict(claim, "holds only if", f"{said}; {tends}" if tends else said,
                           f"{name} = 0; in general it tends to {floor:.6f}" if floor is not None else f"{name} = 0",
                           (3, 3), table)  # fmt: skip
    shown = "" if form is None else _power_text(given, form)
    return Verdict(claim, "fails", tends or shown or "no closed form", shown, None, table)


def _power_law(case: Case, derivation: Derivation, given: str) -> tuple[float, float, float] | None:
    """floor, coefficient, exponent of the frontier, if it is one constant and one power of the given quantity."""
    best = next((r for r in derivation.results if r.kind == "frontier"), None)
    if best is None or best.full is None:
        return None
    y = next((s for s in best.full.free_symbols if str(s) == given), None)
    terms = None if y is None else power_terms(best.full, y)
    if terms is None or len(terms) != 2:
        return None
    numbers = {**derivation.constants, **derivation.settings}

    def value(expression: Any) -> float:
        return float(expression.subs({s: numbers[str(s)] for s in expression.free_symbols}))

    try:
        flat = next(t for t in terms if t.exponent == 0)
        power = next(t for t in terms if t.exponent != 0)
        return value(flat.coefficient), value(power.coefficient), value(power.exponent)
    except (StopIteration, KeyError):
        return None


def _power_text(given: str, form: Sequence[float]) -> str:
    return f"{form[0]:.6f} + {form[1]:.3f}*{given}**{form[2]:.6f}"


def _frontier_rows(derivation: Derivation, given: str, printed: Sequence[Printed]) -> tuple[str, ...]:
    if not derivation.tables:
        return ()
    table = derivation.tables[0]
    floor, coefficient, exponent = (p.value for p in printed)
    rows = []
    for g, best in zip(table.column(given), table.column(table.columns[-1]), strict=True):
        if isinstance(g, int | float) and isinstance(best, int | float):
            stated = floor + coefficient * g**exponent
            rows.append(f"{given} = {g:.0e}: printed form {stated:.4f}, true minimum {best:.4f}")
    return tuple(rows)


# -- solutions ------------------------------------------------------------------------------------------------------


def judge_solution(case: Case) -> Verdict:
    """`equation` solved for a symbol: the closed form against `equals`, numbers at each row against `printed`."""
    import sympy

    claim = case.claim
    left, right = case.sides(str(claim.get("equation")))
    name = str(claim.get("solve_for"))
    x = case.symbols.get(name) or case.unknown[name]
    true = solve_for(case.problem, sympy.expand(left - right), x, case.seconds)
    if true is None:
        return Verdict(claim, "undecided", f"the equation has no closed form for {name}")
    verdict: Verdict | None = None
    if (equals := claim.get("equals")) is not None:
        printed = case.parse(str(equals))
        verdict = _verdict(case, true, printed, lambda e: equal(e, true), true - printed, f"solved for {name}",
                           case.shown(true))  # fmt: skip
        if verdict.verdict != "holds" or claim.get("printed") is None:
            return verdict
    values = [case.number(true, row) for row in claim.rows]
    stated = claim.get("printed")
    return compare_rows(case, values, stated if isinstance(stated, list) else [stated],
                        [case.label(r) for r in claim.rows])  # fmt: skip


def judge_equivalent(case: Case) -> Verdict:
    """The equivalent of a variable at a reference (effective parameters), closed form and numbers."""
    claim = case.claim
    scale = float(claim.get("scale", 1.0))
    verdict: Verdict | None = None
    values: list[float] = []
    for row in claim.rows:
        settings = {**case.settings, **case.variables(row)}
        result = equivalent(case.law, dict(case.given.constants), str(claim.get("of")), settings,
                            dict(claim.get("reference")), case.seconds)  # fmt: skip
        if verdict is None and (equals := claim.get("equals")) is not None:
            verdict = _closed_form(case, result, str(equals))
            if verdict.verdict != "holds" or claim.get("printed") is None:
                return verdict
        if result.value is None:
            raise InputError(f"claim {claim.id!r} needs values for every variable: add them to settings")
        values.append(scale * result.value)
    stated = claim.get("printed")
    return compare_rows(case, values, stated if isinstance(stated, list) else [stated],
                        [case.label(r) for r in claim.rows])  # fmt: skip


def judge_quantity(case: Case) -> Verdict:
    """A printed definition of a quantity against the vocabulary's rules (C = 6*N_active*D, and the like)."""
    import sympy

    from formsearch.formula import names_in, parse_formula
    from formsearch.quantities import RULES

    claim = case.claim
    wanted, text = str(claim.get("quantity")), str(claim.get("equals"))
    names = names_in(text)
    rule = next((r for r in RULES if r.quantity == wanted and set(r.needs) == set(names)), None)
    if rule is None:
        return Verdict(claim, "undecided", f"no rule gives {wanted} from {', '.join(names)}")
    table = {n: sympy.Symbol(n, positive=True) for n in names}
    ratio = tidy(parse_formula(rule.formula, table) / parse_formula(text, table))
    if ratio == 1:
        return Verdict(claim, "holds", f"{wanted} = {rule.formula}")
    kind = "a proxy up to a factor" if ratio.is_number else "not even proportional"
    value = f" of {float(ratio):g}" if ratio.is_number and math.isfinite(float(ratio)) else ""
    return Verdict(claim, "fails", f"{text} is {kind}{value}: {rule.assumption}", f"{wanted} = {rule.formula}")


JUDGES: Mapping[str, Callable[[Case], Verdict]] = {
    "identity": judge_identity, "condition": judge_condition, "optimum": judge_optimum, "frontier": judge_frontier,
    "solution": judge_solution, "equivalent": judge_equivalent, "quantity": judge_quantity,
}  # fmt: skip
