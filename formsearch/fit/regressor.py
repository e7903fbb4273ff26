"""A law as a scikit-learn regressor: for pipelines, cross-validation and model selection made there.

    LawRegressor("chinchilla").fit(X, y).predict(X)

Variables of a law are positive, which most of scikit-learn's own checks are not prepared for. With `inputs="log"`
X holds natural logarithms, any real number is legal, and the estimator passes all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from formsearch.core.objectives import Objective
from formsearch.exceptions import FormsearchError, InputError, UnknownNameError
from formsearch.fit import fit as fit_law
from formsearch.law import Constant, Law, Start, Variable
from formsearch.points import Points
from formsearch.quantities import USER_PREFIX, quantity
from formsearch.registry import laws

if TYPE_CHECKING:
    from sklearn.utils import Tags

Array = NDArray[np.float64]

LARGEST_LOG = 690.0
"""exp of more than this comes close to the end of float64."""


def additive_law(features: int, rows: int) -> Law:
    """An additive power law in `features` positive variables x1, x2, ..., as rich as `rows` distinct rows support.

    * E + A1*x1**-p1 + A2*x2**-p2 + ...: 2 features + 1 constants, for at least twice as many rows;
    * E + A1*x1**-p + A2*x2**-p + ...: features + 2 constants, the same;
    * E + A*(x1*x2*...)**-p: three constants, for fewer rows.

    Amplitudes may have either sign. Raises `InputError` for fewer than three rows.
    """
    names = [f"x{i}" for i in range(1, features + 1)]
    if rows >= 2 * (2 * features + 1):
        exponents = [f"p{i}" for i in range(1, features + 1)]
        formula = " + ".join(["E", *(f"A{i}*x{i}**-p{i}" for i in range(1, features + 1))])
    elif rows >= 2 * (features + 2):
        exponents = ["p"]
        formula = " + ".join(["E", *(f"A{i}*x{i}**-p" for i in range(1, features + 1))])
    elif rows >= 3:
        exponents = ["p"]
        formula = f"E + A*exp(-p*({' + '.join(f'log({n})' for n in names)}))"
    else:
        raise InputError(f"an additive power law has three constants or more, and there are only {rows} distinct rows")
    return Law(
        name="additive",
        formula=formula,
        variables=tuple(Variable(n, USER_PREFIX + n) for n in names),
        # Below the lower bound a power of x can hardly be told from the constant E.
        constants=tuple(Constant(p, "exponent", 0.01, 4.0, Start(0.05, 1.0)) for p in exponents),
        target="score",
        title="additive power laws",
    )


class LawRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Fit a scaling law with scikit-learn's interface.

    Parameters
    ----------
    law : name of a registered law, a `Law`, or None for an additive power law in all features (`additive_law`).
    objective : an objective, its name (`"huber:1e-3:log"`), or None for least squares.
    starts, seed : of the multi-start.
    inputs : `"raw"` if X holds the law's variables in their base units, `"log"` if X holds their natural logarithms.

    Columns of X are the law's variables in their order; columns of a data frame are found by quantity (`N_active`)
    or by the law's own symbol (`Na`), in any order, and others are left alone.

    Attributes
    ----------
    fit_ : the `Fit`, with status, uncertainty and identifiability. law_ : the `Law` it is a fit of.
    constants_ : fitted constants by symbol.
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn.

    Raises
    ------
    ValueError : values outside a variable's domain, missing columns, or fewer rows than constants.
    """

    def __init__(
        self,
        law: str | Law | None = None,
        objective: Objective | str | None = None,
        starts: int = 16,
        seed: int = 0,
        inputs: Literal["raw", "log"] = "raw",
    ) -> None:
        self.law = law
        self.objective = objective
        self.starts = starts
        self.seed = seed
        self.inputs = inputs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LawRegressor:
        """Fit to X of shape (rows, features) and y of shape (rows,)."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        try:
            self._fit(X, np.asarray(y, dtype=np.float64), weight)
        except FormsearchError as error:
            # scikit-learn has its own words for what a positive-only estimator says first.
            negative = self.inputs == "raw" and bool((X < 0).any())
            raise ValueError(
                ("Negative values in data passed to LawRegressor: " if negative else "") + str(error)
            ) from error
        return self

    def _fit(self, X: Array, y: Array, weight: Array | None) -> None:
        if self.inputs not in ("raw", "log"):
            raise InputError(f"inputs must be 'raw' or 'log', not {self.inputs!r}")
        if self.law is None:
            seen = X if weight is None else X[weight > 0]
            law = additive_law(X.shape[1], len(np.unique(seen, axis=0)))
            self._columns = tuple((i, q) for i, q in enumerate(law.quantities))
        else:
            law = laws[self.law] if isinstance(self.law, str) else self.law
            self._columns = _columns(law, X.shape[1], getattr(self, "feature_names_in_", None))
        self.fit_ = fit_law(law, self._points(X, y, weight), self.objective, self.starts, self.seed)
        self.law_ = law
        self.constants_ = dict(self.fit_.constants)

    def predict(self, X: Any) -> Array:
        """Values of the fitted law, shape (rows,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        try:
            return self.fit_.predict(self._points(X, np.ones(len(X)), None))
        except FormsearchError as error:
            raise ValueError(str(error)) from error

    def _points(self, X: Array, y: Array, weight: Array | None) -> Points:
        factors = {}
        for i, name in self._columns:
            column = X[:, i]
            if self.inputs == "log":
                if (np.abs(column) > LARGEST_LOG).any():
                    row = int(np.argmax(np.abs(column)))
                    raise InputError(
                        f"{name}: row {row + 1} has {column[row]!r}, which is no logarithm of a float64; "
                        "inputs='log' means that X holds natural logarithms"
                    )
                column = np.exp(column)
            factors[name] = column
        return Points(y, factors, target_name="y", target_quantity="score", weight=weight, name="X")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.inputs == "raw"
        return tags


def _columns(law: Law, features: int, names: Sequence[str] | None) -> tuple[tuple[int, str], ...]:
    """(position in X, quantity) of what the law needs: by quantity, by symbol, or in the order of its variables."""
    if names is not None:
        place = {str(n): i for i, n in enumerate(names)}
        known = tuple((i, n) for n, i in place.items() if _is_quantity(n))
        derived = Points(np.ones(1), {n: np.full(1, 0.5) for _, n in known}, target_quantity="score")
        if all(derived.can(q) for q in law.quantities):
            return known
        if all(v.symbol in place for v in law.variables):
            return tuple((place[v.symbol], v.quantity) for v in law.variables)
    if features != len(law.variables):
        needs = ", ".join(f"{v.quantity} ({v.symbol})" for v in law.variables)
        raise InputError(f"law {law.name} needs the columns {needs}; X has {features} others")
    return tuple(enumerate(law.quantities))


def _is_quantity(name: str) -> bool:
    try:
        return not quantity(name).is_target
    except UnknownNameError:
        return False
