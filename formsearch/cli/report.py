"""`formsearch report RUN ...`: the report of an earlier run, rendered again, or of several runs side by side."""

from pathlib import Path
from typing import Annotated

import typer

from formsearch.cli.terminal import progress
from formsearch.cli.verb import Session, verb
from formsearch.exceptions import InputError


@verb(
    "formsearch report out",
    "formsearch report out other --out both",
    "formsearch report out/results.json --out elsewhere",
    out="Folder for the report. (default: the run's own; needed for several runs)",
)
def report(
    session: Session,
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="The folder of a run, or its results.json. Several are compared."),
    ],
) -> None:
    """Render the report of an earlier run again, or one report that compares several; nothing is computed anew."""
    from formsearch.cli.folder import staged
    from formsearch.report import compare_runs, load_results, rerender

    for run in runs:
        load_results(run)  # say what is wrong with it before a folder is touched
    if len(runs) > 1 and session.out is None:
        raise InputError(f"--out is missing: name a folder for the report that compares {len(runs)} runs")
    first = runs[0]
    out = session.out or (first if first.is_dir() else first.parent)
    with progress(session.quiet) as tell, staged(out) as stage:
        paths = (
            rerender(first, stage.files, progress=tell)
            if len(runs) == 1
            else compare_runs(runs, stage.files, command=session.command, progress=tell)
        )
        written = [path.relative_to(stage.files) for path in paths]
    session.say("written: " + ", ".join(str(out / p) for p in written if p.parent == Path()))
    session.emit({"folder": str(out), "files": [str(p) for p in written]})
