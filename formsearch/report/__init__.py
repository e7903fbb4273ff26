"""Results as a report: one HTML file, Markdown, LaTeX, `results.json`, every table and every figure's data as CSV.

    formsearch.report([board, front, derivation], "out")

results -> `collect` -> results.json -> `context` -> blocks -> html, markdown, latex
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

__all__ = ["load_results", "report", "rerender"]


def report(
    items: Iterable[object] | object, out: str | Path, title: str = "", command: str = "", seed: int | None = None,
    seconds: float | None = None,
) -> list[Path]:  # fmt: skip
    """Write the report of `items` into the folder `out`; returns the files written, report.html first.

    Parameters
    ----------
    items : leaderboards, fronts, derivations, fits, points, or what their `to_dict()` gave; a single one, too.
    out : folder, made if missing. Files of an earlier report in it are replaced.
    title : of the report; by default it names the points.
    command, seed, seconds : for the section on provenance, where they are known.

    Raises `InputError` for items that cannot be reported, and for a folder that cannot be written.
    """
    from formsearch.report.collect import document
    from formsearch.report.writing import write

    single = hasattr(items, "to_dict") or not isinstance(items, Iterable) or isinstance(items, dict)
    return write(document([items] if single else items, title, command, seed, seconds), out)  # type: ignore[arg-type]


def rerender(run: str | Path, out: str | Path | None = None) -> list[Path]:
    """Make the report of a finished run again, from its `results.json` alone.

    run : the folder of a run, or a results file. out : where to write; by default the run's own folder.

    Raises `InputError` if there is no such file, or if it is not a results document.
    """
    from formsearch.report.schema import load_results
    from formsearch.report.writing import write

    run = Path(run)
    folder = run if run.is_dir() else run.parent
    return write(load_results(run), folder if out is None else out, origin=str(run))


def load_results(path: str | Path) -> dict[str, object]:
    """The results document in a file, or in the `results.json` of a folder. Raises `InputError` where there is none."""
    from formsearch.report.schema import load_results as load

    return load(path)
