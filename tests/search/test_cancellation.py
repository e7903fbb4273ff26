"""Sums of large terms that nearly cancel are told from sums that are what they seem."""

import numpy as np
import pytest

from formsearch.core.objectives import LeastSquares
from formsearch.law import Law, Variable
from formsearch.points import Points
from formsearch.search.cancellation import LARGER, cancellation, cancelling
from formsearch.search.emit import emit, to_centred
from formsearch.search.expression import from_law
from formsearch.search.judge import folds_of
from formsearch.search.workbench import Fitted, Workbench


@pytest.fixture(scope="module")
def bench():
    N, S = np.meshgrid(np.geomspace(5e7, 1e10, 9), np.linspace(0.05, 0.9, 8))
    N, S = N.ravel(), S.ravel()
    points = Points(target=2 + 500 * N**-0.35 * (1 + S), factors={"N": N, "shared_ratio": S})
    return Workbench(points, ("N", "shared_ratio"), LeastSquares(), folds_of(points), 0)


def form_at(bench, formula, **constants):
    """A form at given constants, as if it had been fitted."""
    law = Law("form", formula, tuple(Variable(s, q) for s, q in (("N", "N"), ("S", "shared_ratio")) if s in formula))
    form = from_law(law)
    emitted = emit(form, bench.columns.centres)
    values = to_centred(emitted, np.array([constants[c] for c in law.constant_names]))
    return Fitted(form, values[None, :], 1.0, 10, emitted)


@pytest.mark.parametrize("gap", [1e-3, 1e-6])
def test_two_powers_that_differ_by_a_hair_are_a_logarithm(bench, gap):
    c = 0.2 / gap
    f = form_at(bench, "E + (c*S - d*S**p)/N**alpha", E=2.0, c=c, d=c, p=1 + gap, alpha=0.3)
    check = cancellation(bench, f)
    assert not check.passed
    assert "disguise" in check.sentence
    assert "shared_ratio" in check.sentence


def test_an_exponential_that_does_not_bend_is_a_line(bench):
    f = form_at(bench, "E + (a*exp(k*S) - b)/N**alpha", E=2.0, a=1e6, b=1e6 - 1, k=1e-6, alpha=0.3)
    assert cancelling(bench, f) is not None


def test_a_valley_of_a_logarithm_is_no_cancellation(bench):
    f = form_at(bench, "E + c*(log(N) - a)**2", E=2.0, c=0.01, a=20.0)
    assert cancelling(bench, f) is None


def test_a_quadratic_with_its_minimum_inside_is_no_cancellation(bench):
    f = form_at(bench, "E + (m*S**2 - n*S + h)/N**alpha", E=2.0, m=5.14, n=3.24, h=0.6, alpha=0.3)
    assert cancelling(bench, f) is None
    assert cancellation(bench, f).passed


@pytest.mark.parametrize(("ratio", "found"), [(0.3 * LARGER, False), (3 * LARGER, True)])
def test_the_limit_is_a_ratio_of_sizes(bench, ratio, found):
    # b - b*S**p is at most the first of its terms times -p*log S, which is 3.0 p at the least S.
    p = 1 / (ratio * -np.log(0.05))
    f = form_at(bench, "E + (b - a*S**p)/N**alpha", E=2.0, a=1.0, b=1.0, p=p, alpha=0.3)
    assert (cancelling(bench, f) is not None) == found


def test_parts_that_overflow_are_let_be(bench):
    f = form_at(bench, "E + (a*N + b*S)/N**alpha", E=2.0, a=1e298, b=1e300, alpha=0.3)
    assert cancelling(bench, f) is None
