"""Where the constants of a derivation come from: a fit, a published fit, a mapping, or nowhere (algebra only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import InputError, UnknownNameError

if TYPE_CHECKING:
    from formsearch.law import Law

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Premises:
    """Constants with their origin.

    `resamples` has shape (draws, constants) in the order of `names`, or is None; `ranges` are those of the points
    behind a fit, by quantity; `simulated` says so if those points were not measured.
    """

    constants: Mapping[str, float]
    source: str
    resamples: Array | None = None
    names: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    simulated: str | None = None
    warnings: tuple[str, ...] = ()


def premises(law: Law, constants: Any = None, resamples: Any = 200) -> Premises:
    """Read `constants`: None, "published" or a published fit's name, a mapping, or a fit.

    `resamples` is the number drawn from a fit (0 for none), or an object with `.names` and `.constants`.
    Raises `UnknownNameError` or `InputError`.
    """
    if constants is None:
        return Premises({}, "none: algebra only")
    if isinstance(constants, str):
        return _published(law, constants)
    drawn = resamples if hasattr(resamples, "constants") and hasattr(resamples, "names") else None
    if isinstance(constants, Mapping):
        return _with_draws({str(k): float(v) for k, v in constants.items()}, "given", drawn)
    if hasattr(constants, "constants") and hasattr(constants, "law"):
        return _fitted(law, constants, resamples if drawn is None else drawn)
    if hasattr(constants, "constants"):  # a published fit object
        return _with_draws(dict(constants.constants), f"published: {getattr(constants, 'source', '')}", drawn)
    raise InputError(
        f'constants must be a fit, a mapping, "published" or a published fit\'s name, not {type(constants).__name__}'
    )


def _published(law: Law, name: str) -> Premises:
    if not law.published:
        raise InputError(f"law {law.name} has no published constants: give a mapping, or fit it to points")
    if name == "published":
        name = next(iter(law.published))
    if name not in law.published:
        raise UnknownNameError(f"published fit of law {law.name}", name, law.published)
    fit = law.published[name]
    return Premises(dict(fit.constants), f"published: {name} ({fit.source})")


def _with_draws(constants: dict[str, float], source: str, drawn: Any) -> Premises:
    if drawn is None:
        return Premises(constants, source)
    return Premises(constants, source, np.asarray(drawn.constants, dtype=np.float64), tuple(drawn.names))


def _fitted(law: Law, fit: Any, resamples: Any) -> Premises:
    if fit.law.key != law.key:
        raise InputError(f"the fit is of law {fit.law.name}, not of {law.name}: derive the law that was fitted")
    if getattr(fit, "group_constants", None):
        raise InputError("the fit has constants by group: derive each group with constants=fit.group_constants[group]")
    described = dict(fit.points)
    ranges = {k: (float(v[0]), float(v[1])) for k, v in described.get("ranges", {}).items()}
    warnings: list[str] = []
    if not getattr(fit, "ok", True):
        warnings.append(f"the fit has not converged ({fit.status.sentence}): the numbers below inherit that")
    drawn = resamples
    if isinstance(resamples, int):
        drawn = fit.bootstrap(resamples) if resamples > 0 else None
    matrix = None if drawn is None else np.asarray(drawn.constants, dtype=np.float64)
    source = f"fit to {described.get('name', 'points')} ({described.get('rows', '?')} rows, {fit.objective_name})"
    return Premises(
        dict(fit.constants), source, matrix, () if drawn is None else tuple(drawn.names), ranges,
        described.get("simulated"), tuple(warnings),
    )  # fmt: skip
