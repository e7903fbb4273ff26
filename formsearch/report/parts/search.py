"""The search: what was found, what it costs in complexity, which checks it passed, how the best was reached."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from formsearch.report import plots
from formsearch.report.blocks import (
    Block,
    Bullets,
    Cell,
    Check,
    Checks,
    Column,
    Details,
    Figures,
    Formula,
    Heading,
    Paragraph,
    Section,
    Value,
)
from formsearch.report.context import Builder
from formsearch.report.schema.search import CandidateRecord, FrontRecord, MoveRecord
from formsearch.report.text import sentence
from formsearch.typesetting import maths
from formsearch.typesetting.numbers import MISSING, listed, number, plural

Array = NDArray[np.float64]

CELL = 44
"""Characters of a line of a formula in a table cell."""

LONGEST = 90
"""Characters up to which a form is printed with numbers in it as well; the numbers of a longer one stand in a line."""

LEFT = "made simpler, at no loss that these rows can tell"
"""The move from the last step of a ladder to the form that is proposed."""


def sections(b: Builder) -> list[Section]:
    """One section a front."""
    return [
        Section("search" if i == 0 else f"search-{i + 1}", "The search for a new form", tuple(_blocks(b, f)))
        for i, f in enumerate(b.document.fronts)
    ]


def best_of(front: FrontRecord) -> CandidateRecord | None:
    """The accepted candidate that was put first."""
    return next((c for c in front.candidates if c.name == front.best), None) if front.best else None


def candidate_formula(b: Builder, c: CandidateRecord, numbers: bool = False) -> Formula:
    """L = ... of a candidate, with its constants as symbols or as numbers."""
    left = {"loss": "L"}.get(b.law(c.name).target, "y")
    return maths.formula(c.formula, left, c.formula, list(c.variables), c.constants if numbers else None)


def unit(b: Builder, front: FrontRecord) -> str:
    """Unit of a candidate's error: that of the target, or none on a logarithmic objective."""
    return "logarithm of the loss" if "log" in front.objective.lower() else b.target_unit(front.points)


def _blocks(b: Builder, front: FrontRecord) -> list[Block]:
    simulated = front.points.simulated if front.points else b.simulated
    blocks: list[Block] = [Paragraph(_opening(front))]
    if front.status:
        blocks.append(Paragraph(sentence(f"How it ended: {front.status}")))
    best = best_of(front)
    if best is None:
        text = "No candidate passed every check, so none is proposed as a law."
        if front.candidates and not any(examined(c) for c in front.candidates):
            text = (
                "The time was over before any candidate could be examined, so none is proposed as a law: search longer."
            )
        blocks.append(Paragraph(text, "warning"))
    if front.candidates:
        blocks += [_pictures(b, front, simulated), _table(b, front, simulated)]
    if best is not None:
        blocks += _best(b, front, best, simulated)
    refused = [c for c in front.candidates if _verdict(c) == "refused" and c.checks]
    if refused:
        inner: list[Block] = []
        for c in refused:
            failed = [x for x in c.checks if not x.passed]
            passed = Check("", True, f"{plural(len(c.checks) - len(failed), 'other check')} passed.")
            inner += [Heading(c.name), b.equation(candidate_formula(b, c)), Checks((*map(_check, failed), passed))]
        blocks.append(
            Details(f"{plural(len(refused), 'refused candidate')}, with the checks they failed", tuple(inner))
        )
    if front.notes:
        blocks.append(Bullets(tuple(b.say(n) for n in front.notes)))
    return blocks


def _opening(front: FrontRecord) -> str:
    engines = listed(list(front.engines)) or "native"
    text = f"Engine {engines}"
    if front.points:
        text += f" on {front.points.rows:,} points ({front.points.hash})"
    if front.seconds is not None:
        text += f", {number(front.seconds, 3)} s"
    if front.tried is not None:
        text += f", {front.tried:,} forms tried"
    if front.fits is not None:
        text += f", {front.fits:,} fits"
    text += f", seed {front.seed}."
    for engine, told in front.engines.items():
        text += f" Of equal seeds {engine} promises: {told}."
    if front.holds_out:
        rows = sentence(listed(front.holds_out))
        text += f" Candidates are judged by their error on rows they were not fitted to: {rows}"
    if front.reference is not None and front.reference.error is not None:
        text += (
            f" The registered law that extrapolates best on these rows is {front.reference.law}, "
            f"error {number(front.reference.error, 3)}."
        )
    return text


def _numbers(values: list[float | None]) -> Array:
    return np.asarray([np.nan if v is None else v for v in values], dtype=float)


