"""Options that verbs share, as parameter name -> (annotation, default): of every verb, and of those that read DATA."""

from pathlib import Path
from typing import Annotated, Any

import typer

from formsearch.cli import completing

EVERY_VERB = "Every verb"
READING = "Data"
"""Headings under which `--help` lists them."""

SESSION: dict[str, tuple[Any, Any]] = {
    "json": (
        Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=EVERY_VERB)],
        False,
    ),
    "seed": (
        Annotated[int, typer.Option(help="Seed of everything random.", min=0, rich_help_panel=EVERY_VERB)],
        0,
    ),
    "out": (Annotated[Path | None, typer.Option(help="", metavar="PATH", rich_help_panel=EVERY_VERB)], None),
    "quiet": (
        Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.", rich_help_panel=EVERY_VERB)],
        False,
    ),
    "debug": (
        Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.", rich_help_panel=EVERY_VERB)],
        False,
    ),
}

SOURCE: dict[str, tuple[Any, Any]] = {
    "columns": (
        Annotated[
            list[str] | None,
            typer.Option(
                help="Which column is which quantity; repeat or join by commas.",
                metavar="QUANTITY=COLUMN",
                rich_help_panel=READING,
            ),
        ],
        None,
    ),
    "target": (
        Annotated[
            list[str] | None,
            typer.Option(
                help="Column of observed losses; several become groups.", metavar="COLUMN", rich_help_panel=READING
            ),
        ],
        None,
    ),
    "where": (
        Annotated[
            str | None,
            typer.Option(
                help='Keep the rows that meet it, e.g. "is_outlier == 0".', metavar="CONDITION", rich_help_panel=READING
            ),
        ],
        None,
    ),
    "scale": (
        Annotated[
            list[str] | None,
            typer.Option(
                help="Factor to base units, e.g. D=1e9 for billions of tokens.",
                metavar="QUANTITY=FACTOR",
                rich_help_panel=READING,
            ),
        ],
        None,
    ),
    "group": (
        Annotated[
            list[str] | None,
            typer.Option(
                help="Column of group labels; constants may differ by group.", metavar="COLUMN", rich_help_panel=READING
            ),
        ],
        None,
    ),
    "last_by": (
        Annotated[
            list[str] | None,
            typer.Option(
                help="Column that names the run: the last step of each run is kept.",
                metavar="COLUMN",
                rich_help_panel=READING,
            ),
        ],
        None,
    ),
    "duplicates": (
        Annotated[
            str | None,
            typer.Option(
                help="Rows of equal factors: keep all, take their mean, or the least loss. (default: keep)",
                metavar="keep|mean|min",
                rich_help_panel=READING,
            ),
        ],
        None,
    ),
    "weight": (
        Annotated[str | None, typer.Option(help="Column of weights.", metavar="COLUMN", rich_help_panel=READING)],
        None,
    ),
    "split_column": (
        Annotated[
            str | None,
            typer.Option(
                help="Column that labels training and judging rows.", metavar="COLUMN", rich_help_panel=READING
            ),
        ],
        None,
    ),
}

CONFIG: dict[str, tuple[Any, Any]] = {
    "config": (
        Annotated[
            Path | None,
            typer.Option(
                help="Options from this file, which `formsearch init` writes. (default: formsearch.toml here, "
                "if it describes DATA)",
                metavar="FILE",
                rich_help_panel=READING,
            ),
        ],
        None,
    ),
}

DATA = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A table (CSV, TSV, JSON lines, Parquet, Excel), or a name from `formsearch data`. "
        "(default: what formsearch.toml names)",
        show_default=False,
        autocompletion=completing.data,
    ),
]
