"""How mathematics is printed: order, fractions, names for long parts, and that nothing changes its value."""

import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import sympy

import formsearch as fs
from formsearch.derive import derive
from formsearch.derive.draw import abbreviated, line, mathml, pretty, to_latex
from formsearch.derive.layout import Order
from formsearch.derive.letters import latex_name, unicode_name
from formsearch.formula import parse_formula

ZHAO = fs.laws["zhao2025"]


def test_a_law_reads_as_it_was_written() -> None:
    chinchilla = fs.laws["chinchilla"]
    assert line(chinchilla.expression, Order.of(chinchilla)) == "E + A/N**alpha + B/D**beta"
    assert line(ZHAO.expression, Order.of(ZHAO)).startswith("(e*G + f/G + m*S**2 + n*S)*(1/N**alpha + k/Na**alpha")
    assert to_latex(chinchilla.expression, Order.of(chinchilla)) == (
        r"E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}"
    )  # fmt: skip


def test_derivatives_stand_below_the_line() -> None:
    law = fs.laws["chinchilla"]
    slope = sympy.diff(law.expression, law.symbols["N"])
    assert line(slope, Order.of(law)) == "-A*alpha/N**(alpha + 1)"
    drawn = pretty(sympy.Eq(sympy.Symbol("dL/dN"), slope, evaluate=False), 80, "", Order.of(law)).splitlines()
    assert any("∂L/∂N = - ──────" in row for row in drawn)


@pytest.mark.parametrize("name", [n for n in fs.laws if not n.startswith("bnsl3")])
def test_one_line_reads_back_as_the_same_function(name: str) -> None:
    law = fs.laws[name]
    first = law.symbols[law.variable_names[0]]
    for expression in (law.expression, sympy.diff(law.expression, first)):
        if expression.has(sympy.Heaviside, sympy.Derivative):
            continue
        again = parse_formula(line(expression, Order.of(law)), law.symbols)
        symbols = sorted(expression.free_symbols, key=str)
        rng = np.random.default_rng(0)
        at = [rng.uniform(1.2, 2.0, 5) if s.is_negative is not True else -rng.uniform(0.2, 1.0, 5) for s in symbols]
        with np.errstate(all="ignore"):
            a = np.asarray(sympy.lambdify(symbols, expression, "numpy")(*at), dtype=complex)
            b = np.asarray(sympy.lambdify(symbols, again, "numpy")(*at), dtype=complex)
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_long_repeated_parts_get_a_name_and_nothing_is_lost() -> None:
    law = fs.laws["farseer2025"]
    slope = sympy.diff(law.expression.subs(law.symbols["D"], 1 / law.symbols["N"]), law.symbols["N"])
    main, parts = abbreviated(slope)
    assert parts
    assert main.count_ops() < slope.count_ops()
    for name, part in reversed(parts):
        main = main.subs(name, part)
    assert sympy.simplify(main - slope) == 0
    short = law.symbols["A"] + 1
    assert abbreviated(short) == (short, ())


def test_nothing_is_wider_than_the_terminal() -> None:
    for law, extra in (("farseer2025", {"subject_to": "C = 6*N*D"}), ("zhao2025", {}), ("tian2025", {})):
        printed = derive(fs.laws[law], "published", seconds=1, resamples=0, **extra).text(width=100)  # type: ignore[arg-type]
        steps = printed.split("\n1. ")[1].split("\nResults")[0]
        assert max(map(len, steps.splitlines())) <= 100
        assert "Eq(" not in printed


def test_names() -> None:
    assert [unicode_name(n) for n in ("eps", "d2L/dG2", "phi(N, Na)", "G_opt")] == ["ε", "∂²L/∂G²", "φ(N, Na)", "Gₒₚₜ"]
    assert latex_name("d2L/dG2") == r"\frac{\partial^{2} L}{\partial G^{2}}"
    assert latex_name("Na") == "N_{a}"
    assert mathml(sympy.Eq(sympy.Symbol("dL/dG"), sympy.Symbol("eps"))).startswith('<math display="block">')
    assert mathml(None) == ""


def test_fractional_powers_are_merged() -> None:
    d = derive(fs.laws["ludziejewski2025"], "published", subject_to="F = 6*N_active*D", settings={"E": 8}, seconds=2)
    assert line(d["D/Nact"].expression).count("**(2/(p + q))") == 1
    assert "a**2" not in line(d["D/Nact"].expression)
    assert d["D/Nact"].check.passed


TEX = shutil.which("tectonic") or shutil.which("pdflatex")
DERIVATIONS: list[tuple[str, Any, dict[str, float]]] = [
    ("zhao2025", None, {}),
    ("zhao2025", "C = 6*Na*D", {"N": 1e12, "G": 7, "S": 0.31}),
    ("ludziejewski2025", "F = 6*N_active*D", {"E": 8}),
    ("farseer2025", "C = 6*N*D", {"C": 1e21}),
    ("clark2022", None, {}),
    ("tian2025", None, {}),
]


@pytest.mark.skipif(TEX is None, reason="needs a TeX: install tectonic, or Debian's texlive-latex-recommended")
@pytest.mark.parametrize(("law", "subject_to", "settings"), DERIVATIONS)
def test_latex_compiles(law: str, subject_to: Any, settings: dict[str, float], tmp_path: Path) -> None:
    d = derive(law, "published", subject_to=subject_to, settings=settings, resamples=0, seconds=1)
    (tmp_path / "derivation.tex").write_text(d.latex(document=True), encoding="utf-8")
    assert TEX is not None
    flags = [] if "tectonic" in TEX else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run([TEX, *flags, "derivation.tex"], cwd=tmp_path, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-1500:]
    assert (tmp_path / "derivation.pdf").stat().st_size > 10_000


def test_mathml_is_well_formed() -> None:
    d = derive("zhao2025", "published", resamples=0)
    drawn = [m for m in d.mathml() if m]
    assert len(drawn) >= 8
    for text in drawn:
        assert ElementTree.fromstring(text).tag == "math"
