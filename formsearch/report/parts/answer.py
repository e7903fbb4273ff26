"""The top of the report: what was asked, the best law, how sure that is, what it says to do, what to beware of."""

from __future__ import annotations

import re

from formsearch.report.blocks import Equation
from formsearch.report.context import Builder
from formsearch.report.figures import unit_of
from formsearch.report.parts import derivations, leaderboard, search
from formsearch.report.parts.twins import twins
from formsearch.report.schema.board import LeaderboardRecord
from formsearch.report.schema.derivation import DerivationRecord
from formsearch.report.text import sentence
from formsearch.typesetting.numbers import listed, number, percent, plural, sized


def title(b: Builder) -> str:
    """What the report is about, where nobody named it."""
    d = b.document
    where = listed([p.name for p in d.points], 3)
    if d.leaderboards:
        return f"Scaling laws of {where}"
    if d.fronts:
        return f"Search for a scaling law of {where}"
    if d.derivations:
        return f"What follows from {listed([x.law for x in d.derivations], 3)}"
    if d.advice and not d.fits:
        return f"What to run after {where}"
    return f"Fit of {listed([f.law for f in d.fits], 3)}" + (f" to {where}" if where else "")


def subtitle(b: Builder) -> str:
    """One line below the title."""
    d = b.document
    parts = [f"{p.rows:,} points, hash {p.hash}" for p in d.points[:2]]
    parts += [f"formsearch {d.provenance.formsearch}"] if d.provenance.formsearch else []
    parts += [d.provenance.created] if d.provenance.created else []
    return " · ".join(parts)


def answer(b: Builder) -> tuple[tuple[tuple[str, str], ...], Equation | None]:
    """Five lines at most, label and sentence, and the formula they are about."""
    d = b.document
    lines: list[tuple[str, str]] = []
    headline: Equation | None = None
    if d.leaderboards:
        board = d.leaderboards[0]
        lines += [("Question", _question(b, board)), ("Best law", _best(board)), ("How sure", _sure(board))]
        best = leaderboard.best_of(board)
        headline = b.equation(b.formula_of(best.law, best.formula)) if best else None
    elif d.derivations:
        lines.append(("Question", f"What does {d.derivations[0].law} say about its variables?"))
        headline = b.equation(b.formula_of(d.derivations[0].law, d.derivations[0].formula))
    elif d.fits:
        fit = d.fits[0]
        lines.append(("Question", f"Which constants of {fit.law} fit the points?"))
        values = listed([f"{k} = {number(v, 5)}" for k, v in fit.constants.items()], 14)
        lines.append(("Answer", sentence(values)))
        if fit.status.sentence:
            lines.append(("How sure", sentence(fit.status.sentence)))
        headline = b.equation(b.formula_of(fit.law, fit.formula))
    elif d.advice:
        lines.append(
            ("Question", f"Which runs would tell most after those of {listed([p.name for p in d.points], 3)}?")
        )
    if d.fronts:
        lines.append(("New form", _new_form(b)))
    if d.derivations:
        lines.append(("What it says to do", _to_do(b)))
    if d.advice and len(lines) < 5:
        lines += [("What to run next", sentence(aim.sentence)) for aim in d.advice[0].aims[:1]]
    if b.simulated and len(lines) < 5:
        lines.append(("Beware", f"The losses are not measurements: they are {b.simulated}."))
    return tuple(lines), headline


def _question(b: Builder, board: LeaderboardRecord) -> str:
    kind = "simulated " if board.points.simulated else ""
    judged = plural(len(board.scores), "law")
    return (
        f"Which of {judged} predicts the {board.points.target} of {board.test_rows:,} runs it was not fitted to, given "
        f"{board.train_rows:,} {kind}runs of {board.points.name}? ({board.split})"
    )


def _best(board: LeaderboardRecord) -> str:
    best = leaderboard.best_of(board)
    if best is None:
        return "None: no law could be judged on these points."
    value, span = leaderboard.error_text(board, best)
    measure = leaderboard.METRICS.get(board.metric, board.metric)
    text = f"{best.label}: {measure} {value}"
    text += f" ({percent(board.level, 2)} interval {span})" if span else ""
    return f"{text} with {plural(best.constants, 'fitted constant')}."


def _sure(board: LeaderboardRecord) -> str:
    """Who else may be the best, and the margin over the first that may not."""
    best = leaderboard.best_of(board)
    if best is None:
        return "Nothing to be sure of."
    if len(board.scores) == 1:
        return "There was no other law to compare it with."
    found = board.confidence_set
    double = twins(board)
    members = [m for m in found.members if m not in double] if found else []
    level = percent(found.level, 2) if found else ""
    apart = [p for p in board.pairs if p.better == best.label and p.worse not in members]
    order = [s.label for s in board.scores]
    apart.sort(key=lambda p: order.index(p.worse) if p.worse in order else len(order))
    choice = next((s for s in board.sentences if " is the law to use" in s), "")
    if choice:
        text = sentence(choice).rstrip(".")
    elif len(members) > 1:
        text = f"{listed(members)} cannot be told apart on these points ({level} confidence set)"
    elif found:
        text = f"It stands alone in the {level} confidence set"
    else:
        text = "It has the smallest error; no confidence set could be made"
    clear = next((p for p in apart if p.p_holm is not None and p.p_holm < 0.05 and p.difference), None)
    if clear is not None and clear.difference is not None:
        p = leaderboard.p_text(clear.p_holm)
        p = p if p.startswith("<") else f"= {p}"
        text += f"; the next law, {clear.worse}, errs by {number(clear.difference, 2)} more (p {p})"
    if names := [name for name, first in double.items() if best.label in (first, name)]:
        others = [n for n in dict.fromkeys((*names, double[names[0]])) if n != best.label]
        text += f"; {listed(others)} {'is' if len(others) == 1 else 'are'} the same as {best.label} on these points"
    return f"{text}."


