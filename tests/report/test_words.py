"""Numbers and sentences as people write them."""

import math

import numpy as np
import pytest

from formsearch.report.text import objective, sentence
from formsearch.typesetting.escape import escape_latex, escape_markdown
from formsearch.typesetting.numbers import listed, number, percent, plural, sized, uniform, with_interval


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0065432, "0.006543"), (27129.0488, "27130"), (6.7778, "6.778"), (9.0071e9, "9.007×10⁹"), (1e21, "10²¹"),
        (-1e-9, "−10⁻⁹"), (0.0, "0"), (2e-300, "0"), (math.nan, "–"), (math.inf, "∞"), (-math.inf, "−∞"), (None, "–"),
        (42, "42"), (True, "yes"), (99999.6, "100000"), (999999.9, "10⁶"), (np.float64(0.25), "0.2500"), ("x", "x"),
    ],
)  # fmt: skip
def test_numbers(value: object, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (247e6, "parameters", "247M"), (9.008e9, "parameters", "9.01B"), (1e12, "tokens", "1T"),
        (999.9e6, "tokens", "1B"),
        (12.0, "tokens", "12"), (2.5e3, "samples", "2.5k"), (0.8, "fraction", "0.8"), (10.0, "count", "10"),
        (3e21, "FLOPs", "3×10²¹"), (-5e6, "parameters", "−5M"), (3e17, "tokens", "3×10¹⁷"),
    ],
)  # fmt: skip
def test_sizes(value: float, unit: str, text: str) -> None:
    assert sized(value, unit) == text


def test_an_interval_sets_the_digits() -> None:
    assert with_interval(0.347281, 0.331111, 0.362222) == ("0.347", "0.331 to 0.362")
    assert with_interval(27129.05, 12959.3, 40966.6) == ("27000", "13000 to 41000")
    assert with_interval(1.0, 1.0, 1.0) == ("1.000", "1.000 to 1.000")
    assert with_interval(0.0, 2e-300, 2e-300)[1] == "0 to 0"
    assert with_interval(3e9, 1e9, 5e9) == ("3×10⁹", "10⁹ to 5×10⁹")


def test_a_column_has_one_number_of_decimals() -> None:
    shown = uniform([17.142857, 10.0, 4.3589])
    assert [shown(v) for v in (17.142857, 10.0, 4.3589)] == ["17.14", "10.00", "4.36"]
    assert uniform([1.0, 20.0])(20.0) == "20"
    assert uniform([1e-9, 1.0])(1e-9) == "10⁻⁹"


def test_words() -> None:
    assert percent(0.22024) == "22.0 %"
    assert plural(1, "row") == "1 row"
    assert plural(1234, "row") == "1,234 rows"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([str(i) for i in range(9)]) == "0, 1, 2, 3, 4 and 4 more"
    assert listed([]) == ""


def test_sentences_end_and_read_as_print() -> None:
    assert sentence("alpha*c trades with N**(1/4)") == "α c trades with N^(1/4)."
    assert sentence("e - f/G**2 and x^-3, y^2.5") == "e - f/G² and x⁻³, y^2.5."
    assert sentence("48 -> 12 rows!") == "48 → 12 rows!"
    assert sentence("") == ""
    assert sentence("alphabet of deltas") == "alphabet of deltas."


def test_objectives_in_words() -> None:
    assert objective("LeastSquares(raw)") == "least squares"
    assert objective("fit to x (9 rows, Huber(0.001, log))") == "fit to x (9 rows, Huber 0.001 of the logarithm)"
    assert objective("something else") == "something else"


@pytest.mark.parametrize(
    "text", ["a_b", "50 %", "$x$", "#1", "{}", "~^\\", '"', "&", "<|>", "9.01×10⁻⁹ ≤ α ∝ 10²", "G² x⁻³"]
)
def test_latex_specials_are_escaped(text: str) -> None:
    safe = escape_latex(text)
    bare = safe.replace("\\\\", "")
    for special in "_%$#&":
        assert all(bare[i - 1] == "\\" for i, c in enumerate(bare) if c == special)
    assert safe.isascii()


def test_markdown_specials_are_escaped() -> None:
    assert escape_markdown("a|b <i>\n`x` *y*") == r"a\|b \<i\> \`x\` \*y\*"
