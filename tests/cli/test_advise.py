"""`formsearch advise`: runs within the budget, from named laws or from those that a comparison leaves standing."""

import pytest


def test_named_laws_and_a_quantity(cli) -> None:
    done = cli("advise", "zhao2025", "--where", "split == 'fit'", "--laws", "zhao2025,zhao2025_eq9",
               "--quantity", "G_opt=sqrt(f/e)", "--budget", "1e20", "--runs", "3", "--json")  # fmt: skip
    assert done.code == 0
    assert done.result["law"] == "zhao2025"
    aims = {aim["what"]: aim for aim in done.result["aims"]}
    assert next(iter(aims)) == "zhao2025_eq9"
    assert aims["G_opt"]["value"] == pytest.approx(6.563, abs=0.01)
    assert aims["G_opt"]["after"] < aims["G_opt"]["before"]
    for aim in aims.values():
        assert 0 < sum(run["times"] for run in aim["runs"]) <= 3
        assert sum(run["times"] * run["cost"] for run in aim["runs"]) <= 1e20 * (1 + 1e-9)


def test_without_laws_the_leading_ones_are_found_and_told(cli, runs, tmp_path) -> None:
    done = cli("advise", runs, "--out", tmp_path / "out")
    assert done.code == 0
    assert "leading law" in done.out
    assert "FLOPs for each aim" in done.out
    assert "What to run next" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--budget", "1"], "no run costs less than the budget of 1 FLOPs"),
        (["--budget", "-3"], "budget must be positive"),
        (["--quantity", "sqrt(f)"], "--quantity"),
        (["--quantity", "x=__import__('os')"], "not allowed"),
        (["--laws", "chinchila"], "did you mean 'chinchilla'"),
    ],
)
def test_bad_requests_are_one_line(cli, runs, words: list[str], said: str) -> None:
    done = cli("advise", runs, *(["--laws", "chinchilla"] if "--laws" not in words else []), *words)
    assert done.code == 2
    assert said in done.err
    assert done.err.strip().splitlines()[-1].startswith("error: ")
