"""The ladder of nested forms on simulated losses: the numbers that the documentation prints."""

from pathlib import Path

import pytest

from benchmarks.zhao_ladder import LADDER, TITLES, ladder, page

EXPECTED = {"zhao2025_eq4": 0.0159, "zhao2025_eq7": 0.0107, "zhao2025_eq9": 0.0071, "zhao2025": 0.0061}
"""Means over 40 draws, each +-.0005, from a refit independent of this package."""

DOCUMENT = Path(__file__).parents[2] / "docs" / "ladder.md"

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
    text = page(noisy, noisy)
    assert "SIMULATED" in text
    assert text.count("\n|") == 2 + len(TITLES)


@pytest.mark.slow
def test_forty_draws_give_the_ladder() -> None:
    noisy = ladder(range(40))
    for name, error in EXPECTED.items():
        assert noisy.errors[name].mean() == pytest.approx(error, abs=0.0005)
    means = [noisy.errors[name].mean() for name in LADDER]
    assert means == sorted(means)
    assert noisy.ranked >= 30
    documented = DOCUMENT.read_text()
    for name, title in TITLES.items():
        if not noisy.runaway[name]:
            row = next(line for line in documented.splitlines() if line.startswith(f"| {title} |"))
            assert float(row.split("|")[3]) == pytest.approx(noisy.errors[name].mean(), abs=6e-5)
    assert noisy.errors["krajewski2024"].mean() == pytest.approx(noisy.errors["zhao2025_eq4"].mean(), abs=0.0005)
    assert noisy.runaway["krajewski2024"] == 0
    assert noisy.runaway["krajewski_free"] > 35
