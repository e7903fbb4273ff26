"""What is read without running PySR: its signature, what is installed, its files, its templates."""

import json
import os
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from formsearch.core.objectives import Asymmetric, Huber, LeastSquares, SoftL1, StudentT
from formsearch.exceptions import EngineMissingError, FormulaError, InputError
from formsearch.registry import laws
from formsearch.search.parse import read_infix
from formsearch.search.pysr.hall import Row, choice_of_pysr, read_hall, read_halls
from formsearch.search.pysr.losses import elementwise_loss
from formsearch.search.pysr.options import Wish, options
from formsearch.search.pysr.probe import _bounds, probe, python
from formsearch.search.pysr.signature import read_signature
from formsearch.search.pysr.template import Template, around, guess, julia, nodes, per_group, read_row
from formsearch.search.scaling import Scaling
from tests.search.fake_pysr.facts import ARGUMENTS_1_5
from tests.search.fake_pysr.install import REAL, needs_pysr_2

HEAD = "Complexity,Loss,Equation\n"
FULL = HEAD + '1,0.5,"1.5"\n5,0.1,"(x_N ^ -0.3) + 1.0"\n9,0.01,"exp(x_N)"\n'


def wish(**more) -> Wish:
    every = {"operators": ("+", "*", "/", "pow", "log", "exp"), "loss": "loss(p, t) = p", "seed": 0, "folder": "f",
             "run": "r", "guesses": ["1.0"]}  # fmt: skip
    return Wish(**{**every, **more})


# -- signature and options -------------------------------------------------------------------------------------------


def test_the_installed_pysr_has_every_option_we_pass_and_is_not_imported() -> None:
    signature = read_signature(REAL)
    for request in (wish(), wish(iterations=5), wish(exponents="free"), wish(operators=("+", "*"))):
        assert set(options(request, signature)) <= set(signature.arguments)
    assert {"X", "y", "weights", "variable_names"} <= set(signature.fit)
    assert signature.arguments["precision"] == "32"
    assert "pysr" not in sys.modules


@needs_pysr_2
def test_pysr_2_takes_guesses_and_operators_by_their_number_of_arguments() -> None:
    signature = read_signature(REAL)
    chosen = options(wish(), signature)
    assert chosen["guesses"] == ["1.0"]
    assert "binary_operators" not in chosen
    assert signature.template_guesses


@needs_pysr_2
def test_no_option_is_lost_but_those_that_a_generation_lacks(fake_pysr) -> None:
    new, old = read_signature(REAL), read_signature(fake_pysr(generation=1).site / "pysr")
    assert set(old.arguments) == set(ARGUMENTS_1_5)
    assert len(ARGUMENTS_1_5) == 94
    for2, for1 = options(wish(), new), options(wish(), old)
    assert set(for1) <= set(ARGUMENTS_1_5)
    assert set(for2) ^ set(for1) == {"guesses", "operators", "binary_operators", "unary_operators"}
    assert not old.guesses


@needs_pysr_2
def test_operators_decide_constraints() -> None:
    signature = read_signature(REAL)
    plain = options(wish(operators=("+", "*")), signature)
    assert not {"constraints", "nested_constraints", "complexity_of_variables"} & set(plain)
    assert plain["operators"] == {"2": ["+", "-", "*"]}
    assert options(wish(exponents="free"), signature)["constraints"] == {"^": [1, 1]}
    sizes = [
        options(wish(size=s, exponents=e), signature)["maxsize"] for s in (3, 30, 90) for e in ("free", "constant")
    ]
    assert sizes == [7, 7, 30, 36, 40, 40]
    assert options(wish(operators=("+", "exp")), signature)["nested_constraints"] == {"exp": {"exp": 0}}
    with pytest.raises(InputError, match="at least one of the operators"):
        options(wish(operators=("exp",)), signature)


def test_a_folder_without_pysr_is_refused(tmp_path) -> None:
    with pytest.raises(EngineMissingError, match="cannot read"):
        read_signature(tmp_path)
    (tmp_path / "sr.py").write_text("class Other: ...")
    with pytest.raises(EngineMissingError, match="no class PySRRegressor"):
        read_signature(tmp_path)


# -- probe -----------------------------------------------------------------------------------------------------------


def test_a_complete_installation_is_recognised_offline(fake_pysr) -> None:
    fake = fake_pysr()
    found = probe()
    assert (found.package, found.package_version) == (fake.site / "pysr", "2.7.2")
    assert (found.julia_version, found.backend_version) == ("1.10.3", "2.7.2")
    assert found.missing() is None
    assert found.remedy() == ""
    assert "pysr" not in sys.modules


