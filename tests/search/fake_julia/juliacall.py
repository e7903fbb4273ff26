"""A stand-in for Julia: what PySR's own Python code asks of it is written down; a search writes a given front.

`FAKE_JULIA` in the environment is JSON: `log`, a file for what was asked, and `equations` of the front.
"""

import json
import os
import re
from pathlib import Path

import numpy as np

TOLD = json.loads(os.environ["FAKE_JULIA"])
ASKED = {"evaluated": [], "options": {}, "search": {}}


class Thing:
    """Any value of Julia: whatever is done with it is another."""

    def __init__(self, name="julia"):
        self._name = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Thing(f"{self._name}.{name}")

    def __call__(self, *args, **named):
        return Thing(f"{self._name}(...)")

    def __getitem__(self, key):
        return Thing(f"{self._name}[{key}]")

    def __setitem__(self, key, value):
        pass

    def __repr__(self):
        return f"<{self._name}>"

    def __bool__(self):
        return True

    def __reduce__(self):
        return Thing, (self._name,)


class Version:
    major, minor, patch = 1, 10, 3

    def __repr__(self):
        return "1.10.3"


def plain(value):
    """As JSON can say it."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "dtype": str(value.dtype)}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


class Regression(Thing):
    """SymbolicRegression.jl."""

    def Options(self, **named):
        ASKED["options"] = plain(named)
        self.options = named
        return Thing("options")

    @property
    def equation_search(self):
        return Search(self.options)


class Search(Thing):
    """The search itself: writes the front where PySR asked for it."""

    def __init__(self, options):
        super().__init__("equation_search")
        self.options = options

    def _jl_call_nogil(self, X, y, **named):
        return self(X, y, **named)

    def __call__(self, X, y, **named):
        ASKED["search"] = {"X": plain(np.asarray(X)), "y": plain(np.asarray(y)), **plain(named)}
        Path(TOLD["log"]).write_text(json.dumps(ASKED))
        folder = Path(self.options["output_directory"]) / named["run_id"]
        folder.mkdir(parents=True, exist_ok=True)
        rows = (f'{3 + 4 * k},{0.1 / (k + 1)},"{e}"' for k, e in enumerate(TOLD["equations"]))
        lines = ["Complexity,Loss,Equation", *rows]
        for name in ("hall_of_fame.csv", "hall_of_fame.csv.bak"):
            (folder / name).write_text("\n".join(lines) + "\n")
        return Thing("populations"), Thing("halls")


class Code(Thing):
    """What Julia makes of a text."""

    def __init__(self, text):
        super().__init__(text.strip())
        self._text = text

    def __reduce__(self):
        return Code, (self._text,)

    def __str__(self):
        return {"string(VERSION)": "1.10.3", "string(pkgversion(SymbolicRegression))": "0.0.0"}.get(
            self._text, self._name
        )


class Arrays(Thing):
    """PythonCall.jl."""

    def PyArray(self, value):
        return value


class Module(Thing):
    """Julia's Main."""

    VERSION = Version()
    PythonCall = Arrays("PythonCall")
    SymbolicRegression = Regression("SymbolicRegression")

    def seval(self, text):
        ASKED["evaluated"].append(text)
        return None if text == "nothing" else Code(text)

    def copy(self, value):
        return value

    def isa(self, value, kind):
        return isinstance(value, Code)

    def applicable(self, function, *args):
        """Whether a function takes so many arguments."""
        head = re.match(r"\w+\((.*?)\)\s*=", function._text)
        return head is None or len(head[1].split(",")) == len(args)

    def take_b(self, _):
        return np.zeros(3, dtype=np.uint8)


Main = Module("Main")


class AnyValue:
    pass


class JuliaError(Exception):
    pass


class VectorValue:
    pass


def convert(kind, value):
    return value
