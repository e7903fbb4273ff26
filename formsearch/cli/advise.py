"""`formsearch advise DATA`: what to run next."""

from typing import TYPE_CHECKING, Annotated

import typer

from formsearch.cli.fit import Objective, Starts
from formsearch.cli.own import Formulas, LawFiles, law_called, own_laws, tell_own
from formsearch.cli.terminal import Progressing, number, progress, table
from formsearch.cli.verb import Session, Source, pairs, verb, words, write_report
from formsearch.exceptions import NotApplicableError

if TYPE_CHECKING:
    from formsearch.advise.advice import Advice, Aim
    from formsearch.core.objectives import Objective as Loss
    from formsearch.fit.result import Fit
    from formsearch.law import Law
    from formsearch.points import Points


@verb(
    "formsearch advise zhao2025 --laws zhao2025,zhao2025_eq9,abnar2025",
    "formsearch advise zhao2025 --laws zhao2025 --quantity 'G_opt=sqrt(f/e)' --budget 1e21 --runs 8",
)
def advise(
    session: Session,
    source: Source,
    laws: Annotated[
        list[str] | None,
        typer.Option(
            help="Laws to tell apart, the leading one first. (default: the law to use by `formsearch compare`, and "
            "those that may be the best as well)",
            metavar="NAME",
        ),
    ] = None,
    law: LawFiles = None,
    formula: Formulas = None,
    quantity: Annotated[
        list[str] | None,
        typer.Option(
            help="What to pin down: a formula in the leading law's constants, with a name; repeatable.",
            metavar="NAME=FORMULA",
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(help="FLOPs of the advised runs together. (default: those of the dearest run so far)"),
    ] = None,
    runs: Annotated[int, typer.Option(help="At most so many runs for each aim.", min=1)] = 6,
    objective: Objective = None,
    starts: Starts = 16,
) -> int:
    """Advise what to run next: what would tell the leading laws apart, or pin down what they say, within a budget."""
    from formsearch.advise import advise as advise_runs
    from formsearch.core.objectives import parse_objective
    from formsearch.fit import fit

    points = source.read()
    loss = parse_objective(objective) if objective else None
    with progress(session.quiet) as report:
        chosen = _given(laws, law, formula, points) or _leading(points, loss, starts, session.seed, report)
        fits: list[Fit] = []
        for one in chosen:
            report("fitting them to all points", len(fits) / len(chosen), one.name)
            fits.append(fit(one, points, objective=loss, starts=starts, seed=session.seed))
        advice = advise_runs(fits, pairs(quantity, "--quantity"), budget, runs, seed=session.seed,
                             progress=lambda done, doing: report("weighing runs", done, doing))  # fmt: skip
    tell_own(session, chosen)
    _show(session, advice)
    session.emit(advice.to_dict())
    write_report(session, [points, advice])
    return 0 if any(aim.runs for aim in advice.aims) else 1


def _given(
    laws: list[str] | None, files: list[str] | None, formulas: list[str] | None, points: "Points"
) -> list["Law"]:
    """The laws that were named, in that order; one's own after them."""
    from formsearch.compare.entries import choose_laws

    listed = [*(law_called(name) for name in words(laws)), *own_laws(files, formulas, points)]
    return list(choose_laws(listed)[0]) if listed else []


def _leading(points: "Points", loss: "Loss | None", starts: int, seed: int, report: "Progressing") -> list["Law"]:
    from formsearch.compare import compare

    stage = "finding the leading laws"
    report(stage, 0.0)
    board = compare(points, objective=loss, starts=starts, seed=seed,
                    progress=lambda done, total, label: report(stage, done / total, label))  # fmt: skip
    found = [score.law for score in board.leading()]
    if not found:
        name, reason = board.not_applicable[0]
        raise NotApplicableError(f"no law can be judged on these points; {name}: {reason}")
    return found


def _show(session: Session, advice: "Advice") -> None:
    points = advice.points
    lines = [f"What to run after the {points['rows']} points of {points['name']}, hash {points['hash']}"]
    if points.get("simulated"):
        lines.append(f"SIMULATED target: {points['simulated']}")
    unit = f"{advice.budget:.3g} FLOPs" if advice.costed else f"{advice.budget:.0f} runs"
    lines.append(
        f"leading law {advice.law}; {unit} for each aim; {advice.feasible} configurations weighed; "
        f"noise of a run {number(advice.noise, 3)}"
    )
    session.say("\n".join(lines))
    for aim in advice.aims:
        session.say(f"\n{aim.sentence}")
        if aim.runs:
            session.say(_runs(aim))
    session.say("\n" + "\n".join(f"note: {note}" for note in advice.notes))


def _runs(aim: "Aim") -> object:
    factors = list(aim.runs[0].factors)
    laws = list(aim.runs[0].predictions)
    rows = [
        (
            f"{run.times} x",
            *(number(run.factors[q]) for q in factors),
            *([number(run.cost, 3)] if run.cost is not None else []),
            *(number(run.predictions[name]) for name in laws),
            run.beyond,
        )
        for run in aim.runs
    ]
    costs = ["FLOPs"] if aim.runs[0].cost is not None else []
    return table(("runs", *factors, *costs, *laws, "outside the points"), rows, right=("runs", *factors, *costs, *laws))
