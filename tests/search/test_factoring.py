"""Moves on products of sums: each keeps what it should, and Zhao's law is a short way from its Eq. 7."""

import numpy as np
import pytest

from formsearch.core.batch import Pack
from formsearch.core.objectives import LeastSquares
from formsearch.data import load
from formsearch.points import Points
from formsearch.registry import laws
from formsearch.search.alphabet import Alphabet
from formsearch.search.emit import Columns, emit, to_centred
from formsearch.search.expression import from_law
from formsearch.search.factoring import SOURCES
from formsearch.search.grammar import (
    AMPLITUDE,
    EXPONENT,
    LEVEL,
    UNIT,
    Apply,
    Power,
    Term,
    constant,
    describe,
    uses,
)
from formsearch.search.guide import Guide
from formsearch.search.judge import folds_of
from formsearch.search.normal import normalise
from formsearch.search.places import Draft
from formsearch.search.sampling import children
from formsearch.search.workbench import Candidate, Workbench

ZHAO = ("N", "N_active", "D", "active_experts", "shared_ratio")


def alphabet(*names):
    return Alphabet.of(names, {"shared_ratio": True}, LEVEL, dict.fromkeys(names, 1.0))


def rewritten(sketch, move):
    draft = Draft(sketch)
    return normalise(move.rewrite(draft), draft.kinds, draft.values)


def values(sketch, table, constants=None):
    columns = Columns(table)
    emitted = emit(sketch.form, columns.centres)
    raw = np.asarray(sketch.values if constants is None else constants)
    return Pack.of([emitted.tape], columns, columns.rows).values(to_centred(emitted, raw))[0]


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return {"N": rng.uniform(2, 9, 40), "D": rng.uniform(2, 9, 40), "active_experts": rng.uniform(1, 8, 40)}


def product():
    """c0 + c1*D**-c2 + N**-c3*(c4*G + c5/G) with values."""
    group = (
        Term(constant(4), (Power("active_experts", UNIT),)),
        Term(constant(5), (Power("active_experts", UNIT._replace(number=-1.0)),)),
    )
    body = (
        Term(constant(0)),
        Term(constant(1), (Power("D", constant(2, -1)),)),
        Term(UNIT, (Power("N", constant(3, -1)), Apply("power", (group,)))),
    )
    kinds = dict(enumerate((LEVEL, AMPLITUDE, EXPONENT, EXPONENT, AMPLITUDE, AMPLITUDE)))
    return normalise(body, kinds, dict(enumerate((1.5, 2.0, 0.4, 0.3, 0.7, 0.9))))


def moves(sketch, label, *names):
    every = [m for _, source in SOURCES for m in source(sketch.form.body, alphabet(*names))]
    found = [m for m in every if m.label == label]
    assert found, label
    return found


def test_a_shared_sum_acts_on_the_other_term_too(table):
    before = product()
    (move,) = moves(before, "share a sum with another term", "N", "D", "active_experts")
    after = rewritten(before, move)
    assert len(uses(after.form.body)) == len(uses(before.form.body)) + 1
    assert "D^-c2" in describe(after.form)
    # The new coefficient starts near zero: the child starts where its parent ended.
    near = values(after, table)
    assert np.abs(near - values(before, table)).max() < 0.1
    # The exponent of D is the same constant in both places.
    powers = [i for i, count in uses(after.form.body).items() if count == 2]
    assert len(powers) == 1


def test_a_sum_takes_the_power_of_its_neighbour(table):
    before = product()
    tied = rewritten(before, moves(before, "raise a sum to the power of N", "N", "D", "active_experts")[0])
    assert sorted(uses(tied.form.body).values())[-1] == 2
    free = rewritten(before, moves(before, "raise a sum to a free power", "N", "D", "active_experts")[0])
    assert len(uses(free.form.body)) == len(uses(before.form.body)) + 1
    # The free power starts from 1.
    np.testing.assert_allclose(values(free, table), values(before, table), rtol=1e-12)


def test_a_summand_leaves_a_product_and_the_value_stays(table):
    before = product()
    for move in moves(before, "take a summand out of a product", "N", "D", "active_experts"):
        after = rewritten(before, move)
        assert len(after.form.body) == 4
        unknown = [i for i, v in enumerate(after.values) if not np.isfinite(v)]
        assert len(unknown) == 1
        possible = [values(after, table, np.where(np.isfinite(after.values), after.values, c)) for c in (0.7, 0.9)]
        assert any(np.allclose(p, values(before, table), rtol=1e-12) for p in possible)


