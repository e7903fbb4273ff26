"""Escaping of plain text for LaTeX and Markdown (HTML is escaped by jinja2)."""

from __future__ import annotations

import re
import unicodedata

_MATHS = {
    "−": "-", "×": r"\times", "±": r"\pm", "∞": r"\infty", "≤": r"\le", "≥": r"\ge", "≈": r"\approx", "·": r"\cdot",
    "→": r"\to", "∝": r"\propto", "∂": r"\partial", "✗": r"\times", "✓": r"\checkmark", "√": r"\surd", "²": "^2",
    "³": "^3",
}  # fmt: skip
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "–": "--", "—": "---", "…": r"\ldots{}", "\u00a0": "~",
    "\u202f": r"\,",
    **{sign: rf"\ensuremath{{{command}}}" for sign, command in _MATHS.items()},
    **{letter: rf"\ensuremath{{\{name}}}" for letter, name in _GREEK.items()},
}  # fmt: skip
_SUPERSCRIPTS = re.compile("10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def escape_latex(text: str) -> str:
    """Plain text as LaTeX that typesets it: commands and specials are escaped, unknown characters spelled out."""
    parts, at = [], 0
    for found in _SUPERSCRIPTS.finditer(text):
        parts += [_escaped(text[at : found.start()]), rf"\ensuremath{{10^{{{found[1].translate(_PLAIN)}}}}}"]
        at = found.end()
    return "".join([*parts, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return "".join(
        _LATEX.get(c) or (c if c.isascii() and (c.isprintable() or c == "\n") else _spelled(c)) for c in text
    )


def _spelled(character: str) -> str:
    """A letter of Latin script is known to LaTeX; anything else is written by its code point."""
    if "LATIN" in unicodedata.name(character, "") or character in "äöüßéèçñ°":
        return character
    return f"[U+{ord(character):04X}]" if character.isprintable() else " "


_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$!&])")


def escape_markdown(text: str) -> str:
    """Plain text as one line of Markdown that shows it: markup, HTML and table bars are escaped."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


_LETTERS = {name: letter for letter, name in _GREEK.items()} | {"epsilon": "ε", "eps": "ε", "lam": "λ"}
_WORD = re.compile(rf"(?<![A-Za-z0-9])({'|'.join(sorted(_LETTERS, key=len, reverse=True))})(?![A-Za-z0-9])")
_POWER = re.compile(r"\*\*")
_TIMES = re.compile(r"(?<=[\w)])\*(?=[\w(])")


def sentence(text: str) -> str:
    """A sentence of another room for readers: ends with a full stop, Greek letters and powers as in print."""
    text = text.strip().replace(" -> ", " → ")
    text = _TIMES.sub(" ", _POWER.sub("^", _WORD.sub(lambda m: _LETTERS[m[1]], text)))
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
