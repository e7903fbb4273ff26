"""What a fit minimises: always a weighted *sum*, scaled by us.

    sum_i w_i rho(r_i),   r = f - y  (raw)   or   r = ln f - ln y  (log)

What to use when:

* `LeastSquares()`: Gaussian noise of one size; any sign of target. The default.
* `LeastSquares(log=True)`: noise in proportion to the target, which is positive.
* `Huber(1e-3)`: the field's custom (Hoffmann et al. 2022); close to least absolute deviations on log loss.
* `SoftL1`, `StudentT`: outliers, with a smooth objective; Student-t is a likelihood.
* `Asymmetric`: when predicting too low costs more than predicting too high.

A mean instead of a sum makes optimisers stop early with success (the original Chinchilla fit did), so the
objective is never averaged and no optimiser's absolute tolerance is relied on.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import InputError, UnknownNameError

Array = NDArray[np.float64]

LEAST_SQUARES, HUBER, SOFT_L1, STUDENT_T, ASYMMETRIC = range(5)


def _positive(owner: str, name: str, value: float) -> None:
    if not isinstance(value, Real) or not (np.isfinite(value) and value > 0):
        raise InputError(f"{owner}: {name} must be positive and finite, not {value!r}")


@dataclass(frozen=True)
class Objective:
    """Base of all objectives. `kind`, `first`, `second` are what the kernels read."""

    kind: ClassVar[int] = LEAST_SQUARES
    log: bool = False

    @property
    def first(self) -> float:
        """First shape parameter, as the kernels read it."""
        return 1.0

    @property
    def second(self) -> float:
        """Second shape parameter, as the kernels read it."""
        return 1.0

    @property
    def name(self) -> str:
        """Short name with its parameters, e.g. `Huber(0.001, log)`."""
        raise InputError("Objective is a base class: use LeastSquares, Huber, SoftL1, StudentT or Asymmetric")

    def residuals(self, observed: Array, predicted: Array) -> Array:
        """r, shape (rows,). NaN where a logarithm does not exist."""
        if not self.log:
            return np.asarray(predicted - observed)
        with np.errstate(all="ignore"):
            return np.asarray(np.log(predicted) - np.log(observed))

    def rho(self, r: Array) -> Array:
        """The penalty of each residual, shape (rows,)."""
        return 0.5 * r * r

    def psi(self, r: Array) -> Array:
        """Its derivative by r, shape (rows,)."""
        return r

    def value(self, observed: Array, predicted: Array, weight: Array | None = None) -> float:
        """The weighted sum of penalties; infinite where it is not defined."""
        terms = self.rho(self.residuals(observed, predicted))
        total = float(np.sum(terms if weight is None else np.where(weight == 0, 0.0, weight * terms)))
        return total if np.isfinite(total) else float("inf")

    def _tag(self) -> str:
        return "log" if self.log else "raw"


@dataclass(frozen=True)
class LeastSquares(Objective):
    """rho = r**2 / 2."""

    @property
    def name(self) -> str:
        """Short name."""
        return f"LeastSquares({self._tag()})"


@dataclass(frozen=True)
class Huber(Objective):
    """rho = r**2/2 for |r| <= delta, delta*(|r| - delta/2) beyond (Huber 1964). `delta` in units of r."""

    delta: float = 1e-3
    log: bool = True
    kind: ClassVar[int] = HUBER

    def __init__(self, delta: float = 1e-3, log: bool = True) -> None:
        _positive("Huber", "delta", delta)
        object.__setattr__(self, "delta", float(delta))
        object.__setattr__(self, "log", log)

    @property
    def first(self) -> float:
        """delta."""
        return self.delta

    @property
    def name(self) -> str:
        """Short name."""
        return f"Huber({self.delta:g}, {self._tag()})"

    def rho(self, r: Array) -> Array:
        """The penalty of each residual, shape (rows,)."""
        size = np.abs(r)
        return np.where(size <= self.delta, 0.5 * r * r, self.delta * (size - 0.5 * self.delta))

    def psi(self, r: Array) -> Array:
        """Its derivative by r, shape (rows,)."""
        return np.clip(r, -self.delta, self.delta)


@dataclass(frozen=True)
class SoftL1(Objective):
    """rho = scale**2 * (sqrt(1 + (r/scale)**2) - 1): Huber without the kink. `scale` in units of r."""

    scale: float = 1e-3
    log: bool = True
    kind: ClassVar[int] = SOFT_L1

    def __init__(self, scale: float = 1e-3, log: bool = True) -> None:
        _positive("SoftL1", "scale", scale)
        object.__setattr__(self, "scale", float(scale))
        object.__setattr__(self, "log", log)

    @property
    def first(self) -> float:
        """scale."""
        return self.scale

    @property
    def name(self) -> str:
        """Short name."""
        return f"SoftL1({self.scale:g}, {self._tag()})"

    def rho(self, r: Array) -> Array:
        """The penalty of each residual, shape (rows,)."""
        u = (r / self.scale) ** 2
        return np.asarray(self.scale**2 * u / (np.sqrt(1 + u) + 1))

    def psi(self, r: Array) -> Array:
        """Its derivative by r, shape (rows,)."""
        return np.asarray(r / np.sqrt(1 + (r / self.scale) ** 2))


@dataclass(frozen=True)
class StudentT(Objective):
    """rho = (df+1)/2 * ln(1 + r**2/(df*scale**2)): minus the log-likelihood of Student-t noise, up to a constant."""

    scale: float = 1e-2
    df: float = 4.0
    log: bool = True
    kind: ClassVar[int] = STUDENT_T

    def __init__(self, scale: float = 1e-2, df: float = 4.0, log: bool = True) -> None:
        _positive("StudentT", "scale", scale)
        _positive("StudentT", "df", df)
        object.__setattr__(self, "scale", float(scale))
        object.__setattr__(self, "df", float(df))
        object.__setattr__(self, "log", log)

    @property
    def first(self) -> float:
        """scale."""
        return self.scale

    @property
    def second(self) -> float:
        """df."""
        return self.df

    @property
    def name(self) -> str:
        """Short name."""
        return f"StudentT({self.scale:g}, df={self.df:g}, {self._tag()})"

    def rho(self, r: Array) -> Array:
        """The penalty of each residual, shape (rows,)."""
        return np.asarray(0.5 * (self.df + 1) * np.log1p(r * r / (self.df * self.scale**2)))

    def psi(self, r: Array) -> Array:
        """Its derivative by r, shape (rows,)."""
        return np.asarray((self.df + 1) * r / (self.df * self.scale**2 + r * r))


@dataclass(frozen=True)
class Asymmetric(Objective):
    """rho = r**2/2, times `penalty` where the law predicts too low (r < 0)."""

    penalty: float = 10.0
    log: bool = True
    kind: ClassVar[int] = ASYMMETRIC

    def __init__(self, penalty: float = 10.0, log: bool = True) -> None:
        _positive("Asymmetric", "penalty", penalty)
        object.__setattr__(self, "penalty", float(penalty))
        object.__setattr__(self, "log", log)

    @property
    def first(self) -> float:
        """penalty."""
        return self.penalty

    @property
    def name(self) -> str:
        """Short name."""
        return f"Asymmetric({self.penalty:g}, {self._tag()})"

    def rho(self, r: Array) -> Array:
        """The penalty of each residual, shape (rows,)."""
        return np.where(r < 0, self.penalty, 1.0) * 0.5 * r * r

    def psi(self, r: Array) -> Array:
        """Its derivative by r, shape (rows,)."""
        return np.where(r < 0, self.penalty, 1.0) * r


OBJECTIVES: dict[str, type[Objective]] = {
    "ls": LeastSquares,
    "huber": Huber,
    "softl1": SoftL1,
    "student": StudentT,
    "asymmetric": Asymmetric,
}


def parse_objective(text: str) -> Objective:
    """An objective from the command line: `ls`, `log-ls`, `huber:1e-3`, `huber:0.1:raw`, `student:0.01:4`, ...

    NAME[:PARAMETER...][:raw|:log]; without raw or log the class's own default holds. Raises `InputError`.
    """
    name, *rest = text.strip().lower().split(":")
    options: dict[str, bool] = {}
    if name.startswith("log-"):
        name, options["log"] = name[4:], True
    if rest and rest[-1] in ("raw", "log"):
        options["log"] = rest.pop() == "log"
    if name not in OBJECTIVES:
        raise UnknownNameError("objective", name, OBJECTIVES, "write it like huber:1e-3 or log-ls")
    try:
        numbers = [float(r) for r in rest]
        return OBJECTIVES[name](*numbers, **options)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(
            f"cannot read objective {text!r}: write it like ls, log-ls, huber:1e-3 or huber:0.1:raw"
        ) from None
