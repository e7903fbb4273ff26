"""Interval arithmetic encloses, decides signs on boxes, and finds all roots of one variable."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from formsearch.derive.interval import Interval, all_roots, enclosure, sign_on_box

x, y = sympy.symbols("x y", real=True)

FORMS = [
    x**2 - 3 * x + y,
    x / (1 + y**2),
    sympy.exp(-x) * sympy.log(3 + y),
    (2 + x) ** sympy.Rational(-7, 10) + (2 + y) ** 1.3,
    sympy.sqrt(4 + x) - sympy.Abs(y),
    x**3 - x**-2 * y,
    sympy.Max(x, y) - sympy.Min(x, 1 - y),
]


@pytest.mark.parametrize("form", FORMS, ids=str)
@settings(max_examples=60, deadline=None)
@given(
    a=st.floats(-1.5, 1.5), b=st.floats(-1.5, 1.5), wa=st.floats(0, 0.5), wb=st.floats(0, 0.5), u=st.floats(0, 1),
    v=st.floats(0, 1),
)  # fmt: skip
def test_values_lie_in_the_enclosure(
    form: sympy.Expr, a: float, b: float, wa: float, wb: float, u: float, v: float
) -> None:
    box = enclosure(form, [x, y])(Interval(*map(np.asarray, (a, a + wa))), Interval(*map(np.asarray, (b, b + wb))))
    at = {x: sympy.Float(min(a + u * wa, a + wa), 30), y: sympy.Float(min(b + v * wb, b + wb), 30)}
    value = form.subs(at)
    if value.is_finite:
        assert float(box.lo) <= float(value) <= float(box.hi)


def test_signs_on_a_box() -> None:
    positive = enclosure(x**2 - 2 * x + 1.01, [x])
    assert sign_on_box(positive, [-10], [10]) == 1
    assert sign_on_box(enclosure(-(x**2) - y**2 - 0.1, [x, y]), [-3, -3], [3, 3]) == -1
    assert sign_on_box(enclosure(x - y, [x, y]), [0, 0], [1, 1]) == 0
    assert sign_on_box(enclosure((x - 1) ** 2, [x]), [0], [3], most_boxes=2000) is None  # it touches zero


def test_all_roots_are_found_and_proved() -> None:
    roots = all_roots((x - 0.5) * (x - 2) * (x - 2.001) * (x + 7), x, -10, 10)
    assert roots.complete
    assert roots.values == pytest.approx((-7, 0.5, 2, 2.001), abs=1e-12)
    none = all_roots(sympy.exp(x) + 1, x, -50, 50)
    assert none.complete
    assert none.values == ()
    wave = all_roots(sympy.exp(-x) - sympy.exp(-2 * x) * 3 + 0.01 * sympy.exp(x / 3), x, -5, 20)
    assert wave.complete
    assert len(wave.values) == 1


def test_a_double_root_is_not_called_proved() -> None:
    roots = all_roots((x - 1) ** 2 * (x + 2), x, -5, 5.3)
    assert not roots.complete
    assert any(abs(r + 2) < 1e-9 for r in roots.values)
