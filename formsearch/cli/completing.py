"""What the shell offers at Tab: names of laws, data sets and engines, and files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def laws(incomplete: str) -> list[str]:
    """Names of laws; joined by commas where several may stand."""
    from formsearch.registry import laws as registry

    return _last_of_list(incomplete, [*registry, "all"])


def data(incomplete: str) -> list[str]:
    """Names of data sets, and files and folders of the working directory."""
    from formsearch.data.cards import cards

    return [n for n in cards() if n.startswith(incomplete)] + files(incomplete)


def law_or_file(incomplete: str) -> list[str]:
    """A law's name, or a Python file that states one."""
    return laws(incomplete) + files(incomplete, (".py",))


def engines(incomplete: str) -> list[str]:
    """Names of search engines."""
    from formsearch.search.engine import engine_names

    return _last_of_list(incomplete, engine_names())


def files(incomplete: str, suffixes: tuple[str, ...] = ()) -> list[str]:
    """Files whose paths begin so (folders end in a slash); of these suffixes, if any are named."""
    folder, _, begin = incomplete.rpartition("/")
    base = Path(folder or ("/" if incomplete.startswith("/") else "."))
    if not base.is_dir():
        return []
    head = incomplete[: len(incomplete) - len(begin)]
    found = [p for p in sorted(base.iterdir()) if p.name.startswith(begin) and (begin or not p.name.startswith("."))]
    return [
        f"{head}{p.name}{'/' if p.is_dir() else ''}"
        for p in found
        if p.is_dir() or not suffixes or p.suffix in suffixes
    ]


def _last_of_list(incomplete: str, names: Iterable[str]) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{n}" for n in names if n.startswith(last)]
