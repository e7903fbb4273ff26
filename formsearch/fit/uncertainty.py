"""Uncertainty by resampling: refits of resampled tables, all in one batch, started from the optimum.

* `pairs`: rows drawn with replacement (as integer weights). Right for runs that are a sample of possible runs.
* `residual`: predictions plus resampled residuals. Right for a fixed design with equal noise.
* `wild`: predictions plus residuals times +-1 (Liu 1988). Fixed design, unequal noise.
* `by="column"`: whole groups are drawn (cluster bootstrap): for checkpoints of one run, which are not independent.

Residuals are taken in the objective's space (log residuals for a log objective) and are scaled up by
sqrt(n/(n - p)), because fitted residuals are smaller than the noise. Any derived quantity gets its interval by
pushing the resampled constants through it. The curvature of a Huber loss is never used: it is off 3-10 times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from formsearch.core import batch
from formsearch.core.objectives import LEAST_SQUARES
from formsearch.exceptions import InputError
from formsearch.fit.multistart import PATIENCE, perfect_sum
from formsearch.fit.problem import Problem

if TYPE_CHECKING:
    from formsearch.fit.result import Fit

Array = NDArray[np.float64]
Kind = Literal["pairs", "residual", "wild"]
Derived = str | Callable[[Mapping[str, Array]], Array]

CHUNK_BYTES = 64 << 20
"""Targets or weights of one batch of refits take at most this much memory."""

BATCH = 250
"""Refits of one batch, at most: the piece of work that is stored, and sent to a worker."""


@dataclass(frozen=True, eq=False)
class Resamples:
    """Constants of the refits.

    constants : shape (n, p), columns by `names`; refits that did not converge are left out and counted in `failed`.
    estimate : the constants of the fit itself.
    """

    names: tuple[str, ...]
    constants: Array
    estimate: Mapping[str, float]
    kind: str
    seed: int
    failed: int

    def __len__(self) -> int:
        return len(self.constants)

    def named(self) -> dict[str, Array]:
        """Resampled constants by name, shape (n,) each."""
        return {n: self.constants[:, i] for i, n in enumerate(self.names)}

    def quantity(self, what: Derived) -> Array:
        """A derived quantity for each refit, shape (n,).

        `what` is a constant's name, a formula in constants such as `"sqrt(f/e)"`, or a function of a mapping
        constant name -> array.
        """
        named = self.named()
        if not callable(what):
            return named[what] if what in named else _formula(what, named)
        values = np.asarray(what(named), dtype=np.float64)
        if values.shape != (len(self),):
            raise InputError(f"a derived quantity needs one value a refit, {len(self)} of them, not {values.shape}")
        return values

    def interval(self, what: Derived, level: float = 0.9) -> tuple[float, float]:
        """Percentile interval of a derived quantity. NaN values (it does not exist in a refit) are left out.

        Raises `InputError` if it exists in fewer than half of the refits.
        """
        if not 0 < level < 1:
            raise InputError(f"level must be between 0 and 1, not {level!r}")
        values = self._existing(what)
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def sd(self, what: Derived) -> float:
        """Standard deviation of a derived quantity over the refits; raises as `interval` does."""
        return float(np.std(self._existing(what), ddof=1))

    def _existing(self, what: Derived) -> Array:
        values = self.quantity(what)
        exists = np.isfinite(values)
        if exists.sum() < max(len(self) / 2, 2):
            name = what if isinstance(what, str) else getattr(what, "__name__", "the quantity")
            raise InputError(f"{name} exists in only {exists.sum()} of {len(self)} refits: it has no interval")
        return values[exists]

    def to_dict(self, level: float = 0.9) -> dict[str, Any]:
        """JSON-ready summary: the interval of each constant."""
        return {
            "kind": self.kind,
            "n": len(self),
            "failed": self.failed,
            "seed": self.seed,
            "level": level,
            "intervals": {n: list(self.interval(n, level)) for n in self.names},
        }


def _formula(text: str, named: Mapping[str, Array]) -> Array:
    import sympy

    from formsearch.formula import parse_formula

    symbols = {n: sympy.Symbol(n, real=True) for n in named}
    expression = parse_formula(text, symbols)
    with np.errstate(all="ignore"):
        values = sympy.lambdify(list(symbols.values()), expression, "numpy")(*named.values())
    return np.broadcast_to(np.asarray(values, dtype=np.float64), next(iter(named.values())).shape)


def bootstrap(fit: Fit, n: int = 1000, seed: int = 0, kind: Kind = "pairs", by: str | None = None) -> Resamples:
    """Refit `n` resampled tables. Deterministic for a seed.

    `by` draws whole groups of a column instead of rows (pairs only). Raises `InputError` for grouped fits, for
    unknown kinds, and where `by` names no column.
    """
    checked(fit, kind, by)
    kept: list[Array] = []
    failed = 0
    for number, size in batches(n, len(fit.data)):
        constants, missed = refit_batch(fit, number, size, seed, kind, by)
        kept.append(constants)
        failed += missed
    return gathered(fit, n, seed, kind, kept, failed)


def checked(fit: Fit, kind: str, by: str | None) -> None:
    """Raise `InputError` for a bootstrap that cannot be had."""
    if fit.group_constants:
        raise InputError("resample one group at a time: fit the rows of that group, points.take(points.group == label)")
    if len(fit.data) <= len(fit.constants):
        raise InputError(
            f"{len(fit.data)} rows and {len(fit.constants)} constants leave no residuals to resample: add runs"
        )
    if kind not in ("pairs", "residual", "wild"):
        raise InputError(f"unknown bootstrap {kind!r}: choose pairs, residual or wild")
    if by is not None and kind != "pairs":
        raise InputError("by=... draws whole groups, which is a pairs bootstrap: leave kind='pairs'")
    if by is not None:
        _labels(fit, by)


def batches(n: int, rows: int) -> list[tuple[int, int]]:
    """(number, size) of the batches that `n` refits of a table of so many rows are done in.

    Raises `InputError` unless `n` is a whole number of at least 2.
    """
    if not isinstance(n, Integral) or n < 2:
        raise InputError(f"a bootstrap needs a whole number of refits, 2 or more, not {n!r}: 1000 is usual")
    size = max(1, min(BATCH, CHUNK_BYTES // (8 * rows)))
    return [(number, min(size, n - first)) for number, first in enumerate(range(0, n, size))]


def refit_batch(fit: Fit, number: int, size: int, seed: int, kind: Kind, by: str | None) -> tuple[Array, int]:
    """Constants of the refits of one batch that converged, shape (m, p), and how many did not.

    Each batch has random numbers of its own, so batches may be done in any order, by any process.
    """
    problem = Problem.of(fit.law, fit.data)
    optimum = problem.vector(fit.constants)
    rng = np.random.default_rng(seed if number == 0 else np.random.SeedSequence(seed, spawn_key=(number,)))
    rows = len(fit.data)
    if kind == "pairs":
        weights = problem.weights * _counts(rng, size, rows, None if by is None else _labels(fit, by))
        targets = np.atleast_2d(fit.data.target)
        target_index, weight_index = np.zeros(size, dtype=np.int64), np.arange(size)
    else:
        targets, weights = _noisy(fit, problem, optimum, rng, size, kind), np.atleast_2d(problem.weights)
        target_index, weight_index = np.arange(size), np.zeros(size, dtype=np.int64)
    zero = np.zeros(size, dtype=np.int64)
    jobs = batch.Jobs(zero, target_index, weight_index, zero, zero + rows, (optimum,) * size)
    # Started from the optimum, a refit of least squares that is not soon done follows a valley: see `multistart`.
    iterations = PATIENCE if fit.loss.kind == LEAST_SQUARES else batch.ITERATIONS
    result = batch.run(
        problem.pack, jobs, targets, weights, fit.loss, [(problem.lower, problem.upper)], 1e-9, iterations
    )
    at_optimum = (result.measure < 1e-6) | (result.objective <= perfect_sum(fit.data, fit.loss))
    good = at_optimum & np.isfinite(result.objective)
    constants = np.asarray([c for c, ok in zip(result.constants, good, strict=True) if ok], dtype=np.float64)
    return constants.reshape(int(good.sum()), len(optimum)), int((~good).sum())


def gathered(fit: Fit, n: int, seed: int, kind: str, kept: Sequence[Array], failed: int) -> Resamples:
    """The refits of all batches, in order. Raises `InputError` if fewer than two converged."""
    constants = np.concatenate(kept) if kept else np.empty((0, len(fit.constants)))
    if len(constants) < 2:
        raise InputError(
            f"only {len(constants)} of {n} refits converged: the fit itself is not determined by these points"
        )
    return Resamples(fit.law.constant_names, constants, dict(fit.constants), kind, seed, failed)


def _labels(fit: Fit, by: str) -> NDArray[np.int64]:
    from formsearch.fit.groups import labels_of

    codes: NDArray[np.int64] = np.unique(labels_of(fit.data, by).astype(str), return_inverse=True)[1]
    if codes.max() == 0:
        raise InputError(f"all rows are one group of {by!r}: there is nothing to draw; resample rows instead")
    return codes


def _counts(rng: np.random.Generator, n: int, rows: int, labels: NDArray[np.int64] | None) -> Array:
    """How often each row is drawn, shape (n, rows)."""
    units = rows if labels is None else int(labels.max()) + 1
    drawn = rng.multinomial(units, np.full(units, 1.0 / units), size=n).astype(np.float64)
    return drawn if labels is None else drawn[:, labels]


def _noisy(fit: Fit, problem: Problem, optimum: Array, rng: np.random.Generator, n: int, kind: str) -> Array:
    """Predictions plus resampled noise, shape (n, rows), in the target's unit."""
    predicted, _ = problem.pack.values(optimum)
    rows = len(predicted)
    residuals = -fit.loss.residuals(fit.data.target, predicted)
    residuals = residuals * np.sqrt(rows / max(rows - len(optimum), 1))
    if kind == "wild":
        noise = residuals * rng.choice([-1.0, 1.0], size=(n, rows))
    else:
        noise = rng.choice(residuals - residuals.mean(), size=(n, rows))
    return np.asarray(predicted * np.exp(noise) if fit.loss.log else predicted + noise)


def standard_errors(fit: Fit) -> dict[str, float]:
    """s * sqrt(diag (J^T J)^-1), s**2 = sum w r**2/(n - p). See `Fit.standard_errors`."""
    from formsearch.fit.identifiability import factor_covariance, noise_size, weighted_jacobian

    if fit.loss.kind != LEAST_SQUARES:
        raise InputError(
            f"standard errors from curvature mean nothing for {fit.objective_name}: use fit.bootstrap() instead"
        )
    if fit.group_constants:
        raise InputError("standard errors are given for one set of constants: fit a single group")
    if len(fit.data) <= len(fit.constants):
        raise InputError(
            f"{len(fit.data)} rows and {len(fit.constants)} constants leave no noise to tell from: add runs"
        )
    problem = Problem.of(fit.law, fit.data)
    J, r = weighted_jacobian(problem, problem.vector(fit.constants), fit.loss)
    covariance, _ = factor_covariance(J, noise_size(r, len(fit.constants), fit.loss))
    sd = np.sqrt(np.diag(covariance))
    return dict(zip(fit.law.constant_names, map(float, sd), strict=True))