def test_a_preview_asks_for_one_tag_of_its_backend(fake_pysr) -> None:
    fake = fake_pysr(backend="2.0.0-alpha.9")
    needs = {
        "julia": "1.10",
        "packages": {"SymbolicRegression": {"url": "https://example.org", "rev": "v2.0.0-alpha.9"}},
    }
    (fake.site / "pysr" / "juliapkg.json").write_text(json.dumps(needs))
    assert (probe().trouble, probe().backend_wanted) == ("", "2.0.0-alpha.9")
    manifest = fake.project / "Manifest.toml"
    manifest.write_text(manifest.read_text().replace("2.0.0-alpha.9", "1.11.3"))
    assert "SymbolicRegression.jl 1.11.3 is installed" in probe().trouble


def test_julia_is_looked_for_where_juliapkg_looks(fake_pysr, tmp_path, monkeypatch) -> None:
    fake = fake_pysr(julia="1.9.0")
    own = fake.project / "pyjuliapkg" / "install" / "bin"
    own.mkdir(parents=True)
    script = own / "julia"
    script.write_text('#!/bin/sh\necho "julia version 1.10.4"\n')
    script.chmod(0o755)
    assert probe().julia_version == "1.10.4"
    # A named executable is used whatever its version, as PySR does.
    monkeypatch.setenv("PYTHON_JULIAPKG_EXE", str(fake.root / "bin" / "julia"))
    assert probe().julia_version == "1.9.0"
    monkeypatch.delenv("PYTHON_JULIAPKG_EXE")
    script.unlink()
    juliaup = tmp_path / "up" / "juliaup"
    (juliaup / "julia-1.10.5" / "bin").mkdir(parents=True)
    (juliaup / "juliaup.json").write_text('{"InstalledVersions": {"1.10.5+0.x64": {"Path": "./julia-1.10.5"}}}')
    other = juliaup / "julia-1.10.5" / "bin" / "julia"
    other.write_text('#!/bin/sh\necho "julia version 1.10.5"\n')
    other.chmod(0o755)
    monkeypatch.setenv("JULIAUP_DEPOT_PATH", str(tmp_path / "up"))
    assert probe().julia_version == "1.10.5"


def test_a_broken_julia_counts_as_none(fake_pysr, monkeypatch) -> None:
    fake = fake_pysr()
    (fake.root / "bin" / "julia").write_text("#!/bin/sh\nexit 3\n")
    assert "Julia is not installed" in str(probe().missing())
    assert probe().missing(install=True) is None


# -- the hall of fame ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("csv", "bak", "sizes", "cut"),
    [
        (FULL, FULL, [1, 5, 9], 0),
        ("", FULL, [1, 5, 9], 0),
        (FULL[:-8], FULL[: len(HEAD) + 12], [1, 5], 1),
        (FULL[: len(HEAD) + 12], FULL, [1, 5, 9], 0),
        (HEAD, None, [], 0),
        ("", "", [], 0),
        (FULL + '11,0.001,"exp(x', FULL, [1, 5, 9], 1),
        (FULL + "11,0.00", None, [1, 5, 9], 1),
        (FULL + '12,Inf,"log(x_N)"\n13,NaN,"x_N"\n', FULL, [1, 5, 9], 0),
        (FULL + '13,zero,"x_N"\n', FULL, [1, 5, 9], 1),
        ("\0" * 40, FULL, [1, 5, 9], 1),
    ],
)
def test_a_hall_is_read_as_far_as_it_is_whole(tmp_path, csv, bak, sizes, cut) -> None:
    (tmp_path / "hall_of_fame.csv").write_text(csv)
    if bak is not None:
        (tmp_path / "hall_of_fame.csv.bak").write_text(bak)
    hall = read_hall(tmp_path)
    assert [r.complexity for r in hall.rows] == sizes
    assert hall.cut == cut
    assert bool(hall.note) == bool(hall.cut or hall.infinite)


def test_the_better_row_of_csv_and_bak_counts(tmp_path) -> None:
    (tmp_path / "hall_of_fame.csv").write_text(HEAD + '5,0.3,"old"\n')
    (tmp_path / "hall_of_fame.csv.bak").write_text(HEAD + '5,0.1,"new"\n')
    assert read_hall(tmp_path).rows == (Row(5, 0.1, "new"),)


