"""What the points can tell about the constants: the scaled Jacobian at the optimum, in words.

The rows J[i, c] = d r_i/d c, weighted as the objective weighs them, say how well each constant is known: with
J = U S V^T and noise of size s, the covariance is s**2 V S**-2 V^T. Two refinements keep the words honest:

* An amplitude is judged by its *term at the centre of the data*, not by its value at N = 1 or D = 1: the b of
  b*D**-beta may be uncertain by a factor of three while the term is known to 1 %.
* A constant that the points do not identify inflates every constant it trades with. So the worst one is named,
  held, and the others are judged without it.

For objectives that are not least squares the numbers are a guide, not an interval: use the bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.core.objectives import LEAST_SQUARES, Objective
from formsearch.fit.multistart import AT_ZERO, perfect_sum
from formsearch.fit.problem import ByKey, Problem

if TYPE_CHECKING:
    from formsearch.fit.result import Fit

Array = NDArray[np.float64]

UNKNOWN = 1.0
"""A constant (or its term) whose relative standard deviation is above this is called not identified."""

SCALE = 0.2
"""A common scale of several constants is reported if its logarithm has a standard deviation above this."""

TIED = 0.98
"""Constants whose absolute correlation is above this are said to trade against each other."""


@dataclass(frozen=True, eq=False)
class Identifiability:
    """What is known of each constant.

    relative_sd : standard deviation over |value|, unidentified constants held. term_sd : the same for the term an
    amplitude multiplies, at the centre of the data (NaN for constants that are no amplitudes).
    singular_values : of the Jacobian by the logarithms of all constants. sentences : the finding for people.
    """

    names: tuple[str, ...]
    relative_sd: Array
    term_sd: Array
    singular_values: Array
    unidentified: tuple[str, ...]
    sentences: tuple[str, ...]

    @property
    def condition(self) -> float:
        """Largest over smallest singular value."""
        if not len(self.singular_values):
            return 1.0
        smallest = float(self.singular_values[-1])
        return float(self.singular_values[0]) / smallest if smallest > 0 else float("inf")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; numbers that do not exist are null."""

        def plain(values: Array) -> list[float | None]:
            return [float(v) if np.isfinite(v) else None for v in values]

        return {
            "names": list(self.names),
            "relative_sd": plain(self.relative_sd),
            "term_sd": plain(self.term_sd),
            "singular_values": plain(self.singular_values),
            "condition": self.condition if np.isfinite(self.condition) else None,
            "unidentified": list(self.unidentified),
            "sentences": list(self.sentences),
        }


def weighted_jacobian(problem: Problem, constants: Array, objective: Objective) -> tuple[Array, Array]:
    """(J, r): d r/d constants of shape (rows, p) and residuals r, both times the square root of the weights."""
    f, J = problem.pack.values(constants, jacobian=True)
    root = np.sqrt(problem.weights)
    with np.errstate(all="ignore"):
        r = objective.residuals(problem.points.target, f) * root
        J = J * ((1.0 / f if objective.log else 1.0) * root)[:, None]
    keep = (root > 0) & np.isfinite(r) & np.isfinite(J).all(axis=1)
    return J[keep], r[keep]


def noise_size(residuals: Array, constants: int, objective: Objective) -> float:
    """Standard deviation of the residuals: from the sum of squares, or robustly where the objective is robust."""
    if not len(residuals):
        return float("nan")
    if objective.kind == LEAST_SQUARES:
        return float(column_norms(residuals[:, None])[0] / np.sqrt(max(len(residuals) - constants, 1)))
    return float(1.4826 * np.median(np.abs(residuals)))


def column_norms(A: Array) -> Array:
    """Euclidean norms of the columns, for entries of any size."""
    largest = np.abs(A).max(axis=0, initial=0.0)
    scale = np.where(largest > 0, largest, 1.0)
    return np.asarray(scale * np.linalg.norm(A / scale, axis=0))


def factor_covariance(J: Array, noise: float = 1.0) -> tuple[Array, Array]:
    """noise**2 (J^T J)^-1, by singular values of the column-scaled J, which is never squared; and its column norms."""
    norm = np.linalg.norm(J, axis=0)
    safe = np.where(norm > 0, norm, 1.0)
    _, singular, Vt = np.linalg.svd(J / safe, full_matrices=False)
    floor = max(float(singular[0]) * 1e-15, 1e-300) if len(singular) else 1.0
    rows = (Vt.T / np.maximum(singular, floor)) * (noise / safe)[:, None]
    # A column of 1e-155 has an infinite variance: that is the answer, not an accident.
    with np.errstate(over="ignore", invalid="ignore"):
        return rows @ rows.T, norm


