"""What the shell offers at Tab."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from formsearch.cli import completing


def offered(words: str, folder: Path) -> list[str]:
    """What bash is told for a command line whose last word is unfinished."""
    environment = {
        **os.environ, "_FORMSEARCH_COMPLETE": "complete_bash", "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "formsearch"], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("formsearch comp", ["compare"]),
        ("formsearch fit zhao2025 --law chin", ["chinchilla"]),
        ("formsearch compare runs.csv --laws chinchilla,skal", ["chinchilla,skaling2026"]),
        ("formsearch data zh", ["zhao2025"]),
        ("formsearch laws my", ["mylaw.py"]),
        ("formsearch run ru", ["runs.csv", "runs/"]),
    ],
)
def test_the_shell_is_offered_names(tmp_path: Path, words: str, expected: list[str]) -> None:
    (tmp_path / "runs.csv").touch()
    (tmp_path / "runs").mkdir()
    (tmp_path / "mylaw.py").touch()
    assert sorted(offered(words, tmp_path)) == sorted(expected)


def test_files_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    for name in ("x.csv", "y.py", ".hidden"):
        (tmp_path / "a" / name).touch()
    assert completing.files("a/") == ["a/x.csv", "a/y.py"]
    assert completing.files("a/.h") == ["a/.hidden"]
    assert completing.files(f"{tmp_path}/a/x") == [f"{tmp_path}/a/x.csv"]
    assert completing.files("b/") == []
    assert completing.files("a", (".py",)) == ["a/"]
    assert completing.engines("nat") == ["native"]
