"""`formsearch compare DATA`: laws judged on the same points, by extrapolation unless told otherwise."""

from typing import TYPE_CHECKING, Annotated

import typer

from formsearch.cli import completing
from formsearch.cli.fit import Starts
from formsearch.cli.own import Formulas, LawFiles, chosen_laws, tell_own
from formsearch.cli.terminal import progress
from formsearch.cli.verb import Session, Source, verb, words, write_report
from formsearch.cli.workers import Backend, Count, Scheduler, chosen_workers
from formsearch.exceptions import NotApplicableError

if TYPE_CHECKING:
    from formsearch.points import Points

Laws = Annotated[
    list[str] | None,
    typer.Option(
        help="Laws to judge, repeatable or joined by commas. (default: all)",
        metavar="NAME",
        autocompletion=completing.laws,
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        help="How to judge: ordered:C:0.2, kfold:5, column:fit:validation, group:5, level:D, ... "
        "(default: the data's own split, else ordered by compute)",
        metavar="SPLIT",
    ),
]
Objectives = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        help="What to minimise: ls, log-ls, huber:1e-3, student:0.01:4, ...; more are fitted beside the first, "
        "`published` is each law's own. (default: ls)",
        metavar="OBJECTIVE",
    ),
]
FILES = (".csv", ".md", ".tex")


@verb(
    "formsearch compare zhao2025",
    "formsearch compare runs.csv --laws chinchilla,kaplan2020 --split ordered:C:0.2 --objective huber:1e-3",
    "formsearch compare runs.csv --law mylaw.py --formula 'E + A/N**a + B/D**b' --out board.tex",
    "formsearch compare runs.csv --target loss_c4 --target loss_pile --split kfold:5",
    out="Write the report to this folder, or the board to a file: *.json, *.csv, *.md, *.tex.",
    files=FILES,
)
def compare(
    session: Session,
    source: Source,
    laws: Laws = None,
    law: LawFiles = None,
    formula: Formulas = None,
    split: Split = None,
    objective: Objectives = None,
    starts: Starts = 16,
    metric: Annotated[str, typer.Option(help="What ranks: mae, rmse, relative or log.")] = "mae",
    published: Annotated[
        bool, typer.Option("--published", help="Also judge published constants as printed, without a refit.")
    ] = False,
    by_group: Annotated[
        bool | None,
        typer.Option(
            "--by-group/--pooled",
            help="Constants for each group of the points, or for all together. (default: by group where the points are "
            "grouped, several targets included, unless the split holds whole groups out)",
            show_default=False,
        ),
    ] = None,
    shared: Annotated[
        list[str] | None, typer.Option(help="By group: constants common to all groups.", metavar="CONSTANT")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Column whose equal values are redrawn together, e.g. the run of a checkpoint.", metavar="COLUMN"
        ),
    ] = None,
    level: Annotated[float, typer.Option(help="Of intervals and of ties.", min=0.5, max=0.999)] = 0.95,
    backend: Backend = None,
    workers: Count = None,
    scheduler: Scheduler = None,
) -> int:
    """Compare laws on the same points: fitted on one part, judged on the other; differences tested."""
    from formsearch.compare import compare as compare_laws
    from formsearch.resume import remembering
    from formsearch.store import Store

    crew = chosen_workers(backend, workers, scheduler)
    points = source.read()
    chosen = chosen_laws(words(laws), law, formula, points)
    grouped = _trains_on_every_group(points, split) if by_group is None else by_group
    with progress(session.quiet) as report:
        report("comparison", 0.0)
        board = compare_laws(
            points,
            laws=chosen,
            split=split,
            objective=words(objective) or None,
            starts=starts,
            seed=session.seed,
            metric=metric,
            published=published,
            by="group" if grouped else None,
            shared=words(shared),
            cluster=cluster,
            level=level,
            fitter=remembering(Store(":memory:"), crew),
            progress=lambda done, total, label: report("comparison", done / total, label),
        )
    if board.best is None and board.not_applicable:
        name, reason = board.not_applicable[0]
        raise NotApplicableError(f"no law could be judged on these points; {name}: {reason}")
    tell_own(session, chosen)
    if points.group is not None and by_group is None and not grouped:
        session.say("note: constants common to all groups, since the split holds whole groups out")
    session.say(board)
    session.emit(board.to_dict())
    session.write(dict(zip(FILES, (board.csv, board.markdown, board.latex), strict=True)))
    write_report(session, [board])
    return 0 if board.best is not None else 1


def _trains_on_every_group(points: "Points", split: str | None) -> bool:
    """Whether groups can have constants of their own: there are some, and no fold tests one it does not train on."""
    from formsearch.compare.board import make_folds, resolve

    if points.group is None:
        return False
    folds = make_folds(points, resolve(points, split))
    return all(set(points.group[test]) <= set(points.group[train]) for train, test in folds.parts)
