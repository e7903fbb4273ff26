"""Batches of fits: tapes packed together over one table of columns, jobs run by the kernels on all cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formsearch.core.objectives import Objective
from formsearch.core.ready import make_ready
from formsearch.core.tape import Key, Tape
from formsearch.exceptions import InputError

Array = NDArray[np.float64]

TOLERANCE = 1e-13
ITERATIONS = 300
TINY = 1e-300
"""Stands for zero where a constant is held as a logarithm."""


@dataclass(frozen=True, eq=False)
class Pack:
    """Several tapes over one table: what the kernels read. Columns that tapes share are stored once.

    columns : X of shape (distinct columns, rows).
    """

    tapes: tuple[Tape, ...]
    columns: Array
    flat: tuple[NDArray[np.int32], NDArray[np.int32], Array, NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]
    linear: NDArray[np.bool_]

    @classmethod
    def of(cls, tapes: Sequence[Tape], column: Callable[[Key], Array], rows: int) -> Pack:
        """Pack `tapes`; `column(key)` gives the values of a column, shape (rows,)."""
        place: dict[Key, int] = {}
        for tape in tapes:
            for key in tape.columns:
                place.setdefault(key, len(place))
        X = np.empty((max(len(place), 1), rows))
        for key, k in place.items():
            X[k] = column(key)
        offsets = np.zeros((5, len(tapes) + 1), dtype=np.int64)
        for i, t in enumerate(tapes):
            sizes = (len(t.scalar_code), len(t.row_code), len(t.literals), len(t.columns), len(t.constants))
            offsets[:, i + 1] = offsets[:, i] + sizes

        def joined(parts: list[NDArray[np.generic]], empty: NDArray[np.generic]) -> NDArray[np.generic]:
            return np.ascontiguousarray(np.concatenate([empty, *parts]))

        code = np.zeros((0, 3), dtype=np.int32)
        flat = (
            joined([t.scalar_code for t in tapes], code),
            joined([t.row_code for t in tapes], code),
            joined([t.literals for t in tapes], np.zeros(0)),
            joined(
                [np.asarray([place[c] for c in t.columns], dtype=np.int64) for t in tapes], np.zeros(0, dtype=np.int64)
            ),
            joined([t.logarithmic for t in tapes], np.zeros(0, dtype=np.bool_)),
            offsets,
        )
        linear = joined([t.linear for t in tapes], np.zeros(0, dtype=np.bool_))
        return cls(tuple(tapes), X, flat, linear)  # type: ignore[arg-type]

    def unprojected(self) -> Pack:
        """The same tapes with every constant searched, none solved for."""
        return replace(self, linear=np.zeros_like(self.linear))

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return int(self.columns.shape[1])

    def values(
        self, constants: Array, tape: int = 0, jacobian: bool = False, low: int = 0, high: int | None = None
    ) -> tuple[Array, Array]:
        """f of shape (rows,) and, on request, d f/d constants of shape (rows, p), at *external* constants.

        Only for rows [low, high) if they are given.
        """
        make_ready()
        from formsearch.core.kernels import evaluate_tape

        t = self.tapes[tape]
        high = self.rows if high is None else high
        out = np.empty(high - low)
        J = np.empty((len(t.constants) if jacobian else 0, high - low))
        evaluate_tape(self.flat, tape, self.columns, low, high, to_internal(t, constants), out, J)
        if jacobian and t.logarithmic.any():
            # d f/d c = (d f/d ln c) / c, where a zero is held as the logarithm of `TINY`.
            held = np.asarray(constants, dtype=np.float64)[t.logarithmic, None]
            with np.errstate(over="ignore"):
                J[t.logarithmic] /= np.maximum(held, TINY)
        return out, J.T


@dataclass(frozen=True, eq=False)
class Jobs:
    """What to fit: one entry a job. `target` and `weight` index rows of the arrays given to `run`."""

    tape: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    starts: tuple[Array, ...]

    @classmethod
    def starts_of(cls, starts: Array, rows: int, tape: int = 0) -> Jobs:
        """One job a row of `starts` (external constants, shape (jobs, p)), all on all rows with target and weight 0."""
        n = len(starts)
        zero = np.zeros(n, dtype=np.int64)
        return cls(zero + tape, zero, zero, zero, zero + rows, tuple(starts))


@dataclass(frozen=True, eq=False)
class BatchResult:
    """Results in the order of the jobs.

    constants : external constants, one array a job. objective : sums. measure : relative decrease still promised
    by the local model (zero at an optimum). status : codes of `formsearch.core.kernels`.
    """

    constants: tuple[Array, ...]
    objective: Array
    measure: Array
    iterations: NDArray[np.int64]
    status: NDArray[np.int64]


def to_internal(tape: Tape, constants: Array) -> Array:
    """Constants as the kernels hold them: logarithms where the tape says so."""
    internal = np.array(constants, dtype=np.float64)
    log = tape.logarithmic
    internal[log] = np.log(np.maximum(internal[log], TINY))
    return internal


def to_external(tape: Tape, internal: Array) -> Array:
    """Inverse of `to_internal`."""
    constants = np.array(internal, dtype=np.float64)
    log = tape.logarithmic
    constants[log] = np.exp(np.clip(constants[log], -690.0, 690.0))
    return constants


def run(
    pack: Pack,
    jobs: Jobs,
    targets: Array,
    weights: Array,
    objective: Objective,
    bounds: Sequence[tuple[Array, Array]],
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
) -> BatchResult:
    """Fit every job. `targets` and `weights` have shape (k, rows); `bounds` gives (lower, upper) a tape.

    Raises `InputError` for a logarithmic objective on targets that are not positive.
    """
    make_ready()
    from formsearch.core.kernels import fit_jobs

    # Points are read-only, and read-only arrays are a type of their own: the kernels would be compiled twice.
    targets, weights = (np.require(np.atleast_2d(v), np.float64, ["C", "W"]) for v in (targets, weights))
    if objective.log and (targets <= 0).any():
        row = int(np.argwhere(targets <= 0)[0][1])
        raise InputError(
            f"{objective.name} needs positive targets: row {row + 1} has {float(targets[targets <= 0][0])!r}; "
            "use an objective on raw residuals, e.g. LeastSquares()"
        )
    lower, upper = [], []
    for tape, (low, high) in zip(pack.tapes, bounds, strict=True):
        log = tape.logarithmic
        lower.append(np.where(log, np.log(np.maximum(low, TINY)), low))
        upper.append(np.where(log, np.log(np.maximum(np.minimum(high, 1e300), TINY)), high))
    start_at = np.concatenate([[0], np.cumsum([len(s) for s in jobs.starts])]).astype(np.int64)
    x = np.concatenate(
        [np.zeros(0), *(to_internal(pack.tapes[k], s) for k, s in zip(jobs.tape, jobs.starts, strict=True))]
    )
    table = np.ascontiguousarray(np.stack([jobs.tape, jobs.target, jobs.weight, jobs.low, jobs.high], axis=1))
    out = np.empty((len(table), 2))
    counts = np.empty((len(table), 2), dtype=np.int64)
    loss = (objective.kind, objective.log, float(objective.first), float(objective.second))
    empty = np.zeros(0)
    fit_jobs(
        pack.flat, pack.linear, np.concatenate([empty, *lower]), np.concatenate([empty, *upper]), pack.columns, targets,
        weights, table, start_at, x, loss, iterations, tolerance, out, counts,
    )  # fmt: skip
    parts = np.split(x, start_at[1:-1]) if len(table) else []
    constants = tuple(to_external(pack.tapes[k], part) for k, part in zip(jobs.tape, parts, strict=True))
    return BatchResult(constants, out[:, 0], out[:, 1], counts[:, 0], counts[:, 1])
