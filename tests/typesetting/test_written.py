"""Forms as their authors wrote them."""

import pytest
import sympy

from formsearch import laws
from formsearch.formula import parse_formula
from formsearch.law import Law, Variable
from formsearch.typesetting import written

N = (Variable("N", "N"),)


@pytest.mark.parametrize("name", sorted(laws))
def test_the_written_form_is_the_law(name: str) -> None:
    law = laws[name]
    text, where = written.text(law)
    for symbol, meaning in where.items():  # an abbreviation uses only later ones
        text = text.replace(symbol, f"({meaning})")
    text = text.replace("log_10(", "log10(").replace("log_2(", "log2(")
    gap = parse_formula(text, law.symbols) - law.expression
    table = {s: sympy.Rational(3 + i, 7) for i, s in enumerate(law.symbols.values())}
    assert abs(complex(gap.subs(table).evalf(20))) < 1e-15


def test_terms_keep_the_written_order() -> None:
    assert written.text(laws["zhao2025"])[0].startswith("(e*G + f/G + m*S**2 + n*S)*(N**(-alpha)")
    assert written.latex(laws["chinchilla"], "L") == r"L = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}"
    assert written.latex(laws["chinchilla"]) == r"E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}"


def test_long_repeated_parts_are_named() -> None:
    text, where = written.text(laws["ludziejewski2025"])
    assert text == "a*u_1**delta*Nact**(alpha + gamma*log(u_1)) + b*u_1**omega*D**(beta + zeta*log(u_1)) + c"
    assert where == {"u_1": "1/(1/(E - 1 + 1/(1/Es - 1/Em)) + 1/Em)"}
    block = written.latex(laws["ludziejewski2025"], "L")
    assert block.startswith(
        "\\begin{aligned}\nL &= a N_{\\mathrm{act}}^{\\alpha + \\gamma \\ln{\\left(u_{1} \\right)}} u_{1}^{\\delta}"
    )
    assert r",\quad u_{1} = " in written.latex(laws["ludziejewski2025"])


def test_a_name_that_is_taken_is_not_used_again() -> None:
    law = Law("taken", "u_1*exp(a*N + b/N + c*N**2) + log(a*N + b/N + c*N**2)", N)
    text, where = written.text(law)
    assert list(where) == ["u_2"]
    assert text == "u_1*exp(u_2) + log(u_2)"


def test_bases_of_logarithms_and_names_of_several_letters() -> None:
    assert written.latex(Law("logs", "a*log10(N) + b*log2(N)**2 + c*log(N)", N)) == (
        r"a \log_{10}\left(N\right) + b \log_{2}^{2}\left(N\right) + c \ln{\left(N \right)}"
    )
    assert written.latex(Law("names", "eps + Nc*N**-lam + a1*alpha", N)) == (
        r"\epsilon + \frac{N_{c}}{N^{\lambda}} + a_{1} \alpha"
    )


def test_pretty_gives_up_where_the_form_is_too_wide() -> None:
    assert written.pretty(laws["chinchilla"], "L", 40) == "           -α      -β\nL = E + A⋅N   + B⋅D"
    assert written.pretty(laws["chinchilla"], "L", 10) is None
