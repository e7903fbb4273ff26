"""How a frontier grows where there is no closed form: exponents by dominant balance, and what the target tends to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formsearch.derive.asymptotics import dominant_balance
from formsearch.derive.derivation import Check, Result, Step
from formsearch.derive.frontier import Frontier
from formsearch.derive.outcome import letter
from formsearch.derive.simplify import power_terms, presented, tidy

if TYPE_CHECKING:
    from formsearch.derive.uncertainty import Resampled

_EXPONENT_TOLERANCE = 1e-9


def growth(frontier: Frontier, drawn: Resampled | None = None) -> tuple[list[Step], list[Result]]:
    """Where there is no closed form: the exponents for large values of the given quantity, by dominant balance."""
    import sympy

    joint = frontier.joint
    if len(joint.left) != 1 or not frontier.constraint.extra or not joint.rest.values:
        return [], []
    name, given = joint.left[0], frontier.constraint.extra[0]
    found = joint.last(name).stationary
    x, y = joint.rest.symbols[name], joint.rest.symbols[given]
    if found is None or not found.terms or found.base is not None:
        return [], []
    steps: list[Step] = []
    results: list[Result] = []
    for b in dominant_balance(joint.rest, found.terms, x, y):
        floor, tail = _floor(frontier, name, given, b.coefficient, b.exponent)
        power = f"{given}^({frontier.joint.rest.line(b.exponent)}) = {given}^{b.value:.6g}"
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
                   exponent_values={given: b.value}, settings=dict(joint.rest.settings),
                   interval=None if drawn is None else drawn.of(joint.rest, shown, {}))
        )  # fmt: skip
        if floor is not None:
            value = joint.rest.at(floor)
            target = letter(joint.rest)
            sentence = f"{target} on the frontier does not fall below this, however large {given}"
            note = () if tail is None else (f"it is approached as {given}^{tail:.6g}",)
            results.append(Result(f"{target}_floor", joint.rest.law.target, "value", presented(floor),
                                  presented(joint.rest.spelled(floor)), value,
                                  Check("proved", sentence), remarks=note,
                                  interval=None if drawn is None else drawn.of(joint.rest, floor, {}),
                                  settings=dict(joint.rest.settings)))  # fmt: skip
    return steps, results


def _floor(frontier: Frontier, name: str, given: str, coefficient: Any, exponent: Any) -> tuple[Any, float | None]:
    """The limit of the target along the balance, and the exponent with which it is approached."""
    import sympy

    rest = frontier.joint.rest
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
