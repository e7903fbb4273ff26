"""`formsearch verify FILE`: which printed equations and numbers of a paper follow from its law."""

import shutil
from dataclasses import replace
from typing import Annotated

import typer

from formsearch.cli.terminal import progress
from formsearch.cli.verb import Session, verb
from formsearch.exceptions import InputError


@verb(
    "formsearch verify zhao2025",
    "formsearch verify chinchilla --only 'tokens per parameter'",
    "formsearch verify claims.toml --strict --out verdicts.json",
    out="Write the verdicts to this file (*.json or *.md).",
    files=(".md",),
)
def verify(
    session: Session,
    claims: Annotated[
        str | None,
        typer.Argument(
            help="A TOML file of claims, or the name of a shipped one. Without it: the shipped ones.", metavar="CLAIMS"
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Judge only the claims whose id contains this text (repeat for several).", metavar="TEXT"),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 unless every claim that was judged holds as printed.")
    ] = False,
    seconds: Annotated[float, typer.Option(help="Time limit of each symbolic step.", min=0.1)] = 4.0,
) -> int:
    """Judge printed claims against the law: holds, holds only if, or fails with the corrected form.

    Exit code 0 if every claim could be judged, whatever the verdict (a slip that was found is an answer); 1 if one is
    undecided, and with --strict also if one does not hold as printed.
    """
    from formsearch.derive.claims import read_claims
    from formsearch.derive.verify import verify as judge

    if claims is None:
        return _listed(session)
    read = read_claims(claims)
    if only:
        kept = tuple(c for c in read.claims if any(text.lower() in c.id.lower() for text in only))
        if not kept:
            raise InputError(f"no claim of {claims} has {' or '.join(map(repr, only))} in its id; "
                             f"there are: {', '.join(c.id for c in read.claims)}")  # fmt: skip
        read = replace(read, claims=kept)
    done = 0
    with progress(session.quiet) as report:

        def at(claim: object) -> None:
            nonlocal done
            report("claims", done / len(read.claims), getattr(claim, "id", ""))
            done += 1

        found = judge(read, progress=at, seconds=seconds)
    session.say(found.text(width=min(shutil.get_terminal_size((110, 24)).columns, 110)), preformatted=True)
    session.emit(found.to_dict())
    session.write({".md": found.markdown})
    wanted = {"holds"} if strict else {"holds", "holds only if", "fails"}
    return 0 if {v.verdict for v in found.verdicts} <= wanted else 1


def _listed(session: Session) -> int:
    """The shipped files of claims."""
    from formsearch.cli.terminal import table
    from formsearch.derive.claims import read_claims, shipped

    files = {name: read_claims(path) for name, path in shipped().items()}
    rows = [(name, len(c.claims), c.title) for name, c in files.items()]
    session.say(table(("name", "claims", "paper"), rows, right=("claims",)))
    session.emit({"claims": [{"name": n, "claims": k, "title": t} for n, k, t in rows]})
    return 0
