"""`formsearch search DATA`: new forms, each examined before it is accepted."""

from typing import TYPE_CHECKING, Annotated

import typer

from formsearch.cli.fit import Objective
from formsearch.cli.terminal import number, progress, table
from formsearch.cli.verb import Session, Source, verb, words, write_report
from formsearch.exceptions import EngineMissingError, InputError

if TYPE_CHECKING:
    from rich.table import Table

    from formsearch.search.engine import Engine as SearchEngine
    from formsearch.search.front import Candidate, Front

Engine = Annotated[
    list[str] | None,
    typer.Option(help="Engine of the search, repeatable or joined by commas. (default: native)", metavar="ENGINE"),
]


@verb(
    "formsearch search zhao2025 --seconds 60",
    "formsearch search runs.csv --no-seeds --split-column split --train fit",
    "formsearch search runs.csv --engine pysr --around chinchilla --seconds 300",
)
def search(
    session: Session,
    source: Source,
    engine: Engine = None,
    seconds: Annotated[float, typer.Option(help="Time for the search, acceptance included.")] = 60.0,
    objective: Objective = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option(help="Laws to start from. (default: all of the registry that apply)", metavar="NAME"),
    ] = None,
    no_seeds: Annotated[bool, typer.Option("--no-seeds", help="Search blind, from no law; also --seeds none.")] = False,
    train: Annotated[
        str | None,
        typer.Option(help="Split label of the rows to search on. (default: fit or train, else all)", metavar="LABEL"),
    ] = None,
    variables: Annotated[
        list[str] | None,
        typer.Option(help="Quantities that forms may use. (default: all that vary)", metavar="QUANTITY"),
    ] = None,
    generations: Annotated[
        int | None,
        typer.Option(help="Stop after so many generations: the result then depends on the seed alone.", min=1),
    ] = None,
    max_constants: Annotated[
        int | None, typer.Option(help="Constants of a form, at most (of one group). (default: no cap)", min=1)
    ] = None,
    max_complexity: Annotated[
        int | None, typer.Option(help="Constants and operators of a form together, at most. (default: 45)", min=1)
    ] = None,
    operators: Annotated[
        list[str] | None,
        typer.Option(help="What new forms may be built from, of + * / pow log exp. (default: all)", metavar="WORD"),
    ] = None,
    save: Annotated[
        str | None,
        typer.Option(help="Write the best accepted form as a candidate file NAME.py.", metavar="NAME"),
    ] = None,
    around: Annotated[
        str | None,
        typer.Option(help="PySR: search for a correction that is added to this law.", metavar="LAW"),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(help="PySR: go on from an earlier run, `last` or its folder.", metavar="DIR"),
    ] = None,
    allow_julia_install: Annotated[
        bool,
        typer.Option("--allow-julia-install", help="PySR: download Julia and its packages (2 GB) if they are missing."),
    ] = False,
) -> int:
    """Search for new forms that fit and extrapolate. Ctrl-C ends the search and keeps what was found."""
    from formsearch.core.objectives import parse_objective
    from formsearch.pipeline import searched
    from formsearch.search import search as search_forms
    from formsearch.search.engine import MAX_COMPLEXITY, OPERATORS

    points = source.read()
    with progress(session.quiet) as report:
        report("search", 0.0)
        front = search_forms(
            points,
            engine=_engines(words(engine) or ["native"], around, resume, allow_julia_install),
            seconds=seconds,
            seed=session.seed,
            seeds=_seeds(seeds, no_seeds),
            objective=parse_objective(objective) if objective else None,
            train=train,
            variables=words(variables) or None,
            generations=generations,
            max_constants=max_constants,
            max_complexity=max_complexity or MAX_COMPLEXITY,
            operators=words(operators) or OPERATORS,
            progress=lambda p: report("search", searched(p, seconds, generations), f"{p.tried} forms, best {p.best}"),
        )
    session.say(front_table(front))
    session.say(front_summary(front))
    session.emit(front.to_dict())
    write_report(session, [front])
    if save is not None:
        _save(session, front, save)
    return 0 if front.best is not None else 1


def _engines(names: list[str], around: str | None, resume: str | None, install: bool) -> "list[str | SearchEngine]":
    """The engines, PySR with its own options. Raises `InputError` for such an option without PySR."""
    if around is None and resume is None and not install:
        return list(names)
    if "pysr" not in names:
        raise InputError("--around, --resume and --allow-julia-install are for PySR: add --engine pysr")
    from formsearch.search.pysr.engine import PySR

    own = PySR(around=around, resume=resume)
    own.allow_install = install or own.allow_install
    if missing := own.available():
        raise EngineMissingError(f"engine pysr: {missing}")
    own.install()  # before the clock of the search starts
    return [own if name == "pysr" else name for name in names]


def front_table(front: "Front", rows: int | None = None) -> "Table":
    """Candidates by complexity; with `rows`, the accepted ones first and so many at most."""
    shown = list(front.candidates)
    if rows is not None:
        shown = sorted(shown, key=lambda c: (not c.accepted, c.error))[:rows]
    return table(
        ("form", "complexity", "error", "accepted", "formula"),
        [(c.law.name, c.complexity, number(c.error), "yes" if c.accepted else "no", c.law.formula) for c in shown],
        title="Front of the search (error: extrapolation to the largest runs, inside the training rows)",
        right=("complexity", "error"),
    )


def front_summary(front: "Front") -> str:
    """The best form and its verdict in a few lines."""
    lines = [f"{front.tried} forms tried in {front.seconds:.0f} s; {front.status}"]
    if front.points.get("simulated"):
        lines.append(f"SIMULATED target: {front.points['simulated']}")
    if front.reference is not None:
        lines.append(f"best registered law on the same hold-outs: {front.reference[0]}, error {front.reference[1]:.4g}")
    if front.best is None:
        lines.append("no form was accepted")
        lines += [f"{c.law.name}: {c.acceptance.sentence}" for c in front.candidates[-3:]]
    else:
        best = front.best
        lines.append(f"best accepted form: {best.law.name} = {best.law.formula}, error {best.error:.4g}")
        lines += _constant_lines(best)
    lines += [f"note: {n}" for n in front.notes]
    lines += [f"of equal seeds {engine} promises: {told}" for engine, told in front.engines.items()]
    return "\n".join(lines)


def _constant_lines(best: "Candidate") -> list[str]:
    """The constants found; of grouped points what all groups share, then a line a group."""
    if not best.group_constants:
        return ["with " + ", ".join(f"{k} = {v:.6g}" for k, v in best.constants.items())]
    lines = []
    if best.shared:
        lines.append("in all groups " + ", ".join(f"{k} = {best.constants[k]:.6g}" for k in best.shared))
    for group, constants in best.group_constants.items():
        own = [f"{k} = {v:.6g}" for k, v in constants.items() if k not in best.shared]
        lines.append(f"in {group} " + (", ".join(own) or "no constants of its own"))
    return lines


def _seeds(given: list[str] | None, blind: bool) -> "str | list[str] | None":
    names = words(given)
    if blind and names not in ([], ["none"]):
        raise InputError(f"--seeds {','.join(names)} and --no-seeds exclude each other: leave one out")
    if blind or names == ["none"]:
        return None
    if "none" in names:
        raise InputError(f"--seeds {','.join(names)}: `none` stands alone; name laws, or leave them out")
    return "registry" if names in ([], ["registry"]) else names


def _save(session: Session, front: "Front", name: str) -> None:
    from formsearch.search.front import save

    if front.best is None:
        session.say(f"nothing was accepted: {name}.py is not written")
        return
    session.say(f"written: {save(front.best, name, front.points)}")
