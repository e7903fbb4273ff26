"""The fast way out of an engine against the symbolic one."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from formsearch.exceptions import FormulaError
from formsearch.search.expression import to_sympy
from formsearch.search.grammar import Form, complexity, describe
from formsearch.search.infix import read_pieces, to_form
from formsearch.search.normal import normalise
from formsearch.search.scaling import Scaling
from tests.search.test_scaling import FORMULAS

SCALING = Scaling({"N": "x1", "D": "x2"}, {"N": 3.5e8, "D": 1.5e10}, 2.9)
N, D = np.geomspace(1e7, 1e10, 25), np.geomspace(1e9, 3e11, 25)[::-1]


def values_of(form: Form, constants: dict[int, float]) -> np.ndarray:
    n, d = sympy.Symbol("N", positive=True), sympy.Symbol("D", positive=True)
    numbers = [sympy.Float(constants[i], 17) for i in range(len(form.kinds))]
    with np.errstate(all="ignore"):
        return np.asarray(sympy.lambdify([n, d], to_sympy(form, numbers, {"N": n, "D": d}), "numpy")(N, D))


@pytest.mark.parametrize("text", [*FORMULAS, "sqrt(x1) + square(x2)*0.1 - inv(x1 + x2)", "pow(x1 + 0.5, -0.3)"])
def test_two_roads(text: str) -> None:
    law, constants = SCALING.law(text)
    wanted = law.evaluate({"N": N, "D": D}, constants)
    form, numbers = SCALING.form(text)
    np.testing.assert_allclose(values_of(form, numbers), wanted, rtol=1e-12, atol=1e-12)
    sketch = normalise(form.body, dict(enumerate(form.kinds)), numbers)
    np.testing.assert_allclose(values_of(sketch.form, dict(enumerate(sketch.values))), wanted, rtol=1e-12, atol=1e-12)


leaves = st.one_of(
    st.sampled_from(["x1", "x2"]), st.floats(0.05, 8.0).map(lambda v: f"{v:.6f}"), st.just("(-0.300000)")
)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.floats(-1.5, 1.5)).map(lambda t: f"({t[0]} ^ ({t[1]:.6f}))"),
    ),
    max_leaves=9,
)


@settings(max_examples=120, deadline=None)
@given(expressions)
def test_two_roads_on_random_formulas(text: str) -> None:
    """Where the formula is real, both readers give its values, or both refuse it."""
    try:
        form, numbers = SCALING.form(text)
    except FormulaError:
        return
    try:
        law, constants = SCALING.law(text)
    except FormulaError:
        return  # 30 digits see a zero that double precision does not
    with np.errstate(all="ignore"):
        columns = {"N": N, "D": D}
        wanted = np.broadcast_to(law.evaluate({q: columns[q] for q in law.quantities}, constants), N.shape)
        got = np.broadcast_to(values_of(form, numbers), N.shape)
    real = np.isfinite(wanted) & np.isfinite(got) & np.isrealobj(got)
    scale = sum(abs(v) for v in numbers.values()) + 1.0
    np.testing.assert_allclose(got[real], wanted[real], rtol=1e-6, atol=1e-9 * scale)


def test_equal_terms_are_added_and_exponents_merged() -> None:
    form, numbers = to_form(
        read_pieces("2.0*x1 + x1*3.0 + x2^0.5*x2^0.25 + 1.0 + 0.5", {"N": "x1", "D": "x2"}, {"N": 1.0, "D": 1.0})
    )
    assert describe(form) == "c0*N + c1*D^c2 + c3"
    assert list(numbers.values()) == [5.0, 1.0, 0.75, 1.5]
    assert complexity(form) == 9


def test_whole_exponents_stay() -> None:
    form, _ = SCALING.form("x1^2 + x2*x2 + x1^2.0")
    assert describe(form).count("^c") == 1


@pytest.mark.parametrize(
    "text",
    ["x3 + 1.0", "x1[0]", "__import__('os')", "log(0.0 - x1)", "(0.0 - x1)^0.5", "0.0^(-1.0)", "exp(1.0e4)*x1",
     "1.0e300*1.0e300*x1", "max(1.0, 2.0)", "x1 if x2 else x1", "sinh(x1)", "log(x1, x2)"],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(FormulaError):
        SCALING.form(text)
