"""Writes a stand-in for PySR into a folder: a package `pysr`, its metadata, a `julia`, and a Julia project.

The 2.x signature is that of the really installed package, read by `ast`; the 1.5 one is the recorded list. Nothing of
PySR's code is copied: what the stand-in does is in `body.py`, which the generated `sr.py` calls.
"""

import json
import shutil
import stat
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from formsearch.search.pysr.signature import read_signature
from tests.search.fake_pysr.facts import ARGUMENTS_1_5, FIT_1_5

VERSIONS = {1: ("1.5.10", "~1.11.0", "1.11.3"), 2: ("2.7.2", "~2.7.2", "2.7.2")}
REAL = Path(find_spec("pysr").origin).parent
needs_pysr_2 = pytest.mark.skipif(
    not read_signature(REAL).guesses, reason="the stand-in for PySR 2 has the options of the installed PySR, a 1.x"
)

INIT = """
from .julia_import import jl
from .expression_specs import TemplateExpressionSpec
from .sr import PySRRegressor

__version__ = {version!r}
"""
JULIA_IMPORT = """
from . import body

body.start_julia()


class jl:
    @staticmethod
    def seval(code):
        return {{"string(VERSION)": {julia!r}, "string(pkgversion(SymbolicRegression))": {backend!r}}}[code]
"""
SPECS = """
class TemplateExpressionSpec:
    def __init__(self, *args, **kwargs):
        if args:
            raise TypeError("positional forms are gone")
        self.combine, self.expressions = kwargs.pop("combine"), kwargs.pop("expressions")
        self.variable_names, self.parameters = kwargs.pop("variable_names"), kwargs.pop("parameters", None)
        if kwargs:
            raise TypeError(f"unexpected {{sorted(kwargs)}}")
"""
REGRESSOR = """
from . import body


class PySRRegressor:
    def __init__(self, model_selection="best", *, {arguments}, **kwargs):
        given = {{k: v for k, v in locals().items() if k not in ("self", "kwargs")}}
        if kwargs:
            raise TypeError(f"{{sorted(kwargs)[0]}} is not a valid keyword argument for PySRRegressor.")
        self.__dict__.update(given)

    def fit(self, X, y, *, {fit}):
        self.front_ = body.search(self, X, y, weights, variable_names)
        return self

    def get_best(self):
        return body.best(self.front_)
"""


@dataclass
class Fake:
    """Where a stand-in was written, and how it is to behave (told through the environment as JSON)."""

    root: Path
    generation: int = 2
    julia: str | None = "1.10.3"
    backend: str | None = ""
    behaviour: dict = field(default_factory=dict)

    @property
    def site(self) -> Path:
        return self.root / "site"

    @property
    def project(self) -> Path:
        return self.root / "julia_env"

    def environment(self) -> dict[str, str]:
        return {
            "PATH": str(self.root / "bin"),
            "PYTHON_JULIAPKG_PROJECT": str(self.project),
            "FAKE_PYSR": json.dumps(self.behaviour),
            "JULIAUP_DEPOT_PATH": str(self.root / "no-juliaup"),
        }

    def write(self) -> "Fake":
        version, wanted, backend = VERSIONS[self.generation]
        package = self.site / "pysr"
        package.mkdir(parents=True)
        if self.generation == 2:
            real = read_signature(REAL)
            arguments, fit = list(real.arguments), list(real.fit)
        else:
            arguments, fit = ARGUMENTS_1_5, FIT_1_5
        own = ", ".join(f"{a}=None" for a in arguments if a != "model_selection")
        rest = ", ".join(f"{a}=None" for a in fit if a not in ("X", "y"))
        backend = backend if self.backend == "" else self.backend
        (package / "__init__.py").write_text(INIT.format(version=version))
        (package / "julia_import.py").write_text(JULIA_IMPORT.format(julia=self.julia, backend=backend))
        (package / "expression_specs.py").write_text(SPECS.format())
        (package / "sr.py").write_text(REGRESSOR.format(arguments=own, fit=rest))
        shutil.copy(Path(__file__).with_name("body.py"), package / "body.py")
        needs = {"julia": "=1.10.0, 1.10.3", "packages": {"SymbolicRegression": {"version": wanted}}}
        (package / "juliapkg.json").write_text(json.dumps(needs))
        about = self.site / f"pysr-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: pysr\nVersion: {version}\n")
        self.write_julia(backend)
        return self

    def write_julia(self, backend: str | None) -> None:
        """A `julia` and a project with that version of the backend, None without."""
        (self.root / "bin").mkdir(parents=True)
        if self.julia is not None:
            julia = self.root / "bin" / "julia"
            julia.write_text(f'#!/bin/sh\necho "julia version {self.julia}"\n')
            julia.chmod(julia.stat().st_mode | stat.S_IXUSR)
        self.project.mkdir()
        if backend is not None:
            manifest = f'[[deps.SymbolicRegression]]\nuuid = "8254be44"\nversion = "{backend}"\n'
            (self.project / "Manifest.toml").write_text(manifest)
