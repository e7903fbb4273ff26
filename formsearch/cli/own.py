"""Laws on the command line: names of the registry, files, formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from formsearch.exceptions import InputError

if TYPE_CHECKING:
    from formsearch.cli.verb import Session
    from formsearch.law import Law
    from formsearch.points import Points

LawFiles = Annotated[
    list[str] | None,
    typer.Option("--law", help="A law of your own beside them: a Python file with LAW = Law(...), read, never run.",
                 metavar="FILE"),
]  # fmt: skip
Formulas = Annotated[
    list[str] | None,
    typer.Option("--formula", help="A law of your own by its formula, e.g. 'E + A/N**a + B/D**b'; repeatable.",
                 metavar="FORMULA"),
]  # fmt: skip
Formula = Annotated[
    str | None, typer.Option(help="In place of a law: a formula of your own, e.g. 'E + A/N**a + B/D**b'.")
]


def law_called(name: str) -> Law:
    """The law of that name, or the one that a file `NAME.py` states. Raises `InputError` for a formula."""
    from formsearch.lawfile import read_law
    from formsearch.registry import laws

    if name.endswith(".py"):
        return read_law(name)
    if name not in laws and not name.isidentifier() and any(sign in name for sign in "+*/^("):
        raise InputError(f"{name!r} is a formula, not the name of a law: give it as --formula {name!r}")
    return laws[name]


def one_law(name: str | None, formula: str | None, option: str, points: Points | None = None) -> Law:
    """The law that `option` names, or that `--formula` states. Raises `InputError` for both, and for neither."""
    from formsearch.lawfile import formula_law

    if name is not None and formula is not None:
        raise InputError(f"{option} {name} and --formula exclude each other: give one law")
    if name is not None:
        return law_called(name)
    if formula is not None:
        return formula_law(formula, points=points)
    raise InputError(f"which law? give {option}, a name from `formsearch laws` or a file, or --formula")


def own_laws(files: Sequence[str] | None, formulas: Sequence[str] | None, points: Points) -> list[str | Law]:
    """The laws that `--law` and `--formula` give."""
    from formsearch.lawfile import formula_law

    formulas = list(formulas or ())
    return [
        *(law_called(f) for f in files or ()),
        *(formula_law(text, "formula" if len(formulas) == 1 else f"formula_{i}", points)
          for i, text in enumerate(formulas, start=1)),
    ]  # fmt: skip


def chosen_laws(
    names: Sequence[str], files: Sequence[str] | None, formulas: Sequence[str] | None, points: Points
) -> list[str | Law]:
    """Laws to compare: one's own, and those named beside them, "all" where none is."""
    named: list[str | Law] = [law_called(n) if n != "all" else n for n in names or ("all",)]
    return [*own_laws(files, formulas, points), *named]


def tell_own(session: Session, laws: Sequence[str | Law]) -> None:
    """Say what the names in laws that are not of the registry were taken for."""
    from formsearch.lawfile import binding
    from formsearch.registry import laws as registry

    for law in laws:
        if not isinstance(law, str) and registry.get(law.name) is not law:
            session.say(binding(law))
