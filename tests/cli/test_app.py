"""What all verbs share: help, suggestions, errors in one line, exit codes, quick start."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from rich.text import Text

import formsearch
from formsearch.cli.app import VERBS, Verbs, app
from formsearch.cli.verb import guarded, pairs, words
from formsearch.command import is_command
from formsearch.exceptions import EngineMissingError, InputError


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(cli, verb: str) -> None:
    done = cli(verb, "--help")
    assert done.code == 0
    assert f"Example:  formsearch {verb}" in done.out
    for option in ("--json", "--seed", "--out", "--quiet"):
        assert option in done.out


@pytest.mark.parametrize("verb", VERBS)
def test_help_names_no_types_of_python(cli, verb: str) -> None:
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    for option in (p for p in command.params if p.param_type_name == "option"):
        assert (option.metavar == "") == bool(option.is_flag), option.name
    assert not re.search(r"<(str|bool|int|float|path|list)|\[\[", cli(verb, "--help").out, re.IGNORECASE)
    assert "<bool>" not in cli("--help").out


INTERRUPTER = """
import os, signal, sys
class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ.get("INTERRUPT_AT"):
            del os.environ["INTERRUPT_AT"]
            print("pressed", flush=True)
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupter())
"""
"""Presses Ctrl-C, so to speak, when a module is about to be imported; Python itself reads it, as `sitecustomize`."""
SCRIPT = "import sys\nfrom {module} import {function}\nif __name__ == '__main__':\n    sys.exit({function}())\n"
"""What installers make of an entry point."""


@pytest.fixture
def interrupted(tmp_path: Path):
    """Runs Python on something, with Ctrl-C when a module is about to be imported."""
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTER)

    def run(*words: object, at: str) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join([str(tmp_path), str(Path(formsearch.__file__).parents[1])])
        environment = os.environ | {"PYTHONPATH": paths, "INTERRUPT_AT": at}
        command = [sys.executable, *map(str, words)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout.startswith("pressed\n")
        return done

    return run


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The console script, as it is installed."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    module, function = project["scripts"]["formsearch"].split(":")
    path = tmp_path / "bin" / "formsearch"
    path.parent.mkdir()
    path.write_text(SCRIPT.format(module=module, function=function))
    return path


@pytest.mark.parametrize(
    ("started_on", "moment"),
    [
        *(("script", m) for m in ("numpy", "formsearch.fit", "formsearch.cli", "typer", "formsearch.cli.doctor")),
        *(("module", m) for m in ("formsearch.advise", "formsearch.search", "formsearch.cli.app")),
    ],
)
def test_an_interrupt_while_the_command_is_loaded_ends_it_quietly(interrupted, script, started_on, moment) -> None:
    """From the first import of the package to the last before a verb is under way."""
    command = [script] if started_on == "script" else ["-m", "formsearch"]
    done = interrupted(*command, "data", at=moment)
    assert (done.returncode, done.stdout, done.stderr) == (130, "pressed\n", "stopped: interrupted\n")


@pytest.mark.parametrize("step", ["resolve_command", "format_help"])
def test_an_interrupt_while_the_command_line_is_parsed_is_told(cli, monkeypatch, step: str) -> None:
    """Before a verb is under way, inside the parser, which would end with the code and without a word."""

    def press(*words: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Verbs, step, press)
    done = cli("--help") if step == "format_help" else cli("data")
    assert (done.code, done.out, done.err) == (130, "", "stopped: interrupted\n")


@pytest.mark.parametrize("words", [["analysis.py"], ["analysis.py", "formsearch"], ["-m", "analysis", "formsearch"]])
def test_an_interrupt_while_the_library_is_loaded_reaches_the_program_that_loads_it(interrupted, tmp_path, words):
    (tmp_path / "analysis.py").write_text(
        "import signal, sys\n"
        "handlers = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]\n"
        "try: import formsearch\n"
        "except KeyboardInterrupt: print('heard')\n"
        "import formsearch\n"
        "sys.exit(handlers != [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)])\n"
    )
    words = [tmp_path / w if w.endswith(".py") else w for w in words]
    done = interrupted(*words, at="formsearch.fit")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "pressed\nheard\n"


def test_processes_that_the_command_starts_are_not_the_command(monkeypatch) -> None:
    """They are given its `sys.argv`, or none; `sys.orig_argv` is their own."""
    cases = [
        (["/usr/bin/formsearch", "run", "zhao2025"], ["python3", "/usr/bin/formsearch", "run", "zhao2025"], True),
        (["-m", "runs"], ["python3", "-X", "dev", "-m", "formsearch", "runs"], True),
        (["-m"], ["python3", "-mformsearch"], True),
        (["formsearch.exe"], ["python.exe", "formsearch.exe"], True),
        (["/usr/bin/formsearch", "run"], ["python3", "-m", "joblib.externals.loky", "--pipe", "15"], False),
        (["/usr/bin/formsearch", "data"], ["python3", "-c", "from multiprocessing.spawn import spawn_main"], False),
        (["-c", "formsearch"], ["python3", "-c", "import formsearch", "formsearch"], False),
        (["-m", "formsearch"], ["python3", "-m", "pytest", "formsearch"], False),
        ([""], ["formsearch/.venv/bin/python3"], False),
        ([], ["formsearch"], False),
    ]
    for argv, orig_argv, command in cases:
        monkeypatch.setattr(sys, "argv", argv)
        monkeypatch.setattr(sys, "orig_argv", orig_argv)
        assert is_command() == command, orig_argv


@pytest.mark.parametrize("verb", VERBS)
def test_help_prints_every_word_of_its_options(verb: str) -> None:
    """What stands in square brackets is markup to the renderer, which drops it."""
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    for parameter in command.params:
        text = getattr(parameter, "help", None) or ""
        assert Text.from_markup(text).plain == text, parameter.name


def test_help_lists_the_verbs_in_order(cli) -> None:
    out = cli("--help").out
    places = [out.index(f"│ {verb} ") for verb in VERBS]
    assert places == sorted(places)
    assert "formsearch run zhao2025 --out out" in out


def test_version(cli) -> None:
    from formsearch import __version__

    assert cli("--version").out == f"formsearch {__version__}\n"


def test_misspelt_verbs_and_options_are_bad_input(cli) -> None:
    done = cli("lwas")
    assert done.code == 2
    assert done.err == "error: unknown verb 'lwas': did you mean 'laws'?; `formsearch --help` lists them\n"
    assert cli("laws", "--jsno").err == "error: no such option '--jsno': did you mean '--json'?\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--zzz"], "no such option '--zzz': `formsearch --help` lists them"),
        (["run", "--zzz"], "no such option '--zzz': `formsearch run --help` lists them"),
        (["compare", "zhao2025", "--starts", "few"], "invalid value for '--starts': "),
        (["compare", "a", "b"], "got unexpected extra argument"),
        (["run", "--laws"], "option '--laws' requires an argument"),
        (["report"], "missing argument 'RUN'; see `formsearch report --help`"),
    ],
)
def test_command_lines_that_cannot_be_parsed_are_bad_input_in_one_line(cli, words, message: str) -> None:
    done = cli(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {message}")
    assert done.err.count("\n") == 1


def test_without_a_verb_the_verbs_are_listed(cli) -> None:
    done = cli()
    assert done.code == 2
    assert "formsearch run zhao2025 --out out" in done.out
    assert done.err == ""


def test_errors_are_one_line_with_the_code_of_their_kind(capsys) -> None:
    def bad() -> int:
        raise InputError("first\nsecond")

    def missing() -> int:
        raise EngineMissingError("no engine: pip install it")

    def stopped() -> int:
        raise KeyboardInterrupt

    assert [guarded(bad), guarded(missing), guarded(stopped)] == [2, 3, 130]
    assert capsys.readouterr().err.splitlines() == [
        "error: first second",
        "error: no engine: pip install it",
        "stopped: interrupted",
    ]


def test_defects_ask_for_a_report_and_show_tracebacks_on_demand(capsys) -> None:
    def defect() -> int:
        raise ZeroDivisionError("division by zero")

    assert guarded(defect) == 70
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "this is a defect of formsearch" in err
    assert "ZeroDivisionError: division by zero" in err
    assert guarded(defect, debug=True) == 70
    assert "Traceback" in capsys.readouterr().err


def test_paths_that_cannot_be_written_are_named(cli, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    done = cli("laws", "--out", tmp_path / "file" / "laws.json")
    assert done.code == 2
    assert done.err.startswith(f"error: {tmp_path}/file")


def test_pairs_may_be_joined_or_repeated() -> None:
    assert pairs(["N=params,D=tokens", "C=flops"], "--columns") == {"N": "params", "D": "tokens", "C": "flops"}
    assert pairs(["N=size, total"], "--columns") == {"N": "size, total"}
    for wrong in (["N"], ["=params"], ["N="], ["N=a", "N=b"]):
        with pytest.raises(InputError, match="--columns"):
            pairs(wrong, "--columns")
    assert words(["a, b", "c"]) == ["a", "b", "c"]


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['formsearch', '--help']\n"
        "from formsearch.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numba', 'scipy', 'sympy', 'pandas', 'matplotlib', 'sklearn', 'pooch'} & set(sys.modules)))\n"
    )
    seconds = []
    for _ in range(3):
        # Processor time of the child: other work on the machine must not decide.
        before = os.times()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        after = os.times()
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert done.stdout.splitlines()[-1] == "[]"
    assert min(seconds) < 1.0


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m formsearch laws --json | head -c 10",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr
