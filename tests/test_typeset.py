"""Forms as their authors wrote them."""

import pytest
import sympy

from formsearch import laws, typeset
from formsearch.formula import parse_formula
from formsearch.law import Law, Variable

N = (Variable("N", "N"),)


@pytest.mark.parametrize("name", sorted(laws))
def test_the_written_form_is_the_law(name: str) -> None:
    law = laws[name]
    text, where = typeset.text(law)
    for symbol, meaning in where.items():  # an abbreviation uses only later ones
        text = text.replace(symbol, f"({meaning})")
    text = text.replace("log_10(", "log10(").replace("log_2(", "log2(")
    gap = parse_formula(text, law.symbols) - law.expression
    table = {s: sympy.Rational(3 + i, 7) for i, s in enumerate(law.symbols.values())}
    assert abs(complex(gap.subs(table).evalf(20))) < 1e-15


def test_terms_keep_the_written_order() -> None:
    assert typeset.text(laws["zhao2025"])[0].startswith("(e*G + f/G + m*S**2 + n*S)*(N**(-alpha)")
    assert typeset.latex(laws["chinchilla"], "L") == r"L = E + A N^{- \alpha} + B D^{- \beta}"
    assert typeset.latex(laws["chinchilla"]) == r"E + A N^{- \alpha} + B D^{- \beta}"


def test_long_repeated_parts_are_named() -> None:
    text, where = typeset.text(laws["ludziejewski2025"])
    assert text == "a*u_1**delta*Nact**(alpha + gamma*log(u_1)) + b*u_1**omega*D**(beta + zeta*log(u_1)) + c"
    assert where == {"u_1": "1/(1/(E - 1 + 1/(1/Es - 1/Em)) + 1/Em)"}
    block = typeset.latex(laws["ludziejewski2025"], "L")
    assert block.startswith("\\begin{aligned}\nL &= a u_{1}^{\\delta} N_{act}^")
    assert r",\quad u_{1} = " in typeset.latex(laws["ludziejewski2025"])


def test_a_name_that_is_taken_is_not_used_again() -> None:
    law = Law("taken", "u_1*exp(a*N + b/N + c*N**2) + log(a*N + b/N + c*N**2)", N)
    text, where = typeset.text(law)
    assert list(where) == ["u_2"]
    assert text == "u_1*exp(u_2) + log(u_2)"


def test_bases_of_logarithms_and_names_of_several_letters() -> None:
    assert typeset.latex(Law("logs", "a*log10(N) + b*log2(N)**2 + c*log(N)", N)) == (
        r"a \log_{10}{\left(N \right)} + b \log_{2}^{2}{\left(N \right)} + c \log{\left(N \right)}"
    )
    assert typeset.latex(Law("names", "eps + Nc*N**-lam + a1*alpha", N)) == (
        r"\epsilon + N_{c} N^{- \lambda} + a_{1} \alpha"
    )


def test_pretty_gives_up_where_the_form_is_too_wide() -> None:
    assert typeset.pretty(laws["chinchilla"], "L", 40) == "           -α      -β\nL = E + A⋅N   + B⋅D"
    assert typeset.pretty(laws["chinchilla"], "L", 10) is None
