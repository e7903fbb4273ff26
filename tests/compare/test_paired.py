"""Paired tests, Holm's correction and the model confidence set hold their levels and agree with other roads."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from formsearch.compare.confidence_set import confidence_set
from formsearch.compare.paired import FoldMeans, Pair, compare_pairs, corrected_resampled_t, holm
from formsearch.compare.resampling import bootstrap_means, row_means
from formsearch.compare.scores import METRICS
from formsearch.compare.words import better_sentence, plus_minus, significant, tie_sentence, verdicts


def means_of(penalties: np.ndarray, metric: str = "mae", resamples: int = 4000, cluster=None, seed: int = 0):
    n = len(penalties)
    return bootstrap_means(
        {metric: penalties}, metric, np.ones(n), np.arange(n) if cluster is None else cluster, resamples, seed
    )


def correlated(n: int = 60, seed: int = 11, gaps: tuple[float, ...] = (0, 0.02, 0.05, 0.12, 0.3)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    base = rng.gamma(2.0, 0.5, size=n)
    return np.column_stack([np.abs(base + rng.normal(0, 0.25, n) + gap) for gap in gaps])


def test_bootstrap_error_of_a_difference_is_the_paired_t_error() -> None:
    table = correlated()
    (pair, *_) = compare_pairs(list("abcde"), means_of(table, resamples=20_000))
    first, second = ("abcde".index(x) for x in (pair.better, pair.worse))
    d = table[:, second] - table[:, first]
    assert pair.difference == pytest.approx(d.mean())
    assert pair.error == pytest.approx(d.std(ddof=1) / np.sqrt(60), rel=0.02)
    assert pair.p == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.02)
    assert pair.ratio == pytest.approx(table[:, second].mean() / table[:, first].mean())


def test_few_rows_are_treated_as_students_t_does() -> None:
    # Eight differences: Student's interval covers, plain percentiles would be a third too narrow.
    rng = np.random.default_rng(4)
    covered = []
    for i in range(400):
        table = np.column_stack([np.full(8, 2.0), 3 + rng.normal(0, 0.5, 8)])
        pair = compare_pairs(["a", "b"], means_of(table, resamples=1000, seed=i))[0]
        sign = 1 if pair.better == "a" else -1
        covered.append(pair.low <= sign <= pair.high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)


def test_four_rows_prove_nothing_and_one_row_even_less() -> None:
    table = np.array([[1.0, 2.0], [1.1, 2.1], [0.9, 2.2], [1.0, 2.3]])
    assert compare_pairs(["a", "b"], means_of(table))[0].p == pytest.approx(2**-3)
    alone = compare_pairs(["a", "b"], means_of(table[:1]))[0]
    assert np.isnan(alone.p)
    assert np.isnan(alone.low)
    assert not alone.distinct()


def test_p_is_uniform_when_two_laws_are_equally_good() -> None:
    rng = np.random.default_rng(5)
    ps = []
    for i in range(300):
        base = rng.exponential(1, (40, 1))
        pairs = compare_pairs(["a", "b"], means_of(base + rng.normal(0, 0.3, (40, 2)), resamples=400, seed=i))
        ps.append(pairs[0].p)
    assert (np.array(ps) < 0.05).mean() == pytest.approx(0.05, abs=0.03)
    assert stats.kstest(ps, "uniform").pvalue > 0.01


def test_rows_tested_several_times_count_once() -> None:
    table = np.array([[1.0], [3.0], [10.0]])
    means, rows = row_means(table, np.array([4, 4, 7]))
    assert rows.tolist() == [4, 7]
    assert means.ravel().tolist() == [2.0, 10.0]


def test_rows_of_one_cluster_are_redrawn_together() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(5, 1, 30), 10)[:, None]
    by_row = means_of(values).redrawn["mae"].std()
    by_run = means_of(values, cluster=np.repeat(np.arange(30), 10)).redrawn["mae"].std()
    assert by_run == pytest.approx(by_row * np.sqrt(10), rel=0.1)


def test_weights_make_a_weighted_mean() -> None:
    table = np.array([[1.0], [4.0]])
    means = bootstrap_means({"mae": table}, "mae", np.array([3.0, 1.0]), np.arange(2), 100, 0)
    assert means.observed["mae"][0] == pytest.approx(1.75)


def test_rmse_is_the_root_of_redrawn_mean_squares() -> None:
    e = np.random.default_rng(1).normal(0, 1, (50, 2))
    means = means_of(METRICS["rmse"].penalty(np.zeros((50, 2)), e), "rmse")
    assert means.observed["rmse"] == pytest.approx(np.sqrt((e**2).mean(axis=0)))
    observed, redrawn = means.penalties()
    assert observed == pytest.approx((e**2).mean(axis=0))
    assert redrawn.mean(axis=0) == pytest.approx(observed, rel=0.05)


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    adjusted = holm([0.5, float("nan"), 0.9])
    assert adjusted[[0, 2]].tolist() == [1.0, 1.0]
    assert np.isnan(adjusted[1])


def test_corrected_resampled_t_by_hand() -> None:
    d = np.array([0.1, 0.3, 0.2, 0.4])
    error, half, p = corrected_resampled_t(d, 0.25)
    assert error == pytest.approx(np.sqrt((1 / 4 + 0.25) * d.var(ddof=1)))
    assert p == pytest.approx(2 * stats.t.sf(0.25 / error, 3))
    # The interval and the test are one statement: at level 1 - p the interval ends at zero.
    assert corrected_resampled_t(d, 0.25, level=1 - p)[1] == pytest.approx(0.25)
    assert half > corrected_resampled_t(d, 0.25, level=0.8)[1]
    assert np.isnan(corrected_resampled_t(np.array([1.0]), 0.2)[2])
    assert corrected_resampled_t(np.zeros(3), 0.2)[2] == 1.0


def test_random_folds_decide_by_the_corrected_t() -> None:
    table = correlated()
    folds = FoldMeans(table[:, :2].reshape(6, 10, 2).mean(axis=1), 0.2)
    pair = compare_pairs(["a", "b"], means_of(table[:, :2]), folds=folds)[0]
    assert pair.test == "corrected resampled t"
    sign = 1 if pair.better == "a" else -1
    assert pair.p == corrected_resampled_t(sign * (folds.errors[:, 1] - folds.errors[:, 0]), 0.2)[2]


def test_a_law_that_fails_badly_on_few_rows_is_worse_although_its_error_is_uncertain() -> None:
    rng = np.random.default_rng(2)
    table = rng.exponential(0.006, (88, 2))
    table[:, 1] += 0.01
    table[:3, 1] = 1500.0
    means = means_of(table)
    pair = compare_pairs(["good", "wild"], means)[0]
    assert pair.error > 0.4 * pair.difference
    assert pair.low > 0
    assert pair.p < 0.001
    assert confidence_set(["good", "wild"], *means.penalties()).p["wild"] > 0.05
    assert confidence_set(["good", "wild"], *means.penalties(), hopeless=["wild"]).members == ("good",)
    assert confidence_set(["good", "wild"], *means.penalties(), hopeless=["good", "wild"]).p["good"] == 1.0


def test_laws_that_agree_to_rounding_are_equal_not_significantly_different() -> None:
    table = correlated()[:, [0, 0, 4]]
    table[:, 1] *= 1 + 1e-13
    means = means_of(table)
    pairs = {(p.better, p.worse): p for p in compare_pairs(["a", "b", "c"], means)}
    assert pairs["a", "b"].p == 1.0
    assert not pairs["a", "b"].distinct()
    assert pairs["a", "c"].distinct()
    chosen = confidence_set(["a", "b", "c"], *means.penalties())
    assert chosen.members == ("a", "b")


def test_confidence_set_agrees_with_the_arch_package() -> None:
    # arch 8.0 `MCS(method="R", block_size=1, reps=20000)` on the same table: .416, 1, .119, .00275, 0.
    chosen = confidence_set(list("abcde"), *means_of(correlated(), resamples=20_000).penalties())
    assert [chosen.p[x] for x in "abcde"] == pytest.approx([0.416, 1.0, 0.119, 0.00275, 0.0], abs=0.02)
    assert chosen.members == ("a", "b", "c")


def test_confidence_set_holds_the_best_law_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    held, all_equal = 0, 0
    for i in range(200):
        noise = rng.normal(0, 1, (80, 4))
        equal = confidence_set(list("abcd"), *means_of(5 + noise, resamples=300, seed=i).penalties())
        all_equal += len(equal.members) == 4
        held += (
            "a"
            in confidence_set(
                list("abcd"), *means_of(5 + noise + [0, 0.1, 0.2, 2], resamples=300, seed=i).penalties()
            ).members
        )
    assert all_equal / 200 == pytest.approx(0.9, abs=0.06)
    assert held / 200 >= 0.9


def test_a_constant_difference_is_certain() -> None:
    table = np.linspace(1, 2, 20)[:, None] + np.array([0.0, 0.5])
    chosen = confidence_set(["a", "b"], *means_of(table).penalties())
    assert chosen.members == ("a",)
    assert chosen.p == {"a": 1.0, "b": 0.0}


def test_words_for_ties_and_wins() -> None:
    rng = np.random.default_rng(9)
    base = 0.004 + rng.exponential(0.003, (88, 1))
    table = base + np.column_stack([np.zeros(88), rng.normal(0.0, 0.0015, 88), np.full(88, 0.004)])
    means = means_of(table)
    names = ["eq11", "eq9", "eq4"]
    pairs = compare_pairs(names, means)
    lines = verdicts([pairs[0].better, pairs[0].worse, "eq4"], [], pairs, METRICS["mae"], 0.95,
                     confidence_set(names, *means.penalties()))  # fmt: skip
    by_name = {(p.better, p.worse): p for p in pairs}
    best = pairs[0].better
    assert {p.better for p in pairs[:2]} == {best}
    tie = tie_sentence(by_name[pairs[0].better, pairs[0].worse], METRICS["mae"])
    assert tie in lines
    assert "cannot be told apart on these points (difference 0.000" in tie
    assert " ± 0.000" in tie
    win = better_sentence(by_name[best, "eq4"], METRICS["mae"])
    assert win in lines
    assert f"{best} beats eq4: mean absolute error" in win
    assert lines[0].endswith("eq11, eq9") or lines[0].endswith("eq9, eq11")


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (0.000312, 0.000491, "0.00031 ± 0.00049"),
        (0.25, 0, "0.250"),
        (12.3, 4.56, "12.3 ± 4.6"),
        (1e-16, 3e-16, "1.0e-16"),
        (4e-3, 4.8e-18, "0.00400"),
    ],
)
def test_plus_minus_follows_the_half_width(value: float, half: float, text: str) -> None:
    assert plus_minus(value, half).startswith(text)


def test_a_tie_that_only_the_correction_makes_is_explained() -> None:
    pair = Pair("a", "b", "mae", 0.0073, 0.0017, 0.0129, 0.0028, 1.6, 1.1, 2.1, "paired bootstrap", 0.01, 0.09)
    text = tie_sentence(pair, METRICS["mae"])
    assert text.endswith("(difference 0.0073 ± 0.0056, p = 0.09 corrected for all pairs)")
    assert "corrected" not in tie_sentence(replace(pair, low=-0.001), METRICS["mae"])


def test_significant_digits() -> None:
    assert [significant(x) for x in (0.00612, 12345.6, 1.5e-9, float("nan"), 0.0)] == [
        "0.00612", "12346", "1.50e-09", "-", "0",
    ]  # fmt: skip
