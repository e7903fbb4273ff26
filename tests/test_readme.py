"""What the README tells people to type exists: verbs, options, make targets, Python names."""

import re
import shlex
from pathlib import Path

import pytest
import typer

import formsearch
from formsearch.cli.app import VERBS, app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(?:\w*)\n(.*?)```", README, flags=re.DOTALL)
LINES = [line.removeprefix("$ ").split("  ")[0].strip() for block in BLOCKS for line in block.splitlines()]
COMMANDS = [line for line in LINES if re.match(r"formsearch [a-z]", line)]


def test_there_is_something_to_check() -> None:
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("line", COMMANDS)
def test_verbs_and_options_exist(line: str) -> None:
    words = shlex.split(line)
    assert words[1] in VERBS
    command = typer.main.get_command(app).commands[words[1]]  # type: ignore[attr-defined]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {w for w in words[2:] if w.startswith("--")} <= known


def test_every_verb_is_listed() -> None:
    assert {line.split()[1] for line in COMMANDS} == set(VERBS)


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\S+)", "\n".join(LINES), flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_python_names_exist() -> None:
    assert set(re.findall(r"\bfs\.(\w+)", README)) <= set(formsearch.__all__)


def test_built_in_numbers_are_still_true(cli_board) -> None:
    """The table of the four nested forms."""
    for law, error in re.findall(r"^\| (zhao2025\w*) .*?\| \d+ \| (\.\d+) \|", README, flags=re.MULTILINE):
        assert f"{cli_board[law]:.4f}".lstrip("0") == error


@pytest.fixture
def cli_board() -> dict[str, float]:
    names = ["zhao2025", "zhao2025_eq9", "zhao2025_eq7", "zhao2025_eq4"]
    board = formsearch.compare(formsearch.load("zhao2025"), laws=names)
    return {s.law.name: s.test.mae for s in board.scores}


@pytest.mark.slow
def test_the_three_commands_lead_to_an_answer(shared_table, tmp_path) -> None:
    """As printed, from the second on (the first installs), on a real table called runs.csv, with a short search."""
    import os
    import shutil
    import subprocess
    import sys

    (block,) = [b for b in BLOCKS if b.startswith("pip install .\n")]
    commands = [line.split("  #")[0].split() for line in block.splitlines()[1:]]
    assert [c[:2] for c in commands] == [["formsearch", "init"], ["formsearch", "run"]]
    shutil.copy(shared_table("chinchilla_svg"), tmp_path / "runs.csv")
    for command in commands:
        short = ["--seconds", "2", "--starts", "8"] if command[1] == "run" else []
        words = [sys.executable, "-m", *command, *short]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "COLUMNS": "120"})
        assert done.returncode == 0, done.stderr
    assert "is the law to use" in done.stdout
    assert (tmp_path / "out" / "report.html").exists()
