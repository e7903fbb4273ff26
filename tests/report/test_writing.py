"""The files of a report: results.json comes back as it was, tables carry full numbers, errors have a remedy."""

import csv
import json
import re
from pathlib import Path

import pytest

from formsearch.exceptions import InputError
from formsearch.report import load_results, report, rerender
from formsearch.report.context import build
from formsearch.report.schema import json_schema
from formsearch.report.writing import table_csv, write
from tests.report import example


def test_results_come_back_as_they_were(measured: Path) -> None:
    expected = json.loads(json.dumps(example.results()))
    assert load_results(measured) == expected


def test_further_fields_are_kept_and_ignored(tmp_path: Path) -> None:
    document = {**example.results(), **{k: [] for k in ("leaderboards", "fronts", "derivations", "points")}}
    document["fits"][0]["further"] = {"kept": [1.5, None]}
    (tmp_path / "results.json").write_text(json.dumps(document), encoding="utf-8")
    rerender(tmp_path)
    assert load_results(tmp_path)["fits"][0]["further"] == {"kept": [1.5, None]}  # type: ignore[index]


def test_a_report_made_again_is_the_same(measured: Path, tmp_path: Path) -> None:
    files = rerender(measured, tmp_path)
    assert len(files) > 40
    for path in files:
        assert path.read_bytes() == (measured / path.relative_to(tmp_path)).read_bytes(), path.name


def test_tables_carry_full_numbers(measured: Path) -> None:
    with (measured / "tables" / "leaderboard.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    mae = json.loads((measured / "results.json").read_text(encoding="utf-8"))["leaderboards"][0]["scores"][0]["test"][
        "mae"
    ]
    assert float(rows[0]["Error (MAE)"]) == mae
    assert [r["Law"] for r in rows] == ["chinchilla", "kaplan2020", "chinchilla [hoffmann2022]"]


def test_cells_cannot_start_a_formula_in_a_spreadsheet() -> None:
    table = next(t for t in build(example.results(best="=1+1")).tables() if t.name == "leaderboard")
    assert "\n'=1+1," in table_csv(table)


def test_names_from_data_lead_to_no_other_folder() -> None:
    document = example.results()
    document["derivations"][0]["tables"][0]["name"] = "../../elsewhere"
    document["fits"][0]["law"] = "/etc/passwd"
    report = build(document)
    for name in [t.name for t in report.tables()] + [f.name for f in report.figures()]:
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name), name
    assert "elsewhere" in {t.name for t in report.tables()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "schema_version is 2, this formsearch reads 1"),
        ({"leaderboards": [{"split": 3}]}, r"leaderboards\.0\.points: .*leaderboards\.0\.split"),
        ({"points": [{"name": "x", "hash": "y", "rows": "many"}]}, r"points\.0\.rows: .*integer"),
        ({"derivations": "none"}, "derivations: input should be a valid list"),
    ],
)
def test_a_wrong_document_is_refused_in_one_line(change: dict[str, object], message: str, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps({**example.results(), **change}), encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        rerender(tmp_path)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "there is no such file"), ("{", "cannot be read as JSON"), ("[]", "no results document")],
)
def test_a_missing_or_broken_file_is_named(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        rerender(tmp_path)


def test_what_cannot_be_reported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to report"):
        report([], tmp_path)
    with pytest.raises(InputError, match="cannot report a float"):
        report([1.5], tmp_path)
    with pytest.raises(InputError, match="it is no leaderboard"):
        report([{"a": 1}], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    document = {**example.results(), **{k: [] for k in ("leaderboards", "fronts", "derivations", "points")}}
    with pytest.raises(InputError, match=r"cannot write the report to .*file.*name another folder"):
        write(document, tmp_path / "file")


def test_the_schema_is_published() -> None:
    schema = json_schema()
    assert schema["required"] == ["schema_version"]
    assert "LeaderboardRecord" in schema["$defs"]
