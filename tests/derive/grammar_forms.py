"""Random forms drawn from the search grammar: a walk of moves from the empty form, with constants of a sane size."""

from __future__ import annotations

import math

import numpy as np

from formsearch.law import Law
from formsearch.search.alphabet import Alphabet
from formsearch.search.emit import emit, to_raw
from formsearch.search.expression import constant_names, to_law, variable_symbols
from formsearch.search.grammar import LEVEL, Kind, Term, constant, variables
from formsearch.search.normal import normalise
from formsearch.search.sampling import children

QUANTITIES = ("N", "N_active", "D", "active_experts", "shared_ratio")
CENTRES = {"N": math.log(1e9), "N_active": math.log(3e8), "D": math.log(3e10), "active_experts": math.log(6.0),
           "shared_ratio": math.log(0.3)}  # fmt: skip
LONGEST_WALK = 9


def _value(kind: Kind, rng: np.random.Generator) -> float:
    low, high = kind.start
    return float(np.exp(rng.uniform(math.log(low), math.log(high))) if kind.log else rng.uniform(low, high))


def grammar_form(seed: int) -> tuple[Law, dict[str, float]]:
    """A form that the search may visit, and constants for it in raw units."""
    rng = np.random.default_rng(seed)
    names = [str(q) for q in rng.permutation(QUANTITIES)[: int(rng.integers(2, 6))]]
    alphabet = Alphabet.of(names, {"shared_ratio": True}, LEVEL, {q: CENTRES[q] for q in names})
    sketch = normalise((Term(constant(0)),), {0: LEVEL}, {})
    steps = int(rng.integers(2, LONGEST_WALK))
    while steps > 0 or not variables(sketch.form.body):
        sketch, _ = children(sketch, alphabet, 1, rng)[0]
        steps -= 1
    values = np.asarray([_value(kind, rng) for kind in sketch.form.kinds])
    raw = to_raw(emit(sketch.form, alphabet.centres), values)
    law = to_law(sketch.form, [float(v) for v in raw], f"walk{seed}")
    symbols = set(variable_symbols(sorted(variables(sketch.form.body))).values())
    by_name = dict(zip(constant_names(sketch.form, symbols), map(float, raw), strict=True))
    return law, {name: by_name[name] for name in law.constant_names}
