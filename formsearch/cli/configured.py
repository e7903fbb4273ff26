"""`formsearch.toml` on the command line: its keys become the options that were not given.

It is read with `--config FILE`; without that option, from the working directory, where DATA is left out or is the very
table that it describes. What is given on the command line goes before: option by option, and within `--columns` and
`--scale` quantity by quantity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from formsearch.cli import terminal
from formsearch.exceptions import ConfigError

if TYPE_CHECKING:
    import typer

    from formsearch.config import Config

NAME = "formsearch.toml"
READING = ("target", "where", "last_by", "duplicates", "group", "weight", "split_column")
PAIRS = ("columns", "scale")
OPTIONS = {"laws": "laws", "formulas": "formula", "split": "split", "objective": "objective", "starts": "starts",
           "engines": "engine", "seed": "seed", "out": "out"}  # fmt: skip
"""Key -> parameter of the verbs, beside the keys for reading, which are called alike."""

EXCLUDED_BY = {"split": "test"}
"""A parameter is not taken from the file where the other is given: they exclude each other."""


def find(given: Path | None, data: str, listing: bool) -> Path | None:
    """The configuration that goes with the command line, or None. `listing`: without DATA the verb lists things."""
    if given is not None:
        return given
    path = Path(NAME)
    if not path.is_file() or (not data and listing):
        return None
    return path if not data or _describes(path, data) else None


def unused(given: Path | None, data: str) -> bool:
    """Whether a configuration lies here that describes another table."""
    return given is None and bool(data) and Path(NAME).is_file() and not _describes(Path(NAME), data)


def _describes(path: Path, data: str) -> bool:
    """Whether the file says `data = ` this table. A broken file may do so: its problems are told when it is read."""
    import tomllib

    try:
        named = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("data")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False
    return isinstance(named, str) and (named == data or Path(named).resolve() == Path(data).resolve())


def apply(path: Path, verb: str, values: dict[str, Any], context: typer.Context) -> list[str]:
    """Fill in the options that were not given; returns them as words of a command line.

    Raises `ConfigError` with all problems of the file.
    """
    from formsearch.config import read_config

    config = read_config(path)
    parameters = {p.name: p for p in context.command.params if p.name}
    words: list[str] = []
    for name, value in _options(config, path.parent, verb, parameters):
        parameter = parameters[name]
        typed = _given(context, name)
        if name in PAIRS:
            held = list(values[name] or ())
            added = [pair for pair in value if pair.partition("=")[0] not in _names(held)]
            values[name] = [*added, *held] or None
            words += [w for pair in added for w in (parameter.opts[0], pair)]
        elif not typed and not (name in EXCLUDED_BY and _given(context, EXCLUDED_BY[name])):
            values[name] = value if parameter.multiple or name == "out" or not isinstance(value, list) else value[0]
            for part in values[name] if isinstance(values[name], list) else [values[name]]:
                words += [str(part)] if name == "data" else [parameter.opts[0], str(part)]
    if not values["data"]:
        raise ConfigError(path.name, ['data is missing: name the table, e.g. data = "runs.csv", or give it as DATA'])
    return words


def _options(config: Config, folder: Path, verb: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Parameter and value of each key that the file states and the verb has."""
    from formsearch.config import number_text

    stated: dict[str, Any] = {}
    if config.data is not None:
        path = folder / config.data
        stated["data"] = str(path) if path.exists() else config.data
    for name in PAIRS:
        stated[name] = [f"{k}={v if isinstance(v, str) else number_text(v)}" for k, v in getattr(config, name).items()]
    stated |= {name: getattr(config, name) for name in READING}
    stated |= {parameter: getattr(config, key) for key, parameter in OPTIONS.items()}
    stated |= {"seconds": config.budget.seconds, "generations": config.budget.generations}
    stated["out"] = folder / config.out if config.out is not None and verb == "run" else None
    if verb == "fit":  # one law, by --law
        stated["law"] = config.laws[0] if len(config.laws) == 1 and config.laws != ["all"] else None
        stated["formula"] = None
    if verb not in ("run", "compare") and "all" in config.laws:  # only these two take all laws at once
        stated["laws"] = None
    for name, value in stated.items():
        if value not in (None, []) and name in parameters:
            yield name, value


def _given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT", "PROMPT")


def _names(pairs: Sequence[str]) -> set[str]:
    from formsearch.cli.verb import pairs as parsed

    return set(parsed(pairs, "--columns"))


def tell(path: Path) -> None:
    """Say on stderr where options came from."""
    terminal.complain(f"options from {path}", kind="note")
