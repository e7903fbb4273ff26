"""The doors: what comes in at each, and what is done with it."""

# ruff: noqa: E501  (lists of odd inputs read better by the line)

from __future__ import annotations

import csv
import importlib
import io
import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz import inputs
from tests.fuzz.watch import BrokenError, watched

LAW_FILE = """from formsearch import Law, Variable, Constant, Published, positive
import math
FORMULA_PART = "A/N**a"
LAW = Law(
    name="mine", formula="E + A/N**a", target="loss",
    variables=(Variable("N", "N", "size"),),
    constants=(Constant("E", "floor", lower=0.0), Constant("A", lower=0), positive("a", "exponent")),
    published={"x": Published({"E": 1.5, "A": 10**2, "a": -math.pi + 4}, "here")},
)
"""
CONFIG = """data = "runs.csv"
target = "val_loss"
where = "state == 'finished'"
laws = ["chinchilla"]
formulas = ["E + A/N**a"]
split = "ordered:C:0.2"
objective = "huber:1e-3"
starts = 16
engines = ["native"]
seed = 0
[columns]
N = "params"
[scale]
D = 1e9
[budget]
seconds = 60
"""
CONDITIONS = ("N", "loss", "`loss`", "==", "!=", "<", ">", "<=", " in ", " not in ", "[", "]", "(", ")", "1", "'a'", '"', "1e9", " and ",
              " or ", " not ", "-", "~", ".", "__class__", "lambda:", "9**9**9", "`", "@", "#", " if ", "None", "True", ",", "\n")  # fmt: skip
WORDS = ("ordered", "kfold", "column", "huber", "ls", "log", "student", "asymmetric", ":", "0.2", "C", "-1", "0", "1e999", "nan", "inf",
         "9" * 30, "fit", "", " ", "%", "softl1", "log-ls", "published", "bygroup", "repeated", "origins")  # fmt: skip
PATHS = ("zhao2025", "chinchilla", "sldbench", "moe", "train.parquet", "/", "..", "../", "~", "\\", "\x00", "%2e%2e", "etc/passwd", "/etc",
         "C:", "file://", "https://", "|id", "$(id)", ".", "a" * 300, "\n", "*", "é", "data.csv")  # fmt: skip
MARK = "xqzmark"
TITLES = ("<script>", "</script>", "</title>", f"alert('{MARK}')", f'" onmouseover="{MARK}', "<img src=x onerror=", MARK, ">", "<!--", "-->",
          "{{", "}}", "{%", "%}", "&lt;", "javascript:", "<svg onload=", "\\", "$", "`", "\u2028", "]]>", "<style>", "'", "<a href='",
          "_config", ".__class__")  # fmt: skip


@dataclass(frozen=True)
class Door:
    """A door: its name, the inputs, and what is done with one, in a folder of its own."""

    name: str
    inputs: Callable[[], st.SearchStrategy[Any]]
    enter: Callable[[Any, Path], None]

    def __call__(self, value: Any) -> None:
        """Let one input in. Raises what it brings about."""
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            self.enter(value, Path(folder))


def _formula(text: str, folder: Path) -> None:
    import sympy

    from formsearch.formula import names_in, parse_formula
    from formsearch.lawfile import formula_law

    with watched():
        law = formula_law(text)
        str(law.expression)
    with watched():
        parse_formula(text, {n: sympy.Symbol(n, positive=True) for n in names_in(text)})


def _engine(text: str, folder: Path) -> None:
    from formsearch.search.parse import read_infix

    with watched():
        read_infix(text, ("N", "D", "x0"))


