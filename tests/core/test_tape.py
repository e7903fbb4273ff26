"""Tapes say what their SymPy expressions say: values, derivatives, and which constants are linear."""

import numpy as np
import pytest
import sympy
from numpy.typing import NDArray

from formsearch.core.batch import Pack
from formsearch.core.compile import compile_expression, evaluate_column, linear_constants
from formsearch.core.sweep import BLOCK, vexp
from formsearch.core.tape import Builder
from formsearch.exceptions import FormulaError
from formsearch.formula import parse_formula
from formsearch.lawfile import formula_law

ROWS = BLOCK + 37  # two blocks, the second one not full

SYMBOLS = {
    **{n: sympy.Symbol(n, positive=True) for n in ("N", "D", "G")},
    **{n: sympy.Symbol(n, real=True) for n in ("S", "a", "b", "c", "d", "p", "q")},
}
VARIABLES = ("N", "D", "G", "S")
CONSTANTS = {"a": 1.3, "b": 0.7, "c": 0.4, "d": 2.1, "p": 0.31, "q": 0.17}


@pytest.fixture(scope="module")
def columns() -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    return {
        "N": rng.uniform(1, 30, ROWS),
        "D": rng.uniform(1, 30, ROWS),
        "G": rng.uniform(1, 20, ROWS),
        "S": rng.uniform(-1, 1, ROWS),
    }


FORMS = [
    "a + b*N**-p + c*D**-q",
    "(a*N**-p + b*D**-q)**c + d",
    "(a*G + b/G + c*S**2 - d*S)*(N**-p + b*D**-p)",
    "a*exp(b*S + c*S**2)",
    "a*log(N)*log(D)**2 + b*sqrt(G) + c/(d + N)**2",
    "((d/N)**p + q/D)**q",
    "a*N**(b*log(G) - p) + 10**c",
    "Max(a*S, b)*Min(N, d) + Abs(c*S - b)",
    "a*(1 + (N/d)**(1/c))**(-b*c)",
    "sin(a*S)*cos(b*S + c) + atan(S/d)",
    "a**3*N**-2 + (b + N)**-3 + exp(-p)",
    "N*D",
    "a",
    "log(a)/b",
    "log10(N)*a + log2(D)*b",
    "1/(a + b*S**2) + 1/N",
    "S**2*a - S*b",
]


@pytest.mark.parametrize("formula", FORMS)
def test_values_and_derivatives_agree_with_sympy(formula: str, columns: dict[str, NDArray[np.float64]]) -> None:
    expression = parse_formula(formula, SYMBOLS)
    names = [n for n in CONSTANTS if SYMBOLS[n] in expression.free_symbols]
    constants = [SYMBOLS[n] for n in names]
    tape = compile_expression(expression, constants)
    pack = Pack.of([tape], lambda key: evaluate_column(key, columns, ROWS), ROWS)
    at = np.array([CONSTANTS[n] for n in names])
    values, jacobian = pack.values(at, jacobian=True)
    arguments = [*(SYMBOLS[v] for v in VARIABLES), *constants]

    def reference(e: sympy.Expr) -> NDArray[np.float64]:
        modules = [{"Heaviside": lambda x, _=0: np.heaviside(x, 0.5), "sign": np.sign}, "numpy"]
        return np.broadcast_to(sympy.lambdify(arguments, e, modules)(*(columns[v] for v in VARIABLES), *at), (ROWS,))

    np.testing.assert_allclose(values, reference(expression), rtol=2e-13)
    for k, c in enumerate(constants):
        np.testing.assert_allclose(jacobian[:, k], reference(expression.diff(c)), rtol=1e-11, atol=1e-13)


