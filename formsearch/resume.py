"""Work that is done once: `Remembered` looks into a store before it works, and adds what it has done.

Its pieces are fits, batches of resamples, derivations and searches; a search that was cut off goes on from its last
checkpoint. A piece is keyed by everything that decides it: the law's form and bounds, the content of the points, the
objective, starts, seed, grouping, and the code that computes it. What comes back equals what was computed, to the bit.
What is written of a piece, and how it is read back, is in `formsearch.payloads`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from formsearch.codec import NotStorable
from formsearch.core.objectives import LeastSquares, Objective
from formsearch.exceptions import DerivationError, FitError, FormsearchError, InputError, NotApplicableError, StoreError
from formsearch.fit.result import Fit
from formsearch.law import Law
from formsearch.parallel import SERIAL, Workers, each
from formsearch.payloads import derivation_of, derivation_payload, fit_of, fit_payload, front_of, front_payload
from formsearch.points import Points
from formsearch.store import Store, as_text, work_key

if TYPE_CHECKING:
    from formsearch.derive.derivation import Derivation
    from formsearch.fit.uncertainty import Kind, Resamples
    from formsearch.search.front import Front

Fitter = Callable[..., Fit]
"""A function with the parameters of `formsearch.fit.fit`."""

_REFUSALS = {c.__name__: c for c in (DerivationError, NotApplicableError, InputError)}
"""What a derivation may end in that will be no other the next time."""


class Remembered:
    """A drop-in for `formsearch.fit.fit`, `Fit.bootstrap` and `formsearch.derive` that recalls what `store` holds.

    What it does not hold is done by `workers`, and stored as it comes.
    """

    def __init__(self, store: Store, workers: Workers = SERIAL) -> None:
        self.store, self.workers = store, workers

    def __call__(
        self,
        law: Law,
        points: Points,
        objective: Objective | None = None,
        starts: int = 16,
        seed: int = 0,
        by: str | None = None,
        shared: Sequence[str] = (),
    ) -> Fit:
        """The fit, as `formsearch.fit.fit` makes it."""
        from formsearch.fit import fit as compute

        loss = objective if objective is not None else LeastSquares()
        key = fit_key(law, points, loss, starts, seed, by, shared)
        found = self.store.get(key)
        if found is not None:
            with reading(self.store, key):
                return fit_of(found, law, points, loss)
        begun = time.perf_counter()
        fitted = compute(law, points, objective=loss, starts=starts, seed=seed, by=by, shared=shared)
        self.store.put(key, "fit", fit_payload(fitted), _label(law, points), time.perf_counter() - begun)
        return fitted

    def many(self, asked: Sequence[FitRequest]) -> Iterator[tuple[int, Fit | FormsearchError]]:
        """(number, fit) of each request as they are finished; in place of a fit the error that it ended in."""
        waiting: list[int] = []
        keys = [fit_key(r.law, r.points, r.objective, r.starts, r.seed, r.by, r.shared) for r in asked]
        for number, (key, r) in enumerate(zip(keys, asked, strict=True)):
            if (found := self.store.get(key)) is not None:
                with reading(self.store, key):
                    fitted = fit_of(found, r.law, r.points, r.objective)
                yield number, fitted
            else:
                waiting.append(number)
        # Equal tables travel once: all requests of one training part have the same.
        tables = {r.points.hash: r.points for r in (asked[n] for n in waiting)}
        pieces = [replace(asked[n], points=asked[n].points.hash) for n in waiting]
        for place, (payload, seconds) in each(_fit_piece, tables, pieces, self.workers):
            number = waiting[place]
            r = asked[number]
            if isinstance(payload, FormsearchError):
                yield number, payload
                continue
            self.store.put(keys[number], "fit", payload, _label(r.law, r.points), seconds)
            # Through JSON, as if it had been recalled: the same object wherever it was made.
            yield number, fit_of(json.loads(as_text(payload)), r.law, r.points, r.objective)

    def bootstrap(
        self, fit: Fit, n: int = 1000, seed: int = 0, kind: Kind = "pairs", by: str | None = None
    ) -> Resamples:
        """Refits of resampled tables, as `Fit.bootstrap` makes them, a batch at a time."""
        from formsearch.fit.uncertainty import batches, checked, gathered

        checked(fit, kind, by)
        todo = batches(n, len(fit.data))
        keys = [resamples_key(fit, number, size, seed, kind, by) for number, size in todo]
        done = {number: found for number, _ in todo if (found := self.store.get(keys[number])) is not None}
        waiting = [(number, size) for number, size in todo if number not in done]
        # A single batch is done here: starting workers would take longer.
        workers = self.workers if len(waiting) > 1 else SERIAL
        for place, (made, seconds) in each(_resamples_piece, (fit, seed, kind, by), waiting, workers):
            number = waiting[place][0]
            self.store.put(keys[number], "resamples", made, f"{fit.law.name}, {number}", seconds)
            done[number] = made
        kept: list[Any] = []
        failed = 0
        for number, _ in todo:
            with reading(self.store, keys[number]):
                constants = np.asarray(done[number]["constants"], dtype=np.float64)
                kept.append(constants.reshape(-1, len(fit.constants)))
                failed += int(done[number]["failed"])
        return gathered(fit, n, seed, kind, kept, failed)

    def derive(
        self, fit: Fit, resamples: int, progress: Callable[[float, str], None] | None = None, **asked: Any
    ) -> Derivation:
        """The derivation from a fit, as `formsearch.derive` makes it. A refusal is remembered, too."""
        from formsearch.derive import derive as compute

        key = work_key(
            "derivation", law=fit.law.key, fit=_identity(fit), resamples=resamples, asked=asked,
            code=code_version("core", "fit", "derive"),
        )  # fmt: skip
        found = self.store.get(key)
        if found is not None:
            with reading(self.store, key):
                if "refused" in found:
                    raise _REFUSALS[found["error"]](found["refused"])
                return derivation_of(found, fit.law)
        label = f"{fit.law.name} {asked.get('subject_to', '')}".strip()
        begun = time.perf_counter()
        try:
            drawn = self.bootstrap(fit, resamples) if resamples else 0
            made = compute(fit.law, constants=fit, resamples=drawn, progress=progress, **asked)
        except tuple(_REFUSALS.values()) as error:
            refusal = {"refused": str(error), "error": type(error).__name__}
            if type(error) in _REFUSALS.values():
                self.store.put(key, "derivation", refusal, label, time.perf_counter() - begun)
            raise
        with suppress(NotStorable):  # then it is derived again
            self.store.put(key, "derivation", derivation_payload(made), label, time.perf_counter() - begun)
        return made


@contextmanager
def reading(store: Store, key: str) -> Iterator[None]:
    """Raise `StoreError` where the block cannot make sense of an entry: somebody else has written it."""
    try:
        yield
    except FormsearchError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise StoreError(
            f"{store.path}: the entry {key} is not what this formsearch writes ({type(error).__name__}: {error}); move "
            "the file away, and the work will be done again"
        ) from error


def remembering(store: Store, workers: Workers = SERIAL) -> Remembered:
    """A drop-in for `formsearch.fit.fit` that recalls what `store` holds and adds what it does not."""
    return Remembered(store, workers)


@dataclass(frozen=True)
class FitRequest:
    """A fit that is wanted, with the parameters of `formsearch.fit.fit`."""

    law: Law
    points: Any
    objective: Objective
    starts: int
    seed: int
    by: str | None = None
    shared: tuple[str, ...] = ()


def _fit_piece(tables: Mapping[str, Points], r: FitRequest) -> tuple[dict[str, Any] | FormsearchError, float]:
    """In a worker: what a fit needs to come back, or the error it ended in; and the seconds it took."""
    from formsearch.fit import fit as compute

    begun = time.perf_counter()
    try:
        fitted = compute(
            r.law, tables[r.points], objective=r.objective, starts=r.starts, seed=r.seed, by=r.by, shared=r.shared
        )
    except (FitError, NotApplicableError) as error:
        return error, time.perf_counter() - begun
    return fit_payload(fitted), time.perf_counter() - begun


def _resamples_piece(asked: tuple[Fit, int, Kind, str | None], piece: tuple[int, int]) -> tuple[dict[str, Any], float]:
    """In a worker: a batch of resamples."""
    from formsearch.fit.uncertainty import refit_batch

    begun = time.perf_counter()
    fit, seed, kind, by = asked
    constants, missed = refit_batch(fit, *piece, seed, kind, by)
    return {"constants": constants.tolist(), "failed": missed}, time.perf_counter() - begun


# -- fits --------------------------------------------------------------------------------------------------------


def fit_key(
    law: Law, points: Points, loss: Objective, starts: int, seed: int, by: str | None, shared: Sequence[str]
) -> str:
    """Key of a fit."""
    return work_key(
        "fit",
        law=law.key,
        points=points.hash,
        objective=repr(loss),
        starts=starts,
        seed=seed,
        by=by,
        shared=list(shared),
        code=code_version("core", "fit"),
    )


def resamples_key(fit: Fit, number: int, size: int, seed: int, kind: str, by: str | None) -> str:
    """Key of a batch of resamples."""
    return work_key(
        "resamples", law=fit.law.key, fit=_identity(fit), number=number, size=size, seed=seed, how=kind, by=by,
        code=code_version("core", "fit"),
    )  # fmt: skip


def _label(law: Law, points: Points) -> str:
    """What a reader of the store sees of a fit: parts of a table have its name."""
    return f"{law.name} on {points.name}, {len(points)} rows"


def _identity(fit: Fit) -> str:
    """Hash of all that a fit says, and of the points it saw."""
    text = as_text({"fit": fit_payload(fit), "points": fit.data.hash, "loss": repr(fit.loss)})
    return hashlib.sha256(text.encode()).hexdigest()[:32]


# -- searches ----------------------------------------------------------------------------------------------------


class StoredStates:
    """Where a search keeps its state, part by part, while it is under way: in a store, under what was asked."""

    def __init__(self, store: Store, asked: Mapping[str, Any]) -> None:
        self.store, self.key = store, _front_key(asked)
        self.parts: set[str] = set()

    def load(self, part: str) -> Mapping[str, Any] | None:
        """The state of a part, or None."""
        self.parts.add(part)
        return self.store.checkpoint(f"{self.key}-{part}")

    def save(self, part: str, state: Mapping[str, Any]) -> None:
        """Keep the state of a part, in place of its last one."""
        self.parts.add(part)
        self.store.keep(f"{self.key}-{part}", state)

    def done(self) -> None:
        """Forget all states: the search is over."""
        for part in self.parts:
            self.store.drop(f"{self.key}-{part}")


def store_front(store: Store, asked: Mapping[str, Any], front: Front) -> None:
    """Keep the front of a finished search under what was asked for."""
    store.put(_front_key(asked), "front", front_payload(front))


def recall_front(store: Store, asked: Mapping[str, Any]) -> Front | None:
    """The front that was stored for this question, or None."""
    key = _front_key(asked)
    payload = store.get(key)
    if payload is None:
        return None
    with reading(store, key):
        return front_of(payload)


def _front_key(asked: Mapping[str, Any]) -> str:
    engine = asked["engine"]
    engines = (engine,) if isinstance(engine, str) else tuple(engine)
    return work_key("front", code=code_version("core", "fit", "search", engines=engines), **asked)


GROUND = ("codec", "formula", "law", "payloads", "points", "quantities", "resume")
"""Modules that every piece of work rests on."""
LIBRARIES = ("numpy", "scipy", "numba", "sympy", "mpmath")


@cache
def code_version(*rooms: str, engines: tuple[str, ...] = ()) -> str:
    """Hash of the source of these rooms and of what they rest on, of the versions of the numerical libraries, and of
    the packages of `engines`: other code, other key.
    """
    packages = (*LIBRARIES, *(name for engine in engines for name in ENGINE_PACKAGES.get(engine, ())))
    digest = hashlib.sha256(" ".join(_version(name) for name in packages).encode())
    here = Path(__file__).parent
    files = [here / f"{name}.py" for name in GROUND]
    for path in (*files, *(p for room in rooms for p in sorted((here / room).rglob("*.py")))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


ENGINE_PACKAGES = {"operon": ("pyoperon",), "pysr": ("pysr", "juliacall")}


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
