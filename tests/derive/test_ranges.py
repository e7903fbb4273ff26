"""Ranges within a threshold, practical sizes, sensitivities, equivalents, crossings."""

import numpy as np
import pytest

import formsearch as fs
from formsearch.derive import derive
from formsearch.derive.equal import crossings, equivalent, indifference
from formsearch.derive.naming import with_names
from formsearch.derive.optimum import optimum
from formsearch.derive.practical import at_a_price, stepwise
from formsearch.derive.problem import make_problem
from formsearch.derive.ranges import within
from formsearch.derive.reference import MODELS
from formsearch.derive.sensitivity import elasticities, interactions, rate_of_substitution
from formsearch.exceptions import InputError, NotApplicableError

ZHAO = fs.laws["zhao2025"]
CONSTANTS = dict(ZHAO.published["zhao2025"].constants)


def test_range_in_closed_form_and_by_bracketing() -> None:
    d = derive(ZHAO, "published", "G", settings={"N": 671e9, "Na": 37e9, "D": 1e13, "S": 0.31}, threshold=0.001)
    low, high = d["G_low"], d["G_high"]
    assert (low.value, high.value) == pytest.approx((4.1993, 10.9398), abs=5e-5)
    assert low.expression is not None
    assert high.check.difference is not None
    assert high.check.difference < 1e-9
    assert {str(s) for s in low.full.free_symbols} >= {"e", "f", "t"}


def test_range_is_clipped_to_the_domain() -> None:
    problem, _ = with_names(make_problem(ZHAO, CONSTANTS))
    outcome = optimum(problem, "S", 2.0)
    wide = within(problem, outcome, 1.0, {"N": 1e10, "Na": 1e9, "D": 1e11, "G": 7})
    assert (wide.low, wide.high) == pytest.approx((0, 1), abs=1e-6)
    assert wide.inward(0.01) == pytest.approx((0.0, 1.0), abs=0.011)


def test_range_needs_settings_and_a_positive_threshold() -> None:
    problem, _ = with_names(make_problem(ZHAO, CONSTANTS))
    outcome = optimum(problem, "G", 2.0)
    with pytest.raises(InputError, match="needs values for N, Na: add"):
        within(problem, outcome, 0.001)
    with pytest.raises(InputError, match="threshold must be positive"):
        within(problem, outcome, 0.0)


@pytest.mark.parametrize(("threshold", "printed"), [(0.001, [22, 21, 18, 17, 16, 14, 13, 12, 11]),
                                                    (0.005, [9, 9, 7, 7, 7, 6, 6, 5, 5])])  # fmt: skip
def test_stepwise_rule(threshold: float, printed: list[int]) -> None:
    seen = [stepwise(ZHAO, CONSTANTS, "N_active", "N", {"N": m.N, "G": 7, "S": 0.31, "D": 1e13}, threshold)
            for m in MODELS]  # fmt: skip
    assert [round(100 * s) for s in seen] == printed


def test_continuous_rule_is_the_stepwise_one_for_small_steps() -> None:
    """A threshold per step of a share s of N is a price of threshold/(s*N) per parameter, as s goes to zero."""
    outcome = at_a_price(ZHAO, CONSTANTS, "N_active")
    assert outcome.kind == "closed"
    assert outcome.result.check.difference is not None
    assert outcome.result.check.difference < 1e-9
    total, share, threshold = 100e9, 1e-4, 1e-5
    full = outcome.result.full
    price = threshold / (share * total)
    numbers = {**CONSTANTS, "N": total, "G": 7.0, "S": 0.31, "price": price}
    value = float(full.subs({s: numbers[str(s)] for s in full.free_symbols}))
    settings = {"N": total, "G": 7, "S": 0.31, "D": 1e13}
    assert stepwise(ZHAO, CONSTANTS, "Na", "N", settings, threshold, share) == pytest.approx(value / total, abs=2e-4)


