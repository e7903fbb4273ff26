"""`formsearch runs`: what was run here, and what is left of it."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from formsearch.cli.terminal import number, table
from formsearch.cli.verb import Session, verb, write_bytes, write_text
from formsearch.exceptions import InputError, UnknownNameError
from formsearch.typesetting.numbers import plural

if TYPE_CHECKING:
    from formsearch.runs import RunFolder

FORMATS = (".csv", ".json", ".parquet")


@verb(
    "formsearch runs",
    "formsearch runs show out",
    "formsearch runs compare out other",
    "formsearch runs prune out --dry-run",
    "formsearch runs export out --out pieces.parquet",
    "formsearch runs repair out",
    out="With `export`: the file to write (*.csv, *.json, *.parquet).",
    files=FORMATS,
)
def runs(
    session: Session,
    action: Annotated[
        str, typer.Argument(help="list, show, compare, prune, export or repair.", metavar="ACTION")
    ] = "list",
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="FOLDER", help="What `--out` named, or a folder above it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With `prune`: only say what would go.")] = False,
) -> int:
    """List, show, compare, prune, export and repair past runs."""
    if action not in ACTIONS:
        if action and folders is None and Path(action).exists():
            raise InputError(f"formsearch runs {action}: say what to do with it, e.g. formsearch runs show {action}")
        raise UnknownNameError("action", action, ACTIONS, "see formsearch runs --help")
    if dry_run and action != "prune":
        raise InputError("--dry-run is for formsearch runs prune")
    if action == "prune":
        return _prune(session, _given(folders, 1, "prune"), dry_run)
    wanted = {"list": None, "compare": 2}.get(action, 1)
    return ACTIONS[action](session, list(folders or [Path()]) if wanted is None else _given(folders, wanted, action))


def _given(folders: list[Path] | None, count: int, action: str) -> list[Path]:
    if len(folders or []) != count:
        many = "one folder" if count == 1 else f"{count} folders"
        raise InputError(
            f"formsearch runs {action} takes {many}, not {len(folders or [])}; `formsearch runs` lists them"
        )
    return list(folders or [])


def _list(session: Session, folders: Sequence[Path]) -> int:
    from formsearch.runs import find

    found = [run for folder in folders for run in find(folder)]
    if not found:
        session.say(f"no runs in {', '.join(map(str, folders))}; `formsearch run DATA --out FOLDER` makes one")
    else:
        columns = ("folder", "last run", "status", "pieces", "data", "best law", "error")
        session.say(table(columns, [_row(run) for run in found], right=("pieces", "error")))
        for run in found:
            if run.problem:
                session.say(f"{run.folder}: {run.problem}")
    session.emit({"runs": [run.to_dict() for run in found]})
    return 0


def _row(run: "RunFolder") -> tuple[str, ...]:
    last = run.last
    pieces = str(sum(run.kinds.values()))
    if last is None:
        return str(run.folder), "-", "cannot be read" if run.problem else "-", pieces, "-", "-", "-"
    summary = last.summary or {}
    points = last.about.get("points") or {}
    return (
        str(run.folder), last.began, last.status, pieces, str(points.get("name", "-")), str(summary.get("best") or "-"),
        number(summary.get("error"), 3),
    )  # fmt: skip


def _readable(folder: Path) -> "RunFolder":
    from formsearch.exceptions import StoreError
    from formsearch.runs import one

    run = one(folder)
    if run.problem:
        raise StoreError(run.problem)
    return run


def _show(session: Session, folders: Sequence[Path]) -> int:
    from formsearch.runs import entries

    run = _readable(folders[0])
    kept = plural(sum(run.kinds.values()), "piece")
    session.say(f"{run.store}: {run.size / 1e6:.2f} MB, {kept}, {run.under_way} checkpoints")
    for r in run.runs:
        computed = plural(r.computed, "piece")
        session.say(f"run {r.number}: {r.status}, {r.began} to {r.ended or '...'}; {computed} computed, "
                    f"{r.recalled} recalled")  # fmt: skip
        session.say(f"  {r.about.get('command', '')}")
        for what, value in (r.summary or {}).items():
            session.say(f"  {what}: {number(value, 4)}")
    rows = [
        (e.kind, e.label or e.key, number(e.seconds, 3), e.size, "-" if e.run is None else e.run, e.created)
        for e in entries(run)
    ]
    session.say(table(("kind", "what", "seconds", "bytes", "run", "done"), rows, right=("seconds", "bytes", "run")))
    session.emit(run.to_dict())
    return 0


def _compare(session: Session, folders: Sequence[Path]) -> int:
    from formsearch.runs import compare

    first, second = (_readable(f) for f in folders)
    found = compare(first, second)
    session.say(table(("", str(first.folder), str(second.folder)), [
        (("" if a == b else "* ") + what, number(a), number(b)) for what, a, b in found.rows
    ]))  # fmt: skip
    session.say(f"{found.same} pieces are the same, {found.only_first} are in {first.folder} only, "
                f"{found.only_second} in {second.folder} only")  # fmt: skip
    if found.differing:
        session.say(f"{len(found.differing)} pieces have one key and two results: {', '.join(found.differing[:5])}")
    session.emit(found.to_dict())
    return 1 if found.differing else 0


def _prune(session: Session, folders: Sequence[Path], dry: bool) -> int:
    from formsearch.cli.folder import alone
    from formsearch.runs import prune

    run = _readable(folders[0])
    with nullcontext() if dry else alone(run.folder):
        count, size = prune(run, dry)
    verb_ = "would be removed" if dry else "removed"
    unused = plural(count, "piece")
    session.say(f"{run.folder}: {unused} that its last finished run did not need {verb_}, {size / 1e6:.2f} MB")
    session.emit({"folder": str(run.folder), "pieces": count, "bytes": size, "dry_run": dry})
    return 0


def _export(session: Session, folders: Sequence[Path]) -> int:
    from formsearch.cells import csv_text
    from formsearch.cli.terminal import json_text
    from formsearch.runs import document
    from formsearch.runs import table as pieces

    run = _readable(folders[0])
    if session.out is None or session.out.suffix not in FORMATS:
        raise InputError(f"formsearch runs export: name the file with --out, *{', *'.join(FORMATS)}")
    match session.out.suffix:
        case ".json":
            write_text(session.out, json_text(document(run)) + "\n")
        case ".csv":
            write_text(session.out, csv_text(pieces(run)))
        case _:
            write_bytes(session.out, _parquet(run))
    session.say(f"written: {session.out}")
    replace(session, out=None).emit({"written": str(session.out)})  # the file holds the pieces, not this
    return 0


def _parquet(run: "RunFolder") -> bytes:
    import io

    from formsearch.runs import table as pieces

    buffer = io.BytesIO()
    try:
        pieces(run).to_parquet(buffer, index=False)
    except ImportError:
        raise InputError("writing Parquet needs pyarrow: pip install 'formsearch[parquet]'") from None
    return buffer.getvalue()


def _repair(session: Session, folders: Sequence[Path]) -> int:
    from formsearch.cli.folder import alone
    from formsearch.runs import one
    from formsearch.salvage import repair

    run = one(folders[0])
    with alone(run.folder):
        done = repair(run.store)
    kept = plural(done.kept, "piece")
    if done.damaged is None:
        session.say(f"{run.store}: nothing is wrong with it, {kept}")
    else:
        session.say(f"{run.store}: {kept} kept, at least {done.lost} lost; the damaged file is {done.damaged}")
    session.emit({"store": str(run.store), "kept": done.kept, "lost": done.lost,
                  "damaged": None if done.damaged is None else str(done.damaged)})  # fmt: skip
    return 0


ACTIONS: dict[str, Callable[..., int]] = {
    "list": _list, "show": _show, "compare": _compare, "prune": _prune, "export": _export, "repair": _repair,
}  # fmt: skip
