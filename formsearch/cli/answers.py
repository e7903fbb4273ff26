"""Answers of `formsearch derive` beside optima: sensitivities, equivalents, crossings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from formsearch.exceptions import InputError

if TYPE_CHECKING:
    from formsearch.derive import Result, Table
    from formsearch.law import Law


@dataclass(frozen=True, slots=True)
class Answers:
    """Results and tables, with the heading under which each stands."""

    results: tuple[tuple[str, Result], ...] = ()
    tables: tuple[Table, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; empty where nothing was asked for."""
        if not (self.results or self.tables):
            return {}
        return {
            "answers": {
                "results": [{"about": about, **r.to_dict()} for about, r in self.results],
                "tables": [t.to_dict() for t in self.tables],
            }
        }

    def text(self, law: Law) -> str:
        """For a terminal."""
        from formsearch.derive.layout import Order
        from formsearch.derive.render import result_line, result_notes, table_text

        order = Order.of(law)
        out: list[str] = []
        for about, r in self.results:
            if about not in out:
                out += ["", about]
            out.append(f"  {result_line(r, order)}")
            out += [f"      {n}" for n in result_notes(r, order)]
        for t in self.tables:
            out += ["", t.title, table_text(t) if t.rows else "  nowhere in the domain"]
        return "\n".join(out).lstrip("\n")


def sensitivity(
    law: Law, constants: Any, settings: Mapping[str, float], level: float, tell: Callable[[float, str], None]
) -> Answers:
    """Elasticities (if every variable has a value), mixed derivatives, and rates of substitution between sizes."""
    from formsearch.derive import elasticities, interactions, rate_of_substitution

    known = {**settings}
    symbols = {v.symbol: v.quantity for v in law.variables}
    given = all(s in known or q in known for s, q in symbols.items())
    tables = (elasticities(law, constants, settings, level=level),) if given and constants is not None else ()
    sizes = [v.symbol for v in law.variables if v.about.unit in ("parameters", "tokens")]
    crossed, traded = (list(combinations(names, 2)) for names in (law.variable_names, sizes))
    whole = max(len(crossed) + len(traded), 1)
    tell(0.0, "interactions")
    results = [("Interactions", r) for r in interactions(law, constants, settings, level=level)]
    for done, (take, give) in enumerate(traded, len(crossed)):
        tell(done / whole, f"{take} for {give}")
        rate = rate_of_substitution(law, constants, give, take, settings, level=level)
        results.append(("Rates of substitution", rate))
    return Answers(tuple(results), tables)


def equal_at(
    law: Law, constants: Any, of: str, settings: Mapping[str, float], reference: Mapping[str, float], level: float
) -> Answers:
    """The value of one variable that gives the same target at the reference, e.g. effective parameters."""
    from formsearch.derive import equivalent

    if not reference:
        raise InputError(f"--equivalent {of} needs --reference, e.g. --reference E=1 for one expert")
    result = equivalent(law, constants, of, settings, reference, level=level)
    return Answers(results=(("Equivalent", result),))


def crossing(
    law: Law, constants: Any, along: str, settings: Mapping[str, float], reference: Mapping[str, float],
    other: tuple[Law, Any] | None, level: float,
) -> Answers:  # fmt: skip
    """Where the law at its settings equals another law, or itself at the reference settings."""
    from formsearch.derive import crossings

    if other is None and not reference:
        raise InputError(f"--crossing {along} needs --other LAW, or --reference with other settings of {law.name}")
    second = (law, constants) if other is None else other
    names = {n for v in second[0].variables for n in (v.symbol, v.quantity)}
    shared = {k: v for k, v in settings.items() if k in names} if other is None or not reference else {}
    table = crossings((law, constants, settings), (*second, {**shared, **reference}), along, level=level)
    return Answers(tables=(table,))
