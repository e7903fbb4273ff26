"""The state of a native search as JSON, so that one that was cut off goes on from its last generation.

What is kept decides everything that follows: the members of every island in their order with the lines of their
ancestors, which of them are barren, which forms were met, the state of each random generator, and the counts. A search
that goes on from here ends, after equally many generations, with the same result to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from formsearch.codec import Codec
from formsearch.exceptions import FormsearchError, StoreError
from formsearch.search.emit import emit
from formsearch.search.engine import Proposal, Spent, Step
from formsearch.search.grammar import Apply, Form, Kind, Log, Power, Scalar, Term
from formsearch.search.population import Population
from formsearch.search.workbench import Fitted

if TYPE_CHECKING:
    from formsearch.search.native import Archipelago

EVERY = 10.0
"""Seconds between two checkpoints, at least: what a killed search does again."""
SHARE = 0.02
"""Share of the time that writing them may take; a large search is written less often."""


class States(Protocol):
    """Where the parts of a search keep their state while it is under way."""

    def load(self, part: str) -> Mapping[str, Any] | None:
        """The last state of a part, or None."""

    def save(self, part: str, state: Mapping[str, Any]) -> None:
        """Keep the state of a part, in place of its last one."""


@dataclass(frozen=True)
class Answer:
    """What an engine that is done has proposed, what it tried and took, and its remarks."""

    proposals: tuple[Proposal, ...]
    tried: int
    spent: Spent | None = None
    notes: tuple[str, ...] = ()


_FORMS = Codec(Apply, Form, Kind, Log, Power, Scalar, Term)
_PROPOSALS = Codec(Answer, Apply, Form, Kind, Log, Power, Proposal, Scalar, Spent, Step, Term)


def capture(search: Archipelago, seconds: float) -> dict[str, Any]:
    """The state of a search that has taken `seconds`."""
    line = _Line()
    islands = [
        {
            "members": [line.number(f) for f in island.members.values()],
            "barren": [k for k, form in enumerate(island.members) if form in island.barren],
            "seen": sorted(island.seen),
            "random": island.rng.bit_generator.state,
        }
        for island in search.islands
    ]
    bench = search.tools.bench
    return {
        "islands": islands,
        "forms": line.written,
        "generation": search.generation,
        "simplest": search.simplest,
        "patience": search.patience,
        "tried": search.tools.tried,
        "fits": bench.fits,
        "kernel_seconds": bench.kernel_seconds,
        "seconds": seconds,
    }


def restore(search: Archipelago, state: Mapping[str, Any]) -> None:
    """Put a search into a captured state; its clock has then run for as long as it had.

    Raises `StoreError` for a state that was not captured from such a search.
    """
    try:
        _restore(search, state)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if isinstance(error, FormsearchError):
            raise
        raise StoreError(
            f"the stored state of a search cannot be read ({type(error).__name__}: {error}); name "
            "another --out, or move its store away, and the search begins again"
        ) from error


def _restore(search: Archipelago, state: Mapping[str, Any]) -> None:
    forms = _read(state["forms"], search)
    islands = []
    for k, kept in enumerate(state["islands"]):
        rng = np.random.default_rng()
        rng.bit_generator.state = kept["random"]
        island = search.main if k == 0 else Population(search.tools, rng)
        island.rng = rng
        island.members = {forms[i].form: forms[i] for i in kept["members"]}
        island.barren = {forms[kept["members"][k]].form for k in kept["barren"]}
        island.seen = set(kept["seen"])
        islands.append(island)
    search.islands = islands
    search.generation, search.simplest, search.patience = state["generation"], state["simplest"], state["patience"]
    search.tools.tried = state["tried"]
    search.tools.bench.fits, search.tools.bench.kernel_seconds = state["fits"], state["kernel_seconds"]
    search.begun -= state["seconds"]


class _Line:
    """Members and their ancestors, each written once, ancestors first."""

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        self.written: list[dict[str, Any]] = []

    def number(self, f: Fitted) -> int:
        """Place of a form among those that are written."""
        line = [f]
        while line[-1].parent is not None and id(line[-1].parent) not in self.numbers:
            line.append(line[-1].parent)
        for member in reversed(line):
            if id(member) not in self.numbers:
                self.numbers[id(member)] = len(self.written)
                self.written.append(self.entry(member))
        return self.numbers[id(f)]

    def entry(self, f: Fitted) -> dict[str, Any]:
        """One form with its constants and errors."""
        return {
            "form": _FORMS.write(f.form),
            "values": _FORMS.write(f.values),
            "objective": f.objective,
            "complexity": f.complexity,
            "error": f.error,
            "folds": list(f.folds),
            "held": _FORMS.write(f.held),
            "flaws": f.flaws,
            "odd": f.odd,
            "parent": None if f.parent is None else self.numbers[id(f.parent)],
            "move": f.move,
        }


def _read(written: Sequence[Mapping[str, Any]], search: Archipelago) -> list[Fitted]:
    centres = search.tools.bench.columns.centres
    made: list[Fitted] = []
    for entry in written:
        form = _FORMS.read(entry["form"])
        made.append(
            Fitted(
                form=form,
                values=_FORMS.read(entry["values"]),
                objective=entry["objective"],
                complexity=entry["complexity"],
                emitted=emit(form, centres),
                error=entry["error"],
                folds=tuple(entry["folds"]),
                held=_FORMS.read(entry["held"]),
                flaws=entry["flaws"],
                odd=entry["odd"],
                parent=None if entry["parent"] is None else made[entry["parent"]],
                move=entry["move"],
            )
        )
    return made


def write_proposals(proposals: Sequence[Proposal]) -> dict[str, Any]:
    """Proposals of an engine that is done, as JSON."""
    return {"proposals": _PROPOSALS.write(list(proposals))}


def read_proposals(state: Mapping[str, Any]) -> list[Proposal]:
    """The proposals that were written."""
    proposals = _PROPOSALS.read(state.get("proposals"))
    if not isinstance(proposals, list) or not all(isinstance(p, Proposal) for p in proposals):
        raise StoreError("the stored proposals of an engine cannot be read")
    return proposals


def write_answer(answer: Answer) -> dict[str, Any]:
    """The answer of an engine, as JSON."""
    return {"answer": _PROPOSALS.write(answer)}


def read_answer(state: Mapping[str, Any]) -> Answer:
    """The answer that was written. Raises `StoreError` for anything else."""
    match _PROPOSALS.read(state.get("answer")):
        case Answer(tuple() as proposals, int(), Spent() | None, tuple() as notes) as answer:
            if all(isinstance(p, Proposal) for p in proposals) and all(isinstance(n, str) for n in notes):
                return answer
    raise StoreError("the stored answer of an engine cannot be read")