def test_proportional_sums_are_joined_without_a_change_of_value(table):
    def group(a, b):
        return Apply(
            "power",
            (
                (
                    Term(constant(a), (Power("active_experts", UNIT),)),
                    Term(constant(b), (Power("active_experts", UNIT._replace(number=-1.0)),)),
                ),
            ),
        )

    body = (
        Term(UNIT, (Power("N", constant(0, -1)), group(1, 2))),
        Term(UNIT, (Power("D", constant(3, -1)), group(4, 5))),
    )
    kinds = dict(enumerate((EXPONENT, AMPLITUDE, AMPLITUDE, EXPONENT, AMPLITUDE, AMPLITUDE)))
    before = normalise(body, kinds, dict(enumerate((0.3, 0.7, 0.9, 0.4, 1.4, 1.8))))
    (move,) = moves(before, "join two products", "N", "D", "active_experts")
    after = rewritten(before, move)
    assert len(uses(after.form.body)) == len(uses(before.form.body)) - 1
    np.testing.assert_allclose(values(after, table), values(before, table), rtol=1e-12)


def test_parscale_is_one_move_from_a_power_law():
    body = (Term(constant(0)), Term(constant(1), (Power("N", constant(2, -1)),)))
    sketch = normalise(body, {0: LEVEL, 1: AMPLITUDE, 2: EXPONENT}, dict.fromkeys(range(3), 0.5))
    goal = from_law(laws["parscale2025"])
    wanted = normalise(goal.body, dict(enumerate(goal.kinds)), {}).form.body
    every = children(sketch, alphabet("N", "parallel_streams"), 10**6, np.random.default_rng(0))
    assert wanted in {s.form.body for s, _ in every}


def test_the_guide_leads_from_equation_9_to_zhaos_law():
    """The most promising move extends the hook by a quadratic, and what it leads to is exact."""
    points = load("zhao2025", sigma=0.0).only("fit")
    bench = Workbench(points, ZHAO, LeastSquares(), folds_of(points), 0)
    zeros = {q: bool((points.factors[q] == 0).any()) for q in ZHAO}
    guide = Guide(bench, Alphabet.of(ZHAO, zeros, bench.level, bench.columns.centres))
    form = from_law(laws["zhao2025_eq9"])
    sketch = normalise(form.body, dict(enumerate(form.kinds)), {})
    (parent,) = bench.fit([Candidate(sketch)], starts=16, iterations=200, tolerance=1e-12)
    hint = guide.hints(parent)[0]
    assert hint.move.label.startswith("extend a sum by quadratic shared_ratio")
    assert hint.gain > 0.999
    (child,) = bench.fit([Candidate(rewritten(parent.sketch(), hint.move), parent)], starts=8, iterations=200)
    assert child.objective < 1e-15 * parent.objective
    assert len(child.form.kinds) == 12


def test_returns_that_diminish_are_two_moves_from_chinchilla_to_muennighoff():
    law = laws["muennighoff2023"]
    rng = np.random.default_rng(0)
    unique = np.exp(rng.uniform(np.log(1e8), np.log(1e10), 120))
    table = {
        "N": np.exp(rng.uniform(np.log(7e6), np.log(4e9), 120)),
        "unique_tokens": unique,
        "D": unique * np.exp(rng.uniform(0, np.log(60.0), 120)),
    }
    constants = law.published["muennighoff2023"].constants
    points = Points(target=law.evaluate(table, constants), factors=table, simulated="from muennighoff2023")
    bench = Workbench(points, tuple(table), LeastSquares(), folds_of(points), 0)
    start = from_law(laws["chinchilla"])
    (best,) = bench.fit([Candidate(normalise(start.body, dict(enumerate(start.kinds)), {}))], starts=16)
    names = Alphabet.of(tuple(table), {}, bench.level, bench.columns.centres)
    for _ in range(2):
        every = children(best.sketch(), names, 10**6, np.random.default_rng(0), groups=("wrap",))
        chosen = [Candidate(s) for s, label in every if "diminish" in label]
        found = [f for f in bench.fit(chosen, starts=8, iterations=100) if f is not None]
        best = min(found, key=lambda f: f.objective)
    exact = [f for f in found if f.objective < 1e-20]
    # The caps of a multiple of the unique tokens, and of the unique tokens themselves: eight constants, not nine.
    assert min(len(f.form.kinds) for f in exact) == 8
