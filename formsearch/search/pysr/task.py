"""One search put together for PySR: scaled columns, names, template, guesses; and what its rows say in our words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import FormulaError, NotApplicableError
from formsearch.search.engine import Config, Proposal, Step
from formsearch.search.expression import variable_symbols
from formsearch.search.judge import coreset
from formsearch.search.parse import Read
from formsearch.search.pysr.hall import Row
from formsearch.search.pysr.template import Template, around, guess, nodes, per_group, read_row
from formsearch.search.scaling import Scaling, law_of

if TYPE_CHECKING:
    from formsearch.law import Law
    from formsearch.points import Points

Array = NDArray[np.float64]

MOST_ROWS = 1000
"""Rows that PySR evaluates whole; of more, a coreset is searched on."""
GROUP_CONSTANTS = 4
"""Constants of the searched form that may differ between groups, unless the search caps them lower."""
FIT_STARTS = 16


@dataclass(frozen=True, eq=False)
class Task:
    """A table as PySR gets it. groups : labels in the order of the category column; empty without groups."""

    points: Points
    scaling: Scaling
    template: Template | None = None
    groups: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refused: list[str] = field(default_factory=list)
    """Rows that could not be read as forms, with the reason; filled while they are read."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the scaled variables."""
        return tuple(self.scaling.names.values())

    def fit_arguments(self) -> dict[str, Any]:
        """What `fit` gets: X, y, weights and names (which a template has of its own), as lists."""
        columns = self.scaling.columns(self.points)
        table = [columns[name] for name in self.variables]
        if self.groups:
            place = {g: k + 1.0 for k, g in enumerate(self.groups)}
            assert self.points.group is not None
            table.append(np.asarray([place[str(g)] for g in self.points.group]))
        weight = self.points.weight
        return {
            "X": np.column_stack(table).tolist(),
            "y": self.scaling.targets(self.points).tolist(),
            "weights": None if weight is None else (weight / weight[weight > 0].mean()).tolist(),
            "variable_names": None if self.template is not None else list(self.variables),
        }

    def describe(self) -> dict[str, Any]:
        """What a record needs to make sense of the rows: JSON-ready."""
        return {
            "points": self.points.hash,
            "rows": len(self.points),
            "names": dict(self.scaling.names),
            "scales": dict(self.scaling.scales),
            "target_scale": self.scaling.target,
            "groups": list(self.groups),
            "template": None if self.template is None else self.template.spec(),
        }

    # -- rows to proposals ---------------------------------------------------------------------------------------

    def proposals(self, rows: Sequence[Row], label: str) -> Iterator[Proposal]:
        """The rows as proposals in raw units, the best fitting first; `label` tells where they come from."""
        for row in sorted(rows, key=lambda r: r.loss):
            try:
                yield self.proposal(row, label)
            except FormulaError as error:
                self.refused.append(f"size {row.complexity}: {error}")

    def proposal(self, row: Row, label: str) -> Proposal:
        """One row. Raises `FormulaError` for one that cannot be read, e.g. with a variable in a power's exponent."""
        steps = (Step(label, row.equation, row.complexity, math.sqrt(max(2 * row.loss, 0.0)), math.nan),)
        if self.template is None:
            return self.scaling.proposal(row.equation, "pysr", steps)
        laws = [self._law(found) for found in self.template.reads(row.equation)]
        law, constants = laws[0]
        proposal = Proposal.of_law(law, constants, "pysr", steps)
        if not self.groups:
            return proposal
        # A group whose signs differ is another formula: its constants are drawn anew.
        each = [
            tuple(values[c] if other.formula == law.formula else math.nan for c in law.constant_names)
            for other, values in laws
        ]
        return Proposal(proposal.form, proposal.constants, "pysr", steps, tuple(each))

    def _law(self, found: Read) -> tuple[Law, dict[str, float]]:
        raw = self.scaling.raw(found)
        return law_of(
            raw, {str(s): q for q, s in self.scaling.symbols.items()}, "found", self.scaling.target_quantity
        )  # fmt: skip


