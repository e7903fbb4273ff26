"""`formsearch compare`: the true law wins on exact runs; the built-in data rank as they were made."""

import pytest


def test_the_true_form_wins_by_extrapolation(cli, runs) -> None:
    done = cli("compare", runs, "--laws", "chinchilla,kaplan2020,kaplan2020_size", "--json")
    assert done.code == 0
    board = done.result
    assert board["best"] == "chinchilla"
    assert board["split"].startswith("ordered by C")
    assert board["scores"][0]["test"]["mae"] < 1e-6


def test_nested_forms_rank_by_what_they_leave_out(cli) -> None:
    done = cli("compare", "zhao2025", "--laws", "zhao2025,zhao2025_eq9,zhao2025_eq7,zhao2025_eq4", "--json")
    scores = {s["law"]: s for s in done.result["scores"]}
    in_sample = [scores[name]["train"]["mae"] for name in ("zhao2025", "zhao2025_eq9", "zhao2025_eq7", "zhao2025_eq4")]
    assert in_sample == sorted(in_sample)
    held_out = [scores[name]["test"]["mae"] for name in ("zhao2025", "zhao2025_eq7", "zhao2025_eq4")]
    assert held_out == sorted(held_out)
    assert scores["zhao2025"]["test"]["mae"] < 0.0068
    assert done.result["points"]["simulated"].startswith("simulated from Eq. 11")


def test_laws_that_cannot_be_fed_are_listed_with_the_reason(cli, runs) -> None:
    done = cli("compare", runs, "--laws", "chinchilla,zhao2025")
    assert done.code == 0
    assert "zhao2025" in done.out
    assert "active_experts" in done.out


def test_nothing_applicable_is_bad_input(cli, runs) -> None:
    done = cli("compare", runs, "--laws", "zhao2025")
    assert (done.code, done.out) == (2, "")
    assert "no law could be judged on these points; zhao2025:" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--laws", "chinchila"], "did you mean 'chinchilla'"),
        (["--split", "odered:C"], "unknown split 'odered': did you mean 'ordered'"),
        (["--split", "ordered:C:2"], "test must be a share between 0 and 1"),
        (["--split", "column:fit:validation"], "split"),
        (["--metric", "mea"], "did you mean 'mae'"),
    ],
)
def test_bad_requests_are_one_line(cli, runs, words, message) -> None:
    done = cli("compare", runs, *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err
