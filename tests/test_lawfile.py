"""Laws of one's own: what formulas and files mean, and that a file can do nothing but state a law."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

import candidates
from candidates import LAWS
from formsearch import Constant, Points, Variable
from formsearch.exceptions import FormsearchError, FormulaError, InputError, UnknownNameError
from formsearch.lawfile import MAX_BYTES, binding, formula_law, read_law

CANDIDATES = Path(candidates.__file__).parent


# -- formulas --------------------------------------------------------------------------------------------------------


def test_names_of_quantities_are_variables_and_all_others_constants() -> None:
    law = formula_law("E + A/N**a + B/D**b")
    assert law.variables == (Variable("N", "N"), Variable("D", "D"))
    assert law.constant_names == ("E", "A", "a", "B", "b")
    assert law.target == "loss"
    values = law.evaluate({"N": 1e9, "D": 2e10}, {"E": 1.8172, "A": 482.01, "a": 0.3478, "B": 2085.43, "b": 0.3658})
    assert values[0] == pytest.approx(2.530050, abs=5e-7)


def test_a_formula_may_name_its_target_and_factors_of_the_user() -> None:
    law = formula_law("error = e - k*exp(-c*user_heads)", "mine")
    assert (law.name, law.target, law.quantities) == ("mine", "error", ("user_heads",))


def test_it_is_said_that_c_is_compute() -> None:
    assert binding(formula_law("C + A/N**a")) == (
        "formula: variables C (training compute), N (total parameters); constants A, a"
    )


def table(**other: np.ndarray) -> Points:
    return Points(np.asarray([3.0, 2.9]), {"N": np.asarray([1e8, 1e9])}, other=other)


@pytest.mark.parametrize(
    ("formula", "error", "message"),
    [
        ("E + A*x**a", FormulaError, "uses no quantity, so nothing in it varies; write it in N, D"),
        ("3", FormulaError, "its names: none"),
        ("E + A/params**a + D", FormulaError, "'params', which tables use for N: write N"),
        ("E + A*heads/N", FormulaError, "--columns user_heads=heads, and write user_heads"),
        ("los = E + A/N**a", UnknownNameError, "unknown target 'los': did you mean 'loss'"),
        ("N = E + A/D**a", UnknownNameError, "what stands before = in a formula is what it predicts"),
        ("E + A/N**a = 3", UnknownNameError, "unknown target"),
        ("N == 3", UnknownNameError, "unknown target"),
        ("E + N.__class__", FormulaError, "not allowed"),
        ("__import__('os').getcwd() + N", FormulaError, "not allowed"),
        ("open('/etc/passwd').read() + N", FormulaError, "not allowed"),
        ("N*(((2**64)**64)**64)", FormulaError, "more than 4096 bits"),
        ("E + A/N**", FormulaError, "cannot read formula"),
        ("loss = ", FormulaError, "cannot read formula"),
    ],
)
def test_formulas_that_cannot_be_meant_are_refused_in_one_line(formula: str, error: type, message: str) -> None:
    with pytest.raises(error, match=message.replace("+", r"\+")) as refusal:
        formula_law(formula, points=table(heads=np.asarray([8, 16])))
    assert "\n" not in str(refusal.value)
    assert isinstance(refusal.value, InputError)


# -- files -----------------------------------------------------------------------------------------------------------


def literal(path: Path) -> bool:
    """Whether a file imports and defines nothing, so that a reader that runs nothing can understand it."""
    tree = ast.parse(path.read_text())
    modules = [getattr(n, "module", "") for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    return not any(isinstance(n, ast.FunctionDef | ast.For) for n in tree.body) and set(modules) <= {"formsearch.law"}


PLAIN = [p for p in sorted(CANDIDATES.glob("[a-z]*.py")) if literal(p) and "f'" not in p.read_text()]


@pytest.mark.parametrize("path", [p for p in PLAIN if 'f"' not in p.read_text()], ids=lambda p: p.stem)
def test_candidate_files_mean_the_same_read_as_run(path: Path) -> None:
    law = read_law(path)
    assert law == LAWS[law.name]
    assert law.key == LAWS[law.name].key


def test_many_candidates_are_plain_files() -> None:
    assert len(PLAIN) >= 15


@pytest.fixture
def file(tmp_path: Path):
    def write(text: str, name: str = "mylaw.py") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_file_of_ones_own(file) -> None:
    law = read_law(
        file('''
"""Chinchilla with bounds."""
from __future__ import annotations
import math
import formsearch as fs
from formsearch.law import Constant, Law, Published, Start, Variable, positive

SOURCE = "my notebook"
"""Where it comes from."""
SIZE = Variable("N", "N", meaning="all parameters")
LAW: Law = Law(
    "mine",
    "E + A/N**a"
    " + B/D**b",
    [SIZE, fs.Variable("D", quantity="D")],
    constants=(
        positive("E", "limit", Start(1, 2)),
        Constant("a", lower=-0.5, upper=math.inf, start=Start(0.1, 1.0, log=True, scale="1")),
        Constant("b", "", float("-inf"), 2),
    ),
    source=SOURCE,
    published={"first": Published({"E": 1, "A": 2.5, "a": 0.3, "B": 3, "b": -1}, SOURCE, "computed", note="rough")},
    monotone={"N": "decreasing"},
)
''')
    )
    assert law.name == "mine"
    assert law.formula == "E + A/N**a + B/D**b"
    assert law.variables == (Variable("N", "N", "all parameters"), Variable("D", "D"))
    assert law.constant("a").lower == -0.5
    assert law.constant("a").start.log is True
    assert law.constant("b") == Constant("b", upper=2.0)
    assert law.constant("E").lower == 0
    assert law.published["first"].constants["b"] == -1
    assert law.source == "my notebook"


def test_a_file_may_hold_a_formula_alone(file) -> None:
    law = read_law(file('FORMULA = "score = E + A/N**a"\n', "2nd try.py"))
    assert (law.name, law.target, law.constant_names) == ("law_2nd_try", "score", ("E", "A", "a"))


GOOD = 'from formsearch import Law, Variable\nLAW = Law("x", "E + A/N**a", (Variable("N", "N"),))\n'
TRACE = "pathlib.Path({!r}).touch()"


@pytest.mark.parametrize(
    "attack",
    [
        "import pathlib; " + TRACE,
        GOOD + "__import__('pathlib').Path({!r}).touch()",
        GOOD + "open({!r}, 'w')",
        GOOD + "[open({!r}, 'w') for _ in (1,)]",
        GOOD + "class X:\n    open({!r}, 'w')",
        GOOD + "def f(x=open({!r}, 'w')): pass",
        GOOD + "@open({!r}, 'w')\ndef f(): pass",
        GOOD + "if open({!r}, 'w'): pass",
        GOOD + "assert open({!r}, 'w')",
        GOOD + "with open({!r}, 'w'): pass",
        GOOD + "LAW.x = open({!r}, 'w')",
        GOOD + "x, y = open({!r}, 'w'), 1",
        'from formsearch import Law, Variable\nLAW = Law(open({!r}, "w").name, "A/N", (Variable("N", "N"),))',
        'from formsearch import Law, Variable\nLAW = Law("x", "A/N", (), title=f"{{open({!r}, \'w\')}}")',
        'from formsearch import Law\nLAW = Law(*open({!r}, "w"))',
        'from formsearch import Law\nLAW = Law(**{{"name": open({!r}, "w")}})',
        'from formsearch import Law\nLAW = (lambda: open({!r}, "w"))()',
        'LAW = [open({!r}, "w")][0]',
        'LAW = {{open({!r}, "w"): 1}}',
        'LAW = {{**open({!r}, "w")}}',
        'Law = open({!r}, "w")\nLAW = Law("x", "A/N", ())',
        'FORMULA = open({!r}, "w").read()',
        'FORMULA = "N + " + str(open({!r}, "w"))',
        'FORMULA = "N + open({!r})"',
        "from os import system as Law\nLAW = Law('touch {}')",
        "import formsearch as fs\nLAW = fs.load({!r})",
        "import formsearch as fs\nLAW = fs.compare.__globals__['__builtins__']['open']({!r}, 'w')",
        "from formsearch import *\nLAW = read_points({!r})",
    ],
)
def test_nothing_in_a_file_is_run(file, tmp_path: Path, attack: str) -> None:
    trace = tmp_path / "trace"
    path = file(attack.format(str(trace)))
    ast.parse(path.read_text())  # it is Python, and would leave the trace
    with pytest.raises(InputError) as refusal:
        read_law(path)
    assert not trace.exists()
    assert "\n" not in str(refusal.value)
    assert "mylaw.py" in str(refusal.value) or "formula" in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "states no law; write LAW = Law"),
        ("x = 3", "states no law"),
        ("LAW = 3", "LAW is not a Law"),
        ("FORMULA = 3", "FORMULA is not a text"),
        ("LAW = LAW", "nested deeper than 30"),
        ("LAW = Law(", "line 1: cannot be read as Python: '(' was never closed"),
        ("LAW = Law('x')\nLAW = Law('y')", "line 2: LAW has a meaning already"),
        ("import numpy\n" + GOOD, "line 1: 'import numpy' is refused: a law file is read, never run"),
        ("from .law import Law\n" + GOOD, "is refused"),
        ("LAW = Law('x')", "missing a required argument: 'formula'"),
        ("LAW = Law('x', 'A/N', (), nam='y')", "unexpected keyword argument 'nam'"),
        ("LAW = Law(3, 'A/N', ())", "name: Input should be a valid string, not 3"),
        ("LAW = Law('x', 'A/N', (3,))", "variables.0: "),
        ("LAW = Law('a b', 'A/N', (Variable('N', 'N'),))", "law name 'a b' must start with a letter"),
        ("LAW = Law('x', 'A/N', (Variable('N', 'n_total'),))", "unknown quantity 'n_total'"),
        ("LAW = Law('x', 'A/N + open(1)', (Variable('N', 'N'),))", "not allowed"),
        ("LAW = Law('x', 'A/N', (Variable('N', 'N'),), (Constant('A', lower='low'),))", "lower: Input should be"),
        ("LAW = Law('x', 'A/N', (Variable('N', 'N'),), (Constant('A', '', 2, 1),))", "must not exceed upper"),
        ("LAW = Law('x', 'A/N', (Variable('N', 'N'),), (Constant('Q'),))", "do not occur in"),
        (
            "LAW = Law('x', 'A/N', (Variable('N', 'N'),), published={'p': Published({'A': 1}, '', 'hearsay')})",
            "evidence: Input should be 'text', 'code'",
        ),
        ("LAW = Law('x', -'A/N', ())", "is refused"),
        ("LAW = {(): 3}", "is refused"),
        ("LAW = 3j", "is refused"),
        ("LAW = " + "(" * 60 + "1" + ",)" * 60, "nested deeper than 30"),
        # How deep Python itself reads depends on its version.
        (
            "LAW = " + "-" * 5000 + "1",
            "cannot be read as Python" if sys.version_info < (3, 13) else "nested deeper than 30",
        ),
        ("A = (" + "1," * 999 + ")\nLAW = (" + "A," * 999 + ")", "at most 20000 are read"),
        ("\0", "cannot be read as Python"),
        ("#" * (MAX_BYTES + 1), "that is no law file"),
    ],
)
def test_files_that_state_no_law_are_told_where_and_why(file, text: str, message: str) -> None:
    with pytest.raises(FormsearchError) as refusal:
        read_law(file(text))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_shared_parts_that_grow_without_end_are_cut_off(file) -> None:
    tripling = "".join(f"x{i} = (x{i + 1}, x{i + 1}, x{i + 1})\n" for i in range(12))
    with pytest.raises(InputError, match="at most 20000 are read"):
        read_law(file(tripling + "x12 = 1\nLAW = x0\n"))


def test_missing_files_and_other_encodings(file, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_law(tmp_path / "none.py")
    with pytest.raises(InputError, match="no such file"):
        read_law(tmp_path)
    path = tmp_path / "latin.py"
    path.write_bytes('LAW = "é"'.encode("latin-1"))
    with pytest.raises(InputError, match="cannot be read as Python"):
        read_law(path)
    bom = tmp_path / "bom.py"
    bom.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_law(bom).name == "x"
