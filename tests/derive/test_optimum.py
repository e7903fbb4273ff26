"""Unconstrained optima: closed forms found by the machine, proved, and confirmed by direct minimisation."""

import json
import math

import numpy as np
import pytest
import sympy

import formsearch as fs
from formsearch.derive import Derivation, derive
from formsearch.exceptions import DerivationError, InputError, UnknownNameError
from formsearch.formula import parse_formula
from formsearch.law import Constant, Law, Variable, positive


@pytest.fixture(scope="module")
def zhao() -> Derivation:
    return derive(fs.laws["zhao2025"], constants="published")


def test_zhao_number_of_active_experts(zhao: Derivation) -> None:
    r = zhao["active_experts"]
    e, f = (sympy.Symbol(n, positive=True) for n in "ef")
    assert sympy.simplify(r.full - sympy.sqrt(f / e)) == 0
    assert str(r.expression) == "sqrt(f/e)"
    assert r.value == pytest.approx(6.777841, abs=5e-7)
    assert r.depends_on == ()
    assert "independent of N, Na, D, S" in r.independence
    assert "phi > 0" in r.independence
    assert r.second_order is not None
    assert r.second_order.check.kind == "proved"
    assert r.integer is not None
    assert r.integer[0] == 7
    assert r.check.difference is not None
    assert r.check.difference < 1e-9


def test_zhao_shared_ratio(zhao: Derivation) -> None:
    r = zhao["shared_ratio"]
    assert str(r.expression) == "-n/(2*m)"
    assert r.value == pytest.approx(0.314846, abs=5e-7)
    assert r.depends_on == ()


def test_zhao_activation_ratio(zhao: Derivation) -> None:
    law = fs.laws["zhao2025"]
    r = zhao["activation_ratio"]
    symbols = {str(s): s for s in r.full.free_symbols}
    printed = parse_formula(
        "(alpha*(k*(e*G + f/G + m*S**2 + n*S) + c)/(h*N**alpha*(e*G + f/G + m*S**2 + n*S)))**(1/(1 + alpha))", symbols
    )
    numbers = {symbols[k]: v for k, v in law.published["zhao2025"].constants.items() if k in symbols}
    for n, g, s in ((21e9, 7, 0.31), (1e12, 12, 0.1), (4e8, 3, 0.7)):
        at = numbers | {symbols["N"]: n, symbols["G"]: g, symbols["S"]: s}
        assert float(r.full.subs(at)) == pytest.approx(float(printed.subs(at)), rel=1e-12)
    assert set(r.depends_on) == {"N", "G", "S"}
    assert str(r.exponents["N"]) == "-alpha/(alpha + 1)"
    assert r.exponent_values["N"] == pytest.approx(-0.192441, abs=5e-7)
    assert "infeasible" in r.feasibility
    table = zhao.table("ratio_by_model")
    assert "(G = 7, S = 0.31)" in table.title
    printed_percent = [42.8946, 40.0492, 33.1604, 31.4123, 30.8211, 26.9502, 24.8934, 22.0229, 20.3952]
    assert table.column("optimal Na/N (%)") == pytest.approx(printed_percent, abs=5e-5)


def test_zhao_ratio_at_settings() -> None:
    law = fs.laws["zhao2025"]
    at = {"N": 671e9, "active_experts": 7, "S": 0.31}
    r = derive(law, constants="published", minimise="Na/N", settings=at)["Na/N"]
    assert round(100 * r.value, 2) == 22.02
    assert r.settings == {"N": 671e9, "G": 7.0, "S": 0.31}
    edge = derive(law, constants="published", minimise="N_active", settings={"G": 7, "S": 0.31})
    assert "2.5825e+08" in edge["activation_ratio"].feasibility  # the ratio is 1 at N = 2.58e8


def test_every_step_passes_and_the_whole_is_printable(zhao: Derivation) -> None:
    assert zhao.ok
    assert all(s.check.kind == "proved" for s in zhao.steps if s.title.startswith(("Slope", "Solve", "Second")))
    assert [(str(c.relation), c.check.kind) for c in zhao.assumptions] == [("n < 0", "assumed"), ("A > 0", "proved")]
    json.dumps(zhao.to_dict(), allow_nan=False)
    text = zhao.text()
    for shown in ("sqrt(f/e) = 6.7778", "-n/(2*m) = 0.31485", "22.02", "L strictly falls with D"):
        assert shown in text
    assert r"\frac{\partial L}{\partial G}" in zhao.latex()
    assert zhao.latex(document=True).count(r"\begin{document}") == 1
    assert "$$" in zhao.markdown()
    assert any("<math" in m and "<mfrac>" in m for m in zhao.mathml())


def test_formula_strings_read_back(zhao: Derivation) -> None:
    for r in zhao.to_dict()["results"]:
        if r["full_expression"]:
            names = {s: sympy.Symbol(s, positive=True) for s in (*zhao.law.variable_names, *zhao.law.constant_names)}
            read = parse_formula(r["full_expression"], names)
            numbers = fs.laws["zhao2025"].published["zhao2025"].constants
            value = read.subs({names[k]: v for k, v in numbers.items()})
            assert {str(s) for s in value.free_symbols} == set(r["depends_on"])
            if r["value"] is not None and not value.free_symbols:
                assert float(value) == pytest.approx(r["value"], rel=1e-12)


