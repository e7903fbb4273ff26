"""The vocabulary of quantities and the rules between them."""

import numpy as np
import pytest

from formsearch.exceptions import UnknownNameError
from formsearch.quantities import QUANTITIES, RULES, quantity, rule_for
from formsearch.testing.domains import TYPICAL, typical


def test_names_units_and_meanings_are_complete() -> None:
    for name, q in QUANTITIES.items():
        assert q.name == name
        assert q.unit
        assert q.meaning
        assert q.low <= q.high


def test_domains() -> None:
    assert quantity("N").admits(np.array([1.0, 0.0, -1.0, np.nan, np.inf])).tolist() == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert quantity("shared_ratio").admits(np.array([0.0, 1.0, 1.1])).tolist() == [True, True, False]
    assert quantity("score").admits(np.array([-5.0, 0.0, np.nan])).tolist() == [True, True, False]
    assert quantity("N").domain == "> 0"
    assert quantity("sparsity").domain == ">= 0 and <= 1"
    assert quantity("score").domain == "finite"


def test_shares_and_factors_of_ones_own() -> None:
    assert quantity("proportion_3").high == 1.0
    assert quantity("user_heads").open_low
    with pytest.raises(UnknownNameError, match=r"unknown quantity 'heads'.*user_heads"):
        quantity("heads")
    with pytest.raises(UnknownNameError, match="did you mean 'N_active'"):
        quantity("N_activ")


def test_every_quantity_has_a_plausible_range_inside_its_domain() -> None:
    for name, q in QUANTITIES.items():
        low, high = typical(name)
        assert low < high
        assert q.admits(np.array([low, high])).all(), name
    assert set(TYPICAL) <= set(QUANTITIES)


def test_rules_name_quantities_and_compute_their_formula() -> None:
    values = {"N": 1e9, "N_active": 2e8, "D": 2e10, "C": 1.2e20, "active_experts": 8.0, "weight_sparsity": 0.5,
              "activation_ratio": 0.2, "vocab_size": 32000.0, "width": 1024.0, "characters": 1e11}  # fmt: skip
    for rule in RULES:
        assert {rule.quantity, *rule.needs} <= set(QUANTITIES)
        assert rule.assumption
        computed = rule.compute(*(np.array([values[n]]) for n in rule.needs))
        names = {**values, "ln": np.log, "__builtins__": {}}
        assert computed[0] == pytest.approx(eval(rule.formula, names), rel=1e-12), str(rule)
        assert quantity(rule.quantity).admits(computed).all()


def test_the_first_rule_whose_needs_are_present_wins() -> None:
    rule = rule_for("C", {"N", "N_active", "D"})
    assert rule is not None
    assert rule.needs == ("N_active", "D")
    dense = rule_for("C", {"N", "D"})
    assert dense is not None
    assert "dense" in dense.assumption
    assert rule_for("C", {"N"}) is None
