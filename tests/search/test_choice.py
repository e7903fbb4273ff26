"""Which of the accepted forms is put first."""

import time
from dataclasses import replace

import numpy as np
import pytest

from formsearch.points import Points
from formsearch.registry import laws
from formsearch.search.accept import Acceptance
from formsearch.search.engine import Config
from formsearch.search.expression import from_law
from formsearch.search.finish import Finalist, Finish
from formsearch.search.judge import folds_of
from formsearch.search.normal import normalise
from formsearch.search.ranking import PRICE, SURPRISE
from formsearch.search.workbench import Candidate, Fitted, Workbench


@pytest.fixture(scope="module")
def finish() -> Finish:
    N, D = (v.ravel() for v in np.meshgrid(np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 1e11, 5), indexing="ij"))
    noise = 0.01 * np.random.default_rng(0).normal(size=30)
    points = Points(1.7 + 400 * N**-0.34 + 410 * D**-0.28 + noise, {"N": N, "D": D}, name="runs")
    folds = tuple(folds_of(points))
    config = Config(("N", "D"), folds=folds)
    return Finish(Workbench(points, ("N", "D"), config.objective, folds, 0), config, None, time.monotonic() + 60)


@pytest.fixture(scope="module")
def fitted(finish: Finish) -> Fitted:
    form = from_law(laws["chinchilla"])
    sketch = normalise(form.body, dict(enumerate(form.kinds)), {}, finish.bench.level)
    (found,) = finish.bench.fit([Candidate(sketch)])
    assert found is not None
    finish.bench.judge([found])
    return found


def finalist(fitted: Fitted, complexity: int, held: float = 1.0) -> Finalist:
    """The form with its errors on held-out rows and its complexity changed."""
    assert fitted.held is not None
    changed = replace(
        fitted,
        complexity=complexity,
        error=fitted.error * held,
        folds=tuple(e * held for e in fitted.folds),
        held=fitted.held * held,
    )
    return Finalist(changed, 1.0, None, Acceptance(True, (), "accepted"))


def mixed(f: Finalist, seed: int = 0) -> Finalist:
    """The form with its errors on held-out rows dealt out anew, so that no paired test can tell it from another."""
    held = f.fitted.held
    assert held is not None
    f.fitted = replace(f.fitted, held=np.random.default_rng(seed).permutation(held))
    return f


def test_of_equal_forms_the_simplest_is_best(finish: Finish, fitted: Fitted) -> None:
    long, short = finalist(fitted, 30), finalist(fitted, 12)
    near, best = finish.choice([long, short])
    assert near == [long, short]
    assert best is short


def test_a_form_that_is_significantly_worse_is_not_tied_with_the_best(finish: Finish, fitted: Fitted) -> None:
    good, bad = finalist(fitted, 20), finalist(fitted, 15, held=1.5)
    assert finish.choice([good, bad]) == ([good], good)


def shifted(finish: Finish, fitted: Fitted, factor: float) -> Fitted:
    """The form with its irreducible constant moved, so that its residuals on all rows are `factor` times as large."""
    values = fitted.values.copy()
    rms = finish.bench.rms(fitted)
    # The mean residual of the fit is zero.
    values[0, fitted.form.kinds.index(finish.bench.level)] += rms * np.sqrt(factor**2 - 1.0)
    moved = replace(fitted, values=values)
    assert finish.bench.rms(moved) == pytest.approx(rms * factor, rel=1e-3)
    return moved


def test_all_rows_and_those_held_out_decide_among_tied_forms(finish: Finish, fitted: Fitted) -> None:
    assert fitted.held is not None
    n, m = 30, len(fitted.held)
    price = PRICE * 10 * np.log(n)
    first = finalist(fitted, 22)
    for share in (0.0, 0.5, 1.0):
        for part, wins in ((0.95, True), (1.05, False)):
            # Ten constants and operators less are worth just errors this much larger.
            rms, held = np.exp(part * share * price / n), np.exp(part * (1.0 - share) * price / m)
            smaller = mixed(finalist(shifted(finish, fitted, rms), 12, held))
            assert (finish.choice([first, smaller])[1] is smaller) == wins


def test_to_predict_better_than_one_fits_is_chance_and_counts_for_nothing(finish: Finish, fitted: Fitted) -> None:
    assert finish.bench.rms(fitted) > 0.5 * fitted.error
    plain, lucky = (mixed(finalist(fitted, 12, held)) for held in (0.5, 0.1))
    lucky.fitted = shifted(finish, lucky.fitted, 1.02)
    assert finish.choice([lucky, plain])[1] is plain


def test_an_odd_form_has_to_be_better_by_the_price_of_a_surprise(finish: Finish, fitted: Fitted) -> None:
    for part, wins in ((0.95, False), (1.05, True)):
        odd, other = finalist(fitted, 12), finalist(fitted, 12)
        odd.fitted = replace(odd.fitted, odd=1)
        other.fitted = shifted(finish, other.fitted, float(np.exp(part * SURPRISE / 30)))
        best = finish.choice([odd, mixed(other)])[1]
        assert (best is odd) == wins


def test_a_form_too_large_for_a_hold_out_is_not_best(finish: Finish, fitted: Fitted) -> None:
    large = finalist(fitted, 5)
    large.fitted = replace(large.fitted, folds=(np.inf, *large.fitted.folds[1:]), error=np.inf)
    plain = finalist(fitted, 12)
    assert finish.choice([large, plain])[1] is plain
    assert finish.choice([large]) == ([large], large)


def test_nothing_accepted_gives_no_best(finish: Finish) -> None:
    assert finish.choice([]) == ([], None)
