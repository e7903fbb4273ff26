"""What is put on the board: laws refitted with an objective, and published constants as printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from formsearch.core.objectives import LeastSquares, Objective, parse_objective
from formsearch.exceptions import InputError
from formsearch.law import Law, Published
from formsearch.points import Points

PUBLISHED = "published"
"""In place of an objective: each law's own, as its authors state it (`Law.objective`)."""

Laws = str | Law | Sequence[str | Law] | Mapping[str, Law]
Objectives = Objective | str | Sequence[Objective | str] | None


@dataclass(frozen=True)
class Entry:
    """One row of a board: a law refitted with `objective`, or, without one, with the constants of `published`."""

    label: str
    law: Law
    objective: Objective | None
    published: Published | None = None


def choose_laws(laws: Laws) -> tuple[tuple[Law, ...], frozenset[str]]:
    """The laws, and the names of those that were named (rather than taken with "all").

    Names of registered laws, `Law` objects, `"all"`, or a sequence that mixes them. Raises `UnknownNameError` for an
    unknown name and `InputError` for two different laws of one name.
    """
    from formsearch.registry import laws as registry

    listed = [laws] if isinstance(laws, str | Law) else laws
    parts: Iterable[str | Law] = listed.values() if isinstance(listed, Mapping) else listed
    chosen: dict[str, Law] = {}
    named: set[str] = set()
    for part in parts:
        for law in registry.values() if part == "all" else [registry[part] if isinstance(part, str) else part]:
            if chosen.setdefault(law.name, law).key != law.key:
                raise InputError(f"two different laws are named {law.name!r}: give one of them another name")
            if part != "all":
                named.add(law.name)
    if not chosen:
        raise InputError("no laws to compare: give names, Law objects, or 'all'")
    return tuple(chosen.values()), frozenset(named)


def choose_objectives(objective: Objectives) -> tuple[Objective | str, ...]:
    """The common objective first, then those fitted beside it (`PUBLISHED` among them)."""
    parts = [objective] if isinstance(objective, Objective | str) else list(objective or [LeastSquares()])
    parsed = [p if isinstance(p, Objective) or p == PUBLISHED else parse_objective(p) for p in parts]
    if parsed == [PUBLISHED]:
        parsed = [LeastSquares(), PUBLISHED]
    return tuple(dict.fromkeys(parsed))


def entries(laws: Sequence[Law], objectives: Sequence[Objective | str], published: bool) -> tuple[Entry, ...]:
    """Every row of the board; a law without a stated objective has no row for it."""
    common = next(o for o in objectives if isinstance(o, Objective))
    table: list[Entry] = []
    for law in laws:
        seen: set[str] = set()
        for choice in objectives:
            if isinstance(choice, Objective):
                loss = choice
            elif law.objective:
                loss = parse_objective(law.objective)
            else:
                continue
            if loss.name not in seen:
                seen.add(loss.name)
                label = law.name if loss.name == common.name else f"{law.name} ({loss.name})"
                table.append(Entry(label, law, loss))
        if published:
            table += [Entry(f"{law.name} [{name}]", law, None, fit) for name, fit in law.published.items()]
    return tuple(table)


def lacking(law: Law, points: Points) -> str:
    """Why the law cannot be put on these points, in a clause; empty if it can."""
    missing = [q for q in law.quantities if not points.can(q)]
    return f"the points lack {', '.join(missing)}" if missing else ""


def other_target(law: Law, points: Points) -> str:
    """That the law gives another quantity than the points' target, in a clause; "score" is a target of any kind."""
    if "score" in (law.target, points.target_quantity) or law.target == points.target_quantity:
        return ""
    return f"it gives {law.target}, the points' target is {points.target_quantity}"
