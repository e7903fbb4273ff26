"""The NIST StRD nonlinear problems as laws: formulas as printed in the data files, in our syntax."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from formsearch.law import Constant, Law, Variable
from formsearch.points import Points

FOLDER = Path(__file__).parent / "nist"
PI = "3.141592653589793"

_GAUSS = "b1*exp(-b2*x) + b3*exp(-(x-b4)**2/b5**2) + b6*exp(-(x-b7)**2/b8**2)"
_LANCZOS = "b1*exp(-b2*x) + b3*exp(-b4*x) + b5*exp(-b6*x)"
_CHWIRUT = "exp(-b1*x)/(b2+b3*x)"
_CUBIC = "(b1 + b2*x + b3*x**2 + b4*x**3)/(1 + b5*x + b6*x**2 + b7*x**3)"

FORMULAS = {
    "Bennett5": "b1*(b2+x)**(-1/b3)",
    "BoxBOD": "b1*(1-exp(-b2*x))",
    "Chwirut1": _CHWIRUT,
    "Chwirut2": _CHWIRUT,
    "DanWood": "b1*x**b2",
    "ENSO": f"b1 + b2*cos(2*{PI}*x/12) + b3*sin(2*{PI}*x/12) + b5*cos(2*{PI}*x/b4) + b6*sin(2*{PI}*x/b4)"
    f" + b8*cos(2*{PI}*x/b7) + b9*sin(2*{PI}*x/b7)",
    "Eckerle4": "(b1/b2)*exp(-0.5*((x-b3)/b2)**2)",
    "Gauss1": _GAUSS,
    "Gauss2": _GAUSS,
    "Gauss3": _GAUSS,
    "Hahn1": _CUBIC,
    "Kirby2": "(b1 + b2*x + b3*x**2)/(1 + b4*x + b5*x**2)",
    "Lanczos1": _LANCZOS,
    "Lanczos2": _LANCZOS,
    "Lanczos3": _LANCZOS,
    "MGH09": "b1*(x**2+x*b2)/(x**2+x*b3+b4)",
    "MGH10": "b1*exp(b2/(x+b3))",
    "MGH17": "b1 + b2*exp(-x*b4) + b3*exp(-x*b5)",
    "Misra1a": "b1*(1-exp(-b2*x))",
    "Misra1b": "b1*(1-(1+b2*x/2)**(-2))",
    "Misra1c": "b1*(1-(1+2*b2*x)**(-0.5))",
    "Misra1d": "b1*b2*x*((1+b2*x)**(-1))",
    "Nelson": "b1 - b2*x1*exp(-b3*x2)",
    "Rat42": "b1/(1+exp(b2-b3*x))",
    "Rat43": "b1/((1+exp(b2-b3*x))**(1/b4))",
    "Roszman1": f"b1 - b2*x - atan(b3/(x-b4))/{PI}",
    "Thurber": _CUBIC,
}


@dataclass(frozen=True)
class Certified:
    law: Law
    points: Points
    starts: tuple[dict[str, float], dict[str, float]]
    constants: dict[str, float]
    errors: dict[str, float]
    residual_sum: float


def problem(name: str) -> Certified:
    """One problem with its two official starts and its certified answer."""
    text = (FOLDER / f"{name}.dat").read_text()
    rows = re.findall(r"^\s*(b\d)\s*=\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)", text, flags=re.MULTILINE)
    numbers = {row[0]: [float(v) for v in row[1:]] for row in rows}
    residual_sum = float(re.search(r"Residual Sum of Squares:\s*(\S+)", text).group(1))  # type: ignore[union-attr]
    start = text.rindex("Data:")
    data = np.array([[float(v) for v in line.split()] for line in text[start:].splitlines()[1:] if line.strip()])
    target = np.log(data[:, 0]) if name == "Nelson" else data[:, 0]
    symbols = ("x1", "x2") if name == "Nelson" else ("x",)
    quantities = ("user_x1", "user_x2") if name == "Nelson" else ("log_flops",)  # the one of either sign
    law = Law(
        name=name,
        formula=FORMULAS[name],
        variables=tuple(Variable(s, q) for s, q in zip(symbols, quantities, strict=True)),
        constants=tuple(Constant(s) for s in numbers),
        target="score",
    )
    factors = {q: data[:, i + 1] for i, q in enumerate(quantities)}
    points = Points(target, factors, target_name="y", target_quantity="score", name=name)
    return Certified(
        law,
        points,
        ({k: v[0] for k, v in numbers.items()}, {k: v[1] for k, v in numbers.items()}),
        {k: v[2] for k, v in numbers.items()},
        {k: v[3] for k, v in numbers.items()},
        residual_sum,
    )


def digits(found: float, certified: float) -> float:
    """Matching significant digits: -log10 of the relative error, at most 11."""
    error = abs(found - certified) / abs(certified)
    return 11.0 if error == 0 else min(11.0, -float(np.log10(error)))