def _new_form(b: Builder) -> str:
    """What the search found, and where its forms stand among the laws."""
    front = b.document.fronts[0]
    best = search.best_of(front)
    if best is None:
        if front.candidates and not any(search.examined(c) for c in front.candidates):
            return "None: the time of the search was over before what it found could be examined; search longer."
        return "The search found no form that passes every check."
    found = {*(c.name for c in front.candidates), *front.near}
    boards = b.document.leaderboards
    winner = boards[0].best if boards and boards[0].best in found else None
    constants = plural(len(best.constants), "constant")
    if winner == best.name:
        text = f"The best law is a find of the search: {winner} ({constants}), error "
    elif winner is not None:
        text = f"{winner}, the best law, is a find of the search; on its own held-out rows {best.name} errs least, "
    else:
        text = f"The search proposes {best.name} ({constants}), held-out error "
    text += number(best.error, 3)
    reference = front.reference
    if reference is not None and reference.error is not None:
        text += f" against {number(reference.error, 3)} of {reference.law}"
    for board in boards[:1]:
        reason = next((n.reason for n in board.not_applicable if n.law == best.name), "")
        if reason:
            text += f"; it is not on the leaderboard, because {re.split(r'[;(]', reason)[0].strip()}"
        for place, score in enumerate(board.scores, 1):
            if score.law in found and score.law != winner:
                value, _ = leaderboard.error_text(board, score)
                which = "it" if score.law == best.name else f"{score.law}, which the search cannot tell from it,"
                text += f"; on the leaderboard {which} is number {place} ({value})"
    return f"{text}."


def _to_do(b: Builder) -> str:
    """The optima of the law to use: those with numbers, then the powers that others follow."""
    boards = b.document.leaderboards
    name = boards[0].best if boards else None
    about = [d for d in b.document.derivations if d.law == name] or b.document.derivations[:1]
    said: list[str] = []
    for d in about:
        optima = [r for r in d.results if r.kind in derivations.OPTIMA]
        for r in optima:
            value, span = derivations.value_text(r, derivations.unit_of(r))
            what = r.quantity.replace("_", " ") if r.quantity else r.symbol
            ratio = any("/" in o.symbol and o.symbol.split("/")[0] == r.symbol for o in optima)
            if value:
                said.append(f"{what} {value}{f' ({span})' if span else ''}")
            elif r.exponents and not ratio:
                (variable, e), *_ = r.exponents.items()
                if e.value is not None:
                    course = "falling" if e.value < 0 else "growing"
                    said.append(f"{what} {course} as {variable} to the power {number(e.value, 3)}")
    law = about[0].law
    frontier = next((text for d in about if (text := _at_most_compute(b, d))), "")
    if said:
        return (
            f"By {law} the best choice is {listed(list(dict.fromkeys(said)), 6)}{f'; {frontier}' if frontier else ''}."
        )
    if frontier:
        return f"By {law} the best choice {frontier}; with nothing held fixed, more of each variable is better."
    return f"{law} has no interior optimum: more of each variable is better."


def _at_most_compute(b: Builder, d: DerivationRecord) -> str:
    """The best choice at the greatest value of what a constraint holds fixed; empty without such a table."""
    table = next((t for t in d.tables if t.name == "frontier" and t.columns), None)
    quantities = {v.symbol: v.quantity for v in b.law(d.law, d.formula).variables}
    optima = {r.symbol: derivations.unit_of(r) for r in d.results if r.kind in derivations.OPTIMA}
    if table is None or not (sizes := {s: u for s, u in optima.items() if s in table.columns}):
        return ""
    given = next(iter(table.columns))
    for row in reversed(range(len(table.columns[given]))):
        fixed, *values = (table.columns[n][row] for n in (given, *sizes))
        if all(isinstance(v, int | float) for v in (fixed, *values)):
            choice = listed([f"{s} = {sized(float(v), u)}" for (s, u), v in zip(sizes.items(), values, strict=True)])  # type: ignore[arg-type]
            held = [f"{s} = {sized(v, unit_of(quantities.get(s, s)))}" for s, v in d.settings.items() if v is not None]
            return f"at {given} = {number(fixed, 2)} is {choice}" + (f" (with {listed(held)})" if held else "")
    return ""
