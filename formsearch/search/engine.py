"""The engine protocol: what a search engine gets and yields, whatever it is made of.

An engine gets points and a `Config` in formsearch's words, and yields `Proposal`s: forms with rough constants.
Refitting in float64, canonical form, judging by extrapolation and acceptance are formsearch's and the same for all,
so an engine need not be trusted with any of them. Engines are found in `ENGINES` and, for other packages, in the
entry-point group `formsearch.engines` (each entry point loads an `Engine` object or class).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from formsearch.core.objectives import LeastSquares, Objective
from formsearch.exceptions import EngineMissingError, InputError, UnknownNameError
from formsearch.law import Law
from formsearch.search.grammar import Form

if TYPE_CHECKING:
    from formsearch.points import Points
    from formsearch.search.checkpoint import States
    from formsearch.search.judge import Fold

GROUP = "formsearch.engines"
OPERATORS = ("+", "*", "/", "pow", "log", "exp")
MAX_COMPLEXITY = 45
"""Constants and operators of a form together, at most, by default."""
UNHURRIED = 86_400.0
"""Seconds that a counted number of generations may take: a day, so that no clock decides what is found."""


@dataclass(frozen=True)
class Config:
    """What to search for, and for how long.

    variables : quantities a form may use (columns of the points, or derived by a rule).
    seconds : wall-clock budget of the engine. generations : stop after so many, whatever the clock says (see
        `limit`); with it the native engine's result depends on the seed alone.
    seeds : laws whose forms start the search; empty for a blind search.
    operators : what forms may be built from, of `OPERATORS`, whichever engine builds them (see `vocabulary`).
    max_complexity : constants + operators at most.
    max_constants : cap on constants (per group, for grouped points).
    folds : the hold-outs inside the training points; an engine may use them to steer.
    states : where an engine may keep its state, to go on from it after an interruption.
    """

    variables: tuple[str, ...]
    seconds: float = 60.0
    seed: int = 0
    seeds: tuple[Law, ...] = ()
    objective: Objective = field(default_factory=LeastSquares)
    operators: tuple[str, ...] = OPERATORS
    max_complexity: int = MAX_COMPLEXITY
    max_constants: int | None = None
    generations: int | None = None
    folds: tuple[Fold, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    states: States | None = field(default=None, repr=False)

    @property
    def limit(self) -> float:
        """Seconds after which an engine ends: `seconds`, or where its work is counted by generations, a day."""
        return self.seconds if self.generations is None else UNHURRIED

    def __post_init__(self) -> None:
        if not self.variables:
            raise InputError("a search needs at least one variable: the points have no factor that varies")
        if not (self.seconds > 0 and math.isfinite(self.seconds)):
            raise InputError(f"seconds must be positive and finite, not {self.seconds!r}")
        if unknown := [o for o in self.operators if o not in OPERATORS]:
            raise UnknownNameError("operator", unknown[0], OPERATORS)


@dataclass(frozen=True)
class Step:
    """One step of how a form was reached: the move, the form, its size, and its errors then."""

    move: str
    formula: str
    complexity: int
    train_error: float
    error: float


@dataclass(frozen=True)
class Proposal:
    """A form found by an engine. `constants` are by number, in raw units; NaN where only the shape is proposed.

    `group_constants` has a row of constants a group of the points, where they are grouped.
    """

    form: Form
    constants: tuple[float, ...]
    engine: str
    steps: tuple[Step, ...] = ()
    group_constants: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of_law(cls, law: Law, constants: Mapping[str, float], engine: str, steps: tuple[Step, ...] = ()) -> Proposal:
        """A proposal from a law whose variables are bound to quantities, e.g. parsed from an engine's formula."""
        from formsearch.search.expression import from_law

        values = tuple(float(constants.get(c, math.nan)) for c in law.constant_names)
        return cls(from_law(law), values, engine, steps)


@dataclass(frozen=True)
class Progress:
    """What a search tells while it runs: seconds, forms tried, and the best form so far."""

    seconds: float
    tried: int
    best: str
    error: float
    complexity: int
    generation: int = 0


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Spent:
    """What an engine's last search took; an engine may keep it in an attribute `spent`.

    stopped : whether the user ended it.
    """

    seconds: float
    fits: int
    kernel_seconds: float
    tried: int
    stopped: bool = False


@runtime_checkable
class Engine(Protocol):
    """A search engine."""

    name: str
    deterministic: str
    """In words, what is promised of equal seeds."""

    def available(self) -> str | None:
        """None if the engine can run here, else one line that says what is missing and how to get it."""

    def propose(self, points: Points, config: Config, report: Report | None = None) -> Iterable[Proposal]:
        """Search; yield proposals. May yield while running: on Ctrl-C what was yielded is kept."""


def _native() -> Engine:
    from formsearch.search.native import Native

    return Native()


def _operon() -> Engine:
    from formsearch.search.operon.engine import Operon

    return Operon()


def _pysr() -> Engine:
    from formsearch.search.pysr.engine import PySR

    return PySR()


ENGINES: dict[str, Callable[[], Engine]] = {"native": _native, "operon": _operon, "pysr": _pysr}
"""The project's engines: name -> how to make one."""


def _plugins() -> Iterator[tuple[str, Callable[[], Engine]]]:
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP):
        if entry.name in ENGINES:
            continue

        def make(entry: Any = entry) -> Engine:
            try:
                loaded = entry.load()
                made = loaded() if isinstance(loaded, type) else loaded
            except Exception as error:  # whatever another package raises when it is imported
                said = " ".join(f"{type(error).__name__}: {error}".split())
                raise EngineMissingError(
                    f"engine {entry.name}: the plug-in {entry.value} cannot be loaded ({said}): update or uninstall "
                    "the package that brings it"
                ) from error
            if not isinstance(made, Engine):
                raise InputError(f"engine {entry.name}: its plug-in is no formsearch engine: it lacks name or propose")
            return made

        yield entry.name, make


def engine_names() -> list[str]:
    """Names of all engines, plug-ins included (installed or not)."""
    return [*ENGINES, *(name for name, _ in _plugins())]


def get_engine(name: str | Engine) -> Engine:
    """The engine of that name. Raises `UnknownNameError`, or `EngineMissingError` with the remedy."""
    if not isinstance(name, str):
        return name
    table = {**ENGINES, **dict(_plugins())}
    if name not in table:
        raise UnknownNameError("engine", name, table)
    engine = table[name]()
    if missing := engine.available():
        raise EngineMissingError(f"engine {name}: {missing}")
    return engine


def warn_failed(engine: str, reason: object) -> None:
    """A part of an engine's work failed; the rest is kept."""
    warnings.warn(f"engine {engine}: {reason}", RuntimeWarning, stacklevel=2)


def sequence_of(engines: str | Engine | Sequence[str | Engine]) -> list[Engine]:
    """One or several engines, as objects."""
    many = [engines] if isinstance(engines, str) or not isinstance(engines, Sequence) else list(engines)
    return [get_engine(e) for e in many]