def test_elasticities_are_logarithmic_derivatives() -> None:
    at = {"N": 1e10, "Na": 2e9, "D": 1e11, "G": 8.0, "S": 0.2}
    table = elasticities(ZHAO, "published", at)
    base = ZHAO.evaluate({k: [v] for k, v in at.items()}, CONSTANTS)[0]
    for name, seen in zip(table.column("variable"), table.column("elasticity"), strict=True):
        up = ZHAO.evaluate({k: [v * (1 + 1e-6 * (k == name))] for k, v in at.items()}, CONSTANTS)[0]
        assert seen == pytest.approx((up - base) / base / 1e-6, rel=1e-3)


def test_interactions() -> None:
    found = {r.symbol: r for r in interactions(ZHAO, "published")}
    assert found["d2L/dNdD"].expression == 0
    assert found["d2L/dNdNa"].remarks == ("negative: they help each other",)
    assert str(found["d2L/dNdNa"].expression) == "-A*h/N**2"
    skaling = {"A": 101.95, "alpha": 0.3874, "B": 739.0, "beta": 0.4210, "k": 0.4902, "E": 0.2728}
    mixed = interactions(fs.laws["skaling2026"], skaling)[0]
    assert mixed.remarks == ("negative: they help each other",)
    assert mixed.check.kind == "proved"


def test_rate_of_substitution_follows_an_indifference_curve() -> None:
    law = fs.laws["chinchilla"]
    at = {"N": 1e10, "D": 2e11}
    constants = law.published["hoffmann2022"].constants
    target = law.evaluate({k: [v] for k, v in at.items()}, constants)[0]
    rate = rate_of_substitution(law, "hoffmann2022", "D", "N", at).value
    curve = indifference(law, "hoffmann2022", float(target), "N", "D", [1e10, 1e10 * (1 + 1e-5)])
    (_, d0), (_, d1) = curve.rows
    assert d0 == pytest.approx(2e11, rel=1e-9)
    assert -(d1 - d0) / (1e10 * 1e-5) == pytest.approx(rate, rel=1e-3)


def test_effective_parameters() -> None:
    sparse = equivalent(fs.laws["frantar2023"], "published", "N", {"N": 1e9, "S": 0.75, "D": 1e11}, {"S": 0})
    assert sparse.value / 1e9 == pytest.approx(2.160, abs=5e-4)
    assert sparse.check.difference is not None
    assert sparse.check.difference < 1e-9
    clark = equivalent(fs.laws["clark2022"], "s_base_refit", "N_dense", {"N": 5e6, "E": 128}, {"E": 1})
    assert clark.value == pytest.approx(55e6, rel=0.01)
    assert clark.expression is not None


def test_clark_cutoff_and_tian_granularity() -> None:
    clark = derive(fs.laws["clark2022"], "published")["N where E turns"]
    assert str(clark.expression) == "10**(-b/c)"
    assert clark.value == pytest.approx(1e12, rel=1e-9)
    tian = derive(fs.laws["tian2025"], "published")["granularity_width"]
    assert str(tian.expression) == "2**(-beta/(2*gamma))"
    assert tian.kind == "maximum"
    assert tian.value == pytest.approx(11.34, abs=5e-3)
    assert "C where A turns" in [r.symbol for r in derive(fs.laws["tian2025"], "published").results]


def test_gadre_and_abnar() -> None:
    gadre = derive(fs.laws["gadre2024"])["M"]
    assert str(gadre.expression) == "(b/a)**(1/(2*eta))"
    assert "independent of C" in gadre.independence


def test_crossings_of_two_settings_and_of_two_laws() -> None:
    law, constants = ZHAO, CONSTANTS
    small = {"Na": 1e9, "D": 1e11, "G": 7.0, "S": 0.3}
    large = {**small, "Na": 9e9}
    table = crossings((law, constants, small), (law, constants, large), "N")
    for n, value, _ in table.rows:
        a = law.evaluate({**{k: [v] for k, v in small.items()}, "N": [n]}, constants)[0]
        b = law.evaluate({**{k: [v] for k, v in large.items()}, "N": [n]}, constants)[0]
        assert a == pytest.approx(b, rel=1e-9)
        assert value == pytest.approx(a, rel=1e-9)
    assert len(table.rows) == 1
    with pytest.raises(NotApplicableError, match="nothing to compare"):
        crossings((fs.laws["tian2025"], "published", {}), (law, constants, small), "C")


