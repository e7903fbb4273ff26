"""docs/schema.md says what `--json` prints: its tables are held against documents that the verbs really print."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from formsearch.cli.app import VERBS
from formsearch.report import schema
from formsearch.report.schema import board, derivation, fits, points, search

PAGE = (Path(__file__).parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")
SECTIONS: dict[str, str] = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))
Row = tuple[str, str]
RECORDS = {
    name: kind
    for module in (schema, board, derivation, fits, points, search)
    for name, kind in vars(module).items()
    if name.endswith("Record")
}


def rows(section: str) -> dict[str, Row]:
    """Field -> type and meaning."""
    found = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", SECTIONS[section], flags=re.MULTILINE)
    return {name: (kind, meaning) for name, kind, meaning in found}


def record(section: str) -> str | None:
    """The object of the schema of results that a section names."""
    found = re.search(r"^(?:All of|An?) `(\w+)`", SECTIONS[section], flags=re.MULTILINE)
    return found[1] if found else None


def check(kind: str, value: Any, meaning: str = "") -> None:
    """Raise unless the value is what the page says."""
    options = kind.split(" or ")
    if "null" in options and value is None:
        return
    kind = options[0]
    simple = {"text": str, "true/false": bool, "object": dict, "by name": dict, "list": list}
    if kind == "number":
        assert isinstance(value, int | float)
        assert not isinstance(value, bool)
    elif kind in simple:
        assert isinstance(value, simple[kind])
    elif kind.startswith("list of "):
        assert isinstance(value, list)
        fields = set(re.findall(r"`(\w+)`", meaning))
        for item in value:
            check(kind.removeprefix("list of "), item)
            if isinstance(item, dict) and kind == "list of object":
                assert set(item) <= fields, (set(item), fields)
        if value and kind == "list of object" and fields:
            assert set(value[0]) >= fields - {"splits", "simulation", "files"} - {"ok", "missing", "broken"}
    else:
        TypeAdapter(RECORDS[f"{kind}Record"]).validate_python(value)


@pytest.fixture
def folder(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(runs.parent)
    return runs.parent


COMMANDS = {
    "run": "run runs.csv --laws chinchilla --seconds 0 --starts 4",
    "init": "init runs.csv",
    "laws": "laws",
    "laws NAME": "laws zhao2025",
    "data": "data",
    "data NAME": "data runs.csv",
    "data fetch": "data fetch chinchilla",
    "fit": "fit runs.csv --law chinchilla --bootstrap 20 --starts 4",
    "compare": "compare runs.csv --laws chinchilla,kaplan2020 --starts 4",
    "advise": "advise runs.csv --laws chinchilla --starts 4",
    "search": "search runs.csv --seconds 2",
    "derive": "derive chinchilla --constants published --sensitivity --set N=1e9,D=2e10",
    "derive --equivalent": "derive clark2022 --constants s_base --set N=5e6,E=128 --equivalent N --reference E=1",
    "derive --crossing": "derive chinchilla --constants published --set D=1e10 --crossing N --reference D=2e10",
    "verify": "verify",
    "verify CLAIMS": "verify chinchilla --only exponent",
    "report": "report out",
    "runs": "runs",
    "runs show": "runs show stored",
    "runs compare": "runs compare stored stored",
    "runs prune": "runs prune stored --dry-run",
    "runs export": "runs export stored --out pieces.csv",
    "runs repair": "runs repair stored",
    "doctor": "doctor",
}


def test_every_verb_has_a_section() -> None:
    assert set(SECTIONS) == {"Every verb", *COMMANDS}
    assert {name.split()[0] for name in COMMANDS} == set(VERBS)


@pytest.mark.parametrize("section", COMMANDS)
def test_documents_are_as_the_page_says(cli, folder, shared_table, monkeypatch, section: str) -> None:
    if section == "report":
        assert cli("fit", "runs.csv", "--law", "chinchilla", "--bootstrap", "0", "--out", "out").code == 0
    if "stored" in COMMANDS[section]:
        assert cli("run", "runs.csv", "--laws", "kaplan2020_size", "--seconds", "0", "--out", "stored").code == 0
    if section == "data fetch":
        from formsearch.data.cards import card

        file = next(iter(card("chinchilla").files))
        monkeypatch.setenv("FORMSEARCH_CACHE", str(folder / "cache"))
        (folder / "cache" / "chinchilla").mkdir(parents=True)
        shutil.copy(shared_table("chinchilla_svg", file), folder / "cache" / "chinchilla" / file)
    done = cli(*COMMANDS[section].split(), "--json")
    assert done.code in (0, 1), done.err
    result = done.result
    known = rows(section)
    if (name := record(section)) is not None:
        check(name, result)
    else:
        assert set(result) == set(known)
    for answers in [result["answers"]] if "answers" in known else []:
        TypeAdapter(list[derivation.ResultRecord]).validate_python(answers["results"])
        TypeAdapter(list[derivation.TableRecord]).validate_python(answers["tables"])
        assert answers["results"] or answers["tables"]
        assert all(r["about"] for r in answers["results"])
    for field, (kind, meaning) in known.items():
        try:
            check(kind, result[field], meaning)
        except AssertionError as error:
            raise AssertionError(f"{section}: {field} is not {kind}: {result[field]!r}") from error


def test_the_envelope(cli) -> None:
    import json

    document = json.loads(cli("laws", "--json").out)
    assert set(document) == set(rows("Every verb"))
    assert document["verb"] == "laws"


def test_exit_codes_are_those_of_the_program() -> None:
    from formsearch.cli.verb import DEFECT, INTERRUPTED, TERMINATED
    from formsearch.exceptions import EngineMissingError, FormsearchError, InputError

    told = set(map(int, re.findall(r"^\| (\d+) \|", PAGE, flags=re.MULTILINE)))
    codes = {
        FormsearchError.exit_code,
        InputError.exit_code,
        EngineMissingError.exit_code,
        DEFECT,
        INTERRUPTED,
        TERMINATED,
    }
    assert told == {0, *codes}


def test_errors_leave_stdout_empty(cli) -> None:
    done = cli("compare", "zhao2025", "--laws", "nothing", "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1].startswith("error: ")
