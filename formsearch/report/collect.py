"""Results of the other rooms -> one `results.json` document, with the rows that figures need.

Each result gives its own `to_dict()`; added here are the predictions behind a leaderboard's figures, the table of
points where a result still holds it, what laws are called and what their symbols mean, and, for the best law of a
leaderboard, what the points tell about its constants.
"""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from formsearch.exceptions import InputError
from formsearch.law import Law
from formsearch.points import Points
from formsearch.report.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 400
"""Refits for the intervals of the best law's constants."""

_PACKAGES = ("numpy", "scipy", "sympy", "pandas", "scikit-learn", "numba", "matplotlib", "pyoperon", "pysr")
_LISTS = {
    "leaderboard": "leaderboards",
    "front": "fronts",
    "derivation": "derivations",
    "fit": "fits",
    "advice": "advice",
}


def document(
    items: Iterable[object], title: str = "", command: str = "", seed: int | None = None, seconds: float | None = None
) -> dict[str, Any]:
    """The results document of `items`: points, leaderboards, fronts, derivations, fits, or their `to_dict()`.

    Raises `InputError` for an item that is none of these, and for no items at all.
    """
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in _LISTS.values()}
    laws: dict[str, dict[str, Any]] = {}
    items = list(items)
    if not items:
        raise InputError("there is nothing to report: give a leaderboard, a front, a derivation or a fit")
    for item in items:
        if isinstance(item, Points):
            continue
        record = dict(item) if isinstance(item, Mapping) else _record(item)
        kind = _kind(record, item)
        if kind == "leaderboard" and not isinstance(item, Mapping):
            record["rows"] = _rows(item)
            found["fits"] += _best_fit(item)
        elif kind == "fit" and not isinstance(item, Mapping):
            record |= _knowledge(item)
        found[_LISTS[kind]].append(record)
        for law in _laws_of(item):
            laws.setdefault(law.name, law_record(law))
    _name_registered(laws, found)
    found["fits"] = _distinct(found["fits"])
    made: dict[str, Any] = _plain({
        "schema_version": SCHEMA_VERSION,
        "title": title,
        "provenance": provenance(command, _seed(found) if seed is None else seed, seconds),
        "points": _points(items, found),
        "laws": laws,
        **found,
    })  # fmt: skip
    return made


def provenance(command: str = "", seed: int | None = None, seconds: float | None = None) -> dict[str, Any]:
    """Versions, seed, time and the command that makes the same results again."""
    from formsearch import __version__

    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "formsearch": __version__,
        "python": platform.python_version(),
        "versions": versions,
        "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command or _command(),
        "seed": seed,
        "seconds": seconds,
    }


def _command() -> str:
    """The command line, where formsearch was started by its own command; empty inside other programs."""
    import shlex
    from pathlib import Path

    name = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else ""
    return shlex.join(["formsearch", *sys.argv[1:]]) if name in ("formsearch", "formsearch.exe") else ""


def law_record(law: Law) -> dict[str, Any]:
    """What a report tells about a law."""
    return {
        "name": law.name,
        "formula": law.formula,
        "title": law.title,
        "target": law.target,
        "source": law.source,
        "equation": law.equation,
        "variables": [
            {"symbol": v.symbol, "quantity": v.quantity, "meaning": v.meaning or v.about.meaning} for v in law.variables
        ],
        "constants": [{"symbol": c.symbol, "meaning": c.meaning} for c in law.constants],
        "caveats": list(law.caveats),
    }


# -- what an item is ---------------------------------------------------------------------------------------------


def _record(item: object) -> dict[str, Any]:
    make = getattr(item, "to_dict", None)
    if make is None:
        raise InputError(
            f"cannot report a {type(item).__name__}: give points, a leaderboard, a front, a derivation or a fit"
        )
    return dict(make())


def _kind(record: Mapping[str, Any], item: object) -> str:
    kind = str(record.get("kind", ""))
    if kind in _LISTS:
        return kind
    for key, name in (("scores", "leaderboard"), ("candidates", "front"), ("steps", "derivation"),
                      ("objective_name", "fit")):  # fmt: skip
        if key in record:
            return name
    raise InputError(f"cannot report a {type(item).__name__}: it is no leaderboard, front, derivation or fit")


def _laws_of(item: object) -> list[Law]:
    holders = [item, *getattr(item, "scores", ()), *getattr(item, "candidates", ())]
    return [law for holder in holders if isinstance(law := getattr(holder, "law", None), Law)]


