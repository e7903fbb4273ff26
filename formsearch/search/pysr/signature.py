"""The constructor of the installed PySR, read from its source by `ast`: nothing of PySR is imported.

`import pysr` starts Julia (and, unasked, downloads it), while two generations of its interface are in the field
(1.5 and 2.x). So options are checked against the text of the very source that the child process will import.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from formsearch.exceptions import EngineMissingError

CLASS = "PySRRegressor"
TEMPLATE = "TemplateExpressionSpec"


@dataclass(frozen=True)
class Signature:
    """Names of the arguments of `PySRRegressor(...)` with their defaults as source text, and of `fit(...)`.

    templates : whether the package has template expressions with parameters (`p[category]`).
    """

    arguments: Mapping[str, str]
    fit: tuple[str, ...]
    templates: bool

    @property
    def guesses(self) -> bool:
        """Whether a search can be given expressions to start from (2.x)."""
        return "guesses" in self.arguments

    @property
    def template_guesses(self) -> bool:
        """Whether guesses of templates may carry parameter vectors: 2.0 fails on them, later 2.x take them.

        The versions that do came with plug-ins, which show in the signature.
        """
        return self.guesses and "plugins" in self.arguments


def read_signature(package: Path) -> Signature:
    """The signature of the package in folder `package`.

    Raises `EngineMissingError` where the folder holds no PySR that can be read.
    """
    stamp = tuple(_stamp(package / name) for name in ("sr.py", "expression_specs.py"))
    return _read(package, stamp)


def _stamp(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


@lru_cache(maxsize=8)
def _read(package: Path, _: tuple[float, ...]) -> Signature:
    classes = _classes(package / "sr.py")
    if CLASS not in classes:
        raise EngineMissingError(
            f"{package} has no class {CLASS} in sr.py: it is no PySR that formsearch knows; pip install 'pysr>=1.5.9'"
        )
    methods = {f.name: f for f in classes[CLASS].body if isinstance(f, ast.FunctionDef)}
    arguments = _arguments(methods["__init__"]) if "__init__" in methods else {}
    fit = tuple(_arguments(methods["fit"])) if "fit" in methods else ()
    specs = package / "expression_specs.py"
    return Signature(arguments, fit, specs.exists() and TEMPLATE in _classes(specs))


def _classes(path: Path) -> dict[str, ast.ClassDef]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise EngineMissingError(f"cannot read {path} of PySR ({error}): pip install --force-reinstall pysr") from None
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _arguments(function: ast.FunctionDef) -> dict[str, str]:
    """Arguments by name, without self and **kwargs; the default's source, empty where there is none."""
    a = function.args
    plain = [*a.posonlyargs, *a.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(a.defaults)) + list(a.defaults)
    pairs = [*zip(plain, defaults, strict=True), *zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    return {arg.arg: ast.unparse(value) if value is not None else "" for arg, value in pairs if arg.arg != "self"}
