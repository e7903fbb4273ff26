"""Sentences of the other rooms in the words and letters of print."""

from __future__ import annotations

import re

from formsearch.typesetting.escape import GREEK
from formsearch.typesetting.numbers import power_of_ten, superscript

_LETTERS = {name: letter for letter, name in GREEK.items()} | {"epsilon": "ε", "eps": "ε", "lam": "λ"}
_WORD = re.compile(rf"(?<![A-Za-z0-9])({'|'.join(sorted(_LETTERS, key=len, reverse=True))})(?![A-Za-z0-9])")
_POWER = re.compile(r"\*\*")
_TIMES = re.compile(r"(?<=[\w)])\*(?=[\w(])")


_EXPONENT = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)e([+-]?\d+)(?![\w.]*\w)")


def _power_of_ten(found: re.Match[str]) -> str:
    """1.3e+22 as it is printed elsewhere, 1.3×10²²."""
    power = power_of_ten(int(found[2]))
    return power if float(found[1]) == 1 else f"{found[1]}×{power}"


_WHOLE = re.compile(r"\^(-?\d+)(?![\w.])")


def sentence(text: str) -> str:
    """A sentence of another room for readers: ends with a full stop, Greek letters and powers as in print."""
    text = _EXPONENT.sub(_power_of_ten, text.strip().replace(" -> ", " → "))
    text = _TIMES.sub(" ", _POWER.sub("^", _WORD.sub(lambda m: _LETTERS[m[1]], text)))
    text = _WHOLE.sub(lambda m: superscript(int(m[1])), text)
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


_OBJECTIVES = {
    "LeastSquares": "least squares",
    "Huber": "Huber",
    "SoftL1": "soft L1",
    "StudentT": "Student t",
    "Asymmetric": "asymmetric",
}
_OBJECTIVE = re.compile(rf"\b({'|'.join(_OBJECTIVES)})\(([^()]*)\)")


def objective(text: str) -> str:
    """`LeastSquares(raw)` and the like in words, wherever they stand in a text."""
    return _OBJECTIVE.sub(_in_words, text)


def _in_words(found: re.Match[str]) -> str:
    parts = [p.strip() for p in found[2].split(",") if p.strip()]
    where = " of the logarithm" if "log" in parts else ""
    numbers = ", ".join(p for p in parts if p not in ("log", "raw"))
    return f"{_OBJECTIVES[found[1]]}{f' {numbers}' if numbers else ''}{where}"
