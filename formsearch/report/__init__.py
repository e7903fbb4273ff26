"""Results as a report: one HTML file, Markdown, LaTeX, `results.json`, every table and every figure's data as CSV.

    formsearch.report([board, front, derivation], "out")

results -> `collect` -> results.json -> `context` -> blocks -> html, markdown, latex
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from formsearch.report.writing import Progress

__all__ = ["compare_runs", "load_results", "report", "rerender"]


def report(
    items: Iterable[object] | object, out: str | Path, title: str = "", command: str = "", seed: int | None = None,
    seconds: float | None = None, progress: Progress | None = None,
) -> list[Path]:  # fmt: skip
    """Write the report of `items` into the folder `out`; returns the files written, report.html first.

    Parameters
    ----------
    items : leaderboards, fronts, derivations, fits, points, or what their `to_dict()` gave; a single one, too.
    out : folder, made if missing. Files of an earlier report in it are replaced.
    title : of the report; by default it names the points.
    command, seed, seconds : for the section on provenance, where they are known.
    progress : called with the stage, the share of it that is done and a remark, as the work goes on.

    Raises `InputError` for items that cannot be reported, and for a folder that cannot be written.
    """
    from formsearch.report.collect import document
    from formsearch.report.writing import write

    single = hasattr(items, "to_dict") or not isinstance(items, Iterable) or isinstance(items, dict)
    if progress is not None:
        progress("collecting results")
    collected = document([items] if single else items, title, command, seed, seconds)  # type: ignore[arg-type]
    return write(collected, out, progress=progress)


def rerender(run: str | Path, out: str | Path | None = None, progress: Progress | None = None) -> list[Path]:
    """Make the report of a finished run again, from its `results.json` alone.

    run : the folder of a run, or a results file. out : where to write; by default the run's own folder.

    Raises `InputError` if there is no such file, or if it is not a results document.
    """
    from formsearch.report.schema import load_results
    from formsearch.report.writing import write

    run = Path(run)
    folder = run if run.is_dir() else run.parent
    return write(load_results(run), folder if out is None else out, origin=str(run), progress=progress)


def compare_runs(
    runs: Sequence[str | Path], out: str | Path, title: str = "", command: str = "", labels: Sequence[str] = (),
    progress: Progress | None = None,
) -> list[Path]:  # fmt: skip
    """Write one report of several finished runs, side by side; returns the files written, report.html first.

    runs : folders of runs, or results files, two at least. labels : what to call them; by default the shortest ends of
    their paths that differ. The results document of the comparison holds those of the runs: `rerender` reads it.

    Raises `InputError` as `rerender` does, and for fewer than two runs, or a run named twice.
    """
    from formsearch.exceptions import InputError
    from formsearch.report.collect import provenance
    from formsearch.report.schema import SCHEMA_VERSION, load_results, parse
    from formsearch.report.writing import write

    paths = [Path(run) for run in runs]
    if len(paths) < 2:
        raise InputError("a comparison needs two runs at least: name their folders")
    documents = [load_results(path) for path in paths]
    for path, document in zip(paths, documents, strict=True):
        if parse(document, str(path)).runs:
            raise InputError(f"{path} is a comparison itself: name the runs that it compares")
    called = list(labels) or _short_names(paths)
    if len(set(called)) < len(paths):
        raise InputError(f"{' and '.join(map(str, paths))}: name each run once")
    document = {
        "schema_version": SCHEMA_VERSION,
        "title": title,
        "provenance": provenance(command),
        "runs": [{"label": name, "results": d} for name, d in zip(called, documents, strict=True)],
    }
    return write(document, out, progress=progress)


def _short_names(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that differ."""
    folders = [path.resolve() if path.is_dir() else path.resolve().parent for path in paths]
    for count in range(1, max(len(f.parts) for f in folders) + 1):
        names = ["/".join(f.parts[-count:]) for f in folders]
        if len(set(names)) == len(names):
            return names
    return [str(f) for f in folders]


def load_results(path: str | Path) -> dict[str, object]:
    """The results document in a file, or in the `results.json` of a folder. Raises `InputError` where there is none."""
    from formsearch.report.schema import load_results as load

    return load(path)
