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
