"""What the derivation in one variable gives, and how its symbols are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Result, Step
from formsearch.derive.problem import Problem
from formsearch.derive.reduce import Reduced
from formsearch.derive.stationary import Stationary

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True)
class Outcome:
    """What the derivation in one variable gave.

    `kind`: "closed", "implicit", "monotone" (proved or seen: no interior optimum) or "unknown". `solution` is the
    closed form in named parts; `slope` the reduced slope du/dx whose zero is the optimum.
    """

    x: str
    kind: str
    steps: tuple[Step, ...]
    result: Result
    solution: Any = None
    slope: Any = None
    stationary: Stationary | None = None
    reduction: Reduced | None = None
    more: tuple[Result, ...] = ()


def partial(x: str, order: int = 1, target: str = "L") -> sympy.Symbol:
    """A symbol that reads (and is typeset) as the partial derivative of the target in x."""
    import sympy

    return sympy.Symbol(f"d{target}/d{x}" if order == 1 else f"d{order}{target}/d{x}{order}")


def letter(problem: Problem) -> str:
    """The letter of the target: L for a loss."""
    return "EL" if problem.law.target == "efficiency_leverage" else "L"


def quantity_name(problem: Problem, name: str) -> str:
    """The quantity behind a symbol, or ""."""
    q = problem.quantity_of(name)
    return q.name if q else ""
