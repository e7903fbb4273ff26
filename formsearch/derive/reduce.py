"""Reducing a form to what decides its optimum in one variable: L = outer(u(x)) with a monotone outer function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Condition
from formsearch.derive.simplify import power_terms

if TYPE_CHECKING:
    import sympy

    from formsearch.derive.problem import Problem


@dataclass(frozen=True)
class Reduced:
    """L depends on x only through u: L = outer(u), dL/dx = factor * du/dx, with the factor of one sign.

    `outer` is in the placeholder `U`; `said` tells what was stripped; `conditions` are the signs that were used;
    `sign` is that of the factor (0 or None: it changes sign, or nothing is known); `linear` says that outer is
    a + b*U.
    """

    u: Any
    factor: Any
    sign: int | None
    outer: Any
    placeholder: Any
    said: tuple[str, ...]
    conditions: tuple[Condition, ...]
    linear: bool

    def rebuilt(self, u: Any) -> Any:
        """The target where u has that value."""
        return self.outer.subs(self.placeholder, u)


@dataclass
class _Peel:
    """The state of stripping: `u` is what is left inside."""

    problem: Problem
    x: Any
    u: Any
    factor: Any
    outer: Any
    placeholder: Any
    sign: int | None = 1
    linear: bool = True
    said: list[str] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)

    def times(self, part: Any) -> None:
        """A factor of the chain rule."""
        self.factor = self.factor * part
        sign, condition = self.problem.condition(part)
        if condition.check.sentence != "every part is positive":
            self.conditions.append(condition)
        self.sign = None if sign is None or self.sign is None else self.sign * sign

    def inside(self, wrapped: Any, u: Any, said: str = "", linear: bool = True) -> None:
        """Go one layer in: what was `u` is now `wrapped`, a function of the placeholder."""
        self.outer = self.outer.subs(self.placeholder, wrapped)
        self.u = u
        self.linear = self.linear and linear
        if said:
            self.said.append(said)


def reduced(problem: Problem, expression: Any, x: sympy.Symbol) -> Reduced:
    """Strip what cannot move the optimum: terms free of x, factors of one sign, monotone outer functions."""
    import sympy

    mark = sympy.Dummy("U", real=True)
    p = _Peel(problem, x, expression, sympy.Integer(1), mark, mark)
    while p.u != x and p.u.has(x) and len(p.said) < 12 and _layer(p):
        pass
    return Reduced(p.u, p.factor, p.sign, p.outer, mark, tuple(dict.fromkeys(p.said)), tuple(p.conditions), p.linear)


def _layer(p: _Peel) -> bool:
    """Strip one layer; False if there is none."""
    import sympy

    u, x, mark = p.u, p.x, p.placeholder
    if u.is_Add:
        free, bound = u.as_independent(x, as_Add=True)
        if free != 0:
            p.inside(mark + free, bound, f"terms free of {x} drop out")
            return True
        common = sympy.factor_terms(u)
        if not common.is_Mul or common.as_independent(x, as_Add=False)[0] == 1:
            return False
        p.u = common
        return True
    if u.is_Mul:
        return _product(p)
    if u.is_Pow and not u.exp.has(x) and u.base != x:
        if u.exp.is_integer and p.problem.sign(u.base)[0] not in (1, -1):
            return False  # log(lr/lr0)**2 has its optimum where the base is zero
        p.times(u.exp)
        p.times(u.base ** (u.exp - 1))
        p.inside(mark**u.exp, u.base, "an outer power is monotone", linear=False)
        return True
    if u.is_Pow and not u.base.has(x):
        p.times(u)
        p.times(sympy.log(u.base))
        p.inside(u.base**mark, u.exp, "an outer exponential is monotone", linear=False)
        return True
    if isinstance(u, sympy.exp):
        p.times(u)
        p.inside(sympy.exp(mark), u.args[0], "an outer exponential is monotone", linear=False)
        return True
    if isinstance(u, sympy.log) and u.args[0] != x:
        p.times(1 / u.args[0])
        p.inside(sympy.log(mark), u.args[0], "an outer logarithm is monotone", linear=False)
        return True
    return False


def _product(p: _Peel) -> bool:
    import sympy

    u, x, mark = p.u, p.x, p.placeholder
    free, bound = u.as_independent(x, as_Add=False)
    if free != 1:
        p.times(free)
        p.inside(free * mark, bound)
        return True
    if power_terms(u, x) is not None or not all(p.problem.sign(f)[0] == 1 for f in u.args):
        return False
    p.times(u)
    inner = sympy.Add(*(sympy.expand_log(sympy.log(f), force=True) for f in u.args))
    p.inside(sympy.exp(mark), inner, "the logarithm of a positive product has the same optimum", linear=False)
    return False
