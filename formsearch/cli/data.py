"""`formsearch data [NAME | PATH]` and `formsearch data fetch NAME`: what tables there are, and what is in one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from formsearch.cli.terminal import number, progress, table
from formsearch.cli.verb import Session, Source, verb
from formsearch.exceptions import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from formsearch.data import Card
    from formsearch.points import Points


@verb(
    "formsearch data",
    "formsearch data zhao2025",
    "formsearch data runs.csv --columns N=params,D=tokens",
    "formsearch data fetch chinchilla",
    out="Write the points to this file (*.csv), the JSON (*.json), or fetched files into this folder.",
    needs_data=False,
)
def data(
    session: Session,
    source: Source,
    more: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="With `fetch`: the data set, and files of it.")
    ] = None,
) -> None:
    """List data sets; describe one, or a table of your own; `fetch NAME` downloads one."""
    if source.data == "":
        _list(session)
    elif source.data == "fetch":
        _fetch(session, more or [])
    elif more:
        raise InputError(f"one table at a time: {source.data!r} and {more[0]!r} were given; leave one out")
    else:
        _describe(session, source)


def _list(session: Session) -> None:
    from formsearch.data.cards import cards

    session.say(
        table(
            ("name", "where", "title"),
            [(c.name, "built in" if c.table else f"formsearch data fetch {c.name}", c.title) for c in cards().values()],
        )
    )
    session.say("Any table (CSV, TSV, JSON lines, Parquet, Excel) can be used in place of a name.")
    session.emit({"datasets": [c.to_dict() for c in cards().values()]})


def _fetch(session: Session, names: list[str]) -> None:
    from formsearch.data import fetch

    if not names:
        raise InputError("fetch what? give a name from `formsearch data`, e.g. formsearch data fetch chinchilla")
    with progress(session.quiet) as report:
        paths = fetch(names[0], names[1:] or None, folder=session.folder,
                      progress=lambda done, name: report(f"fetching {name}", done))  # fmt: skip
    for path in paths:
        session.say(f"{path}")
    if session.folder is None:
        session.say(f"use it by name: formsearch data {names[0]}" + ("" if len(paths) == 1 else "/FILE"))
    session.emit({"name": names[0], "files": [str(p) for p in paths]})


def _describe(session: Session, source: Source) -> None:
    from formsearch.data.cards import cards

    about = cards().get(source.data)
    if about is not None and not (about.table or _is_fetched(about)):
        _show_card(session, about)
        session.say(f"not on this machine yet: formsearch data fetch {about.name}")
        session.emit({"card": about.to_dict(), "points": None})
        return
    points = source.read()
    if about is not None:
        _show_card(session, about)
    _show_points(session, points)
    laws = applicability(points)
    applicable = [name for name, reason in laws.items() if reason is None]
    session.say(f"laws that these points can feed: {', '.join(applicable) or 'none'}")
    session.emit({"card": about.to_dict() if about else None, "points": points.describe(), "laws": laws})
    if session.out is not None and session.out.suffix != ".json":
        _write_csv(session.out, points)
        session.say(f"written: {session.out}")


def _is_fetched(about: "Card") -> bool:
    from formsearch.data.fetch import fetched

    return len(about.files) == 1 and fetched(about, next(iter(about.files))) is not None


def applicability(points: "Points") -> dict[str, str | None]:
    """Law -> None, or the reason why the points cannot feed it."""
    from formsearch.exceptions import NotApplicableError
    from formsearch.registry import laws

    found: dict[str, str | None] = {}
    for law in laws.values():
        try:
            law.bind(points)
            found[law.name] = None
        except NotApplicableError as error:
            found[law.name] = str(error)
    return found


def _show_card(session: Session, about: "Card") -> None:
    session.say(f"{about.name}: {about.title}\n\nsource: {about.source}\nlicence: {about.licence}")
    for note in about.notes:
        session.say(f"note: {note}")
    if about.splits:
        session.say(table(("split", "rows"), about.splits.items()))
    if len(about.files) > 1:
        rows: list[tuple[Any, ...]] = [(f.name, f.bytes) for f in about.files.values()]
        session.say(table(("file", "bytes"), rows, right=("bytes",)))


def _show_points(session: Session, points: "Points") -> None:
    from formsearch.quantities import RULES
    from formsearch.reading.rows import duplicates

    if points.simulated:
        session.say(f"SIMULATED target: {points.simulated}")
    session.say(ranges(points))
    if repeated := duplicates(points):
        session.say(
            f"{repeated} rows repeat the factors of others: --duplicates mean averages them, min takes the best"
        )
    for note in points.notes:
        session.say(f"note: {note}")
    for rule in RULES:
        if points.rule(rule.quantity) is rule:
            session.say(f"derived where needed: {rule}")
    labels = points.describe()["splits"]
    if isinstance(labels, dict) and labels:
        session.say("split: " + ", ".join(f"{label} {count} rows" for label, count in labels.items()))
    if points.groups:
        session.say(f"groups: {', '.join(points.groups)}")


def ranges(points: "Points") -> "Table":
    """Each quantity of the points: unit, range, number of levels, meaning."""
    from formsearch.quantities import quantity

    rows: list[tuple[str, ...]] = []
    columns = [*points.factors.items(), (points.target_quantity, points.target)]
    for name, values in columns:
        q = quantity(name)
        shown = name if values is not points.target else f"{points.target_name} (target)"
        levels = len(set(values.tolist()))
        rows.append((shown, q.unit, number(values.min()), number(values.max()), str(levels), q.meaning))
    head = f"{len(points)} points of {points.name}, hash {points.hash}"
    return table(
        ("quantity", "unit", "least", "most", "levels", "meaning"), rows, title=head, right=("least", "most", "levels")
    )


def _write_csv(path: Path, points: "Points") -> None:
    from formsearch.cells import csv_text
    from formsearch.cli.verb import write_text

    if path.suffix != ".csv":
        raise InputError(f"--out {path}: a table is written as *.csv, its description as *.json; name one of these")
    write_text(path, csv_text(points.frame))
