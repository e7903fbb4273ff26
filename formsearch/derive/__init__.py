"""From a law to its optima, proved and checked: the verb `derive`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from formsearch.derive.derivation import Check, Condition, Derivation, Result, Step, Table

if TYPE_CHECKING:
    from formsearch.derive.equal import crossings, equivalent, indifference
    from formsearch.derive.practical import at_a_price, stepwise
    from formsearch.derive.sensitivity import elasticities, interactions, rate_of_substitution
    from formsearch.law import Law
    from formsearch.pace import Tell

__all__ = [
    "Check", "Condition", "Derivation", "Result", "Step", "Table", "at_a_price", "crossings", "derive",
    "elasticities", "equivalent", "indifference", "interactions", "rate_of_substitution", "stepwise",
]  # fmt: skip

_LATER = {
    "crossings": "equal", "equivalent": "equal", "indifference": "equal", "at_a_price": "practical",
    "stepwise": "practical", "elasticities": "sensitivity", "interactions": "sensitivity",
    "rate_of_substitution": "sensitivity",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """What needs SymPy or SciPy is imported at its first use."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


def derive(
    law: Law | str,
    constants: Any = None,
    minimise: str | Sequence[str] | None = None,
    subject_to: str | None = None,
    settings: Mapping[str, float] | None = None,
    *,
    sweep: Mapping[str, Sequence[float]] | None = None,
    threshold: float | None = None,
    resamples: Any = 200,
    level: float = 0.9,
    seconds: float = 4.0,
    progress: Tell | None = None,
) -> Derivation:
    """Derive the optima of a law: stationarity, solution, second order, dependence, scaling, and a numeric check.

    Parameters
    ----------
    law : any `Law`, from the registry (its name will do) or from a search.
    constants : a fit (its numbers then carry intervals), a mapping, `"published"`, the name of a published fit, or
        None for algebra only.
    minimise : symbols or quantities to optimise (jointly, if several), or a ratio such as `"N_active/N"`. None:
        every variable is tried by itself, and under a constraint those that the constraint ties together. A target
        that is better when larger (efficiency leverage) is maximised.
    subject_to : a constraint such as `"C = 6*N*D"`; names that are not the law's are given positive quantities.
    settings : values of other variables, by symbol or quantity. Results that need a missing one stay formulas.
    sweep : under a constraint, the values of the given quantity for the frontier table, e.g. `{"C": [1e20, 1e21]}`.
    threshold : also give the range of each optimum within this much of the best target value.
    resamples : how many times the fit is resampled for intervals (0: none), or an object with `.names`, `.constants`.
    level : of the intervals.
    seconds : time limit of each symbolic step; a step that exceeds it falls back to a numeric solution, and says so.
    progress : called with the share of the work that is done, 0 to 1, and with what comes next.

    Returns
    -------
    Derivation : steps, results, tables; `print` it, or use `.markdown()`, `.latex()`, `.to_dict()`.

    Raises
    ------
    UnknownNameError : no registered law has that name.
    InputError : constants, settings or the constraint do not fit the law.
    DerivationError : the constraint leaves nothing to optimise, or no optimum exists in what was asked for.
    """
    from formsearch.derive.proof import prove
    from formsearch.pace import silent
    from formsearch.registry import laws

    asked = laws[law] if isinstance(law, str) else law
    return prove(asked, constants, minimise, subject_to, settings, sweep, threshold, resamples, level, seconds,
                 progress or silent)  # fmt: skip
