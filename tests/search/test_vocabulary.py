"""The user's operators hold for every engine; generations hold whatever the clock says."""

import numpy as np
import pytest

from formsearch import Points, laws
from formsearch.exceptions import InputError, UnknownNameError
from formsearch.search import search
from formsearch.search.engine import OPERATORS, UNHURRIED, Config
from formsearch.search.expression import from_law
from formsearch.search.grammar import AMPLITUDE, EXPONENT, UNIT, Apply, Form, Log, Power, Scalar, Term, constant, number
from formsearch.search.native import Native
from formsearch.search.operon.engine import Effort, Operon
from formsearch.search.vocabulary import says

ROWS = 7


def noisy() -> Points:
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(5e7, 1e10, ROWS), np.geomspace(2e9, 2e11, ROWS)))
    exact = laws["chinchilla"].evaluate({"N": N, "D": D}, {"E": 1.7, "A": 400, "B": 410, "alpha": 0.34, "beta": 0.28})
    return Points(exact + np.random.default_rng(0).normal(0, 0.01, len(N)), {"N": N, "D": D}, name="noisy")


X, Y = Power("N", Scalar()), Power("D", Scalar())


def product(*factors, coefficient=UNIT):
    """A sum of one term."""
    return (Term(coefficient, factors),)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (product(coefficient=constant(0)), ""),
        (product(X) + product(Y, coefficient=number(-1.0)), "+"),
        (product(X, Y), "*"),
        (product(X, coefficient=constant(0)), "*"),
        (product(X, coefficient=number(2.0)), "*"),
        (product(coefficient=Scalar(1.0, ((0, 2),))), "*"),
        (product(Power("N", number(2.0))), "*"),
        (product(Power("N", number(-1.0))), "/"),
        (product(Power("N", number(-2.0))), "* /"),
        (product(Power("N", number(0.5))), "pow"),
        (product(Power("N", constant(0))), "pow"),
        (product(Apply("power", (product(X) + product(Y),), constant(1))), "+ pow"),
        (product(Log("N")), "log"),
        (product(Apply("log", (product(X, Y),))), "* log"),
        (product(Apply("exp", (product(X),))), "exp"),
    ],
)
def test_a_form_needs_what_it_is_built_from(body, words) -> None:
    """It is said by exactly these operators, and by none fewer."""
    form, needed = Form(body, (AMPLITUDE, EXPONENT)), words.split()
    assert says(form, needed)
    assert not any(says(form, [o for o in needed if o != left_out]) for left_out in needed)


def test_a_division_is_a_power_and_what_has_no_word_goes_first() -> None:
    assert says(Form(product(Power("N", number(-1.0))), ()), ["pow"])
    larger = Form(product(Apply("max", (product(X), product(Y)))), ())
    assert says(larger, OPERATORS)
    assert not says(larger, [o for o in OPERATORS if o != "exp"])


@pytest.mark.parametrize("engine", [Native(), Operon(Effort(population=100, generations=5, side=1))])
def test_engines_build_from_what_they_are_given(engine) -> None:
    if missing := engine.available():
        pytest.skip(missing)
    allowed = ("+", "*", "log")
    front = search(noisy(), engine=engine, seconds=20, seeds=None, generations=3, operators=allowed)
    assert front.candidates
    assert all(says(from_law(c.law), allowed) for c in front.candidates)
    assert any("log" in c.law.formula for c in front.candidates)


def test_an_engine_says_which_operators_it_cannot_do_without() -> None:
    with pytest.raises(InputError, match=r"native engine builds sums of products.*not only \+ pow"):
        search(noisy(), operators=("+", "pow"))
    with pytest.raises(UnknownNameError, match="sin"):
        search(noisy(), operators=("+", "*", "sin"))


def test_a_counted_search_does_not_look_at_the_clock() -> None:
    slow, fast = (search(noisy(), seconds=s, seeds=None, generations=3, seed=1) for s in (300.0, 0.05))
    assert [(c.law.formula, c.constants, c.accepted) for c in fast.candidates] == [
        (c.law.formula, c.constants, c.accepted) for c in slow.candidates
    ]
    assert fast.best is not None
    assert fast.status == "all generations were run"
    assert Config(("N",), seconds=5.0, generations=2).limit == UNHURRIED
    assert Config(("N",), seconds=5.0).limit == 5.0
