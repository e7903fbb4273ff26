"""Running the command line inside the test's process."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from formsearch.cli.app import run_app


@dataclass(frozen=True)
class Done:
    """What a command line printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> Any:
        """The result in a `--json` document; JSON without NaN, as the standard wants it."""

        def refuse(token: str) -> None:
            raise ValueError(f"{token} is not JSON")

        return json.loads(self.out, parse_constant=refuse)["result"]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("FORMSEARCH_DEBUG", raising=False)

    def call(*words: object) -> Done:
        monkeypatch.setattr("sys.argv", ["formsearch", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            run_app()
        printed = capsys.readouterr()
        code = leaving.value.code
        return Done(code if isinstance(code, int) else 0 if code is None else 1, printed.out, printed.err)

    return call


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A small table of exact runs: loss = 1.8 + 400 N^-.34 + 400 D^-.28."""
    lines = ["params,tokens,loss,kind"]
    for n in (5e7, 1e8, 2e8, 4e8, 8e8):
        for d in (1e9, 3e9, 9e9, 27e9):
            lines.append(f"{n},{d},{1.8 + 400 * n**-0.34 + 400 * d**-0.28!r},{'a' if d < 5e9 else 'b'}")
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def conversation(words: list[str], answers: bytes) -> tuple[int, str]:
    """Exit code of a command whose input and messages are a terminal, and what stood on it."""
    import pty

    master, slave = pty.openpty()
    command = [sys.executable, "-m", "formsearch", *words]
    process = subprocess.Popen(command, stdin=slave, stderr=slave, stdout=subprocess.DEVNULL)
    os.close(slave)
    shown: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(master, 1024):
                shown.append(chunk)
        except OSError:  # the other side is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    os.write(master, answers)
    code = process.wait(120)
    reader.join(10)
    os.close(master)
    return code, b"".join(shown).decode()