def _name_registered(laws: dict[str, dict[str, Any]], found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Laws that results mention by name only are looked up in the registry; a changed formula is not that law."""
    from formsearch.registry import laws as registry

    mentioned = [
        *found["derivations"],
        *found["fits"],
        *(s for b in found["leaderboards"] for s in b.get("scores", ())),
    ]
    for record in mentioned:
        name = str(record.get("law", ""))
        if name not in laws and name in registry and registry[name].formula == record.get("formula"):
            laws[name] = law_record(registry[name])


# -- points ------------------------------------------------------------------------------------------------------


def _points(items: Sequence[object], found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The points to describe: those given or judged on; else those searched or fitted on. Tables where still held."""
    held = [
        p for i in items for p in (i, getattr(i, "points", None), getattr(i, "data", None)) if isinstance(p, Points)
    ]
    tables = {p.hash: p for p in held}
    chosen: dict[str, dict[str, Any]] = {p.hash: _table(p) for p in items if isinstance(p, Points)}
    for kind in ("leaderboards", "fronts", "fits", "advice"):
        if chosen and kind != "leaderboards":
            break
        for record in found[kind]:
            described = record.get("points")
            if isinstance(described, Mapping):
                key = str(described.get("hash"))
                chosen.setdefault(key, _table(tables[key]) if key in tables else _from_rows(record, described))
    return list(chosen.values())


def _table(points: Points) -> dict[str, Any]:
    labels = points.split if points.split is not None else points.group
    return {
        **points.describe(),
        "columns": {**points.factors, points.target_name: points.target},
        "row_numbers": points.rows,
        "labels": [] if labels is None else [str(v) for v in labels],
    }


def _from_rows(record: Mapping[str, Any], described: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the table from the rows of a leaderboard: those that were fitted or judged."""
    rows = record.get("rows") or {}
    parts = [rows[name] for name in ("train", "test") if name in rows]
    target = str(described.get("target"))
    if not parts:
        return dict(described)
    seen: dict[int, tuple[int, int]] = {}
    for i, part in enumerate(parts):
        for j, row in enumerate(part["row"]):
            seen.setdefault(int(row), (i, j))
    order = sorted(seen)
    columns = {
        name: [float(parts[seen[r][0]]["factors"][name][seen[r][1]]) for r in order]
        for name in parts[0]["factors"]
        if name in described.get("ranges", {})
    }
    columns[target] = [float(parts[seen[r][0]]["observed"][seen[r][1]]) for r in order]
    return {**described, "columns": columns, "row_numbers": order}


# -- leaderboards ------------------------------------------------------------------------------------------------


def _rows(board: Any) -> dict[str, Any]:
    """Predictions of every line of the board, for fitted and judged rows."""
    table: pd.DataFrame = board.predictions
    distance = board.distance.frame() if getattr(board, "distance", None) is not None else None
    parts = {}
    for part in ("train", "test"):
        here = table[table["part"] == part]
        labels = list(dict.fromkeys(here["label"]))
        first = here[here["label"] == labels[0]] if labels else here
        positions = first["position"].to_numpy()
        parts[part] = {
            "row": first["row"].to_numpy(),
            "observed": first["observed"].to_numpy(),
            "predicted": {label: _short(here.loc[here["label"] == label, "predicted"].to_numpy()) for label in labels},
            "factors": {name: board.factors[name].loc[positions].to_numpy() for name in board.factors.columns},
        }
        if part == "test" and distance is not None and len(distance) == len(first):
            parts[part]["overall"] = distance["overall"].to_numpy()
    return parts


def _short(values: Any) -> list[float]:
    """Eight significant digits: enough for a figure, half the file."""
    return [float(f"{v:.7e}") for v in values]


def _best_fit(board: Any) -> list[dict[str, Any]]:
    """The fit of the law to use, with what the points tell about it."""
    fits = [s.fit for s in board.scores if s.kind == "refit" and s.fit is not None]
    fit = next((f for f in fits if f.law.name == board.best), None)
    return [] if fit is None else [{**fit.to_dict(), **_knowledge(fit)}]


def _knowledge(fit: Any) -> dict[str, Any]:
    """Identifiability of a fit and intervals of its constants; nothing for grouped and failed fits."""
    if fit.group_constants or not fit.ok:
        return {}
    known = {"identifiability": fit.identifiability().to_dict()}
    try:
        return known | {"resamples": fit.bootstrap(RESAMPLES, seed=fit.seed).to_dict()}
    except InputError:  # too few refits converge: there are no intervals to tell
        return known


def _distinct(fits: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One record of each law on each points."""
    kept: dict[tuple[str, str, str], dict[str, Any]] = {}
    for fit in fits:
        key = (str(fit.get("law")), str(dict(fit.get("points") or {}).get("hash")), str(fit.get("objective_name")))
        kept[key] = {**kept.get(key, {}), **fit}
    return list(kept.values())


def _seed(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> int | None:
    seeds = [r["seed"] for records in found.values() for r in records if isinstance(r.get("seed"), int)]
    return seeds[0] if seeds else None


# -- JSON --------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """JSON-ready: arrays as lists, None for what JSON has no word for."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.bool_ | bool):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        return number if math.isfinite(number) else None
    return value