def test_several_targets_are_several_halls(tmp_path) -> None:
    for k in (1, 2):
        (tmp_path / f"hall_of_fame_output{k}.csv").write_text(HEAD + f'{k},0.1,"{k}.0"\n')
    assert [(h.output, h.rows[0].equation) for h in read_halls(tmp_path)] == [(1, "1.0"), (2, "2.0")]
    assert read_halls(tmp_path / "nowhere") == []


def test_the_choice_of_pysr_needs_a_large_step_among_small_losses() -> None:
    rows = [Row(1, 1.0, "a"), Row(3, 0.9, "b"), Row(5, 1e-3, "c"), Row(7, 0.99e-3, "d")]
    assert choice_of_pysr(rows) == rows[2]
    assert choice_of_pysr([*rows, Row(9, 0.0, "e")]) == Row(9, 0.0, "e")
    assert choice_of_pysr([]) is None


# -- losses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "objective",
    [LeastSquares(), LeastSquares(log=True), Huber(0.02), Huber(0.3, log=False), SoftL1(0.1), StudentT(0.05, 3.0),
     Asymmetric(4.0, log=False)],
)  # fmt: skip
def test_a_loss_in_julia_is_our_objective(objective) -> None:
    target, predicted = np.asarray([2.0, 2.5, 3.0]), np.asarray([2.01, 2.9, 2.2])
    ours = [objective.value(target[k : k + 1], predicted[k : k + 1]) for k in range(3)]
    assert [_julia_loss(elementwise_loss(objective), p, t) for p, t in zip(predicted, target, strict=True)] == (
        pytest.approx(ours, rel=1e-12)
    )
    scaled = elementwise_loss(objective, weighted=True, unit=2.5)
    theirs = [_julia_loss(scaled, p / 2.5, t / 2.5, 3.0) for p, t in zip(predicted, target, strict=True)]
    assert theirs == pytest.approx([3 * o for o in ours], rel=1e-12)


def _julia_loss(text: str, *values: float) -> float:
    """Julia's `c ? a : b`, `let`, `^` and `oftype` in Python."""
    head, body = text.split(" = ", 1)
    names = head[head.index("(") + 1 : -1].split(", ")
    scope = dict(zip(names, values, strict=True)) | {"log": np.log, "sqrt": np.sqrt, "log1p": np.log1p, "abs": abs}
    if "let r = " in body:
        before, rest = body.split("let r = ")
        residual, rest = rest.split("; ", 1)
        body, after = rest.rsplit(" end", 1)
        scope["r"] = eval(residual, scope)
        factor = scope["w"] if before.startswith("w * ") else 1.0
        assert after.strip("()") in ("", " : oftype(p, Inf)", " : oftype(p, Inf", ": oftype(p, Inf")
    return factor * eval(_python(body), scope)


def _python(body: str) -> str:
    body = body.replace("^", "**")
    if "?" not in body:
        return body
    start = body.rfind("(", 0, body.index("?")) if body.startswith("(") else -1
    condition, rest = body[start + 1 :].split(" ? ", 1)
    first, second = rest.split(" : ", 1)
    if start >= 0:
        second, tail = second.split(")", 1)
        return f"(({first}) if ({condition}) else ({second})){tail}"
    return f"(({first}) if ({condition}) else ({second}))"


def test_a_logarithm_of_what_is_not_positive_rejects_the_form() -> None:
    assert elementwise_loss(LeastSquares(log=True)).endswith(": oftype(p, Inf)")
    assert "oftype" not in elementwise_loss(LeastSquares())


# -- templates -------------------------------------------------------------------------------------------------------


def test_a_row_of_a_template_is_taken_apart() -> None:
    given = read_row("f = log(#4 ^ #4) + 0.5; g = #1; p1 = [-1.2, 3.0e-5]; p2 = []")
    assert given.functions == {"f": "log(#4 ^ #4) + 0.5", "g": "#1"}
    assert given.parameters == {"p1": (-1.2, 3.0e-5), "p2": ()}


@pytest.mark.parametrize("text", ["f = #1; p = [1.0, 2", "f = #1; p = [NaN]", "#1 + 2", "f = #1; p = [a]", ""])
def test_a_row_that_is_no_template_is_refused(text) -> None:
    with pytest.raises(FormulaError, match=r"template row|parameters"):
        read_row(text)


