"""Cards: what is known of a data set before it is read. TOML: a file a built-in table, one for all remote ones."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from formsearch.exceptions import UnknownNameError

FOLDER = Path(__file__).parent
BUILT_IN = ("zhao2025",)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to download: pinned address and SHA-256, size in bytes, and options of `read_points` that fit it."""

    name: str
    url: str
    sha256: str
    bytes: int
    read: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Simulation:
    """How the target of a built-in table is made: the law at its first published constants, plus Gaussian noise.

    `sigma` is the standard deviation in the target's unit; NumPy's `default_rng(seed)` draws one value a row, over
    all rows in file order.
    """

    law: str
    equation: str
    sigma: float
    seed: int


@dataclass(frozen=True, slots=True)
class Card:
    """A data set: title, source, licence, caveats, and where its rows are.

    `table` is the file of a built-in set (None for a remote one), `files` the files of a remote set (empty for a
    built-in one).
    """

    name: str
    title: str
    source: str
    licence: str
    notes: tuple[str, ...] = ()
    table: Path | None = None
    read: Mapping[str, Any] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    simulation: Simulation | None = None
    files: Mapping[str, RemoteFile] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        document: dict[str, Any] = {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "licence": self.licence,
            "built_in": self.table is not None,
            "notes": list(self.notes),
        }
        if self.splits:
            document["splits"] = dict(self.splits)
        if self.simulation is not None:
            s = self.simulation
            document["simulation"] = {"law": s.law, "equation": s.equation, "sigma": s.sigma, "seed": s.seed}
        if self.files:
            document["files"] = [
                {"name": f.name, "url": f.url, "sha256": f.sha256, "bytes": f.bytes} for f in self.files.values()
            ]
        return document


@cache
def cards() -> Mapping[str, Card]:
    """All cards by name: built-in tables first."""
    table = {name: _built_in(name, _toml(FOLDER / f"{name}.toml")) for name in BUILT_IN}
    table |= {name: _remote(name, text) for name, text in _toml(FOLDER / "remote.toml").items()}
    return MappingProxyType(table)


def names() -> tuple[str, ...]:
    """Names of all known data sets."""
    return tuple(cards())


def card(name: str) -> Card:
    """The card of a data set. Raises `UnknownNameError` with the nearest names."""
    if name not in cards():
        raise UnknownNameError("data set", name, cards(), "`formsearch data` lists them")
    return cards()[name]


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _built_in(name: str, text: Mapping[str, Any]) -> Card:
    table = text["table"]
    return Card(
        name,
        text["title"],
        text["source"],
        text["licence"],
        tuple(text["notes"]),
        table=FOLDER / table["file"],
        read=table["read"],
        splits=table["splits"],
        simulation=Simulation(**text["simulation"]),
    )


def _remote(name: str, text: Mapping[str, Any]) -> Card:
    files = {file: RemoteFile(file, **facts) for file, facts in text["files"].items()}
    return Card(name, text["title"], text["source"], text["licence"], tuple(text["notes"]), files=files)
