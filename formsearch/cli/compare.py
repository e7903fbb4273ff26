"""`formsearch compare DATA`: laws judged on the same points, by extrapolation unless told otherwise."""

from typing import Annotated

import typer

from formsearch.cli.fit import Objective, Starts
from formsearch.cli.terminal import progress
from formsearch.cli.verb import Session, Source, verb, words, write_report
from formsearch.exceptions import NotApplicableError

Laws = Annotated[
    list[str] | None, typer.Option(help="Laws to judge, repeatable or joined by commas. [default: all]", metavar="NAME")
]
Split = Annotated[
    str | None,
    typer.Option(
        help="How to judge: ordered:C:0.2, kfold:5, column:fit:validation, group:5, level:D, ... "
        "[default: the data's own split, else ordered by compute]",
        metavar="SPLIT",
    ),
]


@verb(
    "formsearch compare zhao2025",
    "formsearch compare runs.csv --laws chinchilla,kaplan2020 --split ordered:C:0.2 --objective huber:1e-3",
)
def compare(
    session: Session,
    source: Source,
    laws: Laws = None,
    split: Split = None,
    objective: Objective = None,
    starts: Starts = 16,
    metric: Annotated[str, typer.Option(help="What ranks: mae, rmse, relative or log.")] = "mae",
    published: Annotated[
        bool, typer.Option("--published", help="Also judge published constants as printed, without a refit.")
    ] = False,
    by_group: Annotated[bool, typer.Option("--by-group", help="Fit constants for each group of the points.")] = False,
    workers: Annotated[int, typer.Option(help="Fits at a time, in processes.", min=1)] = 1,
) -> int:
    """Compare laws on the same points: fitted on one part, judged on the other; differences tested."""
    from formsearch.compare import compare as compare_laws

    points = source.read()
    with progress(session.quiet) as report:
        report("comparison", 0.0)
        board = compare_laws(
            points,
            laws=words(laws) or "all",
            split=split,
            objective=objective,
            starts=starts,
            seed=session.seed,
            metric=metric,
            published=published,
            by="group" if by_group else None,
            n_jobs=workers,
            progress=lambda done, total, label: report("comparison", done / total, label),
        )
    if board.best is None and board.not_applicable:
        name, reason = board.not_applicable[0]
        raise NotApplicableError(f"no law could be judged on these points; {name}: {reason}")
    session.say(board)
    session.emit(board.to_dict())
    write_report(session, [board])
    return 0 if board.best is not None else 1
