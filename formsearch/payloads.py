"""What is written of a fit, a derivation or the front of a search into a store, and the same object from it again.

Payloads are JSON: numbers come back to the bit, and nothing that is read is executed. Readers raise Python's own errors
for what they cannot make sense of; `formsearch.resume.reading` tells them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from formsearch.codec import Codec
from formsearch.core.objectives import Objective
from formsearch.fit.result import Fit, Status
from formsearch.law import Constant, Law, Start, Variable
from formsearch.points import Points

if TYPE_CHECKING:
    from formsearch.derive.derivation import Derivation
    from formsearch.search.front import Candidate, Front


def fit_payload(fit: Fit) -> dict[str, Any]:
    """What a fit needs to come back."""
    return fit.to_dict() | {"iterations": fit.iterations}


def fit_of(payload: Mapping[str, Any], law: Law, points: Points, objective: Objective) -> Fit:
    """The fit of `law` to `points` from the payload that was stored for it."""
    return Fit(
        law=law,
        constants={name: float(value) for name, value in payload["constants"].items()},
        objective=float(payload["objective"]),
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
        group_constants={g: {n: float(v) for n, v in own.items()} for g, own in payload["group_constants"].items()},
        shared=tuple(payload["shared"]),
        by=payload.get("by") or "group",
        loss=objective,
        data=points,
    )


def derivation_codec() -> Codec:
    """Reads and writes the parts of a derivation."""
    from formsearch.derive.derivation import Check, Condition, Result, Step, Table

    return Codec(Check, Condition, Result, Step, Table)


def derivation_payload(made: Derivation) -> dict[str, Any]:
    """What a derivation needs to come back beside its law. Raises `NotStorable` for parts that cannot."""
    codec = derivation_codec()
    return {f.name: codec.write(getattr(made, f.name)) for f in fields(made) if f.name != "law"}


def derivation_of(payload: Mapping[str, Any], law: Law) -> Derivation:
    """The derivation from `law` from the payload that was stored for it."""
    from formsearch.derive.derivation import Derivation

    codec = derivation_codec()
    return Derivation(law=law, **{name: codec.read(part) for name, part in payload.items()})


def front_payload(front: Front) -> dict[str, Any]:
    """What the front of a search needs to come back."""
    payload = front.to_dict()
    candidates = {id(c): c for c in (*front.candidates, *front.near, *([front.best] if front.best else []))}
    payload["found"] = [c.to_dict() | {"law": _law_payload(c.law)} | _resampled(c) for c in candidates.values()]
    payload["log"] = front.log
    payload["shown"] = [c.law.name for c in front.candidates]
    return payload


def front_of(payload: Mapping[str, Any]) -> Front:
    """The front from the payload that was stored for it."""
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
        emphasis=payload["emphasis"],
        log=payload["log"],
    )


def _resampled(c: Candidate) -> dict[str, Any]:
    """What intervals are made from: held-out residuals and resampled constants (null where they are not finite)."""
    draws = None
    if c.draws is not None:
        draws = [[[v if math.isfinite(v) else None for v in row] for row in groups] for groups in c.draws.tolist()]
    return {"held": None if c.held is None else c.held.tolist(), "draws": draws}


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
        held=None if entry["held"] is None else np.asarray(entry["held"], dtype=np.float64),
        draws=None if entry["draws"] is None else np.asarray(entry["draws"], dtype=np.float64),
        shared=tuple(entry["shared"]),
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
