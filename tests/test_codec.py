"""What is stored comes back equal to the last bit, and nothing that is read can build more than it may."""

import json
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
import sympy

from formsearch.codec import Codec, NotStorable
from formsearch.derive import derive
from formsearch.exceptions import StoreError
from formsearch.payloads import derivation_of, derivation_payload
from formsearch.registry import laws


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass(frozen=True)
class Box:
    content: Any
    name: str = ""


CODEC = Codec(Pair, Box)


def there_and_back(value: Any) -> Any:
    return CODEC.read(json.loads(json.dumps(CODEC.write(value))))


@pytest.mark.parametrize(
    "value",
    [
        None, True, 7, 0.1 + 0.2, 5e-324, -math.inf, "naïve ∂", [1, [2.5]], (1, ("a",)), {"a": (1,), "#": 2},
        Fraction(-3, 7), Pair(1, Pair("x", None)), Box((1, 2), "b"), [Box({"k": Fraction(1, 3)})],
    ],
)  # fmt: skip
def test_values_come_back(value: Any) -> None:
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)


def test_arrays_come_back_to_the_bit() -> None:
    value = np.array([[0.1, math.nan, -0.0], [math.inf, 1e-310, 2.0]])
    back = there_and_back(value)
    assert back.dtype == value.dtype
    assert back.tobytes() == value.tobytes()
    assert there_and_back(np.arange(6, dtype=np.int64).reshape(2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert there_and_back(np.float64(0.3)) == 0.3


def test_expressions_come_back_as_they_were_written() -> None:
    x, n = sympy.symbols("x", positive=True), sympy.Symbol("n", integer=True)
    expressions = [
        sympy.Mul(2, sympy.Add(x, x, evaluate=False), evaluate=False),  # 2*(x + x), not 4*x
        sympy.Rational(-3, 7) * x**-n + sympy.pi * sympy.exp(x) / sympy.log(n) - sympy.E,
        sympy.Eq(x, n**2, evaluate=False), sympy.Gt(x, sympy.oo, evaluate=False), sympy.Float("0.1", 30) + x,
        sympy.Piecewise((x, x > 1), (n, True)), sympy.Max(x, n), sympy.Function("A")(x, n), sympy.Tuple(x, 1),
        sympy.And(x > 1, n > 2), sympy.Derivative(sympy.Function("L")(x), x), sympy.Float(0.1), sympy.S.true,
    ]  # fmt: skip
    for expression in expressions:
        back = there_and_back(expression)
        assert back == expression
        assert sympy.srepr(back) == sympy.srepr(expression)


@pytest.mark.parametrize(
    "value", [object(), {1: 2}, np.array(["a"]), sympy.Dummy("x"), sympy.Integral(sympy.Symbol("x")), len, Pair]
)
def test_what_could_not_come_back_is_not_written(value: Any) -> None:
    with pytest.raises(NotStorable):
        CODEC.write(value)


@pytest.mark.parametrize(
    "stored",
    [
        {"#": "system", "of": ["ls"]}, {"#": "Pair", "of": [1]}, {"of": []}, {"#": "Fraction", "of": [1, 0]},
        {"#": "expression", "of": ["__import__", ["Symbol", "os", {}]]}, {"#": "expression", "of": []},
        {"#": "expression", "of": ["Integer", "os"]}, {"#": "array", "of": [1], "shape": [2], "type": "<f8"},
        {"#": "array", "of": ["x"], "shape": [1], "type": "O2"}, {"#": "expression", "of": ["Symbol", "x", 3]},
        {"#": "expression", "of": ["Constant", "Symbol"]}, {"#": ["a"], "of": []},
        {"#": "expression", "of": ["Float", "1.5", 10**7]}, {"#": "expression", "of": ["Float", "1.5", -1e16]},
        {"#": "array", "of": ["x"], "shape": [1], "type": "S9999999999"},
    ],
)  # fmt: skip
def test_foreign_documents_are_refused(stored: Any) -> None:
    with pytest.raises(StoreError, match="a stored"):
        CODEC.read(stored)


def test_deep_documents_are_refused() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = {"#": "tuple", "of": [deep]}
    with pytest.raises(StoreError, match="nested deeper"):
        CODEC.read(deep)


@pytest.mark.parametrize(("name", "asked"), [("kaplan2020", {}), ("chinchilla", {"subject_to": "C = 6*N*D"})])
def test_a_derivation_comes_back_as_it_was(name: str, asked: dict[str, str]) -> None:
    made = derive(laws[name], constants="published", **asked)
    back = derivation_of(json.loads(json.dumps(derivation_payload(made))), laws[name])
    assert back.to_dict() == made.to_dict()
    assert back.markdown() == made.markdown()
    assert back.latex() == made.latex()
    assert [s.equation for s in back.steps] == [s.equation for s in made.steps]