def test_monotone_claims_of_the_authors_are_compared() -> None:
    d = derive(fs.laws["zhao2025"], "published")
    assert d.warnings == ()
    assert any(str(c.relation) == "n < 0" for c in d.assumptions)


class _Draws:
    """Resamples of Zhao's constants with one per cent of noise, as a fit's bootstrap gives them."""

    names = tuple(CONSTANTS)
    constants = np.asarray(list(CONSTANTS.values())) * (
        1 + 0.01 * np.random.default_rng(0).standard_normal((60, len(CONSTANTS)))
    )


AT = {"N": 671e9, "Na": 37e9, "D": 1e13, "G": 7.0, "S": 0.31}


def test_practical_sizes_come_with_a_threshold() -> None:
    """Table 4's practical optimum, and the continuous rule at the price of a step, which lies below it."""
    at = {"N": 671e9, "G": 7, "S": 0.31}
    d = derive(ZHAO, CONSTANTS, "Na", settings=at, threshold=0.001, resamples=_Draws)
    steps, price = d["Na/N by steps"], d["Na/N at a price"]
    assert steps.value == pytest.approx(0.12)
    assert price.value == pytest.approx(0.10994, abs=5e-6)
    assert price.interval is not None
    assert price.interval[0] < price.value < price.interval[1]
    table = derive(ZHAO, CONSTANTS, "Na", settings={"G": 7, "S": 0.31}, threshold=0.005).table("practical_by_model")
    assert table.column("by steps (%)") == pytest.approx([9, 9, 7, 7, 7, 6, 6, 5, 5])


def test_every_number_has_an_interval() -> None:
    """With resamples: ranges, ratios by model, frontier, floor, growth, sensitivities, equivalents, crossings."""
    at = {k: v for k, v in AT.items() if k != "G"}
    d = derive(ZHAO, CONSTANTS, "G", settings=at, threshold=0.001, resamples=_Draws)
    assert all(d[s].interval is not None for s in ("G", "G_low", "G_high"))
    d = derive(ZHAO, CONSTANTS, "Na", settings={"G": 7, "S": 0.31}, resamples=_Draws)
    low, high = (d.table("ratio_by_model").column(c) for c in ("low (%)", "high (%)"))
    assert all(a < b for a, b in zip(low, high, strict=True))
    d = derive(ZHAO, CONSTANTS, None, "C = 6*Na*D", {"N": 1e12, "G": 7, "S": 0.31, "C": 1e24}, resamples=_Draws)
    assert all(r.interval is not None for r in d.results if r.value is not None)
    table = d.table("frontier")
    assert len(table.rows) == 5
    for name in ("Na", "D", "L"):
        rows = zip(table.column(f"{name} low"), table.column(name), table.column(f"{name} high"), strict=True)
        assert all(a < b < c for a, b, c in rows)
    answers = elasticities(ZHAO, CONSTANTS, AT, _Draws)
    rows = zip(answers.column("low"), answers.column("elasticity"), answers.column("high"), strict=True)
    assert all(a <= b <= c for a, b, c in rows)
    assert rate_of_substitution(ZHAO, CONSTANTS, "D", "Na", AT, _Draws).interval is not None
    assert any(r.interval is not None for r in interactions(ZHAO, CONSTANTS, AT, _Draws))
    same = equivalent(ZHAO, CONSTANTS, "D", AT, {"Na": 74e9}, resamples=_Draws)
    assert same.interval is not None
    assert same.interval[0] < same.value < same.interval[1]
    here = {k: AT[k] for k in ("Na", "D", "G", "S")}
    table = crossings((ZHAO, CONSTANTS, {**here, "Na": 1e9}), (ZHAO, CONSTANTS, {**here, "Na": 9e9}), "N", _Draws)
    (row,) = table.rows
    assert row[1] < row[0] < row[2]
    curve = indifference(ZHAO, CONSTANTS, 2.2, "Na", "D", [3e10], {"N": 671e9, "G": 7, "S": 0.31}, _Draws)
    (row,) = curve.rows
    assert row[2] < row[1] < row[3]
