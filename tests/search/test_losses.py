"""What a form may do without, what that costs, and how one at its cap makes room."""

import sys

import numpy as np
import pytest

from formsearch.core.objectives import LeastSquares
from formsearch.data import load
from formsearch.search.engine import Config
from formsearch.search.judge import folds_of
from formsearch.search.losses import cheapest, losses, mixed, within_cap
from formsearch.search.moves import exponents, snapped
from formsearch.search.normal import normalise
from formsearch.search.places import Draft, Move, Option
from formsearch.search.population import Effort, Population, Tools
from formsearch.search.workbench import Candidate, Workbench
from tests.search.test_guide import fitted, ready


@pytest.fixture(scope="module")
def zhao():
    return ready(load("zhao2025", sigma=0.002).only("fit"))


@pytest.mark.parametrize("name", ["chinchilla", "zhao2025_eq7"])
def test_a_small_loss_costs_what_it_says(zhao, name):
    bench, guide = zhao
    parent = fitted(bench, name)
    checked = 0
    for loss in losses(guide, parent):
        # To second order: further away the sum of squares is no parabola.
        if loss.cost > 0.05:
            continue
        draft = Draft(parent.sketch())
        child = normalise(loss.change(parent.form.body), draft.kinds, draft.values)
        assert len(child.form.kinds) == len(parent.form.kinds) - 1
        (f,) = bench.fit([Candidate(child, parent)], starts=8, iterations=200, tolerance=1e-12)
        assert f.objective / parent.objective - 1 == pytest.approx(loss.cost, rel=0.3, abs=1e-6)
        checked += 1
    assert checked


def test_where_all_constants_are_linear_the_cost_of_a_term_is_exact(zhao):
    bench, guide = zhao
    parent = fitted(bench, "chinchilla")
    assert {loss.label for loss in losses(guide, parent)} >= {"drop a term", "tie two exponents"}
    body = parent.form.body
    for i in exponents(parent.sketch()):
        body = snapped(body, i, 0.5)
    draft = Draft(parent.sketch())
    (linear,) = bench.fit([Candidate(normalise(body, draft.kinds, draft.values))])
    dropped = list(losses(guide, linear))
    assert [loss.label for loss in dropped] == ["drop a term"] * len(linear.form.body)
    draft = Draft(linear.sketch())
    for loss in dropped:
        (f,) = bench.fit([Candidate(normalise(loss.change(linear.form.body), draft.kinds, draft.values))])
        assert f.objective / linear.objective - 1 == pytest.approx(loss.cost, rel=1e-6)


def test_what_is_gained_and_given_up_stays_within_the_cap(zhao):
    bench, guide = zhao
    parent = fitted(bench, "zhao2025_eq7")
    sketch, cap = parent.sketch(), len(parent.form.kinds)
    both = within_cap(parent, guide.hints(parent)[:10], cheapest(guide, parent), cap)
    assert [h.gain for h in both] == sorted((h.gain for h in both), reverse=True)
    made = [Option(h.move).take(sketch, bench.level) for h in both]
    assert len(made) > 50
    assert all(m is not None and len(m[0].form.kinds) <= cap for m in made)
    wide = within_cap(parent, guide.hints(parent)[:10], cheapest(guide, parent), cap + 1)
    assert any("exponent" in h.move.label for h in wide)
    assert wide[0].gain > both[0].gain


def test_hints_and_losses_take_turns(zhao):
    bench, guide = zhao
    parent = fitted(bench, "zhao2025_eq7")
    hints, ways = guide.hints(parent)[:7], cheapest(guide, parent)
    assert [w.cost for w in ways] == sorted(w.cost for w in ways)
    moves = mixed(parent, hints, ways)
    assert [m.label for m in moves[:5]] == [
        ways[0].label, *(h.move.label for h in hints[:3]), ways[1].label
    ]  # fmt: skip
    assert len(moves) == len(hints) + 3
    child, _ = Option(moves[0]).take(parent.sketch(), bench.level)
    assert len(child.form.kinds) < len(parent.form.kinds)


def test_a_gain_with_a_loss_comes_true(zhao):
    bench, guide = zhao
    parent = fitted(bench, "zhao2025_eq7")
    best = within_cap(parent, guide.hints(parent), cheapest(guide, parent), len(parent.form.kinds))[0]
    assert best.gain > 0.2
    child, _ = Option(best.move).take(parent.sketch(), bench.level)
    (f,) = bench.fit([Candidate(child, parent)], starts=8, iterations=100)
    assert f.objective <= (1 - 0.7 * best.gain) * parent.objective


def population(points, cap):
    config = Config(tuple(points.factors), seconds=1.0, max_constants=cap)
    bench = Workbench(points, tuple(points.factors), LeastSquares(), folds_of(points), 0)
    home = Population(Tools(bench, config, Effort()), np.random.default_rng(0))
    home.start()
    return home


def test_at_the_cap_guided_children_are_allowed():
    home = population(load("zhao2025", sigma=0.002).only("fit"), 4)
    full = [f for f in home.members.values() if len(f.form.kinds) == 4]
    assert full
    for parent in full[:5]:
        children = home.guided(parent, parent.sketch())
        assert len(children) == home.effort.guided
        assert all(len(c.sketch.form.kinds) <= 4 for c in children)


def test_a_form_that_is_not_allowed_is_offered_once():
    home = population(load("zhao2025", sigma=0.002).only("fit"), 2)
    (parent, *_) = [f for f in home.members.values() if len(f.form.kinds) == 2]
    for option in home.tools.hints(parent):
        made = option.take(parent.sketch(), home.alphabet.level)
        if made is not None and len(made[0].form.kinds) > 2:
            assert not home.fresh(*made)
            assert made[1] in home.seen


def test_a_move_that_adds_too_much_is_barred_before_it_is_made():
    from formsearch.search.grammar import AMPLITUDE, Power, Term, constant

    home = population(load("zhao2025", sigma=0.002).only("fit"), 2)
    parent = next(f for f in home.members.values() if len(f.form.kinds) == 2)
    more = Option(
        Move(
            "add", "add N", lambda d: (*parent.form.body, Term(constant(d.new(AMPLITUDE)), (Power("N", constant(0)),)))
        )
    )
    assert more.take(parent.sketch(), home.alphabet.level, 2) is None
    assert more.barred


def test_a_constant_that_changes_nothing_costs_nothing_and_nobody_is_warned(zhao):
    bench, guide = zhao
    parent = fitted(bench, "chinchilla")
    slopes, residuals = guide.slopes(parent)
    exponent = next(i for i, kind in enumerate(parent.form.kinds) if kind.tag == "p")

    class Flat:
        """The same guide, but for one constant of which nothing depends."""

        root = guide.root

        def slopes(self, _):
            changed = slopes.copy()
            changed[:, exponent] *= 1e-200
            return changed, residuals

    flat = Flat()
    flat.bench = bench
    costs = [loss.cost for loss in losses(flat, parent) if loss.of == {exponent} and loss.group == "snap"]
    assert costs
    assert max(costs) == 0.0


def test_when_what_was_met_is_forgotten_everybody_may_breed_again(monkeypatch):
    home = population(load("zhao2025", sigma=0.002).only("fit"), 2)
    home.barren = set(home.members)
    monkeypatch.setattr(sys.modules[Population.__module__], "MET", 1)
    home.consider([])
    assert not home.barren
