"""Formula strings: what is read, what is refused, and that nothing is ever run as code."""

import math
import time

import pytest
import sympy
from hypothesis import example, given
from hypothesis import strategies as st

from formsearch.exceptions import FormulaError
from formsearch.formula import FUNCTIONS, MAX_ARGUMENTS, MAX_DEPTH, MAX_LENGTH, names_in, parse_formula
from formsearch.law import formula_text

N, D, a = sympy.symbols("N D a", positive=True)
SYMBOLS = {"N": N, "D": D, "a": a}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a*N**-0.5", a / sympy.sqrt(N)),
        ("a * N ^ 2 / D", a * N**2 / D),
        ("-(N + 1)", -N - 1),
        ("+N", N),
        ("log(N) - ln(N)", sympy.Integer(0)),
        ("log2(8) + log10(1000)", sympy.Integer(6)),
        ("sqrt(N)*exp(-D)", sympy.sqrt(N) * sympy.exp(-D)),
        ("Max(N, D, 1)", sympy.Max(1, N, D)),
        ("Min(N, D)", sympy.Min(N, D)),
        ("Abs(N - D)", sympy.Abs(N - D)),
        ("1e9*N", 10**9 * N),
        ("0.1 + 0.2", sympy.Rational(3, 10)),  # decimals are exact
    ],
)
def test_reads(text: str, expected: sympy.Expr) -> None:
    assert sympy.simplify(parse_formula(text, SYMBOLS) - expected) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('true')", "not allowed"),
        ("N.__class__", "not allowed"),
        ("N[0]", "not allowed"),
        ("[N for N in D]", "not allowed"),
        ("lambda: N", "not allowed"),
        ("lambda*N", "cannot read"),
        ("N if D else a", "not allowed"),
        ("N < D", "not allowed"),
        ("N and D", "not allowed"),
        ("N % D", "not allowed"),
        ("N // D", "not allowed"),
        ("~N", "not allowed"),
        ("f'{N}'", "not allowed"),
        ("'text'", "only numbers"),
        ("True*N", "only numbers"),
        ("1j*N", "only numbers"),
        ("exp(x=N)", "not allowed"),
        ("exp(*N)", "not allowed"),
        ("gamma(N)", "not allowed"),
        ("eval(N)", "not allowed"),
        ("exp(N, D)", "exp takes 1"),
        ("Max(N)", "two or more"),
        ("N + Q", "'Q', which is not declared; declared: D, N, a"),
        ("exp", "'exp', which is not declared"),
        ("N +", "cannot read"),
        ("", "cannot read"),
        ("N; D", "cannot read"),
        ("N := 3", "cannot read"),
        ("N\nD", "cannot read"),
        ("α*N", "plain ASCII"),
        ("9**9**9", "at most 64"),
        ("2**(10**5)", "at most 64"),
        ("(-1)**0.5*N", "not a finite real"),
        ("1/0", "not a finite real"),
        ("log(0)*N", "not a finite real"),
        ("Min(N, (N - N)**-1)", "not a finite real"),
        ("1e999*N", "only finite numbers"),
        ("9" * 40, "beyond 1e30"),
        ("N" + "+N" * MAX_LENGTH, "characters"),
        ("(" * 150 + "N" + ")" * 150 + "+" + "-" * (MAX_DEPTH + 5) + "N", "deeper than"),
        ("exp(" * 100 + "N" + ")" * 100, "deeper than"),
        ("N*(-8)**(1/3)", "not a finite real"),
        # Small to write, endless to compute with.
        ("N*((((((2**64)**64)**64)**64)**64)**64)", "more than 4096 bits"),
        ("N + (1e300**60)**60", "more than 4096 bits"),
        ("N*((1.0001**64)**64)**64", "more than 4096 bits"),
        ("N" + "*1e300/3" * 15, "more than 4096 bits"),
        ("((((1e30*N)**64)**64)**64)**64", "more than 4096 bits"),
        ("(" * 15 + "N" + ")**1e300" * 15, "more than 4096 bits"),
        ("N + exp(exp(exp(exp(100))))", "not a finite real"),
        ("N + exp(exp(exp(exp(N - N + 100))))", "not a finite real"),
        ("exp(exp(1e300*N*(1e300/N)))", "not a finite real"),
        ("Max(N, (-0.5)**(1e300 + N))", "more than 4096 bits"),
        ("Max(N, (2*D)**(1e30 + N))", "more than 4096 bits"),
        ("Max(" + ",".join(f"N**{i}" for i in range(300)) + ")", "more than 16 parts"),
        ("+".join(f"Max(N, {i})" for i in range(9)), "more than 16 parts"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message) as refusal:
        parse_formula(text, SYMBOLS)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "N + sin(10**30)*atan(10**60)",
        "N + " + "sqrt(" * 50 + "2" + ")" * 50,
        "N + 123456789012345678901234567891**0.333",
        "Max(" + ", ".join(f"N**{i} - {i}*exp(D)" for i in range(MAX_ARGUMENTS)) + ")",
        "N**N**N**N**N**N",
        "Max(D, N**(1e300 + N))",
        "-" * MAX_DEPTH + "N",
    ],
)
def test_odd_formulas_are_read_at_once(text: str) -> None:
    begun = time.perf_counter()
    assert parse_formula(text, SYMBOLS).free_symbols <= {N, D}
    assert time.perf_counter() - begun < 5


