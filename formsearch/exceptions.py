"""Everything formsearch raises on purpose.

    FormsearchError                 the root: catch this one
    ├── InputError                  the caller's data or request is wrong (exit code 2)
    │   ├── PointsError             a table cannot become points: row, column, value, remedy
    │   ├── ConfigError             a formsearch.toml has problems; all of them are told together
    │   ├── FormulaError            a formula string is refused
    │   ├── UnknownNameError        no such law, quantity, column, engine or data set
    │   └── NotApplicableError      these points cannot feed this law
    ├── FitError                    a fit could not produce any finite result
    ├── DerivationError             no optimum with the stated assumptions
    ├── FetchError                  a download failed or is not the file that was pinned
    ├── StoreError                  a store of finished work cannot be read or written (exit code 2)
    ├── WorkersLostError            workers died again and again
    └── EngineMissingError          an optional engine or package is not installed (exit code 3)

Messages are one line, carry the numbers, and end with what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LISTED = 80
"""Known names that a message lists, at most."""


class FormsearchError(Exception):
    """Root of all errors raised on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class InputError(FormsearchError):
    """The caller's data or request is wrong."""

    exit_code = 2


class PointsError(InputError):
    """A table cannot become points; the message names row, column, value and remedy."""


class ConfigError(InputError):
    """A configuration file has `problems`, each a line with key, value and remedy."""

    def __init__(self, file: str, problems: Iterable[str]) -> None:
        self.problems = tuple(f"{file}: {p}" for p in problems)
        super().__init__("; ".join(self.problems))


class FormulaError(InputError):
    """A formula string is refused; the message shows the offending part."""


class NotApplicableError(InputError):
    """The points lack a quantity (or the rows) that a law needs."""


class UnknownNameError(InputError, KeyError):
    """A name that is in no registry; the message suggests the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], remedy: str = "") -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        listed = ", ".join(known[:LISTED]) + (f" and {len(known) - LISTED} more" if len(known) > LISTED else "")
        hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else f"known: {listed}"
        self.text = f"unknown {kind} {name!r}: {hint}" + (f"; {remedy}" if remedy else "")
        super().__init__(self.text)

    def __str__(self) -> str:  # KeyError would print the repr
        return self.text


class FitError(FormsearchError):
    """A fit could not produce any finite result."""


class DerivationError(FormsearchError):
    """No admissible optimum exists under the stated assumptions."""


class FetchError(FormsearchError):
    """A download failed, or what came is not the pinned file; nothing of it is kept."""


class StoreError(FormsearchError):
    """A store of finished work cannot be opened, read or written; the message says why and what to do."""

    exit_code = 2


class WorkersLostError(FormsearchError):
    """Workers died again and again; what they had finished is kept."""


class EngineMissingError(FormsearchError):
    """An optional engine or package is not installed; the message carries the command that installs it."""

    exit_code = 3