def prepare(points: Points, config: Config, law: Law | None = None) -> Task:
    """The task of a search, around a law where one is given.

    Raises `NotApplicableError` where the points cannot feed the law, `InputError` for a variable that does not vary.
    """
    notes = []
    needed = list(config.variables)
    if law is not None:
        if missing := [q for q in law.quantities if not points.can(q)]:
            raise NotApplicableError(f"law {law.name} needs {', '.join(missing)}, which the points lack")
        needed += [q for q in law.quantities if q not in needed]
    core, _ = coreset(points, config.folds, MOST_ROWS, config.seed)
    if len(core) < len(points):
        notes.append(f"PySR searched on a coreset of {len(core)} rows; refitted and judged on all {len(points)}")
    scaling = Scaling.of(core, needed, names_of(needed))
    groups = core.groups if len(core.groups) > 1 else ()
    template = None
    if law is not None:
        template = around(_fitted(law, core, config, scaling), tuple(scaling.names.values()), max(len(groups), 1))
    elif groups:
        count = min(GROUP_CONSTANTS, config.max_constants or GROUP_CONSTANTS)
        template = per_group(tuple(scaling.names.values()), len(groups), count)
    return Task(core, scaling, template, groups, tuple(notes))


def names_of(quantities: Sequence[str]) -> list[str]:
    """Safe names: PySR refuses every name that SymPy knows (N, E, S, beta, ...), so all of them get a prefix."""
    short = variable_symbols(quantities)
    names: list[str] = []
    for q in quantities:
        name = "x_" + re.sub(r"\W", "_", short[q])
        while name in names:
            name += "_"
        names.append(name)
    return names


def _fitted(law: Law, points: Points, config: Config, scaling: Scaling) -> Read:
    """The law at its own fit to the points, in the scaled variables."""
    from formsearch.fit import fit

    found = fit(law, points, config.objective, starts=FIT_STARTS, seed=config.seed)
    return scaling.scaled(law, found.constants)


# -- guesses -----------------------------------------------------------------------------------------------------


def law_guesses(task: Task, config: Config, size: int, variable: int) -> list[str]:
    """The registry's forms with fitted constants, as PySR takes guesses: those that its operators and size allow.

    `variable` is what PySR counts for a variable. Constants come from a quick fit; PySR goes on from them.
    """
    from formsearch.search.expression import from_law, to_law
    from formsearch.search.normal import normalise
    from formsearch.search.workbench import Candidate, Workbench

    laws = [law for law in config.seeds if set(law.quantities) <= set(task.scaling.names)]
    if not laws or task.template is not None:
        return []
    bench = Workbench(task.points, tuple(task.scaling.names), config.objective, (), config.seed)
    forms = [from_law(law) for law in laws]
    drafts = [Candidate(normalise(f.body, dict(enumerate(f.kinds)), {}, bench.level)) for f in forms]
    texts: list[str] = []
    for found in bench.fit(drafts, starts=FIT_STARTS):
        if found is None:
            continue
        law = to_law(found.form, found.raw(), "guess", task.scaling.target_quantity)
        values = dict(zip(law.constant_names, _by_name(law, found.form, found.raw()), strict=True))
        try:
            scaled = task.scaling.scaled(law, values)
            text = guess(scaled)
        except FormulaError:
            continue  # a law that PySR has no words for
        if nodes(scaled, variable) <= size and _written(text) <= set(config.operators) and _plain_powers(scaled):
            texts.append(text)
    return list(dict.fromkeys(texts))


def _by_name(law: Law, form: Any, values: Sequence[float]) -> list[float]:
    """The form's constants in the order of the law's."""
    from formsearch.search.expression import constant_names
    from formsearch.search.grammar import variables

    symbols = set(variable_symbols(sorted(variables(form.body))).values())
    table = dict(zip(constant_names(form, symbols), values, strict=True))
    return [float(table[c]) for c in law.constant_names]


def _plain_powers(found: Read) -> bool:
    """Whether all powers are of variables: the search rejects others, whoever wrote them (see `options`)."""
    import sympy

    return all(e.base.is_Symbol or e.exp == -1 for e in found.expression.atoms(sympy.Pow))


WRITTEN = {" + ": "+", " - ": "+", " * ": "*", " / ": "/", " ^ ": "pow", "log(": "log", "exp(": "exp"}
"""How PySR writes our operators, and we for PySR."""


def _written(equation: str) -> set[str]:
    """The operators in a row of PySR's table, or in a guess."""
    return {word for sign, word in WRITTEN.items() if sign in equation}


def saved_guesses(task: Task, rows: Sequence[Row], operators: Sequence[str], templates: bool) -> list[Any]:
    """The saved rows as guesses, those that the operators can say: PySR ends a search that is given another.

    Of templates only where PySR takes parameter vectors in them.
    """
    rows = [row for row in rows if _written(row.equation) <= set(operators)]
    if task.template is None:
        return [row.equation for row in rows]
    found: list[Mapping[str, Any]] = []
    for row in rows if templates else ():
        try:
            given = read_row(row.equation)
        except FormulaError:
            continue
        found.append({**given.functions, **{k: list(v) for k, v in given.parameters.items()}})
    return list(found)
