"""Laws as data: what a declaration refuses, evaluation, binding to points, variants, keys."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sympy

from formsearch import laws
from formsearch.exceptions import FormulaError, InputError, NotApplicableError, UnknownNameError
from formsearch.law import Constant, Law, Published, Start, Variable, formula_text, positive
from formsearch.points import Points

CHINCHILLA = laws["chinchilla"]
N, D = Variable("N", "N"), Variable("D", "D")


def test_undeclared_names_become_free_constants_in_order_of_appearance() -> None:
    law = Law("mine", "b*N**-a + E + c*D", (N, D), (positive("E"),))
    assert law.constant_names == ("b", "a", "E", "c")
    assert law.constant("E").lower == 0
    assert law.constant("b").lower == -math.inf
    assert law.quantities == ("N", "D")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "2fast"}, InputError, "must start with a letter"),
        ({"name": "a law"}, InputError, "must start with a letter"),
        ({"formula": "a*N"}, FormulaError, r"variables \['D'\] do not occur"),
        ({"constants": (Constant("q"),)}, FormulaError, r"constants \['q'\] do not occur"),
        ({"constants": (Constant("N"),)}, FormulaError, r"\['N'\] are both variables and constants"),
        ({"variables": (N, Variable("D", "data"))}, UnknownNameError, "unknown quantity 'data'"),
        ({"formula": "a*N + "}, FormulaError, "cannot read formula"),
        (
            {"published": {"one": Published({"a": 1.0, "z": 2.0}, "s", "text")}},
            InputError,
            r"published fit 'one' disagrees on constants \['b', 'z'\]",
        ),
    ],
)
def test_a_wrong_declaration_is_refused(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    good: dict[str, object] = {"name": "mine", "formula": "a*N + b*D", "variables": (N, D)}
    with pytest.raises(error, match=message):
        Law(**{**good, **arguments})  # type: ignore[arg-type]


def test_bounds_must_be_in_order() -> None:
    with pytest.raises(InputError, match=r"constant a: lower 1\.0 must not exceed upper 0\.0"):
        Constant("a", lower=1.0, upper=0.0)


def test_symbols_carry_the_signs_of_quantities_and_bounds() -> None:
    law = Law(
        "mine",
        "a*N + b*S + c*x + d*U",
        (N, Variable("S", "sparsity"), Variable("x", "log_flops"), Variable("U", "user_u")),
        (positive("a"), Constant("b", upper=0.0), Constant("c")),
    )
    s = law.symbols
    assert s["N"].is_positive
    assert s["S"].is_nonnegative
    assert s["S"].is_positive is None
    assert s["x"].is_real
    assert s["x"].is_nonnegative is None
    assert s["a"].is_positive
    assert s["b"].is_negative
    assert s["c"].is_positive is None
    assert s["U"].is_positive


def test_evaluate_by_quantity_and_by_symbol_and_broadcast() -> None:
    law = laws["krajewski2024"]
    constants = law.published["krajewski2024"].constants
    frame = pd.DataFrame({"N": [4.3e9, 4.3e9], "D": [2e10, 2e10], "granularity": [1.0, 8.0]})
    np.testing.assert_allclose(law.evaluate(frame, constants), [2.988344, 2.8735659], rtol=1e-7)
    by_symbol = law.evaluate({"N": 4.3e9, "D": 2e10, "G": [1.0, 8.0]}, constants)
    np.testing.assert_array_equal(by_symbol, law.evaluate(frame, constants))
    assert law.evaluate({"N": 4.3e9, "D": 2e10, "G": 1.0}, constants).shape == (1,)


def test_evaluate_a_law_that_does_not_depend_on_the_rows_values() -> None:
    law = Law("flat", "E + 0*N", (N,))
    with pytest.raises(InputError, match="needs constants E"):
        law.evaluate({"N": [1.0, 2.0, 3.0]}, {})
    np.testing.assert_array_equal(law.evaluate({"N": [1.0, 2.0, 3.0]}, {"E": 1.5}), [1.5, 1.5, 1.5])


def test_evaluate_names_what_is_missing() -> None:
    with pytest.raises(InputError, match="law chinchilla needs column 'D'"):
        CHINCHILLA.evaluate({"N": [1e9]}, CHINCHILLA.published["hoffmann2022"].constants)
    with pytest.raises(InputError, match="needs constants beta"):
        CHINCHILLA.evaluate({"N": [1e9], "D": [2e10]}, {"E": 1, "A": 1, "alpha": 1, "B": 1})


def test_values_outside_the_form_are_not_a_number_or_infinite_without_a_warning() -> None:
    law = Law("root", "sqrt(x)", (Variable("x", "log_flops"),))
    assert np.isnan(law.evaluate({"x": [-1.0]}, {})).all()


def test_latex_and_text() -> None:
    assert CHINCHILLA.latex() == r"E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}"
    assert formula_text(CHINCHILLA.expression) == "A/N**alpha + B/D**beta + E"


# -- binding ---------------------------------------------------------------------------------------------------------


def _points(**factors: list[float]) -> Points:
    arrays = {k: np.asarray(v) for k, v in factors.items()}
    return Points(np.full(len(next(iter(arrays.values()))), 3.0), arrays)


def test_bind_takes_columns_and_rules() -> None:
    columns, rules = laws["abnar2025"].bind(_points(N=[1e9, 2e9], N_active=[1e8, 1e9], D=[1e10, 1e10]))
    np.testing.assert_allclose(columns["S"], [0.9, 0.5])
    assert [str(r) for r in rules] == [
        "sparsity = 1 - N_active/N (share of inactive parameters stands for the share of inactive experts)"
    ]
    columns, rules = laws["krajewski2024"].bind(_points(N=[1e9], D=[1e10], active_experts=[8.0]))
    np.testing.assert_array_equal(columns["G"], [8.0])
    assert rules[0].quantity == "granularity"


def test_bind_lists_everything_that_is_missing() -> None:
    with pytest.raises(NotApplicableError, match=r"needs N_active \(Na: .*\); active_experts .*; shared_ratio"):
        laws["zhao2025"].bind(_points(N=[1e9], D=[1e10]))


def test_vocabulary_rules() -> None:
    columns, rules = laws["tao2024"].bind(
        _points(N_nonvocab=[1e8], vocab_size=[32000.0], width=[768.0], characters=[1e11])
    )
    assert columns["Nv"][0] == 32000 * 768
    per_character = 0.00639222 * math.log(32000) ** 2 - 0.15811069 * math.log(32000) + 1.20470122
    assert columns["D"][0] == pytest.approx(1e11 * per_character)
    assert len(rules) == 2
    large, _ = laws["tao2024"].bind(_points(N_nonvocab=[1e8], vocab_size=[5e5], width=[768.0], characters=[1.0]))
    limit, _ = laws["tao2024"].bind(_points(N_nonvocab=[1e8], vocab_size=[2e5], width=[768.0], characters=[1.0]))
    assert large["D"][0] == limit["D"][0]


# -- variants --------------------------------------------------------------------------------------------------------


def test_variant_with_a_fixed_constant_is_the_nested_law() -> None:
    law = laws["skaling2026"].variant(fix={"k": 1})
    assert law.name == "skaling2026-k-1"
    assert law.nested_in == "skaling2026"
    assert set(law.constant_names) == {"A", "alpha", "B", "beta", "E"}
    assert law.constant("alpha").lower == 0
    constants = CHINCHILLA.published["besiroglu2024"].constants
    frame = {"N": [1e9, 7e10], "D": [2e10, 1.4e12]}
    np.testing.assert_allclose(law.evaluate(frame, constants), CHINCHILLA.evaluate(frame, constants), rtol=1e-14)


def test_variant_with_tied_constants_keeps_the_first() -> None:
    law = CHINCHILLA.variant("tied", tie=[("alpha", "beta")])
    assert law.constant_names.count("alpha") == 1
    assert "beta" not in law.constant_names
    assert sympy.simplify(law.expression.diff(law.symbols["D"])).has(law.symbols["alpha"])


def test_variant_can_lose_a_variable() -> None:
    law = CHINCHILLA.variant("no_data", fix={"B": 0})
    assert law.variable_names == ("N",)
    assert set(law.constant_names) == {"A", "alpha", "E"}


def test_variant_names_an_unknown_constant() -> None:
    with pytest.raises(UnknownNameError, match="unknown constant of law chinchilla 'gamma'"):
        CHINCHILLA.variant(fix={"gamma": 0})


def test_variant_of_every_law_with_its_first_constant_fixed_still_evaluates() -> None:
    for law in laws.values():
        for fit in law.published.values():
            symbol = law.constant_names[0]
            fixed = law.variant("fixed", fix={symbol: fit.constants[symbol]})
            row = {v.symbol: [0.5 if v.about.high <= 1 else 50.0] for v in law.variables}
            np.testing.assert_allclose(
                fixed.evaluate(row, fit.constants), law.evaluate(row, fit.constants), rtol=1e-9, err_msg=law.name
            )


# -- keys ------------------------------------------------------------------------------------------------------------


def test_the_key_depends_on_what_decides_a_fit_and_on_nothing_else() -> None:
    assert replace(CHINCHILLA, title="another", source="nobody", published={}).key == CHINCHILLA.key
    start = tuple(replace(c, start=Start(0.2, 0.3)) if c.symbol == "alpha" else c for c in CHINCHILLA.constants)
    bound = tuple(replace(c, upper=5.0) if c.symbol == "E" else c for c in CHINCHILLA.constants)
    different = [
        replace(CHINCHILLA, constants=start),
        replace(CHINCHILLA, constants=bound),
        replace(CHINCHILLA, formula="E + A*N**-alpha + B*D**-beta + 0.1"),
        replace(CHINCHILLA, variables=(Variable("N", "N_active"), D)),
        replace(CHINCHILLA, target="score"),
    ]
    assert len({law.key for law in (CHINCHILLA, *different)}) == 1 + len(different)


def test_mappings_are_read_only() -> None:
    with pytest.raises(TypeError):
        CHINCHILLA.published["mine"] = None  # type: ignore[index]
    with pytest.raises(TypeError):
        CHINCHILLA.published["hoffmann2022"].constants["E"] = 0.0  # type: ignore[index]
