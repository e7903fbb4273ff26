"""Formulas: the author's order, readable numbers, the same mathematics, nothing executed."""

from xml.etree import ElementTree

import pytest
import sympy

from formsearch import laws
from formsearch.exceptions import FormulaError
from formsearch.formula import parse_formula
from formsearch.typesetting.maths import LINE, formula, proportional, read


@pytest.mark.parametrize("name", sorted(laws))
def test_every_law_is_set_in_three_scripts(name: str) -> None:
    law = laws[name]
    shown = formula(law.formula, "L", variables=law.variable_names)
    ElementTree.fromstring(f"<math>{shown.mathml}</math>")
    assert shown.latex.count("{") == shown.latex.count("}")
    assert shown.latex.count(r"\left") == shown.latex.count(r"\right")
    gap = parse_formula(shown.text.removeprefix("L = "), law.symbols) - law.expression
    values = {s: sympy.Rational(3 + i, 7) for i, s in enumerate(law.symbols.values())}
    assert abs(complex(gap.subs(values).evalf(20))) < 1e-12


@pytest.mark.parametrize("name", [n for n in sorted(laws) if laws[n].published])
def test_published_numbers_take_the_place_of_constants(name: str) -> None:
    law = laws[name]
    constants = next(iter(law.published.values())).constants
    shown = formula(law.formula, variables=law.variable_names, constants=constants)
    names = [law.symbols[v] for v in law.variable_names]
    values = [3.0 + i if law.variables[i].about.high > 1 else 0.5 for i in range(len(names))]
    left = complex(sympy.lambdify(names, parse_formula(shown.text, law.symbols), "math")(*values))
    right = float(law.evaluate({v: [x] for v, x in zip(law.variable_names, values, strict=True)}, constants)[0])
    assert abs(left / right - 1) < 5e-3  # constants are rounded to five digits, and exponents amplify that


def test_terms_and_factors_stand_as_they_were_written() -> None:
    assert formula("E + A*N**-alpha + B*D**-beta", "L").latex == r"L = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}"
    law = laws["zhao2025"]
    text = formula(law.formula, variables=law.variable_names).text
    assert text.startswith("(e*G + f/G + m*S**2 + n*S)*(1/N**alpha + k/Na**alpha + h*Na/N)")
    assert text.endswith("+ c/Na**alpha + eps")


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("Eq(G_opt, sqrt(f/e))", r"G_{\mathrm{opt}} = \sqrt{\frac{f}{e}}"),
        ("Eq((Na/N)_opt, x**(1/(alpha + 1)))", r"\left(N_{a}/N\right)_{\mathrm{opt}} = x^{1/\left(\alpha + 1\right)}"),
        ("Eq(d2L/dNa2, 2*m)", r"\frac{\partial^{2} L}{\partial N_{a}^{2}} = 2 m"),
        ("Eq(dln(Na/N)/dlnN, -alpha)", r"\frac{\mathrm{d} \ln \left(N_{a}/N\right)}{\mathrm{d} \ln N} = - \alpha"),
        ("dL/dN/dC/dN > 0", r"\frac{\frac{\partial L}{\partial N}}{\frac{\partial C}{\partial N}} > 0"),
        ("A(G, S) >= 0", r"A\left(G, S\right) \geq 0"),
        ("N**(1/4)*D**0.5", r"N^{1/4} \sqrt{D}"),
        ("eps - k*exp(-gamma*L)", r"\epsilon - k e^{- \gamma L}"),
        ("-1.5e-9*x - 2", r"- 1.5 \cdot 10^{-9} x - 2"),
        ("log(x) + log10(y)", r"\ln{\left(x \right)} + \log_{10}\left(y\right)"),
        ("shared_ratio*aN", r"\text{shared ratio} a_{N}"),
    ],
)
def test_what_derivations_and_searches_write(text: str, latex: str) -> None:
    shown = formula(text)
    assert shown.latex == latex
    ElementTree.fromstring(f"<math>{shown.mathml}</math>")


def test_powers_in_words_and_signs() -> None:
    assert proportional("N", -0.19244).latex == r"\propto N^{-0.192}"
    assert proportional("Na", 0.80756).text == "∝ Na^0.808"


def test_long_sums_are_broken_at_their_terms() -> None:
    shown = formula(laws["zhao2025"].formula, "L")
    assert shown.latex.startswith("\\begin{aligned}\nL &= ")
    assert shown.latex.count("\\\\") == 1
    assert shown.mathml.count("<mtr>") == 2
    narrow = formula(laws["zhao2025"].formula, "L", line=10)
    assert narrow.mathml.count("<mtr>") > 2


def test_for_telephones_lines_are_shorter() -> None:
    shown = formula(laws["zhao2025"].formula, "L")
    ElementTree.fromstring(f"<math>{shown.narrow}</math>")
    assert shown.narrow_width < shown.width <= LINE + 5
    assert shown.narrow != shown.mathml
    assert formula("E + A/N**alpha", "L").narrow == ""
    assert formula(laws["zhao2025"].formula, "L", line=10).narrow == ""


def test_a_fraction_is_as_wide_as_its_wider_half() -> None:
    text = "381.36/N**(1/3) + (7254100.5 + 4.7681*D**(3/4))/D**0.78476 + 1.2345"
    assert len(text) > LINE
    assert "aligned" not in formula(text, "L").latex
    assert "aligned" in formula(" + ".join(f"{i}.5*N**a{i}*D" for i in range(9)), "L").latex


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('ls')", "x.y", "[1, 2]", "lambda x: x", "f(x=1)", "f(*a)", "x if y else z", "x" * 5000,
     "-" * 200 + "x", "", "x +", "'a'", "f(" * 70 + "x" + ")" * 70],
)  # fmt: skip
def test_code_is_refused_and_shown_as_text(text: str) -> None:
    with pytest.raises(FormulaError):
        read(text)
    shown = formula(text)
    assert shown.mathml.startswith("<mtext>")
    ElementTree.fromstring(f"<math>{shown.mathml}</math>")


def test_markup_in_a_name_stays_text() -> None:
    shown = formula("<script>x</script> & \\input{a}")
    assert "<script>" not in shown.mathml
    assert r"\input" not in shown.latex.replace(r"\textbackslash{}input", "")
