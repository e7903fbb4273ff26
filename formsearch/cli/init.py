"""`formsearch init DATA`: a formsearch.toml written from a table, with the reason of every guess."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from formsearch.cli.configured import NAME
from formsearch.cli.terminal import ask, table
from formsearch.cli.verb import Session, Source, verb, write_text
from formsearch.exceptions import InputError, UnknownNameError

if TYPE_CHECKING:
    from formsearch.points import Points
    from formsearch.reading.guess import Guess
    from formsearch.reading.read import Opened

MORE = (
    "What else can be set here, with its default:",
    'laws = "all"                  names from `formsearch laws`, or files such as "mylaw.py"',
    'formulas = []                 laws of your own, e.g. "E + A/N**a + B/D**b"',
    'split = "ordered:C:0.2"       how laws are judged; kfold:5, level:D, ...',
    'objective = "ls"              log-ls, huber:1e-3, ...',
    'duplicates = "keep"           rows of equal factors: keep, mean or min',
    'engines = "native"            of the search; its time stands under [budget], seconds = 60',
    'out = "out"                   folder of `formsearch run`',
)


@verb(
    "formsearch init runs.csv",
    "formsearch init runs.csv --target val_loss --columns N=size --scale N=1e6 --out runs.toml",
    out=f"Write the configuration to this file (*.toml). (default: {NAME})",
    files=(".toml",),
    configurable=False,
)
def init(
    session: Session,
    source: Source,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take the likeliest.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")] = False,
) -> None:
    """Write a formsearch.toml for a table: columns, units and rows are guessed, with reasons; you correct it."""
    from formsearch.config import toml_text
    from formsearch.reading.guess import guess
    from formsearch.reading.read import open_table

    path = session.out or Path(NAME)
    if path.suffix != ".toml":
        raise InputError(f"--out {path}: a configuration is written as *.toml; name it so")
    if path.exists() and not force:
        raise InputError(f"{path} is there already; --force overwrites it, --out NAME.toml writes another")
    _must_be_a_table(source.data)
    opened = open_table(source.data)
    found = guess(opened, dict(source.options))
    if not yes:
        _settle(found)
    points = _tried(source.data, found)
    document, remarks = _document(path, source.data, opened, found, points)
    write_text(path, toml_text(document, remarks))
    _tell(session, path, found, points)
    session.emit({"file": str(path), "configuration": document, "reasons": found.reasons, "points": points.describe()})


def _must_be_a_table(data: str) -> None:
    from formsearch.data.cards import cards

    if Path(data).is_file():
        return
    if data.partition("/")[0] in cards():
        raise InputError(f"{data} is a data set whose columns are known: formsearch run {data}")
    if not Path(data).suffix:
        raise UnknownNameError("file", data, (p.name for p in Path().iterdir() if p.is_file()), "give a table of runs")


def _settle(found: "Guess") -> None:
    """Ask what the table does not say, where somebody is there to answer; Enter takes the first choice."""
    for doubt in found.doubts:
        lines = [doubt.question, *(f"  {i}  {words}" for i, (words, _) in enumerate(doubt.choices, start=1)), "[1] "]
        answer = ask("\n".join(lines))
        if not answer:
            continue
        if not (answer.isdigit() and 1 <= int(answer) <= len(doubt.choices)):
            raise InputError(f"{answer!r} is none of 1 to {len(doubt.choices)}; start again, or give options")
        value = doubt.choices[int(answer) - 1][1]
        if value is None:
            found.values.pop(doubt.key, None)
            found.reasons.pop(doubt.key, None)
        else:
            found.take(doubt.key, value, "as answered")


def _tried(data: str, found: "Guess") -> "Points":
    """The points that the configuration gives. Raises what is wrong with them: better now than at the first run."""
    from formsearch.reading import read_points

    options = {("split" if k == "split_column" else k): v for k, v in found.values.items()}
    return read_points(data, **options)


def _document(
    path: Path, data: str, opened: "Opened", found: "Guess", points: "Points"
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Contents of the file, and remarks above its keys."""
    from formsearch.reading.rows import duplicates

    folder = Path(os.path.abspath(path)).parent
    document: dict[str, Any] = {"data": Path(os.path.relpath(data, folder)).as_posix(), **found.values}
    for key in ("columns", "scale"):  # tables stand last
        if key in document:
            document[key] = document.pop(key)
    remarks = {k: [r] for k, r in found.reasons.items() if not k.startswith("left out")}
    remarks[""] = [f"Written by `formsearch init` from {opened.label}: guesses with their reasons. Correct them.",
                   "Used by every verb in this folder that is given no other DATA; options override it."]  # fmt: skip
    if repeated := duplicates(points):
        note = f'{repeated} rows repeat the factors of others; duplicates = "mean" averages them, "min" takes the best'
        remarks.setdefault("target", []).append(note)
    unused = [c for c in opened.names if c not in _used(found)]
    about = ["quantity = column" + (f"; not used: {', '.join(unused)}" if unused else "")]
    if unused:
        about.append(f"Any column of positive numbers can be a factor: user_{_word(unused[0])} = {unused[0]!r}")
    remarks["columns"] = [*MORE, "", *about, *(r for k, r in found.reasons.items() if k.startswith("left out"))]
    remarks["scale"] = ["quantity = factor to base units (parameters, tokens, FLOPs)"]
    return document, remarks


def _used(found: "Guess") -> set[str]:
    v = found.values
    listed = [
        w
        for key in ("target", "group", "last_by")
        for w in ([v[key]] if isinstance(v.get(key), str) else v.get(key) or [])
    ]
    return {*listed, *v.get("columns", {}).values(), *(v[k] for k in ("weight", "split_column") if k in v)}


def _word(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text.lower()) or "x"


def _tell(session: Session, path: Path, found: "Guess", points: "Points") -> None:
    from formsearch.cli.data import applicability, ranges

    rows = []
    for key, reason in found.reasons.items():
        outer, _, inner = key.partition(".")
        value = found.values.get(outer)
        value = value.get(inner) if isinstance(value, dict) else value
        rows.append((key if value is not None else "", "" if value is None else _shown(value), reason))
    session.say(table(("key", "value", "why"), rows, title=f"Assumed of {points.name}"))
    session.say(ranges(points))
    applicable = [name for name, reason in applicability(points).items() if reason is None]
    session.say(f"laws that these points can feed ({len(applicable)}): {', '.join(applicable) or 'none'}")
    session.say(f"written: {path}; look through it, then")
    option = "" if path == Path(NAME) else f" --config {path}"
    session.say(f"  formsearch run{option} --out out", preformatted=True)


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else ", ".join(value) if isinstance(value, list) else str(value)
