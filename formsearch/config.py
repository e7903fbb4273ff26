"""`formsearch.toml`: what a table means and what to do with it, written down once.

    data = "runs.csv"               # beside this file, or a name from `formsearch data`
    target = "val_loss"             # one column, or a list
    where = "state == 'finished'"
    last_by = "run_id"              # keep the last step of each run
    duplicates = "mean"             # keep, mean or min
    group = "dataset"               # weight, split_column: columns too
    laws = ["chinchilla", "mylaw.py"]
    formulas = ["E + A/N**a + B/D**b"]
    split = "ordered:C:0.2"
    objective = "huber:1e-3"
    starts = 16
    engines = ["native"]
    seed = 0
    out = "out"                     # folder of `formsearch run`

    [columns]                       # quantity = column
    N = "params"
    D = "tokens"

    [scale]                         # quantity = factor to base units
    D = 1e9

    [budget]                        # of the search
    seconds = 60
    generations = 100

Every key may be left out. All problems of a file are reported together, each with key, value and remedy.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from formsearch.exceptions import ConfigError, InputError

NAME = "formsearch.toml"


def _checked(check: Callable[[str], object]) -> AfterValidator:
    """A validator that lets a value pass if `check` takes it; its error is the problem."""

    def validate(value: str) -> str:
        try:
            check(value)
        except InputError as error:
            raise ValueError(str(error)) from None
        return value

    return AfterValidator(validate)


def _factor(name: str) -> None:
    from formsearch.quantities import quantity

    if quantity(name).is_target:
        raise InputError(f"{name} is what laws predict, not a factor; write it as target = ...")


def _split(text: str) -> None:
    from formsearch.compare.parsing import parse_split

    parse_split(text)


def _objective(text: str) -> None:
    from formsearch.core.objectives import parse_objective

    if text != "published":
        parse_objective(text)


def _engine(name: str) -> None:
    from formsearch.exceptions import UnknownNameError
    from formsearch.search.engine import engine_names

    if name not in engine_names():
        raise UnknownNameError("engine", name, engine_names())


def _formula(text: str) -> None:
    from formsearch.lawfile import formula_law

    formula_law(text)


def _law(name: str, info: ValidationInfo) -> str:
    """A law's name, "all", or a file beside the configuration (its path is returned)."""
    from formsearch.lawfile import read_law
    from formsearch.registry import laws

    try:
        if name.endswith(".py"):
            path = Path(info.context or "") / name
            read_law(path)
            return str(path)
        if name != "all":
            laws[name]
    except InputError as error:
        raise ValueError(str(error)) from None
    except OSError as error:
        raise ValueError(f"cannot read it: {error.strerror}; give a file beside {NAME}") from None
    return name


Names = Annotated[list[str], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)]
_Listed = BeforeValidator(lambda v: [v] if isinstance(v, str) else v)
Factor = Annotated[str, _checked(_factor)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Budget(_Strict):
    """How long the search may take."""

    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    generations: Annotated[int, Field(ge=1)] | None = None


class Config(_Strict):
    """The contents of `formsearch.toml`; see the module's docstring for the meaning of each key."""

    data: str | None = None
    target: Names = []
    where: str | None = None
    last_by: Names = []
    duplicates: Literal["keep", "mean", "min"] | None = None
    group: Names = []
    weight: str | None = None
    split_column: str | None = None
    columns: dict[Factor, str] = {}
    scale: dict[Factor, Positive] = {}
    laws: Annotated[list[Annotated[str, AfterValidator(_law)]], _Listed] = []
    formulas: Annotated[list[Annotated[str, _checked(_formula)]], _Listed] = []
    split: Annotated[str, _checked(_split)] | None = None
    objective: Annotated[list[Annotated[str, _checked(_objective)]], _Listed] = []
    starts: Annotated[int, Field(ge=1)] | None = None
    engines: Annotated[list[Annotated[str, _checked(_engine)]], _Listed] = []
    budget: Budget = Budget()
    seed: Annotated[int, Field(ge=0)] | None = None
    out: str | None = None


def read_config(path: Path) -> Config:
    """The configuration in a file. Raises `ConfigError`, which holds all problems of the file."""
    path = Path(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(path.name, ["no such file; `formsearch init DATA` writes one"]) from None
    except UnicodeDecodeError:
        raise ConfigError(path.name, ["it is not UTF-8 text"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path.name, [f"it is not TOML: {error}; text stands in quotes"]) from None
    problems = list(_across(document))
    try:
        config = Config.model_validate(document, context=path.parent)
    except ValidationError as error:
        problems = [*map(_problem, error.errors(include_url=False)), *problems]
    if problems:
        raise ConfigError(path.name, problems)
    return config


def _across(document: Mapping[str, Any]) -> Iterator[str]:
    """Problems between keys."""
    columns, scale = document.get("columns"), document.get("scale")
    if isinstance(columns, dict) and columns and isinstance(scale, dict):
        for name in scale:
            if name not in columns:
                yield f"scale.{name} = {scale[name]!r}: no column is mapped to {name}; add it under [columns]"


_WORDS = {
    "string_type": "must be text in quotes",
    "list_type": 'must be text in quotes, or a list: ["a", "b"]',
    "dict_type": "must be a table of NAME = VALUE lines",
    "model_type": "must be a table of NAME = VALUE lines",
    "model_attributes_type": "must be a table of NAME = VALUE lines",
    "float_type": "must be a number without quotes, e.g. 1e9",
    "int_type": "must be a whole number without quotes",
    "int_from_float": "must be a whole number",
    "finite_number": "must be finite",
}
"""Kinds of pydantic's errors in the words of someone who writes the file."""


def _problem(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors as `key = value: what is wrong, and what to write`."""
    loc = [part for part in error["loc"] if part != "[key]"]
    key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc).lstrip(".")
    shown = f"{key} = {error['input']!r}" if "[key]" not in error["loc"] else key
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        known = list(Budget.model_fields if len(loc) > 1 else Config.model_fields)
        near = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
        return f"{key}: unknown key; " + (f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}")
    if kind == "value_error":
        return f"{shown}: {context['error']}"
    if kind == "literal_error":
        return f"{shown}: write {context['expected']}"
    if kind in ("greater_than", "greater_than_equal"):
        bound = context.get("gt", context.get("ge"))
        return f"{shown}: must be {'above' if kind == 'greater_than' else 'at least'} {bound:g}"
    return f"{shown}: {_WORDS.get(kind, error['msg'])}"


def toml_text(document: Mapping[str, Any], remarks: Mapping[str, Sequence[str]]) -> str:
    """A configuration as TOML; `remarks` are comments above a key (`columns.N`: above that line). "" is the head."""

    def comment(key: str) -> list[str]:
        return [f"# {r}".rstrip() for r in remarks.get(key, ())]

    lines = comment("")
    plain = {k: v for k, v in document.items() if not isinstance(v, Mapping)}
    tables = {k: v for k, v in document.items() if isinstance(v, Mapping)}
    for key, value in plain.items():
        lines += ["", *comment(key)] if key in remarks else []
        lines.append(f"{key} = {_value(value)}")
    for name, table in tables.items():
        lines += ["", *comment(name), f"[{name}]"]
        for key, value in table.items():
            lines += comment(f"{name}.{key}")
            lines.append(f"{key} = {_value(value)}")
    return "\n".join(lines).strip() + "\n"


def number_text(value: float) -> str:
    """The shortest text that gives the same number: 1e+09, not 1000000000.0."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def _value(value: object) -> str:
    import json

    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON's escapes are TOML's
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)