def test_log_held_constants_keep_values_and_external_derivatives(columns: dict[str, NDArray[np.float64]]) -> None:
    expression = parse_formula("((d/N)**p + q/D)**q", SYMBOLS)
    constants = [SYMBOLS[n] for n in ("d", "p", "q")]
    at = np.array([2.1, 0.31, 0.17])

    def both(logarithmic: list[bool]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        tape = compile_expression(expression, constants, logarithmic)
        return Pack.of([tape], lambda k: evaluate_column(k, columns, ROWS), ROWS).values(at, jacobian=True)

    for plain, held in zip(both([False] * 3), both([True, False, True]), strict=True):
        np.testing.assert_allclose(plain, held, rtol=1e-12)


@pytest.mark.parametrize(
    ("formula", "linear"),
    [
        ("a + b*N**-p + c*D**-q", "abc"),
        ("(a*G + b/G + c*S**2 - d*S)*(N**-p + q*D**-p) + N", "abcd"),  # q multiplies the others
        ("(a*N**-p + b*D**-q)**c + d", "d"),
        ("a*b*N", "a"),
        ("exp(a*N) + b", "b"),
    ],
)
def test_a_largest_jointly_linear_set_is_found(formula: str, linear: str) -> None:
    expression = parse_formula(formula, SYMBOLS)
    constants = sorted(expression.free_symbols - {SYMBOLS[v] for v in VARIABLES}, key=str)
    found = {str(c) for c, flag in zip(constants, linear_constants(expression, constants), strict=True) if flag}
    assert len(found) == len(linear)
    chosen = [c for c in constants if str(c) in found]
    assert all(expression.diff(c, d) == 0 for c in chosen for d in chosen)


def test_equal_instructions_are_made_once() -> None:
    b = Builder(["p"])
    x = b.column("x")
    assert b.mul(b.constant(0), x) == b.mul(x, b.constant(0))
    assert b.log(b.exp(x)) == x
    assert b.power(x, 0) == b.literal(1.0)


def test_zero_to_a_free_power_is_zero_with_a_finite_slope() -> None:
    x = {"S": np.array([0.0, 1.0, 2.0])}
    s = sympy.Symbol("S", nonnegative=True)
    p = sympy.Symbol("p", positive=True)
    pack = Pack.of([compile_expression(s**p, [p])], lambda k: evaluate_column(k, x, 3), 3)
    values, jacobian = pack.values(np.array([0.5]), jacobian=True)
    np.testing.assert_allclose(values, [0.0, 1.0, np.sqrt(2)], atol=1e-100)
    assert np.isfinite(jacobian).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("N*log(1e-300)", lambda N: N * np.log(1e-300)),
        ("N*log(10**25) + 1e25", lambda N: N * np.log(1e25) + 1e25),
        ("N*1e300/7e299", lambda N: N * 10 / 7),
        ("N + sin(1e300)**2 + cos(1e300)**2", lambda N: N + 1),
        ("N + N/1e300/1e300", lambda N: N),
    ],
)
def test_numbers_of_any_size_are_computed_with(text: str, expected) -> None:
    law = formula_law(f"a + {text}")
    N = np.array([1.0, 2.0, 3.0])
    pack = Pack.of(
        [compile_expression(law.expression, [law.symbols["a"]])], lambda k: evaluate_column(k, {"N": N}, 3), 3
    )
    np.testing.assert_allclose(pack.values(np.array([0.5]))[0], 0.5 + expected(N), rtol=1e-12)
    np.testing.assert_allclose(law.evaluate({"N": N}, {"a": 0.5}), 0.5 + expected(N), rtol=1e-12)


def test_powers_of_zero_and_of_negative_numbers() -> None:
    law = formula_law("N + 0**a")
    pack = Pack.of([compile_expression(law.expression, [law.symbols["a"]])], lambda k: np.array([2.0]), 1)
    assert pack.values(np.array([0.5]))[0] == pytest.approx(2.0, abs=1e-100)
    assert law.evaluate({"N": [2.0]}, {"a": 0.5}) == [2.0]
    assert law.evaluate({"N": [2.0]}, {"a": -1.0}) == [np.inf]
    with pytest.raises(FormulaError, match=r"\(-2\)\*\*\(a\) is real only for whole exponents"):
        compile_expression(formula_law("N*(-2)**a").expression, [law.symbols["a"]])


def test_unknown_functions_are_refused() -> None:
    with pytest.raises(FormulaError, match="gamma is not available"):
        compile_expression(sympy.gamma(SYMBOLS["a"] * SYMBOLS["N"]), [SYMBOLS["a"]])


def test_vector_exponential_is_accurate_and_saturates() -> None:
    x = np.concatenate([np.linspace(-700, 700, 401), np.array([0.0, -1e-300, 1e-17, np.nan, 1e5, -1e5])])
    out, scratch = np.empty_like(x), np.empty_like(x)
    vexp(x, out, scratch, scratch.view(np.int64), len(x))
    np.testing.assert_allclose(out[:404], np.exp(x[:404]), rtol=4e-16)
    assert np.isnan(out[404])
    assert out[405] > 1e307
    assert 0 < out[406] < 1e-300
