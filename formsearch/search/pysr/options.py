"""What we ask for, in PySR's words: one table for both generations of its interface, 1.5.x and 2.x.

Defaults are those that recover power laws where PySR's own do not: float64, `^` constrained, six times the optimiser
iterations on three times as many forms (PySR leaves rows of its front unoptimised). Only options that the installed
constructor has are passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from formsearch.exceptions import InputError, UnknownNameError
from formsearch.search.pysr.signature import Signature

ENDLESS = 10_000_000
"""Iterations of a search that the clock ends."""
SIZE, LARGEST, SMALLEST = 30, 40, 7
"""Nodes of a form: by default, above which PySR warns, below which it refuses."""
DOUBLED = 1.2
"""How much larger a form of a scaling law gets where a variable counts as two nodes."""
POPULATIONS, POPULATION, CYCLES = 12, 33, 380
OURS = ("niterations", "timeout_in_seconds", "output_directory", "run_id", "operators", "binary_operators",
        "unary_operators", "expression_spec", "guesses", "elementwise_loss", "random_state", "warm_start",
        "temp_equation_file", "tempdir", "loss_function", "loss_function_expression", "select_k_features", "denoise",
        "type_spec")  # fmt: skip
"""Options that decide what comes back or where it lies; they cannot be set from outside."""

Exponents = Literal["constant", "free"]


@dataclass(frozen=True)
class Wish:
    """A search in our words.

    operators : of `formsearch.search.engine.OPERATORS`. size : nodes of a form at most.
    exponents : "constant" forbids variables in the exponent of `^` by counting a variable as two nodes where one is
        allowed; "free" allows a variable or a constant (as templates need, whose constants are arguments).
    iterations : stop after so many, serial and reproducible; None lets the clock end the search.
    weighted : whether rows have weights. template : what `TemplateExpressionSpec` gets, or None.
    guesses : expressions to start from, in PySR's text. more : further options of PySR, by its names.
    """

    operators: Sequence[str]
    loss: str
    seed: int
    folder: str
    run: str
    size: int = SIZE
    exponents: Exponents = "constant"
    iterations: int | None = None
    template: Mapping[str, Any] | None = None
    guesses: Sequence[Any] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


def binary(operators: Sequence[str]) -> list[str]:
    """PySR's names of our operators with two arguments; a difference comes with the sum."""
    table = {"+": ("+", "-"), "*": ("*",), "/": ("/",), "pow": ("^",)}
    return [name for o in operators for name in table.get(o, ())]


def unary(operators: Sequence[str]) -> list[str]:
    """PySR's names of our operators with one argument."""
    return [o for o in operators if o in ("exp", "log")]


def options(wish: Wish, signature: Signature) -> dict[str, Any]:
    """Arguments of `PySRRegressor`, JSON-ready (the child turns the arities of `operators` into numbers).

    Raises `UnknownNameError` for an option in `wish.more` that the installed PySR does not have, `InputError` for one
    that is formsearch's to set.
    """
    two, one = binary(wish.operators), unary(wish.operators)
    if not two:
        raise InputError("PySR needs at least one of the operators + * / pow")
    chosen: dict[str, Any] = {
        "model_selection": "best",
        "niterations": wish.iterations or ENDLESS,
        "populations": POPULATIONS,
        "population_size": POPULATION,
        "ncycles_per_iteration": CYCLES,
        "precision": 64,
        "batching": False,
        "turbo": False,
        "should_optimize_constants": True,
        "optimizer_iterations": 50,
        "optimize_probability": 0.5,
        "optimizer_nrestarts": 2,
        "elementwise_loss": wish.loss,
        "random_state": wish.seed,
        "output_directory": wish.folder,
        "run_id": wish.run,
        "input_stream": "devnull",
        "progress": False,
        "verbosity": 0,
        "parallelism": "multithreading",
    }
    if wish.iterations is not None:
        # The only way to the same result twice: all three of them.
        chosen |= {"deterministic": True, "parallelism": "serial"}
    if "operators" in signature.arguments:
        chosen["operators"] = {"2": two, **({"1": one} if one else {})}
    else:
        chosen |= {"binary_operators": two, "unary_operators": one}
    chosen |= _limits(wish, two, one)
    if wish.guesses and signature.guesses:
        chosen["guesses"] = list(wish.guesses)
    chosen = {k: v for k, v in chosen.items() if k in signature.arguments}
    return chosen | _checked(wish.more, signature)


def nodes_allowed(size: int, exponents: Exponents) -> int:
    """PySR's `maxsize` for forms of so many nodes, where a variable may count as two of them."""
    wanted = round(DOUBLED * size) if exponents == "constant" else size
    return min(max(wanted, SMALLEST), LARGEST)


def variable_nodes(exponents: Exponents) -> int:
    """What PySR counts for a variable."""
    return 2 if exponents == "constant" else 1


def _limits(wish: Wish, two: Sequence[str], one: Sequence[str]) -> dict[str, Any]:
    """How large forms may be and how they may nest."""
    found: dict[str, Any] = {"maxsize": nodes_allowed(wish.size, wish.exponents)}
    if "^" in two:
        found["constraints"] = {"^": [1, 1]}
        if wish.exponents == "constant":
            # A variable costs two nodes and an exponent may have one: only constants are left for exponents.
            found["constraints"] = {"^": [2, 1]}
            found["complexity_of_variables"] = variable_nodes(wish.exponents)
    nested = {"exp": {"exp": 0, "log": 1}, "log": {"exp": 0, "log": 0}}
    kept = {f: {g: n for g, n in inside.items() if g in one} for f, inside in nested.items() if f in one}
    if kept:
        found["nested_constraints"] = kept
    return found


def _checked(more: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    for name in more:
        if name in OURS:
            raise InputError(f"PySR option {name} is set by formsearch: use the words of the search instead")
        if name not in signature.arguments:
            raise UnknownNameError("PySR option", name, signature.arguments, "these are what the installed PySR has")
    return dict(more)
