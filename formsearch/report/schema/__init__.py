"""`results.json`: the document a report is made of, and the checks it passes when it is read from a file.

    {"schema_version": 1, "title": ..., "provenance": {...}, "points": [...], "laws": {...},
     "leaderboards": [...], "fronts": [...], "derivations": [...], "fits": [...], "advice": [...]}

A report that compares runs holds their documents instead: {..., "runs": [{"label": ..., "results": {...}}, ...]}.
Each entry of the last five lists above is what `to_dict()` of the result gives, with the rows that figures need added
under `rows`. The dataclasses name the fields a report reads; further ones are kept in the file and ignored here.
Here are the document and its reading, in the other modules its parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from formsearch.exceptions import InputError
from formsearch.report.schema.board import LeaderboardRecord
from formsearch.report.schema.derivation import DerivationRecord
from formsearch.report.schema.fits import AdviceRecord, FitRecord
from formsearch.report.schema.points import LawRecord, PointsRecord
from formsearch.report.schema.search import FrontRecord

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class ProvenanceRecord:
    """How to get the same numbers again."""

    formsearch: str = ""
    python: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    created: str = ""
    command: str = ""
    seed: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class ComparedRunRecord:
    """One of several runs that a report compares: what it is called, and its results document."""

    label: str
    results: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Document:
    """The whole of `results.json`; of a comparison it holds `runs`, and no results of its own."""

    schema_version: int
    title: str = ""
    provenance: ProvenanceRecord = field(default_factory=ProvenanceRecord)
    points: list[PointsRecord] = field(default_factory=list)
    laws: dict[str, LawRecord] = field(default_factory=dict)
    leaderboards: list[LeaderboardRecord] = field(default_factory=list)
    fronts: list[FrontRecord] = field(default_factory=list)
    derivations: list[DerivationRecord] = field(default_factory=list)
    fits: list[FitRecord] = field(default_factory=list)
    advice: list[AdviceRecord] = field(default_factory=list)
    runs: list[ComparedRunRecord] = field(default_factory=list)


def parse(document: Mapping[str, Any], origin: str = "results") -> Document:
    """The document as records. Raises `InputError` that names the first fields which are not as they should be."""
    from pydantic import TypeAdapter, ValidationError

    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{origin}: schema_version is {version!r}, this formsearch reads {SCHEMA_VERSION}; "
            "make the results again, or use the formsearch that wrote them"
        )
    try:
        return TypeAdapter(Document).validate_python(document)
    except ValidationError as error:
        wrong = error.errors()
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in wrong[:3])
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        raise InputError(f"{origin}: {told}{more}; correct the file or make the results again") from None


def load_results(path: str | Path) -> dict[str, Any]:
    """The document in a file, or in the `results.json` of a folder. Raises `InputError` where there is none."""
    path = Path(path)
    path = path / "results.json" if path.is_dir() else path
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; give a folder that `formsearch run` has written") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}); make the results again") from None
    if not isinstance(document, dict):
        raise InputError(f"{path} holds no results document; give the results.json of a run")
    return document


def json_schema() -> dict[str, Any]:
    """JSON Schema of `results.json`, for other programs that read or write it."""
    from pydantic import TypeAdapter

    return TypeAdapter(Document).json_schema()
