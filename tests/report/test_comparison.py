"""Several runs in one report: side by side, honest about what compares, no file overwritten by another run."""

import json
from pathlib import Path
from typing import Any

import pytest

from formsearch.exceptions import InputError
from formsearch.report import compare_runs, rerender
from formsearch.report.context import build
from tests.report import example
from tests.report.reader import Page


def comparison(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"schema_version": 1, "runs": [{"label": f"run {i}", "results": r} for i, r in enumerate(runs, 1)]}


def saved(folder: Path, results: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of two runs, the second judged on the same rows with another error of one law."""
    root = tmp_path_factory.mktemp("runs")
    other = example.results()
    other["leaderboards"][0]["scores"][0]["test"]["mae"] *= 2
    runs = [saved(root / "first", example.results()), saved(root / "second", other)]
    compare_runs(runs, root / "both", command="formsearch report first second --out both")
    return root / "both"


def test_every_law_and_every_run_stands_in_one_table(both: Path) -> None:
    rows = [line.split(",") for line in (both / "tables" / "laws-by-run.csv").read_text().splitlines()]
    assert rows[0] == ["Law", "first", "second"]
    scores = example.results()["leaderboards"][0]["scores"]
    assert {row[0] for row in rows[1:]} == {s["label"] for s in scores}
    mae = scores[0]["test"]["mae"]
    first = next(row for row in rows if row[0] == scores[0]["label"])
    assert [float(v) for v in first[1:]] == pytest.approx([mae, 2 * mae])


def test_the_page_answers_first_and_holds_the_sections_of_both_runs(both: Path) -> None:
    page = Page((both / "report.html").read_text(encoding="utf-8"))
    assert page.text("h1") == ["2 runs compared: first and second"]
    assert "All choose chinchilla" in " ".join(page.text("dd"))
    assert "errors compare" in " ".join(page.text("dd"))
    headings = page.text("h2")
    assert headings[:2] == ["The runs", "The laws, run by run"]
    for name in ("Leaderboard", "The search for a new form", "Provenance"):
        assert f"first: {name}" in headings
        assert f"second: {name}" in headings
    assert headings.count("first: The points") == 1
    assert "second: The points" not in headings  # they are the same
    ids = [a["id"] for _, a, _ in page.elements if a.get("id")]
    assert len(ids) == len(set(ids))


def test_no_file_of_one_run_replaces_that_of_another(both: Path) -> None:
    single = build(example.results())
    names = [t.name for t in build(json.loads((both / "results.json").read_text())).tables()]
    assert len(names) == len(set(names))
    assert {f"{t.name}-2" for t in single.tables() if t.name != "points"} <= set(names)
    assert all((both / "tables" / f"{name}.csv").exists() for name in names)


@pytest.mark.slow  # `test_live` makes a report again
def test_it_is_made_again_from_its_results_alone(both: Path, tmp_path: Path) -> None:
    again = rerender(both, tmp_path)
    assert all(p.read_bytes() == (both / p.relative_to(tmp_path)).read_bytes() for p in again)


def test_different_points_are_said_not_to_compare() -> None:
    other = example.results()
    for board in other["leaderboards"]:
        board["points"]["hash"] = "ffffffffffff"
    said = dict(build(comparison(example.results(), other)).answer)
    assert said["Same rows"].startswith("No: they were judged on different points")


def test_simulated_losses_are_named_where_only_some_are() -> None:
    made = example.results(simulated="drawn from a law")
    mixed = build(comparison(example.results(), made))
    assert "run 2" in dict(mixed.answer)["Beware"]
    assert not mixed.simulated
    assert build(comparison(made, made)).simulated


def test_one_name_for_two_forms_is_told_apart() -> None:
    other = example.results()
    score = other["leaderboards"][0]["scores"][0]
    score["formula"] = "E + A/N**alpha"
    table = next(t for t in build(comparison(example.results(), other)).tables() if t.name == "laws-by-run")
    assert {f"{score['label']} of run 1", f"{score['label']} of run 2"} <= {str(row[0]) for row in table.rows}


def test_what_cannot_be_compared(both: Path, tmp_path: Path) -> None:
    one = saved(tmp_path / "one", example.results())
    with pytest.raises(InputError, match="two runs at least"):
        compare_runs([one], tmp_path / "out")
    with pytest.raises(InputError, match="name each run once"):
        compare_runs([one, one], tmp_path / "out")
    with pytest.raises(InputError, match="is a comparison itself"):
        compare_runs([one, both], tmp_path / "out")
    assert not (tmp_path / "out").exists()
