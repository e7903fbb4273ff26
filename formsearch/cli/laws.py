"""`formsearch laws [NAME]`: the registry, or the page of one law."""

import shutil
from typing import Annotated

import typer

from formsearch.cli import completing
from formsearch.cli.own import law_called
from formsearch.cli.verb import Session, verb

WIDEST = 120


@verb(
    "formsearch laws",
    "formsearch laws chinchilla",
    "formsearch laws mylaw.py --out mylaw.md",
    out="Write it to this file, as Markdown (*.md) or JSON (*.json).",
    files=(".md",),
)
def laws(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(
            help="Show this law (a name, or a file of yours); without it all are listed.",
            metavar="NAME",
            autocompletion=completing.law_or_file,
        ),
    ] = None,
) -> None:
    """List the candidate laws, or show one: formula, constants, published fits, limits, caveats, conflicts."""
    from formsearch import lawpage
    from formsearch.registry import laws as registry

    width = min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
    if name is None:
        every = list(registry.values())
        session.say(lawpage.list_text(every, width), preformatted=True)
        session.emit({"laws": lawpage.law_list(every)})
        session.write({".md": lambda: lawpage.list_markdown(every)})
        return
    law = law_called(name)
    session.say(lawpage.page_text(law, width), preformatted=True)
    session.emit(lawpage.law_page(law))
    session.write({".md": lambda: lawpage.page_markdown(law)})