def test_constants_of_groups_are_put_in() -> None:
    template = per_group(("x_N", "x_D"), groups=2, constants=2)
    assert template.combine == "f(x_N, x_D, (1.0 + 0.3 * p1[category]), (0.3 + 0.1 * p2[category]))"
    assert template.columns == ("x_N", "x_D", "category")
    first, second = template.reads("f = #3 + (#1 ^ #4) * -2.5; p1 = [2.0, -1.5]; p2 = [-8.0, 1.5]")
    at = {"x_N": 4.0, "x_D": 1.0}
    assert _value(first, at) == pytest.approx(1.6 - 2.5 * 4**-0.5)
    assert _value(second, at) == pytest.approx(0.55 - 2.5 * 4**0.45)
    plain = Template(("x_N",), ("x_N", "p1[category]"), {"p1": 2}, 2)
    assert plain.combine == "f(x_N, p1[category])"
    assert [_value(r, at) for r in plain.reads("f = #1 * #2; p1 = [0.5, -1.0]")] == [2.0, -4.0]
    with pytest.raises(FormulaError, match="#5, but f has 4"):
        template.reads("f = #5; p1 = [1.0, 1.0]; p2 = [1.0, 1.0]")
    with pytest.raises(FormulaError, match="1 values of p2 instead of 2"):
        template.reads("f = #1; p1 = [1.0, 1.0]; p2 = [1.0]")


@pytest.fixture
def scaled(dense):
    law = laws["chinchilla"]
    constants = law.published["hoffmann2022_printed"].constants
    scaling = Scaling.of(dense, ("N", "D"), ("x_N", "x_D"))
    return law, constants, scaling, scaling.scaled(law, constants)


def test_a_law_in_a_template_is_the_law(dense, scaled) -> None:
    law, constants, scaling, read = scaled
    template = around(read, ("x_N", "x_D"))
    columns = scaling.columns(dense)
    scope = {"exp": np.exp, "log": np.log, "f": lambda *_: 0.0, "c": _From1([0.0] * 5), **columns}
    assert eval(template.combine, scope) * scaling.target == pytest.approx(law.evaluate(dense.factors, constants))
    moved = [0.5, -0.2, 0.1, 0.0, 1.0]
    scope["c"] = _From1(moved)
    (found,) = template.reads(f"f = 0.0; c = {moved}")
    values = [_value(found, {k: v[i] for k, v in columns.items()}) for i in range(3)]
    assert eval(template.combine, scope)[:3] == pytest.approx(values, rel=1e-12)


def test_a_guess_is_the_law_in_pysr_words(dense, scaled) -> None:
    law, constants, scaling, read = scaled
    text = guess(read)
    assert text.count("^ (-0.") == 2
    columns = scaling.columns(dense)
    assert eval(text.replace("^", "**"), columns) * scaling.target == pytest.approx(
        law.evaluate(dense.factors, constants)
    )
    # E + A*x^-a + B*y^-b: 13 nodes, 15 where a variable counts twice.
    assert (nodes(read), nodes(read, 2)) == (13, 15)


def test_templates_refuse_functions_that_julia_would_not_broadcast() -> None:
    with pytest.raises(FormulaError, match="Max has no place in a template"):
        julia(read_infix("max(x_N, 1.5)", ("x_N",)).expression)


class _From1(list):
    def __getitem__(self, k):
        return super().__getitem__(k - 1)


def _value(read, at) -> float:
    import sympy

    every = {**read.values, **at}
    return float(read.expression.subs({sympy.Symbol(k, positive=True): v for k, v in every.items()}))


def test_a_command_names_the_python_that_runs(monkeypatch, tmp_path) -> None:
    here = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{here}{os.pathsep}/usr/bin")
    if shutil.which("python", path=str(here)):
        assert python() == "python"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert python() == shlex.quote(sys.executable)


@pytest.mark.parametrize(
    ("wanted", "old", "new"),
    [
        ("=1.10.0, 1.10.3", "1.10.0 or 1.10.3 up to 1.11", "1.10.0 or 1.10.3 and later"),
        ("1.10", "1.10 up to 1.11", "1.10 and later"),
        ("", "any version up to 1.11", "any version"),
    ],
)
def test_versions_of_julia_are_told_in_words(monkeypatch, wanted, old, new) -> None:
    for openssl, words in (((3, 0), old), ((3, 5), new)):
        monkeypatch.setattr("ssl.OPENSSL_VERSION_INFO", (*openssl, 0, 0, 0))
        assert _bounds(wanted) == words
