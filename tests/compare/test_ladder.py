"""The ladder of nested forms on simulated losses: the numbers that the documentation prints."""

import pytest

from benchmarks.zhao_ladder import LADDER, ladder, table

EXPECTED = {"zhao2025_eq4": 0.0159, "zhao2025_eq7": 0.0107, "zhao2025_eq9": 0.0071, "zhao2025": 0.0061}
"""Means over 40 draws, each +-.0005, from a refit independent of this package."""

EXACT = {"zhao2025_eq4": 0.0152, "zhao2025_eq7": 0.0082, "zhao2025_eq9": 0.0039, "zhao2025": 0.0}
"""The same without noise: what each form cannot express."""


def test_without_noise_the_forms_miss_what_they_cannot_express() -> None:
    exact = ladder([0], sigma=0.0)
    for name, error in EXACT.items():
        assert exact.errors[name][0] == pytest.approx(error, abs=6e-5)


def test_three_draws_are_near_the_mean_of_forty() -> None:
    noisy = ladder(range(3))
    for name, error in EXPECTED.items():
        assert noisy.errors[name].mean() == pytest.approx(error, abs=0.0008)
        assert noisy.runaway[name] == 0
    text = table(noisy, noisy)
    assert "SIMULATED" in text
    assert text.count("\n|") >= 8


@pytest.mark.slow
def test_forty_draws_give_the_ladder() -> None:
    noisy = ladder(range(40))
    for name, error in EXPECTED.items():
        assert noisy.errors[name].mean() == pytest.approx(error, abs=0.0005)
    means = [noisy.errors[name].mean() for name in LADDER]
    assert means == sorted(means)
    assert noisy.ranked >= 30
    assert noisy.errors["krajewski_bounded"].mean() == pytest.approx(noisy.errors["zhao2025_eq4"].mean(), abs=0.0005)
