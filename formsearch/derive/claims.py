"""Claims: the printed equations and numbers of a paper as data, read from a TOML file. No verdict is stored in them.

    law = "zhao2025"                     # the law the claims are about
    constants = "published"              # a published fit of it, or a table of numbers
    [define]                             # names for parts, in the law's symbols
    A = "e*G + f/G + m*S**2 + n*S"
    [[claim]]
    id = "Eq. 12"
    kind = "optimum"
    minimise = "G"
    equals = "sqrt(f/e)"
    printed = "6.78"                     # a string, so that its digits say how it was rounded

The kinds, and the fields of each, are listed in `KINDS`; `formsearch.derive.verify` judges them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from formsearch.exceptions import InputError, UnknownNameError

KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "identity": (("equals",), ("of", "derivative", "where")),
    "condition": (("equation", "stationary_in"), ("where",)),
    "optimum": (
        ("minimise",),
        ("subject_to", "result", "equals", "printed", "exponent_in", "over", "tolerance", "scale", "sweep"),
    ),
    "value": (("expression", "printed"), ("over", "tolerance", "scale")),
    "range": (("minimise", "threshold", "printed"), ("over", "step")),
    "inside": (("minimise", "threshold", "own"), ("over",)),
    "stepwise": (("variable", "total", "threshold", "printed"), ("over", "step")),
    "frontier": (("subject_to", "minimise", "given", "floor", "coefficient", "exponent"), ("sweep",)),
    "relation": (("relation",), ("over",)),
    "trend": (("expression", "direction", "over"), ()),
    "agreement": (("values",), ()),
    "points": (("data", "statistic", "printed"), ("where", "column", "columns", "against")),
    "quantity": (("quantity", "equals"), ()),
    "solution": (("equation", "solve_for"), ("equals", "printed", "over", "tolerance")),
    "equivalent": (("of", "reference"), ("equals", "printed", "over", "scale", "tolerance")),
}
"""Kind -> (required fields, further fields). Every claim also has id, kind, and may have statement, settings, law,
constants. `over` maps names to lists: one number (or row) is printed for each position."""

_COMMON = ("id", "kind", "statement", "settings", "law", "constants")


@dataclass(frozen=True)
class Claim:
    """One printed equation, number or row of numbers."""

    id: str
    kind: str
    fields: Mapping[str, Any]
    statement: str = ""
    law: str = ""
    constants: Any = None
    settings: Mapping[str, float] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """A field of the claim's kind."""
        return self.fields.get(name, default)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """`over` as one mapping for each position (a single empty one without it)."""
        over = self.fields.get("over", {})
        count = max((len(v) for v in over.values()), default=1)
        return [{k: v[i] for k, v in over.items()} for i in range(count)]


Word = Literal["holds", "holds only if", "fails", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """What became of one claim.

    `numbers` is (agreeing, all) where numbers were compared; `corrected` is what should have been printed; `details`
    are rows for a reader (a table of comparison, the steps of a repair).
    """

    claim: Claim
    verdict: Word
    sentence: str
    corrected: str = ""
    numbers: tuple[int, int] | None = None
    details: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.claim.id,
            "kind": self.claim.kind,
            "statement": self.claim.statement,
            "law": self.claim.law,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "corrected": self.corrected,
            "numbers": None if self.numbers is None else {"agree": self.numbers[0], "all": self.numbers[1]},
            "details": list(self.details),
        }


@dataclass(frozen=True)
class Claims:
    """A file of claims."""

    title: str
    source: str
    claims: tuple[Claim, ...]
    define: Mapping[str, str]
    note: str = ""


def shipped() -> dict[str, Path]:
    """The claim files that come with the candidate laws, by name."""
    import candidates

    folder = Path(candidates.__file__).parent / "claims"
    return {p.stem: p for p in sorted(folder.glob("*.toml"))}


def read_claims(source: str | Path) -> Claims:
    """Claims of a file, or of a shipped one by name (`"zhao2025"`).

    Raises `InputError` that names the claim and the field for anything that is not understood.
    """
    path = Path(source)
    if not path.is_file():
        known = shipped()
        if str(source) not in known:
            raise UnknownNameError("file of claims", str(source), known, "or give the path of a TOML file")
        path = known[str(source)]
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not readable TOML: {error}") from None
    raw = data.get("claim", [])
    if not isinstance(raw, list) or not raw:
        raise InputError(f"{path.name} has no [[claim]]: add one, see the built-in claims for examples")
    models = data.get("models", {})
    claims = tuple(_claim(path.name, item, data, models) for item in raw)
    ids = [c.id for c in claims]
    if twice := next((i for i in ids if ids.count(i) > 1), None):
        raise InputError(f"{path.name}: claim id {twice!r} is used twice: give each claim its own")
    return Claims(str(data.get("title", path.stem)), str(data.get("source", "")), claims,
                  MappingProxyType(dict(data.get("define", {}))), str(data.get("note", "")))  # fmt: skip


def _claim(file: str, item: Mapping[str, Any], data: Mapping[str, Any], models: Mapping[str, Any]) -> Claim:
    name = item.get("id")
    if not name:
        raise InputError(f"{file}: a claim has no id: give it one, such as 'Eq. 12'")
    kind = item.get("kind", "")
    if kind not in KINDS:
        raise UnknownNameError(f"kind of claim {name!r} in {file}", str(kind), KINDS)
    required, further = KINDS[kind]
    if missing := [f for f in required if f not in item]:
        raise InputError(f"{file}: claim {name!r} of kind {kind} needs {', '.join(missing)}")
    if extra := [f for f in item if f not in (*required, *further, *_COMMON)]:
        raise InputError(f"{file}: claim {name!r} of kind {kind} has unknown field {extra[0]!r}; "
                         f"known: {', '.join((*required, *further, *_COMMON))}")  # fmt: skip
    fields = {k: v for k, v in item.items() if k not in _COMMON}
    if isinstance(fields.get("over"), list):  # names of columns of [models]
        fields["over"] = {k: models[k] for k in fields["over"] if _known(file, name, k, models)}
    lengths = {len(v) for v in fields.get("over", {}).values()}
    printed = fields.get("printed")
    if isinstance(printed, list):
        lengths.add(len(printed))
    if len(lengths) > 1:
        raise InputError(f"{file}: claim {name!r} has lists of different lengths {sorted(lengths)}: make them equal")
    law = str(item.get("law", data.get("law", "")))
    if not law and kind not in {"agreement", "points", "quantity", "solution"}:
        raise InputError(f"{file}: claim {name!r} names no law: set law at the top or in the claim")
    return Claim(
        str(name), kind, MappingProxyType(fields), str(item.get("statement", "")), law,
        item.get("constants", data.get("constants", "published")),
        MappingProxyType({**data.get("settings", {}), **item.get("settings", {})}),
    )  # fmt: skip


def _known(file: str, claim: str, column: str, models: Mapping[str, Any]) -> bool:
    if column not in models:
        raise UnknownNameError(f"column of [models] for claim {claim!r} in {file}", column, models)
    return True
