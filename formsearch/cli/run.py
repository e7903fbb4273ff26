"""`formsearch run DATA --out DIR`: the main job, from a table to a report."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from formsearch.cli.compare import Laws, Split
from formsearch.cli.ending import Terminated
from formsearch.cli.fit import Objective, Starts
from formsearch.cli.own import Formulas, LawFiles, chosen_laws, tell_own
from formsearch.cli.search import Engine, front_summary, front_table
from formsearch.cli.terminal import complain, number, progress, table
from formsearch.cli.verb import Session, Source, verb, words
from formsearch.cli.workers import Backend, Count, Scheduler, chosen_workers
from formsearch.exceptions import InputError

if TYPE_CHECKING:
    from formsearch.cli.folder import Stage
    from formsearch.derive.derivation import Derivation, Result
    from formsearch.pipeline import Run
    from formsearch.points import Points
    from formsearch.store import Store

EXPLANATION = """\
formsearch run needs a table of training runs: one row a run, a loss, and what was varied.

  formsearch run zhao2025 --out out                                  the built-in data (simulated losses)
  formsearch run runs.csv --columns N=params,D=tokens --out out      your own

It fits every law the runs can feed, judges them by extrapolation, searches for new forms, derives the optima of the
best, and writes report.html, report.md, results.json and tables/*.csv.
See also `formsearch run --help` and `formsearch data`."""

SHOWN = 10


@verb(
    "formsearch run zhao2025 --out out",
    "formsearch run runs.csv --columns N=params,D=tokens --where 'is_outlier == 0' --out out",
    out="Folder for the report and the results; run again on the same folder to go on where a run was stopped.",
    needs_data=False,
)
def run(
    session: Session,
    source: Source,
    seconds: Annotated[float, typer.Option(help="Time for the search; 0 leaves it out.", min=0.0)] = 60.0,
    laws: Laws = None,
    law: LawFiles = None,
    formula: Formulas = None,
    split: Split = None,
    test: Annotated[
        float | None,
        typer.Option(help="Share of the largest runs to judge on, ordered by compute.", min=0.01, max=0.99),
    ] = None,
    objective: Objective = None,
    starts: Starts = 16,
    engine: Engine = None,
    generations: Annotated[
        int | None,
        typer.Option(
            help="End the search after so many generations: its result then depends on the seed alone.", min=1
        ),
    ] = None,
    restarts: Annotated[
        int, typer.Option(help="Search so often, apart and from other seeds; workers do them at a time.", min=1)
    ] = 1,
    resume: Annotated[
        bool,
        typer.Option("--resume/--no-resume", help="Go on from what an earlier run on the same --out finished."),
    ] = True,
    backend: Backend = None,
    workers: Count = None,
    scheduler: Scheduler = None,
) -> int:
    """The main job: fit, compare, search, derive, report."""
    if not source.data:
        source = _offer(session)
    from formsearch.cli.folder import RESULTS
    from formsearch.core.objectives import parse_objective

    if session.out is not None and session.out.suffix == ".json":
        raise InputError(f"--out {session.out}: name a folder; the JSON is {RESULTS} in it")
    if split is not None and test is not None:
        raise InputError("--split and --test exclude each other: write the share into --split, e.g. ordered:C:0.2")
    crew = chosen_workers(backend, workers, scheduler)
    loss = parse_objective(objective) if objective else None
    points = source.read()
    own = chosen_laws(words(laws), law, formula, points)
    asked = {
        "laws": own, "split": split if test is None else _ordered(points, test), "objective": loss, "starts": starts,
        "seconds": seconds, "engine": words(engine) or "native", "seed": session.seed, "generations": generations,
        "restarts": restarts, "workers": crew,
    }  # fmt: skip
    begun = time.perf_counter()
    done, written = _carried_out(session, points, asked, begun, resume)
    tell_own(session, own)
    _show(session, done)
    session.emit(done.to_dict())
    session.say(f"\n{time.perf_counter() - begun:.0f} s")
    if session.out is not None:
        main = [p for p in written if p.parent == Path()]
        session.say("written: " + ", ".join(str(session.out / p) for p in main))
    return 0 if done.ok else 1


def _carried_out(
    session: Session, points: "Points", asked: dict[str, Any], begun: float, resume: bool
) -> "tuple[Run, list[Path]]":
    """The work itself: what came of it, and the files of the report, relative to the folder of `--out`."""
    from formsearch.cli.folder import staged, unfinished_work
    from formsearch.pipeline import run as run_all

    summary: dict[str, Any] = {}
    written: list[Path] = []
    try:
        with (
            nullcontext(None) if session.out is None else staged(session.out, resume) as stage,
            _store(session, points, stage, summary) as store,
            progress(session.quiet) as report,
        ):
            done = run_all(points, **asked, store=store, progress=report)
            summary |= _summary(done)
            if stage is not None:
                from formsearch.report import report as write

                paths = write(
                    done.items,
                    stage.files,
                    title=f"Scaling laws on {points.name}",
                    command=session.command,
                    seed=session.seed,
                    seconds=time.perf_counter() - begun,
                    progress=report,
                )
                written = [p.relative_to(stage.files) for p in paths]
    except (KeyboardInterrupt, Terminated):
        if session.out is not None and (left := unfinished_work(session.out)) is not None:
            same = "the same command" if resume else "the same command without --no-resume"
            complain(f"what was finished is kept in {left}; {same} goes on from there", kind="note")
        raise
    return done, written


@contextmanager
def _store(
    session: Session, points: "Points", stage: "Stage | None", summary: dict[str, Any]
) -> "Iterator[Store | None]":
    """The store of a run that writes into a folder, with the record of the run; None for one that only prints."""
    if stage is None:
        yield None
        return
    from formsearch import __version__
    from formsearch.ledger import recorded
    from formsearch.store import Store

    about = {"command": session.command, "version": __version__, "seed": session.seed, "points": points.describe()}
    with Store(stage.store) as store, recorded(store, about, summary):
        yield store


def _summary(done: "Run") -> dict[str, Any]:
    """What the record of a run in the store says of its outcome."""
    best = next((s for s in done.board.scores if s.label == done.board.best), None)
    return {
        "best": done.board.best,
        "formula": None if best is None else best.law.formula,
        "metric": done.board.metric,
        "error": None if best is None else getattr(best.test, done.board.metric),
        "split": done.board.split,
        "laws": len(done.board.scores),
        "found": None if done.front is None or done.front.best is None else done.front.best.law.formula,
    }


def _offer(session: Session) -> Source:
    """Explain the verb on stderr, and offer the built-in data where somebody is there to answer."""
    from formsearch.cli.terminal import ask

    if session.quiet or session.json:
        raise InputError("DATA is missing: give a table or a name, e.g. formsearch run zhao2025")
    print(EXPLANATION, file=sys.stderr)
    if ask("\nRun it on the built-in data now? [y/N] ").lower() not in ("y", "yes"):
        raise typer.Exit(InputError.exit_code)
    return Source("zhao2025", note=session.note)


def _ordered(points: Any, test: float) -> Any:
    """The largest share of runs, ordered by compute, else by the first size that is there."""
    from formsearch.compare.splits import Ordered

    quantity = next((q for q in ("C", "D", "N") if points.can(q)), next(iter(points.factors)))
    return Ordered(quantity, test)


def _show(session: Session, done: "Run") -> None:
    board = done.board
    if done.points.simulated:
        session.say(f"SIMULATED target: {done.points.simulated}")
    rows = []
    for score in board.scores[:SHOWN]:
        low, high = score.intervals[board.metric]
        error = getattr(score.test, board.metric)
        rows.append(
            (
                score.label,
                score.constants,
                number(error, 3),
                f"{number(low, 3)} .. {number(high, 3)}",
                score.law.formula,
            )
        )
    title = f"{board.test_rows} held-out rows of {done.points.name} ({done.points.hash}); {board.split}"
    span = f"{100 * board.level:g} % interval"
    heading = f"error ({board.metric})"
    session.say(table(("law", "constants", heading, span, "formula"), rows, title=title,
                      right=("constants", heading)))  # fmt: skip
    if len(board.scores) > SHOWN:
        more = len(board.scores) - SHOWN
        session.say(f"and {more} more law{'s' if more > 1 else ''}")
    if board.not_applicable:
        names = ", ".join(name for name, _ in board.not_applicable)
        session.say(f"not applicable to these points ({len(board.not_applicable)}): {names}; the report says why")
    for sentence in board.sentences[:2]:
        session.say(sentence)
    if done.front is not None:
        session.say("")
        session.say(front_table(done.front, rows=5))
        session.say(front_summary(done.front))
        best = "" if done.front.best is None else done.front.best.law.name
        for reason in (r for name, r in done.board.not_applicable if name == best):
            session.say(f"{best} is not among the laws judged: {reason}")
    for derivation in done.derivations:
        condition = f" at {derivation.subject_to}" if derivation.subject_to else ""
        found = [r for r in derivation.results if r.kind in ("minimum", "maximum", "growth")]
        if found:
            session.say(f"\noptima of {derivation.law.name}{condition}")
            session.say(
                "\n".join(
                    f"  {line}"
                    for line in (*map(_line, found), *_named_parts(derivation, found), *_at_budget(derivation))
                )
            )
    if done.advice is not None and done.advice.aims:
        session.say("\nwhat to run next (the report has the configurations)")
        session.say("\n".join(f"  {aim.sentence}" for aim in done.advice.aims))
    for note in done.notes:
        session.say(f"note: {note}")


def _at_budget(derivation: "Derivation") -> list[str]:
    """The optima in numbers at the greatest budget of the frontier's table for which there are any."""
    for table_ in derivation.tables:
        if table_.name == "frontier":
            columns = [c for c in table_.columns if not c.endswith((" low", " high"))]
            for row in reversed([dict(zip(table_.columns, r, strict=True)) for r in table_.rows]):
                if all(row[c] is not None for c in columns):
                    given, *rest = (f"{c} = {number(row[c])}" for c in columns)
                    held = ", ".join(f"{k} = {number(v)}" for k, v in derivation.settings.items())
                    return [f"at {given}{f' and {held}' if held else ''}: {', '.join(rest)}"]
    return []


def _named_parts(derivation: "Derivation", found: "Sequence[Result]") -> list[str]:
    """What the derivation's names for parts of the law stand for, where its results use them."""
    meanings = {str(symbol): part for symbol, part in derivation.definitions}
    wanted = {str(s) for r in found for e in (r.expression, r.implicit) if e is not None for s in e.free_symbols}
    while more := {str(s) for n in wanted & set(meanings) for s in meanings[n].free_symbols} - wanted:
        wanted |= more
    return [f"with {name} = {part}" for name, part in meanings.items() if name in wanted]


def _line(result: "Result") -> str:
    from formsearch.derive.derivation import optimum_name

    name = optimum_name(result.symbol, result.kind)
    if result.expression is not None:
        text = f"{name} = {result.expression}"
    else:
        sides = [str(side) for side in getattr(result.implicit, "args", ())]
        solved = sides[:1] == [result.symbol]  # an equation for the symbol itself, e.g. from the constraint
        text = f"{name} = {sides[1]}" if solved else f"{name} solves {' = '.join(sides)}"
    if result.value is not None:
        text += f" = {number(result.value, 5)}"
    if result.interval is not None:
        text += f" ({number(result.interval[0])} .. {number(result.interval[1])})"
    return text + ("" if result.check.passed else f"  CHECK FAILED: {result.check.sentence}")