def _file(read: Callable[[Path], object], name: str) -> Callable[[bytes, Path], None]:
    def enter(content: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(content)
        with watched():
            read(path)

    return enter


def _read_law(path: Path) -> object:
    from formsearch.lawfile import read_law

    return str(read_law(path).expression)


def _read_config(path: Path) -> object:
    from formsearch.config import read_config

    return read_config(path)


def _read_points(path: Path) -> object:
    from formsearch.data import load

    points = load(path)
    return points.describe(), points.hash


def _read_results(path: Path) -> object:
    from formsearch.report import load_results

    return load_results(path)


def _where(text: str, folder: Path) -> None:
    from formsearch.where import rows_where

    with watched():
        rows_where(_frame(), text)


@cache
def _frame() -> Any:
    import pandas as pd

    return pd.DataFrame({"N": [1e9, 2e9], "loss": [2.0, 1.9], "name": ["a", "b"], "a b": [1, 2]})


def _words(text: str, folder: Path) -> None:
    from formsearch.cli.verb import factors, pairs
    from formsearch.compare import parse_split
    from formsearch.core.objectives import parse_objective

    for read in (parse_split, parse_objective, lambda t: pairs([t], "--columns"), lambda t: factors([t], "--scale")):
        with watched():
            read(text)


def _dataset(name: str, folder: Path) -> None:
    from formsearch.data import fetch, load
    from formsearch.data.cards import cards

    importlib.import_module("pooch")
    with watched(folder):
        load(name)
    with watched(folder):
        if name not in cards():  # it would be downloaded
            fetch(name, folder=folder / "inner")
    if strays := [p for p in folder.iterdir() if p.name != "inner"]:
        raise BrokenError(f"{name!r} made {strays[0].name!r}")


class _Tags(HTMLParser):
    """Looks for our mark where a browser would run it."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = ""
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        for name, value in attrs:
            risky = name.startswith("on") or (value or "").strip().lower().startswith("javascript:")
            if risky and (MARK in (value or "") or MARK in name):
                self.found.append(f"<{tag} {name}={value!r}>")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        # Within the JSON of a script it is data; at its beginning it would be a program.
        if self.inside == "script" and data.lstrip().startswith(f"alert('{MARK}"):
            self.found.append(f"<script>{data[:60]}")


def _title(title: str, folder: Path) -> None:
    from formsearch.data import load
    from formsearch.report import report

    importlib.import_module("matplotlib.pyplot")
    points = load("zhao2025").only("validation")
    with watched(folder):
        paths = report([points], folder / "out", title=title, command=title)
        tags = _Tags()
        tags.feed(paths[0].read_text(encoding="utf-8"))
        if tags.found:
            raise BrokenError(f"the title {title!r} becomes {tags.found[0]}")


@cache
def _good_store() -> bytes:
    from formsearch.store import Store

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "work.sqlite"
        with Store(path) as store:
            for i in range(40):
                store.put(f"{i:032d}", "fit", {"i": i, "x": "y" * 200}, "label")
            store.keep("state", {"generation": 3})
        return path.read_bytes()


def _store(content: bytes, folder: Path) -> None:
    from formsearch.runs import describe
    from formsearch.salvage import repair
    from formsearch.store import Store

    path = folder / "work.sqlite"
    path.write_bytes(content)
    with watched(folder):
        describe(path)
    with watched(folder), Store(path) as store:
        for entry in store.entries():
            store.get(entry.key)
        store.put("new", "fit", {})
    with watched(folder):
        kept = repair(path).kept
        with Store(path) as store:
            if store.damage() or len(store) != kept:
                raise BrokenError(f"repaired, and still: {store.damage()}, {len(store)} of {kept} pieces")


def _stores() -> st.SearchStrategy[bytes]:
    good = _good_store()
    return st.one_of(
        inputs.mutated(good),
        st.integers(0, len(good)).map(lambda n: good[:n]),
        st.tuples(st.integers(0, len(good) // 4096 - 1), st.binary(min_size=64, max_size=64)).map(
            lambda t: good[: t[0] * 4096] + t[1] * 64 + good[(t[0] + 1) * 4096 :]
        ),
    )


def _stored(content: Any, folder: Path) -> None:
    from formsearch.payloads import derivation_codec
    from formsearch.search.checkpoint import read_answer, read_proposals

    with watched():
        derivation_codec().read(content)
    with watched():
        read_proposals({"proposals": content})
    with watched():
        read_answer({"answer": content})


def _documents() -> st.SearchStrategy[Any]:
    names = (
        "tuple",
        "map",
        "array",
        "Fraction",
        "expression",
        "Step",
        "Check",
        "Form",
        "Term",
        "system",
        "Proposal",
        "Result",
        "Answer",
        "Spent",
    )
    heads = (
        "Symbol",
        "Integer",
        "Rational",
        "Float",
        "Constant",
        "Function",
        "Add",
        "Mul",
        "Pow",
        "exp",
        "eval",
        "Piecewise",
        "Max",
    )
    leaf = st.one_of(
        st.none(), st.booleans(), st.integers(-9, 10**20), st.floats(), st.sampled_from((*heads, "x", "<f8", "1", "pi"))
    )
    return st.recursive(
        leaf,
        lambda part: st.one_of(
            st.lists(part, max_size=4),
            st.fixed_dictionaries({"#": st.one_of(st.sampled_from(names), part), "of": part}),
            st.fixed_dictionaries(
                {"#": st.just("expression"), "of": st.tuples(st.sampled_from(heads), part, part).map(list)}
            ),
            st.fixed_dictionaries({"#": st.just("array"), "of": part, "shape": part, "type": part}),
        ),
        max_leaves=12,
    )


def _cell(text: str, folder: Path) -> None:
    import pandas as pd

    from formsearch.cells import csv_text

    written = csv_text(pd.DataFrame({text: [text]}))
    for row in csv.reader(io.StringIO(written)):
        for cell in row:
            number = re.fullmatch(r"\s*[+-]?[\d.]+([eE][+-]?\d+)?\s*", cell)
            if cell.lstrip()[:1] in ("=", "+", "-", "@") and cell.lstrip() and not number:
                raise BrokenError(f"the cell {cell!r} is a formula")


def _bytes(text: str) -> Callable[[], st.SearchStrategy[bytes]]:
    pieces = tuple(re.findall(r"\w+|[^\w\s]|\s+", text))
    extra = (
        "__import__('os')",
        "9**9**9",
        "(" * 300,
        "lambda: 0",
        "**{}",
        "*[]",
        "f'{1}'",
        "\x00",
        "1e400",
        "é",
        "[" * 300,
    )

    def rearranged() -> st.SearchStrategy[bytes]:
        return st.lists(st.sampled_from((*pieces, *extra)), max_size=60).map(lambda p: "".join(p).encode())

    return lambda: st.one_of(inputs.mutated(text.encode()), rearranged(), st.binary(max_size=100))


@cache
def _results_text() -> str:
    from formsearch.data import load
    from formsearch.report import report

    with tempfile.TemporaryDirectory() as folder:
        report([load("zhao2025").only("validation")], Path(folder) / "out")
        document = json.loads((Path(folder) / "out" / "results.json").read_text())
    return json.dumps(document)


DOORS = (
    Door("formula", inputs.formulas, _formula),
    Door("engine output", inputs.formulas, _engine),
    Door("table", inputs.tables, _file(_read_points, "runs.csv")),
    Door("JSON table", inputs.json_tables, _file(_read_points, "runs.jsonl")),
    Door("law file", _bytes(LAW_FILE), _file(_read_law, "law.py")),
    Door("configuration", _bytes(CONFIG), _file(_read_config, "formsearch.toml")),
    Door("row condition", lambda: inputs.glued(CONDITIONS), _where),
    Door("option words", lambda: inputs.glued(WORDS, 6), _words),
    Door("data set name", lambda: inputs.glued(PATHS, 5), _dataset),
    Door("results file", lambda: inputs.mutated(_results_text().encode()), _file(_read_results, "results.json")),
    Door("report title", lambda: inputs.glued(TITLES, 6), _title),
    Door("store file", _stores, _store),
    Door("stored result", _documents, _stored),
    Door(
        "CSV cell",
        lambda: inputs.glued(("=", "+", "-", "@", "\t", "\r", " ", "1", "e", "cmd", "|", "'", '"', ",", "\n"), 8),
        _cell,
    ),
)
