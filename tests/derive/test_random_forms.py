"""For random forms a derivation comes back in time, and no closed form disagrees with the numeric minimum."""

import time
from collections.abc import Callable

import pytest

from formsearch.derive import derive
from formsearch.law import Law
from tests.derive.forms import random_form
from tests.derive.grammar_forms import grammar_form

SECONDS = 20.0
TOLERANCE = 1e-6

Draw = Callable[[int], tuple[Law, dict[str, float]]]


def _check(draw: Draw, seed: int) -> tuple[int, int]:
    """(closed forms found, optima found) of one form, after checking every promise."""
    law, constants = draw(seed)
    started = time.process_time()  # the machine's other work is not ours
    d = derive(law, constants=constants)
    assert time.process_time() - started < SECONDS, law.formula
    assert d.ok, (law.formula, [s for s in d.steps if not s.check.passed])
    closed = 0
    for r in d.optima.values():
        if r.expression is not None:
            closed += 1
            assert r.check.difference is None or r.check.difference <= TOLERANCE, (law.formula, r)
    return closed, len(d.optima)


@pytest.mark.parametrize("seed", range(5))
def test_a_few_random_forms(seed: int) -> None:
    _check(random_form, seed)


@pytest.mark.parametrize("seed", range(4))
def test_a_few_forms_of_the_search(seed: int) -> None:
    _check(grammar_form, seed)


@pytest.mark.slow
def test_two_hundred_forms_of_the_search() -> None:
    found = [_check(grammar_form, seed) for seed in range(1000, 1200)]
    closed, optima = (sum(column) for column in zip(*found, strict=True))
    assert optima > 40  # the forms are not trivial
    assert closed > 0.25 * optima


@pytest.mark.slow
def test_two_hundred_random_forms() -> None:
    found = [_check(random_form, seed) for seed in range(1000, 1200)]
    closed, optima = (sum(column) for column in zip(*found, strict=True))
    assert optima > 150
    assert closed > 0.8 * optima
