"""Reports of real results: what the other rooms return is understood, and results.json alone gives the same report."""

import json
from pathlib import Path

import pytest

import formsearch as fs
from formsearch.report import report, rerender
from formsearch.report.collect import document
from formsearch.report.schema import parse
from tests.report.reader import Page


@pytest.fixture(scope="module")
def points() -> fs.Points:
    from formsearch.data import load

    return load("zhao2025")


@pytest.fixture(scope="module")
def board(points: fs.Points) -> object:
    from formsearch.compare import compare

    return compare(points, laws=["zhao2025_eq7", "chinchilla", "clark2022", "abnar2025"], starts=4, resamples=200)


def test_a_leaderboard_and_its_derivation(points: fs.Points, board: object, tmp_path: Path) -> None:
    from formsearch.derive import derive

    fit = board.score("zhao2025_eq7").fit  # type: ignore[attr-defined]
    found = derive(fit.law, fit, resamples=20)
    files = report([points, board, found], tmp_path / "a", command="formsearch run zhao2025")
    assert files[0].name == "report.html"
    page = Page(files[0].read_text(encoding="utf-8"))
    assert "simulated" in page.text("h1")[0]
    assert {"parity.svg", "extrapolation.svg", "design-crossing.svg", "residuals-N.svg"} <= {f.name for f in files}
    results = parse(json.loads((tmp_path / "a" / "results.json").read_text(encoding="utf-8")))
    assert len(results.points[0].columns["N"]) == 446
    assert [n.law for n in results.leaderboards[0].not_applicable] == ["clark2022"]
    assert results.fits[0].law == results.leaderboards[0].best == "zhao2025_eq7"
    assert results.fits[0].resamples is not None
    assert results.fits[0].resamples.n == 400
    again = rerender(tmp_path / "a", tmp_path / "b")
    assert all(p.read_bytes() == (tmp_path / "a" / p.relative_to(tmp_path / "b")).read_bytes() for p in again)


def test_points_are_found_in_the_rows_of_a_board_alone(board: object, points: fs.Points) -> None:
    record = document([board])["points"][0]
    assert record["hash"] == points.hash
    assert record["simulated"] == points.simulated
    assert len(record["row_numbers"]) == 268 + 88
    first = record["row_numbers"].index(int(points.rows[0]))
    assert record["columns"]["N"][first] == points.factors["N"][0]


def test_a_fit_alone(points: fs.Points, tmp_path: Path) -> None:
    fitted = fs.fit(fs.laws["chinchilla"], points.only("fit"), starts=4)
    page = Page(report(fitted, tmp_path)[0].read_text(encoding="utf-8"))
    assert page.text("h1") == ["Fit of chinchilla to zhao2025[fit] (simulated losses)"]
    assert "Constants of chinchilla (simulated losses)." in page.text("caption")


def test_a_search(points: fs.Points, tmp_path: Path) -> None:
    from formsearch.search import search

    front = search(points.only("fit"), seconds=3, seed=0, generations=2)
    page = Page(report([front], tmp_path)[0].read_text(encoding="utf-8"))
    assert "The search for a new form" in page.text("h2")
    assert any(c.law.name in page.text("th") for c in front.candidates)


def test_results_given_as_dictionaries_are_the_same_as_objects(board: object, tmp_path: Path) -> None:
    record = {**board.to_dict()}  # type: ignore[attr-defined]
    page = Page(report([record], tmp_path)[0].read_text(encoding="utf-8"))
    assert "Leaderboard" in page.text("h2")
    assert not [t for t in page.text("h2") if t.startswith("How ")]  # no rows, no pictures of the fit
