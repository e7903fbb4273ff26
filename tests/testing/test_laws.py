"""The contract refuses what it should: each check fails on a law that is wrong in just that way."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from candidates import LAWS
from formsearch.exceptions import InputError
from formsearch.law import Constant, Law, Published, Start, Variable, positive
from formsearch.testing import LawContract
from formsearch.testing.domains import random_constants, random_points, typical
from formsearch.testing.laws import formula_of_docstring
from formsearch.testing.limits import numeric_limit_gap, symbolic_limit_gap

CHINCHILLA = LAWS["chinchilla"]


@pytest.fixture
def contract() -> LawContract:
    return LawContract()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"N": "E"}, "as N grows the form is"),
        ({"D": "oo"}, "as D grows the form is inf away"),
        ({"N": "E + A*D**-beta"}, "as N grows the form is"),
    ],
)
def test_a_wrong_limit_is_refused(contract: LawContract, limits: Mapping[str, str], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        contract.test_limits(replace(CHINCHILLA, limits=limits))


def test_a_wrong_monotone_claim_is_refused(contract: LawContract) -> None:
    with pytest.raises(AssertionError, match="not increasing in N"):
        contract.test_monotone_claims(replace(CHINCHILLA, monotone={"N": "increasing"}))


def test_published_constants_outside_the_bounds_are_refused(contract: LawContract) -> None:
    wrong = Published({**CHINCHILLA.published["besiroglu2024"].constants, "alpha": -0.1}, "nowhere", "text")
    with pytest.raises(AssertionError, match=r"alpha = -0\.1, outside the bounds"):
        contract.test_published_fits_are_complete(replace(CHINCHILLA, published={"wrong": wrong}))
    with pytest.raises(AssertionError, match="has no source"):
        contract.test_published_fits_are_complete(replace(CHINCHILLA, published={"wrong": replace(wrong, source="")}))


def _law(formula: str, *constants: Constant) -> Law:
    return Law("trial", formula, (Variable("N", "N", "size"),), constants)


def test_a_constant_that_cancels_is_refused(contract: LawContract) -> None:
    with pytest.raises(AssertionError):
        contract.test_every_symbol_is_declared_and_used(
            _law("a*N + b - b", Constant("a", "slope"), Constant("b", "nothing"))
        )


def test_a_pole_inside_the_domain_is_refused(contract: LawContract) -> None:
    law = Law("trial", "a/(S - 0.9)", (Variable("S", "shared_ratio", "share"),), (Constant("a", "amplitude"),))
    with pytest.raises(AssertionError, match=r"trial is -?inf at"):
        contract.test_values_are_finite_on_the_domain(law)


@pytest.mark.parametrize(
    ("scale", "message"),
    [("Q", "what is unknown, or in a circle"), ("alpha", "in a circle"), ("-N", "not positive")],
)
def test_a_start_that_cannot_be_drawn_is_refused(contract: LawContract, scale: str, message: str) -> None:
    law = _law("(A/N)**alpha", positive("A", "size", Start(1, 2, scale=scale)),
               positive("alpha", "exponent", Start(0.1, 1, scale="A" if scale == "alpha" else "1")))  # fmt: skip
    with pytest.raises(InputError, match=message):
        contract.test_starts_lie_inside_the_bounds(law)


def test_a_start_outside_the_bounds_is_refused(contract: LawContract) -> None:
    with pytest.raises(AssertionError, match="start of alpha begins below its bound"):
        contract.test_starts_lie_inside_the_bounds(_law("N**-alpha", positive("alpha", "exponent", Start(-1, 1))))


def test_a_docstring_with_another_formula_is_refused() -> None:
    class Documented(LawContract):
        docstrings = {"chinchilla": "L = E + A*N**-alpha + B*D**-alpha + beta - beta  (nobody)"}  # noqa: RUF012

    with pytest.raises(AssertionError, match="states another form"):
        Documented().test_docstring_states_the_formula(CHINCHILLA)


def test_docstring_abbreviations_are_put_in() -> None:
    text = "L = a*Eh**b  (someone 2020)\n\nwhere Eh = 1 + Q\nand Q = E/2.\n"
    assert formula_of_docstring(text) == "a*(1 + (E/2))**b"
    with pytest.raises(AssertionError, match="first line is not"):
        formula_of_docstring("A law of someone.\n")


def test_limit_gaps_of_a_slow_law() -> None:
    law = LAWS["parscale2025"]
    table = {"N": 1e9, "P": 1.0, **law.published["pile"].constants}
    assert numeric_limit_gap(law, "P", "E", table) < 1e-9
    assert numeric_limit_gap(law, "P", "E + A", table) > 0.9
    assert symbolic_limit_gap(law, "P", "E", table) == 0.0


def test_constants_are_drawn_after_those_that_scale_them() -> None:
    law = LAWS["farseer2025"]  # s stands before q in the formula, and is scaled by N**-q
    points = random_points(law, 20, 0, {"N": (1e9, 1e9)})
    for seed in range(5):
        drawn = random_constants(law, points, seed)
        assert -3.0 <= drawn["s"] * 1e9 ** drawn["q"] <= -0.1


def test_typical_ranges() -> None:
    assert typical("user_heads") == (0.1, 10.0)
    assert typical("proportion_3") == (0.0, 1.0)
    shares = random_points(LAWS["ye2024_mix5"], 30, 1, {})
    assert sum(shares.values()) == pytest.approx(1.0)
