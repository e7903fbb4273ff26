"""The short version of the fuzzing: some inputs at every door, and inputs that once got through one."""

import gzip
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from formsearch.cells import harmless
from formsearch.data import load
from formsearch.exceptions import FormsearchError, InputError, PointsError, UnknownNameError
from tests.fuzz import inputs
from tests.fuzz.doors import DOORS, Door
from tests.fuzz.explore import Found, attempt
from tests.fuzz.watch import BrokenError, watched

FEW = {"report title": 1, "store file": 10, "table": 25, "JSON table": 25, "results file": 10}


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_nothing_gets_through(door: Door) -> None:
    found = Found(door.name)
    assert attempt(door, FEW.get(door.name, 40), 1, found) is None
    assert found.tried > 0


@pytest.mark.parametrize("text", inputs.HOSTILE_FORMULAS)
def test_hostile_formulas_end_in_a_line(text: str) -> None:
    next(d for d in DOORS if d.name == "formula")(text)


@pytest.mark.parametrize("content", inputs._special_tables())
def test_odd_tables_end_in_a_line(content: bytes) -> None:
    next(d for d in DOORS if d.name == "table")(content)


def test_what_is_watched_for_is_seen(tmp_path: Path) -> None:
    """The watch itself: a program, a stray file, a hang and a flood of words are noticed."""

    def check(act: Any, said: str) -> None:
        with pytest.raises(BrokenError, match=said), watched(tmp_path):
            act()

    def complain() -> None:
        raise FormsearchError("x" * 5000)

    check(lambda: subprocess.run(["true"], check=False), "subprocess.Popen")
    check(lambda: os.system("true"), "os.system")
    check(lambda: (tmp_path.parent / "stray").write_text(""), "stray")
    check(complain, "an error of 5000 characters")
    with watched(tmp_path):
        (tmp_path / "fine").write_text("")


def test_a_small_file_does_not_unpack_to_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("formsearch.reading.files.MOST_BYTES", 1 << 20)
    (tmp_path / "runs.csv.gz").write_bytes(gzip.compress(b"N,D,loss\n" + b"1,1,1\n" * 1_000_000))
    with pytest.raises(PointsError, match="holds more than 1 MB when it is unpacked"):
        load(tmp_path / "runs.csv.gz")


def test_a_million_columns_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(",".join(f"c{i}" for i in range(1_000_000)) + "\n" + ",".join("1" * 1_000_000))
    with pytest.raises(PointsError, match="it has 1000000 columns, more than 5000"):
        load(path)
    path.write_text("\n".join(",".join(row) for row in ([f"c{i}" for i in range(6000)], ["1"] * 6000)))
    with pytest.raises(PointsError, match="it has 6000 columns, more than 5000"):
        load(path)


def test_a_name_that_is_no_path_is_no_crash() -> None:
    with pytest.raises(InputError, match="cannot be a path"):
        load("a" * 5000)


def test_a_message_does_not_list_thousands_of_names() -> None:
    error = UnknownNameError("column", "zzz", [f"c{i}" for i in range(9000)])
    assert "and 8920 more" in str(error)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"), ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), (" =1", "' =1"), ("-1.5e-3", "-1.5e-3"), ("+7", "+7"), ("law", "law"), ("", ""),
        ("a\rb", "a\nb"), ("-", "'-"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(cell: str, written: str) -> None:
    assert harmless(cell) == written
