"""`formsearch report RUN`: the report of an earlier run, rendered again from its results."""

from pathlib import Path
from typing import Annotated

import typer

from formsearch.cli.terminal import progress
from formsearch.cli.verb import Session, verb


@verb(
    "formsearch report out",
    "formsearch report out/results.json --out elsewhere",
    out="Folder for the report. (default: the run's own)",
)
def report(
    session: Session,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or its results.json.")],
) -> None:
    """Render the report of an earlier run again; nothing is computed anew."""
    from formsearch.cli.folder import staged
    from formsearch.report import load_results, rerender

    load_results(run)  # say what is wrong with it before a folder is touched
    out = session.out or (run if run.is_dir() else run.parent)
    with progress(session.quiet) as tell:
        tell("writing the report")
        with staged(out) as stage:
            written = [path.relative_to(stage.files) for path in rerender(run, stage.files)]
    session.say("written: " + ", ".join(str(out / p) for p in written if p.parent == Path()))
    session.emit({"folder": str(out), "files": [str(p) for p in written]})
