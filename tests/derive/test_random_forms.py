"""For random forms a derivation comes back in time, and no closed form disagrees with the numeric minimum."""

import time

import pytest

from formsearch.derive import derive
from tests.derive.forms import random_form

SECONDS = 20.0
TOLERANCE = 1e-6


def _check(seed: int) -> tuple[int, int]:
    """(closed forms found, optima found) of one form, after checking every promise."""
    law, constants = random_form(seed)
    started = time.monotonic()
    d = derive(law, constants=constants)
    assert time.monotonic() - started < SECONDS, law.formula
    assert d.ok, (law.formula, [s for s in d.steps if not s.check.passed])
    closed = 0
    for r in d.optima.values():
        if r.expression is not None:
            closed += 1
            assert r.check.difference is None or r.check.difference <= TOLERANCE, (law.formula, r)
    return closed, len(d.optima)


@pytest.mark.parametrize("seed", range(12))
def test_a_few_random_forms(seed: int) -> None:
    _check(seed)


@pytest.mark.slow
def test_two_hundred_random_forms() -> None:
    found = [_check(seed) for seed in range(1000, 1200)]
    closed, optima = (sum(column) for column in zip(*found, strict=True))
    assert optima > 150  # the forms are not trivial
    assert closed > 0.8 * optima
