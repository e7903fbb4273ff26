"""Fits that are done once: `remembering` gives a `fit` that looks into a store before it works.

A fit is keyed by everything that decides it: the law's form and bounds, the content of the points, the objective,
starts, seed, grouping, and the code that computes it. What comes back equals what was computed, to the bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from formsearch.core.objectives import LeastSquares, Objective
from formsearch.fit.result import Fit, Status
from formsearch.law import Law
from formsearch.points import Points
from formsearch.store import Store, work_key

Fitter = Callable[..., Fit]
"""A function with the parameters of `formsearch.fit.fit`."""


def remembering(store: Store) -> Fitter:
    """A drop-in for `formsearch.fit.fit` that recalls what `store` holds and adds what it does not."""

    def fit(
        law: Law,
        points: Points,
        objective: Objective | None = None,
        starts: int = 16,
        seed: int = 0,
        by: str | None = None,
        shared: Sequence[str] = (),
    ) -> Fit:
        from formsearch.fit import fit as compute

        loss = objective if objective is not None else LeastSquares()
        key = work_key(
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
        found = store.get(key)
        if found is not None:
            return recalled(found, law, points, loss)
        fitted = compute(law, points, objective=loss, starts=starts, seed=seed, by=by, shared=shared)
        store.put(key, "fit", fitted.to_dict() | {"iterations": fitted.iterations})
        return fitted

    return fit


def recalled(payload: Mapping[str, Any], law: Law, points: Points, objective: Objective) -> Fit:
    """The fit of `law` to `points` from the payload that was stored for it."""
    return Fit(
        law=law,
        constants=dict(payload["constants"]),
        objective=payload["objective"],
        objective_name=payload["objective_name"],
        status=Status(**payload["status"]),
        share=payload["share"],
        starts=payload["starts"],
        optima=tuple(payload["optima"]),
        measure=payload["measure"],
        iterations=payload["iterations"],
        points=points.describe(),
        rules=law.bind(points)[1],
        seed=payload["seed"],
        group_constants={group: dict(own) for group, own in payload["group_constants"].items()},
        shared=tuple(payload["shared"]),
        loss=objective,
        data=points,
    )


@cache
def code_version(*rooms: str) -> str:
    """Hash of the source of these rooms and of the numerical libraries' versions: other code, other key."""
    from importlib.metadata import version

    digest = hashlib.sha256(" ".join(version(p) for p in ("numpy", "scipy", "numba", "sympy")).encode())
    for room in rooms:
        for path in sorted((Path(__file__).parent / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
