"""Moves reach the known laws, and what they reach is well formed."""

import numpy as np
import pytest

from formsearch.registry import laws
from formsearch.search.alphabet import Alphabet, role_of
from formsearch.search.expression import from_law
from formsearch.search.grammar import (
    AMPLITUDE,
    EXPONENT,
    LEVEL,
    UNIT,
    Apply,
    Power,
    Term,
    complexity,
    constant,
    number,
    uses,
)
from formsearch.search.moves import crosses, moves_of
from formsearch.search.normal import normalise
from formsearch.search.places import Option
from formsearch.search.sampling import children

ZHAO = ("N", "N_active", "D", "active_experts", "shared_ratio")


def alphabet(*names):
    return Alphabet.of(names, {"shared_ratio": True}, LEVEL, dict.fromkeys(names, 20.0))


def root():
    return normalise((Term(constant(0)),), {0: LEVEL}, {})


def seed(name):
    form = from_law(laws[name])
    values = dict.fromkeys(range(len(form.kinds)), 0.5)
    return normalise(form.body, dict(enumerate(form.kinds)), values)


def test_roles_follow_the_quantities():
    assert role_of("N", False) == "size"
    assert role_of("lr", False) == "positive"
    assert role_of("shared_ratio", True) == "bounded"
    assert role_of("proportion_3", True) == "proportion"
    assert role_of("log_flops", False) == "real"


def test_children_are_distinct_normal_forms():
    found = children(seed("zhao2025_eq7"), alphabet(*ZHAO), 200, np.random.default_rng(0))
    forms = [s.form for s, _ in found]
    assert len(set(forms)) == len(forms) == 200
    for s, _ in found:
        again = normalise(s.form.body, dict(enumerate(s.form.kinds)), dict(enumerate(s.values)))
        assert again.form == s.form
        assert len(uses(s.form.body)) == len(s.form.kinds) == len(s.values)


def test_children_depend_on_the_seed_alone():
    def run(seed_number):
        rng = np.random.default_rng(seed_number)
        return [(s.form, label) for s, label in children(seed("zhao2025_eq7"), alphabet(*ZHAO), 60, rng)]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_no_power_is_steep_at_a_zero_of_the_data():
    """Of a share that is zero in some rows no exponent may fall below 1; a share of a mixture may set in steeply."""
    known = Alphabet.of(
        ("N", "shared_ratio", "proportion_1"), {"shared_ratio": True, "proportion_1": True}, LEVEL,
        {"N": 20.0, "shared_ratio": 0.3, "proportion_1": 0.3},
    )  # fmt: skip
    rng = np.random.default_rng(0)
    lows = {"shared_ratio": set(), "proportion_1": set(), "N": set()}
    sketches = [s for s, _ in children(root(), known, 10**6, rng)]
    for sketch in list(sketches):
        sketches += [s for s, _ in children(sketch, known, 30, rng)]
    for sketch in sketches:
        for q, exponent in powers(sketch.form.body):
            for i, _ in exponent.constants:
                lows[q].add(sketch.form.kinds[i].low)
            if not exponent.constants and q == "shared_ratio":
                assert exponent.number >= 1
    assert lows["shared_ratio"] == {1.0}
    assert lows["proportion_1"] == lows["N"] == {0.01}


def test_a_seed_may_hold_what_forms_do_not():
    """Laws in compute are seeds where forms are searched for in parameters and tokens."""
    term = Term(constant(1), (Power("C", constant(2, -1)),))
    kinds = {0: LEVEL, 1: AMPLITUDE, 2: EXPONENT}
    sketch = normalise((Term(constant(0)), term), kinds, {0: 2.0, 1: 30.0, 2: 0.05})
    assert children(sketch, alphabet("N", "D"), 10**6, np.random.default_rng(0))


def powers(body):
    """(variable, exponent) of every power in a sum, at any depth."""
    for term in body:
        for f in term.factors:
            if isinstance(f, Power):
                yield f.variable, f.exponent
            elif isinstance(f, Apply):
                for argument in f.arguments:
                    yield from powers(argument)


@pytest.mark.parametrize(
    ("start", "goal", "names"),
    [
        ("zhao2025_eq4", "chinchilla", ("N", "D")),
        ("chinchilla", "skaling2026", ("N", "D")),
        ("lin2024_power", "lin2024", ("samples",)),
    ],
)
def test_one_move_reaches_a_neighbouring_law(start, goal, names):
    every = children(seed(start), alphabet(*names), 10**6, np.random.default_rng(0))
    goals = {seed(goal).form.body}
    bodies = {s.form.body for s, _ in every} | {seed(start).form.body}
    assert goals & bodies


def test_the_ladder_of_zhao_is_a_path_of_moves():
    """Eq. 4 -> 7 -> 9 by adding, tying and promoting: the moves the authors made by hand."""
    table = moves_of(seed("zhao2025_eq7"), alphabet(*ZHAO))
    labels = {m.label for group in table.values() for m in group}
    assert "promote a coefficient to hook active_experts" in labels
    assert "add N_active/N" in {m.label for m in moves_of(seed("zhao2025_eq4"), alphabet(*ZHAO))["add"]}
    assert "promote all terms to 1+quadratic shared_ratio" in labels


def test_drop_makes_forms_smaller():
    start = seed("zhao2025")
    rng = np.random.default_rng(0)
    for s, label in children(start, alphabet(*ZHAO), 10**6, rng):
        if label.startswith("drop a term"):
            assert complexity(s.form) < complexity(start.form)


def test_root_grows_one_term_laws():
    found = children(root(), alphabet("N", "D"), 10**6, np.random.default_rng(0))
    assert any(label == "add N^-p" for _, label in found)


def test_a_term_without_constants_is_given_an_amplitude_and_does_not_grow_by_being_added_again():
    bare = normalise((Term(constant(0)), Term(UNIT, (Power("N", number(-0.25)),))), {0: LEVEL}, {0: 2.0})
    now = root()
    for _ in range(3):
        (move,) = crosses(now.form.body, [bare])
        taken = Option(move).take(now, LEVEL)
        assert taken is not None
        now = taken[0]
        (term,) = (t for t in now.form.body if t.factors)
        assert term.coefficient.number == 1
        assert len(uses((term,))) == 1
        assert len(now.form.kinds) == 2
    # With no constant to spare there is nothing to take.
    assert Option(next(iter(crosses(root().form.body, [bare])))).take(root(), LEVEL, cap=1) is None
