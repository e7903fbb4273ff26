"""Work that is done once: `remembering` gives a `fit` that looks into a store before it works; fronts likewise.

A fit is keyed by everything that decides it: the law's form and bounds, the content of the points, the objective,
starts, seed, grouping, and the code that computes it. What comes back equals what was computed, to the bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from formsearch.core.objectives import LeastSquares, Objective
from formsearch.fit.result import Fit, Status
from formsearch.law import Constant, Law, Start, Variable
from formsearch.points import Points
from formsearch.store import Store, work_key

if TYPE_CHECKING:
    from formsearch.search.front import Candidate, Front

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


def store_front(store: Store, asked: Mapping[str, Any], front: Front) -> None:
    """Keep the front of a finished search under what was asked for."""
    payload = front.to_dict()
    candidates = {id(c): c for c in (*front.candidates, *front.near, *([front.best] if front.best else []))}
    payload["found"] = [c.to_dict() | {"law": _law_payload(c.law)} for c in candidates.values()]
    payload["shown"] = [c.law.name for c in front.candidates]
    store.put(_front_key(asked), "front", payload)


def recall_front(store: Store, asked: Mapping[str, Any]) -> Front | None:
    """The front that was stored for this question, or None."""
    payload = store.get(_front_key(asked))
    if payload is None:
        return None
    found = {entry["name"]: _candidate(entry) for entry in payload["found"]}
    from formsearch.search.front import Front

    reference = payload["reference"]
    return Front(
        candidates=tuple(found[name] for name in payload["shown"]),
        best=None if payload["best"] is None else found[payload["best"]],
        near=tuple(found[name] for name in payload["near"]),
        points=payload["points"],
        objective_name=payload["objective"],
        reference=None if reference is None else (reference["law"], reference["error"]),
        holds_out=tuple(payload["holds_out"]),
        engines=payload["engines"],
        seconds=payload["seconds"],
        tried=payload["tried"],
        fits=payload["fits"],
        kernel_share=payload["kernel_share"],
        seed=payload["seed"],
        status=payload["status"],
        seeds=tuple(payload["seeds"]),
        notes=tuple(payload["notes"]),
    )


def _front_key(asked: Mapping[str, Any]) -> str:
    return work_key("front", code=code_version("core", "fit", "search"), **asked)


def _candidate(entry: Mapping[str, Any]) -> Candidate:
    from formsearch.search.accept import Acceptance
    from formsearch.search.asymptotics import Check
    from formsearch.search.engine import Step
    from formsearch.search.front import Candidate

    return Candidate(
        law=_law(entry["law"]),
        constants=entry["constants"],
        complexity=entry["complexity"],
        error=entry["error"],
        train_error=entry["train_error"],
        acceptance=Acceptance(entry["accepted"], tuple(Check(**c) for c in entry["checks"]), entry["verdict"]),
        steps=tuple(Step(**s) for s in entry["steps"]),
        engine=entry["engine"],
        folds=tuple(entry["folds"]),
        group_constants=entry["group_constants"],
    )


def _law_payload(law: Law) -> dict[str, Any]:
    """What makes a found law: form, bindings, bounds and starts."""
    return {
        "name": law.name,
        "formula": law.formula,
        "target": law.target,
        "title": law.title,
        "source": law.source,
        "variables": [asdict(v) for v in law.variables],
        "constants": [asdict(c) for c in law.constants],
    }


def _law(payload: Mapping[str, Any]) -> Law:
    constants = [c | {"start": None if c["start"] is None else Start(**c["start"])} for c in payload["constants"]]
    return Law(
        **{key: payload[key] for key in ("name", "formula", "target", "title", "source")},
        variables=tuple(Variable(**v) for v in payload["variables"]),
        constants=tuple(Constant(**c) for c in constants),
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
