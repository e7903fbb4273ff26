from collections.abc import Mapping

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from formsearch import Points, laws
from formsearch.exceptions import FormulaError, InputError
from formsearch.search.fold import fold
from formsearch.search.parse import Read, read_infix
from formsearch.search.scaling import Scaling
from formsearch.testing.domains import random_constants, random_points


def table(rows: int = 40) -> Points:
    rng = np.random.default_rng(0)
    N, D = np.exp(rng.uniform(16, 23, rows)), np.exp(rng.uniform(20, 26, rows))
    return Points(target=1.7 + 400 / N**0.34 + 410 / D**0.28, factors={"N": N, "D": D}, name="table")


def values_of(read: Read, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    numbers = {sympy.Symbol(k, positive=True): v for k, v in read.values.items()}
    symbols = [sympy.Symbol(name, positive=True) for name in columns]
    with np.errstate(all="ignore"):
        return np.asarray(sympy.lambdify(symbols, read.expression.subs(numbers), "numpy")(*columns.values()))


FORMULAS = [
    "(((1.5 * x1) ^ (-0.34)) + (0.8 + (0.3 * (x2 ^ (-0.28)))))",
    "0.9 - 0.01*x2 + 2.5*(x1*1.2 + 3.4*x2 + 0.2)^(-0.3)",
    "exp(0.3 + 0.2/x1^0.4) - 0.5^x2",
    "log(2.3*x1 + x2) * x1^(0.01*x2)",
    "((0.5*x1)^0.3 + 0.2*x2)^(-0.7) + 0.2",
    "x1^2 * 0.1 + log(3.0*x1*x2^0.2)",
    "(-(0.5*x1) - (0.2*x2))^2 + (1.0-(2.0))*x1",
    "1.2/(0.3*x1 + 0.2)/(1.0+2.0*x2) + 0.1",
    "(0.0 - (-0.3*x1 - 0.2*x2))^(-0.4)",
    "((x1 ^ 0.3) ^ 0.5) * 2.0 / (4.0 / x2)",
    "max(0.3*x1, 2.0 - x2) + 1.0",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_round_trip(text: str) -> None:
    """Engine's text -> law in raw units -> engine's units: the same numbers, to rounding."""
    points = table()
    scaling = Scaling.of(points, ("N", "D"))
    columns = scaling.columns(points)
    wanted = values_of(read_infix(text, ("x1", "x2")), columns) * scaling.target
    law, constants = scaling.law(text)
    np.testing.assert_allclose(law.evaluate(points.factors, constants), wanted, rtol=1e-13, atol=1e-13)
    again = values_of(scaling.scaled(law, constants), columns) * scaling.target
    np.testing.assert_allclose(np.broadcast_to(again, wanted.shape), wanted, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", sorted(laws))
def test_every_registered_law_goes_in_and_comes_back(name: str) -> None:
    law = laws[name]
    columns = random_points(law, 30, 0, {})
    constants = random_constants(law, columns, 0)
    factors = {v.quantity: columns[v.symbol] for v in law.variables}
    scales = {q: float(np.exp(np.log(v[v > 0]).mean())) for q, v in factors.items()}
    scaling = Scaling({q: f"x{i}" for i, q in enumerate(factors)}, scales, 2.5)
    wanted = law.evaluate(factors, constants)
    inside = scaling.scaled(law, constants)
    with np.errstate(all="ignore"):
        seen = values_of(inside, {f"x{i}": v / scales[q] for i, (q, v) in enumerate(factors.items())})
    np.testing.assert_allclose(np.broadcast_to(seen, wanted.shape) * 2.5, wanted, rtol=1e-9)
    numbers = {sympy.Symbol(k, positive=True): sympy.Float(v, 17) for k, v in inside.values.items()}
    back, found = scaling.law(str(inside.expression.subs(numbers)).replace("Abs", "abs"))
    np.testing.assert_allclose(back.evaluate(factors, found), wanted, rtol=1e-9)


def test_amplitudes_absorb_scales_exactly() -> None:
    scaling = Scaling({"N": "x1"}, {"N": 4.0}, 2.0)
    law, constants = scaling.law("1.5 + 3.0*x1^(-0.5)")
    assert law.formula == "k0 + k1/N**k2"
    assert constants == {"k0": 3.0, "k1": 12.0, "k2": 0.5}
    assert law.constant("k2").lower == 0.0


def test_a_sign_that_is_free_is_in_the_value() -> None:
    law, constants = Scaling({"N": "x1"}, {"N": 1.0}).law("1.5 - 3.0*x1")
    assert constants[law.constant_names[law.formula.split("*")[0] != "N"]] in (-3.0, 1.5)
    assert min(constants.values()) == -3.0


def test_constants_that_merge_are_one() -> None:
    N = sympy.Symbol("N", positive=True)
    a, b, c = (sympy.Symbol(s, positive=True) for s in "abc")
    read = fold(a * (b * N) ** c + (a + b), {"a": 2.0, "b": 3.0, "c": 2.0}, {N})
    assert len(read.values) == 3
    assert sorted(read.values.values()) == pytest.approx([2.0, 5.0, 18.0])


@pytest.mark.parametrize(
    "text", ["(0.0 - 2.0)^0.5 * x1", "(0.0 - 3.0*x1)^0.5", "log(0.0 - 2.0*x1)", "1.0e300*x1^2*1.0e300"]
)
def test_what_is_not_real_is_refused(text: str) -> None:
    with pytest.raises(FormulaError):
        Scaling({"N": "x1"}, {"N": 1e9}, 1.0).law(text)


def test_columns_that_kill_engines_are_refused() -> None:
    points = table(10)
    constant = Points(target=points.target, factors={"N": points.factors["N"], "D": np.full(10, 3.0)}, name="t")
    with pytest.raises(InputError, match=r"D is .*3\.0.* in every row"):
        Scaling.of(constant, ("N", "D"))


def test_columns_with_zeros_keep_their_unit_if_it_is_near_one() -> None:
    shares = np.linspace(0.0, 0.9, 10)
    points = Points(target=1 + shares, factors={"sparsity": shares}, name="t")
    assert Scaling.of(points, ("sparsity",)).scales == {"sparsity": 1.0}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0.01, 9.0), min_size=4, max_size=4),
    st.floats(1e-3, 1e12), st.floats(1e-3, 1e12), st.floats(0.1, 10),
)  # fmt: skip
def test_round_trip_for_any_scale(c: list[float], s1: float, s2: float, target: float) -> None:
    scaling = Scaling({"N": "x1", "D": "x2"}, {"N": s1, "D": s2}, target)
    text = f"{c[0]!r} + {c[1]!r}*({c[2]!r}*x1^0.5 + x2)^(-0.7) + x1^(-0.3)*{c[3]!r}".replace("e-", "e-0")
    x = np.geomspace(0.01, 100, 9)
    law, constants = scaling.law(text)
    found = law.evaluate({"N": x * s1, "D": x[::-1] * s2}, constants)
    wanted = target * (c[0] + c[1] * (c[2] * x**0.5 + x[::-1]) ** -0.7 + x**-0.3 * c[3])
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
