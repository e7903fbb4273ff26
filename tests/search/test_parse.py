import pytest
import sympy

from formsearch.exceptions import FormulaError
from formsearch.search.parse import read_infix


def at(text: str, **variables: float) -> float:
    read = read_infix(text, tuple(variables))
    table = {sympy.Symbol(k, positive=True): v for k, v in {**variables, **read.values}.items()}
    return float(read.expression.subs(table))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("((1.5 * x1) ^ (-0.3000000000000000166533))", (1.5 * 2) ** -0.3),
        ("2.0 - -0.5*x1", 3.0),
        ("x1 ^ 2 - 1.0e-1", 3.9),
        ("square(x1) + cube(x2) - inv(x2) + neg(x1)", 4 + 27 - 1 / 3 - 2),
        ("max(x1, x2) + min(x1, 0.5) + abs(x1 - x2)", 3 + 0.5 + 1),
        ("pow(x1, 0.5) * exp(-x2) + log(x1)", 2**0.5 * 2.718281828459045**-3 + 0.6931471805599453),
    ],
)
def test_values(text: str, value: float) -> None:
    assert at(text, x1=2.0, x2=3.0) == pytest.approx(value, rel=1e-14)


def test_numbers_are_constants_and_whole_ones_are_part_of_the_form() -> None:
    read = read_infix("1.5*x^2 + 0.25", ("x",))
    assert list(read.values.values()) == [1.5, 0.25]
    assert str(read.expression) == "c0*x**2 + c1"


def test_constants_avoid_the_names_of_variables() -> None:
    read = read_infix("1.5*c1 + 0.5", ("c1",))
    assert set(read.values) == {"cc0", "cc1"}


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "x1.real", "[x1 for x1 in x2]", "(lambda: 1.5)()", "x1 if x2 else x1",
        "y * 2.0", "1.0e999", "max(x1)", "sinh(x1)", "pow(x1, 2.0, x2)", "x1 +", "", "square(x1, x2)",
    ],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(FormulaError):
        read_infix(text, ("x1", "x2"))
