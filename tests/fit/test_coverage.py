"""The intervals cover what they claim to: 200 simulated data sets of the seed's design."""

import pytest

from benchmarks.coverage import QUANTITIES, coverage


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pairs", "residual", "wild"])
def test_intervals_of_90_percent_hold_the_truth_in_85_to_95_percent_of_data_sets(kind: str) -> None:
    found = coverage(sets=200, resamples=500, sigma=0.0071, kind=kind)
    assert set(found) == set(QUANTITIES) == {"G_opt", "S_opt", "alpha", "far loss"}
    for quantity, (share, _) in found.items():
        assert 0.85 <= share <= 0.95, quantity
