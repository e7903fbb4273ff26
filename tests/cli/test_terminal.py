"""What is printed fits the terminal, and degrades without colours, without a terminal, and without letters."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from formsearch.cli import terminal

fcntl = pytest.importorskip("fcntl", reason="pseudo-terminals")
pty = pytest.importorskip("pty", reason="pseudo-terminals")
termios = pytest.importorskip("termios", reason="pseudo-terminals")

COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(*words: object, columns: int = 70, **environment: str) -> str:
    """What a command prints on a terminal of so many columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "CI")}
    process = subprocess.Popen(
        [sys.executable, "-m", "formsearch", *map(str, words)], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
        env={**inherited, "TERM": "xterm-256color", **environment},
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        shown += chunk
    assert process.wait(60) == 0
    os.close(master)
    return shown.decode()


def widest(text: str) -> int:
    lines = re.split(r"[\r\n]+", ESCAPE.sub("", text))
    return max(map(len, lines))


@pytest.mark.parametrize("columns", [72, pytest.param(100, marks=pytest.mark.slow)])
def test_tables_fit_the_terminal(runs: Path, columns: int) -> None:
    for words in (["laws"], ["data"], ["data", runs], ["fit", runs, "--law", "chinchilla"], ["--help"]):
        assert widest(on_terminal(*words, columns=columns)) <= columns, words


def test_colours_are_left_out_on_request_and_on_terminals_without(runs: Path) -> None:
    words = ["fit", runs, "--law", "chinchilla", "--bootstrap", "0"]
    assert not COLOUR.search(on_terminal(*words, NO_COLOR="1"))
    dumb = on_terminal(*words, TERM="dumb", columns=72)
    assert "\x1b" not in dumb
    assert widest(dumb) <= 72


def test_a_pipe_gets_neither_colours_nor_bars(runs: Path) -> None:
    command = [sys.executable, "-m", "formsearch", "fit", str(runs), "--law", "chinchilla"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr.splitlines()[-2:] == ["fit ...", "resampling ..."]


@pytest.mark.parametrize("words", [["laws", "zhao2025"], ["laws"], ["derive", "zhao2025", "--minimise", "G"]])
def test_terminals_without_the_letters_get_plain_ones(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "formsearch", *words],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"?" not in re.sub(rb"[\w.]\?", b"", done.stdout)
    if words != ["laws"]:
        assert b"alpha" in done.stdout


def test_letters_that_are_missing_are_spelled() -> None:
    terminal.show_anything()
    for text, plain in (("α + Β", "alpha + Beta"), ("1 ± 2", "1 +- 2"), ("é ñ", "e n"), ("雪", "?"), ("⎛x⎞", "/x\\")):
        assert text.encode("ascii", "formsearch").decode() == plain


def test_progress_without_a_terminal_tells_how_long_it_will_take(capsys) -> None:
    now = [0.0]
    report = terminal._Lines(lambda: now[0])
    report("search", 0.0)
    for second, done in ((4, 0.1), (12, 0.25), (15, 0.3), (200, 0.5)):
        now[0] = float(second)
        report("search", done, "7 forms")
    now[0] = 300.0
    report("derive")
    now[0] = 400.0
    report("derive")  # how much is left is not known: nothing to tell
    report("fit", 0.0)
    now[0] = 480.0
    report("fit", 0.05)  # what came first may have been compiling
    assert capsys.readouterr().err.splitlines() == [
        "search ...",
        "search ... 25 %, 36 s left: 7 forms",
        "search ... 50 %, 3 min left: 7 forms",
        "derive ...",
        "fit ...",
        "fit ... 5 %",
    ]


def test_durations() -> None:
    assert [terminal.duration(s) for s in (0.4, 42, 99, 150, 3599, 4800)] == [
        "0 s", "42 s", "99 s", "2 min", "1 h 0 min", "1 h 20 min",
    ]  # fmt: skip


def test_numbers() -> None:
    shown = [terminal.number(v) for v in (None, True, 3, 1234567.0, 0.00012345, float("nan"), "x")]
    assert shown == ["-", "yes", "3", "1.235e+06", "0.0001234", "-", "x"]
