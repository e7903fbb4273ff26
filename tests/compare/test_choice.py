"""Which law to use: extrapolation decides who is eligible, the training rows among those it cannot tell apart."""

from dataclasses import replace

import numpy as np
import pytest

from formsearch.compare import compare
from formsearch.data import load
from formsearch.points import Points


@pytest.fixture(scope="module")
def ladder():
    laws = ["zhao2025_eq4", "zhao2025_eq7", "zhao2025_eq9", "zhao2025"]
    return compare(load("zhao2025"), laws, seed=0)


def test_the_true_form_is_chosen_among_laws_that_the_test_rows_cannot_tell_apart(ladder) -> None:
    assert ladder.confidence is not None
    assert set(ladder.confidence.members) == {"zhao2025", "zhao2025_eq9"}
    assert ladder.best == "zhao2025"
    assert any("zhao2025 is the law to use" in s and "BIC lower" in s for s in ladder.sentences)


def test_nested_forms_rank_by_fit_and_by_information(ladder) -> None:
    order = ["zhao2025", "zhao2025_eq9", "zhao2025_eq7", "zhao2025_eq4"]
    table = ladder.table.set_index("law")
    assert list(table.sort_values("train_rmse").index) == order
    assert list(table.sort_values("bic").index) == order
    assert table.loc["zhao2025", "mae"] < 0.0068


def test_a_law_outside_the_confidence_set_is_never_chosen() -> None:
    # Eq. 4 alone with Eq. 7: the test rows tell them apart, so BIC has no say.
    board = compare(load("zhao2025"), ["zhao2025_eq4", "zhao2025_eq7"], seed=0)
    assert board.confidence is not None
    assert board.confidence.members == ("zhao2025_eq7",)
    assert board.best == "zhao2025_eq7"


def test_a_form_pays_for_the_search_that_chose_it(ladder) -> None:
    """BIC lower by 44 against Eq. 9: a search among few forms leaves that, one among 1e12 (55) does not."""
    assert replace(ladder, searched={"zhao2025": 1000}).best == "zhao2025"
    charged = replace(ladder, searched={"zhao2025": 10**12})
    assert charged.best == "zhao2025_eq9"
    assert [s.law.name for s in charged.leading(2)] == ["zhao2025_eq9", "zhao2025"]
    told = replace(ladder, searched={"zhao2025": 1000}).sentences[0]
    assert "BIC lower by 30.6, zhao2025 charged for being chosen among 1,000 forms" in told


def test_one_form_under_three_names_is_one_leader_the_oldest() -> None:
    rng = np.random.default_rng(0)
    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(5e7, 2e9, 6), np.geomspace(1e9, 3e10, 6)))
    loss = 1.8 + 400 * n**-0.34 + 400 * d**-0.28 + rng.normal(0, 0.003, n.size)
    points = Points(loss, {"N": n, "D": d}, name="one form")
    for laws in (["zhao2025_eq4", "krajewski2024_dense", "kaplan2020", "chinchilla"], ["chinchilla", "zhao2025_eq4"]):
        board = compare(points, laws, resamples=200)
        assert board.best == board.labels[0] == "chinchilla"
        assert [s.label for s in board.leading()] == ["chinchilla"]
    assert board.labels == ("chinchilla", "zhao2025_eq4")
