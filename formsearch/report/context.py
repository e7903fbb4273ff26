"""From a results document to a `Report`: the parts in reading order, the answer on top.

Each module of `formsearch.report.parts` writes one section from the records it needs; `Builder` is what they share.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from formsearch.report.blocks import Cell, Column, Equation, Figure, Formula, Report, Section, Table
from formsearch.report.schema import Document, parse
from formsearch.report.schema.points import LawRecord, PointsRecord
from formsearch.report.text import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure as Drawing

UNITS = {"loss": "nats/token", "score": "", "error": "fraction"}


@dataclass
class Builder:
    """Counters, names and looks-up that the sections share."""

    document: Document
    equations: int = 0
    names: dict[str, int] = field(default_factory=dict)

    # -- what is known -------------------------------------------------------------------------------------------

    def law(self, name: str, formula: str = "") -> LawRecord:
        """The record of a law; a bare one if the document does not describe it."""
        known = self.document.laws.get(name)
        return known if known is not None else LawRecord(name=name, formula=formula)

    def points(self, reference: PointsRecord | None) -> PointsRecord | None:
        """The fullest record of these points (with their table, if any has it)."""
        if reference is None:
            return self.document.points[0] if self.document.points else None
        for record in self.document.points:
            if record.hash == reference.hash:
                return record
        return reference

    @property
    def simulated(self) -> str:
        """How the targets were simulated, if any of the points were; empty if all were measured."""
        records: list[PointsRecord] = [*self.document.points, *(b.points for b in self.document.leaderboards)]
        said = [r.simulated for r in records if r.simulated]
        said += [d.simulated for d in self.document.derivations if d.simulated]
        return said[0] if said else ""

    def target_unit(self, points: PointsRecord | None) -> str:
        """Unit of the target, for axes."""
        if points is None:
            return ""
        return UNITS.get(points.target_quantity, "") or points.target

    # -- blocks --------------------------------------------------------------------------------------------------

    def say(self, text: str) -> str:
        """A sentence of another room, with a capital unless it begins with the name of a law or of a constant."""
        told = sentence(text)
        first = told.split(" ", 1)[0].rstrip(",.:;")
        plain = len(first) > 1 and first.isascii() and first.isalpha() and first.islower()
        return told[:1].upper() + told[1:] if plain and first not in self._called else told

    @cached_property
    def _called(self) -> set[str]:
        d = self.document
        scores = {s.label for board in d.leaderboards for s in board.scores}
        constants = {c for fit in d.fits for c in fit.constants}
        return {*d.laws, *scores, *constants, *(c.name for front in d.fronts for c in front.candidates)}

    def unique(self, name: str) -> str:
        """A file name not yet used for a table or figure; names from data keep letters, digits and . _ - only."""
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip(".-")[:60] or "part"
        self.names[name] = self.names.get(name, 0) + 1
        return name if self.names[name] == 1 else f"{name}-{self.names[name]}"

    def told(self, caption: str, simulated: str | None) -> str:
        """A caption that says so where the losses were simulated."""
        return f"{caption.rstrip('.')} (simulated losses)." if simulated else f"{caption.rstrip('.')}."

    def table(
        self, name: str, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]],
        simulated: str | None = None, note: str = "", strong: int | None = None,
    ) -> Table:  # fmt: skip
        """A table with a name of its own and a caption that tells simulation."""
        return Table(
            self.unique(name),
            self.told(caption, simulated),
            tuple(columns),
            tuple(tuple(r) for r in rows),
            note,
            strong,
        )

    def figure(
        self, name: str, caption: str, alt: str, draw: Callable[[], Drawing], data: Mapping[str, Any],
        simulated: str | None = None,
    ) -> Figure:  # fmt: skip
        """A panel with a name of its own, a caption and an alternative text that tell simulation."""
        return Figure(self.unique(name), self.told(caption, simulated), self.told(alt, simulated), draw, data)

    def equation(self, formula: Formula) -> Equation:
        """A displayed formula with the next number."""
        self.equations += 1
        return Equation(formula, self.equations)

    def formula_of(self, law: str, formula: str, constants: Mapping[str, float] | None = None) -> Formula:
        """L = ... of a law, with numbers in place of its constants if they are given."""
        from formsearch.typesetting import maths

        record = self.law(law, formula)
        left = {"loss": "L", "efficiency_leverage": "EL", "error": "err"}.get(record.target, "y")
        return maths.formula(
            formula, left=left, order=formula, variables=[v.symbol for v in record.variables], constants=constants
        )


def build(results: Mapping[str, Any], origin: str = "results") -> Report:
    """The report of a results document, or of several runs. Raises `InputError` if it is not one."""
    from formsearch.report.parts import answer

    b = Builder(parse(results, origin))
    if b.document.runs:
        return _compared(b, results, origin)
    lines, headline = answer.answer(b)
    sections = _sections(b)
    title = b.document.title or answer.title(b)
    return Report(
        title=f"{title} (simulated losses)" if b.simulated and "simulated" not in title.lower() else title,
        subtitle=answer.subtitle(b),
        simulated=b.simulated,
        answer=lines,
        headline=headline,
        sections=tuple(sections),
        results=results,
    )


def _sections(b: Builder) -> list[Section]:
    """The sections of one run, in reading order."""
    from formsearch.report.parts import advice, derivations, fits, leaderboard, points, provenance, search

    return [
        *points.sections(b),
        *leaderboard.sections(b),
        *search.sections(b),
        *derivations.sections(b),
        *fits.sections(b),
        *advice.sections(b),
        provenance.section(b),
    ]


def _compared(b: Builder, results: Mapping[str, Any], origin: str) -> Report:
    """Several runs: what they have in common side by side, then the sections of each."""
    from formsearch.report.parts import answer, comparison

    # One dictionary of names for all, so that no two tables or figures of the report share a file.
    runs = [(r.label, Builder(parse(r.results, f"{origin}: {r.label}"), names=b.names)) for r in b.document.runs]
    sections = comparison.sections(b, runs)
    told: set[str] = set()
    for i, (label, run) in enumerate(runs, 1):
        run.equations = b.equations
        for section in _sections(run):
            hashes = {p.hash for p in run.document.points}
            if section.anchor == "points" and hashes <= told:
                continue
            sections.append(Section(f"run-{i}-{section.anchor}", f"{label}: {section.title}", section.blocks))
        told |= {p.hash for p in run.document.points}
        b.equations = run.equations
    title = b.document.title or comparison.title(runs)
    simulated = [run.simulated for _, run in runs]
    every = simulated[0] if all(simulated) else ""
    return Report(
        title=f"{title} (simulated losses)" if every and "simulated" not in title.lower() else title,
        subtitle=answer.subtitle(b),
        simulated=every,
        answer=comparison.answer(runs),
        headline=None,
        sections=tuple(sections),
        results=results,
    )