def test_without_constants_there_is_only_algebra() -> None:
    d = derive(fs.laws["zhao2025"])
    r = d["G"]
    assert str(r.expression) == "sqrt(f/e)"
    assert r.value is None
    assert r.check.kind == "assumed"


def test_abnar_sparsity() -> None:
    d = derive(fs.laws["abnar2025"], constants="published", minimise="sparsity", settings={"N": 1e11})
    r = d["sparsity"]
    assert r.value == pytest.approx(0.7499, abs=5e-5)
    assert any("1 - S goes as N^" in note for note in r.remarks)
    values = [derive(fs.laws["abnar2025"], "published", "S", settings={"N": n})["S"].value for n in (1e10, 1e13)]
    assert values == pytest.approx([0.2309, 0.9736], abs=5e-5)


def test_an_optimum_outside_the_domain_is_told() -> None:
    """At N = 1e9 the stationary sparsity is negative: dense is best."""
    d = derive(fs.laws["abnar2025"], "published", settings={"N": 1e9})
    (said,) = d["S"].remarks
    assert "= -1.36" in said
    assert "outside its domain" in said
    assert "L rises with S throughout; S = 0 is best" in said


def test_a_squared_logarithm_has_its_optimum_where_it_vanishes() -> None:
    law = _law("E + u*log(x/x0)**2", "E", "u", "x0")
    r = derive(law, constants={"E": 1.0, "u": 0.3, "x0": 5.0})["x"]
    assert str(r.expression) == "x0"
    assert r.value == pytest.approx(5.0)


def _law(formula: str, *constants: str, x: str = "user_x", **signs: Constant) -> Law:
    return Law("toy", formula, (Variable("x", x),), tuple(signs.get(c, positive(c)) for c in constants))


@pytest.mark.parametrize(
    ("formula", "constants", "expected"),
    [
        ("a*x + b/x", {"a": 2.0, "b": 8.0}, 2.0),
        ("E + (a*x**p + b/x**q)**k", {"E": 1, "a": 1.0, "b": 3.0, "p": 0.5, "q": 0.25, "k": 0.7}, 1.5 ** (1 / 0.75)),
        ("exp(a*x + b/x)", {"a": 0.5, "b": 0.02}, 0.2),
        ("log(a*x**2 + b/x)", {"a": 0.5, "b": 0.02}, 0.02 ** (1 / 3)),
        ("a*log(x)**2 - b*log(x)", {"a": 2.0, "b": 3.0}, math.exp(0.75)),
        ("a*x + b/(c + x)", {"a": 1.0, "b": 9.0, "c": 1.0}, 2.0),
        ("x**a*exp(b/x)", {"a": 0.5, "b": 2.0}, 4.0),
        ("a*x**2 - b*x + c/x", {"a": 2.0, "b": 0.0, "c": 4.0}, 1.0),
        ("a*x + b*exp(-c*x)", {"a": 1.0, "b": 2.0, "c": 3.0}, math.log(6) / 3),
    ],
)
def test_forms_with_a_known_optimum(formula: str, constants: dict[str, float], expected: float) -> None:
    r = derive(_law(formula, *constants), constants=constants, minimise="x")["x"]
    assert r.expression is not None
    assert r.value == pytest.approx(expected, rel=1e-12)
    assert r.check.difference is not None
    assert r.check.difference < 1e-9


def test_a_maximum_is_not_called_an_optimum() -> None:
    with pytest.raises(DerivationError, match="no optimum in x"):
        derive(_law("b*x - a*x**2", "a", "b"), constants={"a": 1.0, "b": 1.0}, minimise="x")


def test_no_closed_form_gives_all_roots_with_a_proof() -> None:
    law = _law("a*x**0.7 + b/x + c/x**0.3 + exp(-x)", "a", "b", "c")
    d = derive(law, constants={"a": 1.0, "b": 2.0, "c": 0.5}, minimise="x", seconds=2)
    r = d["x"]
    assert r.expression is None
    assert r.implicit is not None
    xs = np.linspace(0.5, 20, 2_000_001)
    best = xs[np.argmin(law.evaluate({"x": xs}, {"a": 1.0, "b": 2.0, "c": 0.5}))]
    assert r.value == pytest.approx(best, abs=2e-5)
    assert any("interval arithmetic proves that there are no others" in s.sentence for s in d.steps)


def test_wrong_requests_are_refused_in_one_line() -> None:
    law = fs.laws["zhao2025"]
    with pytest.raises(UnknownNameError, match="unknown variable of law zhao2025 'Q'"):
        derive(law, "published", minimise="Q")
    with pytest.raises(UnknownNameError, match="published fit of law zhao2025"):
        derive(law, "nobody")
    with pytest.raises(InputError, match=r"setting S = 1\.5 is outside its domain"):
        derive(law, "published", settings={"S": 1.5})
    with pytest.raises(InputError, match="needs constants"):
        derive(law, {"e": 1.0})
    with pytest.raises(DerivationError, match="strictly falls with D"):
        derive(law, "published", minimise="D")
