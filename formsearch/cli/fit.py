"""`formsearch fit DATA --law NAME`: one law on one table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from formsearch.cli import completing
from formsearch.cli.own import Formula, one_law, tell_own
from formsearch.cli.terminal import Progressing, number, progress, table
from formsearch.cli.verb import Session, Source, factors, verb, words, write_report

if TYPE_CHECKING:
    from formsearch.fit.identifiability import Identifiability
    from formsearch.fit.result import Fit
    from formsearch.fit.uncertainty import Resamples

Objective = Annotated[
    str | None,
    typer.Option(
        help="What to minimise: ls, log-ls, huber:1e-3, student:0.01:4, ... (default: ls)", metavar="OBJECTIVE"
    ),
]
Starts = Annotated[int, typer.Option(help="Starting points, drawn from the data.", min=1)]
Level = Annotated[float, typer.Option(help="Of the intervals.", min=0.01, max=0.999)]


@verb(
    "formsearch fit zhao2025 --law chinchilla",
    "formsearch fit runs.csv --columns N=params,D=tokens --law chinchilla --objective huber:1e-3 --bootstrap 1000",
    "formsearch fit runs.csv --columns N=params,D=tokens --formula 'E + A/N**a + B/D**b'",
)
def fit(
    session: Session,
    source: Source,
    law: Annotated[
        str | None,
        typer.Option(
            help="The law, from `formsearch laws`, or a Python file with LAW = Law(...), read, never run.",
            metavar="NAME",
            autocompletion=completing.law_or_file,
        ),
    ] = None,
    formula: Formula = None,
    objective: Objective = None,
    starts: Starts = 16,
    fix: Annotated[
        list[str] | None, typer.Option(help="Constants set to numbers, e.g. k=0.", metavar="CONSTANT=NUMBER")
    ] = None,
    tie: Annotated[
        list[str] | None, typer.Option(help="Constants set equal, e.g. alpha=beta; repeatable.", metavar="A=B")
    ] = None,
    by_group: Annotated[bool, typer.Option("--by-group", help="Fit constants for each group of the points.")] = False,
    shared: Annotated[
        list[str] | None,
        typer.Option(help="With --by-group: constants common to all groups.", metavar="CONSTANT"),
    ] = None,
    bootstrap: Annotated[int, typer.Option(help="Refits for the intervals; 0 for none.", min=0)] = 200,
    level: Level = 0.9,
) -> int:
    """Fit one law to the points: constants with intervals, and how far they can be trusted."""
    from formsearch.core.objectives import parse_objective
    from formsearch.fit import fit as fit_law

    points = source.read()
    chosen = one_law(law, formula, "--law", points)
    with progress(session.quiet) as report:
        report("fit")
        fitted = fit_law(
            chosen,
            points,
            objective=parse_objective(objective) if objective else None,
            starts=starts,
            seed=session.seed,
            fix=factors(fix, "--fix"),
            tie=[tuple(s.strip() for s in group.split("=")) for group in tie or ()],
            by="group" if by_group else None,
            shared=words(shared),
            progress=lambda done, start: report("fit", done, start),
        )
        known = None if fitted.group_constants else fitted.identifiability()
        resamples = None
        if bootstrap and fitted.ok and fitted.constants and not fitted.group_constants:
            resamples = _resampled(fitted, bootstrap, session.seed, report)
    tell_own(session, [chosen])
    _show(session, fitted, known, resamples, level)
    result: dict[str, Any] = fitted.to_dict()
    result["identifiability"] = known.to_dict() if known else None
    result["resamples"] = resamples.to_dict(level) if resamples else None
    session.emit(result)
    write_report(session, [fitted])
    return 0 if fitted.ok else 1


def _resampled(fitted: "Fit", n: int, seed: int, report: Progressing) -> "Resamples":
    """`Fit.bootstrap`, a batch at a time, so that it can be told how long it will take."""
    from formsearch.fit.uncertainty import batches, checked, gathered, refit_batch

    checked(fitted, "pairs", None)
    kept, failed, done = [], 0, 0
    for batch, size in batches(n, len(fitted.data)):
        report("resampling", done / n, f"{done} of {n} refits")
        constants, missed = refit_batch(fitted, batch, size, seed, "pairs", None)
        kept.append(constants)
        failed += missed
        done += size
    return gathered(fitted, n, seed, "pairs", kept, failed)


def _show(
    session: Session, fitted: "Fit", known: "Identifiability | None", resamples: "Resamples | None", level: float
) -> None:
    points: Mapping[str, Any] = fitted.points
    lines = [f"{fitted.law.name}: {fitted.law.target} = {fitted.law.formula}"]
    lines.append(f"on {points['rows']} points of {points['name']}, hash {points['hash']}")
    if points.get("simulated"):
        lines.append(f"SIMULATED target: {points['simulated']}")
    lines += [f"derived: {rule}" for rule in fitted.rules]
    lines.append(f"{fitted.objective_name} = {fitted.objective:.9g} (a sum over the rows)")
    session.say("\n".join(lines))
    if fitted.group_constants:
        names = fitted.law.constant_names
        rows = [(g, *(number(c[n], 5) for n in names)) for g, c in fitted.group_constants.items()]
        session.say(table(("group", *names), rows, right=names))
    elif fitted.constants:
        span = f"{100 * level:g} % interval"
        session.say(
            table(
                ("constant", "value", *([span] if resamples else []), "meaning"),
                [
                    (
                        c.symbol,
                        number(fitted.constants[c.symbol], 6),
                        *([" .. ".join(number(v) for v in resamples.interval(c.symbol, level))] if resamples else []),
                        c.meaning,
                    )
                    for c in fitted.law.constants
                ],
                right=("value", span),
            )
        )
    session.say(f"status: {fitted.status.sentence}")
    session.say(f"{100 * fitted.share:.0f} % of {fitted.starts} starts ended at this optimum")
    for sentence in known.sentences if known else ():
        session.say(f"note: {sentence}")
