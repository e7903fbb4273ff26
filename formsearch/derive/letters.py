"""Names of symbols for readers: Greek letters, subscripts, partial derivatives, in LaTeX and on a terminal."""

from __future__ import annotations

import re

_UNICODE = {"eps": "ε", "lam": "λ"}
_GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "rho",
    "sigma", "tau", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma", "Phi", "Psi",
    "Omega",
})  # fmt: skip
_SPECIAL = {"eps": r"\epsilon", "lam": r"\lambda", "Na": "N_{a}", "Nact": r"N_{\mathrm{act}}", "Eh": r"\hat{E}"}
_DERIVATIVE = re.compile(r"d(\d*)([A-Z]+)/d(\w+?)(\d*)")


def latex_name(name: str) -> str:
    """LaTeX of a symbol's name: `Na` N_{a}, `G_opt` G_{opt}, `dL/dG` a partial derivative, `N_active/N` a ratio."""
    if match := _DERIVATIVE.fullmatch(name):
        order, target, x, power = match.groups()
        if order == power:
            top = rf"\partial^{{{order}}} {target}" if order else rf"\partial {target}"
            bottom = rf"\partial {latex_name(x)}" + (rf"^{{{order}}}" if order else "")
            return rf"\frac{{{top}}}{{{bottom}}}"
    if match := re.fullmatch(r"dln(.+)/dln(\w+)", name):
        return rf"\frac{{\partial \ln {latex_name(match.group(1))}}}{{\partial \ln {latex_name(match.group(2))}}}"
    if match := re.fullmatch(r"\((.+)\)", name):
        return rf"\left({latex_name(match.group(1))}\right)"
    if match := re.fullmatch(r"(\w+)\((.+)\)", name):  # A(G, S)
        inside = ", ".join(latex_name(p.strip()) for p in match.group(2).split(","))
        return rf"{latex_name(match.group(1))}\left({inside}\right)"
    if match := re.fullmatch(r"\((.+)\)_opt", name):
        return rf"\left({latex_name(match.group(1))}\right)_{{\mathrm{{opt}}}}"
    if "/" in name:
        return "/".join(latex_name(p) for p in name.split("/"))
    if name in _SPECIAL:
        return _SPECIAL[name]
    stem, _, tail = name.partition("_")
    if match := re.fullmatch(r"([A-Za-z]+?)(\d+)", stem):
        stem, tail = match.group(1), match.group(2) + (f",{tail}" if tail else "")
    if stem in _SPECIAL and tail:
        return rf"{_SPECIAL[stem][:-1]},\mathrm{{{tail}}}}}" if "_" in _SPECIAL[stem] else _sub(_SPECIAL[stem], tail)
    base = rf"\{stem}" if stem in _GREEK else stem if len(stem) == 1 else rf"\mathrm{{{stem}}}"
    return _sub(base, tail) if tail else base


def _sub(base: str, tail: str) -> str:
    inside = rf"\{tail}" if tail in _GREEK else tail if len(tail) == 1 or tail.isdigit() else rf"\mathrm{{{tail}}}"
    return f"{base}_{{{inside.replace('_', ',')}}}"


def unicode_name(name: str) -> str:
    """A symbol's name for a terminal: Greek letters, subscripts, ∂L/∂G."""
    from sympy.printing.pretty.pretty_symbology import pretty_symbol

    if match := _DERIVATIVE.fullmatch(name):
        order, target, x, power = match.groups()
        if order == power:
            up = {"": "", "2": "²", "3": "³"}.get(order, order)
            return f"∂{up}{target}/∂{unicode_name(x)}{up}"
    if match := re.fullmatch(r"dln(.+)/dln(\w+)", name):
        return f"∂ln {unicode_name(match.group(1))}/∂ln {unicode_name(match.group(2))}"
    if match := re.fullmatch(r"(\w+)\((.+)\)", name):
        return (
            f"{unicode_name(match.group(1))}({', '.join(unicode_name(p.strip()) for p in match.group(2).split(','))})"
        )
    if "/" in name:
        return "/".join(unicode_name(p) for p in name.split("/"))
    stem, _, tail = name.partition("_")
    known = _UNICODE.get(stem, stem)
    return str(pretty_symbol(f"{known}_{tail}" if tail else known))