def test_names_in_order_of_appearance_without_functions() -> None:
    assert names_in("b*exp(N) + Max(a, N) - c**b") == ["b", "N", "a", "c"]
    assert not set(FUNCTIONS) & set(names_in("exp(x) + Min(y, z)"))


_leaf = st.one_of(
    st.sampled_from(["N", "D", "a"]),
    st.integers(1, 20).map(str),
    st.floats(0.01, 50, allow_nan=False).map(lambda x: repr(round(x, 3))),
)
_formulas = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from(["2", "0.5", "-1", "(-0.3)"])).map(lambda t: f"({t[0]})**{t[1]}"),
        st.tuples(st.sampled_from(["exp", "log", "sqrt", "Abs", "atan", "cos"]), inner).map(
            lambda t: f"{t[0]}({t[1]})"
        ),
        st.tuples(st.sampled_from(["Min", "Max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("text", ["exp(1)*N + E", "exp(1)**N*E", "atan(1)*pi", "atan(1)**2*N + pi", "exp(2)*E"])
def test_numbers_that_sympy_names_do_not_become_symbols(text: str) -> None:
    symbols = {**SYMBOLS, "E": sympy.Symbol("E", positive=True), "pi": sympy.Symbol("pi", positive=True)}
    expression = parse_formula(text, symbols)
    assert parse_formula(formula_text(expression), symbols) == expression


@pytest.mark.parametrize("text", ["(N*cos(2))**0.5", "sqrt(cos(2)*N)", "log(N) + (N*cos(4))**1.5"])
def test_a_root_of_a_negative_number_is_refused_in_a_product_too(text: str) -> None:
    with pytest.raises(FormulaError, match="not a finite real expression"):
        parse_formula(text, SYMBOLS)


@pytest.mark.parametrize("digits", [31, 60, 61, 86, 90, 91, 300])
def test_large_whole_numbers_are_written_in_pieces(digits: int) -> None:
    large = sympy.Integer("7" * digits)
    for number in (large, -large, large / 11**10, sympy.Rational(3, large), N * large ** sympy.Rational(1, 7)):
        assert parse_formula(formula_text(number), SYMBOLS) == number


@pytest.mark.parametrize("number", [sympy.Integer(3) ** 2000, sympy.Rational(3**2000, 2**2100)])
def test_numbers_beyond_floats_are_written_by_their_value(number: sympy.Rational) -> None:
    for expression in (number ** sympy.Rational(1, 100), N + number ** sympy.Rational(1, 100) * D):
        again = parse_formula(formula_text(expression), SYMBOLS)
        at = {N: 2, D: 3}
        assert float(again.subs(at)) == pytest.approx(float(expression.evalf(30, subs=at)), rel=1e-15)


@example("exp(1)")
@example("1.5/(N + D)")
@example("((N * cos(2)))**0.5")
@example("((1.275)**(-0.3))**(-0.3)")  # holds the hundredth root of a whole number of 86 digits
@given(_formulas)
def test_text_of_any_expression_reads_back(text: str) -> None:
    try:
        expression = parse_formula(text, SYMBOLS)
    except FormulaError:
        return  # not finite or not real: refused, which is the other legal outcome
    again = parse_formula(formula_text(expression), SYMBOLS)
    if again != expression:  # SymPy may distribute a number over a sum on reading
        at = {N: sympy.Rational(7, 3), D: sympy.Rational(5, 2), a: sympy.Rational(11, 7)}
        first, second = complex(expression.evalf(40, subs=at)), complex(again.evalf(40, subs=at))
        assert first == pytest.approx(second, rel=1e-12)


def _refusal(text: str) -> str:
    try:
        parse_formula(text, SYMBOLS)
    except FormulaError as error:
        return str(error)
    return ""


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    assert "\n" not in _refusal(text)


def test_values() -> None:
    value = parse_formula("a*N**-0.3 + log2(D)", SYMBOLS).subs({N: 10, D: 8, a: 2})
    assert math.isclose(float(value), 2 * 10**-0.3 + 3)