def _pictures(b: Builder, front: FrontRecord, simulated: str | None) -> Block:
    found = front.candidates
    complexity = np.asarray([c.complexity for c in found], dtype=float)
    train, error = _numbers([c.train_error for c in found]), _numbers([c.error for c in found])
    accepted = np.asarray([c.accepted for c in found])
    rest = "refused" if any(_verdict(c) == "refused" for c in found) else "not examined"
    best = next((i for i, c in enumerate(found) if c.name == front.best), None) if front.best else None
    reference = front.reference.error if front.reference else None
    what = unit(b, front)
    panels = [
        b.figure(
            "search-front",
            "Error on held-out rows against complexity; dashed: error on the fitted rows"
            + (f"; line: {front.reference.law}" if front.reference else ""),
            f"Front of {plural(len(found), 'candidate')}: error falls from {number(float(np.nanmax(error)), 3)} to "
            f"{number(float(np.nanmin(error)), 3)} as complexity grows from {complexity.min():.0f} to "
            f"{complexity.max():.0f}",
            lambda: plots.front(complexity, train, error, accepted, best, what, reference, rest),
            {"candidate": [c.name for c in found], "complexity": [c.complexity for c in found], "train_error": train,
             "error": error, "accepted": accepted, "formula": [c.formula for c in found]},
            simulated,
        )
    ]  # fmt: skip
    ladder = [s for s in _ladder(front, found[best]) if s.error is not None] if best is not None else []
    if len(ladder) > 1:
        steps = _numbers([s.error for s in ladder])
        panels.append(
            b.figure(
                "search-ladder",
                "How the best form was reached: held-out error at each step of its ladder",
                f"Held-out error falls from {number(steps[0], 3)} to {number(steps[-1], 3)} in {len(steps)} steps",
                lambda: plots.ladder(steps, what),
                {"step": list(range(1, len(steps) + 1)), "error": steps, "formula": [s.formula for s in ladder]},
                simulated,
            )
        )
    return Figures(tuple(panels))


def examined(c: CandidateRecord) -> bool:
    """Whether the time sufficed to put a candidate to the checks."""
    return c.accepted or not c.verdict.startswith("not examined")


def _verdict(c: CandidateRecord) -> str:
    return "accepted" if c.accepted else "refused" if examined(c) else "not examined"


def _table(b: Builder, front: FrontRecord, simulated: str | None) -> Block:
    columns = [Column("Candidate"), Column("Complexity", True), Column("Held-out error", True),
               Column("Fitted error", True), Column("Verdict"), Column("Form")]  # fmt: skip
    rows: list[list[Cell]] = [
        [
            c.name,
            Value(str(c.complexity), c.complexity),
            Value(number(c.error, 3), c.error),
            Value(number(c.train_error, 3), c.train_error),
            Value(_verdict(c), c.verdict),
            maths.formula(c.formula, "", c.formula, list(c.variables), line=CELL),
        ]
        for c in front.candidates
    ]
    strong = next((i for i, c in enumerate(front.candidates) if c.name == front.best), None) if front.best else None
    what = unit(b, front)
    note = f"Errors are root mean squares ({what})." if what else "Errors are root mean squares."
    return b.table("front", "Front of the search, by complexity", columns, rows, simulated, note, strong)


def _ladder(front: FrontRecord, best: CandidateRecord) -> list[MoveRecord]:
    """The steps to the best candidate, which stands last, also where it is a simpler version of the last step."""
    steps = list(front.trace or best.steps)
    if not steps or best.error is None or steps[-1].complexity == best.complexity:
        return steps
    left = MoveRecord(move=LEFT, formula=best.formula, complexity=best.complexity, error=best.error)
    return [*steps, left]


def _check(record: object) -> Check:
    name, passed, sentence = (getattr(record, k) for k in ("name", "passed", "sentence"))
    return Check(name, passed, sentence)


def _best(b: Builder, front: FrontRecord, best: CandidateRecord, simulated: str | None) -> list[Block]:
    blocks: list[Block] = [Heading("The best form"), b.equation(candidate_formula(b, best))]
    numbers = candidate_formula(b, best, numbers=True)
    if numbers.width <= LONGEST:
        blocks.append(b.equation(numbers))
    else:
        values = listed([f"{k} = {number(v, 5)}" for k, v in best.constants.items()], len(best.constants))
        blocks.append(Paragraph(sentence(f"The constants are {values}")))
    symbols = [f"{s} is {q.replace('_', ' ')}" for s, q in best.variables.items() if s != q]
    if symbols:
        blocks.append(Paragraph(f"Here {listed(symbols, 9)}."))
    if best.checks:
        blocks += [Heading("Acceptance checks"), Checks(tuple(_check(c) for c in best.checks))]
    if len(front.near) > 1:
        blocks.append(
            Paragraph(
                f"{plural(len(front.near), 'accepted form')} cannot be told apart from the best on the held-out rows: "
                f"{listed(front.near)}. The spread of their predictions is the uncertainty of the form itself."
            )
        )
    ladder = _ladder(front, best)
    if ladder:
        columns = [Column("Step", True), Column("Complexity", True), Column("Held-out error", True), Column("Move"),
                   Column("Form")]  # fmt: skip
        letters = {q: s for s, q in best.variables.items()}
        rows: list[list[Cell]] = [
            [
                Value(str(i), i),
                Value(MISSING if s.complexity is None else str(s.complexity), s.complexity),
                Value(number(s.error, 3), s.error),
                re.sub(r"[A-Za-z_]\w*", lambda m: letters.get(m[0], m[0]), s.move),
                maths.formula(s.formula, variables=list(best.variables), names=letters, line=CELL)
                if s.formula
                else MISSING,
            ]
            for i, s in enumerate(ladder, 1)
        ]
        last = "; the last line is what was left of it" if ladder[-1].move == LEFT else ""
        caption = f"The ladder to {best.name}: each step extrapolates better than all before{last}"
        table = b.table("ladder", caption, columns, rows, simulated)
        blocks += [Heading("How it was found"), table]
    return blocks
