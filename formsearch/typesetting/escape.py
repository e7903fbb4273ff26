"""Escaping of plain text for LaTeX and Markdown (HTML is escaped by jinja2)."""

from __future__ import annotations

import re
import unicodedata

_MATHS = {
    "−": "-", "×": r"\times", "±": r"\pm", "∞": r"\infty", "≤": r"\le", "≥": r"\ge", "≈": r"\approx", "·": r"\cdot",
    "→": r"\to", "∝": r"\propto", "∂": r"\partial", "✗": r"\times", "✓": r"\checkmark", "√": r"\surd", "²": "^2",
    "³": "^3",
}  # fmt: skip
GREEK = {
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
    **{letter: rf"\ensuremath{{\{name}}}" for letter, name in GREEK.items()},
}  # fmt: skip
_SUPERSCRIPTS = re.compile("(10)?([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def escape_latex(text: str) -> str:
    """Plain text as LaTeX that typesets it: commands and specials are escaped, unknown characters spelled out."""
    parts, at = [], 0
    for found in _SUPERSCRIPTS.finditer(text):
        parts += [
            _escaped(text[at : found.start()]),
            rf"\ensuremath{{{found[1] or ''}^{{{found[2].translate(_PLAIN)}}}}}",
        ]
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
