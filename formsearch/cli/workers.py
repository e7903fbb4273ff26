"""`--backend`, `--workers` and `--scheduler`: who does the work."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from formsearch.parallel import Workers

_PANEL = "Workers"

Backend = Annotated[
    str | None,
    typer.Option(
        help="Who does fits and resamples: serial (this process), loky (processes of this machine), dask or ray. "
        "(default: loky with --workers 2 and more, dask with --scheduler, else serial)",
        metavar="NAME",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
Count = Annotated[
    int | None,
    typer.Option(
        help="How many workers. (default: as many as there are processors)",
        min=1,
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Address of a running cluster, e.g. tcp://host:8786 of dask.", metavar="ADDRESS", rich_help_panel=_PANEL
    ),
]


def chosen_workers(backend: str | None, count: int | None, scheduler: str | None) -> "Workers":
    """The workers that the options name. Raises `InputError` for a combination that means nothing."""
    from formsearch.parallel import Workers

    if backend is None:
        backend = "dask" if scheduler is not None else "loky" if (count or 1) > 1 else "serial"
    name: Any = backend
    return Workers(name, count, scheduler)
