"""The search as a scikit-learn regressor: for pipelines, cross-validation and model selection made there.

    FormSearchRegressor(seconds=60, quantities=["N", "D"]).fit(X, y).predict(X)

Columns of X are quantities: of a data frame by its column names, of an array by `quantities`, or else they are
variables of the user's own, x1, x2, ... With `inputs="log"` X holds natural logarithms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from formsearch.core.objectives import Objective, parse_objective
from formsearch.exceptions import FormsearchError, InputError, UnknownNameError
from formsearch.points import Points
from formsearch.quantities import USER_PREFIX, quantity
from formsearch.search import search

if TYPE_CHECKING:
    from sklearn.utils import Tags

Array = NDArray[np.float64]

LARGEST_LOG = 690.0
"""exp of more than this comes close to the end of float64."""


class FormSearchRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Search for a form with scikit-learn's interface.

    Parameters
    ----------
    seconds, engine, seed, seeds, generations, max_constants : as in `formsearch.search`; `seeds="none"` searches
        blind. With `generations` set, the native engine's result depends on the seed alone.
    objective : an objective, its name (`"huber:1e-3:log"`), or None for the search's own choice.
    quantities : what the columns of X are, in order; None for the names of a data frame's columns, and for variables of
        the user's own where those name no quantity.
    target : `"loss"` if a law of y must fall as sizes grow, `"score"` if nothing is known of y.
    inputs : `"raw"` if X holds the quantities in base units, `"log"` if X holds their natural logarithms.
    accepted_only : predict with the best accepted form only, and raise `ValueError` if there is none; by default with
        the front's `predictor`.

    Attributes
    ----------
    front_ : the `Front`. candidate_ : the form that predicts. law_, constants_ : its law and its constants by symbol.
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn.

    Raises
    ------
    ValueError : values outside a quantity's domain, too few rows, or nothing accepted with `accepted_only`.
    """

    def __init__(
        self,
        seconds: float = 60.0,
        engine: str | Sequence[str] = "native",
        objective: Objective | str | None = None,
        quantities: Sequence[str] | None = None,
        target: Literal["loss", "score"] = "score",
        inputs: Literal["raw", "log"] = "raw",
        seeds: str = "registry",
        seed: int = 0,
        generations: int | None = None,
        max_constants: int | None = None,
        accepted_only: bool = False,
    ) -> None:
        self.seconds = seconds
        self.engine = engine
        self.objective = objective
        self.quantities = quantities
        self.target = target
        self.inputs = inputs
        self.seeds = seeds
        self.seed = seed
        self.generations = generations
        self.max_constants = max_constants
        self.accepted_only = accepted_only

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> FormSearchRegressor:
        """Search on X of shape (rows, features) and y of shape (rows,)."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        try:
            self._columns = self._named(X.shape[1])
            points = self._points(X, np.asarray(y, dtype=np.float64), weight)
            self.front_ = search(
                points,
                engine=self.engine,
                seconds=self.seconds,
                seed=self.seed,
                seeds=None if self.seeds == "none" else self.seeds,
                objective=parse_objective(self.objective) if isinstance(self.objective, str) else self.objective,
                generations=self.generations,
                max_constants=self.max_constants,
            )
        except FormsearchError as error:
            # scikit-learn has its own words for what a positive-only estimator says first.
            negative = self.inputs == "raw" and bool((X < 0).any())
            raise ValueError(
                ("Negative values in data passed to FormSearchRegressor: " if negative else "") + str(error)
            ) from error
        if self.front_.best is None and (self.accepted_only or not self.front_.candidates):
            raise ValueError("no form was accepted: search longer, or set accepted_only=False")
        best = self.front_.best if self.accepted_only else self.front_.predictor
        assert best is not None
        self.candidate_ = best
        self.law_, self.constants_ = best.law, dict(best.constants)
        return self

    def predict(self, X: Any) -> Array:
        """Values of the found form, shape (rows,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        try:
            return self.candidate_.predict(self._points(X, np.ones(len(X)), None))
        except FormsearchError as error:
            raise ValueError(str(error)) from error

    def predict_interval(self, X: Any, level: float = 0.9, noise: bool = True) -> tuple[Array, Array]:
        """Lower and upper limits that include the uncertainty of the form, shape (rows,) each; see `Front.interval`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.front_.interval(self._points(X, np.ones(len(X)), None), level, noise, self.seed)

    def _named(self, features: int) -> tuple[str, ...]:
        """The quantity of every column."""
        if self.inputs not in ("raw", "log"):
            raise InputError(f"inputs must be 'raw' or 'log', not {self.inputs!r}")
        if self.quantities is not None:
            if len(self.quantities) != features:
                raise InputError(f"{len(self.quantities)} quantities are named, X has {features} columns")
            return tuple(self.quantities)
        names = [str(n) for n in getattr(self, "feature_names_in_", [f"x{i}" for i in range(1, features + 1)])]
        return tuple(n if _is_quantity(n) else USER_PREFIX + n for n in names)

    def _points(self, X: Array, y: Array, weight: Array | None) -> Points:
        if self.inputs == "log":
            if (np.abs(X) > LARGEST_LOG).any():
                row = int(np.argmax(np.abs(X).max(axis=1)))
                raise InputError(
                    f"row {row + 1} of X has {float(X[row][np.argmax(np.abs(X[row]))])!r}, which is no logarithm of a "
                    "float64; inputs='log' means that X holds natural logarithms"
                )
            X = np.exp(X)
        factors = {q: X[:, i] for i, q in enumerate(self._columns)}
        return Points(y, factors, target_name="y", target_quantity=self.target, weight=weight, name="X")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.inputs == "raw"
        tags.non_deterministic = self.generations is None
        tags.regressor_tags.poor_score = True
        return tags


def _is_quantity(name: str) -> bool:
    try:
        return not quantity(name).is_target
    except UnknownNameError:
        return False