@lru_cache(maxsize=256)
def _terms(wrapped: ByKey) -> tuple[Callable[..., list[Any]], tuple[tuple[int, int], ...]]:
    """Of each amplitude's term, c*T: a function that gives T and its derivatives, and what each value of it is.

    (i, i) stands for the term of constant i, (i, j) for its derivative by constant j.
    """
    import sympy

    law = wrapped.law
    symbols = [law.symbols[n] for n in law.constant_names]
    places: list[tuple[int, int]] = []
    expressions: list[Any] = []
    for i, c in enumerate(symbols):
        term = law.expression.diff(c)
        if c in term.free_symbols:
            continue
        for j, other in enumerate(symbols):
            if i == j or other in term.free_symbols:
                places.append((i, j))
                expressions.append(term if i == j else term.diff(other))
    arguments = [*(law.symbols[v] for v in law.variable_names), *symbols]
    return sympy.lambdify(arguments, expressions, "numpy", cse=True), tuple(places)


def _term_slopes(problem: Problem, constants: Array) -> dict[int, Array]:
    """For each amplitude c with term c*T: the mean over rows of d ln T/d (other constants), shape (p,)."""
    function, places = _terms(ByKey(problem.law))
    rows, p = len(problem.points), len(constants)
    slopes: dict[int, Array] = {}
    with np.errstate(all="ignore"):
        values = function(*(problem.columns[v] for v in problem.law.variable_names), *constants)
        table = {place: np.asarray(value, dtype=np.float64) for place, value in zip(places, values, strict=True)}
        for (i, j), value in table.items():
            row = slopes.setdefault(i, np.zeros(p))
            if i != j:
                ratio = np.broadcast_to(value / table[i, i], (rows,))
                seen = np.isfinite(ratio)
                row[j] = float(np.mean(ratio[seen])) if seen.any() else np.nan
    return slopes


@dataclass(frozen=True, eq=False)
class _Finding:
    """relative, term, singular as in `Identifiability`; correlation : of the constants that are not held.

    unknown : places of the held ones, the worst first; alone : their standard deviations when they were held.
    weakest : (standard deviation, direction) in units of the constants, the least certain first.
    """

    relative: Array
    term: Array
    singular: Array
    correlation: Array
    unknown: tuple[int, ...]
    alone: Mapping[int, float]
    weakest: tuple[tuple[float, Array], ...]


def _judge(problem: Problem, constants: Array, objective: Objective) -> _Finding:
    """Hold the worst unidentified constant, judge the rest again, until all that are left are identified.

    Everything is in units of the constants themselves, so that no table is too large or too small; a constant at
    zero has the unit 1.
    """
    J, r = weighted_jacobian(problem, constants, objective)
    p = len(constants)
    noise = noise_size(r, p, objective)
    at_zero = np.abs(constants) <= AT_ZERO
    unit = np.where(at_zero, 1.0, np.abs(constants))
    slopes = {i: row * unit for i, row in _term_slopes(problem, constants).items()}
    with np.errstate(all="ignore"):
        J = np.nan_to_num(J * unit, posinf=np.finfo(float).max)
    held: list[int] = []
    alone: dict[int, float] = {}
    # No noise and an infinite variance give NaN: unknown, and judged as infinite.
    with np.errstate(all="ignore"):
        while True:
            free = [i for i in range(p) if i not in held]
            covariance = np.zeros((p, p))
            covariance[np.ix_(free, free)], norm = factor_covariance(J[:, free], noise)
            sd = np.sqrt(np.maximum(np.diag(covariance), 0.0))
            for k, i in enumerate(free):
                if norm[k] == 0.0:
                    sd[i] = np.inf
            relative = np.where(at_zero, np.inf, sd)
            term = np.full(p, np.nan)
            for i, row in slopes.items():
                if not at_zero[i]:
                    direction = row.copy()
                    direction[i] += np.sign(constants[i])
                    direction[held] = 0.0
                    variance = float(direction @ covariance @ direction)
                    term[i] = np.sqrt(max(variance, 0.0)) if np.isfinite(sd[i]) else np.inf
            judged = np.where(np.isnan(term), relative, np.minimum(term, relative))
            judged[held] = 0.0
            worst = int(np.argmax(np.where(np.isnan(judged), np.inf, judged)))
            if judged[worst] <= UNKNOWN or len(free) == 1:
                break
            alone[worst] = float(sd[worst] if at_zero[worst] else judged[worst])
            held.append(worst)
        correlation = np.nan_to_num(covariance / np.outer(sd, sd), nan=0.0, posinf=0.0, neginf=0.0)
        weakest = []
        for value, row in zip(*_directions(J[:, free]), strict=True):
            direction = np.zeros(p)
            direction[free] = row
            weakest.append((float(noise / value) if value > 0 else float("inf"), direction))
    return _Finding(relative, term, _directions(J)[0], correlation, tuple(held), alone, tuple(weakest[::-1]))


def _directions(J: Array) -> tuple[Array, Array]:
    """Singular values, the largest first, and right singular vectors as rows."""
    _, singular, rows = np.linalg.svd(np.clip(J, -1e150, 1e150), full_matrices=False)
    return np.asarray(singular, dtype=np.float64), np.asarray(rows, dtype=np.float64)


def unidentified(problem: Problem, constants: Array, objective_value: float, objective: Objective) -> tuple[str, ...]:
    """Names of constants that these points do not identify."""
    if not len(constants) or not _has_noise(problem, constants, objective_value, objective):
        return ()
    return tuple(problem.law.constant_names[i] for i in _judge(problem, constants, objective).unknown)


def _has_noise(problem: Problem, constants: Array, objective_value: float, objective: Objective) -> bool:
    """Whether the fit leaves residuals to judge by: not if it passes through every point, nor if there are too few."""
    rows = int((problem.weights > 0).sum())
    return rows > len(constants) and objective_value > perfect_sum(problem.points, objective)


def identifiability(fit: Fit) -> Identifiability:
    """What the points of a fit can tell about its constants. Raises `InputError` for grouped fits."""
    from formsearch.exceptions import InputError

    if fit.group_constants:
        raise InputError("identifiability is reported for one set of constants: fit a single group")
    problem = Problem.of(fit.law, fit.data)
    constants = problem.vector(fit.constants)
    names = fit.law.constant_names
    if not names:
        nothing = np.zeros(0)
        return Identifiability((), nothing, nothing, nothing, (), ("the form has no constants to be identified",))
    found = _judge(problem, constants, fit.loss)
    sentences = []
    if not _has_noise(problem, constants, fit.objective, fit.loss):
        sentences.append("the form passes through every point: there is no noise that constants could be judged by")
        found = replace(found, unknown=())
    else:
        sentences += [_not_identified(names[i], constants[i], found.alone[i]) for i in found.unknown]
        sentences += _scales(names, found, constants)
        sentences += _trades(names, found)
        if not found.unknown:
            sentences.insert(0, _all_identified(names, found))
    return Identifiability(
        names,
        found.relative,
        found.term,
        found.singular,
        tuple(names[i] for i in found.unknown),
        tuple(sentences),
    )


def _not_identified(name: str, value: float, sd: float) -> str:
    if abs(value) <= AT_ZERO:
        return (
            f"{name} is not identified: the best fit has none of it, and anything up to about {sd:.2g} "
            "(one standard deviation, the others refitted) fits as well"
        )
    return f"{name} is not identified: standard deviation {_percent(sd)} of its value"


def _all_identified(names: tuple[str, ...], found: _Finding) -> str:
    judged = np.where(np.isnan(found.term), found.relative, np.minimum(found.term, found.relative))
    worst = int(np.argmax(judged))
    what = names[worst] if found.term[worst] != judged[worst] else f"the term of {names[worst]}"
    return f"every constant is identified; the least is {what}, known to {_percent(judged[worst])}"


def _scales(names: tuple[str, ...], found: _Finding, constants: Array) -> list[str]:
    """Amplitudes that share a scale: all of some times a factor, all of others over it, and little changes.

    Such a scale is a direction of the logarithms, equal in size for its members and small for all others, that the
    points leave free by more than `SCALE`.
    """
    sentences = []
    for sd, direction in found.weakest:
        size = np.abs(direction)
        members = size > 0.5 * size.max()
        alike = size[members].min() > 0.75 * size.max()
        if sd < SCALE or members.sum() < 3 or not alike or not (constants[members] != 0).all():
            continue
        sign = np.sign(direction * np.sign(constants))
        sides = [[n for n, m, s in zip(names, members, sign, strict=True) if m and s == side] for side in (1, -1)]
        many, few = sorted(sides, key=len, reverse=True)
        factor = float(np.exp(sd * size[members].mean()))
        if few:
            sentences.append(
                f"{', '.join(many)} share a scale with {', '.join(few)}: the former times {factor:.2g} and the latter "
                "over it (one standard deviation) fit nearly as well"
            )
    return sentences


def _percent(relative: float) -> str:
    if not np.isfinite(relative) or relative > 1e4:
        return "above 1,000,000 %"
    return f"{100 * relative:,.0f} %" if relative >= 0.1 else f"{100 * relative:.2g} %"


def _trades(names: tuple[str, ...], found: _Finding) -> list[str]:
    """Sets of constants that trade against each other: connected by correlations above `TIED`."""
    linked = np.abs(found.correlation) > TIED
    seen: set[int] = set()
    sentences = []
    for i in range(len(names)):
        if i in seen:
            continue
        group, queue = {i}, [i]
        while queue:
            j = queue.pop()
            for k in np.flatnonzero(linked[j]):
                if int(k) not in group:
                    group.add(int(k))
                    queue.append(int(k))
        seen |= group
        if len(group) > 1:
            members = sorted(group)
            widest = max(float(found.relative[k]) for k in members)
            sentences.append(
                f"{', '.join(names[k] for k in members)} trade against each other (correlations above {TIED:g}): "
                f"one by one known to {_percent(widest)} at worst, together much better"
            )
    return sentences
